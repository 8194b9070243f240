//! The way back to an earlier state.

use std::collections::BTreeMap;

use gosling_engine::journal::Entry;
use gosling_engine::rollback::{self, Limit};
use gosling_engine::{Held, Plan, PlanOptions, State};
use gosling_resource::Address;

use super::planning::Asked;
use super::session::Session;
use super::{StateAt, failure};
use crate::Failure;

/// A plan that leads back, and what it does not bring back.
pub(crate) struct WayBack {
    /// What would be done.
    pub(crate) plan: Plan,
    /// What stays otherwise than it was.
    pub(crate) limits: Vec<Limit>,
}

impl StateAt {
    /// Every kept state, the one before the present first.
    pub(crate) async fn earlier(&self) -> Result<Vec<State>, Failure> {
        let all = self.store.history().await.map_err(failure)?;
        let states = all.iter().map(|bytes| State::from_bytes(bytes));
        states.collect::<Result<_, _>>().map_err(failure)
    }

    /// Every kept state that can be read, the one before the present first, and how many cannot.
    pub(crate) async fn kept(&self) -> Result<(Vec<State>, usize), Failure> {
        let all = self.store.history().await.map_err(failure)?;
        let readable: Vec<State> = all
            .iter()
            .filter_map(|bytes| State::from_bytes(bytes).ok())
            .collect();
        let damaged = all.len() - readable.len();
        Ok((readable, damaged))
    }

    /// The state to go back to; `None` for `to`: the one before the last run that changed something.
    pub(crate) async fn goal(&self, present: &State, to: Option<u64>) -> Result<State, Failure> {
        let mut states = vec![present.clone()];
        states.extend(self.earlier().await?);
        rollback::goal(&states, to).map_err(|error| {
            failure(error).hint("`gosling state history` shows what is kept; `state.retention` says how many")
        })
    }
}

impl Session {
    /// A plan from what is there back to an earlier state, around the operations that are open; only reads.
    pub(crate) async fn plan_back(
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
                return Err(Failure::wrong_use(format!(
                    "{address} was created by `{}`, which the Nest no longer has",
                    held.provider
                ))
                .hint("put the provider back, or go back with `--target` to what others made"));
            }
        }
        let looked = self.look(&gone, &[], &PlanOptions::default()).await?;
        match looked.unreadable.into_iter().next() {
            None => Ok(looked.now.resources),
            Some(unread) => {
                let failure = Failure::wrong_use(format!(
                    "{} could not be read: {}",
                    unread.address, unread.message
                ));
                Err(match unread.help {
                    Some(help) => failure.hint(help),
                    None => failure,
                })
            }
        }
    }
}
