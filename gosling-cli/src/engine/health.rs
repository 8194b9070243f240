//! Whether the runners that were made come online, and why not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gosling_engine::{Action, Context as ProviderContext, Plan, State};
use gosling_providers::gitlab::Contact;
use gosling_resource::Address;

use super::session::Session;
use super::{Progress, ago};
use crate::Failure;
use crate::render::counted;

/// How often GitLab is asked.
const ASK: Duration = Duration::from_millis(500);

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

impl Session {
    /// Waits until GitLab has heard of every machine that a plan made. Returns whether it has; what is wrong otherwise
    /// is said, with what to try.
    pub(crate) async fn wait_until_online(
        &self,
        plan: &Plan,
        state: &State,
        progress: &Progress,
    ) -> Result<bool, Failure> {
        let expected = self.expected(plan, state);
        if expected.is_empty() {
            return Ok(true);
        }
        progress.say(format!(
            "waiting until GitLab hears of {}",
            counted(expected.iter().map(Vec::len).sum(), "machine")
        ));
        let began = Instant::now();
        let mut healthy = true;
        let mut waiting = expected;
        while !waiting.is_empty() {
            let mut still = Vec::new();
            for pool in waiting {
                // All machines of a pool have one runner record, so that one answer is for all of them.
                let Some(machine) = pool.first() else { continue };
                match self.heard_of(machine, state).await {
                    Ok(true) => progress.say(format!(
                        "{} is online after {}",
                        machine.block,
                        ago(began.elapsed())
                    )),
                    Ok(false) if began.elapsed() < machine.within => still.push(pool),
                    Ok(false) => {
                        healthy = false;
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
                        healthy = false;
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
        Ok(healthy)
    }

    /// The machines that this plan made or made anew, by their pools.
    fn expected(&self, plan: &Plan, state: &State) -> Vec<Vec<Expected>> {
        let made = plan.changes.iter().filter(|change| {
            matches!(change.action, Action::Create | Action::Replace) && change.kind == "proxmox_vm"
        });
        let expected = made.filter_map(|change| {
            let held = state.resources.get(&change.address)?;
            let runner = held.depends_on.iter().find_map(|need| {
                state
                    .resources
                    .get(need)
                    .filter(|held| held.kind == "gitlab_runner")
            })?;
            Some(Expected {
                block: change.address.block(),
                machine: change.address.clone(),
                provider: held.provider.clone(),
                id: held.id.clone(),
                runner: runner.id.parse().ok()?,
                server: runner.provider.clone(),
                within: self.online_within(&change.address.owner),
            })
        });
        let mut pools: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
        for machine in expected {
            pools.entry(machine.block.clone()).or_default().push(machine);
        }
        pools.into_values().collect()
    }

    /// Whether as many machines of the pool are online as it has.
    async fn heard_of(&self, machine: &Expected, state: &State) -> Result<bool, String> {
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
        let online = status
            .managers
            .iter()
            .filter(|manager| manager.contact == Contact::Online)
            .count();
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
            Err(error) => (format!("Proxmox cannot be asked about {id}: {error}"), "gosling status".to_owned()),
            Ok(None) => (format!("the machine {id} is gone"), "`gosling apply` makes it anew".to_owned()),
            Ok(Some(seen)) if !seen.running => (
                format!("the machine {id} is not running"),
                "look at its task log in Proxmox; `gosling apply --replace` makes it anew".to_owned(),
            ),
            Ok(Some(seen)) if !seen.agent => (
                format!("the machine {id} runs, but its guest agent is silent: it may not have booted, or the template has no agent"),
                "open its console in Proxmox; the template needs qemu-guest-agent and cloud-init".to_owned(),
            ),
            Ok(Some(_)) => (
                format!("the machine {id} has booted, but GitLab has not heard of its gitlab-runner: no route to {}, a certificate it does not trust, or its token was refused", machine.server),
                "in the machine: `cloud-init status --long`, `journalctl -u gitlab-runner`, `gitlab-runner verify`".to_owned(),
            ),
        }
    }

    /// What providers are given when nothing is changed.
    pub(crate) fn context(&self) -> ProviderContext<'_> {
        ProviderContext {
            secrets: &self.secrets,
            notes: &gosling_engine::Silent,
        }
    }
}
