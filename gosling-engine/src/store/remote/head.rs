//! The head: the one object by which a remote store says what is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{Displaced, Holder, StoreError, system};
use crate::fence::LEASE;
use crate::stamp::{self, Stamped};

/// The version of the saved form.
const FORMAT: u32 = 1;

/// What a remote store holds, and under which names. Whatever it does not name is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    format: u32,
    /// Tells this head from every other, so that nobody takes another's write for its own.
    pub(super) write: String,
    /// The number of the last lock.
    pub(super) epoch: u64,
    /// Whose lock that is; nobody's once it was released.
    pub(super) lock: Option<HeadLock>,
    /// Locks that were taken from their holders, and whose leases may not have run out yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) displaced: Vec<HeadLock>,
    /// The present state.
    pub(super) state: Option<String>,
    /// The states before it, latest first.
    pub(super) history: Vec<String>,
    /// The pieces of the journal, in order.
    pub(super) journal: Vec<String>,
    /// What no head needs any more, and is perhaps still there.
    pub(super) garbage: Vec<String>,
    /// Whether the service was seen to honour conditions.
    pub(super) conditions: bool,
    /// Put in by the stamp, and looked at by it alone.
    #[serde(default, skip_serializing)]
    digest: Option<String>,
}

impl Stamped for Head {
    fn names_digest(&self) -> bool {
        self.digest.is_some()
    }
}

/// A lock in a head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeadLock {
    /// No other lock has it.
    pub(super) id: String,
    /// Who has it.
    pub(super) holder: Holder,
    /// For how many milliseconds its holder relies on a confirmation.
    #[serde(default = "usual_lease")]
    lease_ms: u64,
    /// The running system that the holder's process number belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system: Option<String>,
}

fn usual_lease() -> u64 {
    u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX)
}

impl HeadLock {
    /// A lock of a process of this system.
    pub(super) fn new(id: &str, holder: &Holder, lease: Duration) -> Self {
        Self {
            id: id.to_owned(),
            holder: holder.clone(),
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            system: system(),
        }
    }
}

impl From<&HeadLock> for Displaced {
    fn from(lock: &HeadLock) -> Self {
        Self {
            holder: lock.holder.clone(),
            lease: Duration::from_millis(lock.lease_ms),
            system: lock.system.clone(),
        }
    }
}

impl Head {
    /// Before anything was ever stored.
    pub(super) fn new() -> Self {
        Self {
            format: FORMAT,
            write: String::new(),
            epoch: 0,
            lock: None,
            displaced: Vec::new(),
            state: None,
            history: Vec::new(),
            journal: Vec::new(),
            garbage: Vec::new(),
            conditions: false,
            digest: None,
        }
    }

    /// Whether it was written under this lock.
    pub(super) fn is_under(&self, lock: &str) -> bool {
        self.lock.as_ref().is_some_and(|held| held.id == lock)
    }

    /// Who holds the lock.
    pub(super) fn holder(&self) -> Option<Box<Holder>> {
        self.lock.as_ref().map(|lock| Box::new(lock.holder.clone()))
    }

    /// Whether anything rests on the blob of this name.
    pub(super) fn names(&self, name: &str) -> bool {
        let mut all = self.state.iter().chain(&self.history).chain(&self.journal);
        all.any(|named| named == name)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        let object = serde_json::to_vec(self).map_err(|error| StoreError::Io {
            what: "cannot write the head of the state".to_owned(),
            why: error.into(),
        })?;
        Ok(stamp::stamp(&object))
    }

    /// Reads what stands at this place.
    pub(super) fn from_bytes(bytes: &[u8], place: &str) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let strange = |why: String| StoreError::Io {
            what: format!("cannot read the head of {place}"),
            why: std::io::Error::other(why),
        };
        let format: Format = serde_json::from_slice(bytes)
            .map_err(|error| strange(format!("it was not written by gosling: {error}")))?;
        if format.format != FORMAT {
            return Err(strange(format!(
                "it has format {}, and this gosling knows only format {FORMAT}: use a newer one",
                format.format
            )));
        }
        let head: Self = stamp::read(bytes).map_err(|error| StoreError::Refused {
            what: format!("cannot read the head of {place}: {error}"),
            help: "put an earlier version of it back, if the service keeps versions; nothing is written over it until \
                   it can be read"
                .to_owned(),
        })?;
        Ok(Self { digest: None, ..head })
    }
}
