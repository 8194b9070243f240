//! `gosling version`

use std::io::Write;
use std::sync::LazyLock;

use clap::Args;
use serde_json::json;

use crate::terminal::Exit;
use crate::{Failure, Host};

/// The version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that was built, where the build says it: `GOSLING_COMMIT=$(git rev-parse --short HEAD) cargo build`.
const COMMIT: Option<&str> = option_env!("GOSLING_COMMIT");
/// Show the version and the commit that was built
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling version
  gosling version --json")]
pub(crate) struct VersionArgs {}

/// What `--version` shows after the name: `0.1.0 (1a2b3c4)`.
pub(super) static LINE: LazyLock<String> =
    LazyLock::new(|| COMMIT.map_or_else(|| VERSION.to_owned(), |commit| format!("{VERSION} ({commit})")));

pub(crate) fn cmd_version(host: &mut Host, _: &VersionArgs) -> Result<Exit, Failure> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    if host.asked.json {
        let version =
            json!({ "version": VERSION, "commit": COMMIT, "system": system, "processor": processor });
        host.document(version)?;
        return Ok(Exit::Clean);
    }
    writeln!(host.out, "gosling {} on {system}, {processor}", *LINE)?;
    Ok(Exit::Clean)
}
