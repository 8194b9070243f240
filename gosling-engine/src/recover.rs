//! What earlier runs left behind: done outcomes are taken in, open operations are settled, before anything is planned.

use std::sync::{Mutex, PoisonError};

use crate::journal::{self, Entry, Record, Stage};
use crate::plan::OpenIntent;
use crate::run::{Run, RunError, Stop};
use crate::state::{Intake, State};
use crate::store::{Locked, Snapshot};

/// The state of a Nest's snapshot with everything that its journal says is done, and the operations that are open.
///
/// # Errors
/// Where the state or the journal cannot be used, or the state is another Nest's.
pub fn read(nest: &str, snapshot: &Snapshot) -> Result<(State, Vec<Entry>), RunError> {
    let (state, entries) = all(nest, snapshot)?;
    Ok((state, still_open(entries)))
}

fn all(nest: &str, snapshot: &Snapshot) -> Result<(State, Vec<Entry>), RunError> {
    let state = match &snapshot.state {
        Some(bytes) => State::from_bytes(bytes)?,
        None => State::default(),
    };
    let mut state = state.of_nest(nest)?;
    let (records, _) = journal::records(&snapshot.journal)?;
    let entries = journal::entries(records)?;
    if !entries.is_empty() {
        let mut intake = Intake::of(state);
        intake.replay(&entries);
        state = intake.state;
    }
    Ok((state, entries))
}

fn still_open(entries: Vec<Entry>) -> Vec<Entry> {
    let open = |entry: &Entry| matches!(entry.stage, Stage::Open { .. });
    entries.into_iter().filter(open).collect()
}

/// Open operations as a plan shows them.
#[must_use]
pub fn shown(open: &[Entry]) -> Vec<OpenIntent> {
    let shown = open.iter().map(|entry| OpenIntent {
        op: entry.operation.op.clone(),
        verb: entry.operation.verb.to_string(),
        address: entry.operation.address.clone(),
        heard: match &entry.stage {
            Stage::Open { heard } => heard.clone(),
            Stage::Done(_) | Stage::Failed(_) => None,
        },
    });
    shown.collect()
}

/// Settles every open operation, in the order in which they were begun: the provider looks for what the earlier
/// attempt made and ends it. Then the state is saved and the journal emptied, in this order. Returns the state and
/// how many operations were settled. A crash in here is like the one before it: the intents stay open.
///
/// # Errors
/// [`RunError::StillOpen`] where one could not be settled, [`RunError::OpenWithoutProvider`] where nobody could, and
/// [`RunError::Stopped`]: nothing is lost by trying again.
pub async fn recover(run: &Run<'_>, snapshot: &Snapshot) -> Result<(State, usize), RunError> {
    let (state, entries) = all(run.nest, snapshot)?;
    // A run that began and was killed before its first intent changed nothing.
    let nothing_to_save = entries.is_empty() && !state.under_way;
    let open = still_open(entries);
    let state = Mutex::new(Intake::of(state));
    for entry in &open {
        if *run.stop.borrow() != Stop::No {
            return Err(RunError::Stopped);
        }
        if !run.providers.contains_key(&entry.operation.provider) {
            return Err(RunError::OpenWithoutProvider {
                verb: entry.operation.verb.to_string(),
                address: Box::new(entry.operation.address.clone()),
                provider: entry.operation.provider.clone(),
            });
        }
        let mut operation = entry.operation.clone();
        operation.again = true;
        let (outcome, record) = tokio::select! {
            ended = run.carry_out(&operation, &entry.depends_on, &state) => ended?,
            () = run.stopped() => return Err(RunError::Stopped),
        };
        run.journal.written(record).await?;
        if let Err(error @ crate::CallError::Unknown { .. }) = outcome {
            return Err(RunError::StillOpen {
                verb: operation.verb.to_string(),
                address: Box::new(operation.address),
                error: Box::new(error),
            });
        }
    }
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner).state;
    let state = match () {
        () if snapshot.journal.is_empty() => state,
        () if nothing_to_save => {
            run.journal.store().cut().await?;
            state
        }
        () => settle(run.journal.store(), state).await?,
    };
    Ok((state, open.len()))
}

/// Saves the state under its lock: the next serial, the lock's epoch and holder, checked.
///
/// # Errors
/// Where it does not hold together, or could not be written.
pub async fn save(store: &dyn Locked, mut state: State) -> Result<State, RunError> {
    if state.lineage.is_empty() {
        state.lineage = crate::run::new_lineage()?;
    }
    state.serial += 1;
    state.epoch = store.epoch();
    state.written = Some(store.holder().into());
    state.verify()?;
    store.save(&state.to_bytes()).await?;
    Ok(state)
}

/// Saves the state and then empties the journal, whose outcomes are all in it and of which nothing is open. A crash
/// between the two only makes the next run take in the same outcomes again.
///
/// # Errors
/// As [`save`].
pub async fn settle(store: &dyn Locked, mut state: State) -> Result<State, RunError> {
    state.under_way = false;
    let state = save(store, state).await?;
    store.cut().await?;
    Ok(state)
}

/// The record that an operation is about to begin.
pub(crate) fn intent(run: &Run<'_>, operation: &crate::Operation, depends_on: &[String]) -> Record {
    Record::Intent {
        epoch: run.journal.store().epoch(),
        operation: Box::new(operation.clone()),
        depends_on: depends_on.to_vec(),
    }
}
