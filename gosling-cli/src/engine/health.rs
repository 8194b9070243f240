//! Whether the runners that were made come online, and why not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gosling_engine::{Action, Context as ProviderContext, Fence, Lease, Plan, State};
use gosling_providers::gitlab::Contact;
use gosling_resource::{Address, Value};

use super::session::Session;
use super::{Progress, ago, failure};
use crate::Failure;
use crate::render::counted;

/// How often GitLab is asked.
const ASK: Duration = Duration::from_millis(500);
/// The output that a machine has as long as the image that it boots with is in its drive.
const SEED: &str = "seed";

/// A machine whose runner should come online.
struct Expected {
    /// The block: `egg.app`.
    block: String,
    /// The machine's address.
    machine: Address,
    /// Its provider and id.
    provider: String,
    id: String,
    /// The runner's record.
    runner: i64,
    server: String,
    /// How long it may take.
    within: Duration,
}

/// When GitLab had last heard of each machine of a runner, by its server and number, when it was first asked.
type Seen = BTreeMap<(String, i64), BTreeMap<String, Option<String>>>;

/// How it went with the machines that were waited for.
pub(crate) struct Health {
    /// Whether GitLab has heard of all of them.
    pub(crate) healthy: bool,
    /// Those that it has heard of.
    pub(crate) online: Vec<Address>,
}

impl Session {
    /// Waits until GitLab has heard of every machine of which that is not known yet: those that were just made or
    /// restarted, and those that an earlier run made and did not wait for. What is wrong otherwise is said, with what to try.
    pub(crate) async fn wait_until_online(
        &self,
        plan: &Plan,
        state: &State,
        progress: &Progress,
    ) -> Result<Health, Failure> {
        let mut waiting = self.expected(plan, state);
        let mut health = Health {
            healthy: true,
            online: Vec::new(),
        };
        if waiting.is_empty() {
            return Ok(health);
        }
        progress.say(format!(
            "waiting until GitLab hears of {}",
            counted(waiting.iter().map(Vec::len).sum(), "machine")
        ));
        let began = Instant::now();
        let mut seen = Seen::new();
        while !waiting.is_empty() {
            let mut still = Vec::new();
            for pool in waiting {
                // All machines of a pool have one runner record, so that one answer is for all of them.
                let Some(machine) = pool.first() else { continue };
                match self.heard_of(machine, state, &mut seen).await {
                    Ok(true) => {
                        progress.say(format!(
                            "{} is online after {}",
                            machine.block,
                            ago(began.elapsed())
                        ));
                        health
                            .online
                            .extend(pool.into_iter().map(|machine| machine.machine));
                    }
                    Ok(false) if began.elapsed() < machine.within => still.push(pool),
                    Ok(false) => {
                        health.healthy = false;
                        for machine in &pool {
                            let (what, help) = self.why_silent(machine).await;
                            progress.say(format!(
                                "error: {}: its runner was not online within {}: {what}\n  help: {help}",
                                machine.machine,
                                ago(machine.within)
                            ));
                        }
                    }
                    Err(error) if began.elapsed() < machine.within => {
                        progress.say(format!(
                            "{}: GitLab cannot be asked just now: {error}",
                            machine.block
                        ));
                        still.push(pool);
                    }
                    Err(error) => {
                        health.healthy = false;
                        progress.say(format!(
                            "error: {}: GitLab could not be asked whether its runner is online: {error}",
                            machine.machine
                        ));
                    }
                }
            }
            waiting = still;
            if !waiting.is_empty() {
                tokio::time::sleep(ASK).await;
            }
        }
        Ok(health)
    }

