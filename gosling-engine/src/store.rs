//! Where a state and its journal live. The local folder is here; others stand behind the same door.

mod displaced;
mod local;
mod mark;
pub mod remote;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use gosling_resource::on_one_line;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fence::{Fence, LEASE};
use crate::journal;

pub use displaced::{Displaced, system};
pub use local::LocalStore;
pub use mark::{Mark, here};
pub use remote::RemoteStore;

/// A place for one Nest's state, its history and its journal.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads without the lock: for `plan`, `show` and `status`. What is read may be on its way to change.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    async fn peek(&self) -> Result<Snapshot, StoreError>;

    /// Takes the lock and raises the epoch, so that whoever held it before can write no more.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where somebody holds it, and says who.
    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError>;

    /// Takes the lock away from a holder that is gone, and raises the epoch: what that holder still writes is refused.
    /// A lock that ends with its process is taken as [`Store::lock`] does; a living holder of one keeps it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where the holder is certainly at work.
    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError>;

    /// Who holds the lock now; `None` where nobody does. Only looks: it may be another's by the time it is read.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    async fn held_by(&self) -> Result<Option<Holder>, StoreError>;

    /// What lies beside the state under this name, and which version of it that is; `None` where there is none yet.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// Replaces what lies beside the state, durably, if it is still this version; `None`: if there is none. It needs no
    /// lock: who comes second reads again. A run under a lock gives its fence, which is asked after the version was read
    /// and before anything is written: a holder whose lock was taken over writes nothing over what the next one wrote.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where somebody else has written meanwhile, and [`StoreError::TakenOver`]; nothing is
    /// written then.
    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError>;

    /// Where the epoch of the last lock is, if it can be lost without the state; `None` where one cannot be without the
    /// other. It is read after what was written under it: so it is never lower.
    ///
    /// # Errors
    /// [`StoreError`], also where it is no number. A wrapper around another store must hand it on.
    async fn epoch(&self) -> Result<Option<EpochFile>, StoreError> {
        Ok(None)
    }

    /// Whether something could be put beside the state, as far as that is known without writing.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it certainly could not.
    async fn writable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The states before the present one, latest first.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError>;

    /// What can still be read where something is damaged or gone: for a repair.
    ///
    /// # Errors
    /// [`StoreError`], but for nothing that is only damaged or gone.
    async fn salvage(&self) -> Result<Salvage, StoreError> {
        let Snapshot { state, journal } = self.peek().await?;
        let (records, gaps) = journal::readable(&journal);
        Ok(Salvage {
            state,
            history: self.history().await?,
            records: records.into_iter().map(<[u8]>::to_vec).collect(),
            gaps,
            journal,
        })
    }

    /// The folder that it is in; `None` where it is at a service. A wrapper around another store must hand it on.
    fn folder(&self) -> Option<PathBuf> {
        None
    }

    /// Where it is, for people: a path or an address.
    fn place(&self) -> String;
}

/// A store under its lock.
#[async_trait]
pub trait Locked: Send + Sync {
    /// The number of this lock; each is higher than the one before.
    fn epoch(&self) -> u64;

    /// Who took it: what is saved under it says so.
    fn holder(&self) -> &Holder;

    /// Raises the epoch to this one where it is lower, durably, before a state is saved here that comes from another place
    /// with that place's epochs. A wrapper around another store must hand it on.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn raise(&self, _epoch: u64) -> Result<(), StoreError> {
        Ok(())
    }

    /// Asks the store whether this lock is still held.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] where it is not, and others where the store does not say.
    async fn confirm(&self) -> Result<(), StoreError>;

    /// How long its holder may rely on a confirmation. A wrapper around another store must hand it on.
    fn lease(&self) -> Duration {
        LEASE
    }

    /// The holders from whom this lock was taken, and who may still rely on their leases: [`crate::Lease`] waits for
    /// them. Empty where a lock ends with its process. A wrapper around another store must hand it on.
    async fn displaced(&self) -> Vec<Displaced> {
        Vec::new()
    }

    /// Notes, durably, that the leases of those from whom this lock was taken have run out. Until then, whoever has the
    /// lock next waits for them again. A wrapper around another store must hand it on.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_displaced(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Reads the state and the journal. A torn end of the journal is cut off.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// Replaces the state, durably, and keeps the one before in the history.
    ///
    /// # Errors
    /// [`StoreError`]; the state is then as it was.
    async fn save(&self, state: &[u8]) -> Result<(), StoreError>;

    /// Adds records to the journal, durably.
    ///
    /// # Errors
    /// [`StoreError`]: nothing may be sent then.
    async fn append(&self, records: &[u8]) -> Result<(), StoreError>;

    /// Replaces the journal by these records of it, those that are still open, in one step: whoever comes after a crash
    /// finds the one or the other, whole. Only after the outcomes of the others are in a saved state.
    ///
    /// # Errors
    /// [`StoreError`]: it is as it was then, or as it should be.
    async fn cut(&self, left: &[u8]) -> Result<(), StoreError>;

    /// Replaces each saved state, the present one and those before it, by what `change` makes of its bytes as they are
    /// stored; `None` leaves it. The same states in another form: what they say must not change. Returns how many were
    /// replaced. Killed on the way, some are replaced.
    ///
    /// # Errors
    /// [`StoreError`], that of `change` too.
    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError>;

    /// Gives the lock back; nothing may be written through it afterwards. Dropped without it, a lock that does not end
    /// with its process stays, as after a kill. A wrapper around another store must hand it on.
    ///
    /// # Errors
    /// [`StoreError`]: the lock may be held still, and names its holder to the next.
    async fn release(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Makes another form of a stored state, or leaves it.
pub type Rewrite<'a> = dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, StoreError> + Send + Sync + 'a;

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The state's saved form; `None` before the first save.
    pub state: Option<Vec<u8>>,
    /// The journal's bytes.
    pub journal: Vec<u8>,
}

