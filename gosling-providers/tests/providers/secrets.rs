use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use gosling_engine::fence::Unfenced;
use gosling_engine::store::LocalStore;
use gosling_engine::{SecretError, Secrets};
use gosling_providers::keys::{Keys, generate_identity};
use gosling_providers::secrets::{BackendSettings, Backends, Description, StoreSettings};
use gosling_resource::{Secret, SecretPrefix, SecretUri};

fn under(text: &str) -> SecretPrefix {
    text.parse().unwrap()
}

fn uri(text: &str) -> SecretUri {
    text.parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// A store in a folder, for one identity that is among its recipients.
fn store(folder: &Path, identity: &(Secret, String)) -> StoreSettings {
    StoreSettings {
        beside: Arc::new(LocalStore::new(folder.to_owned(), 3)),
        keys: Keys {
            recipients: vec![identity.1.clone()],
            identity: Some(identity.0.clone()),
        },
    }
}

fn backends(store: StoreSettings) -> Backends {
    let settings = BackendSettings {
        store: Some(store),
        ..BackendSettings::default()
    };
    Backends::new(settings).unwrap()
}

#[tokio::test]
async fn the_environment_is_read_and_never_written() {
    let settings = BackendSettings {
        env: BTreeMap::from([
            ("TOKEN".to_owned(), secret("hunter2")),
            ("EMPTY".to_owned(), secret("")),
        ]),
        ..BackendSettings::default()
    };
    let backends = Backends::new(settings).unwrap();
    assert_eq!(
        backends.read(&uri("env://TOKEN")).await.unwrap().expose(),
        "hunter2"
    );
    let missing = backends.read(&uri("env://OTHER")).await.unwrap_err();
    assert_eq!(missing, SecretError::Missing(uri("env://OTHER")));
    let empty = backends.read(&uri("env://EMPTY")).await.unwrap_err();
    assert!(empty.to_string().contains("is set, but empty"), "{empty}");
    let refused = backends
        .write(&uri("env://TOKEN"), &secret("x"), &Unfenced)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("can only be read"), "{refused}");
    assert!(backends.writable(&uri("env://TOKEN")).await.is_err());
    assert!(backends.describe(&uri("env://TOKEN")).await.unwrap().present);
    assert!(!backends.describe(&uri("env://OTHER")).await.unwrap().present);
}