    /// Takes the images, with the runners' tokens in them, out of the machines that have read them, and lets the state
    /// know. What cannot be put away now is the next apply's to do.
    pub(crate) async fn put_seeds_away(
        &self,
        lease: &Lease,
        mut state: State,
        online: &[Address],
        progress: &Progress,
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
                Err(error) => progress.say(format!(
                    "warning: {address}: the image that it booted with, which has its runner's token in it, could not be deleted: {error}\n  help: the next apply tries it again"
                )),
            }
        }
        if state == before {
            return Ok(state);
        }
        gosling_engine::recover::save(&**lease.locked(), state)
            .await
            .map_err(failure)
    }

    /// The machines of which it is not known yet whether they have come online, by their pools: their image is still in
    /// the drive, or the plan restarted them.
    fn expected(&self, plan: &Plan, state: &State) -> Vec<Vec<Expected>> {
        let targets = &plan.targets;
        let restarted = plan
            .changes
            .iter()
            .filter(|change| change.action == Action::Update && !change.because.is_empty());
        let restarted: BTreeSet<&Address> = restarted.map(|change| &change.address).collect();
        let mut pools: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
        for (address, held) in &state.resources {
            let asked = address.is_among(targets);
            let off = held.properties.get("started").and_then(Value::as_bool) == Some(false);
            let open = held.outputs.contains_key(SEED) || restarted.contains(address);
            if held.kind != "proxmox_vm" || !open || !asked || off {
                continue;
            }
            let mut needs = held
                .depends_on
                .iter()
                .filter_map(|need| state.resources.get(need));
            let Some(runner) = needs.find(|held| held.kind == "gitlab_runner") else {
                continue;
            };
            let Ok(number) = runner.id.parse() else { continue };
            pools.entry(address.block()).or_default().push(Expected {
                block: address.block(),
                machine: address.clone(),
                provider: held.provider.to_string(),
                id: held.id.clone(),
                runner: number,
                server: runner.provider.to_string(),
                within: self.online_within(&address.owner),
            });
        }
        pools.into_values().collect()
    }

    /// Whether GitLab has heard of as many machines as the pool has since it was first asked. It calls a machine online
    /// for two hours after its last word, so that one that was deleted a minute ago would count too.
    async fn heard_of(&self, machine: &Expected, state: &State, seen: &mut Seen) -> Result<bool, String> {
        // Numbers of runners are a server's own: two servers may have the same.
        let own = state.resources.values().find(|held| {
            held.kind == "gitlab_runner"
                && held.provider == machine.server
                && held.id == machine.runner.to_string()
        });
        let own = own.ok_or_else(|| format!("the state has no runner {}", machine.runner))?;
        let gitlab = self.gitlab_of(own).map_err(|failure| failure.to_string())?;
        let status = gitlab
            .runner_status(&self.context(), machine.runner)
            .await
            .map_err(|error| error.to_string())?;
        let contacts = status
            .managers
            .iter()
            .filter(|manager| manager.contact == Contact::Online)
            .map(|manager| (manager.system_id.clone(), manager.contacted_at.clone()));
        let contacts: BTreeMap<_, _> = contacts.collect();
        let key = (machine.server.clone(), machine.runner);
        let online = match seen.get(&key) {
            Some(first) => contacts
                .iter()
                .filter(|(machine, at)| first.get(*machine) != Some(*at))
                .count(),
            None => {
                seen.insert(key, contacts);
                0
            }
        };
        let block = &machine.block;
        let pool = state
            .resources
            .iter()
            .filter(|(address, held)| address.block() == *block && held.kind == "proxmox_vm")
            .count();
        Ok(online >= pool)
    }

    /// What is known of a machine whose runner is silent, and what to try.
    async fn why_silent(&self, machine: &Expected) -> (String, String) {
        let Some(proxmox) = self.proxmox(&machine.provider) else {
            return (
                "its provider is not in the Nest any more".to_owned(),
                "put it back".to_owned(),
            );
        };
        let id = &machine.id;
        match proxmox.machine(&self.context(), id).await {
            Err(error) => (
                format!("Proxmox cannot be asked about {id}: {error}"),
                "gosling status".to_owned(),
            ),
            Ok(None) => (
                format!("the machine {id} is gone"),
                "`gosling apply` makes it anew".to_owned(),
            ),
            Ok(Some(seen)) if !seen.running => (
                format!("the machine {id} is not running"),
                "look at its task log in Proxmox; `gosling apply --replace` makes it anew".to_owned(),
            ),
            Ok(Some(seen)) if !seen.agent => (
                format!(
                    "the machine {id} runs, but its guest agent is silent: it may not have booted, or the template has no agent"
                ),
                "open its console in Proxmox; the template needs qemu-guest-agent and cloud-init".to_owned(),
            ),
            Ok(Some(_)) => {
                let log = proxmox.first_boot(&self.context(), id).await;
                self.what_it_said(machine, log.ok().flatten().as_deref())
            }
        }
    }

    /// What the first boot's own words come to, and what to try. `None`: they could not be read.
    fn what_it_said(&self, machine: &Expected, log: Option<&str>) -> (String, String) {
        let runner = format!("{}.runner", machine.machine.block());
        let Expected {
            id,
            server,
            machine: address,
            ..
        } = machine;
        let inside = "in the machine: `cloud-init status --long`, `journalctl -u gitlab-runner`, `gitlab-runner verify`";
        let Some(last) = log.and_then(|log| log.lines().rev().find(|line| !line.trim().is_empty())) else {
            return (
                format!(
                    "the machine {id} has booted, but GitLab has not heard of its gitlab-runner, and what its first boot said could not be read"
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
                    "GitLab accepts the token of the runner in the machine {id}, but has not heard of it: gitlab-runner does not run, or has just begun"
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

    /// What providers are given when nothing is changed.
    pub(crate) fn context(&self) -> ProviderContext<'_> {
        ProviderContext::reading(&self.secrets)
    }

    /// What providers are given that change something under this fence.
    pub(crate) fn changing<'a>(&'a self, fence: &'a dyn Fence) -> ProviderContext<'a> {
        ProviderContext {
            fence,
            ..self.context()
        }
    }
}
