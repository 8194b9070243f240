//! From what is wanted and what is there to what is to be done. Pure: the same input gives the same plan.

mod moves;
mod narrow;
mod open;

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{
    Address, Change as Effect, Kind, Output, Properties, Resource, Resources, Rollout, Value,
};
use smol_str::SmolStr;
use thiserror::Error;

use crate::journal::Entry;
use crate::plan::{Action, AttributeChange, Change};
use crate::rollout;
use crate::state::{Held, State};
pub use moves::moved;
use moves::{Moves, with_moves};
use narrow::{leave_out, narrow};
use open::Open;

/// What narrows or widens a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Only these (`egg.app`, `egg.app.vm[0]`), with what they need. Empty: everything.
    pub targets: Vec<String>,
    /// Made anew though nothing asks for it.
    pub replace: Vec<String>,
    /// Everything is deleted.
    pub destroy: bool,
}

/// Why there can be no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiffError {
    /// Nobody makes this kind.
    #[error("no provider makes a `{kind}`, the kind of {address}")]
    UnknownKind {
        /// Which kind.
        kind: SmolStr,
        /// Of which resource.
        address: Box<Address>,
    },
    /// A property that the kind does not have.
    #[error("a `{kind}` has no `{attribute}`, which {address} sets")]
    UnknownAttribute {
        /// Which kind.
        kind: SmolStr,
        /// Which attribute.
        attribute: SmolStr,
        /// Of which resource.
        address: Box<Address>,
    },
    /// `--target` or `--replace` of nothing.
    #[error("`{0}` is neither in the Nest nor in the state")]
    NoSuchTarget(String),
    /// Resources that need each other.
    #[error("{0} needs itself, directly or by others")]
    Cycle(Box<Address>),
}

/// What cannot be changed now, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Away {
    /// The resources that could not be read, by the addresses that the state has them at.
    pub unreadable: BTreeSet<Address>,
    /// The blocks (`egg.lint`) of which it is not known what they ask for, each with what could not be read.
    pub blocks: BTreeMap<String, Address>,
    /// The operations of earlier runs that are open still.
    pub open: Vec<Entry>,
    /// Whether what would be deleted is set aside instead, to be deleted when it can be reached.
    pub set_aside: bool,
}

/// The changes that lead from the state to what is wanted, in the order of addresses.
///
/// # Errors
/// [`DiffError`].
pub fn diff(
    wanted: &Resources,
    state: &State,
    kind: impl Fn(&str) -> Option<&'static Kind>,
    options: &PlanOptions,
) -> Result<Vec<Change>, DiffError> {
    diff_around(wanted, state, kind, options, &Away::default())
}

/// The same where some resources could not be read, or operations on them are open: they stay as they are, and so does
/// what needs them. One that could not be read and is to be replaced by request is set aside, and another is made in its
/// place.
///
/// # Errors
/// [`DiffError`].
pub fn diff_around(
    wanted: &Resources,
    state: &State,
    kind: impl Fn(&str) -> Option<&'static Kind>,
    options: &PlanOptions,
    away: &Away,
) -> Result<Vec<Change>, DiffError> {
    let nothing = Resources::default();
    let asked = wanted;
    let wanted = if options.destroy { &nothing } else { wanted };
    let open = Open::of(&away.open);
    let Moves { held, moved, waiting } = with_moves(&asked.moved, wanted, state, &open);
    for named in options.targets.iter().chain(&options.replace) {
        let mut all = wanted.iter().map(|resource| &resource.address).chain(held.keys());
        if !all.any(|address| address.is_within(named)) {
            return Err(DiffError::NoSuchTarget(named.clone()));
        }
    }
    let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
    for address in order(wanted)? {
        let Some(resource) = wanted.get(&address) else {
            continue;
        };
        let Some(kind) = kind(&resource.kind) else {
            // What nobody makes any more is in nobody's way who asked for something else.
            if !asked_for(&address, wanted, &options.targets) {
                continue;
            }
            return Err(DiffError::UnknownKind {
                kind: resource.kind.clone(),
                address: Box::new(address),
            });
        };
        if let Some(attribute) = resource
            .properties
            .keys()
            .find(|name| kind.attribute(name).is_none())
        {
            return Err(DiffError::UnknownAttribute {
                kind: resource.kind.clone(),
                attribute: attribute.clone(),
                address: Box::new(address.clone()),
            });
        }
        let there = held.get(&address).copied();
        let from = moved.get(&address).cloned();
        let forced = options.replace.iter().any(|named| address.is_within(named));
        let is_away = away.unreadable.contains(from.as_ref().unwrap_or(&address)) && !open.is_on(&address);
        let there = there.filter(|_| !(forced && is_away));
        let mut change = compare(resource, kind, there, from, forced, &changes, &held);
        if forced
            && is_away
            && let Some(old) = held.get(&address)
        {
            change.moved_from = None;
            change.set_aside = Some(address.set_aside(&old.id));
        }
        changes.insert(address, change);
    }
    for (address, held) in &held {
        if wanted.get(address).is_none() {
            let rollout = rollout::settings(wanted, address, held.rollout);
            changes.insert(
                address.clone(),
                delete(address, held, had_needed(held, &moved), rollout),
            );
        }
    }
    if !options.targets.is_empty() {
        narrow(&mut changes, &options.targets, &held, &moved);
    }
    if !away.unreadable.is_empty() || !away.blocks.is_empty() || !away.open.is_empty() {
        leave_out(&mut changes, away, &open, &waiting, &held, &moved);
    }
    leave_outside(&mut changes);
    Ok(with_predecessors(changes, &held).into_values().collect())
}

