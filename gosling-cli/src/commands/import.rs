//! `gosling import`

use clap::Args;
use gosling_engine::{Lease, recover};
use gosling_resource::Address;

use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, failure, open_session, under_lock};
use crate::{Failure, Host};
use gosling_deploy::{Session, holder};

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
    #[arg(add = super::candidates::addresses())]
    address: Address,
    /// What the API calls it
    id: String,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_import(host: &mut Host, context: Context, args: &ImportArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        session.at.may_be_edited().await?;
        let (at, who) = (session.at.clone(), holder(&host.environment, "gosling import"));
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
    let snapshot = locked.load().await?;
    let (mut state, open) = session.at.read(&snapshot)?;
    let address = &args.address;
    if let Some(entry) = open.iter().find(|entry| entry.operation.address == *address) {
        return Err(gosling_deploy::still_open(entry).into());
    }
    if state.resources.contains_key(address) {
        return Err(Failure::wrong_use(format!("{address} is in the state already"))
            .hint(format!("gosling state show '{address}'")));
    }
    let wanted = session.all_wanted().await?;
    let resource = wanted.get(address).ok_or_else(|| {
        Failure::wrong_use(format!("the Nest asks for no {address}"))
            .hint("`gosling graph` shows what it asks for")
    })?;
    let observed = session.observe(resource, &args.id, "").await;
    let observed = observed.map_err(|error| not_there(error.into()))?;
    if let Some(own) = state.address_of(&resource.provider, &resource.kind, &observed.id) {
        return Err(
            Failure::wrong_use(format!("{} is in the state already, as {own}", observed.id)).hint(format!(
                "`gosling state mv {own} {address}` gives it this address"
            )),
        );
    }
    // What gosling made itself is recognised by its marker again.
    let marked = session.marked(resource, &observed.id).await;
    let marked = marked.filter(|marked| {
        let mut held = state.resources.values();
        !held.any(|held| held.marker == marked.marker)
    });
    session
        .at
        .note_by_hand(&host.environment, "gosling import", state.serial, lease)
        .await?;
    let unknown = session
        .take_in(&mut state, &wanted, resource, marked.as_ref(), observed)
        .await?;
    let settled = recover::settle(locked, state, &recover::ops(&open)).await;
    settled.map_err(failure)?;
    for words in unknown {
        host.say(words)?;
    }
    host.done(format_args!(
        "{address} is now {}; `gosling plan` shows what apply would change",
        args.id
    ))?;
    Ok(Exit::Clean)
}

/// Why what is imported could not be read, with what an id is like where nothing better is known.
fn not_there(failure: Failure) -> Failure {
    match failure.help() {
        Some(_) => failure,
        None => failure
            .hint("check the id: NODE/VMID for a machine (`pve1/100`), a number for a runner or a webhook"),
    }
}
