//! Every call that gosling sends to Proxmox VE, and the privileges that it takes. What a plan needs is derived from
//! this one table: `preflight` compares it with what the token has, `preflight --role` prints it. A test compares the
//! table with the API's own description.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{Action, Change};
use gosling_resource::{Properties, Value};

use super::cluster::Cluster;
use super::networks::{Card, Networks, SOME};
use super::shaping::keys_for;
use super::wanted::{Origin, Wanted};

/// A call, as the API's documentation writes it.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) takes: &'static [Grant],
}

/// A privilege at a place.
pub(super) struct Grant {
    pub(super) at: At,
    /// Any of these is enough. The first one that a version knows is the least.
    pub(super) any: &'static [&'static str],
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "what the comparison with the description goes by")
    )]
    pub(super) known: Known,
}

/// From where it is known that a call takes a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// From the description's `check`.
    Check,
    /// From the description's words.
    Words,
    /// Without it the API leaves out, silently, what we have to see.
    Silent,
}

/// Where a privilege is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// A machine of ours: itself, or the pool that it is in.
    Machine,
    /// A VMID that no guest has, or none any more.
    Free,
    /// The template.
    Template,
    /// The storage of disks.
    Disks,
    /// The storage of NoCloud images.
    Files,
    /// The storage that an image to import is on.
    Source,
    /// What the machine's network card is plugged into.
    Bridge,
    /// What the template's are plugged into.
    TemplateBridges,
    /// The nodes.
    Nodes,
    /// Everybody's accounts.
    Users,
}

const fn check(at: At, any: &'static [&'static str]) -> Grant {
    grant(at, any, Known::Check)
}

const fn words(at: At, any: &'static [&'static str]) -> Grant {
    grant(at, any, Known::Words)
}

const fn silent(at: At, any: &'static [&'static str]) -> Grant {
    grant(at, any, Known::Silent)
}

const fn grant(at: At, any: &'static [&'static str], known: Known) -> Grant {
    Grant { at, any, known }
}

