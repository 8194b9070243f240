//! How long a process lives, and the disk that outlives it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use gosling_engine::fence::{Clock, Fence, LEASE, Unfenced};
use gosling_engine::store::{
    Beside, Displaced, Holder, Locked, Rewrite, Snapshot, Store, StoreError, Version,
};
use gosling_engine::{SecretError, Secrets};
use gosling_resource::{Secret, SecretUri};

use crate::world::{Object, place_of};

/// Counts the points at which a process could die, and ends it at one of them as kill -9 does: nothing after that
/// point happens.
#[derive(Debug, Default)]
pub(crate) struct Life {
    left: Mutex<Option<usize>>,
    passed: Mutex<usize>,
    ended: AtomicBool,
}

impl Life {
    /// Begins a new process, which may pass so many points; `None`: all of them.
    pub(crate) fn limit(&self, left: Option<usize>) {
        *self.left.lock().unwrap() = left;
        *self.passed.lock().unwrap() = 0;
        self.ended.store(false, Ordering::Relaxed);
    }

    /// How many points were passed since the limit was set.
    pub(crate) fn passed(&self) -> usize {
        *self.passed.lock().unwrap()
    }

    /// Passes a point; `false` where the process dies there.
    pub(crate) fn goes_on(&self) -> bool {
        *self.passed.lock().unwrap() += 1;
        let goes_on = match self.left.lock().unwrap().as_mut() {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        };
        if !goes_on {
            self.ended.store(true, Ordering::Relaxed);
        }
        goes_on
    }

    /// A point. Where the process dies, this never returns; one that was only stopped goes on with the next limit.
    pub(crate) async fn point(&self) {
        if !self.goes_on() {
            std::future::poll_fn(|cx| match self.ended.load(Ordering::Relaxed) {
                true => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                false => Poll::Ready(()),
            })
            .await;
        }
    }

    /// Runs something until it ends or dies, which it does only while it is polled.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| {
            let polled = work.as_mut().poll(cx);
            match self.ended.load(Ordering::Relaxed) {
                true => Poll::Ready(None),
                false => polled.map(Some),
            }
        })
        .await
    }
}

#[derive(Debug, Default)]
struct Contents {
    snapshot: Snapshot,
    history: Vec<Vec<u8>>,
    beside: BTreeMap<Beside, Vec<u8>>,
    epoch: u64,
    holder: Option<Holder>,
    displaced: Vec<Displaced>,
    saves: usize,
    /// So many writes go well, and none after them.
    good_writes: Option<usize>,
    /// Or only one fails.
    heals: bool,
}

/// A store in memory, on which each write is three points: before, half of it there (for the journal), all of it.
#[derive(Clone)]
pub(crate) struct Disk {
    contents: Arc<Mutex<Contents>>,
    life: Arc<Life>,
}

impl Disk {
    pub(crate) fn new(life: &Arc<Life>) -> Self {
        Self {
            contents: Arc::default(),
            life: Arc::clone(life),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.contents.lock().unwrap().snapshot.clone()
    }

    pub(crate) fn saves(&self) -> usize {
        self.contents.lock().unwrap().saves
    }

    /// Lets so many writes go well, and none after them.
    pub(crate) fn good_writes(&self, number: Option<usize>) {
        self.contents.lock().unwrap().good_writes = number;
    }

    /// Lets the next write fail, and those after it go well.
    pub(crate) fn fail_once(&self) {
        self.good_writes(Some(0));
        self.contents.lock().unwrap().heals = true;
    }

    /// Whether the holder of this lock may write: nobody has taken it over, and there is room.
    fn may_write_as(&self, epoch: u64) -> Result<(), StoreError> {
        if self.contents.lock().unwrap().epoch != epoch {
            return Err(StoreError::TakenOver(None));
        }
        self.may_write()
    }

    fn may_write(&self) -> Result<(), StoreError> {
        let mut contents = self.contents.lock().unwrap();
        match contents.good_writes.as_mut() {
            Some(0) => {
                if contents.heals {
                    contents.good_writes = None;
                }
                Err(StoreError::Io {
                    what: "cannot write".to_owned(),
                    why: std::io::Error::other("the disk is full"),
                })
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Store for Disk {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        Ok(self.snapshot())
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        let mut contents = self.contents.lock().unwrap();
        contents.epoch += 1;
        let before = contents.holder.replace(holder.clone());
        contents.displaced.extend(before.map(|holder| Displaced {
            holder,
            lease: LEASE,
            system: None,
        }));
        Ok(Box::new(LockedDisk {
            disk: self.clone(),
            epoch: contents.epoch,
            holder: holder.clone(),
        }))
    }

    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.lock(holder).await
    }

    /// Locks here are for one process, which never asks.
    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        Ok(None)
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let contents = self.contents.lock().unwrap();
        let bytes = contents.beside.get(&which).cloned();
        Ok(bytes.map(|bytes| (bytes.clone(), Version(gosling_engine::state::digest(&bytes)))))
    }

    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        let now = self.beside(which).await?.map(|(_, version)| version);
        if now.as_ref() != expected {
            return Err(StoreError::Changed(which.file_name().into_owned()));
        }
        fence.confirm().await?;
        self.may_write()?;
        self.contents.lock().unwrap().beside.insert(which, bytes.to_vec());
        Ok(())
    }

    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.contents.lock().unwrap().history.clone())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}

