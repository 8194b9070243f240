//! Against versitygw, which honours conditional writes, and gofakes3, which does not.

use std::collections::BTreeSet;
use std::path::Path;

use gosling_engine::RemoteStore;
use gosling_engine::store::{Store, StoreError};
use gosling_providers::state::{S3Keys, S3Settings, s3};
use gosling_resource::Secret;

use super::proxy::{Lost, Proxy};
use super::server::{ACCESS_KEY, SECRET_KEY, Server};
use super::{assert_done, conduct, holder, race, work};

fn settings(port: u16) -> S3Settings {
    S3Settings {
        bucket: "states".into(),
        prefix: "lab".into(),
        region: None,
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        keys: S3Keys {
            access_key: ACCESS_KEY.into(),
            secret_key: Secret::new(SECRET_KEY.to_owned()),
            session_token: None,
        },
        path_style: true,
        kms_key_id: None,
        extra_ca: None,
        kept: 2,
    }
}

fn store(port: u16) -> RemoteStore {
    s3(settings(port)).unwrap()
}

/// The objects of the Nest, as files.
fn objects(folder: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, from: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, from, into);
            } else {
                into.insert(path.strip_prefix(from).unwrap().display().to_string());
            }
        }
    }
    let folder = folder.join("buckets/states/lab");
    let mut all = BTreeSet::new();
    walk(&folder, &folder, &mut all);
    all
}

#[tokio::test]
async fn a_storage_that_honours_conditions_keeps_a_state() {
    let Some(server) = Server::versitygw().await else {
        return;
    };
    let store = store(server.port);
    assert_eq!(
        store.place(),
        format!("s3://states/lab at 127.0.0.1:{}", server.port)
    );
    conduct(&store).await;
    // What the fenced holder put goes with the next lock.
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.release().await.unwrap();
    // The head, the state, two before it, what lies beside, and nothing else.
    let objects = objects(server.folder.path());
    assert_eq!(objects.len(), 9, "{objects:?}");
    assert_eq!(
        objects.iter().filter(|name| name.starts_with("state/")).count(),
        3,
        "{objects:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_race_at_a_real_storage_one_gets_the_lock() {
    let Some(server) = Server::versitygw().await else {
        return;
    };
    race(&store(server.port)).await;
}

#[tokio::test]
async fn whatever_is_lost_of_a_put_the_work_goes_on() {
    let Some(server) = Server::versitygw().await else {
        return;
    };
    let proxy = Proxy::start(server.port).await;
    let store = store(proxy.port);
    work(&store).await.unwrap();
    let mut times = 1;
    for lost in [Lost::Request, Lost::Answer] {
        let mut hit = 0;
        for number in 0.. {
            proxy.lose(number, lost);
            work(&store)
                .await
                .unwrap_or_else(|error| panic!("{lost:?} of {number}: {error}"));
            times += 1;
            assert_done(&store, times).await;
            if proxy.is_armed() {
                break;
            }
            hit += 1;
        }
        // A head for the lock, each append, each save, the cut and the release; a blob for each append and save.
        assert_eq!(hit, 11, "{lost:?}");
    }
}

#[tokio::test]
async fn a_storage_that_ignores_conditions_is_refused_by_the_first_lock() {
    let Some(server) = Server::gofakes3().await else {
        return;
    };
    let error = store(server.port).lock(&holder("ada")).await.err().unwrap();
    assert!(matches!(error, StoreError::NoConditions { .. }), "{error}");
    assert!(
        error.to_string().ends_with(
            "does not honour conditional writes, so no state is safe there: it overwrote an object despite `If-None-Match: *`"
        ),
        "{error}"
    );
    assert!(error.way_out().unwrap().contains("AWS S3"), "{error:?}");
}

/// What an operator gets to read, and what to do about it.
async fn refused(settings: S3Settings) -> (String, String) {
    let error = s3(settings).unwrap().lock(&holder("ada")).await.err().unwrap();
    let help = error.way_out().unwrap_or_default().to_owned();
    let said = format!("{error}");
    assert!(!said.contains(SECRET_KEY) && !help.contains(SECRET_KEY));
    (said, help)
}

#[tokio::test]
async fn what_is_wrong_with_the_bucket_or_the_key_is_said() {
    let Some(server) = Server::versitygw().await else {
        return;
    };
    let good = || settings(server.port);
    let (said, help) = refused(S3Settings {
        bucket: "nobodys".into(),
        ..good()
    })
    .await;
    assert!(
        said.starts_with("cannot read s3://nobodys/lab/head: 127.0.0.1:")
            && said.contains("404 NoSuchBucket"),
        "{said}"
    );
    assert!(help.contains("make the bucket `nobodys`"), "{help}");
    let mut wrong = good();
    wrong.keys.secret_key = Secret::new("another".to_owned());
    let (said, help) = refused(wrong).await;
    assert!(said.contains("403 SignatureDoesNotMatch"), "{said}");
    assert!(help.contains("`secret_key`"), "{help}");
    let mut wrong = good();
    wrong.keys.access_key = "nobody".to_owned();
    let (said, help) = refused(wrong).await;
    assert!(said.contains("no user") || said.contains("No user"), "{said}");
    assert!(help.contains("`access_key`"), "{help}");
    let (said, help) = refused(S3Settings {
        region: Some("eu-central-1".into()),
        ..good()
    })
    .await;
    assert!(said.contains("AuthorizationHeaderMalformed"), "{said}");
    assert!(help.contains("`state.region"), "{help}");
}

#[tokio::test]
async fn a_storage_that_is_not_there_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (said, help) = refused(settings(port)).await;
    assert_eq!(
        said,
        format!("cannot read s3://states/lab/head: 127.0.0.1:{port}: the connection was refused")
    );
    assert!(help.contains("is the service running"), "{help}");
}

