//! The server's processes.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::block;
use crate::schema::{PlainOrSecret, Rule, ServiceAccountName};
use fly_domain::{Duration, Image, Size};

block! {
    /// One of the server's processes, run as a container or a function of the cloud.
    pub struct Role("role") {
        attributes {
            /// Its name in the cloud.
            name: SmolStr;
            /// The container image it runs.
            image: Option<Image>;
            /// The function runtime it runs on, in the cloud's words (`python312`, `python3.12`): for the
            /// `auth_function`; elsewhere `image` is the way.
            runtime: Option<SmolStr>;
            /// The command and its arguments, instead of the image's own.
            command: Option<Vec<SmolStr>>;
            /// Environment variables: texts, or secrets such as `yc-lockbox://id/key`.
            env: Option<BTreeMap<SmolStr, PlainOrSecret>>;
            /// The memory of each instance. A bare integer is taken as MB.
            memory: Size = "512MiB", range("1MiB", ""), bare("MB");
            /// The processor cores of each instance.
            cpu: f64 = "1.0", range("0.05", "64.0");
            /// How long one request or message may take. A bare integer is taken as seconds.
            timeout: Duration = "30s", range("1s", ""), bare("s");
            /// How many requests one instance serves at once.
            concurrency: i64 = "16", range("1", "1000");
            /// How many instances always run, ready to answer at once.
            min_instances: i64 = "0", range("0", "");
            /// How many instances may run at once.
            max_instances: i64 = "10", range("1", "");
            /// Which of the `service_accounts` it acts as: `service_accounts.app`.
            service_account: Option<ServiceAccountName>;
        }
        rules [Rule::ExactlyOne(&["image", "runtime"])]
    }
}

block! {
    /// The workers that start and stop runners.
    pub struct Workers("celery_workers") {
        extends { role: Role }
        attributes {}
        blocks {
            scaling: Option<Scaling>;
        }
    }
}

block! {
    /// How the number of workers follows the length of the queue.
    pub struct Scaling("scaling") {
        attributes {
            /// How many workers always run.
            min: i64 = "0", range("0", "");
            /// How many workers may run at once.
            max: i64 = "10", range("1", "");
            /// How many waiting messages there are for each worker before another one starts.
            target_queue_depth: i64 = "10", range("1", "");
        }
    }
}
