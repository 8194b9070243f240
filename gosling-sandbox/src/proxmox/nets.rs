//! What has to be different in every guest: hardware addresses and identities.

use super::Proxmox;
use super::guests::{Guest, Kind};
use super::properties::parse;
use super::values;

impl Proxmox {
    /// A hardware address that nobody has.
    fn new_address(&mut self) -> String {
        let bits = self.dice.roll();
        let [first, second, third, ..] = bits.to_le_bytes();
        format!("BC:24:11:{first:02X}:{second:02X}:{third:02X}")
    }

    /// A network card as a configuration keeps it: with an address, which is the one that it says, or that the card
    /// had before, or a new one.
    pub(super) fn net(&mut self, kind: Kind, value: &str, before: Option<&String>) -> String {
        let (keys, address) = match kind {
            Kind::Qemu => (values::NET.keys, "macaddr"),
            Kind::Lxc => (values::CONTAINER_NET.keys, "hwaddr"),
        };
        let read = |text: &str| parse(keys, text, self.major()).unwrap_or_default();
        let mut card = read(value);
        if !card.contains_key(address) {
            let old = before.and_then(|before| read(before).remove(address));
            let old = old.filter(|_| kind == Kind::Qemu);
            card.insert(address.to_owned(), old.unwrap_or_else(|| self.new_address()));
        }
        let first = match kind {
            Kind::Qemu => {
                let model = card.remove("model").unwrap_or_default();
                let address = card.remove(address).unwrap_or_default();
                format!("{model}={address}")
            }
            Kind::Lxc => {
                card.insert("type".to_owned(), "veth".to_owned());
                format!("name={}", card.remove("name").unwrap_or_default())
            }
        };
        let rest = card.iter().map(|(key, value)| format!(",{key}={value}"));
        rest.fold(first, |text, part| text + &part)
    }

    /// Gives a new guest the addresses and identities that it does not have. A copy has none: those in its
    /// configuration are the original's.
    pub(super) fn identify(&mut self, guest: &mut Guest, copy: bool) {
        let nets: Vec<_> = guest.config.keys().filter(|key| is_net(key)).cloned().collect();
        for key in nets {
            let Some(value) = guest.config.get(&key).cloned() else {
                continue;
            };
            let value = if copy { without_address(&value) } else { value };
            let value = self.net(guest.kind, &value, None);
            guest.config.insert(key, value);
        }
        if guest.kind == Kind::Qemu {
            let generation = guest.get("vmgenid").filter(|own| !copy && *own != "1");
            if generation.is_none() {
                guest.config.insert("vmgenid".to_owned(), self.dice.uuid());
            }
            let identity = guest.get("smbios1").unwrap_or_default().to_owned();
            if copy || identity.is_empty() {
                let kept = identity
                    .split(',')
                    .filter(|part| !part.is_empty() && !part.starts_with("uuid="));
                let uuid = format!("uuid={}", self.dice.uuid());
                let identity: Vec<_> = std::iter::once(uuid.as_str()).chain(kept).collect();
                guest.config.insert("smbios1".to_owned(), identity.join(","));
            }
        }
    }
}

pub(super) fn is_net(key: &str) -> bool {
    let number = key.strip_prefix("net");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A network card without its hardware address: `virtio,bridge=vmbr0`.
fn without_address(net: &str) -> String {
    let is_address = |value: &str| value.len() == 17 && value.split(':').count() == 6;
    let parts = net.split(',').filter_map(|part| match part.split_once('=') {
        Some(("macaddr" | "hwaddr", _)) => None,
        Some((model, value)) if is_address(value) => Some(model),
        _ => Some(part),
    });
    parts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_without_its_address_is_the_same_card() {
        assert_eq!(
            without_address("virtio=BC:24:11:00:00:01,bridge=vmbr0"),
            "virtio,bridge=vmbr0"
        );
        assert_eq!(
            without_address("name=eth0,hwaddr=BC:24:11:00:00:01,ip=dhcp"),
            "name=eth0,ip=dhcp"
        );
    }
}
