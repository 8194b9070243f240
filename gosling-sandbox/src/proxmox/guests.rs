//! Virtual machines and containers: what the two have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Failure, Success};
use super::drives::{Drive, GIB, bytes, is_drive, size_text};
use super::firewall::Rule;
use super::schema::Kind as Type;
use super::tasks::{Effect, New};
use super::{Ask, Proxmox, WORLD, parameters};
use crate::ledger::Ledger;

/// How long a call waits for a guest's lock.
const WAIT: Duration = Duration::from_secs(10);
/// How long a clone waits for it.
const CLONE_WAIT: Duration = Duration::from_secs(1);
/// How many whole disks a storage takes at once before its lock times out.
const COPIES: usize = 2;

/// Virtual machine or container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Qemu,
    Lxc,
}

impl Kind {
    /// In paths and resource ids.
    pub(super) const fn api(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// In messages.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Qemu => "VM",
            Self::Lxc => "CT",
        }
    }

    /// In the ledger.
    pub(super) const fn object(self) -> &'static str {
        match self {
            Self::Qemu => "vm",
            Self::Lxc => "container",
        }
    }

    /// The configuration's key for the name.
    pub(super) const fn name_key(self) -> &'static str {
        match self {
            Self::Qemu => "name",
            Self::Lxc => "hostname",
        }
    }

    pub(super) fn lock_file(self, vmid: u32) -> String {
        match self {
            Self::Qemu => format!("/var/lock/qemu-server/lock-{vmid}.conf"),
            Self::Lxc => format!("/run/lock/lxc/pve-config-{vmid}.lock"),
        }
    }

    fn config_file(self, node: &str, vmid: u32) -> String {
        match self {
            Self::Qemu => format!("nodes/{node}/qemu-server/{vmid}.conf"),
            Self::Lxc => format!("nodes/{node}/lxc/{vmid}.conf"),
        }
    }

    /// The type of a task: `clone` is `qmclone` or `vzclone`.
    fn task(self, verb: &str) -> &'static str {
        match (self, verb) {
            (Self::Qemu, "clone") => "qmclone",
            (Self::Qemu, "destroy") => "qmdestroy",
            (Self::Qemu, "start") => "qmstart",
            (Self::Qemu, "stop") => "qmstop",
            (Self::Qemu, "shutdown") => "qmshutdown",
            (Self::Qemu, "template") => "qmtemplate",
            (Self::Lxc, "clone") => "vzclone",
            (Self::Lxc, "destroy") => "vzdestroy",
            (Self::Lxc, "start") => "vzstart",
            (Self::Lxc, "stop") => "vzstop",
            (Self::Lxc, "shutdown") => "vzshutdown",
            (Self::Lxc, "template") => "vztemplate",
            _ => "resize",
        }
    }
}

/// A virtual machine or a container.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) kind: Kind,
    pub(super) node: String,
    /// As the configuration file would hold it, `lock` and `template` included.
    pub(super) config: BTreeMap<String, String>,
    pub(super) pool: Option<String>,
    /// Since when it runs.
    pub(super) running: Option<Duration>,
    /// When it has booted, and whether that was told to whom it concerns.
    pub(super) boot: Option<(Duration, bool)>,
    /// Whether the guest agent is installed in it.
    pub(super) has_agent: bool,
    /// The user-data that its disk was set up with.
    pub(super) set_up: Option<Vec<u8>>,
    pub(super) rules: Vec<Rule>,
    pub(super) firewall: BTreeMap<String, String>,
}

/// What is to change in a configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    set: BTreeMap<String, String>,
    delete: Vec<String>,
    digest: Option<String>,
}

impl Guest {
    pub(super) fn new(kind: Kind, node: &str) -> Self {
        Self {
            kind,
            node: node.to_owned(),
            config: BTreeMap::new(),
            pool: None,
            running: None,
            boot: None,
            has_agent: false,
            set_up: None,
            rules: Vec::new(),
            firewall: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str)
    }

    pub(super) fn name(&self) -> &str {
        self.get(self.kind.name_key()).unwrap_or_default()
    }

    pub(super) fn is_template(&self) -> bool {
        self.get("template") == Some("1")
    }

