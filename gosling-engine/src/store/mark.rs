//! What a store says of itself while its state moves to another place, and after that.

use serde::{Deserialize, Serialize};

use crate::fence::Fence;

use super::{Beside, Store, StoreError, Version};
use crate::stamp::{self, Stamped};

/// Why a store is not to be worked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The state comes from there, and what is here is not yet whole.
    Arriving {
        /// The place it comes from.
        from: String,
    },
    /// The state went there; what is here is old.
    Gone {
        /// The place it went to.
        to: String,
    },
}

/// The file. There is always JSON in it: not every service keeps an empty one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    mark: Option<Mark>,
    /// Put in by the stamp.
    #[serde(default, skip_serializing)]
    digest: Option<String>,
}

impl Stamped for Saved {
    fn names_digest(&self) -> bool {
        self.digest.is_some()
    }
}

impl Mark {
    /// The mark of a store, if it has one, and which version of it that is.
    ///
    /// # Errors
    /// Where the store cannot be read, or what it says is not what gosling writes.
    pub async fn read(store: &dyn Store) -> Result<(Option<Self>, Option<Version>), StoreError> {
        let Some((bytes, version)) = store.beside(Beside::Moved).await? else {
            return Ok((None, None));
        };
        let saved: Saved = stamp::read(&bytes).map_err(|error| StoreError::Refused {
            what: format!("{} next to {}: {error}", Beside::Moved.file_name(), store.place()),
            help: "it says whether the state was moved: if it was not, remove that file".to_owned(),
        })?;
        Ok((saved.mark, Some(version)))
    }

    /// Sets or takes away the mark of a store, if its present one is still of this version.
    ///
    /// # Errors
    /// As [`Store::put_beside`].
    pub async fn set(
        store: &dyn Store,
        mark: Option<Self>,
        over: Option<&Version>,
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        let saved = Saved { mark, digest: None };
        let bytes = serde_json::to_vec(&saved).map_err(|error| StoreError::Io {
            what: format!("cannot write {}", Beside::Moved.file_name()),
            why: error.into(),
        })?;
        let bytes = stamp::stamp(&bytes);
        store.put_beside(Beside::Moved, over, &bytes, fence).await
    }
}

/// Refuses a store whose state is elsewhere or has not wholly come. Whoever is about to change something asks under the
/// lock, which a move holds from its beginning to its end.
///
/// # Errors
/// [`StoreError::Moved`], [`StoreError::Arriving`], and where the store cannot be read.
pub async fn here(store: &dyn Store) -> Result<(), StoreError> {
    let place = store.place();
    match Mark::read(store).await?.0 {
        None => Ok(()),
        Some(Mark::Gone { to }) => Err(StoreError::Moved { place, to }),
        Some(Mark::Arriving { from }) => Err(StoreError::Arriving { from, place }),
    }
}
