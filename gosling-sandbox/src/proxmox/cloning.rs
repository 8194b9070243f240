//! Clones: a new guest with the disks of another.

use std::time::Duration;

use super::answer::{Answer, Failure};
use super::drives::{Drive, content_of};
use super::guests::{Guest, Kind};
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

/// How long a clone waits for the lock of its source.
const WAIT: Duration = Duration::from_secs(1);

impl Proxmox {
    /// What a clone has to be, as far as the real one looks before it begins the task.
    fn may_clone(&self, ask: &Ask, source: &Guest, full: bool, target: &str) -> Result<(), Failure> {
        let given = &ask.given;
        let kind = source.kind;
        if let Some(pool) = given.text("pool") {
            self.there_is_pool(pool)?;
        }
        if !self.world.nodes.iter().any(|node| node.name == target) {
            return Failure::die(format!("no such cluster node '{target}'"));
        }
        let storage = given.text("storage");
        if let Some(name) = storage {
            let found = self.storage(name)?;
            if kind == Kind::Qemu && !found.content.iter().any(|word| word == "images") {
                let complaint = format!("storage '{name}' does not support vm images");
                return Err(Failure::parameter("storage", complaint));
            }
            if target != source.node && !found.shared {
                return Failure::die(format!("can't clone to non-shared storage '{name}'"));
            }
        }
        if let Some(snapshot) = given.text("snapname") {
            return Failure::die(format!("snapshot '{snapshot}' does not exist"));
        }
        source.unlocked()?;
        for name in ["storage", "format"] {
            if !full && given.text(name).is_some() {
                return Failure::die(format!("parameter '{name}' not allowed for linked clones"));
            }
        }
        let is_local = |drive: &Drive| {
            let storage = drive.volume.split(':').next().unwrap_or_default();
            !self.storage(storage).is_ok_and(|storage| storage.shared)
        };
        if target != source.node && source.drives().any(|(_, drive)| is_local(&drive)) {
            let word = kind.word();
            return Failure::die(format!(
                "can't clone {word} to node '{target}' ({word} uses local storage)"
            ));
        }
        match source.disks().next() {
            Some((key, drive)) if !full && !source.is_template() => Failure::die(format!(
                "Linked clone feature is not supported for '{}' ({key})",
                drive.volume
            )),
            _ => Ok(()),
        }
    }

    /// Whether the new number is free. `Ok` may hold what the task is to end with: the real one looks for a machine
    /// on its own node only, and finds one on another node when it writes.
    fn clone_id(&self, kind: Kind, node: &str, newid: u32) -> Result<Option<String>, Failure> {
        match (self.guests.get(&newid), kind) {
            (None, _) => Ok(None),
            (Some(other), Kind::Qemu) if other.kind == Kind::Qemu && other.node == node => {
                Failure::die(format!("unable to create VM {newid}: config file already exists"))
            }
            (Some(_), Kind::Qemu) => Ok(Some(format!(
                "unable to open file '/etc/pve/nodes/{node}/qemu-server/{newid}.conf.tmp.4242' - File exists"
            ))),
            (Some(other), Kind::Lxc) => {
                let word = other.kind.word();
                Failure::die(format!("{word} {newid} already exists on node '{}'", other.node))
            }
        }
    }

    pub(super) fn clone_guest(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let kind = ask.kind();
        let Ok(source) = self.guest(ask).cloned() else {
            let (word, vmid, node) = (kind.word(), ask.vmid(), ask.node());
            return Failure::die(format!(
                "unable to find configuration file for {word} {vmid} on node '{node}'"
            ));
        };
        let given = &ask.given;
        let newid = given.number("newid").unwrap_or_default();
        let full = given.flag("full").unwrap_or(!source.is_template());
        let target = given.text("target").unwrap_or(&source.node).to_owned();
        self.need_for_clone(ask, &source, newid)?;
        self.may_clone(ask, &source, full, &target)?;
        let takes = if full {
            self.world.speed.clone
        } else {
            self.world.speed.other
        };
        let from = (kind == Kind::Lxc).then(|| ask.vmid());
        let effect = Effect::Settle {
            start: false,
            source: from,
        };
        let mut work = Work::on(kind.task("clone"), ask.vmid(), takes, effect);
        if let Some(fails) = self.clone_id(kind, &source.node, newid)? {
            // Whoever has the number keeps it.
            work = Work::new(work.kind, &work.id, self.world.speed.other, Effect::Nothing);
            work.fails = Some(fails);
            return Ok(self.begin(ask, work, ledger));
        }
        work.vmid = Some(newid);
        work.fails = self.locks(ask);
        let name = self.copy(ask, &source, newid, &target);
        let marker = given.text("description").unwrap_or_default();
        ledger.created(
            Some(ask.n),
            WORLD,
            kind.object(),
            &newid.to_string(),
            &name,
            marker,
        );
        let storage = given.text("storage");
        if let Err(words) = self.copy_disks(newid, &source, storage, full) {
            work.fails.get_or_insert(words);
        }
        if full {
            let first = source.disks().next();
            let from = first.and_then(|(_, drive)| Some(drive.volume.split_once(':')?.0.to_owned()));
            let to = storage.map(str::to_owned).or(from).unwrap_or_default();
            let shared = self.storage(&to).is_ok_and(|storage| storage.shared);
            let place = (if shared { String::new() } else { target }, to.clone());
            let most = self.world.clones_at_once;
            if most.is_some_and(|most| self.copies(&place) >= most) {
                work.fails = Some(if shared {
                    format!("clone failed: cfs-lock 'storage-{to}' error: got lock request timeout")
                } else {
                    format!(
                        "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-{to}' - got timeout"
                    )
                });
            }
            work.copies_to = Some(place);
        }
        if let Some(guest) = self.guests.get_mut(&ask.vmid()).filter(|_| kind == Kind::Lxc) {
            guest.config.insert("lock".to_owned(), "disk".to_owned());
        }
        Ok(self.begin(ask, work, ledger))
    }

