//! What was meant, what was begun and what came of it, in the order in which it was written.
//!
//! A record is its length and its CRC32C (little endian, four bytes each) and that many bytes of JSON. A record that
//! is cut off or damaged ends the journal: it was never acknowledged, so nothing rests on it.

use std::collections::HashMap;

use gosling_resource::Properties;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::operation::Operation;
use crate::provider::Observed;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
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
    /// A whole, undamaged record that means nothing to this version.
    #[error("record {number} of the journal is not one that this version knows: {why}")]
    Strange {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Records that cannot follow each other.
    #[error("record {number} of the journal cannot be: {why}")]
    Impossible {
        /// Which, from 1.
        number: usize,
        /// Why not.
        why: String,
    },
}

/// The bytes of a record.
///
/// # Errors
/// Where it cannot be written as JSON, which its types rule out.
pub fn frame(record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    Ok(enclose(&serde_json::to_vec(record)?))
}

/// Any bytes in the frame of a record: a store may put others there than it was given, and still have a torn end found.
#[must_use]
pub fn enclose(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len() + 8);
    bytes.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// What is in the whole frames of a journal, record or not.
pub fn contents(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let content = whole(rest)?;
        rest = rest.get(8 + content.len()..)?;
        Some(content)
    })
}

/// The records of a journal and how many of its bytes they are: what follows was torn.
///
/// # Errors
/// [`JournalError::Strange`].
pub fn records(bytes: &[u8]) -> Result<(Vec<Record>, usize), JournalError> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(json) = whole(&bytes[at..]) {
        let record = serde_json::from_slice(json).map_err(|error| JournalError::Strange {
            number: records.len() + 1,
            why: error.to_string(),
        })?;
        records.push(record);
        at += 8 + json.len();
    }
    Ok((records, at))
}

/// How many of the bytes are whole records, known or not.
#[must_use]
pub fn whole_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(json) = whole(&bytes[at..]) {
        at += 8 + json.len();
    }
    at
}

/// The JSON of the record that begins here, where it is whole and undamaged.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
    let length = usize::try_from(number(bytes.get(..4)?)?).ok()?;
    let sum = number(bytes.get(4..8)?)?;
    let json = bytes.get(8..8usize.checked_add(length)?)?;
    (crc32c::crc32c(json) == sum).then_some(json)
}

/// What became of each operation, in the order of their intents.
///
/// # Errors
/// [`JournalError::Impossible`].
pub fn entries(records: impl IntoIterator<Item = Record>) -> Result<Vec<Entry>, JournalError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (record, number) in records.into_iter().zip(1..) {
        let impossible = |why: &str| JournalError::Impossible {
            number,
            why: why.to_owned(),
        };
        let (op, next) = match record {
            Record::Intent {
                operation,
                depends_on,
                ..
            } => {
                if places.insert(operation.op.clone(), entries.len()).is_some() {
                    return Err(impossible("the operation was begun already"));
                }
                entries.push(Entry {
                    operation: *operation,
                    depends_on,
                    stage: Stage::Open { heard: None },
                });
                continue;
            }
            Record::Ref { op, task } => (op, Next::Task(task)),
            Record::Done { op, observed } => (op, Next::Stage(Stage::Done(observed))),
            Record::Failed { op, message } => (op, Next::Stage(Stage::Failed(message))),
            Record::Unknown { op, message } => (op, Next::Stage(Stage::Open { heard: Some(message) })),
        };
        let entry = places.get(&op).and_then(|place| entries.get_mut(*place));
        let entry = entry.ok_or_else(|| impossible("the operation was never begun"))?;
        follow(entry, next).ok_or_else(|| impossible("the operation had ended"))?;
    }
    Ok(entries)
}

/// What a record says of an operation that was begun.
enum Next {
    /// The API carries it out as this task.
    Task(String),
    /// It has come so far.
    Stage(Stage),
}

/// Every legal transition. `None`: it cannot be.
fn follow(entry: &mut Entry, next: Next) -> Option<()> {
    match (&entry.stage, next) {
        (Stage::Open { .. }, Next::Task(task)) => entry.operation.tasks.push(task),
        (Stage::Open { .. }, Next::Stage(stage)) => entry.stage = stage,
        (Stage::Done(_) | Stage::Failed(_), Next::Task(_) | Next::Stage(_)) => return None,
    }
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::operation::Verb;

    fn operation(op: &str) -> Operation {
        Operation {
            op: op.to_owned(),
            verb: Verb::Create,
            address: "egg.app.runner".parse().unwrap(),
            kind: "gitlab_runner".into(),
            provider: "gitlab.example.com".into(),
            marker: format!("gosling:lab:egg.app.runner:{op}"),
            id: None,
            reserved: None,
            properties: Properties::new(),
            given: Properties::new(),
            prior: Properties::new(),
            again: false,
            tasks: Vec::new(),
        }
    }

    fn intent(op: &str) -> Record {
        Record::Intent {
            epoch: 1,
            operation: Box::new(operation(op)),
            depends_on: Vec::new(),
        }
    }

    fn log() -> Vec<Record> {
        let task = Record::Ref {
            op: "a".into(),
            task: "UPID:x".into(),
        };
        let done = Record::Done {
            op: "a".into(),
            observed: None,
        };
        vec![intent("a"), task, intent("b"), done]
    }

    #[test]
    fn a_journal_is_read_as_it_was_written_and_cut_where_it_was_torn() {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for record in log() {
            bytes.extend(frame(&record).unwrap());
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let (read, good) = records(&bytes[..cut]).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(
                (read.as_slice(), good),
                (&log()[..whole], ends[whole]),
                "cut after {cut} bytes"
            );
        }
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        assert_eq!(records(&bytes).unwrap().0, log()[..3]);
    }

    #[test]
    fn an_operation_is_open_until_its_outcome_is_definite() {
        let entries = entries(log()).unwrap();
        assert_eq!(entries[0].stage, Stage::Done(None));
        assert_eq!(entries[0].operation.tasks, ["UPID:x"]);
        assert_eq!(entries[1].stage, Stage::Open { heard: None });
    }

    #[test]
    fn nothing_follows_an_end_and_nothing_comes_before_a_beginning() {
        let done = Record::Done {
            op: "a".into(),
            observed: None,
        };
        let unknown = Record::Unknown {
            op: "a".into(),
            message: "cut".into(),
        };
        for wrong in [
            vec![done.clone()],
            vec![intent("a"), intent("a")],
            vec![intent("a"), done.clone(), unknown.clone()],
        ] {
            assert!(
                matches!(entries(wrong.clone()), Err(JournalError::Impossible { .. })),
                "{wrong:?}"
            );
        }
        let fine = [intent("a"), unknown.clone(), unknown, done];
        assert_eq!(entries(fine).unwrap()[0].stage, Stage::Done(None));
    }
}
