//! `gosling completions`

use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use super::complete::VARIABLE;
use crate::terminal::Exit;
use crate::{Failure, Host};

/// Print a completion script for a shell
///
/// The script asks gosling for each word, so that it completes the eggs, addresses and presets of the Nest too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling completions bash > ~/.local/share/bash-completion/completions/gosling
  gosling completions zsh > ~/.zfunc/_gosling
  gosling completions fish > ~/.config/fish/completions/gosling.fish")]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn cmd_completions(host: &mut Host, args: &CompletionsArgs) -> Result<Exit, Failure> {
    if host.asked.json {
        return Err(Failure::wrong_use(
            "a completion script is for a shell: it has no JSON form",
        ));
    }
    let name = args.shell.to_string();
    let shells = Shells::builtins();
    let shell = shells
        .completer(&name)
        .ok_or_else(|| Failure::wrong_use(format!("no script is known for {name}")))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "gosling", "gosling", "gosling", &mut script)?;
    host.out.write_all(&script)?;
    Ok(Exit::Clean)
}
