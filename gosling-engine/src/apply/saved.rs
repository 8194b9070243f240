//! What is saved before the first step of a plan and after the last.

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{Address, Change as Effect, Kind};

use crate::journal::Entry;
use crate::plan::{Action, Change, Correction, Plan};
use crate::recover;
use crate::run::{Run, RunError};
use crate::state::{Held, State};

/// Whether there is nothing to carry out.
pub(super) fn changes_nothing(plan: &Plan) -> bool {
    plan.counts() == crate::plan::Counts::default()
}

/// What the plan knows better than the state is saved before anything else: what was found to be gone or different,
/// which address a resource has from now on, and what those need that stay as they are. Outcomes in the journal then
/// always fit the state that they are taken into.
pub(super) async fn begin(
    run: &Run<'_>,
    plan: &Plan,
    before: State,
    open: &[Entry],
) -> Result<State, RunError> {
    let mut state = as_seen(plan, &before);
    for change in &plan.changes {
        if let Some(aside) = &change.set_aside
            && let Some(mut held) = state.resources.remove(&change.address)
        {
            // Nothing is to wait for it, and it waits for nothing.
            held.depends_on.clear();
            held.given.clear();
            for other in state.resources.values_mut() {
                other.depends_on.remove(&change.address);
            }
            state.resources.insert(aside.clone(), held);
        }
    }
    with_moves(run, plan, &mut state);
    for change in plan.changes.iter().filter(|change| change.action == Action::NoOp) {
        if let Some(held) = state.resources.get_mut(&change.address) {
            note(change, held, |name| crate::run::kind_of(run.providers, name));
        }
    }
    if state == before {
        return Ok(state);
    }
    // What the journal has is open still, and none of it is of a resource that gets another address.
    let changes = !changes_nothing(plan);
    state.under_way = changes || !open.is_empty();
    if changes {
        let epoch = run.journal.store().epoch();
        run.journal
            .write(&crate::journal::Record::Began { epoch })
            .await?;
    }
    recover::save(run.journal.store(), state).await
}

/// The state that a plan was made from, as it was found to be: without what was gone, with what was different.
#[must_use]
pub fn as_seen(plan: &Plan, state: &State) -> State {
    let mut state = state.clone();
    for drift in &plan.drift {
        if drift.gone {
            state.resources.remove(&drift.address);
        } else if let Some(held) = state.resources.get_mut(&drift.address) {
            let seen = drift.attributes.iter();
            held.properties
                .extend(seen.map(|seen| (seen.name.clone(), seen.after.clone())));
        }
    }
    state
}

/// Notes what a resource that stays as it is needs, and how its pool is changed.
fn note(change: &Change, held: &mut Held, kind: impl Fn(&str) -> Option<&'static Kind>) {
    if change.renamed {
        keep_silent(change, held, kind);
        held.renamed = false;
    }
    held.depends_on.clone_from(&change.needs);
    held.given.clone_from(&change.given);
    held.rollout = change.rollout;
}

/// The resources that stay as they are, and of which the state has something else noted than the plan knows: what an
/// earlier run or an import lost is put right by the next apply, also where it changes nothing.
#[must_use]
pub fn corrections(
    changes: &[Change],
    state: &State,
    kind: impl Fn(&str) -> Option<&'static Kind>,
) -> Vec<Correction> {
    let stays = changes
        .iter()
        .filter(|change| change.action == Action::NoOp && change.moved_from.is_none());
    let other = stays.filter_map(|change| {
        // What waits for a move still needs others by the addresses that they have now.
        let known = change.needs.iter().all(|need| state.resources.contains_key(need));
        let held = state.resources.get(&change.address).filter(|_| known)?;
        let mut noted = held.clone();
        note(change, &mut noted, &kind);
        let what = [
            (
                "dependencies",
                (&noted.depends_on, &noted.given) != (&held.depends_on, &held.given),
            ),
            (
                "names",
                (&noted.properties, noted.renamed) != (&held.properties, held.renamed),
            ),
            ("rollout", noted.rollout != held.rollout),
        ];
        let what = what.into_iter().filter(|(_, differs)| *differs);
        let what: Vec<String> = what.map(|(name, _)| name.to_owned()).collect();
        (!what.is_empty()).then(|| Correction {
            address: change.address.clone(),
            what,
        })
    });
    other.collect()
}

/// Of what has another address now: what was only put into it when it was made counts as what is asked for now. See
/// `diff`.
fn keep_silent(change: &Change, held: &mut Held, kind: impl Fn(&str) -> Option<&'static Kind>) {
    let silent = change.properties.iter().filter(|(name, value)| {
        let attribute = kind(&change.kind).and_then(|kind| kind.attribute(name));
        attribute.is_some_and(|attribute| attribute.change == Effect::Replace && !attribute.observed)
            && value.outputs().is_empty()
    });
    for (name, value) in silent {
        held.properties.insert(name.clone(), value.clone());
    }
}

/// Gives moved resources their new addresses.
fn with_moves(run: &Run<'_>, plan: &Plan, state: &mut State) {
    let moves: BTreeMap<&Address, &Change> = plan
        .changes
        .iter()
        .filter_map(|change| Some((change.moved_from.as_ref()?, change)))
        .collect();
    // All are taken out before one is put back: one may come to where another was.
    let moved: Vec<(&Change, Option<Held>)> = moves
        .iter()
        .map(|(from, change)| (*change, state.resources.remove(*from)))
        .collect();
    for (change, held) in moved {
        let Some(mut held) = held else { continue };
        if change.action != Action::Replace {
            keep_silent(change, &mut held, |name| crate::run::kind_of(run.providers, name));
        }
        state.resources.insert(change.address.clone(), held);
    }
    for held in state.resources.values_mut() {
        held.rename_needs(|address| {
            let change = moves.get(address);
            change.map_or_else(|| address.clone(), |change| change.address.clone())
        });
    }
}

/// Saves the state, and cuts the journal down to the operations that are open: those that an earlier run left and those of
/// this one.
pub(super) async fn end(
    run: &Run<'_>,
    mut state: State,
    open: &BTreeSet<String>,
    plan: &Plan,
    is_new: bool,
) -> Result<State, RunError> {
    let forgets = plan.left_outside().next().is_some();
    if changes_nothing(plan) && !forgets && !is_new && !state.lineage.is_empty() {
        recover::cut(run.journal.store(), open).await?;
        return Ok(state);
    }
    for change in &plan.changes {
        if let Some(held) = state.resources.get_mut(&change.address) {
            held.origin.clone_from(&change.origin);
            held.rollout = change.rollout.or(held.rollout);
        }
    }
    for (change, _) in plan.left_outside() {
        let needs = |held: &Held| held.depends_on.contains(&change.address);
        // What could not be deleted yet still needs it; another may have been created in its place.
        if change.action == Action::NoOp && !state.resources.values().any(needs) {
            state.forget(&change.address);
        }
    }
    recover::settle(run.journal.store(), state, open).await
}
