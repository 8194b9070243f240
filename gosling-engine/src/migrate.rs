//! A state moves from one store to another, with its history and what lies beside it.
//!
//! At each moment at most one of the two may be worked with: the new place says that it is not whole until the old one
//! says that the state has gone. Killed at any point, the same move begun again goes on.

use thiserror::Error;

use crate::fence::Fence;
use crate::run::RunError;
use crate::state::{State, StateError};
use crate::store::{Beside, Locked, Mark, Snapshot, Store, StoreError};
use crate::{audit, recover};

/// One end of a move: a store and the lock that is held on it.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Its lock.
    pub locked: &'a dyn Locked,
    /// The fence of that lock.
    pub fence: &'a dyn Fence,
}

/// What came of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The state is at the new place now.
    Moved(Moved),
    /// It has been there since an earlier move between the same two places.
    Before,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// How many resources the state has.
    pub resources: usize,
    /// How many earlier states are at the new place too.
    pub history: usize,
    /// What lies beside it there.
    pub beside: Vec<Beside>,
}

/// Why a state did not move. It is still where it was.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// A store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// What the journal holds could not be settled.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An earlier run has not ended.
    #[error("an earlier run's {verb} of {address} has not ended")]
    Open {
        /// What was to be done.
        verb: String,
        /// To which resource.
        address: String,
    },
    /// It moved to another place before.
    #[error("the state has moved to {0} already")]
    Already(String),
    /// There is nothing to move.
    #[error("there is no state in {0}")]
    Nothing(String),
    /// The new place is not empty.
    #[error("{place} is not empty: {what} is there")]
    Taken {
        /// Which place.
        place: String,
        /// What is there.
        what: String,
    },
    /// The new place holds another Nest's state, or a newer one.
    #[error("{place} holds {what}")]
    Other {
        /// Which place.
        place: String,
        /// Whose state that is.
        what: &'static str,
    },
    /// What was read back is not what was written.
    #[error("{what} in {place} is not what was copied there")]
    Differs {
        /// Which place.
        place: String,
        /// What was compared.
        what: String,
    },
}

/// Says at the new place that the state is on its way there, before anything else is done: whoever would work there
/// meanwhile, or after this move was cut short, is refused. Where a state is or was already, [`migrate`] decides.
///
/// # Errors
/// [`MigrateError`]: nothing is begun then.
pub async fn announce(from: &str, to: End<'_>) -> Result<(), MigrateError> {
    let coming = Mark::Arriving {
        from: from.to_owned(),
    };
    match Mark::read(to.store).await?.0 {
        Some(Mark::Gone { .. }) => Ok(()),
        Some(mark) if mark == coming => Ok(()),
        // A move from elsewhere that was given up before it copied anything leaves nothing but its mark.
        Some(Mark::Arriving { .. }) => match empty(to.store).await {
            Ok(()) => mark(to, coming).await,
            Err(_) => Ok(crate::store::here(to.store).await?),
        },
        // It has come before, or is another Nest's.
        None if to.store.peek().await?.state.is_some() => Ok(()),
        None => {
            empty(to.store).await?;
            mark(to, coming).await
        }
    }
}

/// Moves the state of a Nest of this name. Nothing is deleted at the old place; it is marked, so that nobody works with it any more.
///
/// # Errors
/// [`MigrateError`]. Begun again, it goes on where it was.
pub async fn migrate(nest: &str, from: End<'_>, to: End<'_>) -> Result<Outcome, MigrateError> {
    let (old, new) = (from.store.place(), to.store.place());
    let (gone, _) = Mark::read(from.store).await?;
    let (arriving, _) = Mark::read(to.store).await?;
    let coming = Mark::Arriving { from: old.clone() };
    let left = Mark::Gone { to: new.clone() };
    match (&gone, &arriving) {
        (Some(mark), Some(arriving)) if *mark == left && *arriving == coming => {}
        (Some(mark), None) if *mark == left => return Ok(Outcome::Before),
        (Some(Mark::Gone { to }), _) => return Err(MigrateError::Already(to.clone())),
        (Some(Mark::Arriving { .. }), _) => crate::store::here(from.store).await?,
        (None, Some(arriving)) if *arriving == coming => {}
        (None, Some(Mark::Arriving { .. })) => crate::store::here(to.store).await?,
        // It was there before and comes back.
        (None, Some(Mark::Gone { .. })) => {}
        (None, None) => empty(to.store).await?,
    }
    mark(to, coming).await?;
    let prepared = async {
        settle(nest, from).await?;
        states(from.store).await
    };
    let states = match prepared.await {
        Ok(states) => states,
        Err(error) => {
            give_up(&error, arriving, to).await?;
            return Err(error);
        }
    };
    // What is copied has the epochs of the old place in it.
    to.locked.raise(from.locked.epoch()).await?;
    copy_states(&states, to).await?;
    copy_all_beside(from.store, to).await?;
    verify(&states, from.store, to.store).await?;
    mark(from, left).await?;
    // What lies beside a state is written without its lock: whoever came before the mark is not left behind.
    copy_all_beside(from.store, to).await?;
    let moved = verify(&states, from.store, to.store).await?;
    let (_, version) = Mark::read(to.store).await?;
    Mark::set(to.store, None, version.as_ref(), to.fence).await?;
    Ok(Outcome::Moved(moved))
}

