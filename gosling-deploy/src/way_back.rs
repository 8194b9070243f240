//! The way back to an earlier state.

use std::collections::BTreeMap;

use gosling_engine::journal::Entry;
use gosling_engine::rollback::{self, Limit};
use gosling_engine::{Held, Plan, PlanOptions, State};
use gosling_resource::Address;

use crate::failure::Failure;
use crate::planning::Asked;
use crate::session::Session;

/// A plan that leads back, and what it does not bring back.
pub struct WayBack {
    /// What would be done.
    pub plan: Plan,
    /// What stays otherwise than it was.
    pub limits: Vec<Limit>,
}

impl Session {
    /// A plan from what is there back to an earlier state, around the operations that are open; only reads.
    pub async fn plan_back(
        &self,
        goal: &State,
        (state, open): (&State, &[Entry]),
        options: &PlanOptions,
        refresh: bool,
    ) -> Result<WayBack, Failure> {
        let still = self.still_there(goal, state, options).await?;
        let mut back = rollback::back(goal, state, &still);
        let wanted = &back.wanted;
        let plan = self
            .plan_for(wanted, Asked::Otherwise, state, open, options, refresh)
            .await?;
        back.limits
            .extend(rollback::limits(goal, &plan.changes, |kind| self.kind(kind)));
        back.limits.sort_by(|one, other| one.address.cmp(&other.address));
        Ok(WayBack {
            plan,
            limits: back.limits,
        })
    }

    /// What the earlier state held and the present one does not, and is there nevertheless: somebody took it out of the
    /// state. Refuses where this cannot be known because the Nest names its provider no more.
    async fn still_there(
        &self,
        goal: &State,
        state: &State,
        options: &PlanOptions,
    ) -> Result<BTreeMap<Address, Held>, Failure> {
        let known = |held: &Held| {
            let mut present = state.resources.values();
            present.any(|other| {
                (&other.provider, &other.kind, &other.id) == (&held.provider, &held.kind, &held.id)
            })
        };
        let gone = goal
            .resources
            .iter()
            .filter(|(address, held)| address.is_among(&options.targets) && !known(held));
        let gone = State {
            resources: gone
                .map(|(address, held)| (address.clone(), held.clone()))
                .collect(),
            ..State::default()
        };
        for (address, held) in &gone.resources {
            if !self.providers().contains_key(&held.provider) {
                return Err(Failure::new(format!(
                    "{address} was created by `{}`, which the Nest no longer has",
                    held.provider
                ))
                .help("put the provider back, or go back with `--target` to what others made"));
            }
        }
        let looked = self.look(&gone, &[], &PlanOptions::default()).await?;
        match looked.unreadable.into_iter().next() {
            None => Ok(looked.now.resources),
            Some(unread) => {
                let failure = Failure::new(format!(
                    "{} could not be read: {}",
                    unread.address, unread.message
                ));
                Err(match unread.help {
                    Some(help) => failure.help(help),
                    None => failure,
                })
            }
        }
    }
}
