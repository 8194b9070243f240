//! Where the lines are. The latest stand in a part of their own, which is all that is read and replaced to add one; when it
//! is full it is put away under its number. Which part a line belongs to follows from the line's number alone.

use std::collections::BTreeSet;

use super::{AuditError, Event, Gap, Line, lines, split, verify};
use crate::fence::Fence;
use crate::state::digest;
use crate::store::{Beside, Holder, Store, StoreError, Version};

/// How often a line is tried to be added while others add theirs.
const ATTEMPTS: usize = 100;
/// How many lines a part has: about a hundred kilobytes.
pub(super) const PART: u64 = 256;

/// In which part the line of this number, from 1, belongs.
fn part_of(number: u64) -> u64 {
    number.saturating_sub(1) / PART
}

/// The end of a log.
struct End {
    /// The latest part's bytes; empty where there is none.
    bytes: Vec<u8>,
    /// Which version of it that is.
    version: Option<Version>,
    /// The last line's number; 0 where there is none.
    number: u64,
    /// The last line's digest; empty where there is none.
    digest: String,
}

impl End {
    async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let (bytes, version) = match store.beside(Beside::Audit).await? {
            Some((bytes, version)) => (bytes, Some(version)),
            None => (Vec::new(), None),
        };
        let (number, digest) = match last(&bytes) {
            Some(last) => last,
            // It is new, or somebody removed it: what was put away is gone on with.
            None => {
                let put_away = put_away_from(store, 0).await?;
                let bytes = put_away.last().map(|(_, bytes)| bytes.as_slice());
                bytes.and_then(last).unwrap_or_default()
            }
        };
        Ok(Self {
            bytes,
            version,
            number,
            digest,
        })
    }

    /// Whether what is in the latest part belongs to another part than the next line.
    fn is_full(&self) -> bool {
        !self.bytes.is_empty() && part_of(self.number) != part_of(self.number + 1)
    }
}

/// The number and the digest of the last line. After one that was tampered with the log goes on; `verify` finds it.
fn last(bytes: &[u8]) -> Option<(u64, String)> {
    let raw = split(bytes).last()?;
    let number = split(bytes).fold(0, |before, raw| {
        serde_json::from_slice::<Line>(raw).map_or(before + 1, |line| line.number)
    });
    Some((number, digest(raw)))
}

/// The parts that are there without a gap from this one on.
async fn put_away_from(store: &dyn Store, first: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut parts = Vec::new();
    for part in first.. {
        match store.beside(Beside::AuditPart(part)).await? {
            Some((bytes, _)) => parts.push((part, bytes)),
            None => break,
        }
    }
    Ok(parts)
}

/// All parts that were put away, in their order. Those that should not be there, behind the last line, are among them:
/// where they come from [`super::verify`] finds out.
async fn put_away(store: &dyn Store, end: &End) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let latest = part_of(end.number);
    let mut parts = Vec::new();
    for part in 0..latest {
        if let Some((bytes, _)) = store.beside(Beside::AuditPart(part)).await? {
            parts.push((part, bytes));
        }
    }
    parts.extend(put_away_from(store, latest).await?);
    // Whoever put it away was stopped before the next line.
    parts.retain(|(_, bytes)| *bytes != end.bytes);
    Ok(parts)
}

/// The full parts that lie beside a state.
///
/// # Errors
/// Where they could not be read.
pub async fn parts(store: &dyn Store) -> Result<Vec<Beside>, StoreError> {
    let end = End::of(store).await?;
    let parts = put_away(store, &end).await?;
    Ok(parts
        .into_iter()
        .map(|(part, _)| Beside::AuditPart(part))
        .collect())
}

/// The whole log, as [`super::verify`] and [`super::lines`] take it.
///
/// # Errors
/// Where it could not be read.
pub async fn read(store: &dyn Store) -> Result<Vec<u8>, StoreError> {
    let end = End::of(store).await?;
    let mut all = Vec::new();
    for (_, bytes) in put_away(store, &end).await? {
        all.extend(ended(bytes));
    }
    all.extend(end.bytes);
    Ok(all)
}

/// What is wrong with the latest part of the log beside a state; `None` where nothing is, and where there is no state yet.
///
/// # Errors
/// Where it could not be read.
pub async fn gap(store: &dyn Store, has_state: bool) -> Result<Option<Gap>, StoreError> {
    let latest = store.beside(Beside::Audit).await?;
    let bytes = latest.map(|(bytes, _)| bytes).unwrap_or_default();
    let place = store.place();
    Ok(match verify(&bytes, None) {
        Err(broken) => Some(Gap::Damaged { place, broken }),
        Ok(verified) if verified.lines == 0 && has_state => Some(Gap::Missing(place)),
        Ok(_) => None,
    })
}

