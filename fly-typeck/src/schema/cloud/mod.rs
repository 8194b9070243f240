//! `cloud`: where machines are made. One file for what each provider adds.

mod aws;
mod proxmox;
mod yandex;

use smol_str::SmolStr;

use super::ProviderName;
use crate::block;

pub use aws::AwsCloud;
pub use proxmox::{Addressing, Firewall, FirewallPolicy, ProxmoxCloud, Template};
pub use yandex::YandexCloud;

block! {
    /// Where machines are made. What else may stand here depends on `provider`; whatever is left out may come from a
    /// preset or from the `provider` block.
    pub struct Cloud("cloud") {
        attributes {
            /// The provider: `"proxmox"`, `"aws"`, `"yandex"`, or one by its name: `provider.proxmox.dc2`. Proxmox needs
            /// its `provider` block; aws and yandex work without one, by the credentials of the machine.
            provider: ProviderName;
            /// The region, in the provider's words: `eu-central-1`, `ru-central1`. Proxmox VE has none.
            region: Option<SmolStr>;
            /// The availability zone, in the provider's words: `eu-central-1a`, `ru-central1-a`. Proxmox VE has none.
            zone: Option<SmolStr>;
        }
        variants by provider {
            "proxmox" => proxmox: ProxmoxCloud,
            "aws" => aws: AwsCloud,
            "yandex" => yandex: YandexCloud,
        }
    }
}
