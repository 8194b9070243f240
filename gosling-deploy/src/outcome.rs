//! What came of a run.

use gosling_engine::audit::Ending;
use gosling_engine::rollback::Limit;
use gosling_engine::{Applied, Plan, Service, StillOpen};
use gosling_resource::{Address, SecretUri};

use crate::failure::Failure;
use crate::orphans::Orphans;

/// How a run ended.
#[derive(Debug)]
pub enum RunEnd {
    /// Preflight found that the plan cannot be carried out. Nothing was changed.
    Unfit {
        /// What would have been done.
        plan: Box<Plan>,
        /// What each service answered.
        services: Vec<Service>,
    },
    /// The operator did not agree. Nothing was changed.
    Declined,
    /// The plan was carried out, as far as that was possible.
    Finished(Box<Outcome>),
}

/// What came of a plan that was carried out.
#[derive(Debug)]
pub struct Outcome {
    /// The plan.
    pub plan: Plan,
    /// What was done of it.
    pub applied: Applied,
    /// For a rollback: the serial that it goes back to, and what does not come back as it was.
    pub back: Option<(u64, Vec<Limit>)>,
    /// Operations of earlier runs that could not be settled.
    pub open: Vec<StillOpen>,
    /// The machines whose runners did not come online.
    pub silent: Vec<Address>,
    /// For a destroy that is done: what of the Nest is still there, and is in no state.
    pub left: Orphans,
    /// And the secrets of what it deleted, which are kept.
    pub kept: Vec<SecretUri>,
    /// For an apply that failed and was to be undone: what came of that.
    pub undone: Option<Result<Undone, Failure>>,
    /// For a rollback that is done: whether the Nest's files ask for what is there now, or why that is not known.
    pub files_agree: Option<Result<bool, Failure>>,
}

/// What was done to undo an apply.
#[derive(Debug)]
pub struct Undone {
    /// The plan that undoes it.
    pub plan: Plan,
    /// What does not come back as it was.
    pub limits: Vec<Limit>,
    /// What was done.
    pub applied: Applied,
    /// Operations that could not be settled, and so are not undone.
    pub open: Vec<StillOpen>,
}

impl Undone {
    /// Returns true if everything is as it was.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.applied.failed.is_empty() && !self.applied.interrupted && self.open.is_empty()
    }
}

impl Outcome {
    /// Returns true if something failed, or was left out.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.applied.failed.is_empty()
            || !self.silent.is_empty()
            || self.plan.is_partial()
            || !self.left.all.is_empty()
            || !self.open.is_empty()
    }

    /// Returns true if somebody stopped the run, or its undoing.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        let undo = match &self.undone {
            Some(Ok(undone)) => undone.applied.interrupted,
            Some(Err(failure)) => failure.is_interrupted(),
            None => false,
        };
        self.applied.interrupted || undo
    }

    /// The state's serial at the end, and how the run ended, for the audit.
    pub(crate) fn ending(&self) -> (u64, Ending) {
        let (last, open) = match &self.undone {
            Some(Ok(undone)) => (&undone.applied, &undone.open),
            _ => (&self.applied, &self.open),
        };
        let undo_interrupted = matches!(&self.undone, Some(Err(failure)) if failure.is_interrupted());
        let ending = if !last.open.is_empty() || !open.is_empty() {
            Ending::Unknown
        } else if last.interrupted || undo_interrupted {
            Ending::Interrupted
        } else if matches!(&self.undone, Some(Ok(undone)) if undone.is_whole()) {
            Ending::RolledBack
        } else if !self.silent.is_empty() || !last.failed.is_empty() || self.undone.is_some() {
            Ending::Failed
        } else {
            Ending::Done
        };
        (last.state.serial, ending)
    }
}
