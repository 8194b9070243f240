//! A store whose states and journal are encrypted with age for the Nest's recipients.
//!
//! A state is one age file. What is appended to the journal at once is one age file too, in the frame of a record, so
//! that a torn end is found and cut as ever. What lies beside the state stays as it is: the secrets are encrypted
//! already, and who stopped the applies, or where the state went, must be readable without a key.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gosling_engine::fence::Fence;
use gosling_engine::journal;
use gosling_engine::store::{
    Beside, Displaced, EpochFile, Holder, Locked, Rewrite, Salvage, Snapshot, Store, StoreError, Version,
};

use crate::keys::{KeyError, Keys};

/// How an age file begins.
const AGE: &[u8] = b"age-encryption.org/";
/// How often the secrets are encrypted anew because somebody wrote meanwhile.
const ATTEMPTS: usize = 20;

/// What is done about encryption.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// Who can open what is written, and what opens it here; `None` where nothing is to be opened or written so.
    pub keys: Option<Keys>,
    /// Whether what is written is encrypted.
    pub write: bool,
}

/// A store with encryption, or one that says what to do about what it finds encrypted.
#[derive(Clone)]
pub struct Sealed {
    inner: Arc<dyn Store>,
    sealing: Sealing,
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// How many states were written anew, the present one among them.
    pub states: usize,
    /// Whether the secrets were.
    pub secrets: bool,
}

impl Sealed {
    /// Over this store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, sealing: Sealing) -> Self {
        Self { inner, sealing }
    }

    /// Writes all states and the secrets anew, for the recipients of now and nobody else, or as plain text where that
    /// is what is written. The journal must have nothing in it but what was written
    /// with the recipients of now: the rest is encrypted for those of before. Killed on the
    /// way, it is begun again.
    ///
    /// # Errors
    /// [`StoreError`]. Where an identity that can open them is missing, nothing was written.
    pub async fn rotate(&self, locked: &dyn Locked, fence: &dyn Fence) -> Result<Rotated, StoreError> {
        // Everything opens before anything is written.
        self.peek().await?;
        self.history().await?;
        let states = locked
            .rewrite(&|bytes| {
                if !self.sealing.write && !bytes.starts_with(AGE) {
                    return Ok(None);
                }
                let text = self.open("a state", bytes.to_owned())?;
                self.seal(&text).map(Some)
            })
            .await?;
        let secrets = self.rotate_secrets(fence).await?;
        Ok(Rotated { states, secrets })
    }

    async fn rotate_secrets(&self, fence: &dyn Fence) -> Result<bool, StoreError> {
        let Some(keys) = &self.sealing.keys else {
            return Ok(false);
        };
        let refused = |error| self.refused(&Beside::Secrets.file_name(), &error);
        for _ in 0..ATTEMPTS {
            let Some((sealed, version)) = self.inner.beside(Beside::Secrets).await? else {
                return Ok(false);
            };
            let text = keys.open(&sealed).map_err(refused)?;
            let sealed = keys.seal(&text).map_err(refused)?;
            match self
                .inner
                .put_beside(Beside::Secrets, Some(&version), &sealed, fence)
                .await
            {
                Err(StoreError::Changed(_)) => {}
                other => return other.map(|()| true),
            }
        }
        Err(StoreError::Changed(self.what(&Beside::Secrets.file_name())))
    }

    fn what(&self, what: &str) -> String {
        format!("{what} in {}", self.inner.place())
    }

    /// The text of what is stored, encrypted or not.
    fn open(&self, what: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if !bytes.starts_with(AGE) {
            return Ok(bytes);
        }
        let Some(keys) = &self.sealing.keys else {
            return Err(StoreError::Refused {
                what: format!("{} is encrypted, and the Nest does not say so", self.what(what)),
                help: "put `encrypted = true` into its `state` block; or, to have it as plain text from now on, \
                       `gosling state rotate`"
                    .to_owned(),
            });
        };
        let text = keys.open(&bytes).map_err(|error| self.refused(what, &error))?;
        Ok(text.to_vec())
    }

    /// The text of what is stored; `None` where it is damaged.
    fn salvaged(&self, what: &str, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.sealing.keys {
            Some(keys) if bytes.starts_with(AGE) => match keys.open(&bytes) {
                Ok(text) => Ok(Some(text.to_vec())),
                Err(KeyError::Damaged(_)) => Ok(None),
                Err(error) => Err(self.refused(what, &error)),
            },
            _ => self.open(what, bytes).map(Some),
        }
    }

    fn seal(&self, text: &[u8]) -> Result<Vec<u8>, StoreError> {
        match &self.sealing.keys {
            Some(keys) if self.sealing.write => {
                keys.seal(text).map_err(|error| self.refused("the state", &error))
            }
            _ => Ok(text.to_owned()),
        }
    }

    fn refused(&self, what: &str, error: &KeyError) -> StoreError {
        let what = self.what(what);
        let what = match error {
            KeyError::ForOthers { .. } | KeyError::Damaged(_) => format!("{what} {error}"),
            KeyError::NoIdentity => format!("{what} is encrypted, and {error}"),
            error => format!("{what}: {error}"),
        };
        let help = "each recipient in `nest { secrets { recipients } }` can open it with their identity, and a new one after an old one has run `gosling state rotate`";
        StoreError::Refused {
            what,
            help: help.to_owned(),
        }
    }

    /// A snapshot as it was before it was encrypted. A torn end of the journal stays away.
    fn opened(&self, snapshot: Snapshot) -> Result<Snapshot, StoreError> {
        let state = snapshot.state.map(|state| self.open("the state", state));
        let mut plain = Vec::with_capacity(snapshot.journal.len());
        let (contents, _) = journal::frames(&snapshot.journal).map_err(|error| StoreError::Refused {
            what: format!("{}: {error}", self.inner.place()),
            help: error.way_out().unwrap_or_default().to_owned(),
        })?;
        for content in contents {
            if content.starts_with(AGE) {
                plain.extend(self.open("the journal", content.to_owned())?);
            } else {
                plain.extend(journal::enclose(content));
            }
        }
        Ok(Snapshot {
            state: state.transpose()?,
            journal: plain,
        })
    }

    fn held(&self, inner: Box<dyn Locked>) -> Box<dyn Locked> {
        Box::new(SealedLock {
            inner,
            store: self.clone(),
        })
    }
}

