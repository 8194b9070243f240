//! `mothergoose`: what the orchestration server needs from a cloud. One file for each part of it.

mod api_gateway;
mod database;
mod queues;
mod role;
mod service_accounts;
mod storage;
mod triggers;

use smol_str::SmolStr;

use super::Rule;
use crate::{block, words};

pub use api_gateway::{ApiGateway, AuthFunction, Cors, HttpMethod};
pub use database::{ColumnType, Database, DatabaseMode, DatabaseType, Index, Indexes, Table, Tables};
pub use queues::{MessageQueues, Queue};
pub use role::{Role, Scaling, Workers};
pub use service_accounts::{ServiceAccount, ServiceAccounts};
pub use storage::{Bucket, Lifecycle, Storage};
pub use triggers::{Retry, Trigger, Triggers};

words! {
    /// A cloud that MotherGoose can live in.
    pub enum ServerCloud("cloud of the server") {
        /// Yandex Cloud.
        Yandex = "yandex",
        /// AWS.
        Aws = "aws",
    }
}

block! {
    /// MotherGoose, the orchestration server, and all that it needs from its cloud: it hears from GitLab and GitHub,
    /// starts runners when there are jobs, and lets UglyFox look after them. A Nest without it works
    /// from the command line only.
    pub struct Mothergoose("mothergoose") {
        attributes {}
        blocks {
            cloud: Option<MothergooseCloud>;
            api_gateway: Option<ApiGateway>;
            /// The server itself: receives webhooks and serves the REST API.
            fastapi_app: Option<Role>, alias("app");
            /// The workers that start and stop runners, fed by the message queues.
            celery_workers: Option<Workers>, alias("workers");
            /// The workers that look after runners by the rules of the `uglyfox` block.
            uglyfox_workers: Option<Role>, alias("uglyfox");
            message_queues: Option<MessageQueues>;
            triggers: Option<Triggers>;
            database: Option<Database>;
            storage: Option<Storage>;
            service_accounts: Option<ServiceAccounts>;
        }
    }
}

block! {
    /// The cloud the server lives in. May be left out where the Nest has exactly one `provider` block of the two.
    pub struct MothergooseCloud("cloud") {
        attributes {
            /// Which cloud.
            provider: ServerCloud;
            /// The region, in the cloud's words: `eu-central-1`, `ru-central1`.
            region: Option<SmolStr>;
            /// The availability zone, in the cloud's words: `ru-central1-a`.
            zone: Option<SmolStr>;
            /// The folder that everything is made in, on Yandex Cloud.
            folder_id: Option<SmolStr>, only("yandex");
        }
        blocks {
            network: Option<Network>;
        }
        rules [Rule::AtLeastOne(&["region", "zone"])]
    }
}

block! {
    /// The private network that the server's parts are attached to. Without it they are on no private network, and
    /// reach GitLab over the internet.
    pub struct Network("network") {
        attributes {
            /// The subnets, best in several zones.
            subnet_ids: Vec<SmolStr>;
            /// The security groups. Without any, the network's default group holds.
            security_group_ids: Vec<SmolStr> = "[]";
        }
    }
}
