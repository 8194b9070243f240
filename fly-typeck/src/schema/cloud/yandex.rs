//! What Yandex Cloud needs to know of a machine.

use smol_str::SmolStr;

use crate::block;
use crate::schema::Rule;
use fly_domain::Percent;

block! {
    /// Machines on Yandex Cloud: Compute Cloud for `vm`, Serverless Containers for `serverless`.
    pub struct YandexCloud("cloud") {
        attributes {
            /// The folder that machines are made in. Without it, that of the provider or of the credentials.
            folder_id: Option<SmolStr>;
            /// The subnet. Without it, the only one of the zone.
            subnet_id: Option<SmolStr>;
            /// The hardware platform, in Compute Cloud's words.
            platform: SmolStr = "\"standard-v3\"";
            /// The guaranteed share of each core: Compute Cloud sells 5, 20, 50 and 100 %, depending on the platform.
            core_fraction: Percent = "100%", range("1%", "100%");
            /// Whether machines are preemptible: much cheaper, stopped within 24 hours, and at any time before.
            preemptible: bool = "false";
            /// The image family that machines are made of, such as `debian-12`. Without it, the newest Debian.
            image_family: Option<SmolStr>;
            /// The security groups. Without it, the network's default group.
            security_group_ids: Option<Vec<SmolStr>>;
            /// The service account of the machine: what jobs on it may do in Yandex Cloud without a key.
            service_account_id: Option<SmolStr>;
            /// The type of the disk, in Compute Cloud's words.
            disk_type: SmolStr = "\"network-ssd\"";
            /// Whether machines get a public address (one-to-one NAT).
            nat: bool = "false";
        }
        rules [Rule::AtLeastOne(&["region", "zone"])]
    }
}
