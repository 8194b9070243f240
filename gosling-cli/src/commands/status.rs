//! `gosling status`

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::Args;
use gosling_engine::{CallError, Held, State, in_order};
use gosling_providers::gitlab::{Contact, Manager, RunnerStatus, system_id};
use gosling_providers::proxmox::MachineState;
use gosling_resource::{Address, Value};
use serde_json::{Value as Json, json};

use super::{Context, Exit};
use crate::engine::{EngineArgs, Session};
use crate::render::counted;
use crate::{Failure, Host};

const RUNNER: &str = "gitlab_runner";
const MACHINE: &str = "proxmox_vm";
/// How many calls that only look are under way at once.
const AT_ONCE: usize = 10;

/// Show whether runners are online, what they do, and how their machines are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling status            every egg
  gosling status app        one of them
  gosling status --json

Exit codes: 0 every machine is there and online, 1 one is not, or an egg has nothing yet.")]
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
        if let Some(egg) = &args.egg {
            is_known(&session, &state, egg)?;
        }
        let wanted = |address: &Address| {
            args.egg
                .as_deref()
                .is_none_or(|egg| address.owner == egg || address.is_within(egg))
        };
        for entry in &open {
            let operation = &entry.operation;
            let words = format!(
                "{}: an earlier run's {} has not ended; `gosling apply` recovers it",
                operation.address, operation.verb
            );
            host.say(words)?;
        }
        let held: Vec<_> = state
            .resources
            .iter()
            .filter(|(address, _)| wanted(address))
            .collect();
        let fleet = Fleet::of(&session, &state, &held).await?;
        let mut lines: Vec<Line> = held
            .into_iter()
            .map(|(address, held)| fleet.line(address, held))
            .collect();
        lines.extend(missing(&session, &state, wanted));
        lines.sort_by(|one, other| one.address.cmp(&other.address));
        if args.json {
            let list: Vec<&Json> = lines.iter().map(|line| &line.json).collect();
            host.document(json!({ "resources": list }))?;
        } else {
            for Line { address, words, .. } in &lines {
                if let Some(words) = words {
                    writeln!(host.out, "{address}: {words}")?;
                }
            }
        }
        if state.resources.is_empty() {
            host.say("nothing has been created yet: `gosling apply`")?;
        }
        let healthy = open.is_empty() && lines.iter().all(|line| line.good);
        Ok(if healthy { Exit::Clean } else { Exit::Problems })
    })
}

/// What there is to say of one resource.
struct Line {
    address: String,
    /// For a person; `None` for what has nothing to say of itself.
    words: Option<String>,
    json: Json,
    /// Whether it is as it should be.
    good: bool,
}

/// What was heard of the runners and machines of a state.
struct Fleet<'s> {
    state: &'s State,
    runners: BTreeMap<&'s Address, Result<RunnerStatus, CallError>>,
    machines: BTreeMap<&'s Address, Result<Option<MachineState>, CallError>>,
}

impl<'s> Fleet<'s> {
    /// Asks GitLab for the runners and Proxmox VE for the machines, some of them at once. Runners that the machines need
    /// are asked for too.
    async fn of(
        session: &Session,
        state: &'s State,
        held: &[(&'s Address, &'s Held)],
    ) -> Result<Self, Failure> {
        let machines: Vec<_> = held.iter().filter(|(_, held)| held.kind == MACHINE).collect();
        let needed = machines
            .iter()
            .flat_map(|(_, held)| &held.depends_on)
            .chain(held.iter().map(|(address, _)| *address));
        let runners: BTreeSet<&Address> = needed
            .filter(|address| {
                state
                    .resources
                    .get(*address)
                    .is_some_and(|held| held.kind == RUNNER)
            })
            .collect();
        let cx = session.context();
        let mut asked = Vec::new();
        for address in runners {
            let held = &state.resources[address];
            asked.push((address, number(address, held)?, session.gitlab_of(held)?));
        }
        let runners = asked.iter().map(|(address, id, gitlab)| async {
            Ok::<_, Failure>((*address, gitlab.runner_status(&cx, *id).await))
        });
        let runners = in_order(runners, AT_ONCE).await.map_err(|(_, failure)| failure)?;
        let cx = &cx;
        let machines = machines.iter().map(|(address, held)| async move {
            let proxmox = session.proxmox(&held.provider).ok_or_else(|| {
                Failure::wrong_use(format!(
                    "{address} was created by `{}`, which the Nest no longer has",
                    held.provider
                ))
            })?;
            Ok::<_, Failure>((*address, proxmox.machine(cx, &held.id).await))
        });
        let machines = in_order(machines, AT_ONCE)
            .await
            .map_err(|(_, failure)| failure)?;
        Ok(Self {
            state,
            runners: runners.into_iter().collect(),
            machines: machines.into_iter().collect(),
        })
    }

