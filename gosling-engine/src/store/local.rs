//! A folder: `state.json`, `state.json.1` (the one before) to `.N`, `journal`, `lock`, `epoch`, and what lies beside
//! the state, each with a lock of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Beside, Holder, Locked, Rewrite, Snapshot, Store, StoreError, Version};
use crate::durable::{Files, Lock, System};
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
    epoch: u64,
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

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn earlier(&self, number: usize) -> PathBuf {
        self.path(&format!("state.json.{number}"))
    }

    /// The bytes of a file, `None` where there is none.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match self.files.read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("cannot read", path)(error)),
        }
    }

    /// The epoch of the last lock.
    fn last_epoch(&self, path: &Path) -> Result<u64, StoreError> {
        let Some(bytes) = self.read(path)? else {
            return Ok(0);
        };
        let text = String::from_utf8_lossy(&bytes);
        text.trim().parse().map_err(|_| {
            let why = format!(
                "`{}` is no number; put the highest one back that was in it",
                text.trim()
            );
            failed("cannot use", path)(io::Error::new(io::ErrorKind::InvalidData, why))
        })
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
    let what = format!("{what} {}", path.display());
    move |why| StoreError::Io { what, why }
}

#[async_trait]
impl Store for LocalStore {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            state: self.read(&self.path("state.json"))?,
            journal: self.read(&self.path("journal"))?.unwrap_or_default(),
        })
    }

    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.files
            .make_folder(&self.folder)
            .map_err(failed("cannot make", &self.folder))?;
        let path = self.path("lock");
        let Some(lock) = self.try_lock(&path).await? else {
            let holder = self
                .read(&path)?
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            return Err(StoreError::Locked(holder));
        };
        let said = serde_json::to_vec(holder).unwrap_or_default();
        lock.say(&said).map_err(failed("cannot write", &path))?;
        let path = self.path("epoch");
        let epoch = self.last_epoch(&path)? + 1;
        self.files
            .replace(&path, format!("{epoch}\n").as_bytes())
            .map_err(failed("cannot write", &path))?;
        Ok(Box::new(Held {
            store: self.clone(),
            epoch,
            holder: holder.clone(),
            _lock: lock,
        }))
    }

    /// A lock here ends with its process: whoever holds it is alive.
    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.lock(holder).await
    }

    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        let path = self.path("lock");
        if !self.files.is_there(&path) {
            return Ok(None);
        }
        // Whoever gets it sees that it was free, and lets go at once: `lock` waits for as long as that takes.
        if self
            .files
            .lock(&path)
            .map_err(failed("cannot lock", &path))?
            .is_some()
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
        self.files
            .make_folder(&self.folder)
            .map_err(failed("cannot make", &self.folder))?;
        let _alone = self.alone(which).await?;
        let now = self.beside(which).await?.map(|(_, version)| version);
        let path = self.path(&which.file_name());
        if now.as_ref() != expected {
            return Err(StoreError::Changed(path.display().to_string()));
        }
        fence.confirm().await?;
        self.files
            .replace(&path, bytes)
            .map_err(failed("cannot write", &path))
    }

    async fn writable(&self) -> Result<(), StoreError> {
        match self.files.may_write_into(&self.folder) {
            // It is made with the state.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            may => may.map_err(failed("cannot write into", &self.folder)),
        }
    }

    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let states = (1..=self.kept).map(|number| self.read(&self.earlier(number)));
        states.filter_map(Result::transpose).collect()
    }

    fn place(&self) -> String {
        self.path("state.json").display().to_string()
    }
}