    /// Bytes of memory that it is given.
    pub(super) fn memory(&self) -> u64 {
        let text = self
            .get("memory")
            .map(|text| text.strip_prefix("current=").unwrap_or(text));
        text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(512) << 20
    }

    fn cpus(&self) -> u64 {
        let number = |key| {
            self.get(key)
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(1)
        };
        number("cores") * number("sockets")
    }

    /// Its drives that are not in a CD-ROM's place: the key and the drive.
    pub(super) fn disks(&self) -> impl Iterator<Item = (&str, Drive)> {
        let drives = self.config.iter().filter(|(key, _)| is_drive(self.kind, key));
        let drives = drives.map(|(key, value)| (key.as_str(), Drive::parse(value)));
        drives.filter(|(_, drive)| !drive.is_cdrom() && drive.volume != "none")
    }

    fn disk_size(&self) -> u64 {
        self.disks().map(|(_, drive)| drive.size()).max().unwrap_or(0)
    }

    /// Fails while a clone or a creation is under way.
    pub(super) fn unlocked(&self) -> Result<(), Failure> {
        match self.get("lock") {
            Some(lock) => Failure::die(format!("{} is locked ({lock})", self.kind.word())),
            None => Ok(()),
        }
    }

    /// Changes with the configuration.
    pub(super) fn digest(&self) -> String {
        let hash = Sha256::digest(format!("{:?}", self.config));
        hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn runs(&self) -> &'static str {
        if self.running.is_some() {
            "running"
        } else {
            "stopped"
        }
    }

    /// What lists and the status say about it.
    fn summary(&self, vmid: u32, at: Option<Duration>) -> Map<String, Value> {
        let uptime = match (self.running, at) {
            (Some(since), Some(at)) => at.saturating_sub(since).as_secs(),
            _ => 0,
        };
        let mut map = Map::from_iter([
            ("vmid".to_owned(), json!(vmid)),
            ("name".to_owned(), json!(self.name())),
            ("status".to_owned(), json!(self.runs())),
            ("uptime".to_owned(), json!(uptime)),
            ("maxmem".to_owned(), json!(self.memory())),
            ("maxdisk".to_owned(), json!(self.disk_size())),
            ("cpu".to_owned(), json!(0)),
            (
                "mem".to_owned(),
                json!(self.running.map_or(0, |_| self.memory() / 2)),
            ),
            ("disk".to_owned(), json!(0)),
        ]);
        if self.is_template() {
            map.insert("template".to_owned(), json!(1));
        }
        for key in ["lock", "tags"] {
            if let Some(value) = self.get(key) {
                map.insert(key.to_owned(), json!(value));
            }
        }
        map
    }
}

impl Proxmox {
    /// The guest that a call names, of the kind and on the node that it names.
    pub(super) fn guest(&self, ask: &Ask) -> Result<&Guest, Failure> {
        let (vmid, kind) = (ask.vmid(), ask.kind());
        let found = self.guests.get(&vmid);
        found
            .filter(|guest| guest.kind == kind && guest.node == ask.node())
            .ok_or_else(|| missing(kind, ask.node(), vmid))
    }

    /// The same, to change it.
    pub(super) fn guest_mut(&mut self, ask: &Ask) -> Result<&mut Guest, Failure> {
        let (vmid, kind) = (ask.vmid(), ask.kind());
        let found = self.guests.get_mut(&vmid);
        found
            .filter(|guest| guest.kind == kind && guest.node == ask.node())
            .ok_or_else(|| missing(kind, ask.node(), vmid))
    }

    /// Fails when somebody has this number already.
    pub(super) fn unused(&self, kind: Kind, vmid: u32) -> Result<(), Failure> {
        match self.guests.get(&vmid) {
            None => Ok(()),
            Some(guest) => Failure::die(format!(
                "unable to create {} {vmid} - {} {vmid} already exists on node '{}'",
                kind.word(),
                guest.kind.word(),
                guest.node
            )),
        }
    }

