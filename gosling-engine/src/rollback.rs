//! Back to an earlier state, forwards: what it held is wanted again, and goes the way of everything that is wanted.
//! Pure; what cannot be brought back is said before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use gosling_resource::{Address, Change as Effect, Kind, Properties, Resource, Resources, Value};
use serde::Serialize;
use smol_str::SmolStr;
use thiserror::Error;

use crate::plan::{Action, Change};
use crate::state::{Held, State};

/// The commands that change what is outside: what one of them did is what a rollback without a serial undoes.
const CHANGING: [&str; 3] = ["gosling apply", "gosling destroy", "gosling rollback"];

/// Why there is no earlier state to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RollbackError {
    /// It was never saved, or is kept no longer.
    #[error(
        "the state with serial {serial} is not kept: the oldest that is has serial {oldest}, the newest {newest}"
    )]
    NotKept {
        /// The serial that was asked for.
        serial: u64,
        /// The oldest that is kept.
        oldest: u64,
        /// The newest, which is the present one.
        newest: u64,
    },
    /// It is the present one.
    #[error("the state has serial {0} now: there is nothing to go back from")]
    Present(u64),
    /// No kept state is from before a change.
    #[error("no kept state differs from the present one")]
    NothingChanged,
}

/// The state to go back to: that of the serial `to`, where 0 is the one before anything was made; otherwise the one
/// before the last run that changed something. `states` are all that are kept, the present one first.
///
/// # Errors
/// [`RollbackError`].
pub fn goal(states: &[State], to: Option<u64>) -> Result<State, RollbackError> {
    let Some(present) = states.first() else {
        return Err(RollbackError::NothingChanged);
    };
    let own: Vec<&State> = states
        .iter()
        .filter(|state| state.lineage == present.lineage)
        .collect();
    let empty = || State {
        lineage: present.lineage.clone(),
        ..State::default()
    };
    if let Some(serial) = to {
        if serial == present.serial {
            return Err(RollbackError::Present(serial));
        }
        if serial == 0 {
            return Ok(empty());
        }
        let found = own.iter().find(|state| state.serial == serial);
        let serials = own.iter().map(|state| state.serial);
        return found.map(|state| (*state).clone()).ok_or(RollbackError::NotKept {
            serial,
            oldest: serials.clone().min().unwrap_or(present.serial),
            newest: serials.max().unwrap_or(present.serial),
        });
    }
    // All that one run saved was saved under one lock.
    let runs: Vec<&[&State]> = own.chunk_by(|one, other| one.epoch == other.epoch).collect();
    for (run, number) in runs.iter().zip(1..) {
        let (Some(last), Some(first)) = (run.first(), run.last()) else {
            continue;
        };
        let before = match runs.get(number).and_then(|run| run.first()) {
            Some(before) => (*before).clone(),
            None if first.serial == 1 => empty(),
            None => break,
        };
        let changing = last
            .written
            .as_ref()
            .is_none_or(|written| CHANGING.contains(&written.command.as_str()));
        if changing && contents(last) != contents(&before) {
            return Ok(before);
        }
    }
    Err(RollbackError::NothingChanged)
}

/// What a state holds, without the lines of the Nest that asked for it, what others may refer to, and what an apply that
/// changes nothing corrects.
fn contents(state: &State) -> BTreeMap<&Address, Held> {
    let plain = |held: &Held| Held {
        origin: None,
        outputs: Properties::new(),
        given: Properties::new(),
        depends_on: BTreeSet::new(),
        rollout: None,
        renamed: false,
        ..held.clone()
    };
    let all = state.resources.iter();
    all.map(|(address, held)| (address, plain(held))).collect()
}

/// What is wanted in order to come back to an earlier state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Everything that the earlier state held, and what is left as it is.
    pub wanted: Resources,
    /// What is left as it is, and why.
    pub limits: Vec<Limit>,
}

/// What a rollback does not bring back, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// Which resource.
    pub address: Address,
    /// Why.
    pub why: Why,
}

/// Why something does not come back as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Why {
    /// It was deleted since, or has to be deleted now: it is made anew, and something is gone for good.
    MadeAnew {
        /// What is gone.
        lost: String,
    },
    /// It was made by somebody else and deleted since; what gosling knows of it is made.
    WasImported,
    /// It was made anew since. What is there stays.
    Newer {
        /// What of the earlier one is gone.
        lost: String,
    },
    /// A number that only grows has to shrink, for which the resource is made anew.
    Shrinks {
        /// The attribute.
        attribute: SmolStr,
        /// What it is now.
        now: i64,
        /// What it was.
        then: i64,
    },
    /// The attribute only counts when the resource is made.
    OnlyAtCreation {
        /// The attribute.
        attribute: SmolStr,
    },
    /// It was there before gosling knew of it: it is left alone.
    Imported,
    /// It was not there then, and what is left alone needs it.
    NeededBy {
        /// What needs it.
        by: Address,
    },
    /// It was taken out of the state since and is still there: it is left alone, and no second one is made.
    Forgotten {
        /// What the API calls it.
        id: String,
    },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, why } = self;
        match why {
            Why::MadeAnew { lost } => write!(f, "{address} is created again; lost for good: {lost}"),
            Why::WasImported => write!(
                f,
                "{address} was not created by gosling and was deleted since: gosling creates one like it"
            ),
            Why::Newer { lost } => write!(
                f,
                "{address} was created again since and stays; lost for good: {lost}"
            ),
            Why::Shrinks { attribute, now, then } => write!(
                f,
                "{address} has grown: {attribute} cannot shrink from {now} to {then} in place"
            ),
            Why::OnlyAtCreation { attribute } => {
                write!(
                    f,
                    "{address} keeps its {attribute}, which is only used at creation"
                )
            }
            Why::Imported => write!(
                f,
                "{address} was imported since and stays; `gosling state rm {address}` forgets it"
            ),
            Why::NeededBy { by } => write!(f, "{address} stays, because {by} needs it and is not changed"),
            Why::Forgotten { id } => write!(
                f,
                "{address} was removed from the state since and still exists: it is not changed; `gosling import {address} {id}` takes it back"
            ),
        }
    }
}