#[async_trait]
impl Locked for Held {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The lock ends with its process alone, unless somebody removed its file: then the epoch tells.
    async fn confirm(&self) -> Result<(), StoreError> {
        if self.store.last_epoch(&self.store.path("epoch"))? == self.epoch {
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
        let whole = journal::whole_length(&snapshot.journal);
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

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        let path = self.store.path("state.json");
        if let Some(before) = self.store.read(&path)? {
            for number in (1..self.store.kept).rev() {
                let (from, to) = (self.store.earlier(number), self.store.earlier(number + 1));
                match self.store.files.rename(&from, &to) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed("cannot rename", &from)(error));
                    }
                    _ => {}
                }
            }
            let kept = self.store.earlier(1);
            self.store
                .files
                .replace(&kept, &before)
                .map_err(failed("cannot write", &kept))?;
        }
        self.store
            .files
            .replace(&path, state)
            .map_err(failed("cannot write", &path))
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

    async fn cut(&self) -> Result<(), StoreError> {
        let path = self.store.path("journal");
        self.store
            .files
            .truncate(&path, 0)
            .map_err(failed("cannot cut", &path))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fence::Unfenced;

    fn holder(command: &str) -> Holder {
        Holder {
            user: "ada".into(),
            host: "build".into(),
            pid: 7,
            since: "2026-01-01T00:00:00Z".into(),
            command: command.into(),
            pipeline: Some("https://gitlab.example.com/p/1".into()),
        }
    }

    #[tokio::test]
    async fn one_holds_the_lock_and_the_next_has_a_higher_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().join("state"), 10);
        let first = store.lock(&holder("gosling apply")).await.unwrap();
        let refused = store.lock(&holder("gosling destroy")).await.err().unwrap();
        assert!(refused.to_string().contains("ada@build (process 7)"), "{refused}");
        assert!(refused.to_string().contains("gosling apply"), "{refused}");
        assert!(
            refused.to_string().contains("in https://gitlab.example.com/p/1"),
            "{refused}"
        );
        let by = store.held_by().await.unwrap();
        assert_eq!(by.as_ref(), Some(first.holder()));
        assert_eq!(first.epoch(), 1);
        drop(first);
        assert_eq!(store.held_by().await.unwrap(), None);
        assert_eq!(store.lock(&holder("gosling apply")).await.unwrap().epoch(), 2);
    }

    #[tokio::test]
    async fn the_last_states_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().to_owned(), 3);
        let locked = store.lock(&holder("gosling apply")).await.unwrap();
        for number in 0..6 {
            locked.save(format!("state {number}").as_bytes()).await.unwrap();
        }
        let now = store.peek().await.unwrap().state.unwrap();
        assert_eq!(now, b"state 5");
        let history = store.history().await.unwrap();
        assert_eq!(history, [b"state 4", b"state 3", b"state 2"]);
    }

    #[tokio::test]
    async fn who_comes_second_beside_the_state_must_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().join("state"), 3);
        assert_eq!(store.beside(Beside::Audit).await.unwrap(), None);
        store
            .put_beside(Beside::Audit, None, b"one", &Unfenced)
            .await
            .unwrap();
        let (_, first) = store.beside(Beside::Audit).await.unwrap().unwrap();
        let late = store
            .put_beside(Beside::Audit, None, b"other", &Unfenced)
            .await
            .err()
            .unwrap();
        assert!(matches!(late, StoreError::Changed(_)), "{late}");
        store
            .put_beside(Beside::Audit, Some(&first), b"two", &Unfenced)
            .await
            .unwrap();
        let late = store
            .put_beside(Beside::Audit, Some(&first), b"three", &Unfenced)
            .await;
        assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
        assert_eq!(store.beside(Beside::Audit).await.unwrap().unwrap().0, b"two");
    }

    #[tokio::test]
    async fn a_torn_end_is_cut_before_anything_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::new(folder.path().to_owned(), 3);
        let record = journal::Record::Unknown {
            op: "a".into(),
            message: "cut".into(),
        };
        let frame = journal::frame(&record).unwrap();
        let locked = store.lock(&holder("gosling apply")).await.unwrap();
        locked.append(&frame).await.unwrap();
        locked.append(&frame[..5]).await.unwrap();
        assert_eq!(locked.load().await.unwrap().journal, frame);
        locked.append(&frame).await.unwrap();
        let both = locked.load().await.unwrap().journal;
        assert_eq!(journal::records(&both).unwrap().0, [record.clone(), record]);
    }
}
