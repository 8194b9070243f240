//! Nothing is changed for a while: who said so, and why. It lies beside the state.

use std::fmt;

use gosling_resource::on_one_line;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fence::Unfenced;
use crate::stamp::{self, Stamped};
use crate::store::{Beside, Store, StoreError};

/// A freeze. While it holds, nothing outside is changed but by who says that they know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// `user@host`.
    pub by: String,
    /// Since when, as RFC 3339 in UTC.
    pub since: String,
    /// Why.
    pub reason: String,
    /// When it ends by itself, as RFC 3339 in UTC; `None`: when somebody lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Why it is not known whether there is a freeze. Nothing may be changed then.
#[derive(Debug, Error)]
pub enum FreezeError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What lies there is no freeze.
    #[error("freeze.json does not contain a freeze: {0}")]
    Malformed(String),
}

impl FreezeError {
    /// What a person can do about it.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        match self {
            Self::Store(error) => error.way_out(),
            Self::Malformed(_) => Some(
                "ask who froze; `gosling freeze --lift` ends it whatever it says, and `gosling freeze --reason REASON` replaces it",
            ),
        }
    }
}

/// The file: a freeze, or `null` after one was lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    by: String,
    since: String,
    reason: String,
    until: Option<String>,
    /// Put in by the stamp.
    digest: Option<String>,
}

impl Stamped for Option<Saved> {
    fn names_digest(&self) -> bool {
        self.as_ref().is_some_and(|saved| saved.digest.is_some())
    }
}

impl Freeze {
    /// Whether it holds at this time, which is RFC 3339 in UTC as its own are: such texts sort as the times do.
    #[must_use]
    pub fn holds(&self, now: &str) -> bool {
        self.until.as_deref().is_none_or(|until| now < until)
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            by,
            since,
            reason,
            until,
        } = self;
        write!(f, "frozen by {} since {}", on_one_line(by), on_one_line(since))?;
        if let Some(until) = until {
            write!(f, " until {}", on_one_line(until))?;
        }
        write!(f, ": {}", on_one_line(reason))
    }
}

/// The freeze, whether it still holds or not; `None` where there is none.
///
/// # Errors
/// [`FreezeError`].
pub async fn read(store: &dyn Store) -> Result<Option<Freeze>, FreezeError> {
    let Some((bytes, _)) = store.beside(Beside::Freeze).await? else {
        return Ok(None);
    };
    let saved: Option<Saved> =
        stamp::read(&bytes).map_err(|error| FreezeError::Malformed(error.to_string()))?;
    Ok(saved.map(|saved| Freeze {
        by: saved.by,
        since: saved.since,
        reason: saved.reason,
        until: saved.until,
    }))
}

/// Freezes, or with `None` lifts the freeze, whatever there was before.
///
/// # Errors
/// [`StoreError`].
pub async fn write(store: &dyn Store, freeze: Option<&Freeze>) -> Result<(), StoreError> {
    let object = serde_json::to_vec_pretty(&freeze).unwrap_or_default();
    let bytes = match freeze {
        Some(_) => stamp::stamp(&object),
        None => object,
    };
    loop {
        let before = store.beside(Beside::Freeze).await?.map(|(_, version)| version);
        match store
            .put_beside(Beside::Freeze, before.as_ref(), &bytes, &Unfenced)
            .await
        {
            // Somebody else froze or lifted meanwhile: the last word counts.
            Err(StoreError::Changed(_)) => {}
            other => return other,
        }
    }
}
