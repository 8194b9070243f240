use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::durable::OpenFile;
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
async fn an_epoch_after_which_there_is_no_other_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().join("state"), 10);
    drop(store.lock(&holder("gosling apply")).await.unwrap());
    let path = folder.path().join("state/epoch");
    std::fs::write(&path, format!("{}\n", u64::MAX)).unwrap();
    let refused = store.lock(&holder("gosling apply")).await.err().unwrap();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", u64::MAX));
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
async fn a_lock_removes_what_killed_processes_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().to_owned(), 3);
    let path = |name: &str| folder.path().join(name);
    let left = [
        ".state.json.77.new",
        ".state.json.1.77.new",
        ".journal.77.new",
        ".epoch.77.new",
    ];
    let others = [
        ".state.jsonl.77.new",
        ".secrets.age.77.new",
        "state.json.7",
        ".new",
    ];
    for name in left.iter().chain(&others) {
        std::fs::write(path(name), "plain").unwrap();
    }
    let _locked = store.lock(&holder("gosling state rotate")).await.unwrap();
    let there = |names: &[&str]| names.iter().filter(|name| path(name).exists()).count();
    assert_eq!((there(&left), there(&others)), (0, others.len()));
    store
        .put_beside(Beside::Secrets, None, b"sealed", &Unfenced)
        .await
        .unwrap();
    assert!(!path(".secrets.age.77.new").exists());
}

#[tokio::test]
async fn no_link_is_followed_and_nothing_that_others_may_write_is_used() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    let refused = async |store: &LocalStore, words: &str, help: &str| {
        let peeked = store.peek().await.err();
        let locked = match store.lock(&holder("gosling apply")).await {
            Ok(locked) => locked.load().await.err(),
            Err(error) => Some(error),
        };
        let beside = store
            .put_beside(Beside::Audit, None, b"line", &Unfenced)
            .await
            .err();
        let all = [peeked, locked, beside].into_iter().flatten();
        let all: Vec<StoreError> = all.collect();
        assert!(!all.is_empty(), "{words}");
        for error in all {
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.way_out().unwrap().contains(help), "{error:?}");
        }
    };
    for name in [
        "lock",
        "journal",
        "state.json",
        "epoch",
        "audit.jsonl",
        "audit.jsonl.lock",
    ] {
        std::fs::write(&victim, "precious").unwrap();
        let folder = tempfile::tempdir().unwrap();
        symlink(&victim, folder.path().join(name)).unwrap();
        let store = LocalStore::new(folder.path().to_owned(), 3);
        refused(&store, "it is a link", "GOSLING_STATE").await;
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join(".gosling");
    symlink(outside.path(), &link).unwrap();
    refused(&LocalStore::new(link, 3), "it is a link", "GOSLING_STATE").await;
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);

    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().to_owned(), 3);
    std::fs::write(folder.path().join("state.json"), "{}").unwrap();
    for writable in [0o606, 0o660, 0o666] {
        mode(&folder.path().join("state.json"), writable);
        let peeked = store.peek().await.unwrap_err();
        assert!(
            peeked.to_string().contains(&format!("mode {writable:o}")),
            "{peeked}"
        );
        assert!(peeked.way_out().unwrap().contains("chmod go-w"), "{peeked:?}");
    }
    mode(&folder.path().join("state.json"), 0o644);
    store.peek().await.unwrap();
    for writable in [0o777, 0o1777, 0o770] {
        mode(folder.path(), writable);
        refused(&store, &format!("mode {writable:o}"), "chmod go-w").await;
    }
}

#[tokio::test]
async fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::new(folder.path().to_owned(), 3);
    let frame = |epoch| journal::frame(&journal::Record::Began { epoch }).unwrap();
    let mut bytes = [frame(1), frame(2)].concat();
    bytes[10] ^= 1;
    std::fs::write(folder.path().join("journal"), &bytes).unwrap();
    let locked = store.lock(&holder("gosling apply")).await.unwrap();
    let refused = locked.load().await.unwrap_err();
    assert!(
        refused.to_string().contains("record 1 of the journal is damaged"),
        "{refused}"
    );
    assert!(refused.way_out().unwrap().contains("`gosling state repair`"));
    assert_eq!(std::fs::read(folder.path().join("journal")).unwrap(), bytes);
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

/// A disk that has room for so many more writes; names cost nothing.
#[derive(Debug)]
struct Filling {
    room: Arc<AtomicUsize>,
}

struct FillingFile {
    file: Box<dyn OpenFile>,
    room: Arc<AtomicUsize>,
}

impl OpenFile for FillingFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let less = |room: usize| room.checked_sub(1);
        match self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => self.file.append(bytes),
            Err(_) => {
                self.file.append(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Files for Filling {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        System.read(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        System.names(folder)
    }

    fn examine(&self, folder: &Path) -> io::Result<()> {
        System.examine(folder)
    }

    fn is_there(&self, path: &Path) -> bool {
        System.is_there(path)
    }

    fn make_one_folder(&self, path: &Path) -> io::Result<()> {
        System.make_one_folder(path)
    }

    fn may_write_into(&self, folder: &Path) -> io::Result<()> {
        System.may_write_into(folder)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(FillingFile {
            file: System.create(path)?,
            room: Arc::clone(&self.room),
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        System.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        System.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        System.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        System.sync_folder(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        System.lock(path)
    }
}

#[tokio::test]
async fn torture_a_full_disk_moves_no_kept_state_however_often_it_is_tried() {
    let mut failed = 0;
    for writes in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let room = Arc::new(AtomicUsize::new(usize::MAX));
        let files = Arc::new(Filling {
            room: Arc::clone(&room),
        });
        let store = LocalStore::on(files, folder.path().to_owned(), 3);
        let locked = store.lock(&holder("gosling apply")).await.unwrap();
        for state in [b"1", b"2", b"3", b"4"] {
            locked.save(state).await.unwrap();
        }
        let before = (store.peek().await.unwrap(), store.history().await.unwrap());
        let mut saved = false;
        for _ in 0..5 {
            room.store(writes, Ordering::SeqCst);
            saved = locked.save(b"5").await.is_ok();
            if saved {
                break;
            }
            failed += 1;
            let now = (store.peek().await.unwrap(), store.history().await.unwrap());
            assert_eq!(now, before, "room for {writes} writes");
            // Nothing that a later run would have to find room for stays.
            let names = System.names(folder.path()).unwrap();
            assert!(names.iter().all(|name| !name.ends_with(".new")), "{names:?}");
        }
        room.store(usize::MAX, Ordering::SeqCst);
        if !saved {
            locked.save(b"5").await.unwrap();
        }
        assert_eq!(store.peek().await.unwrap().state.unwrap(), b"5");
        assert_eq!(store.history().await.unwrap(), [b"4", b"3", b"2"]);
        if saved {
            break;
        }
    }
    assert_eq!(failed, 10);
}
