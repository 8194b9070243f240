//! Whether a cluster can carry out a plan: reached, believed, allowed, and with room.

mod there;

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::preflight::ends_soon;
use gosling_engine::{Action, CallError, Change, Finding, Outcome, calendar};
use gosling_resource::Value;

use super::Proxmox;
use super::api::Api;
use super::cluster::{Cluster, Node};
use super::networks::{Networks, SOME};
use super::placing::{Room, disk, gib, parts, range_is_full};
use super::privileges::{Need, Permissions, least, needs};
use super::trouble::Trouble;
use super::wanted::{Origin, Wanted};
use crate::http::segment;

/// How many machines are read at once.
const AT_ONCE: usize = 10;
/// MiB that should be free where NoCloud images go.
const FOR_SEEDS: i64 = 64;
/// And where images are fetched to, for as long as they are copied.
const FOR_IMAGES: i64 = 4096;

/// What was found at a cluster.
pub(super) struct Look<'a> {
    pub(super) proxmox: &'a Proxmox,
    pub(super) api: &'a Api<'a>,
    /// Those that change something.
    pub(super) changes: &'a [&'a Change],
    /// All, also those that change nothing.
    pub(super) all: &'a [&'a Change],
}

impl Look<'_> {
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let version = match self.api.get("/version").await {
            Ok(version) => version,
            // Without it nothing else would work either.
            Err(trouble) => return vec![lost("service", trouble.harmless())],
        };
        let mut findings = vec![self.reached()];
        let version = version.get("version").and_then(serde_json::Value::as_str);
        let version = version.unwrap_or_default();
        let supported = supported(version);
        // What one that is too old answers otherwise is not to be read.
        let too_old = supported.outcome == Outcome::Failed;
        findings.push(supported);
        if too_old {
            return findings;
        }
        findings.extend(self.end().await);
        if self.changes.is_empty() {
            findings.extend(self.names_unknown_nodes().await);
            return findings;
        }
        match self.inside(major(version)).await {
            Ok(inside) => findings.extend(inside),
            Err(trouble) => findings.push(lost("service", trouble.harmless())),
        }
        findings
    }

    fn reached(&self) -> Finding {
        let settings = &self.proxmox.settings;
        let (base, token) = (&settings.endpoint.base, &settings.token_id);
        let words = format!("{base} is reached, and takes the token `{token}`");
        if settings.endpoint.insecure && settings.endpoint.fingerprint.is_none() {
            return Finding::warning(
                "service",
                format!("{words}; its certificate is not verified"),
                "give its certificate's `fingerprint`, or its authority as `ca_file`, instead of `insecure`",
            );
        }
        Finding::ok("service", words)
    }

    /// Until when the token is good.
    async fn end(&self) -> Vec<Finding> {
        let settings = &self.proxmox.settings;
        let (token, place) = (&settings.token_id, &settings.token);
        let (user, name) = token.split_once('!').unwrap_or((token, ""));
        let path = format!("/access/users/{}/token/{}", segment(user), segment(name));
        let end = match self.api.get(&path).await {
            Ok(shown) => shown["expire"].as_i64().unwrap_or_default(),
            // It takes `User.Modify`, also of its own, which it is better without.
            Err(trouble) if trouble.message.contains("Permission check failed") => {
                let words =
                    format!("the expiry of the token `{token}` is unknown: see Permissions > API Tokens");
                return vec![Finding::ok("token", words)];
            }
            Err(trouble) => return vec![lost("token", trouble.harmless())],
        };
        if end == 0 {
            return vec![Finding::ok(
                "token",
                format!("the token `{token}` is good without an end"),
            )];
        }
        let date = calendar::date(end.div_euclid(86_400));
        let way_out = format!(
            "give it a later end (`pveum user token modify {user} {name} --expire SECONDS_SINCE_1970`), or make a new one and put it at {place}"
        );
        match ends_soon(&format!("the token `{token}`"), &date, &way_out) {
            Some(soon) => vec![soon],
            None => vec![Finding::ok(
                "token",
                format!("the token `{token}` is good until {date}"),
            )],
        }
    }

    async fn inside(&self, major: u32) -> Result<Vec<Finding>, Trouble> {
        let permissions = Permissions::of(&self.api.get("/access/permissions").await?);
        let mut cluster = Cluster::of(self.api).await?;
        let mut networks = Networks::of(self.api, &cluster, &permissions, self.changes).await;
        let needs = needs(self.changes, Some((&cluster, &networks)));
        let token = &self.proxmox.settings.token_id;
        let mut findings = privileges(token, major, &permissions, &needs);
        let allowed = findings.iter().all(|finding| finding.outcome != Outcome::Failed);
        // What the token may not see would only look as if it were not there.
        if !allowed {
            return Ok(findings);
        }
        findings.extend(self.nodes(&cluster));
        findings.extend(self.unknown_nodes(&cluster));
        findings.extend(self.protected(&cluster).await);
        findings.extend(self.room(&mut cluster, &mut networks).await?);
        Ok(findings)
    }

    async fn room(&self, cluster: &mut Cluster, networks: &mut Networks) -> Result<Vec<Finding>, Trouble> {
        for change in self.changes {
            if change.action == Action::Replace {
                without(cluster, change);
            }
        }
        let mut placed = self.place(cluster).await?;
        self.replugged(cluster, &mut placed);
        let mut findings = Vec::new();
        let gone: Vec<_> = self
            .changes
            .iter()
            .filter(|change| change.action == Action::Delete)
            .collect();
        if !placed.refused.is_empty() && !gone.is_empty() {
            for change in &gone {
                without(cluster, change);
            }
            if self.place(cluster).await?.refused.is_empty() {
                findings.push(Finding::warning(
                    "room",
                    format!("there is room only once {} machines are deleted", gone.len()),
                    "apply deletes and creates at the same time: where a create comes too early, apply once more",
                ));
                return Ok(findings);
            }
        }
        if placed.refused.is_empty() && !placed.on.is_empty() {
            let each = placed.on.iter();
            let each = each.map(|(node, (count, memory))| format!("{count} on {node} ({})", gib(*memory)));
            let words = format!(
                "there is room for new machines: {}",
                each.collect::<Vec<_>>().join(", ")
            );
            findings.push(Finding::ok("room", words));
        }
        let away = cluster.nodes.iter().map(|node| node.name.as_str());
        let away: Vec<&str> = away.filter(|node| self.api.reached.is_away(node)).collect();
        if !away.is_empty() && !placed.on.is_empty() {
            findings.push(Finding::warning(
                "nodes",
                format!(
                    "the cluster calls {} online, but a call to it ended with no answer: nothing is created there",
                    away.join(", ")
                ),
                "is the node up? The next apply asks it again",
            ));
        }
        findings.extend(placed.refused.into_values().map(|refused| refused.finding()));
        findings.extend(self.grown(cluster));
        findings.extend(files(cluster, &placed.files));
        findings.extend(self.bridges(networks, &placed.bridges).await);
        Ok(findings)
    }

    /// Places every machine that is to be made, as apply would.
    async fn place(&self, cluster: &Cluster) -> Result<Placed<'_>, Trouble> {
        let mut placed = Placed::default();
        let mut room = Room::of(cluster);
        let mut used: BTreeSet<u32> = cluster.guests.iter().map(|guest| guest.vmid).collect();
        for change in self.changes {
            if !matches!(change.action, Action::Create | Action::Replace) {
                continue;
            }
            let place = async {
                let wanted = Wanted::of(&change.properties)?;
                let node = room.node(self.api, &wanted).await?;
                let (first, last) = (wanted.vmids.start(), wanted.vmids.end());
                let free = wanted.vmids.clone().find(|vmid| !used.contains(vmid));
                let vmid = free.ok_or_else(|| range_is_full(first, last))?;
                Ok::<_, Trouble>((wanted, node, vmid))
            };
            let (wanted, node, vmid) = match place.await {
                Ok(place) => place,
                Err(trouble) if trouble.kind == super::trouble::Kind::Refused => {
                    placed.refuse(change, trouble);
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            used.insert(vmid);
            room.take(&node, &wanted, disk(cluster, &wanted));
            let on = placed.on.entry(node.clone()).or_default();
            *on = (on.0 + 1, on.1 + wanted.memory);
            let least = match &wanted.from {
                Origin::Image(image) if image.contains("://") => FOR_IMAGES,
                _ => FOR_SEEDS,
            };
            let files = placed
                .files
                .entry((node.clone(), wanted.iso_storage))
                .or_insert((least, change));
            files.0 = files.0.max(least);
            placed.bridges.entry((node, wanted.bridge)).or_insert(change);
        }
        Ok(placed)
    }

    /// Whether there is room for what disks and memory grow by.
    fn grown(&self, cluster: &Cluster) -> Vec<Finding> {
        let mut room = Room::of(cluster);
        let mut findings = Vec::new();
        for change in self.changes {
            let Some((node, vmid)) = change.id.as_deref().and_then(|id| parts(id).ok()) else {
                continue;
            };
            if change.action != Action::Update {
                continue;
            }
            let growth = |name: &str| {
                let attribute = change
                    .attributes
                    .iter()
                    .find(|attribute| attribute.name == name)?;
                let growth = attribute.after.as_int()? - attribute.before.as_int()?;
                (growth > 0).then_some(growth)
            };
            let address = change.address.to_string();
            let guest = cluster.guest(vmid);
            let node = guest.map_or(node, |guest| guest.node.as_str());
            let storage = change.properties.get("storage").and_then(Value::as_text);
            let storage = cluster.storage(node, storage.unwrap_or("local-lvm"));
            if let (Some(growth), Some(storage)) = (growth("disk"), storage) {
                let free = room.free_disk(node, storage);
                room.take_disk(node, &storage.name, growth);
                if free < growth {
                    let (growth, free, name) = (gib(growth), gib(free.max(0)), &storage.name);
                    let words = format!("the storage `{name}` on {node} has no {growth} left: {free}");
                    findings.push(Finding::failed(address.clone(), words, "free some room there").at(change));
                }
            }
            let known = cluster.nodes.iter().find(|known| known.name == node);
            if let Some(known) = known {
                findings.extend(too_large(change, known));
            }
            if let (Some(growth), Some(known)) = (growth("memory"), known)
                && cluster.free_memory(known) < growth
            {
                let free = gib(cluster.free_memory(known).max(0));
                let words = format!("{node} has no {} of memory more: {free}", gib(growth));
                let help = "the machine may not start, or the node may swap: give it less `memory`";
                findings.push(Finding::warning(address, words, help).at(change));
            }
        }
        findings
    }

    /// Adds the bridges that machines which are there are to be plugged into.
    fn replugged<'a>(&'a self, cluster: &Cluster, placed: &mut Placed<'a>) {
        for change in self.changes {
            let replugged = change
                .attributes
                .iter()
                .any(|attribute| attribute.name == "bridge");
            let (true, Action::Update, Some(Ok((node, vmid)))) =
                (replugged, change.action, change.id.as_deref().map(parts))
            else {
                continue;
            };
            let node = cluster.guest(vmid).map_or(node, |guest| guest.node.as_str());
            let bridge = change.properties.get("bridge").and_then(Value::as_text);
            let place = (node.to_owned(), bridge.unwrap_or("vmbr0").to_owned());
            placed.bridges.entry(place).or_insert(change);
        }
    }

    /// Whether the bridges are on the nodes that machines would go to, or are on.
    async fn bridges(
        &self,
        networks: &mut Networks,
        wanted: &BTreeMap<(String, String), &Change>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut unknown = BTreeSet::new();
        for ((node, bridge), change) in wanted {
            match networks.on(self.api, node).await {
                Ok(there) if there.contains_key(bridge) => {}
                Ok(there) => {
                    let names: Vec<_> = there.keys().map(|name| format!("`{name}`")).collect();
                    let help = match names.as_slice() {
                        [] => format!("make it on {node}, or name other `nodes`"),
                        names => format!("`bridge` can be {}", names.join(", ")),
                    };
                    let words = format!("there is no bridge or vnet `{bridge}` on {node}");
                    findings.push(Finding::failed(change.address.to_string(), words, help).at(change));
                }
                Err(message) if unknown.insert(node) => {
                    let words = format!("the bridges of {node} could not be listed: {message}");
                    findings.push(Finding::warning("bridges", words, "look whether it is online"));
                }
                Err(_) => {}
            }
        }
        findings
    }
}