#[tokio::test]
async fn what_is_not_configured_or_not_in_this_release_is_refused_with_words() {
    let backends = Backends::new(BackendSettings::default()).unwrap();
    for (place, words) in [
        ("store://a/b", "gosling init"),
        ("vault://a/b", "provider \"vault\""),
        ("aws-sm://a/b", "not in this release"),
        ("yc-lockbox://a/b", "not in this release"),
    ] {
        for error in [
            backends.read(&uri(place)).await.unwrap_err(),
            backends
                .write(&uri(place), &secret("x"), &Unfenced)
                .await
                .unwrap_err(),
            backends.writable(&uri(place)).await.unwrap_err(),
            backends.describe(&uri(place)).await.unwrap_err(),
        ] {
            assert!(matches!(error, SecretError::Refused { .. }), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[tokio::test]
async fn the_store_gives_back_what_it_was_given_and_holds_nothing_in_plain_text() {
    let folder = tempfile::tempdir().unwrap();
    let identity = generate_identity();
    let backends = backends(store(folder.path(), &identity));
    let place = uri("store://gitlab/app/runner-token");
    backends.writable(&place).await.unwrap();
    assert!(!folder.path().join("secrets.age").exists());
    assert_eq!(
        backends.read(&place).await.unwrap_err(),
        SecretError::Missing(place.clone())
    );
    assert_eq!(backends.describe(&place).await.unwrap(), Description::default());

    backends
        .write(&place, &secret("glrt-canary-1"), &Unfenced)
        .await
        .unwrap();
    backends
        .write(&uri("store://other/key"), &secret("canary-2"), &Unfenced)
        .await
        .unwrap();
    backends
        .write(&place, &secret("glrt-canary-3"), &Unfenced)
        .await
        .unwrap();
    assert_eq!(backends.read(&place).await.unwrap().expose(), "glrt-canary-3");
    assert_eq!(
        backends.read(&uri("store://other/key")).await.unwrap().expose(),
        "canary-2"
    );
    let described = backends.describe(&place).await.unwrap();
    assert_eq!(
        (described.present, described.version.as_deref()),
        (true, Some("2"))
    );
    assert_eq!(
        backends.list(&under("store://gitlab")).await.unwrap().uris,
        std::slice::from_ref(&place)
    );

    let file = folder.path().join("secrets.age");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let bytes = std::fs::read(&file).unwrap();
    for words in ["canary", "gitlab", "runner-token"] {
        assert!(
            !bytes
                .windows(words.len())
                .any(|window| window == words.as_bytes()),
            "{words}"
        );
    }
    // The positive control: age's own header is there in plain text.
    assert!(bytes.starts_with(b"age-encryption.org/v1"));

    let newest = uri("store://gitlab/app/runner-token?version=2");
    assert_eq!(backends.read(&newest).await.unwrap().expose(), "glrt-canary-3");
    let older = backends
        .read(&uri("store://gitlab/app/runner-token?version=1"))
        .await
        .unwrap_err();
    assert!(
        older.to_string().contains("the newest version only, which is 2"),
        "{older}"
    );
}

#[tokio::test]
async fn a_place_of_before_that_no_uri_can_name_is_listed_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let settings = store(folder.path(), &generate_identity());
    let text = r#"{"format":1,"secrets":{
        "a/b":{"value":"hunter2","version":1,"updated":"2026-11-29T08:10:25Z"},
        "token":{"value":"hunter2","version":1,"updated":"2026-11-29T08:10:25Z"}}}"#;
    let sealed = settings.keys.seal(text.as_bytes()).unwrap();
    std::fs::write(folder.path().join("secrets.age"), sealed).unwrap();
    let listing = backends(settings).list(&under("store://")).await.unwrap();
    assert_eq!(listing.uris, [uri("store://a/b")]);
    let (place, why) = &listing.nameless[0];
    assert_eq!(place, "token");
    assert!(why.reason.starts_with("it has no key"), "{why}");
}

#[tokio::test]
async fn the_wrong_identity_is_told_apart_from_every_other_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (generate_identity(), generate_identity());
    let place = uri("store://a/b");
    backends(store(folder.path(), &theirs))
        .write(&place, &secret("x"), &Unfenced)
        .await
        .unwrap();
    let mut both = store(folder.path(), &ours);
    both.keys.recipients = vec![theirs.1.clone(), ours.1.clone()];
    for error in [
        backends(both.clone()).read(&place).await.unwrap_err(),
        backends(both.clone()).writable(&place).await.unwrap_err(),
        backends(both.clone())
            .write(&place, &secret("y"), &Unfenced)
            .await
            .unwrap_err(),
    ] {
        let words = error.to_string();
        assert!(words.contains("was encrypted for others"), "{words}");
        assert!(
            words.contains(&ours.1) && words.contains("GOSLING_AGE_IDENTITY"),
            "{words}"
        );
    }
    // Whoever could not read it back does not write.
    let mut left_out = store(folder.path(), &ours);
    left_out.keys.recipients = vec![theirs.1.clone()];
    let error = backends(left_out)
        .write(&place, &secret("y"), &Unfenced)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not among the recipients"), "{error}");
    let mut nobody = store(folder.path(), &ours);
    nobody.keys.identity = None;
    let error = backends(nobody).read(&place).await.unwrap_err();
    assert!(error.to_string().contains("set GOSLING_AGE_IDENTITY"), "{error}");
    // Nothing of all that changed anything, and a second recipient opens what is written for both.
    let mut theirs = store(folder.path(), &theirs);
    theirs.keys.recipients.clone_from(&both.keys.recipients);
    assert_eq!(backends(theirs.clone()).read(&place).await.unwrap().expose(), "x");
    backends(theirs)
        .write(&place, &secret("z"), &Unfenced)
        .await
        .unwrap();
    assert_eq!(backends(both).read(&place).await.unwrap().expose(), "z");
}

