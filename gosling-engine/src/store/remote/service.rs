//! What a remote store needs of a service.

use async_trait::async_trait;

use super::super::{Beside, Holder, StoreError, Version};

/// A service that keeps one head and blobs, and replaces the head only for who knows the present one.
///
/// A blob never changes. It counts once a head names it, so a service may put it before the head or together with it.
#[async_trait]
pub trait Service: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// The head and its version; `None` before the first commit.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn head(&self) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// What the blob of the next commit is to be called.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the system gives no random numbers.
    fn blob_name(&self, after: Option<&Version>, kind: Blob, epoch: u64) -> Result<String, StoreError>;

    /// Replaces the head, once; its blob is durable before anybody can see the head.
    ///
    /// # Errors
    /// [`PutError`] tells whether it may have been replaced.
    async fn commit(&self, commit: Commit<'_>) -> Result<Version, PutError>;

    /// A blob; `None` where it is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn blob(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Removes a blob. One that is gone already is no error.
    ///
    /// # Errors
    /// [`StoreError`]: it may be there still.
    async fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// What lies beside the state.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// Replaces what lies beside the state, once, if it is still this version.
    ///
    /// # Errors
    /// [`PutError`].
    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Version, PutError>;

    /// The name under which a head itself takes room among the blobs once another has followed it.
    fn head_name(&self, _: &Version) -> Option<String> {
        None
    }

    /// Blobs that were put for commits under locks before this one. Those that no head names can be in no head to come.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn strays(&self, _epoch: u64) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    /// Tries whether the service honours the conditions that all rests on.
    ///
    /// # Errors
    /// [`StoreError::NoConditions`] where it does not.
    async fn try_conditions(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Takes the service's own lock, where it has one.
    ///
    /// # Errors
    /// [`StoreError`], but not for a lock that somebody holds.
    async fn lock(&self, _id: &str, _holder: &Holder, _force: bool) -> Result<OwnLock, StoreError> {
        Ok(OwnLock::None)
    }

    /// Whether the service's own lock of this id is still held; `None` where it has none, and the head alone says.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn holds(&self, _id: &str) -> Result<Option<bool>, StoreError> {
        Ok(None)
    }

    /// Gives the service's own lock back.
    ///
    /// # Errors
    /// [`StoreError`]: it may be held still.
    async fn unlock(&self, _id: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blob {
    /// A state.
    State,
    /// A piece of the journal.
    Journal,
}

/// A head on its way.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The version of the head that it follows; `None`: there is none yet.
    pub expected: Option<&'a Version>,
    /// The head.
    pub head: &'a [u8],
    /// The name and bytes of the blob that it names for the first time.
    pub blob: Option<(&'a str, &'a [u8])>,
    /// The lock under which it is written.
    pub lock: &'a str,
}

/// What became of a service's own lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnLock {
    /// It has none: the head alone says who holds it.
    None,
    /// It is ours, and nobody else can write. Whom the head still names has lost it.
    Taken,
    /// Somebody else has it.
    Held(Option<Box<Holder>>),
}

/// Why something was not put, as far as that is known.
#[derive(Debug)]
pub enum PutError {
    /// It is not the expected version any more, or perhaps what was put is there already, by an attempt before.
    Changed,
    /// Nobody knows whether it was put.
    Unknown(StoreError),
    /// It certainly was not, and will not be if it is tried again.
    Refused(StoreError),
}

/// What [`surely`] could not put.
#[derive(Debug)]
pub enum NotPut {
    /// Somebody else has put this meanwhile.
    Changed(Option<(Vec<u8>, Version)>),
    /// The service said no, or its outcome is unknown after all attempts. A request that is still on its way
    /// has its condition with it: it does nothing once anything else was put.
    Failed(StoreError),
}

/// How often something is put at most.
const ATTEMPTS: u32 = 5;

/// Puts something under a condition until it is known what became of it: where an answer was lost, what is there is
/// read and accepted if it is what was put. The bytes must be like no others, for that to mean anything.
///
/// # Errors
/// [`NotPut`].
pub async fn surely<P, G>(
    bytes: &[u8],
    expected: Option<&Version>,
    put: impl Fn() -> P,
    get: impl Fn() -> G,
) -> Result<Version, NotPut>
where
    P: Future<Output = Result<Version, PutError>>,
    G: Future<Output = Result<Option<(Vec<u8>, Version)>, StoreError>>,
{
    let mut pause = std::time::Duration::from_millis(100);
    let mut attempt = 1;
    loop {
        let why = match put().await {
            Ok(version) => return Ok(version),
            Err(PutError::Refused(error)) => return Err(NotPut::Failed(error)),
            Err(PutError::Changed) => StoreError::Io {
                what: "cannot write the state".to_owned(),
                why: std::io::Error::other(
                    "the service says that it was changed meanwhile, and shows no change",
                ),
            },
            Err(PutError::Unknown(error)) => error,
        };
        let why = match get().await {
            Ok(Some((there, version))) if there == bytes => return Ok(version),
            Ok(there) if there.as_ref().map(|(_, version)| version) != expected => {
                return Err(NotPut::Changed(there));
            }
            Ok(_) => why,
            Err(error) => error,
        };
        if attempt == ATTEMPTS {
            return Err(NotPut::Failed(why));
        }
        attempt += 1;
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