/// What has to be wanted in order to come from the state `now` back to `goal`. `still`: what `goal` held and `now` does
/// not, and is there nevertheless.
#[must_use]
pub fn back(goal: &State, now: &State, still: &BTreeMap<Address, Held>) -> Back {
    let mut limits = Vec::new();
    let mut held: BTreeMap<&Address, &Held> = BTreeMap::new();
    for (address, earlier) in &goal.resources {
        match still.get(address) {
            Some(there) if !now.resources.contains_key(address) => limits.push(Limit {
                address: address.clone(),
                why: Why::Forgotten { id: there.id.clone() },
            }),
            _ => {
                held.insert(address, earlier);
            }
        }
    }
    let then: BTreeMap<_, _> = goal
        .resources
        .iter()
        .map(|(address, held)| (held.identity(), address))
        .collect();
    let mut moved = Vec::new();
    let mut stay: Vec<&Address> = Vec::new();
    for (address, present) in &now.resources {
        match then.get(&present.identity()) {
            Some(earlier) if *earlier != address => moved.push((address.to_string(), earlier.to_string())),
            None if present.marker.is_empty() && !held.contains_key(address) => {
                limits.push(Limit {
                    address: address.clone(),
                    why: Why::Imported,
                });
                held.insert(address, present);
                stay.push(address);
            }
            _ => {}
        }
    }
    // What is left alone keeps what it needs.
    while let Some(by) = stay.pop() {
        let needs = now.resources.get(by).map(|held| &held.depends_on);
        for need in needs.into_iter().flatten() {
            let Some((need, present)) = now.resources.get_key_value(need) else {
                continue;
            };
            if !held.contains_key(need) && !moved.iter().any(|(from, _)| *from == need.to_string()) {
                limits.push(Limit {
                    address: need.clone(),
                    why: Why::NeededBy { by: by.clone() },
                });
                held.insert(need, present);
                stay.push(need);
            }
        }
    }
    let mut wanted = Resources::default();
    wanted.moved = moved;
    for (address, held_) in &held {
        // Addresses are keys of a map, so that no two are the same.
        let _ = wanted.add(resource(address, held_, &held));
    }
    Back { wanted, limits }
}

/// What was held as something that is wanted. What another resource gave is taken from it again, where that is wanted
/// too; otherwise its value stays.
fn resource(address: &Address, held: &Held, all: &BTreeMap<&Address, &Held>) -> Resource {
    let there = |of: &Address| all.contains_key(of);
    let given = held.given.iter().filter(|(_, value)| {
        let outputs: Vec<&Address> = value.outputs();
        outputs.into_iter().all(there)
    });
    let mut properties: Properties = held.properties.clone();
    properties.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    Resource {
        address: address.clone(),
        kind: held.kind.clone(),
        provider: held.provider.clone(),
        properties,
        depends_on: held
            .depends_on
            .iter()
            .filter(|need| there(need))
            .cloned()
            .collect(),
        rollout: held.rollout,
        origin: held.origin.clone(),
        origins: BTreeMap::new(),
    }
}

/// What the changes that lead back to `goal` do not bring back, or not as it was.
#[must_use]
pub fn limits(goal: &State, changes: &[Change], kind: impl Fn(&str) -> Option<&'static Kind>) -> Vec<Limit> {
    let mut limits = Vec::new();
    for change in changes {
        let Some(earlier) = goal.resources.get(&change.address) else {
            continue;
        };
        let Some(kind) = kind(&change.kind) else { continue };
        let mut add = |why| {
            limits.push(Limit {
                address: change.address.clone(),
                why,
            });
        };
        let lost = || kind.lost.to_owned();
        match change.action {
            Action::Create if earlier.marker.is_empty() => add(Why::WasImported),
            Action::Create => add(Why::MadeAnew { lost: lost() }),
            Action::Replace => {
                for attribute in &change.attributes {
                    let grows = kind
                        .attribute(&attribute.name)
                        .is_some_and(|attribute| attribute.change == Effect::Grow);
                    if let (true, Some(now), Some(then)) =
                        (grows, attribute.before.as_int(), attribute.after.as_int())
                        && then < now
                    {
                        let attribute = attribute.name.clone();
                        add(Why::Shrinks { attribute, now, then });
                    }
                }
                add(Why::MadeAnew { lost: lost() });
            }
            Action::Update | Action::NoOp => {
                // A VMID is used again by the machine after it.
                let another = change.marker.as_ref().is_some_and(|marker| {
                    !marker.is_empty() && !earlier.marker.is_empty() && *marker != earlier.marker
                });
                if another || change.id.as_ref() != Some(&earlier.id) {
                    add(Why::Newer { lost: lost() });
                }
                let fixed = kind
                    .attributes
                    .iter()
                    .filter(|attribute| attribute.change == Effect::OnlyAtCreation);
                for attribute in fixed {
                    let value = |properties: &Properties| {
                        let value = properties.get(attribute.name);
                        value.cloned().unwrap_or(Value::Null)
                    };
                    if value(&earlier.properties) != value(&change.prior) {
                        let attribute = attribute.name.to_owned();
                        add(Why::OnlyAtCreation {
                            attribute: attribute.into(),
                        });
                    }
                }
            }
            Action::Delete => {}
        }
    }
    limits
}
