//! `uglyfox`: when runners are started, kept, and thrown away.

use super::{EntityName, Predicate};
use crate::{block, words};
use fly_domain::{Duration, Percent};

block! {
    /// UglyFox, the lifecycle policy of runners: how many of them wait for jobs, and which are thrown away.
    pub struct Uglyfox("uglyfox") {
        attributes {}
        blocks {
            pruning: Pruning;
            runners_condition: Vec<RunnersCondition>;
            policies: Option<Policies>;
        }
    }
}

block! {
    /// When a runner is thrown away whatever else holds.
    pub struct Pruning("pruning") {
        attributes {
            /// How many jobs in a row may fail through the runner's own fault before it goes.
            failed_threshold: i64, range("1", "");
            /// How old a runner may get. A busy one finishes its job first.
            max_age: Duration, range("1s", "");
            /// How often UglyFox looks at all runners.
            check_interval: Duration = "5m", range("1s", "");
        }
    }
}

block! {
    /// How many runners some eggs keep. An egg may be in one such block only.
    pub struct RunnersCondition("runners_condition") {
        attributes {
            /// The eggs and eggsbuckets it holds for, by their names: `["api"]` or `[egg.api]`. Every egg is
            /// `[for e in eggs : e.name]`.
            eggs_entities: Vec<EntityName>;
        }
        blocks {
            apex: Apex;
            nadir: Option<Nadir>;
        }
        labels ["name"]
    }
}

block! {
    /// Apex: the runners that are up and take jobs. Each number is for each egg.
    pub struct Apex("apex") {
        attributes {
            /// How many are always up. An egg has 1000 machines at most, as many as the default `vmid_range` has numbers:
            /// more is several eggs.
            min_count: i64 = "0", range("0", "1000");
            /// How many may be up at once.
            max_count: i64, range("0", "1000");
            /// The processor use, averaged over the runners, above which another one is promoted or started.
            cpu_threshold: Option<Percent>, range("0%", "100%");
            /// The memory use, averaged over the runners, above which another one is promoted or started.
            memory_threshold: Option<Percent>, range("0%", "100%");
        }
    }
}

block! {
    /// Nadir: the runners that sleep until they are wanted: started faster than new ones are made, and cheap
    /// meanwhile. Each number is for each egg. Without the block none sleeps: a runner that is not needed is deleted.
    pub struct Nadir("nadir") {
        attributes {
            /// How many always sleep.
            min_count: i64 = "0", range("0", "1000");
            /// How many may sleep at once.
            max_count: i64, range("0", "1000");
            /// How long a runner may sleep before it is thrown away.
            idle_timeout: Duration;
        }
    }
}

block! {
    /// Rules of your own, looked at in their order at every check; for each runner the first that holds acts.
    pub struct Policies("policies") {
        attributes {}
        blocks {
            rule: Vec<PolicyRule>;
        }
    }
}

words! {
    /// What a rule does to a runner.
    pub enum RuleAction("action") {
        /// Its machine is destroyed; a busy one finishes its job first.
        Terminate = "terminate",
        /// It stops taking jobs and sleeps.
        DemoteToNadir = "demote_to_nadir",
        /// It wakes and takes jobs.
        PromoteToApex = "promote_to_apex",
        /// Its machine is restarted.
        Restart = "restart",
    }
}

block! {
    /// Does something to every runner for which a condition holds.
    pub struct PolicyRule("rule") {
        attributes {
            /// When the rule acts, as a condition over the runner: `failed_count >= 3 && age > 1h`. The facts are
            /// `failed_count`, `age`, `idle_time`, `state`, `cpu`, `memory`, `jobs_run`, `last_contact`, `version` and
            /// `egg`. The older form as a string, `"failed_count >= 3 AND age > 1h"`, means the same.
            condition: Predicate;
            /// What is done to the runner.
            action: RuleAction;
        }
        labels ["name"]
    }
}
