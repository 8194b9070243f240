//! What only virtual machines have: creation from images, an agent, a boot that reads user-data.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::changes::only_cloud_init;
use super::drives::{Drive, GIB, is_drive};
use super::guests::{Guest, Kind};
use super::iso::cidata_file;
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::Boot;
use crate::ledger::Ledger;
use crate::world::TemplateWorld;

impl Guest {
    /// Writes cloud-init's drive from the configuration, where there is one.
    pub(super) fn write_cloud_init(&mut self) {
        if self.drives().any(|(_, drive)| drive.is_cloud_init()) {
            self.cloud_init = self.cloud_init_values();
        }
    }

    /// Whether the configuration has the host talk to an agent.
    pub(super) fn agent_enabled(&self) -> bool {
        let first = self.get("agent").and_then(|text| text.split(',').next());
        matches!(first, Some("1" | "enabled=1"))
    }
}

/// Where the first boot says how far it has come.
const FIRST_BOOT: &str = "/var/lib/gosling/first-boot.log";

/// What says how to create, not what.
const CONTROL: &[&str] = &[
    "vmid",
    "pool",
    "start",
    "storage",
    "bwlimit",
    "import-working-storage",
    "ha-managed",
    "archive",
    "force",
    "live-restore",
    "unique",
];

impl Proxmox {
    /// A machine that is there from the beginning.
    pub(super) fn furnish_machine(&mut self, machine: &TemplateWorld, template: bool) {
        let mut guest = Guest::new(Kind::Qemu, &machine.node);
        guest.has_agent = machine.agent;
        let values = [
            ("name", machine.name.as_str()),
            ("cores", "1"),
            ("memory", "1024"),
            ("agent", "1"),
            ("ostype", "l26"),
            ("scsihw", "virtio-scsi-pci"),
            ("boot", "order=scsi0"),
            ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
        ];
        guest
            .config
            .extend(values.map(|(key, value)| (key.to_owned(), value.to_owned())));
        self.identify(&mut guest, true);
        // A world without such a storage has a machine without a disk.
        let size = machine.disk_gib * GIB;
        if let Ok(volid) = self.allocate(machine.vmid, &machine.node, &machine.storage, "images", size) {
            guest
                .config
                .insert("scsi0".to_owned(), format!("{volid},size={}G", machine.disk_gib));
        }
        if let Some(key) = &machine.cloud_init
            && let Ok(volid) = self.allocate_cloud_init(machine.vmid, &machine.node, &machine.storage)
        {
            guest
                .config
                .insert(key.clone(), format!("{volid},media=cdrom,size=4M"));
        }
        if template {
            guest.config.insert("template".to_owned(), "1".to_owned());
        } else {
            guest.running = Some(Duration::ZERO);
        }
        self.guests.insert(machine.vmid, guest);
    }

