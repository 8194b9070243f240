//! What was meant, what was begun and what came of it, in the order in which it was written.
//!
//! A frame is its length and its CRC32C (little endian, four bytes each) and that many bytes of JSON: a record, or a list
//! of records that share one write. A last frame that is cut off was never acknowledged, so nothing rests on it. Any other
//! frame that is not as it was written is damage: things may be there of which only it knew. What shares a write is one
//! frame, because a power cut may keep the end of a write and lose its beginning.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeSet, HashMap, HashSet};

use gosling_resource::{Address, Properties};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::operation::Operation;
use crate::provider::Observed;
use crate::wrong_secret::why_unread;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A run begins to change things. It is in the journal before the audit tells of the run, so an empty journal shows
    /// that the journal was lost where the audit knows of a run without an end.
    Began {
        /// Under which lock.
        epoch: u64,
    },
    /// An operation is about to be carried out. Nothing is sent before this is on disk.
    Intent {
        /// Under which lock.
        epoch: u64,
        /// The whole operation.
        operation: Box<Operation>,
        /// Addresses that must be there before it; for the state.
        depends_on: Vec<String>,
    },
    /// The API is carrying it out as this task.
    Ref {
        /// Which operation.
        op: String,
        /// What the API calls the task.
        task: String,
    },
    /// It is done, with this outcome.
    Done {
        /// Which operation.
        op: String,
        /// The resource as it is now; nothing after a delete.
        observed: Option<Seen>,
    },
    /// It definitely did nothing.
    Failed {
        /// Which operation.
        op: String,
        /// Why.
        message: String,
    },
    /// Nobody knows what came of it: the intent stays open.
    Unknown {
        /// Which operation.
        op: String,
        /// Why.
        message: String,
    },
}

impl Record {
    /// The operation that it tells of.
    #[must_use]
    pub fn op(&self) -> Option<&str> {
        match self {
            Self::Began { .. } => None,
            Self::Intent { operation, .. } => Some(&operation.op),
            Self::Ref { op, .. }
            | Self::Done { op, .. }
            | Self::Failed { op, .. }
            | Self::Unknown { op, .. } => Some(op),
        }
    }
}

/// A resource as it was seen, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// The attributes that the API told.
    pub properties: Properties,
    /// What others may refer to.
    pub outputs: Properties,
}

impl From<Observed> for Seen {
    fn from(observed: Observed) -> Self {
        let Observed {
            id,
            properties,
            outputs,
        } = observed;
        Self {
            id,
            properties,
            outputs,
        }
    }
}

/// What the journal says of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The operation, with the tasks that were noted for it.
    pub operation: Operation,
    /// Addresses that it needed.
    pub depends_on: Vec<String>,
    /// How far it came.
    pub stage: Stage,
}

impl Entry {
    /// Whether its resource needs this one.
    #[must_use]
    pub fn needs(&self, address: &Address) -> bool {
        let address = address.to_string();
        self.depends_on.contains(&address)
    }

    /// What was last heard of it, while it is open.
    #[must_use]
    pub fn heard(&self) -> Option<&str> {
        match &self.stage {
            Stage::Open { heard } => heard.as_deref(),
            Stage::Done(_) | Stage::Failed(_) => None,
        }
    }
}

/// How far an operation came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It may have got anywhere.
    Open {
        /// What was last heard of it.
        heard: Option<String>,
    },
    /// It is done.
    Done(Option<Seen>),
    /// It did nothing.
    Failed(String),
}

