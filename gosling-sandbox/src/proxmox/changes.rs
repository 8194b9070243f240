//! Changes of a guest's configuration and of its disks' sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::answer::{Answer, Failure, Success};
use super::drives::{Drive, bytes, is_drive, size_text};
use super::guests::Kind;
use super::nets::{address_of, is_net, with_address};
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

/// How long a call waits for a guest's lock.
const WAIT: Duration = Duration::from_secs(10);
/// What says how to change, not what.
const CONTROL: &[&str] = &[
    "delete",
    "digest",
    "revert",
    "force",
    "skiplock",
    "background_delay",
    "import-working-storage",
];

/// What a machine that runs takes in when it stops; everything else is plugged in while it runs.
const COLD: &[&str] = &[
    "bios", "cores", "cpu", "machine", "memory", "numa", "ostype", "scsihw", "sockets", "vcpus",
];

/// What is to change in a configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    set: BTreeMap<String, String>,
    delete: Vec<String>,
    digest: Option<String>,
}

impl Proxmox {
    /// What a call wants to change.
    pub(super) fn wanted(&self, ask: &Ask) -> Result<Change, Failure> {
        self.need_for_values(ask, ask.kind(), ask.vmid(), CONTROL)?;
        let delete = ask.given.text("delete").unwrap_or_default();
        let delete: Vec<_> = delete
            .split([',', ';', ' ', '\0'])
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        let set = ask.given.pairs().filter(|(key, _)| !CONTROL.contains(key));
        let set: BTreeMap<_, _> = set
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if let Some(both) = delete.iter().find(|key| set.contains_key(*key)) {
            return Err(Failure::parameter(
                "delete",
                format!("you can't use '-{both}' and -delete {both}' at the same time"),
            ));
        }
        let digest = ask.given.owned("digest");
        Ok(Change { set, delete, digest })
    }

    /// Changes a configuration at once.
    pub(super) fn change_now(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let change = self.wanted(ask)?;
        self.guest(ask)?.unlocked()?;
        let delay = self.wait(ask, ask.vmid(), WAIT)?;
        self.change(ask.n, ask.vmid(), &change, ledger)?;
        Ok(Success {
            delay,
            ..Value::Null.into()
        })
    }

    pub(super) fn change(
        &mut self,
        n: u64,
        vmid: u32,
        change: &Change,
        ledger: &mut Ledger,
    ) -> Result<(), Failure> {
        let Some(guest) = self.guests.get(&vmid) else {
            return Failure::die(format!("Configuration file of {vmid} does not exist"));
        };
        guest.unlocked()?;
        if change
            .digest
            .as_ref()
            .is_some_and(|digest| *digest != guest.digest())
        {
            return Failure::die("detected modified configuration - file changed by other user? Try again.");
        }
        let (kind, node, before) = (guest.kind, guest.node.clone(), guest.config.clone());
        let mut config = before.clone();
        let mut pending = guest.pending.clone();
        let runs = guest.running.is_some();
        let waits = |key: &str| kind == Kind::Qemu && runs && COLD.contains(&key);
        for key in &change.delete {
            pending.remove(key);
            if waits(key) {
                if config.contains_key(key) {
                    pending.insert(key.clone(), None);
                }
                continue;
            }
            if let Some(old) = config.remove(key)
                && is_drive(kind, key)
            {
                set_aside(&mut config, vmid, &old);
            }
        }
        for (key, value) in &change.set {
            pending.remove(key);
            if waits(key) {
                if config.get(key) != Some(value) {
                    pending.insert(key.clone(), Some(value.clone()));
                }
                continue;
            }
            let value = match key.as_str() {
                key if is_drive(kind, key) => self.place(kind, vmid, &node, value)?,
                "tags" => tags(value),
                key if is_net(key) && kind == Kind::Qemu => {
                    let old = before.get(key).and_then(|old| address_of(old));
                    let new = self.new_address();
                    if address_of(value).is_some() {
                        value.clone()
                    } else {
                        with_address(value, &old.unwrap_or(new))
                    }
                }
                _ => value.clone(),
            };
            if let Some(old) = config.insert(key.clone(), value.clone())
                && is_drive(kind, key)
                && Drive::parse(&old).volume != Drive::parse(&value).volume
            {
                set_aside(&mut config, vmid, &old);
            }
        }
        ledger.changed(n);
        if let Some(name) = change.set.get(kind.name_key()) {
            ledger.renamed(n, WORLD, kind.object(), &vmid.to_string(), name);
        }
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config = config;
            guest.pending = pending;
        }
        Ok(())
    }

    pub(super) fn resize(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let disk = ask.given.owned("disk").unwrap_or_default();
        let size = ask.given.owned("size").unwrap_or_default();
        let new = Work::on(
            "resize",
            ask.vmid(),
            self.world.speed.other,
            Effect::Resize { disk, size },
        );
        Ok(self.begin(ask, new, ledger))
    }

    /// Makes a disk larger; `Err` is what the task ends with.
    pub(super) fn grow(&mut self, vmid: u32, disk: &str, size: &str) -> Result<(), String> {
        let gone = || format!("disk '{disk}' does not exist");
        let guest = self.guests.get(&vmid).ok_or_else(gone)?;
        let node = guest.node.clone();
        let mut drive = Drive::parse(guest.get(disk).ok_or_else(gone)?);
        let old = drive.size();
        let new = match size.strip_prefix('+') {
            Some(more) => bytes(more).and_then(|more| old.checked_add(more)),
            None => bytes(size),
        };
        let new = new.ok_or_else(|| format!("invalid size '{size}'"))?;
        if new < old {
            return Err("shrinking disks is not supported".to_owned());
        }
        let storage = drive.volume.split(':').next().unwrap_or_default().to_owned();
        if new - old > self.free(&node, &storage) {
            return Err(format!("not enough free space on storage '{storage}'"));
        }
        let mut volumes = self.volumes.iter_mut();
        if let Some(volume) = volumes.find(|volume| volume.is_on(&node) && volume.volid() == drive.volume) {
            volume.size = new;
        }
        drive.set("size", size_text(new));
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config.insert(disk.to_owned(), drive.text());
        }
        Ok(())
    }
}

/// A disk that nothing refers to any more stays as `unused0`; an image in a CD-ROM is nobody's own.
fn set_aside(config: &mut BTreeMap<String, String>, vmid: u32, old: &str) {
    let drive = Drive::parse(old);
    if drive.is_cdrom() || !drive.volume.contains(&format!(":vm-{vmid}-")) {
        return;
    }
    let key = (0..256)
        .map(|number| format!("unused{number}"))
        .find(|key| !config.contains_key(key));
    config.insert(key.unwrap_or_default(), drive.volume);
}

/// Tags as they are kept: each once, in order, with semicolons between.
fn tags(text: &str) -> String {
    let words = text.split([',', ';', ' ']).filter(|word| !word.is_empty());
    let words: BTreeSet<_> = words.map(str::to_lowercase).collect();
    words.into_iter().collect::<Vec<_>>().join(";")
}