/// Deletes nothing that has no marker: it was imported, or somebody wrote it into the state. It is forgotten, and where
/// something else is to be in its place, that is created.
fn leave_outside(changes: &mut BTreeMap<Address, Change>) {
    let unmarked = |change: &&mut Change| change.marker.as_deref() == Some("");
    for change in changes.values_mut().filter(unmarked) {
        match change.action {
            Action::Delete => change.action = Action::NoOp,
            Action::Replace => {
                change.action = Action::Create;
                change.because.clear();
            }
            Action::Create | Action::Update | Action::NoOp => continue,
        }
        (change.left_outside, change.marker, change.prior) = (change.id.take(), None, Properties::new());
    }
}

/// Makes two changes of each replacement whose new machine is to be online before the old one is deleted: it is made, and
/// the old one goes, under an address of its own until then. Where an earlier such run was cut short there is one of that
/// address already, and this one is replaced in place.
fn with_predecessors(
    mut changes: BTreeMap<Address, Change>,
    held: &BTreeMap<Address, &Held>,
) -> BTreeMap<Address, Change> {
    let first = |change: &&Change| {
        change.action == Action::Replace && change.rollout.is_some_and(|rollout| rollout.create_before_delete)
    };
    let addresses: Vec<Address> = changes
        .values()
        .filter(first)
        .map(|change| change.address.clone())
        .collect();
    for address in addresses {
        let old = rollout::predecessor(&address);
        let (Some(there), false) = (held.get(&address), changes.contains_key(&old)) else {
            continue;
        };
        let Some(new) = changes.get_mut(&address) else {
            continue;
        };
        // It is known under the address from before a move, which its own deletion brings along.
        if new.moved_from.is_some() {
            continue;
        }
        let mut gone = delete(&old, there, there.depends_on.clone(), new.rollout);
        gone.moved_from = Some(address.clone());
        gone.because = std::mem::take(&mut new.because);
        new.action = Action::Create;
        (new.id, new.marker, new.prior) = (None, None, Properties::new());
        changes.insert(old, gone);
    }
    changes
}

/// Whether a plan that is narrowed to these targets is about this resource: it is one of them, or one of them needs it.
fn asked_for(address: &Address, wanted: &Resources, targets: &[String]) -> bool {
    let mut looked_at: BTreeSet<Address> = BTreeSet::new();
    let all = wanted.iter().map(|resource| &resource.address);
    let mut next: Vec<Address> = all.filter(|address| address.is_among(targets)).cloned().collect();
    while let Some(needed) = next.pop() {
        if looked_at.insert(needed.clone()) {
            next.extend(wanted.get(&needed).map(Resource::needs).unwrap_or_default());
        }
    }
    looked_at.contains(address)
}

/// The wanted addresses, each after what it needs.
fn order(wanted: &Resources) -> Result<Vec<Address>, DiffError> {
    let needs = |address: &Address| -> Vec<Address> {
        let resource = wanted.get(address);
        resource
            .map(|resource| resource.needs().into_iter().collect())
            .unwrap_or_default()
    };
    let all = wanted.iter().map(|resource| resource.address.clone());
    crate::graph::sorted(all, needs).map_err(|address| DiffError::Cycle(Box::new(address)))
}

