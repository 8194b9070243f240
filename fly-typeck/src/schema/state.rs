//! `state`: where gosling keeps what it knows of the real world.

use smol_str::SmolStr;

use super::Server;
use crate::{block, words};
use fly_domain::{NestPath, SecretUri, Url};

words! {
    /// Where the state is kept.
    pub enum StateBackend("state backend") {
        /// A folder on this machine: for trying out, and for a Nest that one person works on.
        Local = "local",
        /// An object storage that speaks S3: AWS, Yandex Object Storage, MinIO. Locked by conditional writes.
        S3 = "s3",
        /// GitLab's Terraform state API, with its locks.
        Gitlab = "gitlab",
    }
}

block! {
    /// Where gosling keeps its state: what it created, with which ids. Without this block it is the folder `.gosling` of the
    /// Nest.
    pub struct State("state") {
        attributes {
            /// Where the state is kept.
            backend: StateBackend;
            /// How many older states are kept, to go back to.
            retention: i64 = "20", range("1", "10000");
            /// Whether the state, those before it and the journal are encrypted for the recipients of
            /// `nest { secrets }`. Secrets' values are in none of them; names, ids and addresses are.
            encrypted: bool = "false";
        }
        variants by backend {
            "local" => local: LocalState,
            "s3" => s3: S3State,
            "gitlab" => gitlab: GitlabState,
        }
    }
}

block! {
    /// State in a folder on this machine.
    pub struct LocalState("state") {
        attributes {
            /// The folder, inside the Nest. Keep it out of Git.
            path: NestPath = "\".gosling\"";
        }
    }
}

block! {
    /// State in a bucket of an object storage that speaks S3.
    pub struct S3State("state") {
        attributes {
            /// The bucket. Without it, `gosling-state-` and the Nest's name.
            bucket: Option<SmolStr>;
            /// The start of the objects' names, for several Nests in one bucket. Without it, the Nest's name.
            key: Option<SmolStr>;
            /// The bucket's region. Without it, that of the Nest's only aws or yandex provider.
            region: Option<SmolStr>;
            /// The storage's address where it is not AWS: `https://storage.yandexcloud.net`, or your own MinIO. Without
            /// it, that of Yandex where the Nest's only cloud of the two is `yandex`.
            endpoint: Option<Url>;
            /// The id of a static access key. Without it, the credentials of the provider or of the machine are used.
            access_key: Option<SmolStr>;
            /// The secret half of that key.
            secret_key: Option<SecretUri>;
            /// Whether the bucket's name goes into the path of an address instead of its host name: MinIO mostly
            /// wants this.
            path_style: bool = "false";
            /// The KMS key that the storage encrypts the state with. Without it, the bucket's own setting holds.
            kms_key_id: Option<SmolStr>;
        }
    }
}

block! {
    /// State in GitLab, in a project.
    pub struct GitlabState("state") {
        attributes {
            /// The GitLab server. Without it, that of the Nest's only `provider "gitlab"`.
            server: Option<Server>;
            /// The number of the project whose state API is used, as shown on the project's page.
            project_id: i64, range("1", "");
            /// The state's name inside the project. Without it, the Nest's name.
            name: Option<SmolStr>;
            /// A token with the scope `api` and at least the role Maintainer. Without it, that of the provider whose
            /// server matches.
            token: Option<SecretUri>;
        }
    }
}