    fn line(&self, address: &Address, held: &Held) -> Line {
        let base = json!({ "address": address, "kind": held.kind, "id": held.id });
        let (good, words, more) = match (self.runners.get(address), self.machines.get(address)) {
            (Some(Ok(status)), _) => self.runner(address, status),
            (_, Some(Ok(Some(seen)))) => self.machine(held, seen),
            (_, Some(Ok(None))) => (
                false,
                Some(format!(
                    "not there ({}); `gosling apply` creates it again",
                    held.id
                )),
                json!({ "state": "gone" }),
            ),
            (Some(Err(error)), _) | (_, Some(Err(error))) => (
                false,
                Some(format!("not known: {error}")),
                json!({ "error": error.to_string() }),
            ),
            (None, None) => (true, None, json!({})),
        };
        let mut json = base;
        if let (Some(json), Json::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
        }
        Line {
            address: address.to_string(),
            words,
            json,
            good,
        }
    }

    /// The machines of the state that use this runner's token, with what each calls itself at GitLab.
    fn named(&self, runner: &Address) -> Vec<(&'s Address, Option<String>)> {
        let users = self.state.resources.iter();
        let users = users.filter(|(_, held)| held.kind == MACHINE && held.depends_on.contains(runner));
        users
            .map(|(address, held)| (address, system_id(&held.marker)))
            .collect()
    }

    /// The managers of a runner that are no machine known by its name, and whether there are as many of them as there
    /// are machines whose names GitLab does not know: those that an earlier gosling made chose their own names.
    fn unnamed<'m>(&self, runner: &Address, status: &'m RunnerStatus) -> (Vec<&'m Manager>, bool) {
        let named = self.named(runner);
        let known = |manager: &&Manager| {
            !named
                .iter()
                .any(|(_, id)| id.as_ref() == Some(&manager.system_id))
        };
        let unnamed: Vec<&Manager> = status.managers.iter().filter(known).collect();
        let untied = named
            .iter()
            .filter(|(_, id)| manager_of(status, id.as_deref()).is_none())
            .count();
        let online = unnamed
            .iter()
            .filter(|manager| manager.contact == Contact::Online)
            .count();
        (unnamed, untied > 0 && online >= untied)
    }

    fn runner(&self, address: &Address, status: &RunnerStatus) -> (bool, Option<String>, Json) {
        let named = self.named(address);
        let (unnamed, enough) = self.unnamed(address, status);
        // Managers of machines that were deleted stay at GitLab for a week and count for nothing.
        let own: Vec<&Manager> = status
            .managers
            .iter()
            .filter(|manager| named.is_empty() || enough || !unnamed.contains(manager))
            .collect();
        let contact = own.iter().map(|manager| manager.contact).min();
        let contact = contact.unwrap_or(match status.managers.is_empty() {
            true => status.contact,
            false => Contact::NeverContacted,
        });
        let last = own
            .iter()
            .filter_map(|manager| manager.contacted_at.as_deref())
            .max();
        let machines: Vec<Json> = own
            .iter()
            .map(|manager| {
                let is = |(address, id): &(&Address, Option<String>)| {
                    (id.as_ref() == Some(&manager.system_id)).then(|| (*address).clone())
                };
                json!({ "system_id": manager.system_id, "contact": word(manager.contact),
                        "contacted_at": manager.contacted_at, "version": manager.version, "busy": manager.busy,
                        "address": named.iter().find_map(is) })
            })
            .collect();
        let jobs: Vec<Json> = status
            .jobs
            .iter()
            .map(
                |job| json!({ "id": job.id, "name": job.name, "status": job.status, "seconds": job.seconds }),
            )
            .collect();
        let online = own
            .iter()
            .filter(|manager| manager.contact == Contact::Online)
            .count();
        let busy = own.iter().filter(|manager| manager.busy).count();
        let words = format!(
            "{}{}, last contact {}, {} online ({busy} busy), {}",
            word(contact),
            if status.paused { ", paused" } else { "" },
            last.unwrap_or("never"),
            counted(online, "machine"),
            counted(status.jobs.len(), "job")
        );
        let more = json!({ "contact": word(contact), "paused": status.paused, "contacted_at": last,
                           "machines": machines, "jobs": jobs });
        (contact == Contact::Online, Some(words), more)
    }

    fn machine(&self, held: &Held, seen: &MachineState) -> (bool, Option<String>, Json) {
        let host = held.properties.get("name").and_then(Value::as_text);
        let state = if seen.running { "running" } else { "stopped" };
        let agent = if seen.agent {
            "agent answers"
        } else {
            "agent silent"
        };
        let runner = held.depends_on.iter().find_map(|need| {
            let status = self.runners.get(need)?.as_ref().ok()?;
            Some((need, status))
        });
        let id = system_id(&held.marker);
        let manager = runner.and_then(|(_, status)| manager_of(status, id.as_deref()));
        let (heard, at_gitlab) = match (manager, runner) {
            (Some(manager), _) => (
                manager.contact == Contact::Online,
                Some(format!(
                    "{} at GitLab{}",
                    word(manager.contact),
                    if manager.busy { ", busy" } else { "" }
                )),
            ),
            (None, Some((runner, status))) => match self.unnamed(runner, status) {
                (_, true) => (true, None),
                _ => (false, Some("has never contacted GitLab".to_owned())),
            },
            (None, None) => (true, None),
        };
        let at: Vec<&str> = host
            .into_iter()
            .chain(seen.addresses.iter().map(String::as_str))
            .collect();
        let up = format!("up {}", crate::engine::ago(seen.uptime));
        let mut parts = vec![format!("{state} at {}", held.id)];
        if !at.is_empty() {
            parts[0].push_str(&format!(" ({})", at.join(", ")));
        }
        if seen.running {
            parts.extend([up, agent.to_owned()]);
            parts.extend(at_gitlab);
        }
        let more = json!({ "state": state, "agent": seen.agent, "uptime": seen.uptime.as_secs(), "host": host,
                           "addresses": seen.addresses, "system_id": id,
                           "contact": manager.map(|manager| word(manager.contact)),
                           "busy": manager.map(|manager| manager.busy) });
        (seen.running && heard, Some(parts.join(", ")), more)
    }
}

