//! `gosling import`

use clap::Args;
use gosling_engine::{Known, Lease, recover};
use gosling_resource::Address;

use super::{Context, Exit};
use crate::engine::{EngineArgs, Session, failure, holder, under_lock};
use crate::{Failure, Host};

/// Add a resource that exists already to the state
///
/// The Nest must have this address. Changes nothing outside; the next plan shows what apply would change about it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling import egg.app.runner 42           a runner record of GitLab, by its number
  gosling import 'egg.app.hook[17]' 17/3     a webhook: project and number
  gosling import 'egg.app.vm[0]' pve1/5001   a virtual machine: node and VMID")]
pub(crate) struct ImportArgs {
    /// The address that the Nest gives it
    #[arg(add = super::complete::addresses())]
    address: Address,
    /// What the API calls it
    id: String,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_import(host: &mut Host, context: Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let Some(mut session) = Session::open(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    super::block_on(async {
        let (at, who) = (session.at.clone(), holder(host, "gosling import"));
        under_lock(host, &at, &who, async |host, lease| {
            import(host, &mut session, lease, args).await
        })
        .await
    })
}

async fn import(
    host: &mut Host,
    session: &mut Session,
    lease: &Lease,
    args: &ImportArgs,
) -> Result<Exit, Failure> {
    let locked = &**lease.locked();
    let snapshot = locked.load().await.map_err(failure)?;
    let (mut state, open) = session.at.read(&snapshot)?;
    if !open.is_empty() {
        return Err(Failure::wrong_use("an earlier run has not ended")
            .hint("`gosling apply` settles it; then try again"));
    }
    let address = &args.address;
    if state.resources.contains_key(address) {
        return Err(Failure::wrong_use(format!("{address} is in the state already"))
            .hint(format!("gosling state show '{address}'")));
    }
    let wanted = session.wanted().await?;
    let resource = wanted.get(address).ok_or_else(|| {
        Failure::wrong_use(format!("the Nest asks for no {address}"))
            .hint("`gosling graph` shows what it asks for")
    })?;
    let known = Known {
        kind: &resource.kind,
        id: &args.id,
        // An empty one is not looked for: what is imported was made by somebody else.
        marker: "",
        properties: &resource.properties,
    };
    let provider = session.provider(&resource.provider)?;
    let observed = provider.read(&session.context(), &known).await;
    let observed = observed
        .and_then(gosling_engine::Presence::decided)
        .map_err(|error| crate::engine::call_failure(&error))?;
    let observed =
        observed.ok_or_else(|| Failure::wrong_use(format!("there is no {} {}", resource.kind, args.id)))?;
    session
        .at
        .note_by_hand(host, "gosling import", state.serial, lease)
        .await?;
    state.import(resource, observed);
    recover::settle(locked, state).await.map_err(failure)?;
    host.say(format_args!(
        "{address} is {} now; `gosling plan` shows what apply would change about it",
        args.id
    ))?;
    Ok(Exit::Clean)
}
