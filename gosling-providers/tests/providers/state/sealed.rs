//! A state that is encrypted wherever it is.

use std::path::Path;
use std::sync::Arc;

use gosling_engine::fence::Unfenced;
use gosling_engine::journal::{self, Record};
use gosling_engine::store::{Beside, LocalStore, Locked, Store, StoreError};
use gosling_providers::keys::{KeyError, Keys, generate_identity};
use gosling_providers::state::{Rotated, Sealed, Sealing};
use gosling_resource::Secret;

use super::holder;

/// An identity and its recipient.
type Person = (Secret, String);

/// The keys of one person, who writes for all of these.
fn keys(own: &Person, all: &[&Person]) -> Keys {
    Keys {
        recipients: all.iter().map(|(_, recipient)| recipient.clone()).collect(),
        identity: Some(own.0.clone()),
    }
}

fn sealed(folder: &Path, keys: Option<Keys>, write: bool) -> Sealed {
    let inner = Arc::new(LocalStore::new(folder.to_owned(), 3));
    Sealed::new(inner, Sealing { keys, write })
}

fn record(op: &str) -> Record {
    Record::Failed {
        op: op.to_owned(),
        message: "canary-refused".to_owned(),
    }
}

fn framed(op: &str) -> Vec<u8> {
    journal::frame(&record(op)).unwrap()
}

/// Every file of the folder, and what is in the frames of the journal.
fn stored(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        if name == "journal" {
            let (contents, _) = journal::frames(&bytes).unwrap();
            let contents = contents
                .into_iter()
                .map(|content| (name.clone(), content.to_vec()));
            stored.extend(contents);
        }
        stored.push((name, bytes));
    }
    stored
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|window| window == words.as_bytes())
}

/// Names of what these keys can open.
fn opens(folder: &Path, keys: &Keys) -> Vec<String> {
    let mut opened: Vec<String> = stored(folder)
        .into_iter()
        .filter(|(_, bytes)| keys.open(bytes).is_ok())
        .map(|(name, _)| name)
        .collect();
    opened.sort();
    opened
}

