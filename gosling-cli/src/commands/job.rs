//! What `gosling apply`, `destroy` and `rollback` are told: what a run is for, and how it goes about it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use gosling_engine::{Plan, PlanOptions};

use crate::render::plan::Detail;

/// How a run goes about it.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Do not ask for confirmation
    #[arg(long, short, alias = "auto-approve")]
    pub(super) yes: bool,
    /// How many operations run at the same time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    pub(super) parallelism: usize,
    /// How long running operations may take to finish after a first Ctrl-C: 25s, 2m
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = time)]
    pub(super) grace: Duration,
    /// Stop machines at once and let the jobs on them fail, instead of waiting for these
    #[arg(long)]
    pub(super) kill_jobs: bool,
    /// Run the checks of `gosling preflight` first; --preflight=false skips them
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(super) preflight: bool,
    /// Wait for the lock, ten minutes or as long as given: --wait, --wait=30s
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "10m", value_parser = time)]
    pub(super) wait: Option<Duration>,
    /// Override a freeze; the audit log records the reason
    #[arg(long, value_name = "REASON")]
    pub(super) during_freeze: Option<String>,
    /// The result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// How many of something.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it must be a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A duration as Fly writes it.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let duration: fly_domain::Duration =
        fly_domain::Duration::parse(text).map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(duration.as_millis()))
}

/// What becomes of what was done when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnFailure {
    /// Keep them; the next apply continues from there
    Keep,
    /// Undo them: restore what was there before this apply
    Rollback,
}

/// What a run is for.
pub(super) enum Purpose {
    /// What the Nest asks for, or exactly what a saved plan says.
    Apply {
        /// The saved plan.
        file: Option<Box<Plan>>,
        /// What becomes of what was done when something fails.
        on_failure: OnFailure,
        /// Whether what is there already and not in the state is taken over.
        adopt: bool,
    },
    /// Nothing of these, which carry the Nest's marker and are not in the state: ids, addresses, `all`.
    Orphans(Vec<String>),
    /// Nothing.
    Destroy,
    /// An earlier state: the one with this serial, or that before the last run that changed something.
    Rollback(Option<u64>),
}

impl Purpose {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "apply",
            Self::Destroy => "destroy",
            Self::Orphans(_) => "orphans --delete",
            Self::Rollback(_) => "rollback",
        }
    }

    pub(super) fn command(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "gosling apply",
            Self::Destroy => "gosling destroy",
            Self::Orphans(_) => "gosling orphans",
            Self::Rollback(_) => "gosling rollback",
        }
    }

    /// Whether it does exactly what a plan says that was saved, so that somebody could look at it.
    pub(super) fn is_saved_plan(&self) -> bool {
        matches!(self, Self::Apply { file: Some(_), .. })
    }

    /// How to look at what it would do.
    pub(super) fn look(&self) -> &'static str {
        match self {
            Self::Apply { .. } => "gosling plan",
            Self::Destroy => "gosling plan --destroy",
            Self::Orphans(_) => "gosling orphans",
            Self::Rollback(_) => "gosling rollback --dry-run",
        }
    }

    pub(super) fn question(&self) -> &'static str {
        match self {
            Self::Destroy | Self::Orphans(_) => "Delete all of these?",
            Self::Apply { .. } | Self::Rollback(_) => "Apply these changes?",
        }
    }
}

/// One run: what it is for and how it goes about it.
pub(super) struct Job<'a> {
    pub(super) purpose: Purpose,
    pub(super) options: PlanOptions,
    pub(super) refresh: bool,
    /// The clusters that are believed whatever they are.
    pub(super) accept_clusters: &'a [String],
    /// Whether what would be deleted and cannot be reached is kept for later instead.
    pub(super) skip_unreachable: bool,
    /// How much of the plan is shown.
    pub(super) detail: Detail,
    pub(super) run: &'a RunArgs,
}
