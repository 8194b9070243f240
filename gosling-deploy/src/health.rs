//! Whether the runners that were made come online, and why not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use gosling_engine::{Action, Change, Context as ProviderContext, Fence, Held, Lease, Plan, State};
use gosling_providers::gitlab::{Contact, Gitlab, Manager, system_id};
use gosling_resource::{Address, SecretUri, Value};
use tokio::time::Instant;

use crate::clock::{ago, minutes};
use crate::failure::Failure;
use crate::reporter::Reporter;
use crate::session::Session;
use crate::text::counted;

/// How long after the first look at GitLab the second one follows. Each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a log hears that it is waited still.
const STILL: Duration = Duration::from_secs(30);
/// From so many runners on, a list tells first which of them are worth a call of their own.
const MANY: usize = 4;
/// In every so many-th look each runner is asked for by itself: a list leaves out what the token may not list.
const EACH: u32 = 4;
/// The output that a machine has as long as the image that it boots with is in its drive.
const SEED: &str = "seed";

/// A machine of which GitLab should hear.
struct Awaited {
    address: Address,
    /// Its provider and id.
    provider: String,
    id: String,
    /// Its host name.
    host: Option<String>,
    /// What it calls itself at GitLab; `None` where gosling did not choose that.
    system_id: Option<String>,
    /// How long it may take.
    within: Duration,
}

/// The machines that use one runner record, and so one token.
struct Pool {
    /// The block: `egg.app`.
    block: String,
    /// The record's GitLab server, with the token that may look at it.
    gitlab: Gitlab,
    server: String,
    token: Option<SecretUri>,
    /// The record.
    runner: i64,
    machines: Vec<Awaited>,
}

/// When GitLab last heard of each machine of a runner, by the runner's server and number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts(BTreeMap<(String, i64), BTreeMap<String, Option<String>>>);

impl Contacts {
    /// Whether GitLab has heard of this manager since these contacts were noted.
    fn is_news(&self, server: &str, runner: i64, manager: &Manager) -> bool {
        let before = self.0.get(&(server.to_owned(), runner));
        let before = before.and_then(|before| before.get(&manager.system_id));
        manager.contact == Contact::Online
            && manager.contacted_at.is_some()
            && before != Some(&manager.contacted_at)
    }
}

/// How it went with the machines that were waited for.
pub struct Health {
    /// Those that it did not hear of in time.
    pub silent: Vec<Address>,
    /// Those that it has heard of.
    pub online: Vec<Address>,
}

impl Session {
    /// Waits until GitLab has heard of every machine of which that is not known yet: those that were just made or
    /// restarted, and those that an earlier run made and did not wait for. `before` is when it had heard of those that are
    /// restarted. What is wrong with a silent one is said, with what to try.
    pub async fn wait_until_online(
        &self,
        plan: &Plan,
        state: &State,
        before: &Contacts,
        reporter: &dyn Reporter,
    ) -> Result<Health, Failure> {
        let restarted = restarted(plan);
        let off = |held: &Held| held.properties.get("started").and_then(Value::as_bool) == Some(false);
        let awaited = state.resources.iter().filter(|(address, held)| {
            held.kind == "proxmox_vm"
                && address.is_among(&plan.targets)
                && (held.outputs.contains_key(SEED) || restarted.contains(address))
                && !off(held)
        });
        let awaited = awaited.map(|(address, _)| address);
        // A rolling change has waited for all but its last machines.
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (back, awaited): (Vec<&Address>, Vec<&Address>) =
            awaited.partition(|address| heard.contains(*address));
        let mut health = self.wait_for(&awaited, state, before, reporter).await;
        health.online.extend(back.into_iter().cloned());
        Ok(health)
    }

