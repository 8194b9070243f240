//! `job`: something the Nest does by the clock.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::cloud::Cloud;
use super::egg::{Environment, MachineType};
use crate::block;
use fly_domain::{Cron, Duration};

block! {
    /// Something the Nest does by the clock: housekeeping, a nightly build, a report. It runs once at a time on a
    /// machine of its own.
    pub struct Job("job") {
        attributes {
            /// When it runs, in cron's five fields: minute, hour, day of the month, month, day of the week.
            schedule: Cron;
            /// The time zone of `schedule`, by its IANA name: `Europe/Berlin`.
            timezone: SmolStr = "\"UTC\"";
            /// What runs, in the shell of the runner; it stops at the first command that fails. A heredoc (`<<-EOT`)
            /// holds several lines.
            script: SmolStr;
            /// How long it may take, at most 10 minutes; then it is ended and counts as failed. For longer work, let
            /// the script start a pipeline.
            timeout: Duration = "10m", range("1s", "10m");
        }
        blocks {
            runner: JobRunner;
            environment: Option<Environment>;
            on_failure: Option<OnFailure>;
        }
        labels ["name"]
    }
}

block! {
    /// Where a job runs.
    pub struct JobRunner("runner") {
        attributes {
            /// What kind of machine runs it.
            machine as "type": MachineType;
            /// The tags of the runners that may take it, as in GitLab: one that has all of them does.
            tags: BTreeSet<SmolStr>;
        }
        blocks {
            /// Where a machine of its own is made for it. Without this block, a runner of the Nest with these tags
            /// takes it.
            cloud: Option<Cloud>;
        }
    }
}

block! {
    /// What happens when a job fails or takes too long.
    pub struct OnFailure("on_failure") {
        attributes {
            /// Who gets a message: mail addresses, or addresses of webhooks.
            notify: Vec<SmolStr>;
        }
    }
}
