//! A service made of named objects with conditional writes.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::super::{Beside, StoreError, Version};
use super::random;
use super::service::{Blob, Commit, NotPut, PutError, Service, surely};

/// Named objects, each written whole, as S3 has them.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Where they are, for people.
    fn place(&self) -> String;

    /// An object and its version; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// Writes an object, once.
    ///
    /// # Errors
    /// [`PutError`]; a lost answer is [`PutError::Unknown`].
    async fn put(&self, name: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError>;

    /// Removes an object. One that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`]: it may be there still.
    async fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// The names of all objects that begin so.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError>;
}

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// There is no such object (`If-None-Match: *`).
    Absent,
    /// It is still this version (`If-Match`).
    Version(&'a Version),
    /// None.
    Any,
}

impl<'a> From<Option<&'a Version>> for Expect<'a> {
    fn from(version: Option<&'a Version>) -> Self {
        version.map_or(Self::Absent, Self::Version)
    }
}

/// How many writes are sent at once to see whether one is let through.
const AT_ONCE: usize = 8;
/// How often the conditions are tried before a service is refused for them.
const PROBES: usize = 3;
const HEAD: &str = "head";
const FOLDERS: [&str; 3] = ["state/", "journal/", "probe/"];

/// Objects as a service: `head`, `state/EPOCH-RANDOM`, `journal/EPOCH-RANDOM`, and the files beside the state.
pub(super) struct InObjects(pub(super) Arc<dyn Objects>);

impl InObjects {
    /// Whether a write is refused for its condition.
    async fn refused(&self, name: &str, expect: Expect<'_>) -> Result<bool, StoreError> {
        // Each is another's text, so that each makes another version.
        let text = format!("gosling tries the conditions: {}\n", random()?);
        match self.0.put(name, text.as_bytes(), expect).await {
            Ok(_) => Ok(false),
            Err(PutError::Changed) => Ok(true),
            Err(PutError::Unknown(error) | PutError::Refused(error)) => Err(error),
        }
    }

    async fn probe(&self, name: &str) -> Result<(), StoreError> {
        let no = |condition: &str| {
            Err(StoreError::NoConditions {
                place: self.place(),
                condition: condition.to_owned(),
            })
        };
        let put = || self.0.put(name, b"gosling tries the conditions\n", Expect::Any);
        let first = match put().await {
            Err(PutError::Unknown(_)) => put().await,
            once => once,
        };
        let version = match first {
            Ok(version) => version,
            Err(PutError::Unknown(error) | PutError::Refused(error)) => return Err(error),
            Err(PutError::Changed) => return no("it refuses a write without a condition"),
        };
        if !self.refused(name, Expect::Absent).await? {
            return no("it overwrote an object despite `If-None-Match: *`");
        }
        let wrong = Version("\"00000000000000000000000000000000\"".to_owned());
        if !self.refused(name, Expect::Version(&wrong)).await? {
            return no("it overwrote an object although `If-Match` named another version");
        }
        // Some look first and write then, which one who asks alone cannot tell.
        let together = (0..AT_ONCE).map(|_| self.refused(name, Expect::Version(&version)));
        let refused: Vec<bool> = try_join_all(together).await?;
        match refused.iter().filter(|refused| !**refused).count() {
            1 => Ok(()),
            0 => no("it refuses a write whose `If-Match` names the present version"),
            many => no(&format!(
                "of {AT_ONCE} writes at once, each for the same version, it let {many} through"
            )),
        }
    }
}

#[async_trait]
impl Service for InObjects {
    fn place(&self) -> String {
        self.0.place()
    }

    async fn head(&self) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.0.get(HEAD).await
    }

    fn blob_name(&self, _: Option<&Version>, kind: Blob, epoch: u64) -> Result<String, StoreError> {
        let folder = match kind {
            Blob::State => "state",
            Blob::Journal => "journal",
        };
        Ok(format!("{folder}/{epoch:08}-{}", random()?))
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Version, PutError> {
        if let Some((name, bytes)) = commit.blob {
            let put = || self.0.put(name, bytes, Expect::Absent);
            let put = surely(bytes, None, put, || self.0.get(name)).await;
            put.map_err(|error| match error {
                NotPut::Failed(error) => PutError::Refused(error),
                NotPut::Changed(_) => PutError::Refused(StoreError::Changed(name.to_owned())),
            })?;
        }
        self.0.put(HEAD, commit.head, commit.expected.into()).await
    }

    async fn blob(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let object = self.0.get(name).await?;
        Ok(object.map(|(bytes, _)| bytes))
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.0.delete(name).await
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.0.get(&which.file_name()).await
    }

    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Version, PutError> {
        self.0.put(&which.file_name(), bytes, expected.into()).await
    }

    async fn strays(&self, epoch: u64) -> Result<Vec<String>, StoreError> {
        let mut strays = Vec::new();
        for folder in FOLDERS {
            strays.extend(self.0.list(folder).await?);
        }
        strays.retain(|name| epoch_of(name).is_some_and(|its| its < epoch));
        Ok(strays)
    }

    async fn try_conditions(&self) -> Result<(), StoreError> {
        let mut tried = Ok(());
        // Whoever has just made the head sweeps, and may take an object away that is being tried: a service is bad that
        // fails each time.
        for _ in 0..PROBES {
            // Nobody else's, so that two who try at once do not mislead each other.
            let name = format!("probe/{:08}-{}", 0, random()?);
            tried = self.probe(&name).await;
            let deleted = self.0.delete(&name).await;
            if !matches!(tried, Err(StoreError::NoConditions { .. })) {
                return tried.and(deleted);
            }
        }
        tried
    }
}

/// The epoch in a name that [`InObjects`] gave.
fn epoch_of(name: &str) -> Option<u64> {
    let (_, name) = name.split_once('/')?;
    name.split_once('-')?.0.parse().ok()
}
