//! What there is to say of each resource of a state.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{CallError, Doubt, Drift, Held, Looked, State, in_order};
use gosling_providers::gitlab::{Contact, Gitlab, Manager, RunnerStatus, system_id};
use gosling_providers::proxmox::MachineState;
use gosling_resource::{Address, Value};
use serde_json::{Value as Json, json};

use super::{AT_ONCE, MACHINE, RUNNER};
use crate::Failure;
use crate::render::counted;
use gosling_deploy::Session;

/// What to do about what somebody changed.
const CHANGED: &str = "`gosling plan` shows it, `gosling apply` puts it back";

/// What there is to say of one resource.
pub(super) struct Line {
    pub(super) address: String,
    /// For a person; `None` for what has nothing to say of itself.
    pub(super) words: Option<String>,
    /// What is wrong with it besides, and what to do about it.
    pub(super) wrong: Vec<Doubt>,
    pub(super) json: Json,
    /// Whether it is as it should be.
    pub(super) good: bool,
}

/// What was heard of the runners and machines of a state.
pub(super) struct Fleet<'s> {
    state: &'s State,
    runners: BTreeMap<&'s Address, Result<RunnerStatus, CallError>>,
    /// What is wrong with the tokens that new machines of these runners get.
    tokens: BTreeMap<&'s Address, Doubt>,
    /// What was found of all but the machines.
    others: Looked,
    machines: BTreeMap<&'s Address, Result<Option<MachineState>, CallError>>,
}

impl<'s> Fleet<'s> {
    /// Asks GitLab for the runners and Proxmox VE for the machines, some of them at once. Runners that the machines need
    /// are asked for too.
    pub(super) async fn of(
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
        // After that: GitLab takes whoever asks about a token for one of the runner's machines.
        let known: BTreeMap<_, _> = runners.into_iter().collect();
        let there = asked.iter().filter(|(address, ..)| known[address].is_ok());
        let tokens = there.map(|(address, _, gitlab)| async {
            let doubt = token(session, gitlab, address, &state.resources[*address]).await;
            Ok::<_, Failure>((*address, doubt))
        });
        let tokens = in_order(tokens, AT_ONCE).await.map_err(|(_, failure)| failure)?;
        let tokens = tokens
            .into_iter()
            .filter_map(|(address, doubt)| Some((address, doubt?)));
        let cx = &cx;
        let machines = machines.iter().map(|(address, held)| async move {
            let proxmox = session.proxmox(&held.provider).ok_or_else(|| {
                Failure::wrong_use(format!(
                    "{address} was created by `{}`, which the Nest no longer has",
                    held.provider
                ))
            })?;
            Ok::<_, Failure>((*address, proxmox.machine(cx, &held.id, &held.marker).await))
        });
        let machines = in_order(machines, AT_ONCE)
            .await
            .map_err(|(_, failure)| failure)?;
        // Whether a runner is gone that GitLab does not show is decided as for a plan.
        let others: BTreeSet<&Address> = held
            .iter()
            .filter(|(_, held)| held.kind != MACHINE)
            .map(|(address, _)| *address)
            .collect();
        let others = session.glance(state, |address| others.contains(address)).await?;
        Ok(Self {
            state,
            others,
            runners: known,
            tokens: tokens.collect(),
            machines: machines.into_iter().collect(),
        })
    }

    pub(super) fn line(&self, address: &Address, held: &Held) -> Line {
        let base = json!({ "address": address, "kind": held.kind, "id": held.id });
        let (good, words, more) = match (self.runners.get(address), self.machines.get(address)) {
            (Some(Ok(status)), _) => self.runner(address, status),
            (_, Some(Ok(Some(seen)))) => self.machine(held, seen),
            (_, Some(Ok(None))) => gone(held),
            (Some(Err(_)), _) => self.other(address, held),
            (_, Some(Err(error))) => (
                false,
                Some(format!("not known: {error}")),
                json!({ "error": error.to_string() }),
            ),
            (None, None) => self.other(address, held),
        };
        let wrong = self.wrong(address);
        let mut json = base;
        if let (Some(json), Json::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
            let problems = wrong.iter();
            let problems = problems.map(|doubt| json!({ "message": doubt.message, "help": doubt.help }));
            json.insert("problems".to_owned(), problems.collect());
        }
        Line {
            address: address.to_string(),
            good: good && wrong.is_empty(),
            words,
            wrong,
            json,
        }
    }

    /// A resource of which a service says no more than what it is like.
    fn other(&self, address: &Address, held: &Held) -> (bool, Option<String>, Json) {
        let mut unread = self.others.unreadable.iter();
        if let Some(unread) = unread.find(|unread| unread.address == *address) {
            let help = unread.help.as_ref().map(|help| format!("\n  help: {help}"));
            let words = format!("not known: {}{}", unread.message, help.unwrap_or_default());
            return (false, Some(words), json!({ "error": unread.message }));
        }
        let mut drift = self.others.drift.iter();
        match drift.find(|drift| drift.address == *address) {
            None => (true, None, json!({ "state": "there" })),
            Some(drift) if drift.gone => gone(held),
            Some(drift) => {
                let names = names(drift);
                let words = format!("changed outside gosling: {}; {CHANGED}", names.join(", "));
                (
                    false,
                    Some(words),
                    json!({ "state": "changed", "changed": names }),
                )
            }
        }
    }

    /// What is wrong with a resource whatever it does at this moment.
    fn wrong(&self, address: &Address) -> Vec<Doubt> {
        let seen = self.machines.get(address).and_then(|seen| seen.as_ref().ok());
        let machine = seen.and_then(|seen| seen.as_ref()?.doubt.as_ref());
        let token = self.tokens.get(address);
        let known = machine.into_iter().chain(token).cloned();
        known.chain(self.unlike(address)).collect()
    }

    /// How the record of a runner that answers is not the one that was made.
    fn unlike(&self, address: &Address) -> Option<Doubt> {
        self.runners.get(address)?.as_ref().ok()?;
        let mut unread = self.others.unreadable.iter();
        if let Some(unread) = unread.find(|unread| unread.address == *address) {
            return Some(Doubt {
                message: unread.message.clone(),
                help: unread.help.clone().unwrap_or_default(),
            });
        }
        let mut drift = self.others.drift.iter().filter(|drift| !drift.gone);
        let names = names(drift.find(|drift| drift.address == *address)?);
        Some(Doubt {
            message: format!("changed outside gosling: {}", names.join(", ")),
            help: CHANGED.to_owned(),
        })
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
        let up = format!("up {}", gosling_deploy::ago(seen.uptime));
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

/// What is said of a resource that is not there any more, as a plan does.
fn gone(held: &Held) -> (bool, Option<String>, Json) {
    let words = format!("is gone ({}); `gosling apply` creates it again", held.id);
    (false, Some(words), json!({ "state": "gone" }))
}

/// What differs.
fn names(drift: &Drift) -> Vec<&str> {
    drift.attributes.iter().map(|one| one.name.as_str()).collect()
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

/// As GitLab says it.
fn word(contact: Contact) -> &'static str {
    match contact {
        Contact::Online => "online",
        Contact::Offline => "offline",
        Contact::Stale => "stale",
        Contact::NeverContacted => "never_contacted",
    }
}

/// Why the token that is kept for a runner is not the runner's; `None` where it is, or where nobody says: who only looks
/// may lack the right to read it.
async fn token(session: &Session, gitlab: &Gitlab, address: &Address, held: &Held) -> Option<Doubt> {
    let place = held.properties.get("token_secret").and_then(Value::as_secret)?;
    session.token_doubt(gitlab, (address, &held.id), place).await
}
