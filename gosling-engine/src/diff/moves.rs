//! The addresses that resources of the state have from now on.

use std::collections::BTreeMap;

use gosling_resource::{Address, Resources};

use super::open::Open;
use crate::state::{Held, State};

/// A state by the addresses that its resources have from now on.
pub(super) struct Moves<'s> {
    pub(super) held: BTreeMap<Address, &'s Held>,
    /// The address that each moved one had.
    pub(super) moved: BTreeMap<Address, Address>,
    /// Those of a move that waits, where they are and where they are to be, and whose operation it waits for.
    pub(super) waiting: BTreeMap<Address, Address>,
}

/// A move waits as a whole while an operation is open on one of its resources: its outcome comes under the old address.
pub(super) fn with_moves<'s>(
    moves: &[(String, String)],
    wanted: &Resources,
    state: &'s State,
    open: &Open<'_>,
) -> Moves<'s> {
    let moves: BTreeMap<&str, &str> = moves
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    // What is not wanted at its new address keeps the old one, under which it is deleted.
    let leads = |address: &Address| {
        moved_to(address, &moves).filter(|(_, to)| {
            wanted.get(address).is_none() && wanted.get(to).is_some() && !state.resources.contains_key(to)
        })
    };
    // By what they are about.
    let mut waits: BTreeMap<&str, Address> = BTreeMap::new();
    let mut waiting = BTreeMap::new();
    for (address, needs) in &open.needs {
        let touched = needs.iter().chain([*address]).filter_map(leads);
        waits.extend(touched.map(|(from, _)| (from, (*address).clone())));
    }
    for address in state.resources.keys().filter(|_| !open.needs.is_empty()) {
        if let Some((from, to)) = leads(address)
            && open.is_on(&to)
        {
            waits.insert(from, to);
        }
    }
    let mut held: BTreeMap<Address, &Held> = BTreeMap::new();
    let mut moved = BTreeMap::new();
    let of_state = state
        .resources
        .iter()
        .map(|(address, held)| (address, Some(held)));
    let not_made = open.needs.keys().map(|address| (*address, None));
    for (address, resource) in of_state.chain(not_made) {
        let to = leads(address);
        if let Some((from, to)) = &to
            && let Some(because) = waits.get(from)
        {
            waiting.insert(to.clone(), because.clone());
            waiting.insert(address.clone(), because.clone());
        }
        let Some(resource) = resource else { continue };
        match to {
            // Of two that were renamed to one name, the first has it and the other goes.
            Some((from, to)) if !waits.contains_key(from) && !held.contains_key(&to) => {
                moved.insert(to.clone(), address.clone());
                held.insert(to, resource);
            }
            _ => {
                held.insert(address.clone(), resource);
            }
        }
    }
    Moves { held, moved, waiting }
}

/// The address that a resource has after these moves, which may be its own.
#[must_use]
pub fn moved(address: &Address, moves: &[(String, String)]) -> Address {
    let moves = moves.iter().map(|(from, to)| (from.as_str(), to.as_str()));
    let to = moved_to(address, &moves.collect());
    to.map_or_else(|| address.clone(), |(_, to)| to)
}

/// Where the moves lead a resource, its own or that of its block, and what that one is about. `None`: none of them is about
/// it.
fn moved_to<'m>(address: &Address, moves: &BTreeMap<&'m str, &'m str>) -> Option<(&'m str, Address)> {
    if moves.is_empty() {
        return None;
    }
    if let Some((from, to)) = moves.get_key_value(address.to_string().as_str()) {
        return Some((from, to.parse().ok()?));
    }
    let (from, to) = moves.get_key_value(address.block().as_str())?;
    let (owner_kind, owner) = to.split_once('.')?;
    let moved = Address {
        owner_kind: owner_kind.into(),
        owner: owner.into(),
        ..address.clone()
    };
    Some((from, moved))
}
