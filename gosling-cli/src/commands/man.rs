//! `gosling man`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Cli;
use crate::output::{self, Kind};
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
    let made = tempfile::tempdir()?;
    clap_mangen::generate_to(Cli::command(), made.path()).map_err(Failure::file("write", made.path()))?;
    let mut pages = Vec::new();
    for page in std::fs::read_dir(made.path())? {
        let page = page?;
        let path = output::may_write(host, &folder.join(page.file_name()), Kind::Manual, None)?;
        pages.push((page.path(), path));
    }
    for (page, path) in pages {
        std::fs::copy(&page, &path).map_err(Failure::file("write", &path))?;
    }
    let shown = args.folder.display();
    match host.asked.json {
        true => host.document(serde_json::json!({ "folder": shown.to_string() }))?,
        false => writeln!(host.out, "the manual pages are in {shown}")?,
    }
    Ok(Exit::Clean)
}
