//! A machine's attributes, and what Proxmox VE's configuration says of them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use gosling_engine::CallError;
use gosling_resource::{Attribute, Change, Kind, Properties, Template, Value, VmidRange};

use super::networks::Card;

/// A virtual machine.
///
/// `user_data` and `network_config` go in with the NoCloud image; `runner` is the runner record whose token is in
/// them. `firewall` is a map of `policy_in` (`DROP`, `REJECT`, `ACCEPT`) and `allow`, a list like `10.0.0.0/8 tcp/22`.
/// `image` is a volume such as `local:import/debian-12.qcow2`, or the `https` address of a disk image, which the node
/// fetches. Sizes are MiB.
pub static PROXMOX_VM: Kind = Kind {
    name: "proxmox_vm",
    lost: "its disk with all that is on it",
    attributes: &[
        seen("name", Change::Update),
        unseen("nodes", Change::OnlyAtCreation),
        unseen("vmid_range", Change::OnlyAtCreation),
        unseen("template", Change::Replace),
        unseen("image", Change::Replace),
        unseen("storage", Change::Replace),
        unseen("iso_storage", Change::OnlyAtCreation),
        seen("bridge", Change::Reconnect),
        seen("vlan", Change::Reconnect),
        unseen("pool", Change::OnlyAtCreation),
        seen("cpu_type", Change::Restart),
        seen("cpu", Change::Restart),
        seen("memory", Change::Restart),
        seen("disk", Change::Grow),
        seen("tags", Change::Update),
        // It filters what comes in alone: a runner reaches GitLab whatever it is.
        seen("firewall", Change::Update),
        // Whether it runs: a machine that someone turned off is turned on again.
        seen("started", Change::Update),
        // Whether it starts with its node, and whether the node talks to its guest agent.
        always("onboot"),
        always("agent"),
        unseen("user_data", Change::Replace),
        unseen("network_config", Change::Replace),
        unseen("runner", Change::Replace),
    ],
};

const fn seen(name: &'static str, change: Change) -> Attribute {
    Attribute {
        name,
        change,
        observed: true,
        usual: None,
    }
}

const fn unseen(name: &'static str, change: Change) -> Attribute {
    Attribute {
        name,
        change,
        observed: false,
        usual: None,
    }
}

/// What a machine is in Proxmox VE whatever the Nest says, and put back where somebody changed it.
const fn always(name: &'static str) -> Attribute {
    Attribute {
        usual: Some(true),
        ..seen(name, Change::Update)
    }
}

/// What a machine is to be like.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// Empty: any that is online.
    pub(super) nodes: Vec<String>,
    pub(super) vmids: RangeInclusive<u32>,
    pub(super) from: Origin,
    pub(super) storage: String,
    pub(super) iso_storage: String,
    pub(super) bridge: String,
    pub(super) vlan: Option<i64>,
    pub(super) pool: Option<String>,
    pub(super) cpu_type: Option<String>,
    pub(super) cpu: Option<i64>,
    pub(super) memory: i64,
    /// MiB; without it, the template's.
    pub(super) disk: Option<i64>,
    pub(super) tags: Vec<String>,
    pub(super) firewall: Option<Firewall>,
    pub(super) started: bool,
    pub(super) user_data: Option<Template>,
    pub(super) network_config: Option<Template>,
}

/// What a machine is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// A clone of the template of this name.
    Named(String),
    /// A clone of the template of this number.
    Numbered(u32),
    /// A new machine with a copy of this volume as its disk: `local:import/debian-12.qcow2`. Or of what is at this
    /// address.
    Image(String),
}

/// Proxmox VE's firewall in front of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Firewall {
    /// `DROP`, `REJECT`, `ACCEPT`.
    pub(super) policy_in: String,
    pub(super) allow: Vec<String>,
}

