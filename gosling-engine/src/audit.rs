//! Who changed what, when, and what came of it: one line of JSON each, with the digest of the line before it. Whoever
//! changes, removes or reorders a line breaks the chain; that lines are missing at the end shows who has kept the
//! digest of the last one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Counts;
use crate::state::digest;
use crate::store::{Beside, Holder, Store, StoreError};

/// How often a line is tried to be added while others add theirs.
const ATTEMPTS: usize = 100;

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
    #[error("line {0} of the file is no line of an audit: {1}")]
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

/// Adds a line.
///
/// # Errors
/// [`AuditError`]: nothing may be changed then.
pub async fn write(
    store: &dyn Store,
    who: &Holder,
    at: &str,
    run: &str,
    event: Event,
) -> Result<(), AuditError> {
    for _ in 0..ATTEMPTS {
        let (mut bytes, version) = match store.beside(Beside::Audit).await? {
            Some((bytes, version)) => (bytes, Some(version)),
            None => (Vec::new(), None),
        };
        let last = split(&bytes).last();
        let number = last.and_then(|last| serde_json::from_slice::<Line>(last).ok());
        let line = Line {
            // After a last line that was tampered with the log goes on; `verify` finds that line.
            number: number.map_or_else(|| split(&bytes).count() as u64, |line| line.number) + 1,
            at: at.to_owned(),
            run: run.to_owned(),
            by: format!("{}@{}", who.user, who.host),
            command: who.command.clone(),
            pipeline: who.pipeline.clone(),
            event: event.clone(),
            previous: last.map(digest).unwrap_or_default(),
        };
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend(serde_json::to_vec(&line).unwrap_or_default());
        bytes.push(b'\n');
        match store.put_beside(Beside::Audit, version.as_ref(), &bytes).await {
            Err(StoreError::Changed(_)) => {}
            other => return Ok(other?),
        }
    }
    Err(AuditError::Crowded)
}

/// Runs under earlier locks that began and never said how they ended. Their processes are gone, for there is one lock.
///
/// # Errors
/// Where the log could not be read.
pub async fn cut_off(store: &dyn Store, epoch: u64) -> Result<Vec<String>, StoreError> {
    let bytes = store.beside(Beside::Audit).await?.map(|(bytes, _)| bytes);
    let lines = lines(&bytes.unwrap_or_default());
    let ended: BTreeSet<&str> = lines
        .iter()
        .filter(|line| matches!(line.event, Event::Ended { .. }))
        .map(|line| line.run.as_str())
        .collect();
    let open = lines.iter().filter(|line| {
        let earlier = matches!(line.event, Event::Began { epoch: own, .. } if own < epoch);
        earlier && !ended.contains(line.run.as_str())
    });
    Ok(open.map(|line| line.run.clone()).collect())
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
mod tests {
    use super::*;
    use crate::store::LocalStore;

    fn who() -> Holder {
        Holder {
            user: "ada".into(),
            host: "build".into(),
            pid: 7,
            since: "2026-01-01T00:00:00Z".into(),
            command: "gosling apply".into(),
            pipeline: Some("https://gitlab.example.com/j/1".into()),
        }
    }

    async fn log(store: &LocalStore) -> Vec<String> {
        let (bytes, _) = store.beside(Beside::Audit).await.unwrap().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    async fn five() -> (tempfile::TempDir, LocalStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().join("state"), 3);
        for number in 1..=5 {
            let what = format!("deed {number}");
            write(&store, &who(), "2026-01-01T00:00:00Z", "a", Event::Noted { what })
                .await
                .unwrap();
        }
        (folder, store)
    }

    #[tokio::test]
    async fn whatever_is_done_to_a_line_the_first_broken_one_is_named() {
        let (_folder, store) = five().await;
        let whole = log(&store).await;
        let check = |lines: &[String], head: Option<&str>| verify(lines.join("\n").as_bytes(), head);
        let good = check(&whole, None).unwrap();
        assert_eq!((good.lines, good.first), (5, 1));
        let mut edited = whole.clone();
        edited[2] = edited[2].replace("deed 3", "deed 4");
        assert_eq!(check(&edited, None), Err(Broken::Changed(3)));
        let mut removed = whole.clone();
        removed.remove(1);
        assert_eq!(check(&removed, None), Err(Broken::Missing { from: 2, after: 3 }));
        let mut reordered = whole.clone();
        reordered.swap(2, 3);
        assert_eq!(
            check(&reordered, None),
            Err(Broken::Missing { from: 3, after: 4 })
        );
        let mut doubled = whole.clone();
        doubled.insert(3, whole[1].clone());
        assert_eq!(check(&doubled, None), Err(Broken::Displaced(2)));
        // What is cut off at the end shows who has kept the head.
        let head = Some(good.head.as_str());
        assert_eq!(check(&whole[..4], None).unwrap().lines, 4);
        assert!(matches!(check(&whole[..4], head), Err(Broken::Headless(_))));
        let mut last = whole.clone();
        last[4] = last[4].replace("deed 5", "deed 6");
        assert!(matches!(check(&last, head), Err(Broken::Headless(_))));
        // What was cut at the start is seen by the first number.
        let rest = check(&whole[2..], head).unwrap();
        assert_eq!((rest.lines, rest.first), (3, 3));
        // A log goes on after what was kept.
        write(
            &store,
            &who(),
            "2026-01-01T00:00:00Z",
            "b",
            Event::Noted { what: "more".into() },
        )
        .await
        .unwrap();
        assert_eq!(check(&log(&store).await, head).unwrap().lines, 6);
    }

    #[tokio::test]
    async fn two_who_write_at_once_write_both_their_lines() {
        let (_folder, store) = five().await;
        let at = "2026-01-01T00:00:00Z";
        let (one, two) = (who(), who());
        let noted = |what: &str| Event::Noted { what: what.into() };
        let all = futures_util::future::join(
            write(&store, &one, at, "a", noted("one")),
            write(&store, &two, at, "b", noted("two")),
        );
        let (one, two) = all.await;
        one.unwrap();
        two.unwrap();
        let lines = log(&store).await;
        assert_eq!(verify(lines.join("\n").as_bytes(), None).unwrap().lines, 7);
    }

    #[tokio::test]
    async fn a_run_without_an_end_is_found_by_the_next() {
        let (_folder, store) = five().await;
        let at = "2026-01-01T00:00:00Z";
        let began = |epoch| Event::Began {
            epoch,
            serial: 1,
            plan: None,
            planned: None,
            during_freeze: None,
        };
        let ended = Event::Ended {
            result: Ending::Done,
            serial: Some(2),
            done: 1,
            failed: 0,
        };
        for (run, event) in [("x", began(3)), ("y", began(4)), ("y", ended), ("z", began(5))] {
            write(&store, &who(), at, run, event).await.unwrap();
        }
        assert_eq!(cut_off(&store, 5).await.unwrap(), ["x"]);
    }
}
