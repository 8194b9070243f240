//! The server's buckets.

use smol_str::SmolStr;

use crate::block;
use fly_domain::Duration;

block! {
    /// The server's buckets: Yandex Object Storage or Amazon S3. Each block is one, under a name of your choice.
    pub struct Storage("storage") {
        attributes {}
        any_block { buckets: Bucket }
    }
}

block! {
    /// One bucket.
    pub struct Bucket("bucket") {
        attributes {
            /// Its name, which no other bucket of the whole cloud may have.
            name: SmolStr;
            /// Whether older versions of objects are kept.
            versioning: bool = "false";
            /// Whether the storage encrypts what it holds.
            encryption: bool = "true";
            /// Whether anybody may read it.
            public: bool = "false";
        }
        blocks {
            lifecycle: Option<Lifecycle>;
        }
    }
}

block! {
    /// When objects go by themselves.
    pub struct Lifecycle("lifecycle") {
        attributes {
            /// How long after it was written an object goes. Without it, objects stay.
            expire_after: Option<Duration>, range("1d", "");
            /// How long after it was replaced an older version goes. Without it, older versions stay.
            noncurrent_expire_after: Option<Duration>, range("1d", "");
        }
    }
}
