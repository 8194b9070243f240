//! `gosling state abandon`

use clap::Args;
use gosling_engine::journal::{Entry, Record, frame};
use gosling_engine::recover;
use gosling_resource::Address;

use crate::questions::agreed;
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure, under_lock};
use crate::{Failure, Host};
use gosling_deploy::{StateLocation, holder};

/// Give up an operation of an earlier run that can no longer be recovered
///
/// For a service that is gone for good. In all other cases `gosling apply` recovers it and loses nothing. What the operation may
/// have made stays where it is, and gosling does not know of it any more.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state abandon 'egg.app.vm[0]'")]
pub(crate) struct AbandonArgs {
    /// The resource whose operation is given up
    address: Address,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn abandon(host: &mut Host, args: &AbandonArgs) -> Result<Exit, Failure> {
    let at = StateLocation::find(&host.environment, &args.engine.workspace(host)?).await?;
    at.may_be_edited().await?;
    let who = holder(&host.environment, "gosling state abandon");
    under_lock(host, &at, &who, async |host, lease| {
        let locked = &**lease.locked();
        let snapshot = locked.load().await?;
        let (state, open) = at.read(&snapshot)?;
        let (given_up, others): (Vec<Entry>, Vec<Entry>) = open
            .into_iter()
            .partition(|entry| entry.operation.address == args.address);
        let given_up: Vec<_> = given_up.iter().map(|entry| &entry.operation).collect();
        if given_up.is_empty() {
            return Err(
                Failure::wrong_use(format!("no operation of {} is open", args.address))
                    .hint("`gosling plan` shows what is"),
            );
        }
        for operation in &given_up {
            let id = operation.id.as_ref().or(operation.reserved.as_ref());
            let id = id.map(|id| format!(", possibly as {id}")).unwrap_or_default();
            host.say(format_args!(
                "the {} of {} at `{}`{id}; what it made carries `{}`",
                operation.verb, operation.address, operation.provider, operation.marker
            ))?;
        }
        if !args.yes {
            if !host.interactive {
                return Err(Failure::wrong_use(
                    "standard input is not a terminal, so gosling cannot ask whether to give that up",
                )
                .hint("`gosling apply` recovers it and loses nothing; `--yes` gives it up without asking"));
            }
            if !agreed(host, "Give that up? You must delete what it created.")? {
                host.done("nothing was changed")?;
                return Ok(Exit::Problems);
            }
            at.may_be_edited().await?;
        }
        let words = format!("{} open operations are given up", given_up.len());
        at.note(&host.environment, "gosling state abandon", words, lease)
            .await?;
        for operation in &given_up {
            let record = Record::Failed {
                op: operation.op.clone(),
                message: "given up by hand".to_owned(),
            };
            let bytes = frame(&record).map_err(failure)?;
            locked.append(&bytes).await?;
        }
        let settled = recover::settle(locked, state, &recover::ops(&others)).await;
        settled.map_err(failure)?;
        host.done(format_args!("{} is given up", args.address))?;
        Ok(Exit::Clean)
    })
    .await
}
