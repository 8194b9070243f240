//! A state at a service, shared by all who may reach it.
//!
//! All that is true stands in one object, the head: who holds the lock, its epoch, and the names of the blobs that are
//! the state, the states before it and the pieces of the journal. Every step replaces the head on the condition that
//! it is still the one that was read, so that of two who write one is refused, and a holder whose lock was taken over
//! can write no more. What was put and came into no head is garbage.

mod head;
mod objects;
mod service;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use super::{Beside, Displaced, Holder, Locked, Rewrite, Salvage, Snapshot, Store, StoreError, Version};
use crate::fence::{Fence, LEASE};
use crate::journal;
use crate::run::new_op;
use head::{Head, HeadLock};
use objects::InObjects;

pub use objects::{Expect, Objects};
pub use service::{Blob, Commit, NotPut, OwnLock, PutError, Service, surely};

/// How many blobs are asked for at once.
const AT_ONCE: usize = 8;
/// How often a reader begins anew when what it reads goes away under it, and a writer when its own earlier write shows
/// up late.
const ATTEMPTS: usize = 8;
/// How often a lock is given back whose outcome is not known.
const RELEASES: u32 = 3;

/// Letters that nobody else has.
fn random() -> Result<String, StoreError> {
    new_op().map_err(|error| StoreError::Io {
        what: "cannot name anything".to_owned(),
        why: std::io::Error::other(error.to_string()),
    })
}

/// A state at a service.
#[derive(Clone)]
pub struct RemoteStore {
    service: Arc<dyn Service>,
    kept: usize,
    lease: Duration,
}

impl RemoteStore {
    /// At this service; so many earlier states are kept. Calls nobody.
    #[must_use]
    pub fn new(service: Arc<dyn Service>, kept: usize) -> Self {
        Self {
            service,
            kept,
            lease: LEASE,
        }
    }

    /// The same, whose locks rely on a confirmation for so long. Each lock says so itself: whoever takes it over waits
    /// as long, whatever its own locks say.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// In these objects; so many earlier states are kept. Calls nobody.
    #[must_use]
    pub fn over(objects: Arc<dyn Objects>, kept: usize) -> Self {
        Self::new(Arc::new(InObjects(objects)), kept)
    }

    async fn head(&self) -> Result<Option<(Head, Version)>, StoreError> {
        let head = self.service.head().await?;
        head.map(|read| self.known(read)).transpose()
    }

    fn known(&self, (bytes, version): (Vec<u8>, Version)) -> Result<(Head, Version), StoreError> {
        Ok((Head::from_bytes(&bytes, &self.service.place())?, version))
    }

    /// Replaces the head; what stands there instead, where somebody else was faster.
    async fn commit(
        &self,
        expected: Option<&Version>,
        head: &Head,
        blob: Option<(&str, &[u8])>,
        lock: &str,
    ) -> Result<Committed, StoreError> {
        let bytes = head.to_bytes()?;
        let commit = Commit {
            expected,
            head: &bytes,
            blob,
            lock,
        };
        let put = surely(
            &bytes,
            expected,
            || self.service.commit(commit),
            || self.service.head(),
        );
        match put.await {
            Ok(version) => Ok(Committed::Ours(version)),
            Err(NotPut::Changed(there)) => {
                let there = there.map(|read| self.known(read)).transpose()?;
                Ok(Committed::Anothers(there.map(Box::new)))
            }
            Err(NotPut::Failed(error)) => Err(error),
        }
    }

