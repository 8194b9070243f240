//! Storages and what is on them.

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::drives::GIB;
use super::guests::Kind;
use super::tasks::{Effect, Work};
use super::{Ask, Proxmox, WORLD};
use crate::ledger::Ledger;
use crate::world::StorageWorld;

/// A file or a disk on a storage.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    /// The node whose storage it is on; `None` on a shared one.
    pub(super) node: Option<String>,
    pub(super) storage: String,
    /// `iso/x.iso`, `vm-101-disk-0`.
    pub(super) name: String,
    /// `iso`, `vztmpl`, `import`, `images`, `rootdir`.
    pub(super) content: String,
    /// Bytes.
    pub(super) size: u64,
    /// The guest whose disk it is.
    pub(super) vmid: Option<u32>,
    /// What was uploaded; disks are empty.
    pub(super) data: Vec<u8>,
}

impl Volume {
    pub(super) fn volid(&self) -> String {
        format!("{}:{}", self.storage, self.name)
    }

    pub(super) fn is_on(&self, node: &str) -> bool {
        self.node.as_deref().is_none_or(|own| own == node)
    }
}

impl Proxmox {
    pub(super) fn storage(&self, name: &str) -> Result<&StorageWorld, Failure> {
        let found = self.world.storages.iter().find(|storage| storage.name == name);
        found.ok_or_else(|| Failure::Die(format!("storage '{name}' does not exist")))
    }

    pub(super) fn volume(&self, node: &str, volid: &str) -> Option<&Volume> {
        let mut volumes = self.volumes.iter();
        volumes.find(|volume| volume.is_on(node) && volume.volid() == volid)
    }

    /// What is in the volume that the ledger calls `id`.
    pub(crate) fn uploaded(&self, id: &str) -> Option<&[u8]> {
        let found = self.volumes.iter().find(|volume| object_id(volume) == id);
        found.map(|volume| volume.data.as_slice())
    }

    /// Bytes that are taken on a node's storage.
    fn used(&self, node: &str, storage: &StorageWorld) -> u64 {
        let volumes = self
            .volumes
            .iter()
            .filter(|volume| volume.storage == storage.name && volume.is_on(node));
        volumes.map(|volume| volume.size).sum::<u64>() + storage.used_gib * GIB
    }

    /// Bytes that are free on a node's storage; 0 where there is none.
    pub(super) fn free(&self, node: &str, storage: &str) -> u64 {
        self.storage(storage).map_or(0, |storage| {
            (storage.total_gib * GIB).saturating_sub(self.used(node, storage))
        })
    }

    /// Makes everything that is there from the beginning.
    pub(super) fn furnish(&mut self, ledger: &mut Ledger) {
        let world = self.world.clone();
        for text in &world.volumes {
            let Some((storage, name)) = text.split_once(':') else {
                continue;
            };
            let shared = world
                .storages
                .iter()
                .any(|known| known.name == storage && known.shared);
            let nodes = world.nodes.iter().map(|node| Some(node.name.clone()));
            let places: Vec<_> = if shared { vec![None] } else { nodes.collect() };
            for node in places {
                self.volumes.push(Volume {
                    node,
                    storage: storage.to_owned(),
                    name: name.to_owned(),
                    content: name.split('/').next().unwrap_or_default().to_owned(),
                    size: 130 << 20,
                    vmid: None,
                    data: Vec::new(),
                });
            }
            ledger.created(None, WORLD, "volume", text, name, "");
        }
        let templates = world.templates.iter().map(|machine| (machine, true));
        for (machine, template) in templates.chain(world.machines.iter().map(|machine| (machine, false))) {
            self.furnish_machine(machine, template);
            ledger.created(
                None,
                WORLD,
                Kind::Qemu.object(),
                &machine.vmid.to_string(),
                &machine.name,
                "",
            );
        }
    }

