//! `gosling status`

use std::io::Write;

use clap::Args;
use gosling_engine::{Held, State};
use gosling_providers::gitlab::RunnerStatus;
use gosling_resource::Address;
use serde_json::{Value as Json, json};

use super::{Context, Exit};
use crate::engine::{EngineArgs, Session};
use crate::render::counted;
use crate::{Failure, Host};

/// Show whether runners are online, what they do, and how their machines are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling status            every egg
  gosling status app        one of them
  gosling status --json

Exit codes: 0 every runner is online, 1 one is not.")]
pub(crate) struct StatusArgs {
    /// Only this egg or eggsbucket
    #[arg(add = super::complete::eggs())]
    egg: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_status(host: &mut Host, context: Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let Some(session) = Session::open(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    super::block_on(async {
        let (state, open) = session.at.peek().await?;
        let wanted = |address: &Address| {
            args.egg
                .as_deref()
                .is_none_or(|egg| address.owner == egg || address.is_within(egg))
        };
        let mut list = Vec::new();
        let mut healthy = open.is_empty();
        for entry in &open {
            let operation = &entry.operation;
            let words = format!(
                "{}: an earlier run's {} has not ended; `gosling apply` settles it",
                operation.address, operation.verb
            );
            host.say(words)?;
        }
        for (address, held) in state.resources.iter().filter(|(address, _)| wanted(address)) {
            let (good, shown) = match held.kind.as_str() {
                "gitlab_runner" => runner(host, &session, address, held, args.json).await?,
                "proxmox_vm" => machine(host, &session, address, held, args.json).await?,
                _ => (
                    true,
                    json!({ "address": address, "kind": held.kind, "id": held.id }),
                ),
            };
            healthy &= good;
            list.push(shown);
        }
        if list.is_empty() {
            let words = match &args.egg {
                Some(egg) => format!("nothing has been made for `{egg}` yet: `gosling apply`"),
                None => "nothing has been made yet: `gosling apply`".to_owned(),
            };
            host.say(words)?;
        }
        if args.json {
            writeln!(host.out, "{:#}", Json::Array(list))?;
        }
        Ok(if healthy { Exit::Clean } else { Exit::Problems })
    })
}

async fn runner(
    host: &mut Host,
    session: &Session,
    address: &Address,
    held: &Held,
    json: bool,
) -> Result<(bool, Json), Failure> {
    let Ok(id) = held.id.parse::<i64>() else {
        return Err(Failure::wrong_use(format!(
            "{address} has the id {}, which is no number",
            held.id
        )));
    };
    let gitlab = session.gitlab_of(held)?;
    let status: RunnerStatus = match gitlab.runner_status(&session.context(), id).await {
        Ok(status) => status,
        Err(error) => {
            if !json {
                writeln!(host.out, "{address}: not known: {error}")?;
            }
            return Ok((
                false,
                json!({ "address": address, "kind": held.kind, "id": held.id, "error": error.to_string() }),
            ));
        }
    };
    let contact = word(status.contact);
    let machines: Vec<Json> = status
        .managers
        .iter()
        .map(|manager| {
            json!({ "system_id": manager.system_id, "contact": word(manager.contact), "contacted_at": manager.contacted_at,
                    "version": manager.version, "busy": manager.busy })
        })
        .collect();
    let jobs: Vec<Json> = status
        .jobs
        .iter()
        .map(|job| json!({ "id": job.id, "name": job.name, "status": job.status, "seconds": job.seconds }))
        .collect();
    if !json {
        let last = status.contacted_at.as_deref().unwrap_or("never");
        let busy = status.managers.iter().filter(|manager| manager.busy).count();
        let paused = if status.paused { ", paused" } else { "" };
        writeln!(
            host.out,
            "{address}: {contact}{paused}, last contact {last}, {} ({busy} busy), {}",
            counted(status.managers.len(), "machine"),
            counted(status.jobs.len(), "job")
        )?;
    }
    let good = status.contact == gosling_providers::gitlab::Contact::Online;
    let shown = json!({ "address": address, "kind": held.kind, "id": held.id, "contact": contact, "paused": status.paused,
                        "contacted_at": status.contacted_at, "machines": machines, "jobs": jobs });
    Ok((good, shown))
}

fn word(contact: gosling_providers::gitlab::Contact) -> &'static str {
    use gosling_providers::gitlab::Contact;
    match contact {
        Contact::Online => "online",
        Contact::Offline => "offline",
        Contact::Stale => "stale",
        Contact::NeverContacted => "never_contacted",
    }
}

async fn machine(
    host: &mut Host,
    session: &Session,
    address: &Address,
    held: &Held,
    json: bool,
) -> Result<(bool, Json), Failure> {
    let Some(proxmox) = session.proxmox(&held.provider) else {
        return Err(Failure::wrong_use(format!(
            "{address} was made by `{}`, which the Nest no longer has",
            held.provider
        )));
    };
    match proxmox.machine(&session.context(), &held.id).await {
        Ok(None) => {
            if !json {
                writeln!(host.out, "{address}: gone; `gosling apply` makes it anew")?;
            }
            Ok((
                false,
                json!({ "address": address, "kind": held.kind, "id": held.id, "state": "gone" }),
            ))
        }
        Ok(Some(seen)) => {
            let state = if seen.running { "running" } else { "stopped" };
            let agent = if seen.agent {
                "agent answers"
            } else {
                "agent silent"
            };
            if !json {
                writeln!(
                    host.out,
                    "{address}: {state} at {}, up {}, {agent}",
                    held.id,
                    crate::engine::ago(seen.uptime)
                )?;
            }
            let shown = json!({ "address": address, "kind": held.kind, "id": held.id, "state": state, "agent": seen.agent, "uptime": seen.uptime.as_secs() });
            Ok((seen.running, shown))
        }
        Err(error) => {
            if !json {
                writeln!(host.out, "{address}: not known: {error}")?;
            }
            Ok((
                false,
                json!({ "address": address, "kind": held.kind, "id": held.id, "error": error.to_string() }),
            ))
        }
    }
}

/// The runner's record of an egg.
pub(crate) fn runner_of<'s>(state: &'s State, egg: &str) -> Option<(&'s Address, &'s Held)> {
    let mut runners = state
        .resources
        .iter()
        .filter(|(_, held)| held.kind == "gitlab_runner");
    runners.find(|(address, _)| address.owner == egg || address.block() == egg)
}