/// Why a journal cannot be read. A torn tail is no error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// A record is not as it was written, and was not torn off while it was written either.
    #[error("record {number} of the journal is damaged ({why}); the journal is left as it is")]
    Damaged {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A whole, undamaged record that means nothing to this version.
    #[error("record {number} of the journal cannot be used by this version: {why}")]
    Strange {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A copy of the journal, or of an earlier one, was added to it.
    #[error("record {number} of the journal repeats record {first}: a copy of the journal was added to it")]
    Repeated {
        /// Which, from 1.
        number: usize,
        /// Which was there before, from 1.
        first: usize,
    },
    /// Records that cannot follow each other.
    #[error("record {number} of the journal contradicts the others: {why}")]
    Impossible {
        /// Which, from 1.
        number: usize,
        /// Why not.
        why: String,
    },
}

impl JournalError {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<&'static str> {
        match self {
            Self::Damaged { .. } | Self::Impossible { .. } => Some(
                "put the journal back from a backup; else `gosling state repair` continues with the records that can be \
                 read, and says what that may leave behind",
            ),
            Self::Repeated { .. } => Some(
                "put the journal back from a backup, in the place of what is there; else `gosling state repair` drops the \
                 copy",
            ),
            Self::Strange { .. } => Some("use the version of gosling that wrote it"),
        }
    }
}

/// The length of a frame's head.
const HEAD: usize = 8;
/// How many bytes are looked at at most to find a whole frame behind a damaged one. A journal that takes more is damaged.
const SEARCH: usize = 64 << 20;

/// The bytes of a record.
///
/// # Errors
/// Where it cannot be written as JSON, which its types rule out.
pub fn frame(record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    Ok(enclose(&serde_json::to_vec(record)?))
}

/// The bytes of records, each as JSON, that share one write: after a power cut all of them are there, or none.
#[must_use]
pub fn shared_frame(records: &[Vec<u8>]) -> Vec<u8> {
    match records {
        [record] => enclose(record),
        records => enclose(&[b"[", records.join(&b","[..]).as_slice(), b"]"].concat()),
    }
}

/// The records of a frame's content.
///
/// # Errors
/// Where it holds no record that this version knows.
pub fn records_of(content: &[u8]) -> Result<Vec<Record>, serde_json::Error> {
    match content.first() {
        Some(b'[') => serde_json::from_slice(content),
        _ => Ok(vec![serde_json::from_slice(content)?]),
    }
}

/// The bytes of records, one after the other.
///
/// # Errors
/// As [`frame`].
pub fn frames_of(records: &[Record]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend(frame(record)?);
    }
    Ok(bytes)
}

/// Any bytes in the frame of a record: a store may put others there than it was given, and still have a torn end found.
#[must_use]
pub fn enclose(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + HEAD);
    bytes.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// What is in the frames of a journal, record or not, and how many of its bytes the frames are. What follows was torn off
/// while it was written.
///
/// # Errors
/// [`JournalError::Damaged`].
pub fn frames(bytes: &[u8]) -> Result<(Vec<&[u8]>, usize), JournalError> {
    let mut contents = Vec::new();
    let mut at = 0;
    while let Some(content) = whole(&bytes[at..]) {
        contents.push(content);
        at += HEAD + content.len();
    }
    match damage(&bytes[at..]) {
        None => Ok((contents, at)),
        Some(why) => Err(JournalError::Damaged {
            number: contents.len() + 1,
            why,
        }),
    }
}

/// What can be read of a journal, damaged or not: the contents of its whole frames, and how many places between or
/// behind them are unreadable.
#[must_use]
pub fn readable(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut contents, mut gaps, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        if let Some(content) = whole(&bytes[at..]) {
            contents.push(content);
            at += HEAD + content.len();
        } else {
            gaps += 1;
            match next_whole(&bytes[at..]) {
                Next::Frame(distance) => at += distance,
                Next::None | Next::TooFar => break,
            }
        }
    }
    (contents, gaps)
}

/// The records of a journal and how many of its bytes they are: what follows was torn.
///
/// # Errors
/// [`JournalError::Damaged`], [`JournalError::Strange`].
pub fn records(bytes: &[u8]) -> Result<(Vec<Record>, usize), JournalError> {
    let (contents, length) = frames(bytes)?;
    let mut records = Vec::with_capacity(contents.len());
    for content in contents {
        let strange = |error: serde_json::Error| JournalError::Strange {
            number: records.len() + 1,
            why: why_unread(content, &error),
        };
        let more = records_of(content).map_err(strange)?;
        records.extend(more);
    }
    Ok((records, length))
}

/// The length and the checksum of the frame that begins here. No record is empty.
fn head(bytes: &[u8]) -> Option<(usize, u32)> {
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
    let length = usize::try_from(number(bytes.get(..4)?)?).ok()?;
    Some((length, number(bytes.get(4..HEAD)?)?)).filter(|_| length > 0)
}

