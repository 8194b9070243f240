//! A folder: `state.json`, `state.json.1` (the one before) to `.N`, `journal`, `lock`, `epoch`, and what lies beside
//! the state, each with a lock of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{Beside, EpochFile, Holder, Locked, Rewrite, Snapshot, Store, StoreError, Version};
use crate::durable::{Files, Lock, System, Unsafe};
use crate::fence::Fence;
use crate::journal;
use crate::state;

/// How long another process may write a file beside the state, for which it needs a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A state in a folder of this machine.
#[derive(Debug, Clone)]
pub struct LocalStore {
    files: Arc<dyn Files>,
    folder: PathBuf,
    kept: usize,
}

struct Held {
    store: LocalStore,
    epoch: AtomicU64,
    holder: Holder,
    /// Ends with this.
    _lock: Box<dyn Lock>,
}

impl LocalStore {
    /// In this folder, which is made when something is first saved; so many earlier states are kept.
    #[must_use]
    pub fn new(folder: PathBuf, kept: usize) -> Self {
        Self::on(Arc::new(System), folder, kept)
    }

    /// The same on another file system than the real one.
    #[must_use]
    pub fn on(files: Arc<dyn Files>, folder: PathBuf, kept: usize) -> Self {
        Self { files, folder, kept }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn earlier(&self, number: usize) -> PathBuf {
        self.path(&format!("state.json.{number}"))
    }

    /// Refuses a folder that is a link, or that others may write into. One that is not there is made later.
    fn examine(&self) -> Result<(), StoreError> {
        match self.files.examine(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            examined => examined.map_err(failed("cannot use", &self.folder)),
        }
    }

    /// Makes the folder where it is missing.
    fn make(&self) -> Result<(), StoreError> {
        self.examine()?;
        self.files
            .make_folder(&self.folder)
            .map_err(failed("cannot make", &self.folder))
    }

    /// The bytes of a file, `None` where there is none.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match self.files.read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("cannot read", path)(error)),
        }
    }

    /// Gives each kept state the number behind its own; the last is dropped.
    fn make_room(&self) -> Result<(), StoreError> {
        for number in (1..self.kept).rev() {
            let (from, to) = (self.earlier(number), self.earlier(number + 1));
            match self.files.rename(&from, &to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("cannot rename", &from)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The epoch of the last lock; `None` where its file is missing.
    fn last_epoch(&self, path: &Path) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.read(path)? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        text.trim().parse().map(Some).map_err(|_| {
            let why = format!(
                "`{}` is no number; put the highest one back that was in it",
                text.trim()
            );
            failed("cannot use", path)(io::Error::new(io::ErrorKind::InvalidData, why))
        })
    }

    fn set_epoch(&self, path: &Path, epoch: u64) -> Result<(), StoreError> {
        self.files
            .replace(path, format!("{epoch}\n").as_bytes())
            .map_err(failed("cannot write", path))
    }

    /// The lock of the state; `None` where another process keeps it for longer than one needs to look whether it is
    /// free.
    async fn try_lock(&self, path: &Path) -> Result<Option<Box<dyn Lock>>, StoreError> {
        for _ in 0..5 {
            if let Some(lock) = self.files.lock(path).map_err(failed("cannot lock", path))? {
                return Ok(Some(lock));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(None)
    }

    /// Waits until no other process writes this file.
    async fn alone(&self, which: Beside) -> Result<Box<dyn Lock>, StoreError> {
        // The parts of the audit are one log.
        let which = match which {
            Beside::AuditPart(_) => Beside::Audit,
            other => other,
        };
        let path = self.path(&format!("{}.lock", which.file_name()));
        let pause = Duration::from_millis(10);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            match self.files.lock(&path).map_err(failed("cannot lock", &path))? {
                Some(lock) => return Ok(lock),
                None => tokio::time::sleep(pause).await,
            }
        }
        Err(failed("cannot lock", &path)(io::Error::other(
            "another process keeps it",
        )))
    }
}

fn failed(what: &str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let (what, path) = (format!("{what} {}", path.display()), path.to_owned());
    move |why| {
        match (Unsafe::of(&why), why.kind()) {
        (Some(reason), _) => StoreError::Refused {
            what: format!("{what}: {reason}"),
            help: reason.way_out(&path),
        },
        (None, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => StoreError::Refused {
            what: format!("{what}: {why}"),
            help: "the state, its lock and its journal are in this folder: the user that runs gosling must be able to \
                   read and write there"
                .to_owned(),
        },
        (None, _) => StoreError::Io { what, why },
    }
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        self.examine()?;
        Ok(Snapshot {
            state: self.read(&self.path("state.json"))?,
            journal: self.read(&self.path("journal"))?.unwrap_or_default(),
        })
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.make()?;
        let path = self.path("lock");
        let Some(lock) = self.try_lock(&path).await? else {
            let holder = self
                .read(&path)?
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            return Err(StoreError::Locked(holder));
        };
        let said = serde_json::to_vec(holder).unwrap_or_default();
        lock.say(&said).map_err(failed("cannot write", &path))?;
        // Only the holder of this lock replaces these: a temporary is a killed process's, and may be a plain-text state.
        for name in ["state.json", "journal", "epoch"] {
            let path = self.path(name);
            self.files
                .remove_leftovers(&path)
                .map_err(failed("cannot remove what is left of", &path))?;
        }
        let path = self.path("epoch");
        let last = self.last_epoch(&path)?.unwrap_or(0);
        let epoch = last.checked_add(1).ok_or_else(|| {
            let why = "there is no number after the one in it; put the highest one back that a state names";
            failed("cannot use", &path)(io::Error::new(io::ErrorKind::InvalidData, why))
        })?;
        self.set_epoch(&path, epoch)?;
        Ok(Box::new(Held {
            store: self.clone(),
            epoch: epoch.into(),
            holder: holder.clone(),
            _lock: lock,
        }))
    }

    /// A lock here ends with its process: whoever holds it is alive.
    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.lock(holder).await
    }

    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        self.examine()?;
        let path = self.path("lock");
        if !self.files.is_there(&path) {
            return Ok(None);
        }
        // To see that it is free is to hold it for a moment: `lock` waits for as long as that takes.
        if !self
            .files
            .is_locked(&path)
            .map_err(failed("cannot read", &path))?
        {
            return Ok(None);
        }
        let said = self.read(&path)?.unwrap_or_default();
        let holder = serde_json::from_slice(&said);
        let strange = |error: serde_json::Error| io::Error::other(error.to_string());
        holder
            .map(Some)
            .map_err(|error| failed("cannot read who holds", &path)(strange(error)))
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.examine()?;
        let bytes = self.read(&self.path(&which.file_name()))?;
        Ok(bytes.map(|bytes| {
            let version = Version(state::digest(&bytes));
            (bytes, version)
        }))
    }

    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        self.make()?;
        let _alone = self.alone(which).await?;
        let now = self.beside(which).await?.map(|(_, version)| version);
        let path = self.path(&which.file_name());
        if now.as_ref() != expected {
            return Err(StoreError::Changed(path.display().to_string()));
        }
        fence.confirm().await?;
        self.files
            .remove_leftovers(&path)
            .map_err(failed("cannot remove what is left of", &path))?;
        self.files
            .replace(&path, bytes)
            .map_err(failed("cannot write", &path))
    }

    async fn epoch(&self) -> Result<Option<EpochFile>, StoreError> {
        let path = self.path("epoch");
        Ok(Some(EpochFile {
            epoch: self.last_epoch(&path)?,
            path: path.display().to_string(),
        }))
    }

    async fn writable(&self) -> Result<(), StoreError> {
        match self.files.may_write_into(&self.folder) {
            // It is made with the state.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // Whoever asks tells a folder that is mounted read-only from any other error.
            Err(why) if Unsafe::of(&why).is_none() => Err(StoreError::Io {
                what: format!("cannot write into {}", self.folder.display()),
                why,
            }),
            may => may.map_err(failed("cannot write into", &self.folder)),
        }
    }

    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.examine()?;
        let states = (1..=self.kept).map(|number| self.read(&self.earlier(number)));
        states.filter_map(Result::transpose).collect()
    }

    fn folder(&self) -> Option<PathBuf> {
        Some(self.folder.clone())
    }

    fn place(&self) -> String {
        self.path("state.json").display().to_string()
    }
}