    pub(super) fn create_machine(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let given = &ask.given;
        let vmid: u32 = given.number("vmid").unwrap_or_default();
        if let Some(pool) = given.text("pool") {
            self.there_is_pool(pool)?;
        }
        self.need_for_new(ask, vmid)?;
        self.need_for_values(ask, Kind::Qemu, vmid, CONTROL)?;
        self.unused(Kind::Qemu, vmid)?;
        if given.text("archive").is_some() {
            return Failure::die("the sandbox has no backups to restore a machine from");
        }
        let mut guest = Guest::new(Kind::Qemu, ask.node());
        guest.pool = given.owned("pool");
        // Whatever image it is, cloud-init in it can install an agent.
        guest.has_agent = true;
        let mut drives = Vec::new();
        for (key, value) in given.pairs().filter(|(key, _)| !CONTROL.contains(key)) {
            if is_drive(Kind::Qemu, key) {
                drives.push((key.to_owned(), value.to_owned()));
            } else {
                guest.config.insert(key.to_owned(), value.to_owned());
            }
        }
        self.identify(&mut guest, false);
        guest.config.insert("lock".to_owned(), "create".to_owned());
        let name = given.text("name").unwrap_or_default();
        let marker = given.text("description").unwrap_or_default();
        ledger.created(
            Some(ask.n),
            WORLD,
            Kind::Qemu.object(),
            &vmid.to_string(),
            name,
            marker,
        );
        self.guests.insert(vmid, guest);

        let start = given.flag("start") == Some(true);
        let mut new = Work::on(
            "qmcreate",
            vmid,
            self.world.speed.other,
            Effect::Settle { start, source: None },
        );
        for (key, value) in drives {
            if value.contains("import-from=") {
                new.takes = self.world.speed.clone;
            }
            let config = self.guests.get(&vmid).map(|guest| &guest.config);
            let fits = match config {
                Some(config) if Drive::parse(&value).is_cloud_init() => only_cloud_init(config, &key),
                _ => Ok(()),
            };
            match fits.and_then(|()| self.place(Kind::Qemu, vmid, ask.node(), &value)) {
                Ok(value) => {
                    if let Some(guest) = self.guests.get_mut(&vmid) {
                        guest.config.insert(key, value);
                    }
                }
                Err(Failure::Die(words) | Failure::Forbidden(words)) => {
                    new.fails = Some(format!("unable to create VM {vmid} - {words}"));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn change_machine(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.change_now(ask, ledger)
    }

    pub(super) fn change_machine_later(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let change = self.wanted(ask)?;
        self.guest(ask)?.unlocked()?;
        let new = Work::on(
            "qmconfig",
            ask.vmid(),
            self.world.speed.other,
            Effect::Configure(change),
        );
        Ok(self.begin(ask, new, ledger))
    }

    /// The machine whose agent is asked, if it answers.
    fn with_agent(&self, ask: &Ask) -> Result<&Guest, Failure> {
        let guest = self.guest(ask)?;
        if !guest.agent_enabled() {
            return Failure::die("No QEMU guest agent configured");
        }
        if guest.running.is_none() {
            return Failure::die(format!("VM {} is not running", ask.vmid()));
        }
        let up = guest.boot.is_none_or(|(at, _)| at <= ask.at);
        if up && guest.has_agent {
            Ok(guest)
        } else {
            Failure::die("QEMU guest agent is not running")
        }
    }

    pub(super) fn agent_ping(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.with_agent(ask)?;
        Ok(json!({"result": {}}).into())
    }

    /// What cloud-init's drive was written with, and what it would be written with now.
    pub(super) fn cloud_init(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let (written, now) = (&guest.cloud_init, guest.cloud_init_values());
        let keys: BTreeSet<&String> = written.keys().chain(now.keys()).collect();
        let shown = |key: &str, value: &str| match key {
            "cipassword" => json!("**********"),
            _ => json!(value),
        };
        let values = keys.into_iter().map(|key| {
            let (old, new) = (written.get(key), now.get(key));
            let mut entry = json!({"key": key});
            if let Some(old) = old {
                entry["value"] = shown(key, old);
            }
            match new {
                Some(new) if old != Some(new) => entry["pending"] = shown(key, new),
                Some(_) => {}
                None => entry["delete"] = json!(1),
            }
            entry
        });
        Ok(values.collect::<Value>().into())
    }

    /// Writes cloud-init's drive from the configuration, where there is one.
    pub(super) fn write_cloud_init(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.guest_mut(ask)?.write_cloud_init();
        ledger.changed(ask.n);
        Ok(Value::Null.into())
    }

    /// There is one file in a simulated machine.
    pub(super) fn agent_file_read(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.with_agent(ask)?;
        let file = ask.given.text("file").unwrap_or_default();
        let log = self.logs.get(&format!("{}/{}", guest.kind.api(), ask.vmid()));
        match log.filter(|_| file == FIRST_BOOT) {
            Some(log) => Ok(json!({"content": log}).into()),
            None => Failure::die(format!(
                "Agent error: failed to open file '{file}': No such file or directory"
            )),
        }
    }

    pub(super) fn agent_interfaces(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.with_agent(ask)?;
        let net = guest.get("net0").unwrap_or_default();
        let address = net.split(',').next().and_then(|part| part.split_once('='));
        let address = address.map_or("", |(_, address)| address).to_lowercase();
        let ip = |text: String, prefix: u8| json!({"ip-address": text, "ip-address-type": "ipv4", "prefix": prefix});
        Ok(json!({"result": [
            {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [ip("127.0.0.1".to_owned(), 8)]},
            {"name": "eth0", "hardware-address": address, "ip-addresses": [ip(ip_of(ask.vmid()), 16)]},
        ]})
        .into())
    }

    /// Lets cloud-init run in every machine that has come up by `at`.
    pub(super) fn boot(&mut self, at: Duration) {
        let due = |guest: &Guest| guest.boot.is_some_and(|(when, told)| when <= at && !told);
        let up: Vec<u32> = self
            .guests
            .iter()
            .filter(|(_, guest)| due(guest))
            .map(|(vmid, _)| *vmid)
            .collect();
        for vmid in up {
            let found = self.guests.get(&vmid).and_then(|guest| self.user_data(guest));
            let Some(guest) = self.guests.get_mut(&vmid) else {
                continue;
            };
            // Without an image, the disk is as the last one left it.
            if let Some((user_data, instance)) = found {
                (guest.set_up, guest.instance) = (Some(user_data), instance);
            }
            guest.boot = guest.boot.map(|(when, _)| (when, true));
            self.boots.push(Boot {
                machine: format!("{}/{vmid}", guest.kind.api()),
                user_data: guest.set_up.clone(),
                instance: guest.instance.clone(),
            });
        }
    }

    /// The user-data that cloud-init finds first, and the instance that it is for: in the NoCloud image in one of a
    /// machine's CD-ROMs, or on the drive that Proxmox VE writes.
    fn user_data(&self, guest: &Guest) -> Option<(Vec<u8>, Option<String>)> {
        let mut images = guest.drives().filter(|(_, drive)| drive.is_cdrom());
        images.find_map(|(_, drive)| {
            if drive.is_cloud_init() {
                let written = format!("#cloud-config\nhostname: {}\nusers:\n- default\n", guest.name());
                return Some((written.into_bytes(), None));
            }
            let image = self.volume(&guest.node, &drive.volume)?;
            let user_data = cidata_file(&image.data, "user-data")?;
            let meta_data = cidata_file(&image.data, "meta-data");
            let instance = meta_data.and_then(|bytes| {
                let meta_data: serde_norway::Value = serde_norway::from_slice(&bytes).ok()?;
                Some(meta_data.get("instance-id")?.as_str()?.to_owned())
            });
            Some((user_data, instance))
        })
    }
}

/// The address that a guest has in the simulated network.
pub(super) fn ip_of(vmid: u32) -> String {
    format!("10.77.{}.{}", (vmid >> 8) & 255, vmid & 255)
}
