//! Whoever answers for a run: a person at a terminal, a server, a test.

use async_trait::async_trait;
use gosling_engine::rollback::Limit;
use gosling_engine::{Plan, Service, State};

use crate::watch::Jobs;

/// A plan that a run is about to carry out.
#[derive(Debug, Clone, Copy)]
pub enum Planned<'a> {
    /// To what the Nest asks for, or to nothing.
    Forward(&'a Plan),
    /// Back to an earlier state.
    Back {
        /// The plan.
        plan: &'a Plan,
        /// The state that it goes back to.
        goal: &'a State,
        /// What does not come back as it was.
        limits: &'a [Limit],
    },
}

/// Sees what a run is about to do, and agrees to it or not.
#[async_trait]
pub trait Operator: Send + Sync {
    /// The plan is made. What undoes a failed apply is shown in the same way.
    fn planned(&self, planned: Planned<'_>);

    /// Which jobs the machines run that the plan takes out of service.
    fn jobs(&self, plan: &Plan, jobs: &Jobs);

    /// What each service answered when it was asked if the plan can be carried out.
    fn checked(&self, services: &[Service]);

    /// Asks whether to carry the plan out. Called where something would change and the request says to ask.
    async fn confirm(&self, plan: &Plan, jobs: &Jobs) -> bool;
}