async fn lock(store: &Sealed) -> Box<dyn Locked> {
    store.lock(&holder("ada")).await.unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_back_and_nothing_of_it_is_plain() {
    let folder = tempfile::tempdir().unwrap();
    let ada = generate_identity();
    let store = sealed(folder.path(), Some(keys(&ada, &[&ada])), true);
    let locked = lock(&store).await;
    for state in ["canary-one", "canary-two", "canary-three"] {
        locked.save(state.as_bytes()).await.unwrap();
    }
    locked.append(&[framed("a"), framed("b")].concat()).await.unwrap();
    locked.append(&framed("c")).await.unwrap();

    let snapshot = store.peek().await.unwrap();
    assert_eq!(snapshot.state.as_deref(), Some(&b"canary-three"[..]));
    let (records, length) = journal::records(&snapshot.journal).unwrap();
    assert_eq!(records, ["a", "b", "c"].map(record));
    assert_eq!(length, snapshot.journal.len());
    assert_eq!(
        store.history().await.unwrap(),
        [&b"canary-two"[..], b"canary-one"]
    );
    for (name, bytes) in stored(folder.path()) {
        assert!(!holds(&bytes, "canary"), "{name}");
    }
    // The positive control: who holds the lock is there to be read.
    assert!(stored(folder.path()).iter().any(|(_, bytes)| holds(bytes, "ada")));
    assert_eq!(
        opens(folder.path(), &keys(&ada, &[])),
        ["journal", "journal", "state.json", "state.json.1", "state.json.2"]
    );

    // A torn end is cut, wherever it was torn, and what is before it stays.
    let path = folder.path().join("journal");
    let whole = std::fs::read(&path).unwrap();
    for cut in [1, 40, 100] {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let snapshot = locked.load().await.unwrap();
        assert_eq!(
            journal::records(&snapshot.journal).unwrap().0,
            ["a", "b"].map(record)
        );
        std::fs::write(&path, &whole).unwrap();
    }
    locked.cut(&[]).await.unwrap();
    assert_eq!(store.peek().await.unwrap().journal, b"");
}

#[tokio::test]
async fn a_plain_state_is_encrypted_by_the_next_write_and_then_needs_the_setting_and_the_identity() {
    let folder = tempfile::tempdir().unwrap();
    let (ada, eve) = (generate_identity(), generate_identity());
    let plain = sealed(folder.path(), None, false);
    let locked = lock(&plain).await;
    locked.save(b"plain").await.unwrap();
    locked.append(&framed("a")).await.unwrap();
    drop(locked);
    let store = sealed(folder.path(), Some(keys(&ada, &[&ada])), true);
    assert_eq!(store.peek().await.unwrap().state.as_deref(), Some(&b"plain"[..]));
    let locked = lock(&store).await;
    locked.append(&framed("b")).await.unwrap();
    locked.save(b"second").await.unwrap();
    drop(locked);
    let snapshot = store.peek().await.unwrap();
    assert_eq!(
        journal::records(&snapshot.journal).unwrap().0,
        ["a", "b"].map(record)
    );
    assert_eq!(store.history().await.unwrap(), [b"plain"]);

    let nobody = Keys {
        recipients: vec![ada.1.clone()],
        identity: None,
    };
    for (keys, words) in [
        (None, "the Nest does not say so"),
        (Some(keys(&eve, &[&ada])), "was encrypted for others"),
        (
            Some(nobody),
            "there is no age identity to open it with: set GOSLING_AGE_IDENTITY",
        ),
    ] {
        match sealed(folder.path(), keys, false).peek().await {
            Err(StoreError::Refused { what, help }) => {
                assert!(what.contains(words), "{what}");
                assert!(help.contains("gosling state rotate"), "{help}");
            }
            other => panic!("{other:?}"),
        }
    }
    // Whoever could not read it back does not write.
    let store = sealed(folder.path(), Some(keys(&ada, &[&eve])), true);
    let locked = lock(&store).await;
    let error = locked.save(b"lost").await.unwrap_err();
    assert!(error.to_string().contains("not among the recipients"), "{error}");
    assert_eq!(store.peek().await.unwrap().state.as_deref(), Some(&b"second"[..]));
}

#[tokio::test]
async fn who_was_taken_out_opens_nothing_after_a_rotation_and_who_was_added_all() {
    let folder = tempfile::tempdir().unwrap();
    let (ada, bob, cleo) = (generate_identity(), generate_identity(), generate_identity());
    let before = sealed(folder.path(), Some(keys(&ada, &[&ada, &bob])), true);
    let locked = lock(&before).await;
    // One more than is kept, so that every place has one.
    for state in [b"1", b"2", b"3", b"4", b"5"] {
        locked.save(state).await.unwrap();
    }
    let secrets = keys(&ada, &[&ada, &bob]).seal(b"tokens").unwrap();
    before
        .put_beside(Beside::Secrets, None, &secrets, &Unfenced)
        .await
        .unwrap();
    before
        .put_beside(Beside::Audit, None, b"who did what", &Unfenced)
        .await
        .unwrap();
    drop(locked);
    // Kept from a time when more were kept.
    let file = |name: &str| folder.path().join(name);
    std::fs::copy(file("state.json.3"), file("state.json.4")).unwrap();
    let all = [
        "secrets.age",
        "state.json",
        "state.json.1",
        "state.json.2",
        "state.json.3",
        "state.json.4",
    ];
    assert_eq!(opens(folder.path(), &keys(&bob, &[])), all);

    let after = sealed(folder.path(), Some(keys(&ada, &[&ada, &cleo])), true);
    let locked = lock(&after).await;
    let rotated = after.rotate(&*locked, &Unfenced).await.unwrap();
    let expected = Rotated {
        states: 5,
        secrets: true,
    };
    assert_eq!(rotated, expected);
    assert_eq!(opens(folder.path(), &keys(&bob, &[])), [""; 0]);
    assert_eq!(opens(folder.path(), &keys(&cleo, &[])), all);
    let secrets = after.beside(Beside::Secrets).await.unwrap().unwrap().0;
    assert_eq!(keys(&cleo, &[]).open(&secrets).unwrap().as_slice(), b"tokens");
    assert_eq!(after.peek().await.unwrap().state.as_deref(), Some(&b"5"[..]));
    assert_eq!(after.history().await.unwrap(), [b"4", b"3", b"2"]);
    let audit = after.beside(Beside::Audit).await.unwrap().unwrap().0;
    assert_eq!(audit, b"who did what");

    // Whoever cannot open it all rotates nothing.
    let outsider = sealed(folder.path(), Some(keys(&bob, &[&bob])), true);
    let error = outsider.rotate(&*locked, &Unfenced).await.unwrap_err();
    assert!(error.to_string().contains("was encrypted for others"), "{error}");
    assert_eq!(opens(folder.path(), &keys(&cleo, &[])), all);

    // And back to plain text; the secrets stay what they are.
    let plain = sealed(folder.path(), Some(keys(&ada, &[&ada])), false);
    plain.rotate(&*locked, &Unfenced).await.unwrap();
    assert_eq!(opens(folder.path(), &keys(&ada, &[])), ["secrets.age"]);
    let read = sealed(folder.path(), None, false).peek().await.unwrap();
    assert_eq!(read.state.unwrap(), b"5");
    let secrets = plain.beside(Beside::Secrets).await.unwrap().unwrap().0;
    let nothing = keys(&cleo, &[]).open(&secrets);
    assert!(matches!(nothing, Err(KeyError::ForOthers { .. })));
}
