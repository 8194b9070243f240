//! What a run is for, and how it goes about it.

use std::time::Duration;

use gosling_engine::{Plan, PlanOptions};

use crate::running::Tempo;

/// What a run is for.
#[derive(Debug, Clone)]
pub enum RunKind {
    /// What the Nest asks for, or exactly what a saved plan says.
    Apply {
        /// The saved plan.
        saved_plan: Option<Box<Plan>>,
        /// What becomes of what was done when something fails.
        on_failure: OnFailure,
        /// Whether what is there already and not in the state is taken over.
        adopt: bool,
    },
    /// Nothing of these, which carry the Nest's marker and are not in the state: ids, addresses, `all`.
    DeleteOrphans(Vec<String>),
    /// Nothing.
    Destroy,
    /// An earlier state: the one with this serial, or that before the last run that changed something.
    Rollback(Option<u64>),
}

impl RunKind {
    /// How locks, states and the audit name it.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "gosling apply",
            Self::Destroy => "gosling destroy",
            Self::DeleteOrphans(_) => "gosling orphans",
            Self::Rollback(_) => "gosling rollback",
        }
    }
}

/// What becomes of what was done when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It stays; the next apply continues from there.
    Keep,
    /// It is undone: what was there before this apply is restored.
    Rollback,
}

/// One run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// What it is for.
    pub kind: RunKind,
    /// What the plan is narrowed to or widened by.
    pub options: PlanOptions,
    /// Whether the plan looks at what is there.
    pub refresh: bool,
    /// How fast it works.
    pub tempo: Tempo,
    /// Whether the services are asked first if the plan can be carried out. What exists already is searched for in any case.
    pub preflight: bool,
    /// Whether the operator is asked before something changes.
    pub ask: bool,
    /// How long to wait for a lock that somebody else has.
    pub lock_patience: Option<Duration>,
    /// Why it begins although there is a freeze; the audit records it.
    pub during_freeze: Option<String>,
}