/// The content of the frame that begins here, where it is whole and undamaged.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (length, sum) = head(bytes)?;
    let content = bytes.get(HEAD..HEAD.checked_add(length)?)?;
    (crc32c::crc32c(content) == sum).then_some(content)
}

/// Where the next whole frame is, behind one that is not.
enum Next {
    /// So many bytes from here.
    Frame(usize),
    /// Nowhere.
    None,
    /// Nowhere in as much as was looked at.
    TooFar,
}

fn next_whole(bytes: &[u8]) -> Next {
    let mut left = SEARCH;
    for start in 1..bytes.len().saturating_sub(HEAD) {
        let rest = &bytes[start..];
        let Some((length, _)) = head(rest).filter(|(length, _)| *length <= rest.len() - HEAD) else {
            continue;
        };
        match left.checked_sub(length) {
            Some(less) => left = less,
            None => return Next::TooFar,
        }
        if whole(rest).is_some() {
            return Next::Frame(start);
        }
    }
    Next::None
}

/// What is wrong with the rest of a journal, which does not begin with a whole frame; `None` where it was torn off while
/// it was written: a part of a frame with nothing behind it, or zeros, which is how blocks read that were never written.
fn damage(rest: &[u8]) -> Option<&'static str> {
    let zeros = rest.iter().rev().take_while(|byte| **byte == 0).count();
    let never_written = zeros >= HEAD || zeros == rest.len();
    let written = if never_written {
        &rest[..rest.len() - zeros]
    } else {
        rest
    };
    if !matches!(next_whole(written), Next::None) {
        return Some("whole records are behind it");
    }
    let content = rest.get(HEAD..).filter(|_| !never_written)?;
    match head(rest) {
        None => Some("it says that it is empty"),
        Some((length, _)) if length <= content.len() => Some("its checksum is wrong"),
        Some((_, sum)) if crc32c::crc32c(content) == sum => Some("its length is wrong"),
        Some(_) => None,
    }
}

/// What became of each operation, in the order of their intents.
///
/// # Errors
/// [`JournalError::Impossible`].
pub fn entries(records: impl IntoIterator<Item = Record>) -> Result<Vec<Entry>, JournalError> {
    let mut entries: Vec<Entry> = Vec::new();
    // Of each operation, its entry and the number of its record.
    let mut places: HashMap<String, (usize, usize)> = HashMap::new();
    let mut latest: HashMap<Address, usize> = HashMap::new();
    for (record, number) in records.into_iter().zip(1..) {
        let impossible = |why: &str| JournalError::Impossible {
            number,
            why: why.to_owned(),
        };
        let (op, next) = match record {
            Record::Began { .. } => continue,
            Record::Intent {
                operation,
                depends_on,
                ..
            } => {
                let before = places.insert(operation.op.clone(), (entries.len(), number));
                if let Some((at, first)) = before {
                    let before: &Entry = &entries[at];
                    // The tasks were noted since.
                    let tasks = before.operation.tasks.clone();
                    return match before.operation == (Operation { tasks, ..*operation }) {
                        true => Err(JournalError::Repeated { number, first }),
                        false => Err(impossible("the operation was begun already")),
                    };
                }
                let before = latest.insert(operation.address.clone(), entries.len());
                let is_open = |at: usize| matches!(entries[at].stage, Stage::Open { .. });
                if before.is_some_and(is_open) {
                    return Err(impossible("an earlier operation of its resource had not ended"));
                }
                entries.push(Entry {
                    operation: *operation,
                    depends_on,
                    stage: Stage::Open { heard: None },
                });
                continue;
            }
            Record::Ref { op, task } => (op, Step::Task(task)),
            Record::Done { op, observed } => (op, Step::Stage(Stage::Done(observed))),
            Record::Failed { op, message } => (op, Step::Stage(Stage::Failed(message))),
            Record::Unknown { op, message } => (op, Step::Stage(Stage::Open { heard: Some(message) })),
        };
        let entry = places.get(&op).and_then(|(at, _)| entries.get_mut(*at));
        let entry = entry.ok_or_else(|| impossible("the operation was never begun"))?;
        follow(entry, next).ok_or_else(|| impossible("the operation had ended"))?;
    }
    Ok(entries)
}