/// Lines, the last of which has its end.
fn ended(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last().is_some_and(|byte| *byte != b'\n') {
        bytes.push(b'\n');
    }
    bytes
}

/// Adds a line under this fence. Reads and replaces the latest part, and no other.
///
/// # Errors
/// [`AuditError`]: nothing may be changed then.
pub async fn write(
    store: &dyn Store,
    who: &Holder,
    at: &str,
    run: &str,
    event: Event,
    fence: &dyn Fence,
) -> Result<(), AuditError> {
    for _ in 0..ATTEMPTS {
        let end = End::of(store).await?;
        let line = Line {
            number: end.number + 1,
            at: at.to_owned(),
            run: run.to_owned(),
            by: format!("{}@{}", who.user, who.host),
            command: who.command.clone(),
            pipeline: who.pipeline.clone(),
            event: event.clone(),
            previous: end.digest.clone(),
        };
        let mut bytes = if end.is_full() {
            // Whoever is stopped after this leaves it twice, and the next puts away the same.
            put_part_away(store, part_of(end.number), &end.bytes, fence).await?;
            Vec::new()
        } else {
            ended(end.bytes)
        };
        bytes.extend(serde_json::to_vec(&line).unwrap_or_default());
        bytes.push(b'\n');
        match store
            .put_beside(Beside::Audit, end.version.as_ref(), &bytes, fence)
            .await
        {
            Err(StoreError::Changed(_)) => {}
            other => return Ok(other?),
        }
    }
    Err(AuditError::Crowded)
}

async fn put_part_away(
    store: &dyn Store,
    part: u64,
    bytes: &[u8],
    fence: &dyn Fence,
) -> Result<(), AuditError> {
    let which = Beside::AuditPart(part);
    match store.put_beside(which, None, bytes, fence).await {
        Err(StoreError::Changed(_)) => match store.beside(which).await? {
            Some((there, _)) if there == bytes => Ok(()),
            _ => Err(AuditError::Taken(which.file_name().into_owned())),
        },
        other => Ok(other?),
    }
}

/// The latest lines: those of the last two parts, which are more than are written while a lock is held.
async fn latest(store: &dyn Store) -> Result<Vec<Line>, StoreError> {
    let end = End::of(store).await?;
    let mut all = Vec::new();
    if let Some(before) = part_of(end.number).checked_sub(1) {
        let before = store.beside(Beside::AuditPart(before)).await?;
        all.extend(before.map(|(bytes, _)| lines(&bytes)).unwrap_or_default());
    }
    all.extend(lines(&end.bytes));
    Ok(all)
}

/// The lines of runs that began and have not said how they ended.
fn unended(all: &[Line]) -> Vec<&Line> {
    let ended: BTreeSet<&str> = all
        .iter()
        .filter(|line| matches!(line.event, Event::Ended { .. }))
        .map(|line| line.run.as_str())
        .collect();
    let began = all
        .iter()
        .filter(|line| matches!(line.event, Event::Began { .. }));
    began.filter(|line| !ended.contains(line.run.as_str())).collect()
}

/// Runs under earlier locks that began and never said how they ended. Their processes are gone, for there is one lock.
///
/// # Errors
/// Where the log could not be read.
pub async fn cut_off(store: &dyn Store, epoch: u64) -> Result<Vec<String>, StoreError> {
    let all = latest(store).await?;
    let earlier = unended(&all)
        .into_iter()
        .filter(|line| matches!(line.event, Event::Began { epoch: own, .. } if own < epoch));
    Ok(earlier.map(|line| line.run.clone()).collect())
}

/// What the latest lines say of the state and the journal beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// The serial of the state that a run saved last before it ended; 0 where none did.
    pub serial: u64,
    /// The highest epoch of a run; 0 where none began.
    pub epoch: u64,
    /// Runs that began and have not said how they ended: their first lines, and the serial of the state before them.
    pub unended: Vec<(Line, u64)>,
}

/// What the audit says of the state and the journal.
///
/// # Errors
/// Where the log could not be read.
pub async fn trail(store: &dyn Store) -> Result<Trail, StoreError> {
    let all = latest(store).await?;
    let serials = all.iter().filter_map(|line| match line.event {
        Event::Ended { serial, .. } => serial,
        Event::Began { .. } | Event::Noted { .. } => None,
    });
    let epochs = all.iter().filter_map(|line| match line.event {
        Event::Began { epoch, .. } => Some(epoch),
        Event::Ended { .. } | Event::Noted { .. } => None,
    });
    let unended = unended(&all).into_iter().filter_map(|line| match line.event {
        Event::Began { serial, .. } => Some((line.clone(), serial)),
        Event::Ended { .. } | Event::Noted { .. } => None,
    });
    Ok(Trail {
        serial: serials.max().unwrap_or(0),
        epoch: epochs.max().unwrap_or(0),
        unended: unended.collect(),
    })
}
