//! What a plan does in which order.

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{Address, SecretUri};

use crate::plan::{Action, Change};
use crate::state::State;

/// One step: what is deleted, or what is made or changed. By the number of its change in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Delete(usize),
    Put(usize),
}

impl Step {
    pub(crate) fn change(self) -> usize {
        match self {
            Self::Delete(index) | Self::Put(index) => index,
        }
    }
}

/// What each step waits for.
pub(crate) type Waits = BTreeMap<Step, BTreeSet<Step>>;

/// What each step waits for, and who waits for it.
///
/// Things are made after what they need from now on, and deleted before what they have needed until now: neither order
/// has a circle, for the Nest has none and the state has none. What is changed in place leaves what it needed before
/// that is deleted, unless the deletion must come first for another reason.
pub(crate) fn order(changes: &[Change], state: &State) -> (Waits, BTreeMap<Step, Vec<Step>>) {
    let index: BTreeMap<&Address, usize> = changes
        .iter()
        .enumerate()
        .map(|(index, change)| (&change.address, index))
        .collect();
    let puts = |at: usize| {
        matches!(
            changes[at].action,
            Action::Create | Action::Update | Action::Replace
        )
    };
    let deletes = |at: usize| matches!(changes[at].action, Action::Delete | Action::Replace);
    let mut waits = Waits::new();
    let mut leaves = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        if puts(at) {
            let new = change.needs.iter().filter_map(|need| index.get(need).copied());
            let new = new.filter(|other| puts(*other)).map(Step::Put);
            waits.entry(Step::Put(at)).or_default().extend(new);
        }
        if deletes(at) {
            waits.entry(Step::Delete(at)).or_default();
        }
        if change.action == Action::Replace {
            waits.entry(Step::Put(at)).or_default().insert(Step::Delete(at));
        }
        // A machine that is replaced by its successor goes after that one is there, where nothing is in the way.
        if let Some(new) = change.successor().and_then(|new| index.get(new)) {
            leaves.push((Step::Delete(at), Step::Put(*new)));
        }
        let held = state.resources.get(&change.address);
        let old = held.into_iter().flat_map(|held| &held.depends_on);
        for other in old.filter_map(|need| index.get(need).copied()) {
            if !deletes(other) {
                continue;
            }
            if deletes(at) {
                waits
                    .entry(Step::Delete(other))
                    .or_default()
                    .insert(Step::Delete(at));
            } else if puts(at) {
                leaves.push((Step::Delete(other), Step::Put(at)));
            }
        }
    }
    for (delete, put) in leaves {
        if !reaches(&waits, put, delete) {
            waits.entry(delete).or_default().insert(put);
        }
    }
    for (later, sooner) in places(changes, puts) {
        if !reaches(&waits, sooner, later) {
            waits.entry(later).or_default().insert(sooner);
        }
    }
    let mut wanted_by: BTreeMap<Step, Vec<Step>> = BTreeMap::new();
    for (step, needs) in &waits {
        for need in needs {
            wanted_by.entry(*need).or_default().push(*step);
        }
    }
    (waits, wanted_by)
}

/// Pairs of a step that is given the place of a secret and the step that leaves that place, which goes first: it may
/// still read there what the other would write over. An egg that takes the name which another has just given up does
/// this.
fn places(changes: &[Change], puts: impl Fn(usize) -> bool) -> Vec<(Step, Step)> {
    let mut left: BTreeMap<&SecretUri, usize> = BTreeMap::new();
    for (at, change) in changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.action == Action::Update)
    {
        for attribute in &change.attributes {
            if let Some(place) = attribute.before.as_secret() {
                left.insert(place, at);
            }
        }
    }
    let mut pairs = Vec::new();
    for (at, change) in changes.iter().enumerate().filter(|(at, _)| puts(*at)) {
        let given = change
            .attributes
            .iter()
            .filter_map(|attribute| attribute.after.as_secret());
        let others = given
            .filter_map(|place| left.get(place).copied())
            .filter(|other| *other != at);
        pairs.extend(others.map(|other| (Step::Put(at), Step::Put(other))));
    }
    pairs
}

/// Whether a step waits for another, directly or by others.
pub(crate) fn reaches(waits: &Waits, from: Step, to: Step) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(step) = next.pop() {
        if step == to {
            return true;
        }
        if seen.insert(step) {
            next.extend(waits.get(&step).into_iter().flatten().copied());
        }
    }
    false
}
