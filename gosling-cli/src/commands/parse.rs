//! Reads the arguments.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory, FromArgMatches, ValueEnum};

use super::{Cli, Color, HELP_WIDTH, groups};
use crate::terminal::Exit;
use crate::{Failure, Host};

/// Reads the arguments; what ends here is help, the version and wrong use.
pub(super) fn parse(args: &[OsString], host: &mut Host) -> Result<Cli, Result<Exit, Failure>> {
    let color = color_of(args);
    if let Some(failure) = one_dash(args) {
        return Err(Err(failure));
    }
    let mut command = groups::grouped(Cli::command()).color(ColorChoice::Always);
    if host.out_is_terminal {
        command = command.term_width(host.width().min(HELP_WIDTH));
    }
    let matches = command.try_get_matches_from_mut(args);
    matches
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command)))
        .map_err(|error| {
            let asked = !error.use_stderr();
            let terminal = if asked {
                host.out_is_terminal
            } else {
                host.err_is_terminal
            };
            let colored = color.on(host, terminal);
            let stream = if asked { &mut host.out } else { &mut host.err };
            let text = error.render();
            let text = if colored {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            stream.write_all(text.as_bytes())?;
            if error.kind() == ErrorKind::InvalidSubcommand {
                let names = subcommands(&command, args).join(", ");
                writeln!(stream, "\nThere are: {names}.")?;
            }
            host.out.flush()?;
            Ok(if asked { Exit::Clean } else { Exit::WrongUse })
        })
}

/// What could have stood where `args` names a command that is not there.
fn subcommands<'c>(root: &'c clap::Command, args: &[OsString]) -> Vec<&'c str> {
    let words = args.iter().skip(1).filter_map(|word| word.to_str());
    let mut command = root;
    for word in words {
        command = command.find_subcommand(word).unwrap_or(command);
    }
    command.get_subcommands().map(clap::Command::get_name).collect()
}

/// `--color`, before the arguments are known to make sense.
pub(super) fn color_of(args: &[OsString]) -> Color {
    let mut words = args.iter().filter_map(|arg| arg.to_str());
    while let Some(word) = words.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => words.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(color) = value.and_then(|value| Color::from_str(value, false).ok()) {
            return color;
        }
    }
    Color::Auto
}

/// The command that the arguments name, though they could not be read.
pub(super) fn command_of(args: &[OsString]) -> Option<&str> {
    let root = Cli::command();
    let mut words = args.iter().skip(1).filter_map(|word| word.to_str());
    words.find(|word| root.find_subcommand(word).is_some())
}

/// Refuses a long option with one dash, as Terraform writes them. `-out=x` would be `-o` with the value `ut=x`.
fn one_dash(args: &[OsString]) -> Option<Failure> {
    let root = Cli::command();
    let mut command = &root;
    let words = args.iter().skip(1).map_while(|word| match word.to_str() {
        Some("--") => None,
        word => Some(word.unwrap_or_default()),
    });
    for word in words {
        let Some(option) = word.strip_prefix('-') else {
            command = command.find_subcommand(word).unwrap_or(command);
            continue;
        };
        let name = option.split('=').next().unwrap_or(option);
        let globals = root.get_arguments().filter(|known| known.is_global_set());
        let mut known = command.get_arguments().chain(globals);
        let is_long = |known: &clap::Arg| {
            let aliases = known.get_all_aliases().unwrap_or_default();
            known.get_long() == Some(name) || aliases.contains(&name)
        };
        if name.len() > 1 && known.any(is_long) {
            let failure = Failure::wrong_use(format!("`-{name}`: a long option has two dashes"));
            return Some(failure.hint(format!("write `-{word}`")));
        }
    }
    None
}