    /// The blobs of these names, in this order; `None` where one of them is gone.
    async fn blobs(&self, names: Vec<String>) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
        let blobs = stream::iter(names).map(|name| async move { self.service.blob(&name).await });
        let blobs: Vec<Option<Vec<u8>>> = blobs.buffered(AT_ONCE).try_collect().await?;
        Ok(blobs.into_iter().collect())
    }

    /// What `wanted` names of the present head. Whoever reads without the lock may find that what was just named was
    /// removed, and then there is a newer head.
    async fn read(&self, wanted: impl Fn(&Head) -> Vec<String>) -> Result<Option<Read>, StoreError> {
        let mut before = None;
        for _ in 0..ATTEMPTS {
            let Some((head, version)) = self.head().await? else {
                return Ok(None);
            };
            if let Some(blobs) = self.blobs(wanted(&head)).await? {
                return Ok(Some(Read { head, version, blobs }));
            }
            if before.as_ref() == Some(&version) {
                break;
            }
            before = Some(version);
        }
        Err(StoreError::Io {
            what: format!("cannot read {}", self.service.place()),
            why: std::io::Error::other("an object that its head names is missing: was it deleted by hand?"),
        })
    }

    async fn snapshot(&self) -> Result<Option<(Snapshot, Head, Version)>, StoreError> {
        let wanted = |head: &Head| head.state.iter().chain(&head.journal).cloned().collect();
        let read = self.read(wanted).await?;
        Ok(read.map(|Read { head, version, blobs }| {
            let mut blobs = blobs.into_iter();
            let state = head.state.as_ref().and_then(|_| blobs.next());
            let journal = blobs.flatten().collect();
            (Snapshot { state, journal }, head, version)
        }))
    }

    async fn take(&self, holder: &Holder, force: bool) -> Result<Box<dyn Locked>, StoreError> {
        let id = random()?;
        let own = self.service.lock(&id, holder, force).await?;
        if let OwnLock::Held(holder) = own {
            return Err(StoreError::Locked(holder));
        }
        let taken = self.enter(&id, holder, force || own == OwnLock::Taken).await;
        if taken.is_err() && own == OwnLock::Taken {
            // Where this fails too the lock stays, and names its holder to the next.
            let _ = self.service.unlock(&id).await;
        }
        let held = Box::new(taken?);
        match held.tidy().await {
            Ok(()) => Ok(held),
            Err(error) => {
                // The first error is the one to tell; where this fails too the lock stays, and names its holder.
                let _ = held.release().await;
                Err(error)
            }
        }
    }

    /// Writes a new lock into the head.
    async fn enter(&self, id: &str, holder: &Holder, force: bool) -> Result<HeldRemote, StoreError> {
        let mut there = self.head().await?;
        loop {
            let (head, version) = match there {
                Some((head, version)) => (head, Some(version)),
                None => (Head::new(), None),
            };
            if !force && head.lock.is_some() {
                return Err(StoreError::Locked(head.holder()));
            }
            if !head.conditions {
                self.service.try_conditions().await?;
            }
            let mut next = head.clone();
            next.write = random()?;
            next.epoch += 1;
            next.conditions = true;
            let before = next.lock.replace(HeadLock::new(id, holder, self.lease));
            next.displaced.extend(before.filter(|before| before.id != id));
            next.garbage.extend(
                version
                    .as_ref()
                    .and_then(|version| self.service.head_name(version)),
            );
            next.garbage.retain(|name| !head.names(name));
            match self.commit(version.as_ref(), &next, None, id).await? {
                Committed::Ours(version) => {
                    return Ok(HeldRemote {
                        store: self.clone(),
                        id: id.to_owned(),
                        holder: holder.clone(),
                        epoch: next.epoch,
                        at: Mutex::new((next, version)),
                    });
                }
                Committed::Anothers(now) => there = now.map(|now| *now),
            }
        }
    }
}

/// What came of a commit.
enum Committed {
    /// It is the head.
    Ours(Version),
    /// This is.
    Anothers(Option<Box<(Head, Version)>>),
}

/// A head and those of its blobs that were wanted.
struct Read {
    head: Head,
    version: Version,
    blobs: Vec<Vec<u8>>,
}

