//! Gives a machine its configuration, its disk, its firewall, and its power.

use std::collections::BTreeSet;

use gosling_engine::{Observed, Operation};
use gosling_resource::{Properties, Value as Property};
use serde_json::Value;

use super::api::pair;
use super::booted;
use super::cluster::Guest;
use super::firewall;
use super::power::{Off, shut_down, start};
use super::trouble::Trouble;
use super::wanted::{Config, Wanted, enables_agent};
use super::work::{Found, Work};

/// What has to change in a configuration; `seed` is the NoCloud image to put into the drive.
fn changes(config: &Config, wanted: &Wanted, seed: Option<&str>) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let mut set = |key: &str, value: String| {
        if config.get(key) != Some(&value) {
            changes.push((key.to_owned(), value));
        }
    };
    set("name", wanted.name.clone());
    set("onboot", "1".to_owned());
    if let Some(cpu) = wanted.cpu {
        set("cores", cpu.to_string());
        if config.get("sockets").is_some_and(|sockets| sockets != "1") {
            set("sockets", "1".to_owned());
        }
    }
    let memory = config.get("memory").unwrap_or_default();
    if memory.strip_prefix("current=").unwrap_or(memory) != wanted.memory.to_string() {
        set("memory", wanted.memory.to_string());
    }
    // A template may let go of memory down to a size that is more than all of it now.
    let least = config.get("balloon").and_then(|text| text.parse::<i64>().ok());
    if least.is_some_and(|least| least > wanted.memory) {
        set("balloon", wanted.memory.to_string());
    }
    if let Some(kind) = &wanted.cpu_type
        && config.cpu_type() != Some(kind)
    {
        set("cpu", kind.clone());
    }
    if !config.get("agent").is_some_and(enables_agent) {
        set("agent", "1".to_owned());
    }
    let mut tags: Vec<String> = wanted.tags.iter().map(|tag| tag.to_lowercase()).collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.join(";") != config.get("tags").unwrap_or_default() {
        set("tags", tags.join(";"));
    }
    let net = net(config.get("net0"), wanted);
    if config.get("net0").map(sorted) != Some(sorted(&net)) {
        set("net0", net);
    }
    if let Some(seed) = seed
        && !config.get("ide2").is_some_and(|drive| drive.starts_with(seed))
    {
        set("ide2", format!("{seed},media=cdrom"));
    }
    let delete = config.own_cloud_init();
    let delete: Vec<&str> = delete
        .into_iter()
        .filter(|key| seed.is_some() && *key != "ide2")
        .collect();
    if !delete.is_empty() {
        changes.push(pair("delete", delete.join(",")));
    }
    changes
}

/// The keys of a configuration that a new machine may get values for.
pub(super) fn keys_for(wanted: &Wanted) -> Vec<String> {
    let seed = wanted.user_data.is_some().then_some("local:iso/seed.iso");
    let changes = changes(&Config::default(), wanted, seed).into_iter();
    changes.map(|(key, _)| key).collect()
}

/// The network card: the model, the address and whatever else it has, on the bridge that is wanted.
fn net(old: Option<&str>, wanted: &Wanted) -> String {
    let ours = ["bridge", "tag", "firewall"];
    let kept = old.unwrap_or("virtio").split(',').filter(|part| {
        let name = part.split('=').next().unwrap_or_default();
        !ours.contains(&name)
    });
    let mut parts: Vec<String> = kept.map(str::to_owned).collect();
    parts.push(format!("bridge={}", wanted.bridge));
    parts.extend(wanted.vlan.map(|vlan| format!("tag={vlan}")));
    if wanted.firewall.is_some() {
        parts.push("firewall=1".to_owned());
    }
    parts.join(",")
}

fn sorted(value: &str) -> Vec<&str> {
    let mut parts: Vec<_> = value.split(',').filter(|part| *part != "firewall=0").collect();
    parts.sort_unstable();
    parts
}

/// Sets what differs in the configuration, the disk and the firewall: gives back the keys that it set. `changed` becomes
/// true with the first call that changes anything.
pub(super) async fn shape(
    work: &Work<'_>,
    found: &Found,
    wanted: &Wanted,
    seed: Option<&str>,
    changed: &mut bool,
) -> Result<BTreeSet<String>, Trouble> {
    let changes = changes(&found.config, wanted, seed);
    if !changes.is_empty() {
        *changed = true;
        work.progress("configuring");
        work.api
            .put(&format!("{}/config", found.path()), &changes)
            .await?;
    }
    let disk = found.config.boot_disk();
    let size = disk.and_then(|disk| found.config.size(disk));
    if let (Some(disk), Some(size), Some(wanted)) = (disk, size, wanted.disk)
        && wanted > size
    {
        *changed = true;
        let size = [pair("disk", disk), pair("size", format!("{wanted}M"))];
        let answer = work.api.put(&format!("{}/resize", found.path()), &size).await?;
        work.end_of(&answer, "growing the disk").await?;
    }
    // A firewall that is already right is not touched, and then nothing has changed.
    let before = *changed;
    *changed = true;
    let touched = firewall::ensure(work, found, wanted.firewall.as_ref()).await?;
    *changed = before || touched;
    Ok(changes.into_iter().map(|(key, _)| key).collect())
}