    fn storage_json(&self, node: &str, storage: &StorageWorld) -> Value {
        let total = storage.total_gib * GIB;
        let used = self.used(node, storage);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share to show, as the real one gives it"
        )]
        let share = used as f64 / total.max(1) as f64;
        json!({
            "storage": storage.name,
            "type": storage.kind,
            "content": storage.content.join(","),
            "shared": u8::from(storage.shared),
            "active": 1,
            "enabled": 1,
            "total": total,
            "used": used,
            "avail": total.saturating_sub(used),
            "used_fraction": share,
        })
    }

    pub(super) fn all_storages(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let wanted = ask.given.text("type");
        let storages = self.world.storages.iter();
        let storages = storages.filter(|storage| {
            wanted.is_none_or(|wanted| storage.kind == wanted) && self.sees_storage(&storage.name)
        });
        Ok(storages.map(definition).collect::<Value>().into())
    }

    pub(super) fn storage_config(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        Ok(definition(self.storage(ask.variable("storage"))?).into())
    }

    pub(super) fn node_storages(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let named = ask.given.text("storage");
        let content = ask.given.text("content");
        let fits = |storage: &&StorageWorld| {
            let holds = |word: &str| storage.content.iter().any(|content| content == word);
            named.is_none_or(|name| storage.name == name)
                && content.is_none_or(|list| list.split(',').any(holds))
        };
        let storages = self.world.storages.iter().filter(fits);
        let storages = storages.filter(|storage| self.sees_storage(&storage.name));
        let storages = storages.map(|storage| self.storage_json(ask.node(), storage));
        Ok(storages.collect::<Value>().into())
    }

    pub(super) fn storage_status(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let storage = self.storage(ask.variable("storage"))?;
        let mut status = self.storage_json(ask.node(), storage);
        if let Some(status) = status.as_object_mut() {
            status.remove("storage");
            status.remove("used_fraction");
        }
        Ok(status.into())
    }

    pub(super) fn content(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let storage = &self.storage(ask.variable("storage"))?.name;
        let vmid = ask.given.number::<u32>("vmid");
        let content = ask.given.text("content");
        let fits = |volume: &&Volume| {
            volume.storage == *storage
                && volume.is_on(ask.node())
                && content.is_none_or(|content| volume.content == content)
                && (vmid.is_none() || volume.vmid == vmid)
        };
        Ok(self
            .volumes
            .iter()
            .filter(fits)
            .map(volume_json)
            .collect::<Value>()
            .into())
    }

    /// The id of the volume that the path names, with or without its storage.
    fn volid(ask: &Ask) -> Result<String, Failure> {
        let (storage, volume) = (ask.variable("storage"), ask.variable("volume"));
        match volume.split_once(':') {
            None => Ok(format!("{storage}:{volume}")),
            Some((own, _)) if own == storage => Ok(volume.to_owned()),
            Some(_) => Err(Failure::parameter("volume", "storage ID mismatch")),
        }
    }

    pub(super) fn volume_info(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let volid = Self::volid(ask)?;
        self.storage(ask.variable("storage"))?;
        self.need_for_volume(ask.node(), None, &volid)?;
        match self.volume(ask.node(), &volid) {
            Some(volume) => {
                let format = format_of(volume);
                let size = volume.size;
                Ok(json!({"path": path_of(volume), "size": size, "used": size, "format": format}).into())
            }
            None => Failure::die(format!("volume '{volid}' does not exist")),
        }
    }

    pub(super) fn delete_volume(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let volid = Self::volid(ask)?;
        self.storage(ask.variable("storage"))?;
        let owner = self.volume(ask.node(), &volid).and_then(|volume| volume.vmid);
        if let Some(vmid) = owner.filter(|vmid| self.guests.contains_key(vmid)) {
            return Failure::die(format!("Cannot remove image, a guest with VMID '{vmid}' exists!"));
        }
        let place = format!("/storage/{}", ask.variable("storage"));
        let needs = if owner.is_some() {
            "Datastore.AllocateSpace"
        } else {
            "Datastore.Allocate"
        };
        self.need(&place, &[needs])?;
        let node = ask.node().to_owned();
        let id = match owner {
            Some(vmid) => format!("{vmid}@{}", ask.variable("storage")),
            None => ask.variable("storage").to_owned(),
        };
        let new = Work::new(
            "imgdel",
            &id,
            self.world.speed.other,
            Effect::Remove { node, volid },
        );
        Ok(self.begin(ask, new, ledger))
    }

    /// Takes a guest's volume away that nothing refers to any more.
    pub(super) fn free_volume(&mut self, node: &str, volid: &str) {
        self.volumes
            .retain(|volume| !volume.is_on(node) || volume.volid() != volid);
    }

    /// Takes a volume away; `Err` is what the task ends with.
    pub(super) fn remove_volume(
        &mut self,
        n: u64,
        node: &str,
        volid: &str,
        ledger: &mut Ledger,
    ) -> Result<(), String> {
        let at = self
            .volumes
            .iter()
            .position(|volume| volume.is_on(node) && volume.volid() == volid);
        let Some(at) = at else {
            let name = volid.split_once(':').map_or(volid, |(_, name)| name);
            return Err(format!(
                "unlink '/var/lib/vz/template/{name}' failed - No such file or directory"
            ));
        };
        let volume = self.volumes.remove(at);
        if volume.vmid.is_none() {
            ledger.deleted(n, WORLD, "volume", &object_id(&volume));
        }
        Ok(())
    }

    /// Puts an uploaded file where it belongs, over one of the same name.
    pub(super) fn store(&mut self, n: u64, volume: Volume, ledger: &mut Ledger) {
        let same = |other: &Volume| other.node == volume.node && other.volid() == volume.volid();
        if let Some(old) = self.volumes.iter_mut().find(|other| same(other)) {
            *old = volume;
            ledger.changed(n);
            return;
        }
        ledger.created(Some(n), WORLD, "volume", &object_id(&volume), &volume.name, "");
        self.volumes.push(volume);
    }
}

/// A storage that is not shared has a file of the same id on each node: the ledger tells them apart.
fn object_id(volume: &Volume) -> String {
    match &volume.node {
        Some(node) => format!("{node}/{}", volume.volid()),
        None => volume.volid(),
    }
}

fn definition(storage: &StorageWorld) -> Value {
    json!({
        "storage": storage.name,
        "type": storage.kind,
        "content": storage.content.join(","),
        "shared": u8::from(storage.shared),
        "digest": "0000000000000000000000000000000000000000",
    })
}

fn format_of(volume: &Volume) -> &str {
    match volume.content.as_str() {
        "images" | "rootdir" => "raw",
        "iso" => "iso",
        _ => volume.name.rsplit('.').next().unwrap_or("raw"),
    }
}

fn path_of(volume: &Volume) -> String {
    match volume.content.as_str() {
        "iso" => format!("/var/lib/vz/template/{}", volume.name),
        "vztmpl" => format!(
            "/var/lib/vz/template/cache/{}",
            volume.name.trim_start_matches("vztmpl/")
        ),
        "images" | "rootdir" => format!("/dev/pve/{}", volume.name),
        _ => format!("/var/lib/vz/{}", volume.name),
    }
}

fn volume_json(volume: &Volume) -> Value {
    let mut json = json!({
        "volid": volume.volid(),
        "content": volume.content,
        "format": format_of(volume),
        "size": volume.size,
        "ctime": super::tasks::EPOCH,
    });
    if let Some(vmid) = volume.vmid {
        json["vmid"] = vmid.into();
    }
    json
}