#[async_trait]
impl Store for RemoteStore {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        let read = self.snapshot().await?;
        Ok(read.map(|(snapshot, ..)| snapshot).unwrap_or_default())
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.take(holder, false).await
    }

    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.take(holder, true).await
    }

    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        let head = self.head().await?;
        Ok(head.and_then(|(head, _)| head.lock).map(|lock| lock.holder))
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.service.beside(which).await
    }

    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        let put = || async {
            fence
                .confirm()
                .await
                .map_err(|error| PutError::Refused(error.into()))?;
            self.service.put_beside(which, expected, bytes).await
        };
        match surely(bytes, expected, put, || self.service.beside(which)).await {
            Ok(_) => Ok(()),
            Err(NotPut::Changed(_)) => Err(StoreError::Changed(format!(
                "{} of {}",
                which.file_name(),
                self.service.place()
            ))),
            Err(NotPut::Failed(error)) => Err(error),
        }
    }

    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let read = self.read(|head| head.history.clone()).await?;
        Ok(read.map(|read| read.blobs).unwrap_or_default())
    }

    async fn salvage(&self) -> Result<Salvage, StoreError> {
        let Some((head, _)) = self.head().await? else {
            return Ok(Salvage::default());
        };
        let mut salvage = Salvage::default();
        if let Some(state) = &head.state {
            salvage.state = self.service.blob(state).await?;
        }
        for name in &head.history {
            salvage.history.extend(self.service.blob(name).await?);
        }
        for name in &head.journal {
            match self.service.blob(name).await? {
                Some(piece) => salvage.journal.extend(piece),
                None => salvage.gaps += 1,
            }
        }
        let (records, gaps) = journal::readable(&salvage.journal);
        salvage.records = records.into_iter().map(<[u8]>::to_vec).collect();
        salvage.gaps += gaps;
        Ok(salvage)
    }

    fn place(&self) -> String {
        self.service.place()
    }
}

/// A remote store under its lock.
struct HeldRemote {
    store: RemoteStore,
    /// The lock's.
    id: String,
    holder: Holder,
    epoch: u64,
    /// The head as this holder last wrote or read it.
    at: Mutex<(Head, Version)>,
}

