//! What a plan says of machines that it leaves as they are: those that are elsewhere than the Nest asks for now, and
//! what somebody changed that the Nest has no word for.

use std::collections::BTreeMap;

use gosling_engine::{Action, Change, Held, Remark};
use gosling_resource::{Properties, Value};

use super::cluster::Guest;
use super::placing::{gib, parts};
use super::removing::PROTECTED;
use super::wanted::Wanted;
use super::work::Found;

/// What waits for a start, of what is shown with its value. The values of other keys may be long, or nobody's business.
const SHOWN: [&str; 7] = ["agent", "balloon", "cores", "cpu", "memory", "sockets", "vcpus"];

/// What a look at a machine shows that is none of its attributes. It goes into no state.
pub(super) fn facts(found: &Found, guest: &Guest) -> Properties {
    let config = &found.config;
    let mut facts = Properties::from([
        ("pool".into(), guest.pool.as_deref().into()),
        (
            "protection".into(),
            (config.get("protection") == Some("1")).into(),
        ),
    ]);
    let size = config.boot_disk().and_then(|disk| config.size(disk));
    facts.insert("disk".into(), size.into());
    let pending = config.pending.iter().map(|(key, value)| {
        let value = match value {
            Some(value) if SHOWN.contains(&key.as_str()) => Value::from(value.as_str()),
            Some(_) => "another value".into(),
            None => Value::Null,
        };
        (key.as_str().into(), value)
    });
    let pending: BTreeMap<_, _> = pending.collect();
    facts.insert("pending".into(), Value::Map(pending));
    facts
}

/// All that is to be said of one machine.
pub(super) fn remarks(held: &Held, now: &Held, change: &Change) -> Vec<Remark> {
    let look = Look { held, now, change };
    let stays = matches!(change.action, Action::NoOp | Action::Update);
    let mut all: Vec<Option<Remark>> = Vec::new();
    if stays && let Ok(wanted) = Wanted::of(&change.properties) {
        all.extend([look.node(&wanted), look.vmid(&wanted), look.pool(&wanted)]);
        all.extend([look.image(&wanted), look.disk(&wanted), look.cpu_type(&wanted)]);
        all.push(look.pending());
    }
    all.push(look.protection(stays));
    all.into_iter().flatten().collect()
}

struct Look<'a> {
    /// What the state holds.
    held: &'a Held,
    /// What was seen.
    now: &'a Held,
    change: &'a Change,
}