/// What can still be read of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvage {
    /// The present state's saved form, damaged or not; `None` where it is gone.
    pub state: Option<Vec<u8>>,
    /// The states before it that are there, latest first, damaged or not.
    pub history: Vec<Vec<u8>>,
    /// The contents of the journal's records that can be read.
    pub records: Vec<Vec<u8>>,
    /// How many places of the journal cannot be read.
    pub gaps: usize,
    /// The journal as it is stored.
    pub journal: Vec<u8>,
}

/// The file that has the epoch of the last lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochFile {
    /// Its path.
    pub path: String,
    /// What it says; `None` where it is missing.
    pub epoch: Option<u64>,
}

/// What goes with a state into every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beside {
    /// The age-encrypted file behind `store://`.
    Secrets,
    /// What each apply did, one line after the other, each with the digest of the one before: the latest lines.
    Audit,
    /// A part of the audit that is full, counted from 0 and never written again.
    AuditPart(u64),
    /// Who stopped all applies, and why.
    Freeze,
    /// Where the state went, or that it has not wholly come: [`Mark`].
    Moved,
}

impl Beside {
    /// All of them but the full parts of the audit, of which [`crate::audit::parts`] knows.
    pub const ALL: [Self; 4] = [Self::Secrets, Self::Audit, Self::Freeze, Self::Moved];

    /// Its name as a file or an object.
    #[must_use]
    pub fn file_name(self) -> Cow<'static, str> {
        match self {
            Self::Secrets => "secrets.age".into(),
            Self::Audit => "audit.jsonl".into(),
            Self::AuditPart(part) => format!("audit-{:06}.jsonl", part + 1).into(),
            Self::Freeze => "freeze.json".into(),
            Self::Moved => "moved.json".into(),
        }
    }
}

/// Tells one content of a stored file from another: a digest, or what the service calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// When it took the lock, as RFC 3339 in UTC.
    pub since: String,
    /// What it is doing: `gosling apply`.
    pub command: String,
    /// The pipeline's job that it runs in, as an address to look at; `None` outside of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            user,
            host,
            pid,
            since,
            command,
            pipeline,
        } = self;
        // Whoever can write beside the state chose these words.
        let [user, host, since, command] = [user, host, since, command].map(|text| on_one_line(text));
        write!(f, "{user}@{host} (process {pid}), since {since}, for `{command}`")?;
        match pipeline {
            Some(pipeline) => write!(f, ", in {}", on_one_line(pipeline)),
            None => Ok(()),
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Somebody else holds the lock.
    #[error("the state is locked by {}", .0.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    Locked(Option<Box<Holder>>),
    /// Somebody took the lock over. Nothing was written.
    #[error("the lock was taken over by {}; nothing more is written under the old one", .0.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    TakenOver(Option<Box<Holder>>),
    /// Somebody else wrote first. Nothing was written.
    #[error("{0} was changed by somebody else meanwhile")]
    Changed(String),
    /// The state is elsewhere.
    #[error("the state is no longer in {place}: it has moved to {to}")]
    Moved {
        /// Where it was looked for.
        place: String,
        /// Where it is.
        to: String,
    },
    /// The state has not wholly come.
    #[error("the move of the state from {from} to {place} has not ended")]
    Arriving {
        /// Where it comes from.
        from: String,
        /// Where it was looked for.
        place: String,
    },
    /// A service overwrites what it was told not to: of two holders neither would know of the other.
    #[error("{place} does not honour conditional writes, so no state is safe there: {condition}")]
    NoConditions {
        /// Which service.
        place: String,
        /// What it did.
        condition: String,
    },
    /// A service said no, and what to do about it is known.
    #[error("{what}")]
    Refused {
        /// What was tried, where, and what came back.
        what: String,
        /// A way out.
        help: String,
    },
    /// The system or the service said no.
    #[error("{what}: {why}")]
    Io {
        /// What was tried, and where.
        what: String,
        /// What came back.
        why: std::io::Error,
    },
}

impl StoreError {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        match self {
            Self::Locked(_) => {
                Some("wait until it ends; if that process is gone, `gosling unlock` takes the lock over")
            }
            Self::TakenOver(_) => Some(
                "what was begun is in the journal: run it again once the one who took the lock over has ended",
            ),
            Self::NoConditions { .. } => Some(
                "take a storage that honours `If-Match` and `If-None-Match`: AWS S3, Yandex Object Storage, MinIO; or \
                 `backend = \"gitlab\"`",
            ),
            Self::Refused { help, .. } => Some(help),
            Self::Moved { .. } => Some(
                "this checkout is older than the move: get the Nest as it is now (`git pull`), or put its new `state` \
                 block in",
            ),
            Self::Arriving { .. } => {
                Some("run the same `gosling state migrate` again: it continues where it stopped")
            }
            Self::Io { why, .. } if why.kind() == std::io::ErrorKind::IsADirectory => {
                Some("a folder is in the place of that file: move it to another place")
            }
            Self::Changed(_) | Self::Io { .. } => None,
        }
    }
}
