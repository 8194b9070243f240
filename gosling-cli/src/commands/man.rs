//! `gosling man`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Cli;
use crate::terminal::Exit;
use crate::{Failure, Host};

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling man ~/.local/share/man/man1   then `man gosling-apply`")]
pub(crate) struct ManArgs {
    /// The folder, which is made where there is none
    folder: PathBuf,
}

pub(crate) fn cmd_man(host: &mut Host, args: &ManArgs) -> Result<Exit, Failure> {
    let folder = host.path(&args.folder);
    std::fs::create_dir_all(&folder).map_err(Failure::file("make", &folder))?;
    clap_mangen::generate_to(Cli::command(), &folder).map_err(Failure::file("write", &folder))?;
    let shown = args.folder.display();
    match host.asked.json {
        true => host.document(serde_json::json!({ "folder": shown.to_string() }))?,
        false => writeln!(host.out, "the manual pages are in {shown}")?,
    }
    Ok(Exit::Clean)
}
