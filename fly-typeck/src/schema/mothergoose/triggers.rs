//! What the server does by the clock.

use smol_str::SmolStr;

use super::HttpMethod;
use crate::block;
use crate::schema::{RoleName, Rule};
use fly_domain::{Cron, Duration};

block! {
    /// What the server does by the clock: Timer Triggers of Yandex Cloud, or Amazon EventBridge Scheduler. Each block is
    /// one, under a name of your choice.
    pub struct Triggers("triggers") {
        attributes {}
        any_block { triggers: Trigger }
    }
}

block! {
    /// One trigger.
    pub struct Trigger("trigger") {
        attributes {
            /// Its name in the cloud.
            name: SmolStr;
            /// When it fires, in cron's five fields; each cloud's own form is made from them.
            schedule: Cron;
            /// The time zone of `schedule`, by its IANA name: `Europe/Berlin`.
            timezone: SmolStr = "\"UTC\"";
            /// The path of the app that is called: `/internal/sweep`.
            endpoint: Option<SmolStr>;
            /// The role that is started: `uglyfox_workers`.
            target_function: Option<RoleName>;
            /// The HTTP method of the call.
            method: HttpMethod = "\"POST\"";
        }
        blocks {
            retry: Option<Retry>;
        }
        rules [Rule::ExactlyOne(&["endpoint", "target_function"])]
    }
}

block! {
    /// What happens when a trigger's call fails.
    pub struct Retry("retry") {
        attributes {
            /// How often it is tried again.
            attempts: i64 = "1", range("1", "5");
            /// How long to wait between tries. A bare integer is taken as seconds.
            interval: Duration = "30s", bare("s");
        }
    }
}
