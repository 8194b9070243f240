//! What only containers have: creation from an archive, and interfaces without an agent.

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::drives::{Drive, GIB, is_drive};
use super::guests::{DEFAULT_ROOT, Guest, Kind};
use super::machines::ip_of;
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

/// What says how to create, not what.
const CONTROL: &[&str] = &[
    "vmid",
    "pool",
    "start",
    "storage",
    "bwlimit",
    "ostemplate",
    "password",
    "ssh-public-keys",
    "force",
    "unique",
    "ignore-unpack-errors",
    "ha-managed",
    "restore",
];

/// A token may set no other feature: the rest is for root, whatever its privileges are.
fn features_allowed(value: Option<&str>) -> Result<(), Failure> {
    let mut features = value
        .unwrap_or_default()
        .split(',')
        .filter(|part| !part.is_empty());
    if features.all(|part| part.starts_with("nesting=")) {
        return Ok(());
    }
    let words = "changing feature flags (except nesting) is only allowed for root@pam";
    Err(Failure::Forbidden(words.to_owned()))
}

impl Proxmox {
    pub(super) fn create_container(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let given = &ask.given;
        let vmid: u32 = given.number("vmid").unwrap_or_default();
        features_allowed(given.text("features"))?;
        if given.flag("restore") == Some(true) {
            return Failure::die("the sandbox has no backups to restore a container from");
        }
        if self.major() >= 9 && given.flag("unprivileged") == Some(false) {
            self.need("/", &["Sys.Modify"])?;
        }
        if let Some(pool) = given.text("pool") {
            self.there_is_pool(pool)?;
        }
        self.need_for_new(ask, vmid)?;
        self.need_for_values(ask, Kind::Lxc, vmid, CONTROL)?;
        self.unused(Kind::Lxc, vmid)?;
        let template = given.text("ostemplate").unwrap_or_default();
        if let Some((storage, _)) = template.split_once(':') {
            self.storage(storage)?;
        }
        let node = ask.node();
        let mut fails = match self.volume(node, template) {
            Some(volume) if volume.content == "vztmpl" => None,
            _ => Some(format!(
                "unable to create CT {vmid} - volume '{template}' does not exist"
            )),
        };
        let mut guest = Guest::new(Kind::Lxc, node);
        guest.pool = given.owned("pool");
        let mut drives = Vec::new();
        for (key, value) in given.pairs().filter(|(key, _)| !CONTROL.contains(key)) {
            if is_drive(Kind::Lxc, key) {
                drives.push((key.to_owned(), value.to_owned()));
            } else {
                guest.config.insert(key.to_owned(), value.to_owned());
            }
        }
        if given.text("rootfs").is_none() {
            let storage = given.text("storage").unwrap_or("local");
            drives.push(("rootfs".to_owned(), format!("{storage}:{}", DEFAULT_ROOT / GIB)));
        }
        let name = given.owned("hostname").unwrap_or_else(|| format!("CT{vmid}"));
        guest.config.insert("hostname".to_owned(), name.clone());
        for (key, value) in [
            ("arch", "amd64"),
            ("ostype", "debian"),
            ("memory", "512"),
            ("swap", "512"),
        ] {
            guest
                .config
                .entry(key.to_owned())
                .or_insert_with(|| value.to_owned());
        }
        self.identify(&mut guest, false);
        guest.config.insert("lock".to_owned(), "create".to_owned());
        self.guests.insert(vmid, guest);
        for (key, value) in drives {
            match self.place(Kind::Lxc, vmid, node, &value) {
                Ok(value) => {
                    if let Some(guest) = self.guests.get_mut(&vmid) {
                        guest.config.insert(key, value);
                    }
                }
                Err(Failure::Die(words)) => {
                    fails.get_or_insert_with(|| format!("unable to create CT {vmid} - {words}"));
                }
                Err(other) => {
                    self.guests.remove(&vmid);
                    self.volumes.retain(|volume| volume.vmid != Some(vmid));
                    return Err(other);
                }
            }
        }
        let marker = given.text("description").unwrap_or_default();
        ledger.created(
            Some(ask.n),
            WORLD,
            Kind::Lxc.object(),
            &vmid.to_string(),
            &name,
            marker,
        );
        let start = given.flag("start") == Some(true);
        let mut new = Work::on(
            "vzcreate",
            vmid,
            self.world.speed.clone,
            Effect::Settle { start, source: None },
        );
        new.fails = fails;
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn change_container(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        features_allowed(ask.given.text("features"))?;
        self.change_now(ask, ledger)
    }

    pub(super) fn interfaces(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        if guest.running.is_none() {
            return Ok(Value::Null.into());
        }
        let net = Drive::parse(guest.get("net0").unwrap_or_default());
        let address = net.option("hwaddr").unwrap_or_default().to_lowercase();
        // The old names and the new ones stand side by side.
        let interface = |name: &str, address: &str, ip: &str, prefix: u8| {
            json!({
                "name": name,
                "hwaddr": address,
                "hardware-address": address,
                "inet": format!("{ip}/{prefix}"),
                "ip-addresses": [{"ip-address": ip, "ip-address-type": "inet", "prefix": prefix}],
            })
        };
        Ok(json!([
            interface("lo", "00:00:00:00:00:00", "127.0.0.1", 8),
            interface(
                net.option("name").unwrap_or("eth0"),
                &address,
                &ip_of(ask.vmid()),
                16
            ),
        ])
        .into())
    }
}