#[async_trait]
impl Store for Sealed {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        self.opened(self.inner.peek().await?)
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        Ok(self.held(self.inner.lock(holder).await?))
    }

    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        Ok(self.held(self.inner.take_over(holder).await?))
    }

    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        self.inner.held_by().await
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.inner.beside(which).await
    }

    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        self.inner.put_beside(which, expected, bytes, fence).await
    }

    async fn epoch(&self) -> Result<Option<EpochFile>, StoreError> {
        self.inner.epoch().await
    }

    async fn writable(&self) -> Result<(), StoreError> {
        self.inner.writable().await
    }

    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let states = self.inner.history().await?.into_iter();
        states.map(|state| self.open("an earlier state", state)).collect()
    }

    /// What does not open is damaged: a gap in the journal, and no state.
    async fn salvage(&self) -> Result<Salvage, StoreError> {
        let Salvage {
            state,
            history,
            records,
            mut gaps,
            journal,
        } = self.inner.salvage().await?;
        let mut states = Vec::new();
        for state in history {
            states.extend(self.salvaged("an earlier state", state)?);
        }
        let state = match state {
            Some(state) => self.salvaged("the state", state)?,
            None => None,
        };
        let mut opened = Vec::with_capacity(records.len());
        for record in records {
            if !record.starts_with(AGE) {
                opened.push(record);
                continue;
            }
            match self.salvaged("the journal", record)? {
                Some(plain) => {
                    let (contents, within) = journal::readable(&plain);
                    opened.extend(contents.into_iter().map(<[u8]>::to_vec));
                    gaps += within;
                }
                None => gaps += 1,
            }
        }
        Ok(Salvage {
            state,
            history: states,
            records: opened,
            gaps,
            journal,
        })
    }

    fn folder(&self) -> Option<PathBuf> {
        self.inner.folder()
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}

/// Its lock.
struct SealedLock {
    inner: Box<dyn Locked>,
    store: Sealed,
}

#[async_trait]
impl Locked for SealedLock {
    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    async fn raise(&self, epoch: u64) -> Result<(), StoreError> {
        self.inner.raise(epoch).await
    }

    fn holder(&self) -> &Holder {
        self.inner.holder()
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        self.inner.confirm().await
    }

    fn lease(&self) -> Duration {
        self.inner.lease()
    }

    async fn displaced(&self) -> Vec<Displaced> {
        self.inner.displaced().await
    }

    async fn forget_displaced(&self) -> Result<(), StoreError> {
        self.inner.forget_displaced().await
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.store.opened(self.inner.load().await?)
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        self.inner.save(&self.store.seal(state)?).await
    }

    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        if !self.store.sealing.write {
            return self.inner.append(records).await;
        }
        let sealed = self.store.seal(records)?;
        self.inner.append(&journal::enclose(&sealed)).await
    }

    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        if left.is_empty() || !self.store.sealing.write {
            return self.inner.cut(left).await;
        }
        let sealed = self.store.seal(left)?;
        self.inner.cut(&journal::enclose(&sealed)).await
    }

    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        self.inner.rewrite(change).await
    }

    async fn release(&self) -> Result<(), StoreError> {
        self.inner.release().await
    }
}