    pub(super) fn resource(&self, vmid: u32, guest: &Guest) -> Value {
        let mut map = guest.summary(vmid, None);
        map.insert("id".to_owned(), json!(format!("{}/{vmid}", guest.kind.api())));
        map.insert("type".to_owned(), json!(guest.kind.api()));
        map.insert("node".to_owned(), json!(guest.node));
        map.insert("template".to_owned(), json!(u8::from(guest.is_template())));
        map.insert("maxcpu".to_owned(), json!(guest.cpus()));
        if let Some(pool) = &guest.pool {
            map.insert("pool".to_owned(), json!(pool));
        }
        Value::Object(map)
    }

    pub(super) fn list_guests(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let here = |guest: &Guest| guest.kind == ask.kind() && guest.node == ask.node();
        let guests = self.guests.iter().filter(|(_, guest)| here(guest));
        let guests = guests.map(|(vmid, guest)| {
            let mut map = guest.summary(*vmid, Some(ask.at));
            map.insert("cpus".to_owned(), json!(guest.cpus()));
            Value::Object(map)
        });
        Ok(guests.collect::<Value>().into())
    }

    pub(super) fn status(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let mut map = guest.summary(ask.vmid(), Some(ask.at));
        map.insert("cpus".to_owned(), json!(guest.cpus()));
        map.insert("ha".to_owned(), json!({"managed": 0}));
        if guest.kind == Kind::Qemu {
            map.insert("qmpstatus".to_owned(), json!(guest.runs()));
            if guest.agent_enabled() {
                map.insert("agent".to_owned(), json!(1));
            }
        } else {
            map.insert("type".to_owned(), json!("lxc"));
        }
        Ok(Value::Object(map).into())
    }

    pub(super) fn config(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let mut map: Map<_, _> = guest
            .config
            .iter()
            .map(|(key, value)| (key.clone(), typed(guest.kind, key, value)))
            .collect();
        // A container's description comes back as its file has it, a line.
        if guest.kind == Kind::Lxc
            && let Some(description) = guest.get("description")
        {
            map.insert("description".to_owned(), json!(format!("{description}\n")));
        }
        map.insert("digest".to_owned(), json!(guest.digest()));
        Ok(Value::Object(map).into())
    }