/// Takes the announcement of a move back that cannot be: what stands in its way will stand there the next time too.
async fn give_up(error: &MigrateError, before: Option<Mark>, to: End<'_>) -> Result<(), MigrateError> {
    let may_pass = matches!(
        error,
        MigrateError::Store(_) | MigrateError::Run(RunError::Store(_))
    );
    let before = match before {
        _ if may_pass => return Ok(()),
        Some(Mark::Gone { .. }) => before,
        // What an earlier attempt copied stays announced.
        _ if empty(to.store).await.is_err() => return Ok(()),
        _ => None,
    };
    let (_, version) = Mark::read(to.store).await?;
    Ok(Mark::set(to.store, before, version.as_ref(), to.fence).await?)
}

/// What goes along from here. A mark is a place's own.
async fn carried(store: &dyn Store) -> Result<Vec<Beside>, MigrateError> {
    let mut all = audit::parts(store).await?;
    all.extend(Beside::ALL.into_iter().filter(|which| *which != Beside::Moved));
    Ok(all)
}

async fn copy_all_beside(from: &dyn Store, to: End<'_>) -> Result<(), MigrateError> {
    for which in carried(from).await? {
        copy_beside(which, from, to).await?;
    }
    Ok(())
}

/// Refuses a place where something is that was never migrated there.
async fn empty(store: &dyn Store) -> Result<(), MigrateError> {
    let place = store.place();
    let taken = |what: &str| MigrateError::Taken {
        place: place.clone(),
        what: what.to_owned(),
    };
    let Snapshot { state, journal } = store.peek().await?;
    if state.is_some() || !journal.is_empty() {
        return Err(taken("a state"));
    }
    for which in carried(store).await? {
        if store.beside(which).await?.is_some() {
            return Err(taken(&which.file_name()));
        }
    }
    Ok(())
}

/// Takes in what the journal says is done. What is open stops the move.
async fn settle(nest: &str, from: End<'_>) -> Result<(), MigrateError> {
    let snapshot = from.locked.load().await?;
    let (state, open) = recover::read(nest, &snapshot)?;
    if let Some(entry) = open.first() {
        return Err(MigrateError::Open {
            verb: entry.operation.verb.to_string(),
            address: entry.operation.address.to_string(),
        });
    }
    if !snapshot.journal.is_empty() {
        recover::settle(from.locked, state, &std::collections::BTreeSet::new()).await?;
    }
    Ok(())
}

/// Every state of a store, the present one last.
async fn states(store: &dyn Store) -> Result<Vec<Vec<u8>>, MigrateError> {
    let now = store.peek().await?.state;
    let mut states = store.history().await?;
    states.reverse();
    states.push(now.ok_or_else(|| MigrateError::Nothing(store.place()))?);
    Ok(states)
}

/// Saves those that are not there yet, oldest first, so that the new place keeps the history that the old one had.
async fn copy_states(states: &[Vec<u8>], to: End<'_>) -> Result<(), MigrateError> {
    let place = to.store.place();
    let snapshot = to.locked.load().await?;
    if !snapshot.journal.is_empty() {
        let what = "the journal of an earlier run".to_owned();
        return Err(MigrateError::Taken { place, what });
    }
    let there = snapshot.state.as_deref().map(State::from_bytes).transpose()?;
    let now = states.last().map(|bytes| State::from_bytes(bytes)).transpose()?;
    if let (Some(there), Some(now)) = (&there, &now) {
        let what = match () {
            () if there.lineage != now.lineage => "the state of another Nest",
            () if there.serial > now.serial => "a newer state",
            () if there.serial == now.serial && there != now => "another state with the same serial",
            () => "",
        };
        if !what.is_empty() {
            return Err(MigrateError::Other { place, what });
        }
    }
    for bytes in states {
        let serial = State::from_bytes(bytes)?.serial;
        if there.as_ref().is_none_or(|there| there.serial < serial) {
            to.locked.save(bytes).await?;
        }
    }
    Ok(())
}

async fn copy_beside(which: Beside, from: &dyn Store, to: End<'_>) -> Result<(), MigrateError> {
    let Some((bytes, _)) = from.beside(which).await? else {
        return Ok(());
    };
    let there = to.store.beside(which).await?;
    if there.as_ref().is_some_and(|(there, _)| *there == bytes) {
        return Ok(());
    }
    let version = there.map(|(_, version)| version);
    let put = to.store.put_beside(which, version.as_ref(), &bytes, to.fence);
    Ok(put.await?)
}

/// Reads everything back and compares it.
async fn verify(states: &[Vec<u8>], from: &dyn Store, to: &dyn Store) -> Result<Moved, MigrateError> {
    let differs = |what: &str| MigrateError::Differs {
        place: to.place(),
        what: what.to_owned(),
    };
    let (now, earlier) = states.split_last().ok_or_else(|| differs("the state"))?;
    if to.peek().await?.state.as_ref() != Some(now) {
        return Err(differs("the state"));
    }
    // The new place may keep fewer of them.
    let history = to.history().await?;
    let pairs = history.iter().zip(earlier.iter().rev());
    if !pairs.clone().all(|(there, here)| there == here) {
        return Err(differs("the history"));
    }
    let history = pairs.count();
    let mut beside = Vec::new();
    for which in carried(from).await? {
        let bytes = |read: Option<(Vec<u8>, _)>| read.map(|(bytes, _)| bytes);
        let here = bytes(from.beside(which).await?);
        if here != bytes(to.beside(which).await?) {
            return Err(differs(&which.file_name()));
        }
        beside.extend(here.map(|_| which));
    }
    Ok(Moved {
        resources: State::from_bytes(now)?.resources.len(),
        history,
        beside,
    })
}

/// Sets a mark unless it is there.
async fn mark(end: End<'_>, mark: Mark) -> Result<(), MigrateError> {
    let (present, version) = Mark::read(end.store).await?;
    if present.as_ref() != Some(&mark) {
        Mark::set(end.store, Some(mark), version.as_ref(), end.fence).await?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