/// What becomes of a wanted resource. What it needs has been looked at before.
fn compare(
    resource: &Resource,
    kind: &Kind,
    there: Option<&Held>,
    moved_from: Option<Address>,
    forced: bool,
    changes: &BTreeMap<Address, Change>,
    held: &BTreeMap<Address, &Held>,
) -> Change {
    let properties: Properties = resource
        .properties
        .iter()
        .map(|(name, value)| (name.clone(), known(value, changes, held)))
        .collect();
    let mut change = Change {
        address: resource.address.clone(),
        kind: resource.kind.clone(),
        provider: resource.provider.clone(),
        action: Action::Create,
        moved_from,
        renamed: there.is_some_and(|held| held.renamed),
        because: Vec::new(),
        attributes: Vec::new(),
        id: there.map(|held| held.id.clone()),
        marker: there.map(|held| held.marker.clone()),
        prior: there.map(|held| held.properties.clone()).unwrap_or_default(),
        properties,
        given: resource
            .properties
            .iter()
            .filter(|(_, value)| !value.outputs().is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        needs: resource.needs(),
        rollout: resource.rollout,
        reconnects: false,
        origin: resource.origin.clone(),
        left_out: None,
        set_aside: None,
        left_outside: None,
    };
    let no_properties = Properties::new();
    let before = there.map_or(&no_properties, |held| &held.properties);
    let mut restarts = Vec::new();
    for attribute in kind.attributes {
        let (before, after) = (attribute.value_in(before), attribute.value_in(&change.properties));
        if before == after || (there.is_some() && attribute.change == Effect::OnlyAtCreation) {
            continue;
        }
        // What the API tells and nobody asks for is left to it.
        if attribute.observed && attribute.usual.is_none() && !change.properties.contains_key(attribute.name)
        {
            continue;
        }
        // What was only put into a machine when it was made stays as it is when the machine gets another name; what it
        // was given by another resource does not, for that one may be another now.
        let asked = resource.properties.get(attribute.name);
        let given = asked.is_some_and(|value| !value.outputs().is_empty());
        let renamed = change.renamed || change.moved_from.is_some();
        let stays = renamed && !attribute.observed && !given;
        let replaces = match attribute.change {
            Effect::Replace => !stays,
            Effect::Grow => after.as_int() < before.as_int(),
            Effect::Update | Effect::Restart | Effect::Reconnect | Effect::OnlyAtCreation => false,
        };
        if stays && attribute.change == Effect::Replace {
            continue;
        }
        if there.is_some() && replaces {
            change.because.push(attribute.name.to_owned());
        }
        if matches!(attribute.change, Effect::Restart | Effect::Reconnect) {
            restarts.push(attribute.name.to_owned());
        }
        change.attributes.push(AttributeChange {
            name: SmolStr::new_static(attribute.name),
            before,
            after,
            origin: resource.origins.get(attribute.name).cloned(),
        });
    }
    let other = there.is_some_and(|held| held.kind != resource.kind || held.provider != resource.provider);
    if other {
        change
            .because
            .push("it has another provider or is of another kind now".to_owned());
    }
    if forced && there.is_some() {
        change.because.push("--replace".to_owned());
    }
    change.action = match there {
        None => Action::Create,
        Some(_) if !change.because.is_empty() => Action::Replace,
        Some(_) if change.attributes.is_empty() => Action::NoOp,
        Some(_) => Action::Update,
    };
    if change.action == Action::Update {
        change.because = restarts;
        let changed = change.attributes.iter().map(|attribute| attribute.name.as_str());
        change.reconnects = rollout::reconnects(kind, changed);
    }
    change
}

/// The value with every output in it that is known already.
fn known(value: &Value, changes: &BTreeMap<Address, Change>, held: &BTreeMap<Address, &Held>) -> Value {
    match value {
        Value::Output(output) => {
            let Output { of, name } = &**output;
            let stays = changes
                .get(of)
                .is_some_and(|change| matches!(change.action, Action::NoOp | Action::Update));
            let output = held.get(of).and_then(|held| held.outputs.get(name));
            output.filter(|_| stays).cloned().unwrap_or_else(|| value.clone())
        }
        Value::List(values) => Value::List(values.iter().map(|value| known(value, changes, held)).collect()),
        Value::Map(values) => Value::Map(
            values
                .iter()
                .map(|(name, value)| (name.clone(), known(value, changes, held)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// What a resource has needed until now, by the addresses that these have from now on.
fn had_needed(held: &Held, moved: &BTreeMap<Address, Address>) -> BTreeSet<Address> {
    let now = |old: &Address| moved.iter().find(|(_, from)| *from == old).map(|(to, _)| to);
    held.depends_on
        .iter()
        .map(|old| now(old).unwrap_or(old).clone())
        .collect()
}

fn delete(address: &Address, held: &Held, needs: BTreeSet<Address>, rollout: Option<Rollout>) -> Change {
    Change {
        address: address.clone(),
        kind: held.kind.clone(),
        provider: held.provider.clone(),
        action: Action::Delete,
        moved_from: None,
        renamed: false,
        because: Vec::new(),
        attributes: Vec::new(),
        id: Some(held.id.clone()),
        marker: Some(held.marker.clone()),
        prior: held.properties.clone(),
        properties: held.properties.clone(),
        given: held.given.clone(),
        needs,
        rollout,
        reconnects: false,
        origin: held.origin.clone(),
        left_out: None,
        set_aside: None,
        left_outside: None,
    }
}

/// Turns a change into none: what is there stays as it is.
fn stay(change: &mut Change, held: Option<&Held>, moved: &BTreeMap<Address, Address>) {
    change.action = Action::NoOp;
    change.renamed = false;
    change.attributes.clear();
    change.because.clear();
    change.needs = held.map(|held| had_needed(held, moved)).unwrap_or_default();
    change.given = held.map(|held| held.given.clone()).unwrap_or_default();
}