/// The manager of this name.
fn manager_of<'m>(status: &'m RunnerStatus, system_id: Option<&str>) -> Option<&'m Manager> {
    let system_id = system_id?;
    status
        .managers
        .iter()
        .find(|manager| manager.system_id == system_id)
}

fn number(address: &Address, held: &Held) -> Result<i64, Failure> {
    held.id
        .parse()
        .map_err(|_| Failure::wrong_use(format!("{address} has the id {}, which is not a number", held.id)))
}

/// What the Nest asks for and nobody has made yet, as far as that is known without asking anybody: runners and machines,
/// and an egg of which there is nothing at all in one line.
fn missing(session: &Session, state: &State, wanted: impl Fn(&Address) -> bool) -> Vec<Line> {
    let asked = session.asked_for();
    let absent = asked.into_iter().filter(|(address, kind)| {
        matches!(*kind, RUNNER | MACHINE) && wanted(address) && !state.resources.contains_key(address)
    });
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for (address, kind) in absent {
        let block = address.block();
        let begun = state.resources.keys().any(|other| other.block() == block);
        let name = if begun { address.to_string() } else { block };
        let words = match begun {
            true => "not created yet: `gosling apply`",
            false => "nothing has been created yet: `gosling apply`",
        };
        lines.entry(name.clone()).or_insert_with(|| Line {
            words: Some(words.to_owned()),
            json: json!({ "address": name, "kind": begun.then_some(kind), "id": null, "state": "not_made" }),
            address: name,
            good: false,
        });
    }
    lines.into_values().collect()
}

/// Fails where neither the Nest nor the state has an egg of this name.
fn is_known(session: &Session, state: &State, egg: &str) -> Result<(), Failure> {
    let owners: BTreeSet<String> = session
        .blocks()
        .into_iter()
        .chain(state.resources.keys().map(Address::block))
        .collect();
    let label = |block: &str| block.split_once('.').map_or(block, |(_, label)| label).to_owned();
    let held = state.resources.keys().any(|address| address.is_within(egg));
    if held || owners.iter().any(|block| block == egg || label(block) == egg) {
        return Ok(());
    }
    let failure = Failure::wrong_use(format!("the Nest has no egg or eggsbucket `{egg}`"));
    let near = owners.iter().map(|block| label(block));
    let near = near.map(|label| (strsim::jaro_winkler(&label, egg), label));
    let near = near.filter(|(likeness, _)| *likeness > 0.8);
    Err(match near.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((_, label)) => failure.hint(format!("did you mean `{label}`?")),
        None => failure.hint("`gosling status` shows all of them"),
    })
}

fn word(contact: Contact) -> &'static str {
    match contact {
        Contact::Online => "online",
        Contact::Offline => "offline",
        Contact::Stale => "stale",
        Contact::NeverContacted => "never_contacted",
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
