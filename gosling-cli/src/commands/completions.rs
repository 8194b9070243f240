//! `gosling completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit};
use crate::{Failure, Host};

/// Print a completion script for a shell
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
    // Written to memory first: the generator panics where a stream fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gosling", &mut script);
    host.out.write_all(&script)?;
    Ok(Exit::Clean)
}