impl Wanted {
    pub(super) fn of(properties: &Properties) -> Result<Self, CallError> {
        let get = |name: &str| properties.get(name).filter(|value| **value != Value::Null);
        let wrong =
            |name: &str| CallError::failed(format!("the attribute `{name}` has a value that it cannot have"));
        let text = |name: &str| match get(name) {
            Some(value) => value
                .as_text()
                .map(str::to_owned)
                .map(Some)
                .ok_or_else(|| wrong(name)),
            None => Ok(None),
        };
        let number = |name: &str| match get(name) {
            Some(value) => value.as_int().map(Some).ok_or_else(|| wrong(name)),
            None => Ok(None),
        };
        let texts = |name: &str| -> Vec<String> {
            let texts = get(name).map(Value::texts).unwrap_or_default();
            texts.into_iter().map(str::to_owned).collect()
        };
        let template = |name: &str| match get(name) {
            Some(Value::Template(template)) => Ok(Some(template.clone())),
            Some(Value::Text(text)) => Ok(Some(Template::text(text.clone()))),
            Some(_) => Err(wrong(name)),
            None => Ok(None),
        };
        let or = |given: Option<String>, default: &str| given.unwrap_or_else(|| default.to_owned());
        let from = match (get("template"), text("image")?) {
            (Some(Value::Text(name)), None) => match name.parse() {
                Ok(number) => Origin::Numbered(number),
                Err(_) => Origin::Named(name.to_string()),
            },
            (Some(Value::Int(number)), None) => {
                Origin::Numbered(u32::try_from(*number).map_err(|_| wrong("template"))?)
            }
            (None, Some(image)) => Origin::Image(image),
            _ => return Err(wrong("template")),
        };
        let range = or(text("vmid_range")?, "5000-5999");
        Ok(Self {
            name: text("name")?.ok_or_else(|| wrong("name"))?,
            nodes: texts("nodes"),
            vmids: VmidRange::parse(&range)
                .map_err(|_| wrong("vmid_range"))?
                .numbers(),
            from,
            storage: or(text("storage")?, "local-lvm"),
            iso_storage: or(text("iso_storage")?, "local"),
            bridge: or(text("bridge")?, "vmbr0"),
            vlan: number("vlan")?,
            pool: text("pool")?,
            cpu_type: text("cpu_type")?,
            cpu: number("cpu")?,
            memory: number("memory")?.unwrap_or(2048),
            disk: number("disk")?,
            tags: texts("tags"),
            firewall: match get("firewall") {
                Some(Value::Map(map)) => Some(Firewall {
                    policy_in: map
                        .get("policy_in")
                        .and_then(Value::as_text)
                        .unwrap_or("DROP")
                        .to_uppercase(),
                    allow: map
                        .get("allow")
                        .map(Value::texts)
                        .unwrap_or_default()
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                }),
                Some(_) => return Err(wrong("firewall")),
                None => None,
            },
            started: get("started").and_then(Value::as_bool).unwrap_or(true),
            user_data: template("user_data")?,
            network_config: template("network_config")?,
        })
    }
}

impl Wanted {
    /// What its network card is plugged into.
    pub(super) fn card(&self) -> Card {
        Card {
            bridge: self.bridge.clone(),
            tag: self.vlan,
        }
    }
}

/// A configuration, and what of it becomes different with the machine's next start.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    pub(super) values: BTreeMap<String, String>,
    /// `None` is a value that goes.
    pub(super) pending: BTreeMap<String, Option<String>>,
}