#[async_trait]
impl Locked for Held {
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    async fn raise(&self, epoch: u64) -> Result<(), StoreError> {
        if epoch > self.epoch() {
            self.store.set_epoch(&self.store.path("epoch"), epoch)?;
            self.epoch.store(epoch, Ordering::SeqCst);
        }
        Ok(())
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The lock ends with its process alone, unless somebody removed its file: then the epoch tells.
    async fn confirm(&self) -> Result<(), StoreError> {
        if self.store.last_epoch(&self.store.path("epoch"))? == Some(self.epoch()) {
            return Ok(());
        }
        let said = self.store.read(&self.store.path("lock"))?;
        let holder = said.and_then(|said| serde_json::from_slice(&said).ok());
        Err(StoreError::TakenOver(holder))
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        // What a killed process wrote last is rested on from here: it has to be there after a power cut too. The names
        // in the folder were synced with the epoch.
        let path = self.store.path("journal");
        self.store
            .files
            .settle(&path)
            .map_err(failed("cannot sync", &path))?;
        let snapshot = self.store.peek().await?;
        let (_, whole) = journal::frames(&snapshot.journal).map_err(|error| {
            let help = error.way_out().unwrap_or_default().to_owned();
            let what = format!("{}: {error}", path.display());
            StoreError::Refused { what, help }
        })?;
        let mut journal = snapshot.journal;
        if whole < journal.len() {
            self.store
                .files
                .truncate(&path, whole as u64)
                .map_err(failed("cannot cut", &path))?;
            journal.truncate(whole);
        }
        Ok(Snapshot { journal, ..snapshot })
    }

    /// All that needs room on the disk is written first: a full one moves no kept state.
    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        let store = &self.store;
        let files = &*store.files;
        let path = store.path("state.json");
        let kept = store.earlier(1);
        let before = store.read(&path)?;
        // Whoever was stopped between the two has kept it already.
        let before = match before {
            Some(before) if store.read(&kept)?.as_ref() == Some(&before) => None,
            other => other,
        };
        let new = files
            .prepare(&path, state)
            .map_err(failed("cannot write", &path))?;
        if let Some(before) = before {
            let first = match files.prepare(&kept, &before) {
                Ok(first) => first,
                Err(error) => {
                    new.discard(files);
                    return Err(failed("cannot write", &kept)(error));
                }
            };
            let moved = store.make_room().and_then(|()| {
                let put = first.put(files);
                put.map_err(failed("cannot write", &kept))
            });
            if let Err(error) = moved {
                new.discard(files);
                return Err(error);
            }
        }
        new.put(files).map_err(failed("cannot write", &path))
    }

    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        let path = self.store.path("journal");
        self.store
            .files
            .append(&path, records)
            .map_err(failed("cannot write", &path))
    }

    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        let store = &self.store;
        let mut rewritten = 0;
        let mut path = store.path("state.json");
        // Those too that were kept when more of them were.
        for number in 1.. {
            let bytes = store.read(&path)?;
            if bytes.is_none() && number > store.kept + 1 {
                break;
            }
            if let Some(new) = bytes.map(|bytes| change(&bytes)).transpose()?.flatten() {
                let replaced = store.files.replace(&path, &new);
                replaced.map_err(failed("cannot write", &path))?;
                rewritten += 1;
            }
            path = store.earlier(number);
        }
        Ok(rewritten)
    }

    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        let path = self.store.path("journal");
        let cut = match left {
            // A full disk is no reason to keep what nothing rests on.
            [] => self.store.files.truncate(&path, 0),
            left => self.store.files.replace(&path, left),
        };
        cut.map_err(failed("cannot cut", &path))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
