//! How gosling speaks: help, wrong use, colour, streams.

use std::process::Stdio;

use crate::support::Folder;

#[test]
fn every_command_has_help_with_examples() {
    let folder = Folder::with(&[]);
    let help = folder.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    let section = help
        .out
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let commands: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(commands.len() >= 9, "{commands:?}");
    let commands = commands.into_iter().map(|command| vec![command]);
    let kinds = ["egg", "eggsbucket", "job"].map(|kind| vec!["add", kind]);
    for mut command in commands.chain(kinds) {
        command.push("--help");
        let help = folder.run(&command);
        let command = command.join(" ");
        assert_eq!(help.code, 0, "{command}");
        assert!(
            help.out.contains("Examples:\n  gosling "),
            "{command}: {}",
            help.out
        );
    }
}

#[test]
fn a_misspelt_command_is_named() {
    let ran = Folder::with(&[]).run(&["validat"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("'validate'"), "{}", ran.err);
}

#[test]
fn where_no_such_command_is_there_all_are_named() {
    let folder = Folder::with(&[]);
    for (args, names) in [
        (&["frobnicate"][..], "\nThere are: init, add, validate, fmt, "),
        (
            &["--color", "never", "add", "frobnicate"],
            "\nThere are: egg, eggsbucket, job",
        ),
    ] {
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(names), "{}", ran.err);
    }
}

#[test]
fn the_version_is_data() {
    let ran = Folder::with(&[]).run(&["--version"]);
    assert_eq!(ran.out, format!("gosling {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn wrong_use_is_two_and_speaks_on_stderr() {
    let folder = Folder::with(&[]);
    let uses: [&[&str]; 6] = [
        &["validate", "--nope"],
        &["validate"],
        &["validate", "missing.fly"],
        &["fmt", "missing"],
        &["add"],
        &[],
    ];
    for args in uses {
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_never_under_no_color() {
    let folder = Folder::with(&[]);
    let escape = '\u{1b}';
    assert!(!folder.run(&["--help"]).out.contains(escape));
    assert!(folder.run(&["--color", "always", "--help"]).out.contains(escape));
    let quiet = folder
        .command(&["--color=always", "--help"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!String::from_utf8(quiet.stdout).unwrap().contains(escape));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = Folder::with(&[]);
    let mut child = folder
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn completions_know_the_commands() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(
            ran.out.contains("validate") && ran.out.contains("deny-warnings"),
            "{shell}"
        );
    }
}

#[test]
fn a_long_option_with_one_dash_is_refused_with_the_right_spelling() {
    let folder = Folder::with(&[]);
    for (args, wrong, right) in [
        (&["plan", "-out=x"][..], "`-out`", "`--out=x`"),
        (&["plan", "-out", "x"], "`-out`", "`--out`"),
        (&["plan", "-json"], "`-json`", "`--json`"),
        (&["apply", "-auto-approve"], "`-auto-approve`", "`--auto-approve`"),
        (&["state", "pull", "-out=x"], "`-out`", "`--out=x`"),
        (&["validate", "-color=never"], "`-color`", "`--color=never`"),
    ] {
        let ran = folder.run(args);
        assert!(ran.code == 1 || ran.code == 2, "{args:?}: {ran:?}");
        assert!(
            ran.err.contains(wrong) && ran.err.contains(right),
            "{args:?}: {ran:?}"
        );
        assert!(!folder.path("ut=x").exists());
    }
}

#[test]
fn examples_are_quoted_where_a_shell_would_read_them_otherwise() {
    let folder = Folder::with(&[]);
    for args in [
        &["state", "--help"][..],
        &["import", "--help"],
        &["plan", "--help"],
        &["apply", "--help"],
    ] {
        let help = folder.run(args).out;
        let examples = help.lines().filter(|line| line.starts_with("  gosling "));
        for line in examples {
            let command = line.trim_start().split("   ").next().unwrap();
            let bare: String = command.split('\'').step_by(2).collect();
            assert!(
                !bare.contains(['[', '*', '?', '<']) || bare.contains(" < "),
                "{line}"
            );
        }
    }
}