/// Where the machines of a plan would go.
#[derive(Default)]
struct Placed<'a> {
    /// By node: how many, and with how much memory.
    on: BTreeMap<String, (usize, i64)>,
    /// By what was said.
    refused: BTreeMap<String, Refused<'a>>,
    /// MiB that should be free, by node and storage.
    files: BTreeMap<(String, String), (i64, &'a Change)>,
    /// By node and bridge.
    bridges: BTreeMap<(String, String), &'a Change>,
}

impl<'a> Placed<'a> {
    fn refuse(&mut self, change: &'a Change, trouble: Trouble) {
        let refused = self.refused.entry(trouble.message.clone());
        let refused = refused.or_insert(Refused {
            change,
            trouble,
            count: 0,
        });
        refused.count += 1;
    }
}

/// Machines for which there is no place, all for the same reason.
struct Refused<'a> {
    change: &'a Change,
    trouble: Trouble,
    count: usize,
}

impl Refused<'_> {
    fn finding(self) -> Finding {
        let address = &self.change.address;
        let subject = match self.count {
            1 => address.to_string(),
            count => format!("{address} and {} more", count - 1),
        };
        let help = self.trouble.help.unwrap_or_default();
        Finding::failed(subject, self.trouble.message, help).at(self.change)
    }
}

