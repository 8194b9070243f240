//! Clones: a new guest with the disks of another.

use std::time::Duration;

use super::answer::{Answer, Failure, Success};
use super::drives::Drive;
use super::guests::{Guest, Kind};
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;

/// How long a clone waits for the lock of its source.
const WAIT: Duration = Duration::from_secs(1);
/// How many whole disks a storage takes at once before its lock times out.
const COPIES: usize = 2;

impl Proxmox {
    pub(super) fn clone_guest(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let source = self.guest(ask)?.clone();
        let kind = source.kind;
        let given = &ask.given;
        let newid = given.number("newid").unwrap_or_default();
        if let Some(pool) = given.text("pool") {
            self.there_is_pool(pool)?;
        }
        let full = given.flag("full").unwrap_or(!source.is_template());
        let storage = given.text("storage");
        if let Some(storage) = storage {
            self.storage(storage)?;
            if !full {
                return Err(Failure::parameter(
                    "storage",
                    "parameter 'storage' not allowed for linked clones",
                ));
            }
        }
        if !full && !source.is_template() {
            return Failure::die(
                "Linked clone feature is not supported for drive: the source is no template",
            );
        }
        let target = given.text("target").unwrap_or(&source.node).to_owned();
        if !self.world.nodes.iter().any(|node| node.name == target) {
            return Failure::die(format!("no such cluster node '{target}'"));
        }
        let is_local = |drive: &Drive| {
            let storage = drive.volume.split(':').next().unwrap_or_default();
            !self.storage(storage).is_ok_and(|storage| storage.shared)
        };
        if target != source.node && source.disks().any(|(_, drive)| is_local(&drive)) {
            return Failure::die(format!(
                "can't clone {} to node '{target}' ({} uses local storage)",
                kind.word(),
                kind.word()
            ));
        }
        source.unlocked()?;
        let delay = self.wait(ask, ask.vmid(), WAIT)?;
        self.unused(kind, newid)?;

        let mut guest = Guest {
            pool: given.owned("pool"),
            running: None,
            boot: None,
            set_up: None,
            rules: Vec::new(),
            node: target.clone(),
            ..source.clone()
        };
        guest.config.remove("template");
        guest.config.insert(
            "lock".to_owned(),
            if kind == Kind::Qemu { "clone" } else { "create" }.to_owned(),
        );
        let default = if kind == Kind::Qemu {
            format!("Copy-of-{}-{}", kind.word(), source.name())
        } else {
            format!("CT{newid}")
        };
        let name = given.owned(kind.name_key()).unwrap_or(default);
        guest.config.insert(kind.name_key().to_owned(), name.clone());
        match given.owned("description") {
            Some(text) => guest.config.insert("description".to_owned(), text),
            None => guest.config.remove("description"),
        };
        self.identify(&mut guest);
        let verb = kind.task("clone");
        let mut new = Work::on(
            verb,
            ask.vmid(),
            self.world.speed.other,
            Effect::Settle { start: false },
        );
        new.vmid = Some(newid);
        self.guests.insert(newid, guest);
        let marker = given.text("description").unwrap_or_default();
        ledger.created(
            Some(ask.n),
            WORLD,
            kind.object(),
            &newid.to_string(),
            &name,
            marker,
        );
        if full {
            new.takes = self.world.speed.clone;
        }
        new.fails = self.copy_disks(newid, &source, storage, full).err();
        if full {
            let first = source.disks().next();
            let from = first.and_then(|(_, drive)| Some(drive.volume.split_once(':')?.0.to_owned()));
            let to = storage.map(str::to_owned).or(from).unwrap_or_default();
            let shared = self.storage(&to).is_ok_and(|storage| storage.shared);
            let place = (if shared { String::new() } else { target }, to.clone());
            if self.copies(&place) >= COPIES {
                new.fails = Some(format!(
                    "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-{to}' - got timeout"
                ));
            }
            new.copies_to = Some(place);
        }
        let success = self.begin(ask, new, ledger);
        Ok(Success { delay, ..success })
    }

    /// Gives a new guest disks like those of another. `Err` is what the task ends with.
    fn copy_disks(
        &mut self,
        vmid: u32,
        source: &Guest,
        storage: Option<&str>,
        full: bool,
    ) -> Result<(), String> {
        let disks: Vec<_> = source
            .disks()
            .map(|(key, drive)| (key.to_owned(), drive))
            .collect();
        let node = self
            .guests
            .get(&vmid)
            .map(|guest| guest.node.clone())
            .unwrap_or_default();
        let content = if source.kind == Kind::Qemu {
            "images"
        } else {
            "rootdir"
        };
        // The source's disks are not the clone's, and must not go with it when the clone fails half way.
        if let Some(guest) = self.guests.get_mut(&vmid) {
            for (key, _) in &disks {
                guest.config.remove(key);
            }
        }
        for (key, mut drive) in disks {
            let own = drive.volume.split(':').next().unwrap_or_default().to_owned();
            // A linked clone takes room only as it grows.
            let size = if full { drive.size() } else { 0 };
            let storage = storage.unwrap_or(&own);
            let volid = match self.allocate(vmid, &node, storage, content, size) {
                Ok(volid) => volid,
                Err(Failure::Die(words)) => return Err(format!("clone failed: {words}")),
                Err(_) => return Err("clone failed".to_owned()),
            };
            drive.volume = volid;
            if let Some(guest) = self.guests.get_mut(&vmid) {
                guest.config.insert(key, drive.text());
            }
        }
        Ok(())
    }
}
