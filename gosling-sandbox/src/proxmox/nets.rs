//! What has to be different in every guest: hardware addresses and identities.

use super::Proxmox;
use super::guests::{Guest, Kind};

impl Proxmox {
    /// A hardware address that nobody has.
    pub(super) fn new_address(&mut self) -> String {
        let bits = self.dice.roll();
        let [first, second, third, ..] = bits.to_le_bytes();
        format!("BC:24:11:{first:02X}:{second:02X}:{third:02X}")
    }

    /// Gives a new guest addresses and identities of its own.
    pub(super) fn identify(&mut self, guest: &mut Guest) {
        let nets: Vec<_> = guest.config.keys().filter(|key| is_net(key)).cloned().collect();
        for key in nets {
            let Some(value) = guest.config.get(&key).cloned() else {
                continue;
            };
            let address = self.new_address();
            let value = match guest.kind {
                Kind::Qemu => with_address(&value, &address),
                Kind::Lxc => {
                    let kept = value.split(',').filter(|part| !part.starts_with("hwaddr="));
                    kept.chain([format!("hwaddr={address}").as_str()])
                        .collect::<Vec<_>>()
                        .join(",")
                }
            };
            guest.config.insert(key, value);
        }
        if guest.kind == Kind::Qemu {
            guest.config.insert("vmgenid".to_owned(), self.dice.uuid());
            guest
                .config
                .insert("smbios1".to_owned(), format!("uuid={}", self.dice.uuid()));
        }
    }
}

pub(super) fn is_net(key: &str) -> bool {
    let number = key.strip_prefix("net");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The hardware address in `virtio=BC:24:11:00:00:01,bridge=vmbr0`.
pub(super) fn address_of(net: &str) -> Option<String> {
    let parts = net.split(',').filter_map(|part| part.split_once('='));
    let address = |value: &str| value.len() == 17 && value.split(':').count() == 6;
    parts
        .map(|(_, value)| value)
        .find(|value| address(value))
        .map(str::to_owned)
}

pub(super) fn with_address(net: &str, address: &str) -> String {
    let (first, rest) = net.split_once(',').unwrap_or((net, ""));
    let model = first.strip_prefix("model=").unwrap_or(first);
    let model = model.split('=').next().unwrap_or_default();
    let comma = if rest.is_empty() { "" } else { "," };
    format!("{model}={address}{comma}{rest}")
}
