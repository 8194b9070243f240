//! What GitLab knows of the machines' work, for an engine that takes them down a few at a time.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use gosling_engine::{CallError, Fleet, Held, Plan, State, Work};
use gosling_providers::gitlab::{Contact, Manager, system_id};
use gosling_resource::Address;

use crate::health::Contacts;
use crate::reporter::Reporter;
use crate::session::Session;

/// What is known of the jobs that a plan's machines run, and what becomes of them.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    /// How much work each machine has. One that is left out is not known.
    pub work: BTreeMap<Address, Work>,
    /// Whether machines are stopped without regard to it.
    pub killed: bool,
}

impl Jobs {
    /// How many of these machines run jobs, as far as that is known.
    #[must_use]
    pub fn busy<'a>(&self, machines: impl IntoIterator<Item = &'a Address>) -> usize {
        let busy = |machine: &&Address| self.work.get(*machine) == Some(&Work::Busy);
        machines.into_iter().filter(busy).count()
    }
}

/// Looks at GitLab for the engine, and waits there.
pub(crate) struct Watch<'a> {
    /// Whom to ask.
    pub session: &'a Session,
    /// When GitLab had heard of the machines before anything was changed.
    pub contacts: &'a Contacts,
    /// Where the waiting is said.
    pub reporter: &'a dyn Reporter,
}

/// How long it is between two looks at a machine's jobs.
const PAUSE: Duration = Duration::from_secs(5);
/// How long it is after the first look.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The runner record that a machine works for.
fn record<'s>(machine: &Held, state: &'s State) -> Option<&'s Held> {
    let mut needs = machine
        .depends_on
        .iter()
        .filter_map(|need| state.resources.get(need));
    needs.find(|held| held.kind == "gitlab_runner")
}

/// How much work a machine has, by what GitLab knows of its record's machines. `None`: which of them it is, nobody tells.
fn work_of(machine: &Held, managers: &[Manager], named: &BTreeSet<String>) -> Option<Work> {
    let own = system_id(&machine.marker)?;
    match managers.iter().find(|manager| manager.system_id == own) {
        Some(manager) if manager.busy => Some(Work::Busy),
        Some(manager) if manager.contact == Contact::Online => Some(Work::Idle),
        Some(_) => Some(Work::Dead),
        // A machine of an earlier gosling has a name that it chose itself.
        None if managers.iter().any(|manager| !named.contains(&manager.system_id)) => None,
        None => Some(Work::Dead),
    }
}

/// Whether a machine may run a job. Where its own name is not known, one of the machines whose names are not known may be
/// it.
fn may_be_busy(machine: &Held, managers: &[Manager], named: &BTreeSet<String>) -> bool {
    let own = system_id(&machine.marker);
    let is_own = |manager: &&Manager| own.as_ref() == Some(&manager.system_id);
    match managers.iter().find(is_own) {
        Some(manager) => manager.busy,
        None => managers
            .iter()
            .any(|manager| manager.busy && !named.contains(&manager.system_id)),
    }
}

impl Session {
    /// How much work these machines have, one call for each runner record.
    async fn work(&self, machines: &[Address], state: &State) -> BTreeMap<Address, Work> {
        let named: BTreeSet<String> = state
            .resources
            .values()
            .filter_map(|held| system_id(&held.marker))
            .collect();
        let mut known: BTreeMap<(&str, &str), Option<Vec<Manager>>> = BTreeMap::new();
        let mut work = BTreeMap::new();
        for address in machines {
            let Some(held) = state.resources.get(address) else {
                continue;
            };
            let Some(record) = record(held, state) else {
                continue;
            };
            let key = (record.provider.as_str(), record.id.as_str());
            if let Entry::Vacant(place) = known.entry(key) {
                place.insert(self.managers_of(record).await);
            }
            if let Some(Some(managers)) = known.get(&key)
                && let Some(is) = work_of(held, managers, &named)
            {
                work.insert(address.clone(), is);
            }
        }
        work
    }

    /// The machines that GitLab knows of a runner record; `None` where it cannot be asked.
    async fn managers_of(&self, record: &Held) -> Option<Vec<Manager>> {
        let number = record.id.parse().ok()?;
        let gitlab = self.gitlab_of(record).ok()?;
        gitlab.managers(&self.context(), number).await.ok()
    }

