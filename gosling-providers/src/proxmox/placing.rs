//! Where a machine goes, and which number it gets.

use std::collections::BTreeMap;

use gosling_engine::CallError;

use super::api::Api;
use super::cluster::{Cluster, Guest, Node, Storage};
use super::trouble::{Kind, Trouble};
use super::wanted::{Origin, Wanted};
use crate::http::segment;

/// A template without a disk size still has a disk.
const SMALLEST_DISK: i64 = 1024;

/// `pve1/5001` as its two parts.
pub(super) fn parts(id: &str) -> Result<(&str, u32), CallError> {
    let parts = id
        .split_once('/')
        .and_then(|(node, vmid)| Some((node, vmid.parse().ok()?)));
    parts.ok_or_else(|| {
        CallError::failed(format!("`{id}` is not a machine id"))
            .help("one looks like `pve1/5001`: the node, and the VMID")
    })
}

/// Chooses a node and a VMID for a machine. `taken` are those that were chosen before and are not used yet.
pub(super) async fn place(api: &Api<'_>, wanted: &Wanted, taken: &[String]) -> Result<String, Trouble> {
    let cluster = Cluster::of(api).await?;
    let mut room = Room::of(&cluster);
    let disk = disk(&cluster, wanted);
    for (node, _) in taken.iter().filter_map(|id| parts(id).ok()) {
        // All that is known of the others is where they go: they are taken to be like this one.
        room.take(node, wanted, disk);
    }
    let node = room.node(api, wanted).await?;
    let used = |vmid: u32| {
        let waiting = taken
            .iter()
            .any(|id| parts(id).is_ok_and(|(_, other)| other == vmid));
        waiting || cluster.guest(vmid).is_some()
    };
    for vmid in wanted.vmids.clone().filter(|vmid| !used(*vmid)) {
        // A guest that the token may not see has its number all the same.
        match api
            .get_with("/cluster/nextid", &[("vmid", &vmid.to_string())])
            .await
        {
            Ok(_) => return Ok(format!("{node}/{vmid}")),
            Err(trouble) if trouble.kind == Kind::Refused && trouble.message.contains("`vmid`") => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let (first, last) = (wanted.vmids.start(), wanted.vmids.end());
    Err(range_is_full(first, last))
}

pub(super) fn range_is_full(first: &u32, last: &u32) -> Trouble {
    Trouble::refused(format!("every VMID from {first} to {last} is taken"))
        .help("give the cloud block a larger `vmid_range`, one that nothing else uses")
}

/// The disk that a machine will have, in MiB.
pub(super) fn disk(cluster: &Cluster, wanted: &Wanted) -> i64 {
    wanted.disk.unwrap_or_else(|| template_disk(cluster, wanted))
}

fn template_disk(cluster: &Cluster, wanted: &Wanted) -> i64 {
    let templates = cluster.templates(&wanted.from);
    let disks = templates.iter().map(|guest| guest.disk);
    disks.max().unwrap_or(SMALLEST_DISK)
}

/// What is left in a cluster when all is there that was promised a place and is not made yet.
pub(super) struct Room<'a> {
    cluster: &'a Cluster,
    /// MiB of memory that are promised on each node.
    memory: BTreeMap<String, i64>,
    /// MiB that are promised on each storage: `local-lvm on pve1`, or the name alone of one that nodes share.
    disks: BTreeMap<String, i64>,
}

impl<'a> Room<'a> {
    pub(super) fn of(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            memory: BTreeMap::new(),
            disks: BTreeMap::new(),
        }
    }

    /// Promises a machine its place; `disk` is in MiB.
    pub(super) fn take(&mut self, node: &str, wanted: &Wanted, disk: i64) {
        *self.memory.entry(node.to_owned()).or_default() += wanted.memory;
        self.take_disk(node, &wanted.storage, disk);
    }

    /// Promises so many MiB on a node's storage.
    pub(super) fn take_disk(&mut self, node: &str, storage: &str, disk: i64) {
        let key = self.key(node, storage);
        *self.disks.entry(key).or_default() += disk;
    }

    fn key(&self, node: &str, storage: &str) -> String {
        match self.cluster.storage(node, storage) {
            Some(known) if known.shared => storage.to_owned(),
            _ => format!("{storage} on {node}"),
        }
    }

    /// MiB that are left on a node's storage.
    pub(super) fn free_disk(&self, node: &str, storage: &Storage) -> i64 {
        let promised = self.disks.get(&self.key(node, &storage.name));
        storage.free - promised.copied().unwrap_or_default()
    }

    fn free_memory(&self, node: &Node) -> i64 {
        self.cluster.free_memory(node) - self.memory.get(&node.name).copied().unwrap_or_default()
    }

    /// The node with the most free memory, of those that have all that is needed and answer: the cluster may call one
    /// online that cannot be reached.
    pub(super) async fn node(&self, api: &Api<'_>, wanted: &Wanted) -> Result<String, Trouble> {
        loop {
            let chosen = self.choose(api, wanted).await;
            let chosen = chosen.map_err(|trouble| without_away(trouble, api, self.cluster, wanted))?;
            if api.reached.answers(&chosen).is_none() {
                // What the node answers does not matter here.
                let _ = api.get(&format!("/nodes/{}/network", segment(&chosen))).await;
            }
            if !api.reached.is_away(&chosen) {
                return Ok(chosen);
            }
        }
    }

    async fn choose(&self, api: &Api<'_>, wanted: &Wanted) -> Result<String, Trouble> {
        let cluster = self.cluster;
        let meant = |node: &&Node| is_meant(node, wanted) && !api.reached.is_away(&node.name);
        let nodes: Vec<&Node> = cluster.nodes.iter().filter(meant).collect();
        if nodes.is_empty() {
            return Err(none_online(cluster, wanted));
        }
        let enough: Vec<&Node> = nodes
            .iter()
            .copied()
            .filter(|node| node.has_cpus(wanted.cpu))
            .collect();
        if enough.is_empty() {
            let each = nodes.iter().map(|node| format!("{} {}", node.name, node.cpus));
            let (each, cpu) = (
                each.collect::<Vec<_>>().join(", "),
                wanted.cpu.unwrap_or_default(),
            );
            return Err(Trouble::refused(format!("no node has {cpu} CPUs: {each}"))
                .help("give the machine less `cpu`, or let it go to other `nodes`"));
        }
        let mut with_template = Vec::new();
        for node in enough {
            let image = matches!(wanted.from, Origin::Image(_));
            if image || cluster.source(api, &wanted.from, &node.name).await?.is_some() {
                with_template.push(node);
            }
        }
        if with_template.is_empty() {
            return Err(no_template(cluster, wanted));
        }
        let (disk, least) = (disk(cluster, wanted), template_disk(cluster, wanted));
        if disk < least && !cluster.templates(&wanted.from).is_empty() {
            let (disk, least) = (gib(disk), gib(least));
            return Err(Trouble::refused(format!(
                "a disk of {disk} is too small for the template, which has {least}"
            ))
            .help(format!(
                "ask for a `disk` of {least} or more: Proxmox VE cannot make one smaller"
            )));
        }
        let mut with_storage = Vec::new();
        let mut full = Vec::new();
        for node in &with_template {
            let name = &node.name;
            let iso = cluster
                .storage(name, &wanted.iso_storage)
                .is_some_and(|storage| storage.holds("iso"));
            let images = cluster
                .storage(name, &wanted.storage)
                .filter(|storage| storage.holds("images"));
            let Some(storage) = images.filter(|_| iso) else {
                continue;
            };
            let free = self.free_disk(name, storage);
            if free >= disk {
                with_storage.push(*node);
            } else {
                full.push(format!("{} on {name}", gib(free.max(0))));
            }
        }
        if with_storage.is_empty() && full.is_empty() {
            return Err(no_storage(cluster, wanted, &with_template));
        }
        if with_storage.is_empty() {
            let (storage, full) = (&wanted.storage, full.join(", "));
            return Err(Trouble::refused(format!(
                "the storage `{storage}` has no {} left for a disk: {full}",
                gib(disk)
            ))
            .help("free some room there, or name another `storage`"));
        }
        let free = |node: &Node| self.free_memory(node);
        let best = with_storage.iter().max_by(|one, other| {
            let by_name = || other.name.cmp(&one.name);
            free(one).cmp(&free(other)).then_with(by_name)
        });
        match best {
            Some(node) if free(node) >= wanted.memory => Ok(node.name.clone()),
            _ => {
                let each = with_storage
                    .iter()
                    .map(|node| format!("{} {}", node.name, gib(free(node).max(0))));
                let each = each.collect::<Vec<_>>().join(", ");
                let memory = gib(wanted.memory);
                Err(
                    Trouble::refused(format!("no node has {memory} of memory free: {each}"))
                        .help("give the machine less `memory`, or let it go to other `nodes`"),
                )
            }
        }
    }
}

