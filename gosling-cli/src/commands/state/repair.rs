//! `gosling state repair`

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use gosling_engine::repair::Repair;
use gosling_engine::{Lease, audit, durable};

use crate::questions::agreed;
use crate::render::counted;
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure, under_lock};
use crate::{Failure, Host};
use gosling_deploy::{FOLDER, StateLocation, holder};

const COMMAND: &str = "gosling state repair";

/// Go on after the state or the journal was damaged or lost
///
/// Uses the latest state and the journal records that can be read, and reports what cannot. A backup is better: gosling
/// no longer knows what the lost part recorded, and it may still exist.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state repair                 report the damage, ask, continue
  gosling state repair --to 41         from the kept state of that serial: `gosling state history`
  gosling state repair --yes")]
pub(crate) struct RepairArgs {
    /// Continue from the state with this serial instead of the latest that can be read
    #[arg(long, value_name = "SERIAL")]
    to: Option<u64>,
    /// Where to keep the damaged journal [default: a new `journal.damaged` in the state's folder, or in .gosling]
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn repair(host: &mut Host, args: &RepairArgs) -> Result<Exit, Failure> {
    let at = StateLocation::either(&host.environment, &args.engine.workspace(host)?).await?;
    at.may_be_edited().await?;
    let who = holder(&host.environment, COMMAND);
    under_lock(host, &at, &who, async |host, lease| {
        under(host, args, &at, lease).await
    })
    .await
}

async fn under(
    host: &mut Host,
    args: &RepairArgs,
    at: &StateLocation,
    lease: &Lease,
) -> Result<Exit, Failure> {
    let salvage = at.store.salvage().await?;
    let trail = audit::trail(&*at.store).await?;
    let repair = Repair::of(&at.nest, &salvage, &trail, args.to).map_err(|error| {
        failure(error)
            .hint("`gosling state history` lists what is kept; `gosling state push FILE` puts a copy back")
    })?;
    let audit = at.audit_warning(salvage.state.is_some()).await?;
    if let Some(warning) = &audit {
        host.say(warning)?;
    }
    if repair.findings.is_empty() && args.to.is_none() {
        let nothing = if audit.is_some() {
            "nothing else"
        } else {
            "nothing"
        };
        host.done(format_args!(
            "{nothing} is damaged or missing in {}",
            at.store.place()
        ))?;
        return Ok(Exit::Clean);
    }
    let named = args.keep.as_ref().filter(|_| repair.drops_records());
    if let Some(path) = named.map(|named| host.path(named)).filter(|path| path.exists()) {
        return Err(is_there(&path));
    }
    for finding in &repair.findings {
        host.say(finding)?;
    }
    host.say(format_args!(
        "this continues from the state with serial {}: {}, {} of earlier runs to recover",
        repair.from,
        counted(repair.state.resources.len(), "resource"),
        counted(repair.open(), "operation"),
    ))?;
    host.say(
        "gosling will not know what was created after that or is recorded in the damaged part: `gosling orphans` finds it by its marker",
    )?;
    if !args.yes {
        if !host.interactive {
            return Err(Failure::wrong_use(
                "standard input is not a terminal, so gosling cannot ask whether to continue",
            )
            .hint("put it back from a backup; `--yes` continues without asking"));
        }
        if !agreed(host, "Continue from there?")? {
            host.done("nothing was changed")?;
            return Ok(Exit::Problems);
        }
    }
    if repair.drops_records() {
        let path = keep(host, args, at, &salvage.journal)?;
        host.done(format_args!("the damaged journal is kept in {}", path.display()))?;
    }
    let findings: Vec<String> = repair.findings.iter().map(ToString::to_string).collect();
    let from = repair.from;
    let words = format!(
        "repaired from the state of serial {from}: {}",
        findings.join("; ")
    );
    at.note(&host.environment, COMMAND, words, lease).await?;
    let saved = repair.carry_out(&**lease.locked()).await.map_err(failure)?;
    at.note_cut_off(lease).await?;
    host.done(format_args!(
        "the state has serial {} now; `gosling plan` shows what apply would do",
        saved.serial
    ))?;
    Ok(Exit::Clean)
}

fn is_there(path: &Path) -> Failure {
    Failure::wrong_use(format!("{} is there already", path.display()))
        .hint("`--keep FILE` names another file for the damaged journal")
}

/// Writes the journal as it is to a new file that only the user can read.
fn keep(host: &Host, args: &RepairArgs, at: &StateLocation, journal: &[u8]) -> Result<PathBuf, Failure> {
    if let Some(named) = &args.keep {
        let path = host.path(named);
        return match durable::create(&path, journal) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(is_there(&path)),
            made => made.map_err(Failure::file("write", &path)).map(|()| path),
        };
    }
    let folder = match at.store.folder() {
        Some(folder) => folder,
        None => args.engine.target(host)?.root.join(FOLDER),
    };
    durable::make_folder(&folder).map_err(Failure::file("make", &folder))?;
    let mut path = folder.join("journal.damaged");
    for number in 2.. {
        match durable::create(&path, journal) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = folder.join(format!("journal.damaged.{number}"));
            }
            made => {
                made.map_err(Failure::file("write", &path))?;
                break;
            }
        }
    }
    Ok(path)
}
