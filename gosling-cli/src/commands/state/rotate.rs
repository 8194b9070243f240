//! `gosling state rotate`

use clap::Args;
use gosling_engine::journal::Entry;
use gosling_engine::{Lease, State, recover};

use super::settled;
use crate::render::counted;
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure};
use crate::{Failure, Host};
use gosling_deploy::{Rotation, StateLocation};

/// Encrypt the state, its history and the secrets again, for the present recipients
/// Run it after a change of `nest { secrets { recipients } }` or of `state { encrypted }`. A removed recipient can no
/// longer decrypt anything, but may have older copies: replace the secrets that they knew.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state rotate              after `recipients` or `encrypted` was changed
  gosling state rotate --nest lab")]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn rotate(host: &mut Host, args: &RotateArgs) -> Result<Exit, Failure> {
    let rotation = StateLocation::rotation(&host.environment, &args.engine.workspace(host)?).await?;
    let at = rotation.at();
    let Rotation {
        sealed,
        recipients,
        encrypted,
        ..
    } = rotation;
    let work = async |host: &mut Host, lease: &Lease, state: State, open: &[Entry]| {
        let locked = &**lease.locked();
        let words = format!(
            "the states are encrypted for {}",
            counted(recipients.len(), "recipient")
        );
        at.note(&host.environment, "gosling state rotate", words, lease)
            .await?;
        let snapshot = locked.load().await?;
        if !snapshot.journal.is_empty() {
            // Its outcomes go into the state, and what is open is written anew: what it holds is encrypted for those of
            // before.
            let settled = recover::settle(locked, state, &recover::ops(open)).await;
            settled.map_err(failure)?;
        }
        let rotated = sealed.rotate(locked, lease).await;
        rotated.map_err(Failure::from)
    };
    let rotated = settled(host, &at, "gosling state rotate", |_| false, work);
    let rotated = rotated.await?;
    let whom = recipients.join(", ");
    match (rotated.states, encrypted) {
        (0, _) => {}
        (states, true) => host.done(format_args!(
            "{} can be opened by {whom} and nobody else",
            counted(states, "state")
        ))?,
        (1, false) => host.done("1 state is plain text now")?,
        (states, false) => host.done(format_args!("{states} states are plain text now"))?,
    }
    if rotated.secrets {
        host.done(format_args!(
            "the secrets can be opened by {whom} and nobody else"
        ))?;
    }
    if rotated.states == 0 && !rotated.secrets {
        host.done("nothing here is encrypted, and the Nest asks for no encryption")?;
    }
    Ok(Exit::Clean)
}