fn is_meant(node: &Node, wanted: &Wanted) -> bool {
    wanted.nodes.is_empty() || wanted.nodes.contains(&node.name)
}

/// Why there is no place, with the nodes that were left out because they cannot be reached.
fn without_away(mut trouble: Trouble, api: &Api<'_>, cluster: &Cluster, wanted: &Wanted) -> Trouble {
    let meant = cluster.nodes.iter().filter(|node| is_meant(node, wanted));
    let (away, left): (Vec<&str>, Vec<&str>) = meant
        .map(|node| node.name.as_str())
        .partition(|name| api.reached.is_away(name));
    if away.is_empty() {
        return trouble;
    }
    let away = away.join(", ");
    if left.is_empty() {
        trouble = Trouble::refused(format!("no node can be reached: {away}"))
            .help("the cluster calls them online, but a call to each ended with no answer: are they up?");
    } else {
        trouble.message = format!("{}; cannot be reached: {away}", trouble.message);
    }
    trouble
}

fn none_online(cluster: &Cluster, wanted: &Wanted) -> Trouble {
    let online: Vec<_> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    let message = if wanted.nodes.is_empty() {
        "no node of the cluster is online, or the token may see none".to_owned()
    } else {
        format!("none of the nodes {} is online", wanted.nodes.join(", "))
    };
    let help = match online.as_slice() {
        [] => "the token needs `Sys.Audit` on `/nodes`".to_owned(),
        online => format!("online are {}", online.join(", ")),
    };
    Trouble::refused(message).help(help)
}

