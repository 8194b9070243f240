//! Whether state, journal and audit belong together. What was lost by one of them shows in the others, and nothing may be
//! made before somebody has looked: what the lost part knew of would be made a second time.

use std::borrow::Cow;

use thiserror::Error;

use crate::audit::{self, Line, Trail};
use crate::journal::{self, Record};
use crate::state::State;
use crate::store::{EpochFile, Snapshot, Store, StoreError};

/// What was lost.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Lost {
    /// There is no state, and there was one.
    #[error("the state in {place} is missing: {traces}")]
    State {
        /// Where it was.
        place: String,
        /// By what that is known, in words.
        traces: String,
    },
    /// An earlier state is in the place of the one that was saved last.
    #[error(
        "the state in {place} is older than it was: its serial is {serial}, and one with serial {ended} was saved after it"
    )]
    LatestState {
        /// Where it is.
        place: String,
        /// The serial of what is there.
        serial: u64,
        /// The serial of what was saved last, by the audit or by the states that are kept.
        ended: u64,
    },
    /// A run has begun and not ended, and there is no journal of it.
    #[error("the journal in {place} is lost: {run} did not end, and what it began is not known")]
    Journal {
        /// Where it was.
        place: String,
        /// Which run that was, in words.
        run: String,
    },
    /// The epoch that keeps earlier holders of the lock from writing is not that of the last lock.
    #[error("the epoch {}", match .file.epoch {
        None => format!("is missing: {} is gone, and the Nest was used before", .file.path),
        Some(epoch) => format!("says {epoch}, and a lock had epoch {known}: {} is older than it was", .file.path),
    })]
    Epoch {
        /// What has the epoch.
        file: EpochFile,
        /// The highest of which something is known.
        known: u64,
    },
}

impl Lost {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Epoch { file, known } => {
                return format!(
                    "put the file back from a backup, or write the number {known} or a higher one into it: \
                     `echo {known} > {}`",
                    file.path
                )
                .into();
            }
            Self::State { .. } => {
                "put it back from a backup, or let `gosling state repair` continue from the latest state that is kept \
                 (`gosling state history`); where all that it knew of is gone, empty that place and start over"
            }
            Self::LatestState { .. } => {
                "put the latest one back from a backup, or let `gosling state repair` continue from the latest state that \
                 is kept (`gosling state history`)"
            }
            Self::Journal { .. } => {
                "put it back from a backup; else let `gosling state repair` continue without it, and use `gosling orphans` to find what it had recorded"
            }
        };
        help.into()
    }
}

/// Compares what a store holds with what its audit tells. The audit must have been read first: whoever works meanwhile
/// saves the state before the audit tells of it.
///
/// # Errors
/// Where the kept states cannot be read.
pub async fn lost(
    store: &dyn Store,
    trail: &Trail,
    snapshot: &Snapshot,
    state: &State,
) -> Result<Option<Lost>, StoreError> {
    let place = store.place();
    if snapshot.state.is_none() {
        let kept = store.history().await?.len();
        let traces = match (kept, trail.serial) {
            (0, 0) => None,
            (0, ended) => Some(format!("by the audit a run ended with serial {ended}")),
            (1, _) => Some("an earlier state of it is kept".to_owned()),
            (kept, _) => Some(format!("{kept} earlier states of it are kept")),
        };
        if let Some(traces) = traces {
            return Ok(Some(Lost::State { place, traces }));
        }
    } else if let Some(ended) = saved_later(store, trail, state).await {
        return Ok(Some(Lost::LatestState {
            place,
            serial: state.serial,
            ended,
        }));
    }
    let epoch = lost_epoch(store, trail, snapshot, state.epoch).await?;
    if epoch.is_some() {
        return Ok(epoch);
    }
    if !snapshot.journal.is_empty() {
        return Ok(None);
    }
    let run = match trail.unended.iter().rfind(|(_, before)| state.serial <= *before) {
        Some((line, _)) => Some(words(line)),
        None if state.under_way => Some("the run that saved the state".to_owned()),
        None => None,
    };
    Ok(run.map(|run| Lost::Journal { place, run }))
}

/// The serial of a state that was saved after this one: by the audit, else by the latest kept state that can be read. In a
/// folder each file can be replaced by itself, the audit too. At a service, the state and those that are kept are named by
/// one head: they are read only where the audit does not name the present one.
async fn saved_later(store: &dyn Store, trail: &Trail, state: &State) -> Option<u64> {
    let mut latest = trail.serial;
    if latest < state.serial || (latest == state.serial && store.folder().is_some()) {
        let kept = store.history().await.unwrap_or_default();
        let mut kept = kept.iter().filter_map(|bytes| State::from_bytes(bytes).ok());
        latest = kept.next().map_or(latest, |kept| kept.serial.max(latest));
    }
    (latest > state.serial).then_some(latest)
}

/// Refuses to lock a store whose epoch is lost or older than it was: two holders could have one number. State and journal
/// may be damaged here; what of them can be read counts.
///
/// # Errors
/// [`StoreError`].
pub async fn may_lock(store: &dyn Store) -> Result<(), StoreError> {
    if store.epoch().await?.is_none() {
        return Ok(());
    }
    let trail = audit::trail(store).await?;
    // What is damaged may not even be decrypted.
    let snapshot = store.peek().await.unwrap_or_default();
    let state = snapshot.state.as_deref().map(State::from_bytes);
    let epoch = state.and_then(Result::ok).map_or(0, |state| state.epoch);
    match lost_epoch(store, &trail, &snapshot, epoch).await? {
        None => Ok(()),
        Some(lost) => Err(StoreError::Refused {
            what: lost.to_string(),
            help: lost.way_out().into_owned(),
        }),
    }
}

/// Compares the epoch with those of the state, the journal and the audit, which were read before.
async fn lost_epoch(
    store: &dyn Store,
    trail: &Trail,
    snapshot: &Snapshot,
    state: u64,
) -> Result<Option<Lost>, StoreError> {
    let Some(file) = store.epoch().await? else {
        return Ok(None);
    };
    let (records, _) = journal::readable(&snapshot.journal);
    let epochs = records
        .into_iter()
        .flat_map(|content| journal::records_of(content).unwrap_or_default())
        .filter_map(|record| match record {
            Record::Began { epoch } | Record::Intent { epoch, .. } => Some(epoch),
            _ => None,
        });
    let known = epochs.fold(state.max(trail.epoch), u64::max);
    let used = known > 0 || snapshot.state.is_some() || !snapshot.journal.is_empty();
    let lost = file.epoch.map_or(used, |epoch| epoch < known);
    Ok(lost.then_some(Lost::Epoch { file, known }))
}

fn words(line: &Line) -> String {
    format!("`{}` of {}, {}", line.command, line.by, line.at)
}
