//! What GitLab knows of the machines' work, for an engine that takes them down a few at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use gosling_engine::{CallError, Fleet, Held, Plan, State, Work};
use gosling_providers::gitlab::{Contact, Manager};
use gosling_resource::Address;
use tokio::time::Instant;

use super::session::Session;
use crate::render::rollout::Jobs;

/// How often GitLab is asked.
const ASK: Duration = Duration::from_secs(1);

/// The runner record that a machine works for.
fn record<'s>(machine: &Held, state: &'s State) -> Option<&'s Held> {
    let mut needs = machine
        .depends_on
        .iter()
        .filter_map(|need| state.resources.get(need));
    needs.find(|held| held.kind == "gitlab_runner")
}

impl Session {
    /// The machines that GitLab knows of a runner record.
    async fn managers_of(&self, record: &Held) -> Result<Vec<Manager>, CallError> {
        let number = record.id.parse::<i64>().map_err(|_| {
            CallError::failed(format!("the runner has the id {}, which is no number", record.id))
        })?;
        let gitlab = self
            .gitlab_of(record)
            .map_err(|failure| CallError::failed(failure.to_string()))?;
        Ok(gitlab.runner_status(&self.context(), number).await?.managers)
    }
}

impl Session {
    /// How much work the machines have that a plan takes out of service.
    pub(crate) async fn jobs(&self, plan: &Plan, state: &State, killed: bool) -> Jobs {
        let machines: Vec<Address> = plan
            .rollouts()
            .into_iter()
            .flat_map(|pool| [pool.replaced, pool.restarted, pool.deleted].concat())
            .collect();
        let work = match machines.is_empty() {
            true => BTreeMap::new(),
            false => self.work(&machines, state).await,
        };
        Jobs { work, killed }
    }
}

#[async_trait]
impl Fleet for Session {
    async fn work(&self, machines: &[Address], state: &State) -> BTreeMap<Address, Work> {
        let mut work = BTreeMap::new();
        for address in machines {
            let Some(record) = state.resources.get(address).and_then(|held| record(held, state)) else {
                continue;
            };
            // Which of several managers a machine is, nobody tells.
            let is = match self.managers_of(record).await.as_deref() {
                Ok([]) => Work::Dead,
                Ok([only]) if only.busy => Work::Busy,
                Ok([only]) if only.contact == Contact::Online => Work::Idle,
                Ok(_) | Err(_) => continue,
            };
            work.insert(address.clone(), is);
        }
        work
    }

    async fn online(&self, machine: &Address, state: &State) -> Result<(), CallError> {
        let Some(record) = state.resources.get(machine).and_then(|held| record(held, state)) else {
            return Ok(());
        };
        let within = self.online_within(&machine.owner);
        let began = Instant::now();
        let contacts = |managers: Vec<Manager>| -> BTreeMap<String, Option<String>> {
            let online = managers
                .into_iter()
                .filter(|manager| manager.contact == Contact::Online);
            online
                .map(|manager| (manager.system_id, manager.contacted_at))
                .collect()
        };
        let mut first: Option<BTreeMap<String, Option<String>>> = None;
        loop {
            let last = match self.managers_of(record).await.map(contacts) {
                Ok(now) => {
                    let first = first.get_or_insert_with(|| now.clone());
                    if now.iter().any(|(manager, at)| first.get(manager) != Some(at)) {
                        return Ok(());
                    }
                    CallError::failed(format!(
                        "GitLab has not heard of it within {} s",
                        within.as_secs()
                    ))
                }
                Err(error) => error,
            };
            if began.elapsed() >= within {
                return Err(last.help("`gosling status` says how it is; the others are left as they are"));
            }
            tokio::time::sleep(ASK).await;
        }
    }
}
