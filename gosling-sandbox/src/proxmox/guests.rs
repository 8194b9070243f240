//! Virtual machines and containers: what the two have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Failure};
use super::drives::{Drive, GIB, is_drive};
use super::firewall::Rule;
use super::schema::{Kind as Type, Parameter};
use super::{Ask, Proxmox, parameters};
use crate::ledger::Ledger;

/// Virtual machine or container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Qemu,
    Lxc,
}

impl Kind {
    /// What a configuration may hold.
    pub(super) const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Qemu => parameters::MACHINE,
            Self::Lxc => parameters::CONTAINER,
        }
    }

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

    pub(super) fn config_file(self, node: &str, vmid: u32) -> String {
        match self {
            Self::Qemu => format!("nodes/{node}/qemu-server/{vmid}.conf"),
            Self::Lxc => format!("nodes/{node}/lxc/{vmid}.conf"),
        }
    }

    /// The type of a task: `clone` is `qmclone` or `vzclone`.
    pub(super) fn task(self, verb: &str) -> &'static str {
        match (self, verb) {
            (Self::Qemu, "clone") => "qmclone",
            (Self::Qemu, "destroy") => "qmdestroy",
            (Self::Qemu, "start") => "qmstart",
            (Self::Qemu, "stop") => "qmstop",
            (Self::Qemu, "shutdown") => "qmshutdown",
            (Self::Qemu, "reboot") => "qmreboot",
            (Self::Qemu, "template") => "qmtemplate",
            (Self::Lxc, "clone") => "vzclone",
            (Self::Lxc, "destroy") => "vzdestroy",
            (Self::Lxc, "start") => "vzstart",
            (Self::Lxc, "stop") => "vzstop",
            (Self::Lxc, "shutdown") => "vzshutdown",
            (Self::Lxc, "reboot") => "vzreboot",
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
    /// What comes into the configuration when it stops; `None` goes from it.
    pub(super) pending: BTreeMap<String, Option<String>>,
    pub(super) pool: Option<String>,
    /// What it will be when the task that clones it is over: configuration and pool.
    pub(super) coming: Option<(BTreeMap<String, String>, Option<String>)>,
    /// Since when it runs.
    pub(super) running: Option<Duration>,
    /// When it has booted, and whether that was told to whom it concerns.
    pub(super) boot: Option<(Duration, bool)>,
    /// Whether its system is shutting down.
    pub(super) going_down: bool,
    /// Whether the guest agent is installed in it.
    pub(super) has_agent: bool,
    /// The user-data that its disk was set up with.
    pub(super) set_up: Option<Vec<u8>>,
    /// The values that cloud-init's drive was written with.
    pub(super) cloud_init: BTreeMap<String, String>,
    /// The instance that cloud-init set up with it.
    pub(super) instance: Option<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) firewall: BTreeMap<String, String>,
}

impl Guest {
    pub(super) fn new(kind: Kind, node: &str) -> Self {
        Self {
            kind,
            node: node.to_owned(),
            config: BTreeMap::new(),
            pending: BTreeMap::new(),
            pool: None,
            coming: None,
            running: None,
            boot: None,
            going_down: false,
            has_agent: false,
            set_up: None,
            cloud_init: BTreeMap::new(),
            instance: None,
            rules: Vec::new(),
            firewall: BTreeMap::new(),
        }
    }

    /// What its boots are called: `qemu/101`.
    pub(super) fn boot_name(&self, vmid: u32) -> String {
        format!("{}/{vmid}", self.kind.api())
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

    /// Its drives that hold a volume, in the order of their keys: the key and the drive.
    pub(super) fn drives(&self) -> impl Iterator<Item = (&str, Drive)> {
        let drives = self.config.iter().filter(|(key, _)| is_drive(self.kind, key));
        let drives = drives.map(|(key, value)| (key.as_str(), Drive::parse(value)));
        drives.filter(|(_, drive)| !matches!(drive.volume.as_str(), "none" | "cdrom"))
    }

    /// Its drives that are not in a CD-ROM's place.
    pub(super) fn disks(&self) -> impl Iterator<Item = (&str, Drive)> {
        self.drives().filter(|(_, drive)| !drive.is_cdrom())
    }

    /// The values that Proxmox VE makes cloud-init's data of.
    pub(super) fn cloud_init_values(&self) -> BTreeMap<String, String> {
        let own = |key: &str| {
            let family = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
            matches!(
                family,
                "cicustom"
                    | "cipassword"
                    | "citype"
                    | "ciupgrade"
                    | "ciuser"
                    | "ipconfig"
                    | "name"
                    | "nameserver"
                    | "searchdomain"
                    | "sshkeys"
            )
        };
        let values = self.config.iter().filter(|(key, _)| own(key));
        values.map(|(key, value)| (key.clone(), value.clone())).collect()
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
        digest(&self.config)
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
        let name = match self.name() {
            "" => format!("{} {vmid}", self.kind.word()),
            name => name.to_owned(),
        };
        let uptime = match (self.running, at) {
            (Some(since), Some(at)) => at.saturating_sub(since).as_secs(),
            _ => 0,
        };
        let mut map = Map::from_iter([
            ("vmid".to_owned(), json!(vmid)),
            ("name".to_owned(), json!(name)),
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
        let guests = guests.filter(|(vmid, _)| self.holds(&format!("/vms/{vmid}"), "VM.Audit"));
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
        if let Some(snapshot) = ask.given.text("snapshot") {
            return Failure::die(format!("snapshot '{snapshot}' does not exist"));
        }
        let mut config = guest.config.clone();
        // What waits for a start is told as if it were there, unless somebody asks for what is there now.
        if ask.given.flag("current") != Some(true) {
            take_over(&mut config, guest.pending.clone());
        }
        let mut map: Map<_, _> = config
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
        let keys: BTreeSet<&String> = guest.config.keys().chain(guest.pending.keys()).collect();
        let values = keys.into_iter().map(|key| {
            let mut entry = json!({"key": key});
            if let Some(value) = guest.config.get(key) {
                entry["value"] = typed(guest.kind, key, value);
            }
            match guest.pending.get(key) {
                Some(Some(value)) => entry["pending"] = typed(guest.kind, key, value),
                Some(None) => entry["delete"] = json!(1),
                None => {}
            }
            entry
        });
        Ok(values.collect::<Value>().into())
    }
}

/// What changes with a file's content.
pub(super) fn digest(content: &impl std::fmt::Debug) -> String {
    let hash = Sha256::digest(format!("{content:?}"));
    hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

/// Puts what was pending into a configuration.
pub(super) fn take_over(config: &mut BTreeMap<String, String>, pending: BTreeMap<String, Option<String>>) {
    for (key, value) in pending {
        match value {
            Some(value) => config.insert(key, value),
            None => config.remove(&key),
        };
    }
}

fn missing(kind: Kind, node: &str, vmid: u32) -> Failure {
    Failure::Die(format!(
        "Configuration file '{}' does not exist",
        kind.config_file(node, vmid)
    ))
}

/// A value as the API gives it: a number where the schema says integer or boolean, and no password.
fn typed(kind: Kind, key: &str, value: &str) -> Value {
    if key == "cipassword" {
        return json!("**********");
    }
    let is_number = kind
        .parameters()
        .iter()
        .any(|parameter| parameter.is(key) && matches!(parameter.kind, Type::Boolean | Type::Integer(..)));
    match value.parse::<i64>() {
        Ok(number) if is_number => json!(number),
        _ => json!(value),
    }
}

/// The default size of a container's root, where none is given.
pub(super) const DEFAULT_ROOT: u64 = 4 * GIB;
