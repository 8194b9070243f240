//! What earlier runs left behind: done outcomes are taken in, open operations are settled, before anything is planned.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use thiserror::Error;

use crate::journal::{self, Entry, JournalError, Record, Stage};
use crate::plan::OpenIntent;
use crate::provider::CallError;
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
        heard: entry.heard().map(str::to_owned),
    });
    shown.collect()
}

/// What came of settling.
#[derive(Debug)]
pub struct Recovered {
    /// The state with all outcomes.
    pub state: State,
    /// How many operations were settled.
    pub settled: usize,
    /// Those that could not be. Whatever is not theirs and does not need it may go on.
    pub open: Vec<StillOpen>,
}

impl Recovered {
    /// The operations that are open still.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.open.iter().map(|open| open.entry.clone()).collect()
    }
}

/// An operation of an earlier run that could not be settled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the outcome of an earlier {} of {} is still unknown: {}", .entry.operation.verb, .entry.operation.address, .entry.heard().unwrap_or_default())]
pub struct StillOpen {
    /// The operation, and what was heard when it was asked about.
    pub entry: Entry,
    /// What to do about that.
    pub help: Option<String>,
}

/// Settles every open operation, so many at once: none of them needs another, since nothing is begun before what it needs
/// is done. The provider looks for what the earlier attempt made and ends it. One that nobody can say anything of stays
/// open, and holds up nothing but what needs its resource. Then the state is saved and the journal cut down to what is
/// open, in this order. A crash in here is like the one before it: the intents stay open.
///
/// # Errors
/// [`RunError::Stopped`]: nothing is lost by trying again. Others where something could not be written.
pub async fn recover(run: &Run<'_>, snapshot: &Snapshot) -> Result<Recovered, RunError> {
    let (state, entries) = all(run.nest, snapshot)?;
    // A run that began and was killed before its first intent changed nothing.
    let nothing_to_save = entries.is_empty() && !state.under_way;
    let records = entries.len();
    let open = still_open(entries);
    let nothing_but_open = records == open.len() && state.under_way;
    let state = Mutex::new(Intake::of(state));
    let asked = stream::iter(&open).map(|entry| ask(run, entry, &state));
    let asked = asked.buffered(run.parallelism.max(1)).try_collect::<Vec<_>>();
    let answers = tokio::select! {
        answers = asked => answers?,
        () = run.stopped() => return Err(RunError::Stopped),
    };
    let mut still = Vec::new();
    for answer in answers {
        match answer {
            Answer::Settled => {}
            Answer::Open(open) => still.push(*open),
            Answer::NotAsked => return Err(RunError::Stopped),
        }
    }
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner).state;
    let store = run.journal.store();
    let left = ops(still.iter().map(|open| &open.entry));
    let state = match () {
        () if snapshot.journal.is_empty() => state,
        // The state knows of these, and has nothing new: a plan that was made of it is still good.
        () if nothing_to_save || (nothing_but_open && left.len() == open.len()) => {
            cut(store, &left).await?;
            state
        }
        () => settle(store, state, &left).await?,
    };
    Ok(Recovered {
        state,
        settled: open.len() - still.len(),
        open: still,
    })
}

/// What a provider says of an open operation.
enum Answer {
    /// How it ended; the state has it.
    Settled,
    /// Nobody knows yet.
    Open(Box<StillOpen>),
    /// A person stopped the run before that.
    NotAsked,
}

async fn ask(run: &Run<'_>, entry: &Entry, state: &Mutex<Intake>) -> Result<Answer, RunError> {
    if *run.stop.borrow() != Stop::No {
        return Ok(Answer::NotAsked);
    }
    let still = |heard: String, help: Option<String>| {
        let mut entry = entry.clone();
        entry.stage = Stage::Open { heard: Some(heard) };
        Ok(Answer::Open(Box::new(StillOpen { entry, help })))
    };
    let provider = &entry.operation.provider;
    if !run.providers.contains_key(provider) {
        let heard = format!("the Nest no longer has its provider `{provider}`");
        return still(heard, Some("put the provider back and apply once".to_owned()));
    }
    let mut operation = entry.operation.clone();
    operation.again = true;
    let (outcome, record) = run.carry_out(&operation, &entry.depends_on, state).await?;
    run.journal.written(record).await?;
    match outcome {
        Err(error @ CallError::Unknown { .. }) => {
            still(error.to_string(), error.way_out().map(str::to_owned))
        }
        Ok(()) | Err(CallError::Failed { .. }) => Ok(Answer::Settled),
    }
}

/// The names of operations.
#[must_use]
pub fn ops<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> BTreeSet<String> {
    let all = entries.into_iter().map(|entry| entry.operation.op.clone());
    all.collect()
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

/// Saves the state and then cuts the journal down to the operations that are open, by their names: the outcomes of all
/// others are in the state. A crash between the two only makes the next run take in the same outcomes again.
///
/// # Errors
/// As [`save`].
pub async fn settle(
    store: &dyn Locked,
    mut state: State,
    open: &BTreeSet<String>,
) -> Result<State, RunError> {
    state.under_way = !open.is_empty();
    let state = save(store, state).await?;
    cut(store, open).await?;
    Ok(state)
}

/// Cuts the journal down to these operations. The outcomes of the others are in the saved state.
pub(crate) async fn cut(store: &dyn Locked, open: &BTreeSet<String>) -> Result<(), RunError> {
    if open.is_empty() {
        return Ok(store.cut(&[]).await?);
    }
    let (records, _) = journal::records(&store.load().await?.journal)?;
    Ok(store.cut(&bytes(&journal::left(records, open))?).await?)
}

/// Records as a journal has them.
pub(crate) fn bytes(records: &[Record]) -> Result<Vec<u8>, RunError> {
    let bytes = journal::frames_of(records);
    Ok(bytes.map_err(|error| JournalError::Strange {
        number: 0,
        why: error.to_string(),
    })?)
}

/// The record that an operation is about to begin.
pub(crate) fn intent(run: &Run<'_>, operation: &crate::Operation, depends_on: &[String]) -> Record {
    Record::Intent {
        epoch: run.journal.store().epoch(),
        operation: Box::new(operation.clone()),
        depends_on: depends_on.to_vec(),
    }
}