    /// How much work the machines have that a plan takes out of service.
    pub async fn jobs(&self, plan: &Plan, state: &State, killed: bool) -> Jobs {
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
impl Fleet for Watch<'_> {
    async fn work(&self, machines: &[Address], state: &State) -> BTreeMap<Address, Work> {
        self.session.work(machines, state).await
    }

    async fn online(&self, machine: &Address, state: &State) -> Result<(), CallError> {
        let health = self
            .session
            .wait_for(&[machine], state, self.contacts, self.reporter)
            .await;
        match health.silent.is_empty() {
            true => {
                let heard = self.session.heard.lock();
                heard
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(health.online);
                Ok(())
            }
            false => Err(CallError::failed("its runner did not come online").help(
                "the error above says why; gosling does not touch the other machines with the same change",
            )),
        }
    }

    async fn idle(&self, machine: &Address, state: &State, within: Duration) -> Result<(), CallError> {
        let Some((held, record)) = state
            .resources
            .get(machine)
            .and_then(|held| Some((held, record(held, state)?)))
        else {
            return Err(jobs_not_known(machine));
        };
        let names = state.resources.values();
        let named: BTreeSet<String> = names.filter_map(|held| system_id(&held.marker)).collect();
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        for look in 0.. {
            let managers = self.session.managers_of(record).await;
            let managers = managers.ok_or_else(|| jobs_not_known(machine))?;
            if !may_be_busy(held, &managers, &named) {
                return Ok(());
            }
            if look == 0 {
                self.reporter.say(format!(
                    "{machine}: waiting until GitLab shows no running job of it; --kill-jobs does not wait"
                ));
            }
            let Some(left) = within.checked_sub(began.elapsed()) else {
                break;
            };
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(PAUSE);
        }
        self.reporter.say(format!(
            "{machine}: `drain_timeout` is over, and its jobs end with it"
        ));
        Ok(())
    }
}

/// Why a machine is not stopped of which nobody knows whether it runs jobs.
fn jobs_not_known(machine: &Address) -> CallError {
    CallError::failed(format!(
        "{machine} was created by an earlier gosling, so a shutdown ends its jobs, and GitLab does not say whether it runs any"
    ))
    .help("apply again when GitLab can be asked; `--kill-jobs` stops it anyway")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn manager(system_id: &str, contact: Contact, busy: bool) -> Manager {
        Manager {
            system_id: system_id.to_owned(),
            contact,
            contacted_at: None,
            version: None,
            ip_address: None,
            busy,
        }
    }

    #[test]
    fn a_machine_is_dead_only_where_gitlab_knows_all_machines_by_name() {
        let held: Held = serde_json::from_value(serde_json::json!({
            "kind": "proxmox_vm", "provider": "proxmox", "id": "pve1/5000", "properties": {}, "outputs": {},
            "marker": "gosling:nest:egg.app.vm[0]:abcdefghijklmnop", "depends_on": [], "origin": null,
        }))
        .unwrap();
        let own = system_id(&held.marker).unwrap();
        let named = BTreeSet::from([own.clone()]);
        let work = |managers: &[Manager]| work_of(&held, managers, &named);
        assert_eq!(work(&[manager(&own, Contact::Online, true)]), Some(Work::Busy));
        assert_eq!(work(&[manager(&own, Contact::Online, false)]), Some(Work::Idle));
        assert_eq!(work(&[manager(&own, Contact::Offline, false)]), Some(Work::Dead));
        assert_eq!(work(&[]), Some(Work::Dead));
        assert_eq!(work(&[manager("s_another", Contact::Online, false)]), None);
        let busy = |managers: &[Manager]| may_be_busy(&held, managers, &named);
        assert!(busy(&[manager(&own, Contact::Online, true)]));
        assert!(!busy(&[
            manager(&own, Contact::Online, false),
            manager("s_another", Contact::Online, true)
        ]));
        assert!(busy(&[manager("s_another", Contact::Online, true)]));
        assert!(!busy(&[]));
    }
}
