//! `rift`: the artifact cache and remote Docker context.

use smol_str::SmolStr;

use crate::{block, words};
use fly_domain::{Duration, SecretUri, Size, Url};

words! {
    /// Where cached artifacts are kept.
    pub enum RiftBackend("cache backend") {
        /// A folder on Rift's own disk.
        Local = "local",
        /// A bucket of an object storage that speaks S3.
        S3 = "s3",
    }
}

block! {
    /// Rift, the optional artifact cache and remote Docker context. Runners of this Nest are pointed to it.
    pub struct Rift("rift") {
        attributes {
            /// The address at which runners reach Rift.
            endpoint: Url;
            /// How much the cache may hold; beyond, what was used longest ago goes first.
            max_size: Size = "100GiB", range("1MiB", "");
            /// How long an artifact is kept after it was last used.
            ttl: Duration = "7d", range("1m", "");
            /// What runners prove themselves with. Without it, Rift makes a token for each runner.
            token: Option<SecretUri>;
        }
        blocks {
            storage: Option<RiftStorage>;
        }
    }
}

block! {
    /// Where Rift keeps what it caches.
    pub struct RiftStorage("storage") {
        attributes {
            /// A folder or a bucket. Without it, a bucket where `name` is given and a folder where it is not.
            backend: Option<RiftBackend>;
            /// The bucket's name.
            name: Option<SmolStr>;
            /// The folder on Rift's machine, for the backend `local`.
            path: SmolStr = "\"/var/lib/rift\"";
            /// The bucket's region.
            region: Option<SmolStr>;
            /// The object storage's address where it is not AWS: `https://storage.yandexcloud.net`, or your own MinIO.
            endpoint: Option<Url>;
            /// The id of a static access key. Without it, the credentials of Rift's machine are used.
            access_key: Option<SmolStr>;
            /// The secret half of that key.
            secret_key: Option<SecretUri>;
        }
    }
}