impl HeldRemote {
    /// Replaces the head by one that `change` makes of it, and of the name of the new blob.
    async fn commit(
        &self,
        blob: Option<(Blob, &[u8])>,
        change: impl Fn(&mut Head, Option<String>) + Send + Sync,
    ) -> Result<(), StoreError> {
        let service = &self.store.service;
        let mut at = self.at.lock().await;
        for _ in 0..ATTEMPTS {
            let (head, version) = &*at;
            let named = blob.map(|(kind, bytes)| {
                let name = service.blob_name(Some(version), kind, self.epoch)?;
                Ok::<_, StoreError>((name, bytes))
            });
            let named = named.transpose()?;
            let mut next = head.clone();
            next.write = random()?;
            next.garbage.extend(service.head_name(version));
            change(&mut next, named.as_ref().map(|(name, _)| name.clone()));
            let mut garbage = std::mem::take(&mut next.garbage);
            garbage.retain(|name| !next.names(name));
            next.garbage = garbage;
            let sent = named.as_ref().map(|(name, bytes)| (name.as_str(), *bytes));
            match self.store.commit(Some(version), &next, sent, &self.id).await {
                Ok(Committed::Ours(version)) => {
                    *at = (next, version);
                    return Ok(());
                }
                // A write of our own, of which nobody knew what became, has come late. This one goes on top of it.
                Ok(Committed::Anothers(Some(there))) if there.0.is_under(&self.id) => *at = *there,
                Ok(Committed::Anothers(there)) => {
                    return Err(StoreError::TakenOver(there.and_then(|there| there.0.holder())));
                }
                // The service's own lock is gone. By whom, the head says once the next holder has come that far.
                Err(StoreError::TakenOver(None)) => {
                    let there = self.store.head().await?.map(|(head, _)| head);
                    let another = there.filter(|head| !head.is_under(&self.id));
                    return Err(StoreError::TakenOver(another.and_then(|head| head.holder())));
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Io {
            what: format!("cannot write {}", self.store.place()),
            why: std::io::Error::other("earlier writes keep coming late"),
        })
    }

    /// Gives the lock back, once.
    async fn give_back(&self) -> Result<(), StoreError> {
        match self.commit(None, |head, _| head.lock = None).await {
            // Whoever took it over has it now: there is nothing to give back. So it is where an earlier attempt got through.
            Ok(()) | Err(StoreError::TakenOver(_)) => {}
            Err(error) => return Err(error),
        }
        self.store.service.unlock(&self.id).await
    }

    /// Removes what nothing rests on any more. What could not be removed stays in the head as garbage, and the next to
    /// tidy tries again: a state that is saved is no failure because of it.
    async fn sweep(&self) {
        let garbage = self.at.lock().await.0.garbage.clone();
        let removals = stream::iter(garbage).map(|name| async move {
            let removed = self.store.service.remove(&name).await;
            removed.ok().map(|()| name)
        });
        let gone: Vec<String> = removals
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        // The next commit tells that they are gone; until then the head names a few too many, which harms nobody.
        let mut at = self.at.lock().await;
        at.0.garbage.retain(|name| !gone.contains(name));
    }

    /// Removes what earlier holders left: they can commit nothing any more.
    async fn tidy(&self) -> Result<(), StoreError> {
        let strays = self.store.service.strays(self.epoch).await?;
        {
            let mut at = self.at.lock().await;
            let head = &mut at.0;
            let strays: Vec<String> = strays
                .into_iter()
                .filter(|name| !head.names(name) && !head.garbage.contains(name))
                .collect();
            head.garbage.extend(strays);
        }
        self.sweep().await;
        Ok(())
    }
}

#[async_trait]
impl Locked for HeldRemote {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        let own = self.store.service.holds(&self.id).await?;
        if own == Some(true) {
            return Ok(());
        }
        match self.store.head().await? {
            Some((head, _)) if head.is_under(&self.id) && own.is_none() => Ok(()),
            there => {
                let another = there.filter(|(head, _)| !head.is_under(&self.id));
                Err(StoreError::TakenOver(another.and_then(|(head, _)| head.holder())))
            }
        }
    }

    fn lease(&self) -> Duration {
        self.store.lease
    }

    async fn displaced(&self) -> Vec<Displaced> {
        let head = &self.at.lock().await.0;
        head.displaced.iter().map(Displaced::from).collect()
    }

    async fn forget_displaced(&self) -> Result<(), StoreError> {
        self.commit(None, |head, _| head.displaced.clear()).await
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let mut at = self.at.lock().await;
        match self.store.snapshot().await? {
            Some((snapshot, head, version)) if head.is_under(&self.id) => {
                if version != at.1 {
                    *at = (head, version);
                }
                Ok(snapshot)
            }
            other => Err(StoreError::TakenOver(
                other.and_then(|(_, head, _)| head.holder()),
            )),
        }
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        let kept = self.store.kept;
        let saved = self.commit(Some((Blob::State, state)), |head, name| {
            head.history.splice(0..0, head.state.take());
            head.state = name;
            let dropped = head.history.split_off(kept.min(head.history.len()));
            head.garbage.extend(dropped);
        });
        saved.await?;
        self.sweep().await;
        Ok(())
    }

    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        let added = self.commit(Some((Blob::Journal, records)), |head, name| {
            head.journal.extend(name);
        });
        added.await
    }

    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        if left.is_empty() && self.at.lock().await.0.journal.is_empty() {
            return Ok(());
        }
        let blob = (!left.is_empty()).then_some((Blob::Journal, left));
        let cut = self.commit(blob, |head, name| {
            let journal = std::mem::replace(&mut head.journal, name.into_iter().collect());
            head.garbage.extend(journal);
        });
        cut.await?;
        self.sweep().await;
        Ok(())
    }

    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        let names: Vec<String> = {
            let head = &self.at.lock().await.0;
            head.state.iter().chain(&head.history).cloned().collect()
        };
        let mut rewritten = 0;
        for old in names {
            let bytes = self.store.service.blob(&old).await?;
            let Some(new) = bytes.map(|bytes| change(&bytes)).transpose()?.flatten() else {
                continue;
            };
            let replaced = self.commit(Some((Blob::State, &new)), |head, name| {
                let states = head.state.iter_mut().chain(&mut head.history);
                for state in states.filter(|state| **state == old) {
                    state.clone_from(name.as_ref().unwrap_or(&old));
                }
                head.garbage.push(old.clone());
            });
            replaced.await?;
            rewritten += 1;
        }
        self.sweep().await;
        Ok(rewritten)
    }

    async fn release(&self) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(100);
        for attempt in 1.. {
            match self.give_back().await {
                Ok(()) => break,
                Err(error) if attempt == RELEASES => return Err(error),
                // The work is done, and a lock that stays is in everybody's way.
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        Ok(())
    }
}