/// Whether a machine that is to grow is more than its node is as a whole: it could not be started again.
fn too_large(change: &Change, node: &Node) -> Vec<Finding> {
    let after = |name: &str| {
        let mut changed = change
            .attributes
            .iter()
            .filter(|attribute| attribute.name == name);
        changed.next().and_then(|attribute| attribute.after.as_int())
    };
    let name = &node.name;
    let mut findings = Vec::new();
    let mut failed = |words: String, help: &str| {
        findings.push(Finding::failed(change.address.to_string(), words, help).at(change));
    };
    if let Some(cpu) = after("cpu").filter(|cpu| !node.has_cpus(Some(*cpu))) {
        let words = format!(
            "{name} has {} CPUs, and would not start a machine with {cpu}",
            node.cpus
        );
        failed(words, "give the machine less `cpu`");
    }
    if let Some(memory) = after("memory").filter(|memory| *memory > node.memory) {
        let words = format!(
            "{name} has {} of memory, and the machine would have {}",
            gib(node.memory),
            gib(memory)
        );
        failed(words, "give the machine less `memory`");
    }
    findings
}

fn without(cluster: &mut Cluster, change: &Change) {
    let vmid = change.id.as_deref().and_then(|id| Some(parts(id).ok()?.1));
    let storage = change.prior.get("storage").and_then(Value::as_text);
    if let Some(vmid) = vmid {
        cluster.without(vmid, storage.unwrap_or("local-lvm"));
    }
}

