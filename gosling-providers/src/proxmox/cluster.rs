//! What there is in the cluster: nodes, storages, guests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::api::Api;
use super::trouble::Trouble;
use super::wanted::{Config, Origin};

/// `GET /cluster/resources`, as far as it matters here. The API leaves out what the token may not see.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    /// The nodes that are known and away.
    pub(super) offline: Vec<String>,
    pub(super) guests: Vec<Guest>,
    pub(super) storages: Vec<Storage>,
    /// Which templates were found to be on a storage that all nodes see.
    seen_by_all: Mutex<BTreeMap<u32, bool>>,
}

/// A node that is online.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    /// MiB.
    pub(super) memory: i64,
    /// MiB that are in use.
    pub(super) used: i64,
    /// How many CPUs it has, and so the most that a machine on it may have; 0 where it does not say.
    pub(super) cpus: i64,
}

impl Node {
    /// Whether a machine with so many CPUs can be started on it.
    pub(super) fn has_cpus(&self, wanted: Option<i64>) -> bool {
        self.cpus == 0 || wanted.is_none_or(|wanted| wanted <= self.cpus)
    }
}

/// A virtual machine or a container.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) vmid: u32,
    pub(super) name: String,
    pub(super) node: String,
    /// Whether it is a template of virtual machines.
    pub(super) template: bool,
    pub(super) running: bool,
    /// MiB that it may use.
    pub(super) memory: i64,
    /// MiB of its largest disk.
    pub(super) disk: i64,
    /// The resource pool that it is in.
    pub(super) pool: Option<String>,
}

/// A storage on one node.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) name: String,
    pub(super) node: String,
    pub(super) content: String,
    pub(super) shared: bool,
    /// Whether the node can use it now.
    pub(super) active: bool,
    /// MiB.
    pub(super) free: i64,
}

impl Storage {
    pub(super) fn holds(&self, content: &str) -> bool {
        self.content.split(',').any(|word| word == content)
    }
}

impl Cluster {
    pub(super) async fn of(api: &Api<'_>) -> Result<Self, Trouble> {
        let data = api.get("/cluster/resources").await?;
        let mut cluster = Self::default();
        let entries = data.as_array().ok_or_else(|| {
            Trouble::unknown("Proxmox VE answered `GET /cluster/resources` with something that is not a list")
        })?;
        for entry in entries {
            cluster.add(entry);
        }
        Ok(cluster)
    }

    fn add(&mut self, entry: &Value) {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        // Sizes are bytes, at times with a fraction.
        #[expect(clippy::cast_possible_truncation, reason = "no memory or disk has 2^53 MiB")]
        let mib = |name: &str| {
            let bytes = entry.get(name).and_then(Value::as_f64).unwrap_or_default();
            (bytes / f64::from(1 << 20)) as i64
        };
        let flag = |name: &str| entry.get(name).and_then(Value::as_u64) == Some(1);
        let (name, node) = (text("name").to_owned(), text("node").to_owned());
        match text("type") {
            "node" if text("status") == "online" => self.nodes.push(Node {
                name: node,
                memory: mib("maxmem"),
                used: mib("mem"),
                cpus: entry.get("maxcpu").and_then(Value::as_i64).unwrap_or_default(),
            }),
            "node" if text("status") == "offline" => self.offline.push(node),
            kind @ ("qemu" | "lxc") => {
                let vmid = entry.get("vmid").and_then(Value::as_u64);
                // Only its number distinguishes a guest from another.
                let Some(vmid) = vmid.and_then(|vmid| u32::try_from(vmid).ok()) else {
                    return;
                };
                self.guests.push(Guest {
                    vmid,
                    name,
                    node,
                    template: kind == "qemu" && flag("template"),
                    running: text("status") == "running",
                    memory: mib("maxmem"),
                    disk: mib("maxdisk"),
                    pool: Some(text("pool"))
                        .filter(|pool| !pool.is_empty())
                        .map(str::to_owned),
                });
            }
            "storage" => self.storages.push(Storage {
                name: text("storage").to_owned(),
                node,
                content: text("content").to_owned(),
                shared: flag("shared"),
                active: text("status") == "available",
                free: mib("maxdisk") - mib("disk"),
            }),
            _ => {}
        }
    }

    /// MiB that are free on a node: what is neither in use nor promised to a guest that runs.
    pub(super) fn free_memory(&self, node: &Node) -> i64 {
        let running = self
            .guests
            .iter()
            .filter(|guest| guest.running && guest.node == node.name);
        let promised: i64 = running.map(|guest| guest.memory).sum();
        node.memory - node.used.max(promised)
    }

    /// A storage that a node can use now.
    pub(super) fn storage(&self, node: &str, name: &str) -> Option<&Storage> {
        let mut storages = self.storages.iter().filter(|storage| storage.active);
        storages.find(|storage| storage.name == name && storage.node == node)
    }

    pub(super) fn guest(&self, vmid: u32) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest.vmid == vmid)
    }

    /// The templates that are meant.
    pub(super) fn templates(&self, from: &Origin) -> Vec<&Guest> {
        let meant = |guest: &&Guest| {
            guest.template
                && match from {
                    Origin::Named(name) => guest.name == *name,
                    Origin::Numbered(vmid) => guest.vmid == *vmid,
                    Origin::Image(_) => false,
                }
        };
        self.guests.iter().filter(meant).collect()
    }

    /// The template that a machine on `node` can be cloned from: one on the node, else one whose disks every node
    /// sees.
    pub(super) async fn source(
        &self,
        api: &Api<'_>,
        from: &Origin,
        node: &str,
    ) -> Result<Option<&Guest>, Trouble> {
        let templates = self.templates(from);
        if let Some(own) = templates.iter().find(|guest| guest.node == node) {
            return Ok(Some(own));
        }
        for template in templates {
            match self.is_seen_by_all(api, template).await {
                Ok(true) => return Ok(Some(template)),
                // Nothing can be cloned there.
                Err(_) if api.reached.is_away(&template.node) => {}
                Ok(false) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(None)
    }

    async fn is_seen_by_all(&self, api: &Api<'_>, template: &Guest) -> Result<bool, Trouble> {
        let vmid = template.vmid;
        let seen = || self.seen_by_all.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen().get(&vmid).copied();
        if let Some(shared) = known {
            return Ok(shared);
        }
        let node = &template.node;
        let config = Config::of(&api.get(&format!("/nodes/{node}/qemu/{vmid}/config")).await?);
        let storage = config
            .boot_disk()
            .and_then(|key| config.get(key)?.split(':').next());
        let shared = storage
            .and_then(|name| self.storage(node, name))
            .is_some_and(|storage| storage.shared);
        seen().insert(vmid, shared);
        Ok(shared)
    }

    /// Leaves a guest out that will be gone: its memory, and its disk on that storage.
    pub(super) fn without(&mut self, vmid: u32, storage: &str) {
        let Some(at) = self.guests.iter().position(|guest| guest.vmid == vmid) else {
            return;
        };
        let gone = self.guests.remove(at);
        if gone.running
            && let Some(node) = self.nodes.iter_mut().find(|node| node.name == gone.node)
        {
            node.used = (node.used - gone.memory).max(0);
        }
        for known in &mut self.storages {
            if known.name == storage && (known.shared || known.node == gone.node) {
                known.free += gone.disk;
            }
        }
    }
}
