//! Changes of a guest's configuration and of its disks' sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::answer::{Answer, Failure, Success};
use super::drives::{Drive, bytes, is_drive, size_text};
use super::given::words;
use super::guests::{Guest, Kind};
use super::nets::is_net;
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
    /// What is not to wait for a stop any more.
    revert: Vec<String>,
    /// Whether the volumes of drives that go are to go too.
    force: bool,
    digest: Option<String>,
}

/// What comes of a change.
struct Changed {
    config: BTreeMap<String, String>,
    pending: BTreeMap<String, Option<String>>,
    /// Volumes that nothing holds any more.
    freed: Vec<String>,
}

impl Proxmox {
    /// What a call wants to change.
    pub(super) fn wanted(&self, ask: &Ask) -> Result<Change, Failure> {
        let (kind, given) = (ask.kind(), &ask.given);
        let named = |list: &str| -> Vec<String> { given.list(list).map(str::to_owned).collect() };
        let (delete, revert) = (named("delete"), named("revert"));
        for (list, names) in [("delete", &delete), ("revert", &revert)] {
            if let Some(unknown) = names.iter().find(|name| !self.is_option(kind, name)) {
                return Err(Failure::parameter(list, format!("unknown option '{unknown}'")));
            }
        }
        self.need_for_values(ask, kind, ask.vmid(), CONTROL)?;
        let set = ask.given.pairs().filter(|(key, _)| !CONTROL.contains(key));
        let set: BTreeMap<_, _> = set
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        if let Some(both) = delete.iter().find(|key| set.contains_key(*key)) {
            return Err(Failure::parameter(
                "delete",
                format!("you can't use '-{both}' and '-delete {both}' at the same time"),
            ));
        }
        Ok(Change {
            set,
            delete,
            revert,
            force: given.flag("force") == Some(true),
            digest: given.owned("digest"),
        })
    }

    /// Whether a configuration may hold such a value.
    fn is_option(&self, kind: Kind, name: &str) -> bool {
        let known = kind.parameters().iter();
        known
            .filter(|parameter| parameter.known_in(self.major()))
            .any(|parameter| parameter.is(name))
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
        let (kind, node) = (guest.kind, guest.node.clone());
        let there = self.volumes.len();
        let changed = self.changed(&guest.clone(), vmid, change);
        // What is refused leaves no volume behind.
        let changed = changed.inspect_err(|_| self.volumes.truncate(there))?;
        for volume in changed.freed {
            self.free_volume(&node, &volume);
        }
        ledger.changed(n);
        if let Some(name) = change.set.get(kind.name_key()) {
            ledger.renamed(n, WORLD, kind.object(), &vmid.to_string(), name);
        }
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config = changed.config;
            guest.pending = changed.pending;
        }
        Ok(())
    }

    /// What a guest is to be like after a change. Volumes that it asks for are made.
    fn changed(&mut self, guest: &Guest, vmid: u32, change: &Change) -> Result<Changed, Failure> {
        let (kind, node, before) = (guest.kind, &guest.node, &guest.config);
        balloon_fits(change, before)?;
        let mut config = before.clone();
        let mut pending = guest.pending.clone();
        let runs = guest.running.is_some();
        let waits = |key: &str| kind == Kind::Qemu && runs && COLD.contains(&key);
        for key in &change.revert {
            pending.remove(key);
        }
        let mut freed = Vec::new();
        for key in &change.delete {
            pending.remove(key);
            if waits(key) {
                if config.contains_key(key) {
                    pending.insert(key.clone(), None);
                }
                continue;
            }
            let Some(old) = config.remove(key) else {
                continue;
            };
            if key.starts_with("unused") {
                freed.push(old);
            } else if is_drive(kind, key) {
                freed.extend(set_aside(&mut config, vmid, &old, change.force));
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
                key if is_drive(kind, key) => {
                    let new = self.drive(kind, vmid, node, key, value, before)?;
                    let volume = Drive::parse(&new).volume;
                    let old = config.remove(key);
                    if let Some(old) = old.filter(|old| Drive::parse(old).volume != volume) {
                        freed.extend(set_aside(&mut config, vmid, &old, false));
                    }
                    new
                }
                "tags" => tags(value),
                key if is_net(key) => self.net(kind, value, before.get(key)),
                _ => value.clone(),
            };
            config.insert(key.clone(), value);
        }
        Ok(Changed {
            config,
            pending,
            freed,
        })
    }

    /// The value of a drive, with its volume made where it asks for one. Cloud-init's drive that is asked for once more
    /// is the one that is there.
    fn drive(
        &mut self,
        kind: Kind,
        vmid: u32,
        node: &str,
        key: &str,
        value: &str,
        before: &BTreeMap<String, String>,
    ) -> Result<String, Failure> {
        let new = Drive::parse(value);
        if new.is_cloud_init() {
            only_cloud_init(before, key)?;
            let old = before.get(key).map(|old| Drive::parse(old));
            let storage = |drive: &Drive| drive.volume.split(':').next().map(str::to_owned);
            if let Some(old) = old.filter(|old| old.is_cloud_init() && storage(old) == storage(&new)) {
                return Ok(format!("{},media=cdrom", old.volume));
            }
        }
        self.place(kind, vmid, node, value)
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

/// A disk that nothing refers to any more stays as `unused0`, and what cloud-init's data was on goes: that is the
/// answer. An image in a CD-ROM is nobody's own.
fn set_aside(config: &mut BTreeMap<String, String>, vmid: u32, old: &str, force: bool) -> Option<String> {
    let drive = Drive::parse(old);
    let own = drive.volume.contains(&format!(":vm-{vmid}-"));
    if own && (force || drive.is_cloud_init()) {
        return Some(drive.volume);
    }
    if own && !drive.is_cdrom() {
        let key = (0..256)
            .map(|number| format!("unused{number}"))
            .find(|key| !config.contains_key(key));
        config.insert(key.unwrap_or_default(), drive.volume);
    }
    None
}

/// Fails where another drive is cloud-init's already.
pub(super) fn only_cloud_init(config: &BTreeMap<String, String>, key: &str) -> Result<(), Failure> {
    let mut others = config.iter().filter(|(other, value)| {
        *other != key && is_drive(Kind::Qemu, other) && Drive::parse(value).is_cloud_init()
    });
    match others.next() {
        Some((other, _)) => Failure::die(format!(
            "{key} - cloud-init drive is already attached at '{other}'"
        )),
        None => Ok(()),
    }
}

/// Fails where a machine would have less memory than its balloon leaves it.
fn balloon_fits(change: &Change, before: &BTreeMap<String, String>) -> Result<(), Failure> {
    let number = |key: &str| {
        let kept = before
            .get(key)
            .filter(|_| !change.delete.iter().any(|name| name == key));
        let text = change.set.get(key).or(kept)?;
        text.strip_prefix("current=").unwrap_or(text).parse::<u64>().ok()
    };
    match number("balloon") {
        Some(balloon) if balloon > number("memory").unwrap_or(512) => {
            Failure::die("balloon value too large (must be smaller than assigned memory)")
        }
        _ => Ok(()),
    }
}

/// Tags as they are kept: each once, in order, with semicolons between.
fn tags(text: &str) -> String {
    let tags: BTreeSet<_> = words(text).map(str::to_lowercase).collect();
    tags.into_iter().collect::<Vec<_>>().join(";")
}