/// What waits for a restart, by key.
async fn pending(work: &Work<'_>, found: &Found) -> Result<BTreeSet<String>, Trouble> {
    let pending = work.api.get(&format!("{}/pending", found.path())).await?;
    let waits = |entry: &&Value| entry.get("pending").is_some() || entry.get("delete").is_some();
    let waiting = pending.as_array().into_iter().flatten().filter(waits);
    let keys = waiting.filter_map(|entry| entry.get("key")?.as_str());
    Ok(keys.map(str::to_owned).collect())
}

/// The keys of a configuration that an attribute decides about.
pub(super) fn keys_of(attribute: &str) -> &'static [&'static str] {
    match attribute {
        "memory" => &["memory", "balloon"],
        "cpu" => &["cores", "sockets"],
        "cpu_type" => &["cpu"],
        "bridge" | "vlan" | "firewall" => &["net0"],
        "name" => &["name"],
        "tags" => &["tags"],
        "onboot" => &["onboot"],
        "agent" => &["agent"],
        _ => &[],
    }
}

/// A machine as it is now, told in the attributes that `prior` holds. A list is some seconds late: only where it says
/// what is known already is it believed.
pub(super) async fn observed(
    work: &Work<'_>,
    found: &Found,
    prior: &Properties,
    listed: Option<&Guest>,
) -> Result<Observed, Trouble> {
    let mut properties = found.config.observed(prior);
    if let Some(before) = prior.get("firewall").filter(|before| **before != Property::Null) {
        let wanted = Wanted::of(prior).ok().and_then(|wanted| wanted.firewall);
        let is = firewall::observed(work, found, before, wanted.as_ref()).await?;
        properties.insert("firewall".into(), is);
    }
    if let Some(before) = prior.get("started").filter(|before| **before != Property::Null) {
        let runs = match listed {
            Some(guest) if before.as_bool() == Some(guest.running) => guest.running,
            _ => work.runs(found).await?,
        };
        properties.insert("started".into(), runs.into());
    }
    let outputs = [
        ("id", Property::from(found.id())),
        ("node", found.node.as_str().into()),
        ("vmid", i64::from(found.vmid).into()),
    ];
    let mut outputs: Properties = outputs.map(|(name, value)| (name.into(), value)).into();
    outputs.extend(booted::output(&found.config, found.vmid));
    if prior.get("cpu_type").is_none_or(|asked| *asked == Property::Null) {
        let is = found.config.cpu_type().unwrap_or("Proxmox VE's default");
        outputs.insert("cpu_type".into(), is.into());
    }
    Ok(Observed {
        id: found.id(),
        properties,
        outputs,
    })
}

/// Changes a machine that is there to what it is to be. `changed` becomes true with the first call that changes
/// anything.
pub(super) async fn update(
    work: &Work<'_>,
    operation: &Operation,
    found: &Found,
    changed: &mut bool,
) -> Result<Observed, Trouble> {
    let wanted = Wanted::of(&operation.properties)?;
    let ours = shape(work, found, &wanted, None, changed).await?;
    let runs = work.runs(found).await?;
    let off = Off::by(operation);
    let mut restart = false;
    if runs && wanted.started {
        let waiting = pending(work, found).await?;
        // A card that is plugged in elsewhere keeps the address of its old network until the system starts again.
        let replugged = ["bridge", "vlan"]
            .into_iter()
            .any(|name| operation.prior.get(name) != operation.properties.get(name));
        let replugged = replugged && (operation.again || ours.contains("net0"));
        // The agent is put back for the next start: nothing that a job needs waits for it.
        restart = replugged || waiting.iter().any(|key| key != "agent" && ours.contains(key));
        // Somebody else's change that waits is theirs, unless the plan says otherwise or a restart would let it in.
        let planned = operation
            .properties
            .iter()
            .filter(|(name, value)| restart || operation.prior.get(*name) != Some(*value));
        let planned: BTreeSet<&str> = planned.flat_map(|(name, _)| keys_of(name)).copied().collect();
        let theirs = waiting
            .iter()
            .filter(|key| !ours.contains(*key) && planned.contains(key.as_str()));
        let theirs: Vec<&str> = theirs.map(String::as_str).collect();
        if !theirs.is_empty() {
            *changed = true;
            let form = [pair("revert", theirs.join(","))];
            work.api.put(&format!("{}/config", found.path()), &form).await?;
        }
    }
    if restart || (runs && !wanted.started) {
        *changed = true;
        shut_down(work, found, off).await?;
    }
    if wanted.started && (restart || !runs) {
        *changed = true;
        start(work, found, &wanted).await?;
    }
    let now = work.find_unlocked(&found.node, found.vmid).await?;
    let now = now.ok_or_else(|| Trouble::unknown(format!("{} is gone", found.id())))?;
    observed(work, &now, &operation.properties, None).await
}