fn no_template(cluster: &Cluster, wanted: &Wanted) -> Trouble {
    let template = match &wanted.from {
        Origin::Named(name) | Origin::Image(name) => name.clone(),
        Origin::Numbered(vmid) => vmid.to_string(),
    };
    let elsewhere: Vec<_> = cluster
        .templates(&wanted.from)
        .into_iter()
        .map(|guest| guest.node.clone())
        .collect();
    if !elsewhere.is_empty() {
        return Trouble::refused(format!(
            "the template `{template}` is on {} only, on a storage that other nodes do not see",
            elsewhere.join(", ")
        ))
        .help("name these `nodes`, or make the template on the others too");
    }
    let named = |guest: &&Guest| guest.name == template || guest.vmid.to_string() == template;
    if let Some(guest) = cluster.guests.iter().find(named) {
        let (vmid, node) = (guest.vmid, &guest.node);
        return Trouble::refused(format!(
            "`{template}` ({node}/{vmid}) is a machine, and no template"
        ))
        .help(format!(
            "once it is shut down, `qm template {vmid}` on {node} makes it one"
        ));
    }
    let there = cluster.guests.iter().filter(|guest| guest.template);
    let mut there: Vec<_> = there.map(|guest| format!("`{}`", guest.name)).collect();
    there.sort_unstable();
    there.dedup();
    let help = if there.is_empty() {
        "there is none at all, or the token has no `VM.Audit` on them".to_owned()
    } else {
        format!("there are {}", there.join(", "))
    };
    Trouble::refused(format!("there is no template `{template}`")).help(help)
}

fn no_storage(cluster: &Cluster, wanted: &Wanted, nodes: &[&Node]) -> Trouble {
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    let names = names.join(", ");
    for (storage, content, attribute) in [
        (&wanted.storage, "images", "storage"),
        (&wanted.iso_storage, "iso", "iso_storage"),
    ] {
        let here: Vec<_> = cluster
            .storages
            .iter()
            .filter(|known| nodes.iter().any(|node| node.name == known.node))
            .collect();
        let meant = |known: &&&Storage| known.name == *storage && known.holds(content);
        if here.iter().filter(meant).any(|known| known.active) {
            continue;
        }
        if here.iter().any(|known| meant(&known)) {
            return Trouble::refused(format!("the storage `{storage}` is not active on {names}")).help(
                "`pvesm status` on the node says whether it is mounted, and whether its server answers",
            );
        }
        let mut others: Vec<_> = here
            .iter()
            .filter(|known| known.active && known.holds(content))
            .map(|known| format!("`{}`", known.name))
            .collect();
        others.sort_unstable();
        others.dedup();
        let help = if others.is_empty() {
            format!("no storage is, or the token has no `Datastore.Audit` on `/storage/{storage}`")
        } else {
            format!("`{attribute}` can be {}", others.join(", "))
        };
        let message = format!("the storage `{storage}` is not there for content `{content}` on {names}");
        return Trouble::refused(message).help(help);
    }
    Trouble::refused(format!(
        "no node has both the storages `{}` and `{}`",
        wanted.storage, wanted.iso_storage
    ))
}

/// MiB in words.
pub(super) fn gib(mib: i64) -> String {
    if mib % 1024 == 0 {
        format!("{} GiB", mib / 1024)
    } else {
        format!("{mib} MiB")
    }
}