fn files(cluster: &Cluster, wanted: &BTreeMap<(String, String), (i64, &Change)>) -> Vec<Finding> {
    let short = wanted.iter().filter_map(|((node, name), (least, change))| {
        let free = cluster.storage(node, name)?.free;
        let words = format!(
            "the storage `{name}` on {node} has only {} left for files",
            gib(free.max(0))
        );
        let help = format!(
            "free some room there ({} are enough), or name another `iso_storage`",
            gib(*least)
        );
        let finding = Finding::warning(change.address.to_string(), words, help).at(change);
        (free < *least).then_some(finding)
    });
    short.collect()
}

fn lost(subject: &str, error: CallError) -> Finding {
    let help = error.way_out().unwrap_or("look at the service").to_owned();
    Finding::failed(subject, error.to_string(), help)
}

/// What it is when the token's secret cannot be read.
pub(super) fn no_token(error: CallError) -> Finding {
    let help = error
        .way_out()
        .unwrap_or("put the token's secret there, or name another place in `token`");
    let help = help.to_owned();
    Finding::failed("token", error.to_string(), help)
}

fn major(version: &str) -> u32 {
    let number = version.split('.').next().and_then(|number| number.parse().ok());
    number.unwrap_or_default()
}

fn supported(version: &str) -> Finding {
    let minor = version
        .split('.')
        .nth(1)
        .and_then(|number| number.parse::<u32>().ok());
    match (major(version), minor.unwrap_or_default()) {
        (8, 4..) | (9, _) => Finding::ok("version", format!("Proxmox VE {version}")),
        (8 | 10.., _) => Finding::warning(
            "version",
            format!("Proxmox VE {version}: gosling was made for 8.4 to 9"),
            "try it with one egg first (`--target`), or take another version",
        ),
        _ => Finding::failed(
            "version",
            format!("Proxmox VE {version}: gosling was made for 8.4 to 9"),
            "upgrade the cluster",
        ),
    }
}