#[test]
fn settings_that_cannot_be_are_refused_with_a_way_out() {
    let refused = |settings: S3Settings| {
        let error = s3(settings).err().unwrap();
        (error.to_string(), error.way_out().unwrap().to_owned())
    };
    let (said, help) = refused(S3Settings {
        endpoint: None,
        ..settings(1)
    });
    assert_eq!(said, "the region of the state's bucket is not known");
    assert!(help.contains("state.region"), "{help}");
    let (said, help) = refused(S3Settings {
        endpoint: Some("http://minio.example.com:9000".into()),
        ..settings(1)
    });
    assert_eq!(
        said,
        "state.endpoint = \"http://minio.example.com:9000\" would send the state in the clear"
    );
    assert!(help.contains("https"), "{help}");
    let (said, help) = refused(S3Settings {
        path_style: false,
        ..settings(1)
    });
    assert!(said.starts_with("the bucket \"states\" has no address"), "{said}");
    assert!(help.contains("path_style"), "{help}");
}

#[test]
fn the_key_comes_from_the_environment_whole_or_not_at_all() {
    let of = |variables: &'static [(&str, &str)]| {
        S3Keys::from_environment(move |name| {
            let found = variables.iter().find(|(its, _)| *its == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    let keys = of(&[
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_SESSION_TOKEN", "t"),
    ])
    .unwrap();
    assert_eq!(
        (
            &*keys.access_key,
            keys.secret_key.expose(),
            keys.session_token.unwrap().expose()
        ),
        ("AKIA", "s", "t")
    );
    let error = of(&[("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", " ")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no access key for the state's bucket: the environment has no AWS_SECRET_ACCESS_KEY"
    );
    assert!(error.way_out().unwrap().contains("access_key"), "{error:?}");
}

#[tokio::test]
async fn garbage_of_more_than_one_page_is_removed() {
    let Some(server) = Server::versitygw().await else {
        return;
    };
    let store = store(server.port);
    work(&store).await.unwrap();
    let folder = server.folder.path().join("buckets/states/lab/journal");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..1100 {
        std::fs::write(folder.join(format!("00000000-{number:04}")), "left behind").unwrap();
    }
    std::fs::write(folder.join("00000009-of-a-later-lock"), "not ours").unwrap();
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.release().await.unwrap();
    let objects = objects(server.folder.path());
    let left = objects.iter().filter(|name| name.starts_with("journal/"));
    assert_eq!(left.collect::<Vec<_>>(), ["journal/00000009-of-a-later-lock"]);
    assert_done(&store, 1).await;
}