    /// What a clone ends with whose source is held by another task for too long.
    fn locks(&self, ask: &Ask) -> Option<String> {
        let held = self.locked_until(ask.vmid())?.saturating_sub(ask.at);
        let lock = ask.kind().lock_file(ask.vmid());
        (held > WAIT).then(|| format!("can't lock file '{lock}' - got timeout"))
    }

    /// Puts the new guest there, with the configuration of another: its name.
    fn copy(&mut self, ask: &Ask, source: &Guest, newid: u32, target: &str) -> String {
        let given = &ask.given;
        let kind = source.kind;
        let mut guest = Guest {
            pool: None,
            running: None,
            boot: None,
            rules: Vec::new(),
            node: target.to_owned(),
            ..source.clone()
        };
        guest.config.remove("template");
        let default = match kind {
            Kind::Qemu => format!("Copy-of-VM-{}", source.name()),
            Kind::Lxc => source.name().to_owned(),
        };
        let name = given.owned(kind.name_key()).unwrap_or(default);
        guest.config.insert(kind.name_key().to_owned(), name.clone());
        if let Some(text) = given.owned("description") {
            guest.config.insert("description".to_owned(), text);
        }
        self.identify(&mut guest, true);
        let whole = guest.config.clone();
        match kind {
            // Until the disks are copied, there is only a temporary file, without name and description.
            Kind::Qemu => {
                let temporary = [("lock", "clone"), ("description", " qmclone temporary file")];
                guest.config = temporary
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into();
            }
            Kind::Lxc => {
                guest.config.insert("lock".to_owned(), "create".to_owned());
            }
        }
        guest.coming = Some((whole, given.owned("pool")));
        self.guests.insert(newid, guest);
        name
    }

    /// Gives a new guest disks like those of another, and a drive of its own for cloud-init's data. `Err` is what the
    /// task ends with.
    fn copy_disks(
        &mut self,
        vmid: u32,
        source: &Guest,
        storage: Option<&str>,
        full: bool,
    ) -> Result<(), String> {
        let disks: Vec<_> = source
            .drives()
            .filter(|(_, drive)| !drive.is_cdrom() || drive.is_cloud_init())
            .map(|(key, drive)| (key.to_owned(), drive))
            .collect();
        let node = self
            .guests
            .get(&vmid)
            .map(|guest| guest.node.clone())
            .unwrap_or_default();
        let content = content_of(source.kind);
        // The source's disks are not the clone's, and must not go with it when the clone fails half way.
        if let Some(guest) = self.guests.get_mut(&vmid) {
            for (key, _) in &disks {
                guest.config.remove(key);
                guest
                    .coming
                    .iter_mut()
                    .for_each(|(config, _)| drop(config.remove(key)));
            }
        }
        for (key, mut drive) in disks {
            let own = drive.volume.split(':').next().unwrap_or_default().to_owned();
            // A linked clone takes room only as it grows.
            let size = if full { drive.size() } else { 0 };
            let storage = storage.unwrap_or(&own);
            let made = if drive.is_cloud_init() {
                drive.set("size", "4M".to_owned());
                self.allocate_cloud_init(vmid, &node, storage)
            } else {
                self.allocate(vmid, &node, storage, content, size)
            };
            let volid = match made {
                Ok(volid) => volid,
                Err(Failure::Die(words)) => return Err(format!("clone failed: {words}")),
                Err(_) => return Err("clone failed".to_owned()),
            };
            drive.volume = volid;
            if let Some((config, _)) = self.guests.get_mut(&vmid).and_then(|guest| guest.coming.as_mut()) {
                config.insert(key, drive.text());
            }
        }
        Ok(())
    }
}