struct LockedDisk {
    disk: Disk,
    epoch: u64,
    holder: Holder,
}

#[async_trait]
impl Locked for LockedDisk {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        match self.disk.contents.lock().unwrap().epoch == self.epoch {
            true => Ok(()),
            false => Err(StoreError::TakenOver(None)),
        }
    }

    async fn displaced(&self) -> Vec<Displaced> {
        self.disk.contents.lock().unwrap().displaced.clone()
    }

    async fn forget_displaced(&self) -> Result<(), StoreError> {
        self.disk.contents.lock().unwrap().displaced.clear();
        Ok(())
    }

    async fn release(&self) -> Result<(), StoreError> {
        let mut contents = self.disk.contents.lock().unwrap();
        if contents.epoch == self.epoch {
            contents.holder = None;
        }
        Ok(())
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let mut contents = self.disk.contents.lock().unwrap();
        let (_, whole) = gosling_engine::journal::frames(&contents.snapshot.journal).unwrap();
        contents.snapshot.journal.truncate(whole);
        Ok(contents.snapshot.clone())
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        self.disk.life.point().await;
        self.disk.may_write_as(self.epoch)?;
        {
            let mut contents = self.disk.contents.lock().unwrap();
            contents.saves += 1;
            let before = contents.snapshot.state.replace(state.to_vec());
            if let Some(before) = before {
                contents.history.insert(0, before);
            }
        }
        self.disk.life.point().await;
        Ok(())
    }

    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        self.disk.life.point().await;
        let (half, rest) = records.split_at(records.len() / 2);
        let write = |bytes: &[u8]| {
            let mut contents = self.disk.contents.lock().unwrap();
            contents.snapshot.journal.extend_from_slice(bytes);
        };
        self.disk.may_write_as(self.epoch).inspect_err(|error| {
            if matches!(error, StoreError::Io { .. }) {
                write(half);
            }
        })?;
        write(half);
        self.disk.life.point().await;
        write(rest);
        self.disk.life.point().await;
        Ok(())
    }

    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        let mut contents = self.disk.contents.lock().unwrap();
        let contents = &mut *contents;
        let mut rewritten = 0;
        for state in contents.snapshot.state.iter_mut().chain(&mut contents.history) {
            if let Some(new) = change(state)? {
                *state = new;
                rewritten += 1;
            }
        }
        Ok(rewritten)
    }

    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        self.disk.life.point().await;
        self.disk.may_write_as(self.epoch)?;
        self.disk.contents.lock().unwrap().snapshot.journal = left.to_owned();
        self.disk.life.point().await;
        Ok(())
    }
}

/// Secrets, in the file beside the state. Each write is two points: before it and after it.
pub(crate) struct Chest {
    store: Arc<dyn Store>,
    life: Arc<Life>,
}

impl Chest {
    pub(crate) fn new(store: &Arc<dyn Store>, life: &Arc<Life>) -> Self {
        Self {
            store: Arc::clone(store),
            life: Arc::clone(life),
        }
    }

    async fn open(&self) -> Result<(BTreeMap<String, String>, Option<Version>), StoreError> {
        let found = self.store.beside(Beside::Secrets).await?;
        Ok(match found {
            Some((bytes, version)) => {
                let all = serde_json::from_slice(&bytes).map_err(|error| StoreError::Io {
                    what: "the secrets are damaged".to_owned(),
                    why: error.into(),
                })?;
                (all, Some(version))
            }
            None => (BTreeMap::new(), None),
        })
    }

    /// All secrets by their places.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.open().await?.0)
    }

    async fn put(&self, place: &SecretUri, value: &str, fence: &dyn Fence) -> Result<(), StoreError> {
        loop {
            let (mut all, version) = self.open().await?;
            all.insert(place.to_string(), value.to_owned());
            let bytes = serde_json::to_vec(&all).unwrap();
            match self
                .store
                .put_beside(Beside::Secrets, version.as_ref(), &bytes, fence)
                .await
            {
                // Another operation of this run was faster.
                Err(StoreError::Changed(_)) => {}
                other => return other,
            }
        }
    }

    /// Somebody puts the secret of something where it belongs.
    pub(crate) async fn put_by_hand(&self, object: &Object) {
        if let (Some(place), Some(token)) = (place_of(object), &object.token) {
            self.put(place, token, &Unfenced).await.unwrap();
        }
    }
}

#[async_trait]
impl Secrets for Chest {
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        let all = self.all().await.map_err(|error| unreachable(uri, &error))?;
        let value = all.get(uri.as_str()).cloned();
        value
            .map(Secret::new)
            .ok_or_else(|| SecretError::Missing(uri.clone()))
    }

    async fn write(&self, uri: &SecretUri, value: &Secret, fence: &dyn Fence) -> Result<(), SecretError> {
        self.life.point().await;
        let put = self.put(uri, value.expose(), fence).await;
        self.life.point().await;
        put.map_err(|error| unreachable(uri, &error))
    }

    async fn writable(&self, _: &SecretUri) -> Result<(), SecretError> {
        Ok(())
    }
}

fn unreachable(uri: &SecretUri, error: &StoreError) -> SecretError {
    SecretError::Unreachable {
        place: uri.to_string(),
        why: error.to_string(),
    }
}

/// A clock on which time passes only while somebody waits.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Duration>);

#[async_trait]
impl Clock for Waiting {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
        tokio::task::yield_now().await;
    }
}