    pub(super) fn pending(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let values = guest
            .config
            .iter()
            .map(|(key, value)| json!({"key": key, "value": typed(guest.kind, key, value)}));
        Ok(values.collect::<Value>().into())
    }

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
        let delay = self.wait(ask, ask.vmid(), CLONE_WAIT)?;
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
        let mut new = New::on(
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

    /// What has to be different in every guest: addresses and identities.
    pub(super) fn identify(&mut self, guest: &mut Guest) {
        let nets: Vec<_> = guest.config.keys().filter(|key| is_net(key)).cloned().collect();
        for key in nets {
            let Some(value) = guest.config.get(&key).cloned() else {
                continue;
            };
            let bits = self.dice.roll();
            let address = format!(
                "BC:24:11:{:02X}:{:02X}:{:02X}",
                bits & 255,
                (bits >> 8) & 255,
                (bits >> 16) & 255
            );
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

    /// What a call wants to change.
    pub(super) fn wanted(ask: &Ask) -> Result<Change, Failure> {
        let control = [
            "delete",
            "digest",
            "revert",
            "force",
            "skiplock",
            "background_delay",
            "import-working-storage",
        ];
        let delete = ask.given.text("delete").unwrap_or_default();
        let delete: Vec<_> = delete
            .split([',', ';', ' ', '\0'])
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect();
        let set = ask.given.pairs().filter(|(key, _)| !control.contains(key));
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
        let change = Self::wanted(ask)?;
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
        for key in &change.delete {
            if let Some(old) = config.remove(key)
                && is_drive(kind, key)
            {
                set_aside(&mut config, vmid, &old);
            }
        }
        for (key, value) in &change.set {
            let value = match key.as_str() {
                key if is_drive(kind, key) => self.place(kind, vmid, &node, value)?,
                "tags" => tags(value),
                key if is_net(key) && kind == Kind::Qemu => {
                    let old = before.get(key).and_then(|old| address_of(old));
                    let bits = self.dice.roll();
                    let new = format!(
                        "BC:24:11:{:02X}:{:02X}:{:02X}",
                        bits & 255,
                        (bits >> 8) & 255,
                        (bits >> 16) & 255
                    );
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
        }
        Ok(())
    }

    pub(super) fn resize(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        guest.unlocked()?;
        let disk = ask.given.owned("disk").unwrap_or_default();
        if !guest.disks().any(|(key, _)| key == disk) {
            return Failure::die(format!("disk '{disk}' does not exist"));
        }
        let size = ask.given.owned("size").unwrap_or_default();
        let new = New::on(
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

    pub(super) fn destroy(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        let (vmid, kind) = (ask.vmid(), guest.kind);
        if guest.get("protection") == Some("1") {
            return Failure::die(format!(
                "can't remove {} {vmid} - protection mode enabled",
                kind.word()
            ));
        }
        if guest.running.is_some() && ask.given.flag("force") != Some(true) {
            return Failure::die(match kind {
                Kind::Qemu => format!("VM {vmid} is running - destroy failed"),
                Kind::Lxc => format!("unable to destroy CT {vmid} - container is running"),
            });
        }
        let new = New::on(
            kind.task("destroy"),
            vmid,
            self.world.speed.other,
            Effect::Destroy,
        );
        Ok(self.begin(ask, new, ledger))
    }

    /// A guest is gone, with its disks and its firewall.
    pub(super) fn forget(&mut self, n: u64, vmid: u32, ledger: &mut Ledger) {
        self.halt(vmid);
        let Some(guest) = self.guests.remove(&vmid) else {
            return;
        };
        self.volumes.retain(|volume| volume.vmid != Some(vmid));
        for rule in &guest.rules {
            ledger.deleted(n, WORLD, "firewall_rule", &rule.object);
        }
        ledger.deleted(n, WORLD, guest.kind.object(), &vmid.to_string());
    }

    pub(super) fn start(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let new = New::on(
            ask.kind().task("start"),
            ask.vmid(),
            self.world.speed.start,
            Effect::Start,
        );
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn stop(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.end(ask, "stop", ledger)
    }

    pub(super) fn shutdown(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.end(ask, "shutdown", ledger)
    }

    fn end(&mut self, ask: &Ask, verb: &str, ledger: &mut Ledger) -> Answer {
        let kind = ask.kind();
        if kind == Kind::Lxc && self.guest(ask)?.running.is_none() {
            return Failure::die(format!("CT {} not running", ask.vmid()));
        }
        let new = New::on(kind.task(verb), ask.vmid(), self.world.speed.stop, Effect::Stop);
        Ok(self.begin(ask, new, ledger))
    }

    pub(super) fn template(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let guest = self.guest(ask)?;
        guest.unlocked()?;
        if guest.running.is_some() {
            return Failure::die(
                "you can't convert a running VM to a template".replace("VM", guest.kind.word()),
            );
        }
        let kind = guest.kind;
        let new = New::on(
            kind.task("template"),
            ask.vmid(),
            self.world.speed.other,
            Effect::Template,
        );
        let success = self.begin(ask, new, ledger);
        // A container's conversion is done before the answer.
        Ok(if kind == Kind::Lxc {
            Value::Null.into()
        } else {
            success
        })
    }

    pub(super) fn freeze(&mut self, vmid: u32) {
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config.insert("template".to_owned(), "1".to_owned());
        }
    }

    /// Whether a task may begin, now that it has the lock.
    pub(super) fn may(&self, vmid: u32, effect: &Effect) -> Result<(), String> {
        let Some(guest) = self.guests.get(&vmid) else {
            let kind = Kind::Qemu;
            let node = self.world.nodes.first().map_or("", |node| node.name.as_str());
            return Err(format!(
                "Configuration file '{}' does not exist",
                kind.config_file(node, vmid)
            ));
        };
        if matches!(effect, Effect::Settle { .. }) {
            return Ok(());
        }
        if let Err(Failure::Die(words)) = guest.unlocked() {
            return Err(words);
        }
        match effect {
            Effect::Start => self.may_start(vmid, guest),
            Effect::Destroy if guest.running.is_some() && guest.kind == Kind::Qemu => {
                Err(format!("VM {vmid} is running - destroy failed"))
            }
            _ => Ok(()),
        }
    }

    fn may_start(&self, vmid: u32, guest: &Guest) -> Result<(), String> {
        if guest.is_template() {
            return Err(
                "you can't start a vm if it's a template".replace("vm", &guest.kind.word().to_lowercase())
            );
        }
        if guest.running.is_some() {
            return Err(format!("{} {vmid} already running", guest.kind.word()));
        }
        for (key, value) in guest.config.iter().filter(|(key, _)| is_net(key)) {
            let bridge = value.split(',').find_map(|part| part.strip_prefix("bridge="));
            if let Some(bridge) =
                bridge.filter(|bridge| !self.world.bridges.iter().any(|known| known == bridge))
            {
                return Err(format!("{key}: bridge '{bridge}' does not exist"));
            }
        }
        for (_, value) in guest.config.iter().filter(|(key, _)| is_drive(guest.kind, key)) {
            let drive = Drive::parse(value);
            if drive.volume.contains(':') && self.volume(&guest.node, &drive.volume).is_none() {
                return Err(format!("volume '{}' does not exist", drive.volume));
            }
        }
        Ok(())
    }

    /// A guest is unlocked, and runs from `start` on if there is such a time.
    pub(super) fn settle(&mut self, vmid: u32, start: Option<Duration>) {
        let boot = Duration::from_millis(self.world.speed.boot);
        if let Some(guest) = self.guests.get_mut(&vmid) {
            guest.config.remove("lock");
            if let Some(now) = start {
                guest.running = Some(now);
                guest.boot = Some((now + boot, false));
            }
        }
    }

    /// A guest is off.
    pub(super) fn halt(&mut self, vmid: u32) {
        let Some(guest) = self.guests.get_mut(&vmid) else {
            return;
        };
        guest.running = None;
        if guest.boot.take().is_some_and(|(_, told)| told) {
            self.halts.push(format!("{}/{vmid}", guest.kind.api()));
        }
    }
}

fn missing(kind: Kind, node: &str, vmid: u32) -> Failure {
    Failure::Die(format!(
        "Configuration file '{}' does not exist",
        kind.config_file(node, vmid)
    ))
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

fn is_net(key: &str) -> bool {
    let number = key.strip_prefix("net");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The hardware address in `virtio=BC:24:11:00:00:01,bridge=vmbr0`.
fn address_of(net: &str) -> Option<String> {
    let parts = net.split(',').filter_map(|part| part.split_once('='));
    let address = |value: &str| value.len() == 17 && value.split(':').count() == 6;
    parts
        .map(|(_, value)| value)
        .find(|value| address(value))
        .map(str::to_owned)
}

fn with_address(net: &str, address: &str) -> String {
    let (first, rest) = net.split_once(',').unwrap_or((net, ""));
    let model = first.strip_prefix("model=").unwrap_or(first);
    let model = model.split('=').next().unwrap_or_default();
    let comma = if rest.is_empty() { "" } else { "," };
    format!("{model}={address}{comma}{rest}")
}

/// Tags as they are kept: each once, in order, with semicolons between.
fn tags(text: &str) -> String {
    let words = text.split([',', ';', ' ']).filter(|word| !word.is_empty());
    let words: std::collections::BTreeSet<_> = words.map(str::to_lowercase).collect();
    words.into_iter().collect::<Vec<_>>().join(";")
}

/// A value as the API gives it: a number where the schema says integer or boolean.
fn typed(kind: Kind, key: &str, value: &str) -> Value {
    let table = match kind {
        Kind::Qemu => parameters::MACHINE,
        Kind::Lxc => parameters::CONTAINER,
    };
    let is_number = table
        .iter()
        .any(|parameter| parameter.is(key) && matches!(parameter.kind, Type::Boolean | Type::Integer(..)));
    match value.parse::<i64>() {
        Ok(number) if is_number => json!(number),
        _ => json!(value),
    }
}

/// The default size of a container's root, where none is given.
pub(super) const DEFAULT_ROOT: u64 = 4 * GIB;
