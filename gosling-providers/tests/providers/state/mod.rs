//! A state at real services: what every one of them has to do alike.

mod gitlab;
mod proxy;
mod rotation;
mod s3;
mod sealed;
mod server;

use gosling_engine::RemoteStore;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::{Beside, Holder, Store, StoreError};

fn holder(user: &str) -> Holder {
    Holder {
        user: user.into(),
        host: "build".into(),
        pid: 7,
        since: "2026-01-01T00:00:00Z".into(),
        command: "gosling apply".into(),
        pipeline: None,
    }
}

/// A piece of work that uses all of a store; `kept` is 2.
async fn work(store: &RemoteStore) -> Result<(), StoreError> {
    let locked = store.lock(&holder("ada")).await?;
    let before = locked.load().await?.state.unwrap_or_default();
    locked.append(b"one,").await?;
    locked.append(b"two,").await?;
    assert_eq!(locked.load().await?.journal, b"one,two,");
    locked.save(b"middle").await?;
    locked.save(&[&before[..], b"+"].concat()).await?;
    locked.cut(&[]).await?;
    locked.release().await
}

/// What is there after it was done so many times.
async fn assert_done(store: &RemoteStore, times: usize) {
    let snapshot = store.peek().await.unwrap();
    assert_eq!(snapshot.state.unwrap(), "+".repeat(times).as_bytes());
    assert_eq!(snapshot.journal, b"");
    assert_eq!(store.held_by().await.unwrap(), None);
    if times > 1 {
        let before = "+".repeat(times - 1).into_bytes();
        assert_eq!(store.history().await.unwrap(), [b"middle".to_vec(), before]);
    }
}

/// What holds everywhere.
async fn conduct(store: &RemoteStore) {
    assert_eq!(store.peek().await.unwrap().state, None);
    assert_eq!(store.held_by().await.unwrap(), None);
    for times in 1..4 {
        work(store).await.unwrap();
        assert_done(store, times).await;
    }
    // One holds it, the next is told who.
    let old = store.lock(&holder("ada")).await.unwrap();
    assert_eq!(old.epoch(), 4);
    assert_eq!(store.held_by().await.unwrap(), Some(holder("ada")));
    match store.lock(&holder("grace")).await.err().unwrap() {
        StoreError::Locked(Some(by)) => assert_eq!(*by, holder("ada")),
        other => panic!("{other}"),
    }
    // Whoever lost it can write no more, and takes it from nobody.
    old.append(b"begun,").await.unwrap();
    let new = store.take_over(&holder("grace")).await.unwrap();
    assert_eq!(new.epoch(), 5);
    for outcome in [
        old.append(b"late").await,
        old.save(b"late").await,
        old.cut(&[]).await,
        old.load().await.map(drop),
    ] {
        match outcome {
            Err(StoreError::TakenOver(Some(by))) => assert_eq!(*by, holder("grace")),
            other => panic!("{other:?}"),
        }
    }
    old.release().await.unwrap();
    new.append(b"done,").await.unwrap();
    assert_eq!(new.load().await.unwrap().journal, b"begun,done,");
    new.cut(&[]).await.unwrap();
    // 3 MB go there and back.
    let large = b"0123456789abcdef".repeat(200_000);
    new.save(&large).await.unwrap();
    assert_eq!(new.load().await.unwrap().state.unwrap(), large);
    // Another form of what is saved takes its place.
    let after = |bytes: &[u8]| Ok((bytes != b"middle").then(|| [bytes, b"!"].concat()));
    let before = (
        new.load().await.unwrap().state.unwrap(),
        store.history().await.unwrap(),
    );
    assert_eq!(new.rewrite(&after).await.unwrap(), 1 + before.1.len() - 1);
    assert_eq!(
        new.load().await.unwrap().state.unwrap(),
        [&before.0[..], b"!"].concat()
    );
    let history = before.1.into_iter().map(|bytes| match after(&bytes) {
        Ok(Some(new)) => new,
        _ => bytes,
    });
    assert_eq!(store.history().await.unwrap(), history.collect::<Vec<_>>());
    new.release().await.unwrap();
    // What lies beside is replaced by who knows it.
    for which in Beside::ALL.into_iter().chain([Beside::AuditPart(0)]) {
        assert_eq!(store.beside(which).await.unwrap(), None);
        store.put_beside(which, None, b"one", &Unfenced).await.unwrap();
        let late = store.put_beside(which, None, b"other", &Unfenced).await;
        assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
        let (bytes, version) = store.beside(which).await.unwrap().unwrap();
        assert_eq!(bytes, b"one");
        store
            .put_beside(which, Some(&version), b"two", &Unfenced)
            .await
            .unwrap();
        let late = store.put_beside(which, Some(&version), b"three", &Unfenced).await;
        assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
        assert_eq!(store.beside(which).await.unwrap().unwrap().0, b"two");
    }
}

/// Of many who race for a lock, one gets it.
async fn race(store: &RemoteStore) {
    for _ in 0..5 {
        let racers = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.lock(&holder("ada")).await })
        });
        let mut held = Vec::new();
        for racer in racers.collect::<Vec<_>>() {
            match racer.await.unwrap() {
                Ok(locked) => held.push(locked),
                Err(error) => assert!(matches!(error, StoreError::Locked(Some(_))), "{error}"),
            }
        }
        assert_eq!(held.len(), 1);
        held[0].release().await.unwrap();
    }
}
