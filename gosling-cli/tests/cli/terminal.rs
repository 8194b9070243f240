//! `gosling` on a terminal of its own.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::Folder;

/// A terminal of so many columns: the side of the person, and the one of the program.
fn terminal(columns: u16) -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&person, size).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let program = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(person), program)
}

/// All that a person sees of a program whose output goes to the terminal.
fn seen(mut command: Command, columns: u16, typed: &str) -> String {
    let (mut person, program) = terminal(columns);
    person.write_all(typed.as_bytes()).unwrap();
    command
        .env_remove("COLUMNS")
        .stdin(Stdio::from(program.try_clone().unwrap()))
        .stdout(Stdio::from(program.try_clone().unwrap()))
        .stderr(Stdio::from(program));
    let mut child = command.spawn().unwrap();
    // The program's side is closed here, so that reading ends with the process.
    drop(command);
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = person.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
    }
    child.wait().unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    let folder = Folder::with(&[]);
    for columns in [50, 72, 200] {
        let mut command = folder.command(&["--color", "never", "plan", "--help"]);
        command.env("NO_COLOR", "1");
        let text = seen(command, columns, "");
        let about = text.split("Examples:").next().unwrap();
        let longest = about
            .lines()
            .map(|line| line.trim_end().chars().count())
            .max()
            .unwrap();
        let most = usize::from(columns).min(100);
        assert!(
            longest <= most && longest > most - 20,
            "{longest} of {columns}: {text}"
        );
    }
}

#[test]
fn a_columns_variable_counts_only_where_the_terminal_says_nothing() {
    let folder = Folder::with(&[]);
    let longest = |columns: u16| {
        let mut command = folder.command(&["apply", "--help"]);
        command.env("NO_COLOR", "1");
        let text = seen(command, columns, "");
        let about = text.split("Examples:").next().unwrap().to_owned();
        about
            .lines()
            .map(|line| line.trim_end().chars().count())
            .max()
            .unwrap()
    };
    assert!(longest(60) <= 60);
    // A terminal without a size is taken for one of 80 columns.
    assert!((61..=80).contains(&longest(0)));
}

#[test]
fn questions_are_asked_on_the_terminal() {
    let folder = Folder::with(&[]);
    let command = folder.command(&["init", "lab"]);
    let text = seen(command, 80, "infra\nproxmox\n");
    assert!(text.contains("Name of the Nest [lab]: "), "{text}");
    assert!(folder.read("lab/nest.fly").contains("name = \"infra\""));
}
