//! `gosling state pull` and `gosling state push`

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use gosling_engine::journal::Entry;
use gosling_engine::{Lease, State, StateError, audit, recover};

use super::settled;
use crate::output::{self, Kind};
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure};
use crate::{Failure, Host};
use gosling_deploy::StateLocation;
use gosling_deploy::{LARGEST, read_named};

/// The state as JSON, as it was saved and with what its journal says is done
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state pull | jq '.resources | keys'
  gosling state pull -o state.json              a copy that only you can read")]
pub(crate) struct PullArgs {
    /// Write it to this file, which only you can read
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Put a state in the place of the present one, which goes into the history
///
/// It must be of this Nest and not older than the present one; nothing outside changes. It may be edited: then its
/// digest does not match, which is said.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state push state.json
  gosling state push --force state.json         back to an older one; `gosling plan` says what that means")]
pub(crate) struct PushArgs {
    /// What `gosling state pull` wrote
    file: PathBuf,
    /// Even a state of another lineage, or an older one
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn pull(host: &mut Host, args: &PullArgs) -> Result<Exit, Failure> {
    let at = StateLocation::find(&host.environment, &args.engine.workspace(host)?).await?;
    let (state, open) = at.peek().await?;
    if state.lineage.is_empty() {
        return Err(Failure::wrong_use(format!(
            "there is no state in {}",
            at.store.place()
        )));
    }
    match &args.out {
        Some(path) => {
            let path = output::write(host, path, Kind::State, at.store.folder(), &state.to_bytes())?;
            host.done(format_args!(
                "{}: {} resources, serial {}",
                path.display(),
                state.resources.len(),
                state.serial
            ))?;
        }
        None => host.out.write_all(&state.to_bytes())?,
    }
    if !open.is_empty() {
        host.say(format_args!(
            "{} operations of an earlier run have not ended and are not in it; `gosling apply` recovers them",
            open.len()
        ))?;
    }
    Ok(Exit::Clean)
}

pub(super) async fn push(host: &mut Host, args: &PushArgs) -> Result<Exit, Failure> {
    let path = host.path(&args.file);
    let (given, edited) = read(&path)?;
    if edited {
        host.say(format_args!(
            "note: {} does not match its digest, so it was edited: what it says now is pushed",
            path.display()
        ))?;
    }
    let at = StateLocation::find(&host.environment, &args.engine.workspace(host)?).await?;
    let work = async |host: &mut Host, lease: &Lease, present: State, _: &[Entry]| {
        may_push(args, &path, &given, &present)?;
        if given.lineage == present.lineage && given.resources == present.resources {
            host.done("the state there is the same: nothing is pushed")?;
            return Ok(Exit::Clean);
        }
        let trail = audit::trail(&*at.store).await?;
        let (kept, _) = at.kept().await?;
        let kept = kept.iter().map(|state| state.serial);
        // Always a new serial: no plan that was made before may be applied to it.
        let serials = kept.chain([given.serial, present.serial, trail.serial]);
        let next = State {
            serial: serials.max().unwrap_or_default(),
            nest: present.nest.clone(),
            ..given.clone()
        };
        let words = format!(
            "the state with serial {} replaces the one with serial {}",
            given.serial, present.serial
        );
        at.note(&host.environment, "gosling state push", words, lease)
            .await?;
        let saved = recover::settle(&**lease.locked(), next, &BTreeSet::new()).await;
        let saved = saved.map_err(failure)?;
        host.done(format_args!(
            "pushed {} resources as serial {}; the state before is in `gosling state history`",
            saved.resources.len(),
            saved.serial
        ))?;
        Ok(Exit::Clean)
    };
    settled(host, &at, "gosling state push", |_| true, work).await
}

/// Refuses another Nest's state and an older one, unless it is forced.
fn may_push(args: &PushArgs, path: &Path, given: &State, present: &State) -> Result<(), Failure> {
    let why = if args.force {
        return Ok(());
    } else if !given.nest.is_empty() && given.nest != present.nest {
        format!(
            "this is the state of the Nest `{}`, and the present one is that of `{}`",
            given.nest, present.nest
        )
    } else if !present.lineage.is_empty() && given.lineage != present.lineage {
        format!(
            "this is the state of another Nest: its lineage is {}, that of the present one {}",
            given.lineage, present.lineage
        )
    } else if given.serial < present.serial {
        format!(
            "the state there is newer: its serial is {}, that of the file {}",
            present.serial, given.serial
        )
    } else {
        return Ok(());
    };
    Err(Failure::wrong_use(format!("{}: {why}", path.display()))
        .hint("`gosling state pull` shows what is there; `--force` pushes all the same"))
}

/// The state in a file, which holds together, and whether it was edited since gosling wrote it.
fn read(path: &Path) -> Result<(State, bool), Failure> {
    let bytes = read_named(path, LARGEST)?;
    let state = State::from_edited(&bytes);
    let state = state.map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
    if state.lineage.is_empty() {
        return Err(Failure::wrong_use(format!(
            "{}: the state has no lineage",
            path.display()
        )));
    }
    let edited = matches!(State::from_bytes(&bytes), Err(StateError::Damaged));
    Ok((state, edited))
}
