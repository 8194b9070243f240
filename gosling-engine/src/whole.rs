//! Whether state, journal and audit belong together. What was lost by one of them shows in the others, and nothing may be
//! made before somebody has looked: what the lost part knew of would be made a second time.

use thiserror::Error;

use crate::audit::{Line, Trail};
use crate::state::State;
use crate::store::{Snapshot, Store, StoreError};

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
        "the state in {place} is older than it was: its serial is {serial}, and a run ended with serial {ended}"
    )]
    LatestState {
        /// Where it is.
        place: String,
        /// The serial of what is there.
        serial: u64,
        /// The serial of what was saved last, by the audit.
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
}

impl Lost {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> &'static str {
        match self {
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
        }
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
    } else if state.serial < trail.serial {
        return Ok(Some(Lost::LatestState {
            place,
            serial: state.serial,
            ended: trail.serial,
        }));
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

fn words(line: &Line) -> String {
    format!("`{}` of {}, {}", line.command, line.by, line.at)
}
