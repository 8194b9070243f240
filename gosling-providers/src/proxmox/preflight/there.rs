//! The nodes and machines that are there: whether they are online, and whether they may be deleted.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{Action, Change, Finding, in_order};
use gosling_resource::Value;

use super::{AT_ONCE, Look, lost};
use crate::proxmox::cluster::Cluster;
use crate::proxmox::placing::parts;
use crate::proxmox::removing::PROTECTED;
use crate::proxmox::wanted::Config;
use crate::proxmox::work::path;

impl Look<'_> {
    /// Whether the nodes are there of the machines that are changed or deleted.
    pub(super) fn nodes(&self, cluster: &Cluster) -> Vec<Finding> {
        let mut away: BTreeMap<&str, &Change> = BTreeMap::new();
        for change in self.changes {
            let node = change.id.as_deref().and_then(|id| Some(parts(id).ok()?.0));
            if let Some(node) = node
                && !cluster.nodes.is_empty()
                && !cluster.nodes.iter().any(|known| known.name == node)
            {
                away.entry(node).or_insert(change);
            }
        }
        let away = away.into_iter().map(|(node, change)| {
            let words = format!("its node {node} is not online");
            let help = format!(
                "without `--refresh=false`, what needs {node} is skipped and the rest continues; `--replace {}` makes the machine on another node, and deletes this one when {node} is back",
                change.address
            );
            Finding::failed(change.address.to_string(), words, help).at(change)
        });
        away.collect()
    }

    /// The nodes that machines are to be on and that the cluster does not have, where nothing else needs a look at it.
    pub(super) async fn names_unknown_nodes(&self) -> Vec<Finding> {
        let mut named = self
            .all
            .iter()
            .filter_map(|change| change.properties.get("nodes"));
        if named.all(|nodes| nodes.texts().is_empty()) {
            return Vec::new();
        }
        match Cluster::of(self.api).await {
            Ok(cluster) => self.unknown_nodes(&cluster),
            Err(trouble) => vec![lost("service", trouble.harmless())],
        }
    }

    /// The names among `nodes` that are no node of the cluster.
    pub(super) fn unknown_nodes(&self, cluster: &Cluster) -> Vec<Finding> {
        let known: BTreeSet<&str> = cluster
            .nodes
            .iter()
            .map(|node| node.name.as_str())
            .chain(cluster.offline.iter().map(String::as_str))
            .collect();
        if known.is_empty() {
            return Vec::new();
        }
        let mut unknown: BTreeMap<&str, &Change> = BTreeMap::new();
        for change in self.all.iter().filter(|change| change.action != Action::Delete) {
            let nodes = change
                .properties
                .get("nodes")
                .map(Value::texts)
                .unwrap_or_default();
            // Where a machine finds no place for it, that is said.
            let is_made = matches!(change.action, Action::Create | Action::Replace);
            if is_made && !nodes.iter().any(|node| known.contains(node)) {
                continue;
            }
            for node in nodes.into_iter().filter(|node| !known.contains(node)) {
                unknown.entry(node).or_insert(change);
            }
        }
        let names = known.into_iter().collect::<Vec<_>>().join(", ");
        let unknown = unknown.into_iter().map(|(node, change)| {
            let words = format!("`nodes` names {node}, and the cluster has no such node");
            let help = format!("its nodes are {names}");
            Finding::warning(change.address.to_string(), words, help).at(change)
        });
        unknown.collect()
    }

    /// Machines that are to go and that Proxmox VE would not delete.
    pub(super) async fn protected(&self, cluster: &Cluster) -> Vec<Finding> {
        let going = self
            .changes
            .iter()
            .filter(|change| matches!(change.action, Action::Delete | Action::Replace));
        let looks = going.filter_map(|change| {
            let (_, vmid) = parts(change.id.as_deref()?).ok()?;
            let node = &cluster.guest(vmid)?.node;
            Some(async move {
                let config = self.api.get(&format!("{}/config", path(node, vmid))).await;
                // What cannot be read is told by whoever reads it next.
                let protected = config.is_ok_and(|config| Config::of(&config).get("protection") == Some("1"));
                Ok::<_, ()>(protected.then(|| {
                    let words = format!("{node}/{vmid} is protected in Proxmox VE, so it cannot be deleted");
                    Finding::failed(change.address.to_string(), words, PROTECTED).at(change)
                }))
            })
        });
        let looked = in_order(looks.collect::<Vec<_>>(), AT_ONCE).await;
        looked.unwrap_or_default().into_iter().flatten().collect()
    }
}
