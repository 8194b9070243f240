//! Where a machine goes, and which number it gets.

use gosling_engine::CallError;

use super::api::Api;
use super::cluster::{Cluster, Node};
use super::trouble::{Kind, Trouble};
use super::wanted::{Origin, Wanted};

/// A template without a disk size still has a disk.
const SMALLEST_DISK: i64 = 1024;

/// `pve1/5001` as its two parts.
pub(super) fn parts(id: &str) -> Result<(&str, u32), CallError> {
    let parts = id
        .split_once('/')
        .and_then(|(node, vmid)| Some((node, vmid.parse().ok()?)));
    parts.ok_or_else(|| {
        CallError::failed(format!("`{id}` is no id of a machine"))
            .help("one looks like `pve1/5001`: the node, and the VMID")
    })
}

/// Chooses a node and a VMID for a machine. `taken` are those that were chosen before and are not used yet.
pub(super) async fn place(api: &Api<'_>, wanted: &Wanted, taken: &[String]) -> Result<String, Trouble> {
    let cluster = Cluster::of(api).await?;
    let node = node(api, &cluster, wanted, taken).await?;
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
    Err(
        Trouble::refused(format!("every VMID from {first} to {last} is taken"))
            .help("give the cloud block a larger `vmid_range`, one that nothing else uses"),
    )
}

/// The node with the most free memory, of those that have all that is needed.
async fn node(
    api: &Api<'_>,
    cluster: &Cluster,
    wanted: &Wanted,
    taken: &[String],
) -> Result<String, Trouble> {
    let meant = |node: &&Node| wanted.nodes.is_empty() || wanted.nodes.contains(&node.name);
    let nodes: Vec<&Node> = cluster.nodes.iter().filter(meant).collect();
    if nodes.is_empty() {
        return Err(none_online(cluster, wanted));
    }
    let mut with_template = Vec::new();
    for node in nodes {
        let image = matches!(wanted.from, Origin::Image(_));
        if image || cluster.source(api, &wanted.from, &node.name).await?.is_some() {
            with_template.push(node);
        }
    }
    if with_template.is_empty() {
        return Err(no_template(cluster, wanted));
    }
    let templates = cluster.templates(&wanted.from);
    let template_disk = templates
        .iter()
        .map(|guest| guest.disk)
        .max()
        .unwrap_or(SMALLEST_DISK);
    let disk = wanted.disk.unwrap_or(template_disk);
    if disk < template_disk && !templates.is_empty() {
        let (disk, least) = (gib(disk), gib(template_disk));
        return Err(Trouble::refused(format!(
            "a disk of {disk} is too small for the template, which has {least}"
        ))
        .help(format!(
            "ask for a `disk` of {least} or more: Proxmox VE cannot make one smaller"
        )));
    }
    let waiting = |name: &str| {
        let there = |id: &&String| parts(id).is_ok_and(|(node, _)| node == name);
        i64::try_from(taken.iter().filter(there).count()).unwrap_or(i64::MAX)
    };
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
        let others = if storage.shared {
            count(taken)
        } else {
            waiting(name)
        };
        let free = storage.free - others.saturating_mul(disk);
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
    let free = |node: &Node| cluster.free_memory(node) - waiting(&node.name).saturating_mul(wanted.memory);
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

fn count(taken: &[String]) -> i64 {
    i64::try_from(taken.len()).unwrap_or(i64::MAX)
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
        if here
            .iter()
            .any(|known| known.name == *storage && known.holds(content))
        {
            continue;
        }
        let mut others: Vec<_> = here
            .iter()
            .filter(|known| known.holds(content))
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
fn gib(mib: i64) -> String {
    if mib % 1024 == 0 {
        format!("{} GiB", mib / 1024)
    } else {
        format!("{mib} MiB")
    }
}
