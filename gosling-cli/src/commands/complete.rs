//! Completion of words that depend on the Nest: eggs, addresses, presets, codes.
//!
//! The script that `gosling completions` prints asks `gosling` itself, with the shell's name in GOSLING_COMPLETE and the
//! words so far behind `--`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::env::Shells;

use super::{Cli, candidates};
use crate::terminal::lexical;
use crate::{Failure, Host};

/// The variable in which a shell's script says which shell it is.
pub(super) const VARIABLE: &str = "GOSLING_COMPLETE";

/// Answers a shell's question, where this process was started with one.
pub(super) fn answered(args: &[OsString], host: &mut Host) -> Result<bool, Failure> {
    let shells = Shells::builtins();
    let shell = host
        .environment
        .variables
        .get(VARIABLE)
        .and_then(|name| shells.completer(name));
    let (Some(shell), Some(dashes)) = (shell, args.iter().position(|word| word == "--")) else {
        return Ok(false);
    };
    let words = args.get(dashes + 1..).unwrap_or_default().to_vec();
    let named = words.iter().enumerate().find_map(|(at, word)| {
        let next = || words.get(at + 1).map(PathBuf::from);
        match word.to_str()? {
            "-C" | "--nest" => next(),
            word => word.strip_prefix("--nest=").map(PathBuf::from),
        }
    });
    let start = lexical(&host.path(named.unwrap_or_default()));
    candidates::look_in(start);
    let mut command = Cli::command();
    command.build();
    let mut answer = Vec::new();
    shell.write_complete(&mut command, words, Some(&host.environment.folder), &mut answer)?;
    host.out.write_all(&answer)?;
    host.out.flush()?;
    Ok(true)
}