/// The first one is that of version 8, the others are those of version 9.
const AGENT: &[&str] = &["VM.Monitor", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"];

const AGENT_FILES: &[&str] = &[
    "VM.Monitor",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.Unrestricted",
];

/// All of them. What a configuration's values take is in [`VALUES`].
#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    Route { method: "GET", path: "/version", takes: &[] },
    Route { method: "GET", path: "/access/permissions", takes: &[] },
    // Only to say when the token ends: no plan needs it.
    Route { method: "GET", path: "/access/users/{userid}/token/{tokenid}", takes: &[check(At::Users, &["User.Modify"])] },
    Route { method: "GET", path: "/cluster/resources", takes: &[silent(At::Nodes, &["Sys.Audit"])] },
    Route { method: "GET", path: "/cluster/nextid", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/certificates/info", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/network", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/tasks", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/tasks/{upid}/status", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/tasks/{upid}/log", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/storage/{storage}/content", takes: &[check(At::Files, &["Datastore.Audit", "Datastore.AllocateSpace"])] },
    Route { method: "DELETE", path: "/nodes/{node}/storage/{storage}/content/{volume}", takes: &[words(At::Files, &["Datastore.Allocate"])] },
    Route { method: "POST", path: "/nodes/{node}/storage/{storage}/upload", takes: &[silent(At::Files, &["Datastore.Audit"]), check(At::Files, &["Datastore.AllocateTemplate"])] },
    Route { method: "POST", path: "/nodes/{node}/storage/{storage}/download-url", takes: &[check(At::Files, &["Datastore.AllocateTemplate"]), check(At::Nodes, &["Sys.AccessNetwork", "Sys.Modify"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu", takes: &[words(At::Machine, &["VM.Allocate"]), words(At::Disks, &["Datastore.AllocateSpace"]), silent(At::Disks, &["Datastore.Audit"]), silent(At::Source, &["Datastore.Audit", "Datastore.AllocateSpace"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/clone", takes: &[check(At::Template, &["VM.Clone"]), silent(At::Template, &["VM.Audit"]), check(At::Machine, &["VM.Allocate"]), words(At::Disks, &["Datastore.AllocateSpace"]), silent(At::Disks, &["Datastore.Audit"]), words(At::TemplateBridges, &["SDN.Use"])] },
    Route { method: "DELETE", path: "/nodes/{node}/qemu/{vmid}", takes: &[check(At::Machine, &["VM.Allocate"])] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/config", takes: &[check(At::Machine, &["VM.Audit"]), check(At::Free, &["VM.Audit"])] },
    Route { method: "PUT", path: "/nodes/{node}/qemu/{vmid}/config", takes: &[] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/pending", takes: &[check(At::Machine, &["VM.Audit"]), check(At::Free, &["VM.Audit"])] },
    Route { method: "PUT", path: "/nodes/{node}/qemu/{vmid}/resize", takes: &[check(At::Machine, &["VM.Config.Disk"])] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/status/current", takes: &[check(At::Machine, &["VM.Audit"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/status/start", takes: &[check(At::Machine, &["VM.PowerMgmt"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/status/stop", takes: &[check(At::Machine, &["VM.PowerMgmt"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/status/shutdown", takes: &[check(At::Machine, &["VM.PowerMgmt"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/agent/ping", takes: &[check(At::Machine, AGENT)] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", takes: &[check(At::Machine, AGENT)] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/agent/file-read", takes: &[check(At::Machine, AGENT_FILES)] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/firewall/options", takes: &[check(At::Machine, &["VM.Audit"])] },
    Route { method: "PUT", path: "/nodes/{node}/qemu/{vmid}/firewall/options", takes: &[check(At::Machine, &["VM.Config.Network"])] },
    Route { method: "GET", path: "/nodes/{node}/qemu/{vmid}/firewall/rules", takes: &[check(At::Machine, &["VM.Audit"])] },
    Route { method: "POST", path: "/nodes/{node}/qemu/{vmid}/firewall/rules", takes: &[check(At::Machine, &["VM.Config.Network"])] },
    Route { method: "DELETE", path: "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}", takes: &[check(At::Machine, &["VM.Config.Network"])] },
];

/// What it takes to set a configuration's value; one that is a network card takes the bridge, too.
pub(super) const VALUES: &[(&str, &[&str])] = &[
    ("agent", &["VM.Config.Options"]),
    ("balloon", &["VM.Config.Memory"]),
    ("boot", &["VM.Config.Disk"]),
    ("cores", &["VM.Config.CPU"]),
    ("cpu", &["VM.Config.CPU"]),
    ("description", &["VM.Config.Options"]),
    ("ide2", &["VM.Config.CDROM"]),
    ("memory", &["VM.Config.Memory"]),
    ("name", &["VM.Config.Options"]),
    ("net0", &["VM.Config.Network"]),
    ("onboot", &["VM.Config.Options"]),
    ("ostype", &["VM.Config.Options"]),
    ("scsi0", &["VM.Config.Disk"]),
    ("scsihw", &["VM.Config.HWType"]),
    ("serial0", &["VM.Config.HWType"]),
    ("sockets", &["VM.Config.CPU"]),
    ("tags", &["VM.Config.Options"]),
];

/// The values that a machine gets at once that is made of an image.
pub(super) const OF_IMAGE: [&str; 9] = [
    "cpu",
    "name",
    "description",
    "memory",
    "ostype",
    "scsihw",
    "scsi0",
    "boot",
    "serial0",
];

/// Where a plan needs a privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `/vms/9000`; `/vms/*` for machines of ours, also where a pool is enough.
    pub(super) path: String,
    /// The pool that gives it as well.
    pub(super) pool: Option<String>,
}

impl Place {
    fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            pool: None,
        }
    }

    /// Whether it is that of a template which is not known.
    pub(super) fn is_some_template(&self) -> bool {
        self.path.starts_with("/vms/<")
    }

    /// Where one would give it.
    pub(super) fn grant(&self) -> String {
        match &self.pool {
            Some(pool) => format!("/pool/{pool}"),
            None => self.path.trim_end_matches("/*").to_owned(),
        }
    }
}

/// A privilege that a plan needs.
pub(super) struct Need<'a> {
    pub(super) any: &'static [&'static str],
    pub(super) place: Place,
    /// The first change that needs it.
    pub(super) change: &'a Change,
}

/// Everything that changes need. What is not known stands in angle brackets: a template that is not seen with its name,
/// a network's zone as such.
pub(super) fn needs<'a>(changes: &[&'a Change], seen: Option<(&Cluster, &Networks)>) -> Vec<Need<'a>> {
    let mut needs = Needs::default();
    for &change in changes {
        let (now, next) = (Of::new(&change.prior, seen), Of::new(&change.properties, seen));
        match change.action {
            Action::NoOp => {}
            Action::Create => needs.create(change, &next),
            Action::Update => needs.update(change, &now, &next),
            Action::Delete => needs.delete(change, &now),
            Action::Replace => {
                needs.delete(change, &now);
                needs.create(change, &next);
            }
        }
    }
    needs.all
}

/// The places that a machine's properties name.
struct Of {
    wanted: Option<Wanted>,
    pool: Option<String>,
    files: String,
    templates: Vec<String>,
    bridge: Vec<String>,
    template_bridges: Vec<String>,
}

impl Of {
    fn new(properties: &Properties, seen: Option<(&Cluster, &Networks)>) -> Self {
        let (cluster, networks) = seen.unzip();
        let nothing = Networks::default();
        let networks = networks.unwrap_or(&nothing);
        let text = |name: &str| properties.get(name).and_then(Value::as_text).map(str::to_owned);
        let wanted = Wanted::of(properties).ok();
        let from = wanted.as_ref().map(|wanted| &wanted.from);
        let templates = match (from, cluster) {
            (Some(Origin::Numbered(vmid)), _) => vec![vmid.to_string()],
            (Some(from @ Origin::Named(name)), _) => {
                let templates = cluster.map(|cluster| cluster.templates(from)).unwrap_or_default();
                match templates.as_slice() {
                    [] => vec![format!("<{name}>")],
                    templates => templates.iter().map(|guest| guest.vmid.to_string()).collect(),
                }
            }
            _ => Vec::new(),
        };
        let card = wanted.as_ref().map(Wanted::card);
        // One whose cards are not known is taken to be on the same bridge.
        let same = card.clone().map(|card| Card { tag: None, ..card });
        let same: Vec<Card> = same.into_iter().collect();
        let of_templates = templates
            .iter()
            .flat_map(|vmid| networks.of_template(vmid).unwrap_or(&same))
            .map(|card| networks.place(card))
            .collect();
        Self {
            wanted,
            bridge: card.iter().map(|card| networks.place(card)).collect(),
            template_bridges: of_templates,
            pool: text("pool"),
            files: text("iso_storage").unwrap_or_else(|| "local".to_owned()),
            templates,
        }
    }

    fn places(&self, at: At) -> Vec<Place> {
        let wanted = self.wanted.as_ref();
        let storage = |name: &str| vec![Place::at(format!("/storage/{name}"))];
        match at {
            At::Machine => vec![Place {
                path: "/vms/*".to_owned(),
                pool: self.pool.clone(),
            }],
            At::Free => vec![Place::at("/vms/*")],
            At::Template => {
                let templates = self.templates.iter();
                templates.map(|vmid| Place::at(format!("/vms/{vmid}"))).collect()
            }
            At::Files => storage(&self.files),
            At::Disks => wanted.map(|wanted| storage(&wanted.storage)).unwrap_or_default(),
            At::Source => match wanted.map(|wanted| &wanted.from) {
                Some(Origin::Image(image)) if !is_address(image) => {
                    storage(image.split(':').next().unwrap_or_default())
                }
                _ => Vec::new(),
            },
            At::Bridge => self.bridge.iter().map(Place::at).collect(),
            At::TemplateBridges => self.template_bridges.iter().map(Place::at).collect(),
            At::Nodes => vec![Place::at("/nodes/*")],
            At::Users => vec![Place::at("/access/groups")],
        }
    }
}

fn is_address(image: &str) -> bool {
    image.starts_with("https://") || image.starts_with("http://")
}

#[derive(Default)]
struct Needs<'a> {
    all: Vec<Need<'a>>,
    seen: BTreeSet<(&'static [&'static str], Place)>,
}

impl<'a> Needs<'a> {
    fn add(&mut self, change: &'a Change, any: &'static [&'static str], place: Place) {
        if self.seen.insert((any, place.clone())) {
            self.all.push(Need { any, place, change });
        }
    }

    fn call(&mut self, change: &'a Change, of: &Of, method: &str, path: &str) {
        let route = ROUTES
            .iter()
            .find(|route| route.method == method && route.path == path);
        for grant in route.into_iter().flat_map(|route| route.takes) {
            for place in of.places(grant.at) {
                self.add(change, grant.any, place);
            }
        }
    }

    fn machine(&mut self, change: &'a Change, of: &Of, method: &str, rest: &str) {
        self.call(
            change,
            of,
            method,
            &format!("/nodes/{{node}}/qemu/{{vmid}}{rest}"),
        );
    }

    fn files(&mut self, change: &'a Change, of: &Of, method: &str, rest: &str) {
        self.call(
            change,
            of,
            method,
            &format!("/nodes/{{node}}/storage/{{storage}}{rest}"),
        );
    }

    fn values<'k>(&mut self, change: &'a Change, of: &Of, keys: impl Iterator<Item = &'k str>) {
        for key in keys {
            if let Some((_, any)) = VALUES.iter().find(|(name, _)| *name == key) {
                for place in of.places(At::Machine) {
                    self.add(change, any, place);
                }
            }
            if key == "net0" {
                for place in of.places(At::Bridge) {
                    self.add(change, &["SDN.Use"], place);
                }
            }
        }
    }

    fn look(&mut self, change: &'a Change, of: &Of) {
        self.machine(change, of, "GET", "/pending");
        self.machine(change, of, "GET", "/status/current");
    }

    fn create(&mut self, change: &'a Change, of: &Of) {
        let Some(wanted) = &of.wanted else { return };
        self.call(change, of, "GET", "/cluster/resources");
        self.look(change, of);
        if wanted.user_data.is_some() {
            self.files(change, of, "POST", "/upload");
        }
        if let Origin::Image(image) = &wanted.from {
            if is_address(image) {
                self.files(change, of, "POST", "/download-url");
            }
            self.call(change, of, "POST", "/nodes/{node}/qemu");
            self.values(change, of, OF_IMAGE.iter().copied());
        } else {
            self.machine(change, of, "POST", "/clone");
        }
        // A clone may have any of them otherwise, and a drive of Proxmox VE's own cloud-init to be taken out.
        self.values(change, of, keys_for(wanted).iter().map(String::as_str));
        self.machine(change, of, "PUT", "/resize");
        self.firewall(change, of);
        if wanted.started {
            self.machine(change, of, "POST", "/status/start");
            self.machine(change, of, "POST", "/agent/ping");
            self.machine(change, of, "GET", "/agent/network-get-interfaces");
            self.machine(change, of, "GET", "/agent/file-read");
        }
        // What went wrong is taken back.
        self.delete(change, of);
    }

    fn firewall(&mut self, change: &'a Change, of: &Of) {
        self.machine(change, of, "GET", "/firewall/options");
        if of.wanted.as_ref().is_some_and(|wanted| wanted.firewall.is_some()) {
            for (method, rest) in [
                ("PUT", "/firewall/options"),
                ("GET", "/firewall/rules"),
                ("POST", "/firewall/rules"),
                ("DELETE", "/firewall/rules/{pos}"),
            ] {
                self.machine(change, of, method, rest);
            }
        }
    }

    fn update(&mut self, change: &'a Change, was: &Of, of: &Of) {
        self.look(change, of);
        self.firewall(change, of);
        let changed = |name: &str| change.attributes.iter().any(|attribute| attribute.name == name);
        for (attribute, keys) in [
            ("name", &["name"][..]),
            ("tags", &["tags"]),
            ("onboot", &["onboot"]),
            ("agent", &["agent"]),
            ("cpu", &["cores"]),
            ("cpu_type", &["cpu"]),
            ("memory", &["memory"]),
            ("bridge", &["net0"]),
            ("vlan", &["net0"]),
            ("firewall", &["net0"]),
        ] {
            if changed(attribute) {
                self.values(change, of, keys.iter().copied());
                // Whoever plugs a card in elsewhere takes it out first.
                if keys == ["net0"] {
                    self.values(change, was, keys.iter().copied());
                }
            }
        }
        if changed("disk") {
            self.machine(change, of, "PUT", "/resize");
            for place in of.places(At::Disks) {
                self.add(change, &["Datastore.AllocateSpace"], place);
            }
        }
        if [
            "cpu", "cpu_type", "memory", "bridge", "vlan", "firewall", "started",
        ]
        .into_iter()
        .any(changed)
        {
            self.machine(change, of, "GET", "/pending");
            self.machine(change, of, "POST", "/status/shutdown");
            self.machine(change, of, "POST", "/status/start");
        }
    }

    fn delete(&mut self, change: &'a Change, of: &Of) {
        self.look(change, of);
        self.machine(change, of, "POST", "/status/shutdown");
        self.machine(change, of, "POST", "/status/stop");
        self.files(change, of, "GET", "/content");
        self.files(change, of, "DELETE", "/content/{volume}");
        self.machine(change, of, "DELETE", "");
    }
}

/// What a token may do where: `GET /access/permissions`.
pub(super) struct Permissions(BTreeMap<String, BTreeMap<String, bool>>);

impl Permissions {
    pub(super) fn of(data: &serde_json::Value) -> Self {
        let paths = data.as_object().into_iter().flatten().map(|(path, held)| {
            let held = held.as_object().into_iter().flatten();
            let held = held.map(|(privilege, passed_on)| {
                (
                    privilege.clone(),
                    passed_on.as_i64() == Some(1) || passed_on.as_bool() == Some(true),
                )
            });
            (path.clone(), held.collect())
        });
        Self(paths.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }

    /// Whether the token has any of these at a place. The deepest path that is told of counts; from one above it, only
    /// what is passed on.
    pub(super) fn has(&self, any: &[&str], place: &Place) -> bool {
        let pool = place.pool.as_ref().map(|pool| format!("/pool/{pool}"));
        let paths = std::iter::once(&place.path).chain(&pool);
        paths
            .into_iter()
            .any(|path| any.iter().any(|privilege| self.has_at(privilege, path)))
    }

    /// The zones of the vnets that there is a privilege on, all but the one of this name.
    pub(super) fn zones(&self, but: &str) -> BTreeMap<String, String> {
        let vnets = self.0.keys().filter_map(|path| {
            let (zone, rest) = path.strip_prefix("/sdn/zones/")?.split_once('/')?;
            let vnet = rest.split('/').next()?;
            (zone != but).then(|| (vnet.to_owned(), zone.to_owned()))
        });
        vnets.collect()
    }

    fn has_at(&self, privilege: &str, path: &str) -> bool {
        if path.contains(SOME) {
            let zones: BTreeSet<&str> = self
                .0
                .keys()
                .filter_map(|path| path.strip_prefix("/sdn/zones/")?.split('/').next())
                .collect();
            let mut known = zones.into_iter().map(|zone| path.replace(SOME, zone));
            return known.any(|path| self.has_at(privilege, &path))
                || self.has_above(privilege, "/sdn/zones");
        }
        self.has_above(privilege, path)
    }

    fn has_above(&self, privilege: &str, path: &str) -> bool {
        if let Some(held) = self.0.get(path) {
            return held.contains_key(privilege);
        }
        let mut above = path;
        while let Some((shorter, _)) = above.rsplit_once('/') {
            let name = if shorter.is_empty() { "/" } else { shorter };
            if let Some(held) = self.0.get(name) {
                return held.get(privilege) == Some(&true);
            }
            above = shorter;
        }
        false
    }
}

/// The privilege of these that a major version knows and that allows the least.
pub(super) fn least(any: &[&'static str], major: u32) -> &'static str {
    let known = |name: &&&str| match **name {
        "VM.Monitor" => major < 9,
        name => major >= 9 || !name.starts_with("VM.GuestAgent."),
    };
    any.iter()
        .find(known)
        .or(any.first())
        .copied()
        .unwrap_or_default()
}