/// What a record says of an operation that was begun.
enum Step {
    /// The API carries it out as this task.
    Task(String),
    /// It has come so far.
    Stage(Stage),
}

/// Every legal transition. `None`: it cannot be.
fn follow(entry: &mut Entry, next: Step) -> Option<()> {
    match (&entry.stage, next) {
        (Stage::Open { .. }, Step::Task(task)) => entry.operation.tasks.push(task),
        (Stage::Open { .. }, Step::Stage(stage)) => entry.stage = stage,
        (Stage::Done(_) | Stage::Failed(_), Step::Task(_) | Step::Stage(_)) => return None,
    }
    Some(())
}

/// The records that a journal has to keep when the outcomes in it are in a saved state: those of the operations that
/// are open, with what was last heard of each.
#[must_use]
pub fn left(records: Vec<Record>, open: &BTreeSet<String>) -> Vec<Record> {
    let (mut heard, mut noted) = (HashSet::new(), HashSet::new());
    let mut stays = |record: &Record| match record {
        Record::Began { .. } | Record::Done { .. } | Record::Failed { .. } => false,
        Record::Intent { operation, .. } => open.contains(&operation.op),
        Record::Ref { op, task } => open.contains(op) && noted.insert((op.clone(), task.clone())),
        // Read from the end: an attempt a day adds nothing.
        Record::Unknown { op, .. } => open.contains(op) && heard.insert(op.clone()),
    };
    let mut left: Vec<Record> = records.into_iter().rev().filter(|record| stays(record)).collect();
    left.reverse();
    left
}

/// The records of a journal that fit each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consistent {
    /// They.
    pub records: Vec<Record>,
    /// How many others are about operations whose beginning is missing, or that ended unseen.
    pub headless: usize,
    /// How many others repeat what is known.
    pub repeated: usize,
}

/// Those of the records that fit each other: of a journal with unreadable places an intent may be missing whose outcome is
/// there. An operation whose resource had another one later has ended: what says so is missing. Of a journal to which a
/// copy was added, each operation is begun and ended once.
#[must_use]
pub fn consistent(mut records: Vec<Record>) -> Consistent {
    let mut later: HashMap<Address, String> = HashMap::new();
    let mut ended_unseen: HashSet<String> = HashSet::new();
    let mut ends: HashSet<String> = HashSet::new();
    for record in records.iter().rev() {
        match record {
            Record::Done { op, .. } | Record::Failed { op, .. } => {
                ends.insert(op.clone());
            }
            Record::Intent { operation, .. } => {
                let (address, op) = (operation.address.clone(), operation.op.clone());
                let other = later.insert(address, op.clone()).filter(|other| *other != op);
                if other.is_some() && !ends.contains(&op) {
                    ended_unseen.insert(op);
                }
            }
            Record::Began { .. } | Record::Ref { .. } | Record::Unknown { .. } => {}
        }
    }
    records.retain(|record| record.op().is_none_or(|op| !ended_unseen.contains(op)));
    let all = records.len();
    let mut ended: HashMap<String, bool> = HashMap::new();
    let mut repeated = 0;
    records.retain(|record| {
        let is_new = match record {
            Record::Began { .. } => true,
            Record::Intent { operation, .. } => match ended.entry(operation.op.clone()) {
                Slot::Occupied(_) => false,
                Slot::Vacant(slot) => !*slot.insert(false),
            },
            Record::Ref { op, .. } | Record::Unknown { op, .. } => match ended.get(op) {
                None => return false,
                Some(ended) => !ended,
            },
            Record::Done { op, .. } | Record::Failed { op, .. } => match ended.get_mut(op) {
                None => return false,
                Some(ended) => !std::mem::replace(ended, true),
            },
        };
        repeated += usize::from(!is_new);
        is_new
    });
    let headless = all - records.len() - repeated;
    Consistent {
        records,
        headless,
        repeated,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(crate) mod tests;