    /// Waits until GitLab has heard of each of these machines. A machine that was made since `before` was noted has been
    /// heard of when GitLab knows it at all; one that was known before must be heard of again.
    pub async fn wait_for(
        &self,
        machines: &[&Address],
        state: &State,
        before: &Contacts,
        reporter: &dyn Reporter,
    ) -> Health {
        let mut waiting = self.pools(machines, state);
        let mut health = Health {
            silent: Vec::new(),
            online: Vec::new(),
        };
        let count = waiting.iter().map(|pool| pool.machines.len()).sum();
        if count == 0 {
            return health;
        }
        let words = format!("waiting for {} to contact GitLab", counted(count, "machine"));
        let awaited = || waiting.iter().flat_map(|pool| &pool.machines);
        let within = awaited().map(|machine| machine.within).max().unwrap_or_default();
        // Waits for several machines may go on at once.
        let wait = awaited()
            .map(|machine| machine.address.to_string())
            .next()
            .unwrap_or_default();
        reporter.wait_began(&wait, &words, within);
        let began = Instant::now();
        let mut said = Duration::ZERO;
        let mut pause = FIRST_PAUSE;
        let mut unanswered = BTreeSet::new();
        for look in 0.. {
            let worth = self.worth_a_call(&waiting, look).await;
            let mut still = Vec::new();
            for mut pool in waiting {
                let late = pool
                    .machines
                    .iter()
                    .any(|machine| began.elapsed() >= machine.within);
                let asked = match late || worth.contains(&(pool.server.clone(), pool.runner)) {
                    true => pool.gitlab.managers(&self.context(), pool.runner).await,
                    false => Ok(Vec::new()),
                };
                let error = match asked {
                    Ok(managers) => {
                        unanswered.remove(&pool.server);
                        let heard = pool.take_heard(&managers, state, before);
                        if !heard.is_empty() && pool.machines.is_empty() {
                            reporter.say(format!("{} is online after {}", pool.block, ago(began.elapsed())));
                        }
                        health.online.extend(heard);
                        None
                    }
                    Err(error) => {
                        if unanswered.insert(pool.server.clone()) {
                            reporter.say(format!(
                                "{}: GitLab cannot be asked just now, and will be asked again: {error}",
                                pool.server
                            ));
                        }
                        Some(error)
                    }
                };
                let late = |machine: &mut Awaited| began.elapsed() >= machine.within;
                let silent: Vec<Awaited> = pool.machines.extract_if(.., late).collect();
                for machine in &silent {
                    health.silent.push(machine.address.clone());
                    let (what, help) = match &error {
                        Some(error) => (
                            format!("GitLab could not be asked: {error}"),
                            error
                                .way_out()
                                .unwrap_or("apply again: it waits again")
                                .to_owned(),
                        ),
                        None => self.why_silent(machine, &pool.server).await,
                    };
                    let (address, within) = (&machine.address, ago(machine.within));
                    reporter.say(format!(
                        "error: {address}: its runner was not online within {within}: {what}\n  help: {help}"
                    ));
                }
                if !pool.machines.is_empty() {
                    still.push(pool);
                }
            }
            waiting = still;
            if waiting.is_empty() {
                break;
            }
            if began.elapsed() >= said + STILL {
                said = began.elapsed();
                let count: usize = waiting.iter().map(|pool| pool.machines.len()).sum();
                reporter.still_waiting(&format!(
                    "still waiting for {} to contact GitLab ({} of {})",
                    counted(count, "machine"),
                    minutes(said),
                    minutes(within)
                ));
            }
            // No later than the first of them has run out of time.
            let machines = waiting.iter().flat_map(|pool| &pool.machines);
            let left = machines.map(|machine| machine.within.saturating_sub(began.elapsed()));
            tokio::time::sleep(left.min().unwrap_or(pause).min(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        reporter.wait_ended(&wait);
        health
    }

    /// When GitLab last heard of the machines of those runners whose machines the plan restarts. One that it cannot be
    /// asked for has no contacts.
    pub async fn contacts(&self, plan: &Plan, state: &State) -> Contacts {
        let restarted: Vec<&Address> = restarted(plan).into_iter().collect();
        let mut contacts = Contacts::default();
        for pool in self.pools(&restarted, state) {
            let managers = pool.gitlab.managers(&self.context(), pool.runner).await;
            let managers = managers.unwrap_or_default().into_iter();
            let known = managers.map(|manager| (manager.system_id, manager.contacted_at));
            contacts.0.insert((pool.server, pool.runner), known.collect());
        }
        contacts
    }

    /// The runners, by server and number, that are worth a call of their own in this look.
    async fn worth_a_call(&self, pools: &[Pool], look: u32) -> BTreeSet<(String, i64)> {
        let mut by_token: BTreeMap<(&str, Option<&SecretUri>), Vec<&Pool>> = BTreeMap::new();
        for pool in pools {
            let key = (pool.server.as_str(), pool.token.as_ref());
            by_token.entry(key).or_default().push(pool);
        }
        let mut worth = BTreeSet::new();
        for ((server, _), pools) in by_token {
            let all: BTreeSet<i64> = pools.iter().map(|pool| pool.runner).collect();
            let listed = match (pools.first(), (look + 1) % EACH) {
                (Some(pool), 1..) if all.len() >= MANY => {
                    pool.gitlab.online_runners(&self.context()).await.ok()
                }
                _ => None,
            };
            let asked = match listed {
                Some(online) => all.intersection(&online).copied().collect(),
                None => all,
            };
            worth.extend(asked.into_iter().map(|runner| (server.to_owned(), runner)));
        }
        worth
    }

    /// These machines by the runner records whose token they use. One without a record is waited for by nobody.
    fn pools(&self, machines: &[&Address], state: &State) -> Vec<Pool> {
        let mut pools: BTreeMap<(String, String, i64), Pool> = BTreeMap::new();
        for address in machines {
            let Some(held) = state.resources.get(*address) else {
                continue;
            };
            let mut needs = held
                .depends_on
                .iter()
                .filter_map(|need| state.resources.get(need));
            let Some(runner) = needs.find(|held| held.kind == "gitlab_runner") else {
                continue;
            };
            let (Ok(number), Ok(gitlab)) = (runner.id.parse(), self.gitlab_of(runner)) else {
                continue;
            };
            let server = runner.provider.to_string();
            let key = (address.block(), server.clone(), number);
            let pool = pools.entry(key).or_insert_with(|| Pool {
                block: address.block(),
                gitlab,
                server,
                token: runner
                    .properties
                    .get("api_token")
                    .and_then(Value::as_secret)
                    .cloned(),
                runner: number,
                machines: Vec::new(),
            });
            pool.machines.push(Awaited {
                address: (*address).clone(),
                provider: held.provider.to_string(),
                id: held.id.clone(),
                host: held
                    .properties
                    .get("name")
                    .and_then(Value::as_text)
                    .map(str::to_owned),
                system_id: system_id(&held.marker),
                within: self.online_within(&address.owner),
            });
        }
        pools.into_values().collect()
    }

    /// Takes the images, with the runners' tokens in them, out of the machines that have read them, and lets the state
    /// know. What cannot be put away now is the next apply's to do.
    pub async fn put_seeds_away(
        &self,
        lease: &Lease,
        mut state: State,
        online: &[Address],
        reporter: &dyn Reporter,
    ) -> Result<State, Failure> {
        let before = state.clone();
        for address in online {
            let Some(held) = state.resources.get_mut(address) else {
                continue;
            };
            let Some(proxmox) = self.proxmox(&held.provider) else {
                continue;
            };
            let storage = held.properties.get("iso_storage").and_then(Value::as_text);
            let storage = storage.unwrap_or("local");
            match proxmox
                .put_seed_away(&self.changing(lease), &held.id, &held.marker, storage)
                .await
            {
                Ok(()) => {
                    held.outputs.remove(SEED);
                }
                Err(error) => reporter.say(format!(
                    "warning: {address}: the image that it booted with, which has its runner's token in it, could not be deleted: {error}\n  help: the next apply tries it again"
                )),
            }
        }
        if state == before {
            return Ok(state);
        }
        gosling_engine::recover::save(&**lease.locked(), state)
            .await
            .map_err(Failure::from_error)
    }

    /// What is known of a machine whose runner is silent, and what to try.
    async fn why_silent(&self, machine: &Awaited, server: &str) -> (String, String) {
        let Some(proxmox) = self.proxmox(&machine.provider) else {
            return (
                "its provider is not in the Nest any more".to_owned(),
                "put it back".to_owned(),
            );
        };
        let id = &machine.id;
        let host = machine
            .host
            .as_ref()
            .map(|host| format!(" ({host})"))
            .unwrap_or_default();
        match proxmox.machine(&self.context(), id, "").await {
            Err(error) => (
                format!("Proxmox cannot be asked about {id}: {error}"),
                "gosling status".to_owned(),
            ),
            Ok(None) => (
                format!("the machine {id}{host} does not exist"),
                "`gosling apply` creates it again".to_owned(),
            ),
            Ok(Some(seen)) if !seen.running => (
                format!("the machine {id}{host} is not running"),
                "look at its task log in Proxmox; `gosling apply --replace` replaces it".to_owned(),
            ),
            Ok(Some(seen)) if !seen.agent => (
                format!(
                    "the machine {id}{host} runs, but its guest agent is silent: it may not have booted, or the template has no agent"
                ),
                "open its console in Proxmox; the template needs qemu-guest-agent and cloud-init".to_owned(),
            ),
            Ok(Some(seen)) => {
                let log = proxmox.first_boot(&self.context(), id).await;
                let (what, help) = what_it_said(machine, server, log.ok().flatten().as_deref());
                match seen.addresses.is_empty() {
                    true => (what, help),
                    false => (format!("{what} (at {})", seen.addresses.join(", ")), help),
                }
            }
        }
    }

    /// What providers are given when nothing is changed.
    pub fn context(&self) -> ProviderContext<'_> {
        ProviderContext::reading(&self.secrets)
    }

    /// What providers are given that change something under this fence.
    pub fn changing<'a>(&'a self, fence: &'a dyn Fence) -> ProviderContext<'a> {
        ProviderContext {
            fence,
            ..self.context()
        }
    }
}

impl Pool {
    /// Takes the machines out of which GitLab has heard, and gives back their addresses.
    fn take_heard(&mut self, managers: &[Manager], state: &State, before: &Contacts) -> Vec<Address> {
        let news = |manager: &&Manager| before.is_news(&self.server, self.runner, manager);
        let news: Vec<&Manager> = managers.iter().filter(news).collect();
        let known = |system_id: &str| managers.iter().any(|manager| manager.system_id == system_id);
        // What gosling did not name can only be counted: as many of those as are news and nobody else's. Where nobody
        // looked before, a machine that was deleted an hour ago would count too.
        let named: BTreeSet<String> = state
            .resources
            .values()
            .filter_map(|held| system_id(&held.marker))
            .collect();
        let unnamed = news
            .iter()
            .filter(|manager| !named.contains(&manager.system_id))
            .count();
        let by_count: Vec<&Awaited> = self
            .machines
            .iter()
            .filter(|machine| machine.system_id.as_deref().is_none_or(|id| !known(id)))
            .collect();
        let looked = before.0.contains_key(&(self.server.clone(), self.runner));
        let enough = looked && !by_count.is_empty() && unnamed >= by_count.len();
        let by_count: BTreeSet<Address> = by_count
            .into_iter()
            .filter(|_| enough)
            .map(|machine| machine.address.clone())
            .collect();
        let heard = |machine: &mut Awaited| {
            let itself = news
                .iter()
                .any(|manager| Some(&manager.system_id) == machine.system_id.as_ref());
            itself || by_count.contains(&machine.address)
        };
        let heard = self.machines.extract_if(.., heard);
        heard.map(|machine| machine.address).collect()
    }
}

/// The machines that a plan restarts, or starts because somebody stopped them.
fn restarted(plan: &Plan) -> BTreeSet<&Address> {
    let starts = |change: &Change| {
        let mut attributes = change.attributes.iter();
        attributes.any(|changed| changed.name == "started" && changed.after.as_bool() == Some(true))
    };
    let restarted = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Update && (!change.because.is_empty() || starts(change)));
    restarted.map(|change| &change.address).collect()
}

/// What the first boot's own words come to, and what to try. `None`: they could not be read.
fn what_it_said(machine: &Awaited, server: &str, log: Option<&str>) -> (String, String) {
    let Awaited { id, address, .. } = machine;
    let runner = format!("{}.runner", address.block());
    let inside =
        "in the machine: `cloud-init status --long`, `journalctl -u gitlab-runner`, `gitlab-runner verify`";
    let Some(last) = log.and_then(|log| log.lines().rev().find(|line| !line.trim().is_empty())) else {
        return (
            format!(
                "the machine {id} has booted, but its gitlab-runner has not contacted GitLab, and the log of its first boot could not be read"
            ),
            format!(
                "{inside}; with the privilege VM.GuestAgent.FileRead (VM.Monitor on Proxmox VE 8), gosling reads it by itself"
            ),
        );
    };
    let last: String = last
        .trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .take(300)
        .collect();
    let last = last.strip_prefix("gosling: ").unwrap_or(&last);
    match last.strip_prefix("gitlab: ") {
        Some(words) if words.starts_with("refuses") => (
            format!("{server} refuses the token of the runner in the machine {id}"),
            format!(
                "was the runner deleted or its token reset by hand? `gosling secret check` says whether the token that is kept is the runner's: if it is, `gosling apply --replace {address}` makes the machine with it; if not, `gosling apply --replace {runner}` makes a new runner and its machines"
            ),
        ),
        Some(words) if words.starts_with("does not have a certificate") => (
            format!("the machine {id} does not trust the certificate of {server}"),
            "name the authority that signed it: `ca_file` in the Nest's provider \"gitlab\"".to_owned(),
        ),
        Some(words) if words.starts_with("cannot be reached") => (
            format!("{server} cannot be reached from the machine {id}: {words}"),
            "look at its way there: bridge, vlan, address and gateway, DNS, firewall rules".to_owned(),
        ),
        Some(words) if words.starts_with("accepts") => (
            format!(
                "GitLab accepts the token of the runner in the machine {id}, but its gitlab-runner has not contacted GitLab: it does not run, or has just started"
            ),
            inside.to_owned(),
        ),
        Some(words) => (
            format!("{server}, asked from the machine {id}, {words}"),
            inside.to_owned(),
        ),
        None => (
            format!("the first boot of the machine {id} has come no further than: {last}"),
            inside.to_owned(),
        ),
    }
}