impl Look<'_> {
    fn remark(&self, attribute: &str, message: String, help: Option<&str>) -> Remark {
        Remark {
            address: self.change.address.clone(),
            attribute: attribute.into(),
            message,
            replace: false,
            help: help.map(str::to_owned),
            origin: None,
        }
    }

    /// One that would not be said of a machine that were made now.
    fn elsewhere(&self, attribute: &str, message: String) -> Remark {
        Remark {
            replace: true,
            ..self.remark(attribute, message, None)
        }
    }

    fn seen(&self, name: &str) -> Option<&Value> {
        self.now.outputs.get(name)
    }

    /// Its node and its number; it may have been migrated since it was made.
    fn place(&self) -> Option<(&str, u32)> {
        let seen = self.seen("id").and_then(Value::as_text);
        parts(seen.unwrap_or(&self.now.id)).ok()
    }

    fn node(&self, wanted: &Wanted) -> Option<Remark> {
        let (node, _) = self.place()?;
        let is_right = wanted.nodes.is_empty() || wanted.nodes.iter().any(|name| name == node);
        let names = wanted.nodes.join(", ");
        let message = format!("is on {node}, which is not among `nodes` ({names})");
        (!is_right).then(|| self.elsewhere("nodes", message))
    }

    fn vmid(&self, wanted: &Wanted) -> Option<Remark> {
        let (_, vmid) = self.place()?;
        let (first, last) = (wanted.vmids.start(), wanted.vmids.end());
        let message = format!("has the VMID {vmid}, which is outside of `vmid_range` ({first}-{last})");
        (!wanted.vmids.contains(&vmid)).then(|| self.elsewhere("vmid_range", message))
    }

    /// It is not put into another pool in place: that takes `Permissions.Modify` on the machine and `Pool.Allocate` on
    /// both pools, with which a token could give itself and others any right on it.
    fn pool(&self, wanted: &Wanted) -> Option<Remark> {
        let is = self.seen("pool")?.as_text();
        let given = self.held.properties.get("pool").and_then(Value::as_text);
        let message = match (is, wanted.pool.as_deref()) {
            (Some(is), Some(wanted)) if is != wanted => format!("is in the pool {is}, and not in {wanted}"),
            (None, Some(wanted)) => format!("is in no pool, and not in {wanted}"),
            // Into another pool a person may have put it.
            (Some(is), None) if given == Some(is) => {
                format!("is in the pool {is}, and the Nest names none")
            }
            _ => return None,
        };
        let help = "Proxmox VE moves it without a new machine: Datacenter > Permissions > Pools; gosling would need \
                    `Permissions.Modify` for that";
        Some(Remark {
            help: Some(help.to_owned()),
            ..self.elsewhere("pool", message)
        })
    }

    /// Its NoCloud image, which is only there until it has booted.
    fn image(&self, wanted: &Wanted) -> Option<Remark> {
        let (storage, _) = self.seen("seed")?.as_text()?.split_once(':')?;
        let wanted = &wanted.iso_storage;
        let message = format!("has its NoCloud image on {storage}, and not on {wanted}");
        let help = "the image is deleted once the machine is online; new machines use the new storage";
        (storage != wanted).then(|| self.remark("iso_storage", message, Some(help)))
    }

    fn disk(&self, wanted: &Wanted) -> Option<Remark> {
        let (is, wanted) = (self.seen("disk")?.as_int()?, wanted.disk?);
        let (is_gib, wanted_gib) = (gib(is), gib(wanted));
        let message = format!("has a disk of {is_gib}, and the Nest asks for {wanted_gib}");
        let help = format!(
            "a disk cannot shrink, so it stays; `disk = {}` says so",
            is_gib.replace(' ', "")
        );
        (is > wanted).then(|| self.remark("disk", message, Some(&help)))
    }

    fn cpu_type(&self, wanted: &Wanted) -> Option<Remark> {
        let of = |held: &Held| {
            held.outputs
                .get("cpu_type")
                .and_then(Value::as_text)
                .map(str::to_owned)
        };
        let (was, is) = (of(self.held)?, of(self.now)?);
        let message = format!("has the CPU type {is}, and was given {was}");
        let help = "the Nest names none, so it stays; `cpu_type` in the cloud block sets one";
        (wanted.cpu_type.is_none() && was != is).then(|| self.remark("cpu_type", message, Some(help)))
    }

    fn pending(&self) -> Option<Remark> {
        let Value::Map(pending) = self.seen("pending")? else {
            return None;
        };
        let planned = self.change.attributes.iter();
        let planned: Vec<&str> = planned
            .flat_map(|attribute| super::shaping::keys_of(&attribute.name))
            .copied()
            .collect();
        let waits = pending.iter().filter(|(key, _)| !planned.contains(&key.as_str()));
        let waits: Vec<String> = waits
            .map(|(key, value)| match value.as_text() {
                Some(value) => format!("{key} = {value}"),
                None => format!("{key} removed"),
            })
            .collect();
        let message = format!("has changes pending until its next restart: {}", waits.join(", "));
        let help = "gosling does not restart a machine for them; `Revert` under Hardware or Options in Proxmox VE drops \
                    them";
        (!waits.is_empty()).then(|| self.remark("pending", message, Some(help)))
    }

    fn protection(&self, stays: bool) -> Option<Remark> {
        if self.seen("protection").and_then(Value::as_bool) != Some(true) {
            return None;
        }
        let message = match (stays, self.change.action) {
            (true, _) => "is protected in Proxmox VE, so it cannot be deleted or replaced",
            (false, Action::Create) => return None,
            (false, _) => "is protected in Proxmox VE, so apply would refuse to delete it",
        };
        let help = (!stays).then_some(PROTECTED);
        Some(self.remark("protection", message.to_owned(), help))
    }
}
