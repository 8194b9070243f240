//! Fencing: a holder whose lock was taken over sends nothing more.
//!
//! A process can be stopped at any instruction and continue an hour later, when another one has its lock. So the right
//! to change something is not checked once: it is a [`Lease`], which is confirmed at the store and lasts for a few
//! seconds from then. Every call that changes something asks its [`Fence`] right before it is sent. Whoever takes a
//! lock over waits until the lease of the one before has run out, and only then changes anything.

mod clock;
mod lease;

use async_trait::async_trait;
use thiserror::Error;

use crate::store::{Holder, StoreError};

pub use clock::{Clock, SystemClock};
pub use lease::{LEASE, Lease};

/// The right to change something outside, asked for right before each call that does.
#[async_trait]
pub trait Fence: Send + Sync {
    /// Confirms that the lock is still held, at the store where the last confirmation is too old.
    ///
    /// # Errors
    /// [`NotConfirmed`]: the call must not be sent.
    async fn confirm(&self) -> Result<(), NotConfirmed>;

    /// Why nothing may be sent under this lock ever again, once that is known.
    fn lost(&self) -> Option<NotConfirmed> {
        None
    }
}

/// Why a call that changes something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotConfirmed {
    /// Somebody took the lock over.
    #[error("the lock was taken over by {}; nothing more is sent", .0.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    TakenOver(Option<Box<Holder>>),
    /// The store does not say whether the lock is still held.
    #[error("nothing is sent until the lock is confirmed: {0}")]
    Unknown(String),
    /// The command only reads.
    #[error("this command only reads: it has no lock and may change nothing")]
    ReadOnly,
}

impl From<StoreError> for NotConfirmed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TakenOver(by) => Self::TakenOver(by),
            other => Self::Unknown(other.to_string()),
        }
    }
}

impl From<NotConfirmed> for StoreError {
    fn from(error: NotConfirmed) -> Self {
        match error {
            NotConfirmed::TakenOver(by) => Self::TakenOver(by),
            other => Self::Io {
                what: "nothing was written".to_owned(),
                why: std::io::Error::other(other.to_string()),
            },
        }
    }
}

/// No fence: for a call that changes nothing, one that carries its own condition, and one that a person asks for
/// without a lock, such as `gosling secret set`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unfenced;

#[async_trait]
impl Fence for Unfenced {
    async fn confirm(&self) -> Result<(), NotConfirmed> {
        Ok(())
    }
}

/// Lets nothing through: for commands that only read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOnly;

#[async_trait]
impl Fence for ReadOnly {
    async fn confirm(&self) -> Result<(), NotConfirmed> {
        Err(NotConfirmed::ReadOnly)
    }
}
