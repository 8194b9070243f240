//! Who changed what, when, and what came of it: one line of JSON each, with the digest of the line before it. Whoever
//! changes, removes or reorders a line breaks the chain; that lines are missing at the end shows who has kept the
//! digest of the last one. The chain goes through all of the log's parts.

mod parts;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Counts;
use crate::state::digest;
use crate::store::StoreError;

pub use parts::{Trail, cut_off, gap, parts, read, trail, write};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1; each is one more than that of the line before.
    pub number: u64,
    /// When it was written, as RFC 3339 in UTC.
    pub at: String,
    /// Which run it tells of: as many lines as there are of one run have the same name.
    pub run: String,
    /// `user@host`.
    pub by: String,
    /// What they do: `gosling apply`.
    pub command: String,
    /// The pipeline's job, as an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The digest of the line before, all of its bytes without the line's end; empty for the first.
    pub previous: String,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run is about to change something.
    Began {
        /// Under which lock.
        epoch: u64,
        /// The state's serial before it.
        serial: u64,
        /// The plan's digest; `None` where what earlier runs left open is settled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
        /// How many resources each action touches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        planned: Option<Counts>,
        /// Why it is done although there is a freeze.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        during_freeze: Option<String>,
    },
    /// A run has ended.
    Ended {
        /// How.
        result: Ending,
        /// The state's serial after it, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        serial: Option<u64>,
        /// How many operations were done.
        done: usize,
        /// How many failed.
        failed: usize,
    },
    /// Something else is about to be done, which calls nobody.
    Noted {
        /// What.
        what: String,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All of it was done.
    Done,
    /// Some of it was not.
    Failed,
    /// It failed, and was undone.
    RolledBack,
    /// A person stopped it.
    Interrupted,
    /// What became of some of it is not known: the next run settles it.
    Unknown,
    /// Its process ended without a word; the next run found that.
    CutOff,
}

/// Why the log does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// Not a line of this log.
    #[error("line {0} of the file is not an audit line: {1}")]
    Strange(usize, String),
    /// Lines are not there.
    #[error("line {from} is missing: line {after} comes in its place")]
    Missing {
        /// The first that is not there.
        from: u64,
        /// What follows.
        after: u64,
    },
    /// A line stands where it was not written.
    #[error("line {0} is not in its place")]
    Displaced(u64),
    /// A line is not what it was.
    #[error("line {0} is not what it was when line {next} was written", next = .0 + 1)]
    Changed(u64),
    /// The digest that somebody kept is of no line.
    #[error(
        "no line has the digest {0}: the line that had it was changed or cut off, or this is another log"
    )]
    Headless(String),
}

/// Why a line was not written.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The store said no.
    #[error("the audit could not be written: {0}")]
    Store(#[from] StoreError),
    /// Too many wrote at once.
    #[error("the audit could not be written: too many others write to it")]
    Crowded,
    /// A part that is full cannot be put away.
    #[error(
        "the audit could not be written: {0} already exists with other contents; move it to another place"
    )]
    Taken(String),
}

impl AuditError {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.way_out(),
            Self::Crowded | Self::Taken(_) => None,
        }
    }
}

/// Why the audit beside a state does not say all that was done. Nothing is lost by it but that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Gap {
    /// There is none, and there is a state.
    #[error("the audit next to {0} is missing, and earlier runs wrote one")]
    Missing(String),
    /// It does not hold.
    #[error("the audit next to {place} is damaged: {broken}")]
    Damaged {
        /// Where the state is.
        place: String,
        /// What is wrong.
        broken: Broken,
    },
}

impl Gap {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "put audit.jsonl back from a backup; without one, the next line begins a new audit, which `gosling audit verify` \
                 accepts"
            }
            Self::Damaged { .. } => {
                "`gosling audit verify` checks it; put audit.jsonl back from a backup, or keep it in another place: the next line \
                 begins a new audit"
            }
        }
    }
}

/// What a log that holds is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many lines it has.
    pub lines: usize,
    /// The number of the first: more than 1 where earlier ones were cut.
    pub first: u64,
    /// The digest of the last line: kept elsewhere, it shows later that nothing was cut off.
    pub head: String,
}

/// The lines of a log as bytes.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// Reads a log. What cannot be read is left out: [`verify`] tells of it.
#[must_use]
pub fn lines(bytes: &[u8]) -> Vec<Line> {
    split(bytes)
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Looks whether every line is what it was, and where it was. `head` is a digest that somebody kept.
///
/// # Errors
/// The first line that is not.
pub fn verify(bytes: &[u8], head: Option<&str>) -> Result<Verified, Broken> {
    let mut verified = Verified {
        lines: 0,
        first: 1,
        head: String::new(),
    };
    let mut before: Option<u64> = None;
    let mut kept = head.is_none_or(str::is_empty);
    for (raw, place) in split(bytes).zip(1..) {
        let line: Line =
            serde_json::from_slice(raw).map_err(|error| Broken::Strange(place, error.to_string()))?;
        match before {
            None => verified.first = line.number,
            Some(before) if line.number > before + 1 => {
                return Err(Broken::Missing {
                    from: before + 1,
                    after: line.number,
                });
            }
            Some(before) if line.number <= before => return Err(Broken::Displaced(line.number)),
            Some(before) if line.previous != verified.head => return Err(Broken::Changed(before)),
            Some(_) => {}
        }
        if line.number == 1 && !line.previous.is_empty() {
            return Err(Broken::Changed(1));
        }
        before = Some(line.number);
        verified.lines += 1;
        verified.head = digest(raw);
        kept |= head == Some(verified.head.as_str());
    }
    match head {
        Some(head) if !kept => Err(Broken::Headless(head.to_owned())),
        _ => Ok(verified),
    }
}

/// A name for a run that none had before.
///
/// # Errors
/// Where the system gives no random numbers.
pub fn new_run() -> Result<String, crate::run::RunError> {
    crate::run::new_op()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
