//! The options of `gosling apply`, `destroy` and `rollback`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use gosling_deploy::{OnFailure, RunKind, RunRequest, Tempo};
use gosling_engine::PlanOptions;

use crate::Host;

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
    /// Run the checks of `gosling preflight` first; --preflight=false skips them, except the search for what exists already
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(super) preflight: bool,
    /// Wait for the lock, ten minutes or as long as given: --wait, --wait=30s
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "10m", value_parser = time)]
    pub(super) wait: Option<Duration>,
    /// Override a freeze; the audit log records the reason
    #[arg(long, value_name = "REASON", value_parser = reason)]
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

/// A reason that others can read.
pub(super) fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it must not be empty".to_owned()),
        reason => Ok(reason.to_owned()),
    }
}

/// What becomes of what was done when something fails, as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnFailureArg {
    /// Keep them; the next apply continues from there
    Keep,
    /// Undo them: restore what was there before this apply
    Rollback,
}

impl From<OnFailureArg> for OnFailure {
    fn from(arg: OnFailureArg) -> Self {
        match arg {
            OnFailureArg::Keep => Self::Keep,
            OnFailureArg::Rollback => Self::Rollback,
        }
    }
}

/// Whether a run does exactly what a plan says that was saved, so that somebody could look at it.
fn is_saved_plan(kind: &RunKind) -> bool {
    matches!(
        kind,
        RunKind::Apply {
            saved_plan: Some(_),
            ..
        }
    )
}

/// The command of a run, and the one that shows what it would do.
pub(super) fn commands(kind: &RunKind) -> (String, &'static str) {
    let (command, look) = match kind {
        RunKind::Apply { .. } => ("apply", "gosling plan"),
        RunKind::Destroy => ("destroy", "gosling plan --destroy"),
        RunKind::DeleteOrphans(which) => {
            // A shell reads `[0]` as a pattern.
            let quoted = which.iter().map(|which| match which.contains('[') {
                true => format!("'{which}'"),
                false => which.clone(),
            });
            let which: Vec<String> = quoted.collect();
            return (format!("orphans --delete {}", which.join(" ")), "gosling orphans");
        }
        RunKind::Rollback(_) => ("rollback", "gosling rollback --dry-run"),
    };
    (command.to_owned(), look)
}

impl RunArgs {
    /// A request of this kind.
    pub(super) fn request(
        &self,
        host: &Host,
        kind: RunKind,
        options: PlanOptions,
        refresh: bool,
    ) -> RunRequest {
        // Somebody has looked at a saved plan; a person who is there is asked all the same.
        let ask = !self.yes && (host.interactive || !is_saved_plan(&kind));
        RunRequest {
            kind,
            options,
            refresh,
            tempo: Tempo {
                parallelism: self.parallelism,
                grace: self.grace,
                kill_jobs: self.kill_jobs,
            },
            preflight: self.preflight,
            ask,
            lock_patience: self.wait,
            during_freeze: self.during_freeze.clone(),
        }
    }
}