/// What the token lacks, a finding for each place.
fn privileges(token: &str, major: u32, permissions: &Permissions, needs: &[Need<'_>]) -> Vec<Finding> {
    if permissions.is_empty() {
        return vec![Finding::failed(
            "privileges",
            format!("the token `{token}` has no privilege at all"),
            "`gosling preflight --role` prints the least that it needs; with `--privsep 1`, a token has only what is \
             given to the token itself",
        )];
    }
    let mut missing: BTreeMap<String, (BTreeSet<&str>, &Change)> = BTreeMap::new();
    let mut findings = Vec::new();
    for need in needs {
        // A template that is not there, or not to be seen, is told of with the machines that are made of it.
        if need.place.is_some_template() || permissions.has(need.any, &need.place) {
            continue;
        }
        let (privilege, place) = (least(need.any, major), need.place.grant());
        if is_for_the_agent(need) {
            findings.push(Finding::warning(
                "privileges",
                format!(
                    "the token `{token}` has no `{privilege}` on `{place}`: gosling cannot tell whether a machine has booted"
                ),
                "`gosling preflight --role` prints the role with it",
            ));
            continue;
        }
        let (names, _) = missing.entry(place).or_insert((BTreeSet::new(), need.change));
        names.insert(privilege);
    }
    let lacks = missing.into_iter().map(|(place, (names, change))| {
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let words = format!("the token `{token}` has no {} on `{place}`", names.join(", "));
        let help = match place.contains(SOME) {
            true => "`gosling preflight --role` prints a role that has it; the zone is the vnet's, or `localnetwork`",
            false => "`gosling preflight --role` prints the least role that has it, ready to paste",
        };
        Finding::failed("privileges", words, help).at(change)
    });
    findings.extend(lacks);
    if findings.is_empty() {
        let places: BTreeSet<_> = needs
            .iter()
            .map(|need| (least(need.any, major), need.place.grant()))
            .collect();
        findings.push(Finding::ok(
            "privileges",
            format!("the token has all {} that this plan needs", places.len()),
        ));
    }
    findings
}

/// Whether apply works without it.
fn is_for_the_agent(need: &Need<'_>) -> bool {
    need.any.contains(&"VM.Monitor")
}

/// The cluster's major version and what is in it of use for these changes, where somebody answers.
pub(super) async fn known(api: &Api<'_>, changes: &[&Change]) -> Option<(u32, Cluster, Networks)> {
    let version = api.get("/version").await.ok()?;
    let version = version.get("version")?.as_str()?;
    let permissions = Permissions::of(&api.get("/access/permissions").await.ok()?);
    let cluster = Cluster::of(api).await.ok()?;
    let networks = Networks::of(api, &cluster, &permissions, changes).await;
    Some((major(version), cluster, networks))
}