impl Config {
    /// From what `GET .../config` gives.
    pub(super) fn of(data: &serde_json::Value) -> Self {
        let map = data.as_object();
        let pairs = map
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), text(value)));
        Self {
            values: pairs.collect(),
            pending: BTreeMap::new(),
        }
    }

    /// From what `GET .../pending` gives: the values of now, and those of the next start.
    pub(super) fn with_pending(data: &serde_json::Value) -> Self {
        let mut config = Self::default();
        for entry in data.as_array().into_iter().flatten() {
            let Some(key) = entry.get("key").and_then(serde_json::Value::as_str) else {
                continue;
            };
            if let Some(value) = entry.get("value") {
                config.values.insert(key.to_owned(), text(value));
            }
            if let Some(value) = entry.get("pending") {
                config.pending.insert(key.to_owned(), Some(text(value)));
            } else if entry.get("delete").is_some_and(|flag| *flag != 0) {
                config.pending.insert(key.to_owned(), None);
            }
        }
        config
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Whether `onboot` or `agent` is on, as it always is to be: now, or from the next start on.
    fn is_usual(&self, name: &str) -> bool {
        let is_on = |value: &str| match name {
            "agent" => enables_agent(value),
            _ => value == "1",
        };
        let waits = self.pending.get(name).and_then(Option::as_deref);
        self.get(name).is_some_and(is_on) || waits.is_some_and(is_on)
    }

    /// Its notes: gosling's marker, and what people write around it.
    pub(super) fn notes(&self) -> &str {
        self.get("description").unwrap_or_default()
    }

    /// A part of a value like `virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=8`.
    pub(super) fn part(&self, key: &str, name: &str) -> Option<&str> {
        let mut parts = self.get(key)?.split(',').filter_map(|part| part.split_once('='));
        parts.find(|(its, _)| *its == name).map(|(_, value)| value)
    }

    /// The emulated processor: `host` of `cputype=host,flags=+aes`.
    pub(super) fn cpu_type(&self) -> Option<&str> {
        let first = self.get("cpu")?.split(',').next()?;
        Some(first.strip_prefix("cputype=").unwrap_or(first))
    }

    /// What its network cards are plugged into.
    pub(super) fn cards(&self) -> Vec<Card> {
        let nets = self.values.keys().filter(|key| {
            let number = key.strip_prefix("net").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let cards = nets.filter_map(|key| {
            Some(Card {
                bridge: self.part(key, "bridge")?.to_owned(),
                tag: self.part(key, "tag").and_then(|tag| tag.parse().ok()),
            })
        });
        cards.collect()
    }

    /// The disk that the machine boots from: `scsi0`. It is the first of the boot order, else the first there is.
    pub(super) fn boot_disk(&self) -> Option<&str> {
        let order = self.part("boot", "order").unwrap_or_default();
        let is_disk = |key: &&str| {
            let value = self.get(key).unwrap_or_default();
            value.contains(':') && !value.contains("media=cdrom")
        };
        let usual = ["scsi0", "virtio0", "sata0", "ide0"];
        order
            .split(';')
            .chain(usual)
            .find(is_disk)
            .and_then(|key| self.values.get_key_value(key))
            .map(|(key, _)| key.as_str())
    }

    /// Drives made by Proxmox VE's own cloud-init, which would contradict ours.
    pub(super) fn own_cloud_init(&self) -> Vec<&str> {
        let drives = self
            .values
            .iter()
            .filter(|(_, value)| value.contains("cloudinit") && value.contains("media=cdrom"));
        drives.map(|(key, _)| key.as_str()).collect()
    }

    /// The size of a drive, in MiB.
    pub(super) fn size(&self, key: &str) -> Option<i64> {
        let text = self.part(key, "size")?;
        let at = text
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(at);
        let per_mib = match unit {
            "K" => 1.0 / 1024.0,
            "M" => 1.0,
            "G" => 1024.0,
            "T" => 1024.0 * 1024.0,
            _ => 1.0 / (1024.0 * 1024.0),
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "disks are far smaller than 2^53 MiB"
        )]
        number.parse::<f64>().ok().map(|number| (number * per_mib) as i64)
    }

    /// The attributes that the configuration tells, of those that `prior` holds.
    pub(super) fn observed(&self, prior: &Properties) -> Properties {
        let mut observed = Properties::new();
        for (name, before) in prior {
            let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
            let is = match name.as_str() {
                "name" => self.get("name").map(Value::from),
                "bridge" => self.part("net0", "bridge").map(Value::from),
                "vlan" => Some(number(self.part("net0", "tag")).into()),
                // Where none is asked for, the template's is left, and told by nobody.
                _ if *before == Value::Null => None,
                "cpu_type" => self.cpu_type().map(Value::from),
                "cpu" => number(self.get("cores")).map(|cores| {
                    let sockets = number(self.get("sockets")).unwrap_or(1);
                    (cores * sockets).into()
                }),
                "memory" => {
                    let text = self
                        .get("memory")
                        .map(|text| text.strip_prefix("current=").unwrap_or(text));
                    number(text).map(Value::from)
                }
                // A disk cannot shrink: one that is larger than it was asked for stays, and is no reason to make the
                // machine again.
                "disk" => {
                    let is = self.boot_disk().and_then(|key| self.size(key));
                    is.map(|is| before.as_int().map_or(is, |before| is.min(before)).into())
                }
                "tags" => Some(tags(self.get("tags").unwrap_or_default(), before)),
                _ => None,
            };
            if let Some(is) = is {
                observed.insert(name.clone(), is);
            }
        }
        for name in ["onboot", "agent"] {
            let usual = self.is_usual(name);
            if !usual || prior.contains_key(name) {
                observed.insert(name.into(), usual.into());
            }
        }
        observed
    }
}

/// A value as a configuration's file has it.
fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a value of `agent` lets the host talk to the guest agent.
pub(super) fn enables_agent(value: &str) -> bool {
    value.split(',').any(|part| part == "1" || part == "enabled=1")
}

/// The tags that are there. Proxmox VE sorts them and writes them small: where they are those from before, these.
fn tags(text: &str, before: &Value) -> Value {
    let words = text.split([';', ',', ' ']).filter(|word| !word.is_empty());
    let is: Vec<String> = words.map(str::to_owned).collect();
    let was = before.texts().into_iter().map(str::to_lowercase);
    if same(is.clone(), was.collect()) {
        before.clone()
    } else {
        is.into()
    }
}

/// Whether two lists hold the same in whatever order.
pub(super) fn same(mut one: Vec<String>, mut other: Vec<String>) -> bool {
    one.sort_unstable();
    one.dedup();
    other.sort_unstable();
    other.dedup();
    one == other
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let values = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config {
            values: values.collect(),
            pending: BTreeMap::new(),
        }
    }

    #[test]
    fn a_configuration_tells_what_was_asked_for() {
        let config = config(&[
            ("name", "app-0"),
            ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr1,tag=8"),
            ("cores", "2"),
            ("sockets", "2"),
            ("memory", "4096"),
            ("cpu", "cputype=host,flags=+aes"),
            ("boot", "order=ide2;virtio0"),
            ("ide2", "local:iso/x.iso,media=cdrom,size=1M"),
            ("virtio0", "local-lvm:vm-1-disk-0,size=1.5G"),
            ("tags", "a;b"),
            ("onboot", "1"),
            ("agent", "enabled=1,fstrim_cloned_disks=1"),
        ]);
        let prior = [
            ("name", Value::from("old")),
            ("bridge", "vmbr0".into()),
            ("vlan", Value::Null),
            ("cpu", 1.into()),
            ("cpu_type", "kvm64".into()),
            ("memory", 1.into()),
            ("disk", 4096.into()),
            ("tags", vec!["B", "a"].into()),
            ("template", "debian".into()),
        ];
        let prior: Properties = prior.map(|(name, value)| (name.into(), value)).into();
        let expected = [
            ("name", Value::from("app-0")),
            ("bridge", "vmbr1".into()),
            ("vlan", 8.into()),
            ("cpu", 4.into()),
            ("cpu_type", "host".into()),
            ("memory", 4096.into()),
            ("disk", 1536.into()),
            ("tags", vec!["B", "a"].into()),
        ];
        let expected: Properties = expected.map(|(name, value)| (name.into(), value)).into();
        assert_eq!(config.observed(&prior), expected);
        assert_eq!(config.observed(&Properties::new()), Properties::new());
    }

    #[test]
    fn what_is_usual_is_only_shown_where_it_is_otherwise_and_nothing_puts_it_right_already() {
        let off = config(&[("onboot", "0"), ("agent", "0")]);
        let seen: Properties = [("onboot".into(), false.into()), ("agent".into(), false.into())].into();
        assert_eq!(off.observed(&Properties::new()), seen);
        let mut waits = off.clone();
        waits.pending.insert("agent".to_owned(), Some("1".to_owned()));
        let seen: Properties = [("onboot".into(), false.into())].into();
        assert_eq!(waits.observed(&Properties::new()), seen);
    }

    #[test]
    fn a_disk_that_is_larger_than_it_was_asked_for_is_as_large_as_that() {
        let config = config(&[
            ("onboot", "1"),
            ("agent", "1"),
            ("scsi0", "local-lvm:vm-1-disk-0,size=30G"),
        ]);
        for (before, is) in [
            (20 * 1024, 20 * 1024),
            (30 * 1024, 30 * 1024),
            (40 * 1024, 30 * 1024),
        ] {
            let prior: Properties = [("disk".into(), before.into())].into();
            let seen: Properties = [("disk".into(), is.into())].into();
            assert_eq!(config.observed(&prior), seen);
        }
    }

    #[test]
    fn what_waits_for_a_start_is_read_beside_what_is_there() {
        let config = Config::with_pending(&serde_json::json!([
            {"key": "memory", "value": "4096", "pending": 6144},
            {"key": "cores", "value": 2},
            {"key": "balloon", "value": 0, "delete": 1},
            {"value": "without a key"},
        ]));
        assert_eq!(config.get("memory"), Some("4096"));
        assert_eq!(config.get("cores"), Some("2"));
        let pending = [
            ("balloon".to_owned(), None),
            ("memory".to_owned(), Some("6144".to_owned())),
        ];
        assert_eq!(config.pending, BTreeMap::from(pending));
    }

    #[test]
    fn every_attribute_has_one_name() {
        let mut names: Vec<_> = PROXMOX_VM
            .attributes
            .iter()
            .map(|attribute| attribute.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PROXMOX_VM.attributes.len());
    }
}
