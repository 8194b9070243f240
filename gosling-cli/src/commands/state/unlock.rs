//! `gosling unlock`

use std::sync::Arc;

use clap::Args;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::{Locked, StoreError};

use crate::questions::agreed;
use crate::terminal::{EngineArgs, begin};
use crate::terminal::{Exit, block_on};
use crate::{Failure, Host};
use gosling_deploy::{StateLocation, released};

/// Take over the lock of a run that is gone
///
/// Shows who holds the lock and since when, asks, and takes it over. Its epoch is raised, so that a holder that comes
/// back can write no more. A lock in a folder ends with its process: a living one keeps it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling unlock              the lock of the Nest around the current folder
  gosling unlock --yes        without asking
  gosling unlock --nest lab")]
pub(crate) struct UnlockArgs {
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_unlock(host: &mut Host, args: &UnlockArgs) -> Result<Exit, Failure> {
    const COMMAND: &str = "gosling unlock";
    block_on(async {
        let at = StateLocation::as_stored(&host.environment, &args.engine.workspace(host)?).await?;
        at.is_of_this_nest().await?;
        let place = at.store.place();
        let holder = match at.take(&host.environment, COMMAND).await {
            Ok(locked) => {
                let epoch = release(host, locked.into()).await?;
                host.done(format_args!(
                    "the lock of {place} is free; its epoch is now {epoch}, and holders of earlier epochs can no longer write"
                ))?;
                return Ok(Exit::Clean);
            }
            Err(StoreError::Locked(holder)) => holder,
            Err(other) => return Err(other.into()),
        };
        let who = holder.map_or_else(|| "an unknown holder".to_owned(), |holder| holder.to_string());
        host.say(format_args!("the lock of {place} is held by {who}"))?;
        if !args.yes {
            if !host.interactive {
                return Err(Failure::wrong_use(
                    "standard input is not a terminal, so gosling cannot ask whether that holder is gone",
                )
                .hint("`gosling unlock --yes` takes the lock over without asking"));
            }
            let words = "Is that process gone for good? Taking its lock does not stop what it still does.";
            if !agreed(host, words)? {
                host.done("the lock was not taken over")?;
                return Ok(Exit::Problems);
            }
        }
        // A place that holds no state yet stays empty, so that one can be moved there.
        if at.is_worked_with().await? {
            let what = format!("the lock of {who} is taken over");
            at.note(&host.environment, COMMAND, what, &Unfenced).await?;
        }
        let locked = match at.take_over(&host.environment, COMMAND).await {
            Err(StoreError::Locked(_)) => {
                return Err(Failure::wrong_use(format!("{who} is at work"))
                    .hint("a lock in a folder ends with its process: wait for it, or end it there"));
            }
            other => other?,
        };
        let epoch = release(host, locked.into()).await?;
        host.done(format_args!(
            "the lock was taken over and is free; its epoch is now {epoch}, and the old holder can no longer write"
        ))?;
        Ok(Exit::Clean)
    })
}

/// Gives a lock back once nobody from whom it was taken can still send anything. Its epoch.
async fn release(host: &mut Host, locked: Arc<dyn Locked>) -> Result<u64, Failure> {
    let outcome = begin(host, &locked).await.map(|lease| lease.locked().epoch());
    released(&*locked, outcome).await
}