#[tokio::test]
async fn a_damaged_store_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let identity = generate_identity();
    let file = folder.path().join("secrets.age");
    let backends = backends(store(folder.path(), &identity));
    backends
        .write(&uri("store://a/b"), &secret("x"), &Unfenced)
        .await
        .unwrap();
    let whole = std::fs::read(&file).unwrap();
    for damaged in [
        whole[..whole.len() - 1].to_vec(),
        b"nonsense".to_vec(),
        Vec::new(),
    ] {
        std::fs::write(&file, &damaged).unwrap();
        let error = backends
            .write(&uri("store://a/c"), &secret("y"), &Unfenced)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("damaged or no age file"), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), damaged);
    }
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(backends.read(&uri("store://a/b")).await.unwrap().expose(), "x");
}

#[tokio::test]
async fn many_writers_lose_nothing_and_what_a_killed_one_left_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let identity = generate_identity();
    std::fs::write(folder.path().join("secrets.age.lock"), "someone long gone").unwrap();
    let temporary = format!(".secrets.age.{}.new", std::process::id());
    std::fs::write(folder.path().join(temporary), "half of a").unwrap();
    let settings = store(folder.path(), &identity);
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..16 {
        let backends = backends(settings.clone());
        writers.spawn(async move {
            let place = uri(&format!("store://pool/{number}"));
            backends
                .write(&place, &secret(&format!("value {number}")), &Unfenced)
                .await
                .unwrap();
        });
    }
    writers.join_all().await;
    let backends = backends(settings);
    assert_eq!(
        backends.list(&under("store://pool")).await.unwrap().uris.len(),
        16
    );
    for number in 0..16 {
        let value = backends
            .read(&uri(&format!("store://pool/{number}")))
            .await
            .unwrap();
        assert_eq!(value.expose(), format!("value {number}"));
    }
}

/// The other process of the next test: it writes until it is killed, and says what is written.
#[tokio::test]
async fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var("GOSLING_TEST_KILLED_STORE") else {
        return;
    };
    let folder = Path::new(&folder);
    let recipient = std::fs::read_to_string(folder.join("recipient")).unwrap();
    let identity = secret(&std::fs::read_to_string(folder.join("identity")).unwrap());
    let backends = backends(store(folder, &(identity, recipient)));
    for number in 0_u64.. {
        let value = format!("{number:0>4000}");
        backends
            .write(&uri("store://a/count"), &secret(&value), &Unfenced)
            .await
            .unwrap();
        println!("written {number}");
    }
}

#[tokio::test]
async fn kill_9_at_any_moment_loses_nothing_that_was_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let identity = generate_identity();
    std::fs::write(folder.path().join("identity"), identity.0.expose()).unwrap();
    std::fs::write(folder.path().join("recipient"), &identity.1).unwrap();
    let backends = backends(store(folder.path(), &identity));
    backends
        .write(&uri("store://other/key"), &secret("stays"), &Unfenced)
        .await
        .unwrap();
    for wanted in [1, 2, 3, 5, 8, 13] {
        let mut writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "secrets::writes_until_it_is_killed", "--nocapture"])
            .env("GOSLING_TEST_KILLED_STORE", folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let confirmed = lines.filter_map(|line| line.rsplit_once("written ")?.1.parse::<u64>().ok());
        let mut confirmed = confirmed.take(wanted);
        let last = confirmed.by_ref().last().unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();
        let value = backends.read(&uri("store://a/count")).await.unwrap();
        assert_eq!(value.expose().len(), 4000);
        let read: u64 = value.expose().parse().unwrap();
        // Some more may have been written before the kill came.
        assert!(read >= last, "{read} is older than {last}, which was confirmed");
        assert_eq!(
            backends.read(&uri("store://other/key")).await.unwrap().expose(),
            "stays"
        );
        // And the lock is free again.
        backends
            .write(&uri("store://a/after"), &secret("x"), &Unfenced)
            .await
            .unwrap();
    }
}
