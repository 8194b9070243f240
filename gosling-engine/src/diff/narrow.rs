//! Leaves changes out of a plan: what is no target, and what cannot be changed now.

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::Address;

use super::open::Open;
use super::{Away, had_needed, stay};
use crate::plan::{Action, Change};
use crate::state::Held;

/// Leaves of the changes those to the targets, to what these need, and to what must leave one that is deleted: its own
/// deletion, or the change after which it needs it no more.
pub(super) fn narrow(
    changes: &mut BTreeMap<Address, Change>,
    targets: &[String],
    held: &BTreeMap<Address, &Held>,
    moved: &BTreeMap<Address, Address>,
) {
    let had_needed = |address: &Address| {
        let held = held.get(address);
        held.map(|held| had_needed(held, moved)).unwrap_or_default()
    };
    let mut wanted: BTreeSet<Address> = changes
        .keys()
        .filter(|address| address.is_among(targets))
        .cloned()
        .collect();
    loop {
        let mut more: Vec<Address> = Vec::new();
        for (address, change) in changes.iter() {
            if wanted.contains(address) {
                let needed = change.needs.iter().filter(|_| change.action != Action::Delete);
                more.extend(needed.filter(|need| !wanted.contains(*need)).cloned());
            } else if change.action != Action::NoOp {
                let goes = |need: &Address| match changes.get(need).map(|change| change.action) {
                    Some(Action::Delete) => wanted.contains(need),
                    Some(Action::Replace) => change.action == Action::Delete && wanted.contains(need),
                    _ => false,
                };
                if had_needed(address).iter().any(goes) {
                    more.push(address.clone());
                }
            }
        }
        let before = wanted.len();
        wanted.extend(more);
        if wanted.len() == before {
            break;
        }
    }
    for (address, change) in changes.iter_mut() {
        if !wanted.contains(address) {
            stay(change, held.get(address).copied(), moved);
            change.moved_from = None;
        }
    }
    // What is not there and is not to be made yet has no line in the plan.
    changes.retain(|address, change| wanted.contains(address) || change.id.is_some());
}

/// Leaves what cannot be changed now as it is, with what needs it and what it needs and must not go before it.
pub(super) fn leave_out(
    changes: &mut BTreeMap<Address, Change>,
    away: &Away,
    open: &Open<'_>,
    waiting: &BTreeMap<Address, Address>,
    held: &BTreeMap<Address, &Held>,
    moved: &BTreeMap<Address, Address>,
) {
    // Also those that are neither in the state nor asked for any more.
    let on_open = open
        .needs
        .keys()
        .map(|address| ((*address).clone(), (*address).clone()));
    let mut because: BTreeMap<Address, Address> = on_open.collect();
    for (address, change) in changes.iter_mut() {
        if let Some(out) = open.holds(change).or(waiting.get(address)) {
            because.insert(address.clone(), out.clone());
            stay(change, held.get(address).copied(), moved);
            continue;
        }
        let before = moved.get(address).unwrap_or(address);
        if !away.unreadable.contains(before) || change.set_aside.is_some() {
            continue;
        }
        let old = held.get(address).copied();
        match (old, change.action) {
            (Some(old), Action::Delete) if away.set_aside && !address.is_set_aside() => {
                change.set_aside = Some(address.set_aside(&old.id));
            }
            _ => {
                because.insert(address.clone(), address.clone());
            }
        }
        stay(change, old, moved);
    }
    for (address, change) in changes.iter_mut() {
        let Some(unread) = away.blocks.get(&address.block()) else {
            continue;
        };
        if change.action != Action::NoOp && !because.contains_key(address) {
            because.insert(address.clone(), unread.clone());
        }
    }
    loop {
        let mut more: Vec<(Address, Address)> = Vec::new();
        for (address, change) in changes.iter() {
            if change.action == Action::NoOp || because.contains_key(address) {
                continue;
            }
            let needs = change.needs.iter().filter(|_| change.action != Action::Delete);
            let goes = matches!(change.action, Action::Delete | Action::Replace);
            let needed_by = because.keys().filter(|out| {
                let old = held.get(*out).copied();
                let has_needed = old.is_some_and(|old| had_needed(old, moved).contains(address));
                goes && (has_needed || open.needs(out, address))
            });
            if let Some(out) = needs
                .filter(|need| because.contains_key(*need))
                .chain(needed_by)
                .next()
            {
                more.push((address.clone(), because[out].clone()));
            }
        }
        if more.is_empty() {
            break;
        }
        because.extend(more);
    }
    for (address, out) in because {
        if let Some(change) = changes.get_mut(&address) {
            if address != out {
                stay(change, held.get(&address).copied(), moved);
            }
            change.left_out = Some(out);
        }
    }
}
