//! How long a process lives, and the disk that outlives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gosling_engine::store::{Beside, Holder, Locked, Snapshot, Store, StoreError, Version};
use tokio::sync::Notify;

/// Counts the points at which a process could die, and ends it at one of them as kill -9 does: nothing after that
/// point happens.
#[derive(Default)]
pub(crate) struct Life {
    left: Mutex<Option<usize>>,
    passed: Mutex<usize>,
    ended: Notify,
}

impl Life {
    /// Lets the process pass so many points more; `None`: all of them.
    pub(crate) fn limit(&self, left: Option<usize>) {
        *self.left.lock().unwrap() = left;
        *self.passed.lock().unwrap() = 0;
    }

    /// How many points were passed since the limit was set.
    pub(crate) fn passed(&self) -> usize {
        *self.passed.lock().unwrap()
    }

    fn goes_on(&self) -> bool {
        *self.passed.lock().unwrap() += 1;
        match self.left.lock().unwrap().as_mut() {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// A point. Where the process dies, this never returns.
    pub(crate) async fn point(&self) {
        if !self.goes_on() {
            self.ended.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Runs something until it ends or dies.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.ended.notified() => None,
            ended = work => Some(ended),
        }
    }
}

#[derive(Debug, Default)]
struct Contents {
    snapshot: Snapshot,
    history: Vec<Vec<u8>>,
    beside: BTreeMap<Beside, Vec<u8>>,
    epoch: u64,
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
    ) -> Result<(), StoreError> {
        let now = self.beside(which).await?.map(|(_, version)| version);
        if now.as_ref() != expected {
            return Err(StoreError::Changed(which.file_name().to_owned()));
        }
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

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let mut contents = self.disk.contents.lock().unwrap();
        let whole = gosling_engine::journal::whole_length(&contents.snapshot.journal);
        contents.snapshot.journal.truncate(whole);
        Ok(contents.snapshot.clone())
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        self.disk.life.point().await;
        self.disk.may_write()?;
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
        write(half);
        self.disk.may_write()?;
        self.disk.life.point().await;
        write(rest);
        self.disk.life.point().await;
        Ok(())
    }

    async fn cut(&self) -> Result<(), StoreError> {
        self.disk.life.point().await;
        self.disk.may_write()?;
        self.disk.contents.lock().unwrap().snapshot.journal.clear();
        self.disk.life.point().await;
        Ok(())
    }
}
