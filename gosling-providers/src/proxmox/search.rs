//! Looks for machines and files that carry a Nest's marker.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{CallError, Context, Marked, Search, Searched, in_order, marker};
use gosling_resource::Properties;

use super::Proxmox;
use super::booted;
use super::cluster::{Cluster, Guest};
use super::files::{Named, label, named};
use super::placing::parts;
use super::removing::remove_files;
use super::trouble::Trouble;
use super::wanted::{PROXMOX_VM, Wanted};
use super::work::{Found, Work};
use crate::http::segment;

/// How many machines are read at once.
const AT_ONCE: usize = 10;
/// What a file is called in a search, which is no kind of resource.
const VOLUME: &str = "volume";

impl Proxmox {
    pub(super) async fn search(&self, cx: &Context<'_>, search: &Search<'_>) -> Searched {
        let mut searched = Searched::default();
        let looked = async {
            let work = self.work(cx, "").await?;
            let cluster = async { Cluster::of(&work.api).await.map_err(Trouble::harmless) };
            let cluster = search.within("the cluster", cluster).await?;
            machines(&work, &cluster, search, &mut searched).await?;
            if search.thorough {
                volumes(&work, &cluster, search, &mut searched).await;
            }
            Ok::<_, CallError>(())
        };
        if let Err(error) = looked.await {
            searched.unseen.push(error.to_string());
        }
        searched
    }

    /// Deletes a file that an operation left behind: `pve1/local:iso/gosling-lab-5000-....iso`.
    ///
    /// # Errors
    /// Where it is still there, or nobody knows.
    pub async fn remove_leftover(&self, cx: &Context<'_>, id: &str) -> Result<(), CallError> {
        let leftover = id.split_once('/').and_then(|(node, volume)| {
            let (storage, rest) = volume.split_once(':')?;
            let name = rest.rsplit('/').next()?;
            named(name).map(|_| (node, storage, name))
        });
        let (node, storage, name) = leftover
            .ok_or_else(|| CallError::failed(format!("`{id}` is not a file that gosling left behind")))?;
        let work = self.work(cx, "").await?;
        Ok(remove_files(&work, node, storage, |own| own == name).await?)
    }
}

/// The numbers and names that the machines of the places may have.
fn numbers_and_names(search: &Search<'_>) -> Vec<Wanted> {
    let machines = search.places.iter().filter(|(kind, _)| *kind == PROXMOX_VM.name);
    machines
        .filter_map(|(_, properties)| Wanted::of(properties).ok())
        .collect()
}

async fn machines(
    work: &Work<'_>,
    cluster: &Cluster,
    search: &Search<'_>,
    searched: &mut Searched,
) -> Result<(), CallError> {
    let known = search.known.iter().filter(|(kind, _)| *kind == PROXMOX_VM.name);
    let known: BTreeSet<u32> = known.filter_map(|(_, id)| Some(parts(id).ok()?.1)).collect();
    let wanted = numbers_and_names(search);
    let is_likely = |guest: &Guest| {
        let mut wanted = wanted.iter();
        wanted.any(|wanted| wanted.vmids.contains(&guest.vmid) || wanted.name == guest.name)
    };
    let is_online = |guest: &Guest| cluster.nodes.iter().any(|node| node.name == guest.node);
    let guests: Vec<&Guest> = cluster
        .guests
        .iter()
        .filter(|guest| !guest.template && !known.contains(&guest.vmid))
        .filter(|guest| search.thorough || is_likely(guest))
        .collect();
    for guest in guests.iter().filter(|guest| !is_online(guest)) {
        searched
            .unseen
            .push(format!("{}/{}: its node is not online", guest.node, guest.vmid));
    }
    let reads = guests
        .into_iter()
        .filter(|guest| is_online(guest))
        .map(|guest| async move {
            let look = async {
                let found = work.look(&guest.node, guest.vmid).await;
                found.map_err(Trouble::harmless)
            };
            let found = search.within("its notes", look).await;
            Ok::<_, (usize, CallError)>((guest, found))
        });
    let reads = in_order(reads, AT_ONCE).await.map_err(|(_, (_, error))| error)?;
    for (guest, found) in reads {
        match found {
            Ok(Some(found)) => searched.marked.extend(marked(&found, search.nest)),
            Ok(None) => {}
            Err(error) => searched
                .unseen
                .push(format!("{}/{}: {error}", guest.node, guest.vmid)),
        }
    }
    Ok(())
}

fn marked(found: &Found, nest: &str) -> Option<Marked> {
    let marker = marker::all_in(found.config.notes()).find(|marker| marker.nest == nest)?;
    let name = found.config.get("name").unwrap_or_default();
    Some(Marked {
        kind: PROXMOX_VM.name,
        id: found.id(),
        marker: marker.text.to_owned(),
        address: Some(marker.address),
        name: name.to_owned(),
        finished: booted::is_finished(&found.config, found.vmid),
        properties: Properties::from([("name".into(), name.into())]),
    })
}

/// The files that no machine of this Nest was made with, or only one that is gone. The Nest is in their names; where it
/// is not yet, the operation must be one of an earlier state.
async fn volumes(work: &Work<'_>, cluster: &Cluster, search: &Search<'_>, searched: &mut Searched) {
    let op = |marker: &str| Some(marker.rsplit_once(':')?.1.to_owned());
    let known = search.markers.iter().copied();
    let found = searched.marked.iter().map(|marked| marked.marker.as_str());
    let ops: BTreeSet<String> = known.chain(found).filter_map(op).collect();
    let earlier: BTreeSet<String> = search.earlier.iter().copied().filter_map(op).collect();
    let own = label(search.nest);
    let mut storages: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    for storage in cluster.storages.iter().filter(|storage| storage.active) {
        let node = match storage.shared {
            true => cluster.nodes.first().map_or("", |node| &node.name),
            false => &storage.node,
        };
        if (storage.holds("iso") || storage.holds("import"))
            && cluster.nodes.iter().any(|known| known.name == node)
        {
            storages.insert((node, &storage.name), ());
        }
    }
    for (node, storage) in storages.into_keys() {
        let content = format!("/nodes/{}/storage/{}/content", segment(node), segment(storage));
        let list = async { work.api.get(&content).await.map_err(Trouble::harmless) };
        let list = match search.within("its files", list).await {
            Ok(list) => list,
            Err(error) => {
                searched.unseen.push(format!("{storage} on {node}: {error}"));
                continue;
            }
        };
        let entries = list.as_array().into_iter().flatten();
        for volume in entries.filter_map(|entry| entry.get("volid")?.as_str()) {
            let name = volume.rsplit('/').next().unwrap_or_default();
            let Some(Named { nest, op, .. }) = named(name) else {
                continue;
            };
            let is_ours = nest.map_or_else(|| earlier.contains(op), |nest| nest == own);
            // The image of a machine that is there goes with the machine.
            if is_ours && !ops.contains(op) {
                searched.marked.push(Marked {
                    kind: VOLUME,
                    id: format!("{node}/{volume}"),
                    marker: String::new(),
                    address: None,
                    name: name.to_owned(),
                    finished: true,
                    properties: Properties::new(),
                });
            }
        }
    }
}
