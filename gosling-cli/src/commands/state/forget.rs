//! `gosling state rm`

use clap::Args;
use gosling_engine::journal::Entry;
use gosling_engine::{Lease, State, recover};
use gosling_resource::Address;

use super::settled;
use crate::render::counted;
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure};
use crate::{Failure, Host, questions};
use gosling_deploy::StateLocation;

const COMMAND: &str = "gosling state rm";

/// Forget resources without deleting them
///
/// Takes addresses and whole blocks, as `--target` does. It asks before it forgets more than the one resource that an
/// address names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state rm egg.app.runner          one resource
  gosling state rm egg.app                 a whole egg
  gosling state rm 'egg.app.vm[*]' --yes   all of its machines, without asking")]
pub(crate) struct ForgetArgs {
    /// Which: egg.app, egg.app.vm, 'egg.app.vm[0]', 'egg.app*'
    #[arg(required = true, value_name = "ADDR", add = crate::commands::candidates::targets())]
    targets: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn forget(host: &mut Host, args: &ForgetArgs) -> Result<Exit, Failure> {
    let at = StateLocation::find(&host.environment, &args.engine.workspace(host)?).await?;
    // A state that is missing or old is not changed by hand: that would make it look like the latest.
    at.peek().await?;
    let concerned = |entry: &Entry| {
        let is_meant = |address: &Address| args.targets.iter().any(|target| address.is_within(target));
        let mut needs = entry.depends_on.iter().filter_map(|text| text.parse().ok());
        is_meant(&entry.operation.address) || needs.any(|address| is_meant(&address))
    };
    let work = async |host: &mut Host, lease: &Lease, mut state: State, open: &[Entry]| {
        let meant = meant(&state, &args.targets)?;
        let by_name = |address: &Address| args.targets.contains(&address.to_string());
        if !args.yes && !meant.iter().all(by_name) && !agreed(host, &state, &meant)? {
            host.done("nothing was changed")?;
            return Ok(Exit::Problems);
        }
        for address in &meant {
            state.forget(address);
        }
        at.note_by_hand(&host.environment, COMMAND, state.serial, lease)
            .await?;
        let settled = recover::settle(&**lease.locked(), state, &recover::ops(open)).await;
        settled.map_err(failure)?;
        for address in &meant {
            host.done(format_args!(
                "{address} is removed from the state; what was created stays where it is"
            ))?;
        }
        Ok(Exit::Clean)
    };
    settled(host, &at, COMMAND, concerned, work).await
}

/// The resources of the state that these targets mean; each must mean one at least.
fn meant(state: &State, targets: &[String]) -> Result<Vec<Address>, Failure> {
    for target in targets {
        if !state.resources.keys().any(|address| address.is_within(target)) {
            return Err(Failure::wrong_use(format!("{target} is not in the state"))
                .hint("`gosling state list` shows what is"));
        }
    }
    let meant = state.resources.keys();
    Ok(meant
        .filter(|address| address.is_among(targets))
        .cloned()
        .collect())
}

/// Lists what would be forgotten, and asks.
fn agreed(host: &mut Host, state: &State, meant: &[Address]) -> Result<bool, Failure> {
    for address in meant {
        let held = &state.resources[address];
        host.say(format_args!("{address}  {} {}", held.kind, held.id))?;
    }
    let count = counted(meant.len(), "resource");
    if !host.interactive {
        return Err(
            Failure::wrong_use(format!("this forgets {count}, and nobody is here to agree"))
                .hint("`--yes` forgets them without asking"),
        );
    }
    questions::agreed(host, &format!("Forget {count}? What was made stays where it is."))
}
