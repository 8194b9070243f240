//! What machines' network cards are plugged into: a bridge of the node, or a vnet of SDN, which every node has as a
//! bridge of its own.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{CallError, Change};
use serde_json::Value;

use super::api::Api;
use super::cluster::Cluster;
use super::privileges::Permissions;
use super::wanted::{Config, Origin, Wanted};
use crate::http::segment;

/// The zone that the bridges of the nodes themselves count as.
const LOCAL: &str = "localnetwork";
/// Stands for a zone that is not known.
pub(super) const SOME: &str = "<zone>";

/// Where a card is plugged in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Card {
    /// A bridge or a vnet.
    pub(super) bridge: String,
    /// The VLAN.
    pub(super) tag: Option<i64>,
}

/// The bridges and vnets of a node, each with whether it is a vnet; or why they are not known. Proxmox VE leaves out
/// those that the token has neither `SDN.Use` nor `SDN.Audit` on.
type Listed = Result<BTreeMap<String, bool>, String>;

/// What the token is told of networks.
#[derive(Debug, Default)]
pub(super) struct Networks {
    /// By node.
    listed: BTreeMap<String, Listed>,
    /// The zones of vnets. Lists do not name them, but a privilege on a vnet does.
    zones: BTreeMap<String, String>,
    /// The cards of templates, by VMID. A clone has them before it gets its own.
    templates: BTreeMap<u32, Vec<Card>>,
}

impl Networks {
    /// Looks at what these changes plug machines into.
    pub(super) async fn of(
        api: &Api<'_>,
        cluster: &Cluster,
        permissions: &Permissions,
        changes: &[&Change],
    ) -> Self {
        let mut networks = Self {
            zones: permissions.zones(LOCAL),
            ..Self::default()
        };
        let both = changes
            .iter()
            .flat_map(|change| [&change.prior, &change.properties]);
        let wanted: Vec<Wanted> = both
            .filter_map(|properties| Wanted::of(properties).ok())
            .collect();
        let mut bridges: BTreeSet<String> = wanted.iter().map(|wanted| wanted.bridge.clone()).collect();
        let mut nodes: BTreeSet<&str> = BTreeSet::new();
        for wanted in &wanted {
            let online = cluster.nodes.iter().map(|node| node.name.as_str());
            nodes.extend(
                online.filter(|name| wanted.nodes.is_empty() || wanted.nodes.iter().any(|node| node == name)),
            );
        }
        let from: BTreeSet<&Origin> = wanted.iter().map(|wanted| &wanted.from).collect();
        for template in from.into_iter().flat_map(|from| cluster.templates(from)) {
            let path = format!("/nodes/{}/qemu/{}/config", segment(&template.node), template.vmid);
            // One that cannot be read is told of by the privilege that is missing for it.
            if let Ok(config) = api.get(&path).await {
                let cards = Config::of(&config).cards();
                bridges.extend(cards.iter().map(|card| card.bridge.clone()));
                networks.templates.insert(template.vmid, cards);
            }
            nodes.insert(&template.node);
        }
        for node in nodes {
            bridges.retain(|bridge| !networks.is_listed(bridge));
            if bridges.is_empty() {
                break;
            }
            networks.on(api, node).await;
        }
        networks
    }

    fn is_listed(&self, bridge: &str) -> bool {
        self.lists().any(|listed| listed.contains_key(bridge))
    }

    fn lists(&self) -> impl Iterator<Item = &BTreeMap<String, bool>> {
        self.listed.values().filter_map(|listed| listed.as_ref().ok())
    }

    /// What is on a node; asked for once.
    pub(super) async fn on(&mut self, api: &Api<'_>, node: &str) -> &Listed {
        if !self.listed.contains_key(node) {
            let path = format!("/nodes/{}/network", segment(node));
            let listed = match api.get_with(&path, &[("type", "any_bridge")]).await {
                Ok(list) => Ok(list.as_array().into_iter().flatten().filter_map(bridge).collect()),
                Err(trouble) => match trouble.harmless() {
                    CallError::Failed { message, .. } | CallError::Unknown { message, .. } => Err(message),
                },
            };
            self.listed.insert(node.to_owned(), listed);
        }
        &self.listed[node]
    }

    /// The cards of a template, where they are known.
    pub(super) fn of_template(&self, vmid: &str) -> Option<&Vec<Card>> {
        self.templates.get(&vmid.parse().ok()?)
    }

    /// Where the privilege is that a card takes. Of a vnet that the token may only look at, the zone is not known;
    /// neither is it of what is not listed at all, unless it is called as bridges of nodes are.
    pub(super) fn place(&self, card: &Card) -> String {
        let is_vnet = self.lists().find_map(|listed| listed.get(&card.bridge).copied());
        let zone = match (is_vnet, self.zones.get(&card.bridge)) {
            (Some(false), _) => LOCAL,
            (_, Some(zone)) => zone,
            (None, None) if card.bridge.starts_with("vmbr") => LOCAL,
            (_, None) => SOME,
        };
        let bridge = &card.bridge;
        match card.tag {
            Some(tag) => format!("/sdn/zones/{zone}/{bridge}/{tag}"),
            None => format!("/sdn/zones/{zone}/{bridge}"),
        }
    }
}

fn bridge(entry: &Value) -> Option<(String, bool)> {
    Some((entry["iface"].as_str()?.to_owned(), entry["type"] == "vnet"))
}
