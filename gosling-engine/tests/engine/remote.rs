//! A store at a service: races, take-over, lost answers, death at every point, and garbage.

use std::sync::Arc;

use gosling_engine::RemoteStore;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::{Beside, Holder, Locked, Snapshot, Store, StoreError};

use crate::life::Life;
use crate::nest::holder;
use crate::objects::{Lost, Memory};

const KEPT: usize = 3;

fn store(memory: &Arc<Memory>) -> RemoteStore {
    RemoteStore::over(Arc::clone(memory) as _, KEPT)
}

fn another() -> Holder {
    Holder {
        user: "grace".into(),
        pid: 8,
        ..holder()
    }
}

fn memory() -> (Arc<Life>, Arc<Memory>) {
    let life = Arc::new(Life::default());
    let memory = Memory::new(&life);
    (life, memory)
}

/// What the head names, and nothing else but the files that are always there.
fn assert_tidy(memory: &Memory) {
    let head: serde_json::Value = serde_json::from_slice(&memory.bytes("head").unwrap()).unwrap();
    let list = |field: &str| head[field].as_array().unwrap().clone();
    let mut named: Vec<String> = [vec![head["state"].clone()], list("history"), list("journal")]
        .concat()
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    named.push("head".to_owned());
    named.sort();
    assert_eq!(memory.names(), named);
}

#[tokio::test]
async fn what_is_saved_and_appended_is_there_for_the_next() {
    let (_, memory) = memory();
    let store = store(&memory);
    assert_eq!(store.peek().await.unwrap(), Snapshot::default());
    assert_eq!(store.history().await.unwrap(), Vec::<Vec<u8>>::new());
    let locked = store.lock(&holder()).await.unwrap();
    assert_eq!(locked.load().await.unwrap(), Snapshot::default());
    for number in 0..6 {
        locked.save(format!("state {number}").as_bytes()).await.unwrap();
    }
    locked.append(b"one,").await.unwrap();
    locked.append(b"two,").await.unwrap();
    let snapshot = Snapshot {
        state: Some(b"state 5".to_vec()),
        journal: b"one,two,".to_vec(),
    };
    assert_eq!(store.peek().await.unwrap(), snapshot);
    assert_eq!(locked.load().await.unwrap(), snapshot);
    assert_eq!(
        store.history().await.unwrap(),
        [b"state 4", b"state 3", b"state 2"]
    );
    locked.cut(&[]).await.unwrap();
    assert_eq!(store.peek().await.unwrap().journal, b"");
    assert_tidy(&memory);
    locked.release().await.unwrap();
    let next = store.lock(&holder()).await.unwrap();
    assert_eq!(next.epoch(), 2);
    assert_eq!(next.load().await.unwrap().state.unwrap(), b"state 5");
}

#[tokio::test]
async fn who_comes_second_is_told_who_holds_the_lock_and_what_to_do() {
    let (_, memory) = memory();
    let store = store(&memory);
    let first = store.lock(&holder()).await.unwrap();
    let refused = store.lock(&another()).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "the state is locked by ada@build (process 7), since 2026-01-01T00:00:00Z, for `gosling apply`"
    );
    assert!(
        refused.way_out().unwrap().contains("`gosling unlock`"),
        "{refused:?}"
    );
    first.release().await.unwrap();
    assert_eq!(store.lock(&another()).await.unwrap().epoch(), 2);
}

#[tokio::test]
async fn of_many_who_race_one_gets_the_lock() {
    for _ in 0..20 {
        let (_, memory) = memory();
        let store = store(&memory);
        let racers = (0..8).map(|_| {
            let store = store.clone();
            async move { store.lock(&holder()).await }
        });
        let outcomes = futures_util::future::join_all(racers).await;
        let (held, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((held.len(), refused.len()), (1, 7));
        for refused in refused {
            let error = refused.err().unwrap();
            assert!(matches!(error, StoreError::Locked(Some(_))), "{error}");
        }
    }
}

#[tokio::test]
async fn who_lost_the_lock_can_write_no_more() {
    let (_, memory) = memory();
    let store = store(&memory);
    let old = store.lock(&holder()).await.unwrap();
    old.save(b"old").await.unwrap();
    old.append(b"begun").await.unwrap();
    let new = store.take_over(&another()).await.unwrap();
    assert_eq!((old.epoch(), new.epoch()), (1, 2));
    for (what, outcome) in [
        ("append", old.append(b"late").await),
        ("save", old.save(b"late").await),
        ("cut", old.cut(&[]).await),
        ("load", old.load().await.map(drop)),
    ] {
        match outcome {
            Err(StoreError::TakenOver(Some(by))) => assert_eq!(by.user, "grace", "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let snapshot = new.load().await.unwrap();
    assert_eq!(snapshot.state.unwrap(), b"old");
    assert_eq!(snapshot.journal, b"begun");
    // Giving back what one does not have any more takes it from nobody.
    old.release().await.unwrap();
    new.append(b", done").await.unwrap();
    assert_eq!(new.load().await.unwrap().journal, b"begun, done");
    // What the old holder put after it was fenced goes with the next lock.
    new.release().await.unwrap();
    store.lock(&holder()).await.unwrap();
    assert_tidy(&memory);
}

/// A piece of work that uses all of it, and the snapshots that may be there after each of its steps.
async fn work(store: &RemoteStore) -> Result<(), StoreError> {
    let locked = store.lock(&another()).await?;
    locked.append(b"a").await?;
    locked.append(b"b").await?;
    locked.save(b"new").await?;
    locked.cut(b"b").await?;
    locked.append(b"c").await?;
    locked.release().await
}

const STEPS: [(&[u8], &[u8]); 6] = [
    (b"old", b""),
    (b"old", b"a"),
    (b"old", b"ab"),
    (b"new", b"ab"),
    (b"new", b"b"),
    (b"new", b"bc"),
];

fn step(snapshot: &Snapshot) -> usize {
    let state = snapshot.state.as_deref().unwrap();
    let steps = STEPS.iter().position(|step| *step == (state, &*snapshot.journal));
    steps.unwrap_or_else(|| panic!("a snapshot that never was: {snapshot:?}"))
}

/// A store with something in it that nobody holds.
async fn begun(memory: &Arc<Memory>) -> RemoteStore {
    let store = store(memory);
    let locked = store.lock(&holder()).await.unwrap();
    locked.save(b"old").await.unwrap();
    locked.release().await.unwrap();
    store
}

/// The next holder, who may find the lock of the one before.
async fn next(store: &RemoteStore) -> Box<dyn Locked> {
    match store.lock(&holder()).await {
        Err(StoreError::Locked(Some(by))) => {
            assert_eq!(by.user, "grace");
            store.take_over(&holder()).await.unwrap()
        }
        other => other.unwrap(),
    }
}

#[tokio::test]
async fn killed_at_every_point_the_next_holder_sees_a_step_and_leaves_no_garbage() {
    let mut deaths = 0;
    let mut last = 0;
    for point in 0.. {
        let (life, memory) = memory();
        let store = begun(&memory).await;
        life.limit(Some(point));
        let ended = life.run(work(&store)).await;
        life.limit(None);
        let locked = next(&store).await;
        let seen = step(&locked.load().await.unwrap());
        assert!(seen >= last, "point {point}: step {seen} after step {last}");
        last = seen;
        assert_tidy(&memory);
        if let Some(outcome) = ended {
            outcome.unwrap();
            break;
        }
        deaths += 1;
    }
    assert_eq!(last, STEPS.len() - 1);
    assert!(deaths >= 24, "{deaths}");
}

#[tokio::test(start_paused = true)]
async fn whatever_answer_is_lost_the_work_goes_on() {
    for lost in [Lost::Before, Lost::After, Lost::Late] {
        let mut hit = 0;
        for number in 0.. {
            let (_, memory) = memory();
            let store = begun(&memory).await;
            memory.lose(number, lost);
            work(&store)
                .await
                .unwrap_or_else(|error| panic!("{lost:?} of {number}: {error}"));
            if memory.is_armed() {
                break;
            }
            hit += 1;
            assert_eq!(
                step(&store.peek().await.unwrap()),
                STEPS.len() - 1,
                "{lost:?} of {number}"
            );
            drop(store.lock(&holder()).await.unwrap());
            assert_tidy(&memory);
        }
        assert!(hit >= 11, "{lost:?}: {hit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_falls_silent_ends_the_work_with_an_error_and_a_step() {
    for writes in 0.. {
        let (_, memory) = memory();
        let store = begun(&memory).await;
        memory.good_writes(writes);
        let outcome = work(&store).await;
        memory.mend();
        let locked = next(&store).await;
        let seen = step(&locked.load().await.unwrap());
        if outcome.is_ok() {
            assert_eq!(seen, STEPS.len() - 1);
            assert!(writes >= 10, "{writes}");
            break;
        }
    }
}

/// A write of which nobody knew what became, and that comes after the holder has gone on.
#[tokio::test(start_paused = true)]
async fn a_write_that_comes_late_is_built_upon_and_never_overwritten() {
    let (_, memory) = memory();
    let store = begun(&memory).await;
    let locked = store.lock(&holder()).await.unwrap();
    // The piece itself, then the head, which is on its way when the service falls silent.
    memory.lose(1, Lost::Late);
    memory.good_writes(2);
    locked.append(b"late,").await.err().unwrap();
    memory.mend();
    assert_eq!(store.peek().await.unwrap().journal, b"");
    locked.append(b"next,").await.unwrap();
    assert_eq!(locked.load().await.unwrap().journal, b"late,next,");
}

#[tokio::test]
async fn garbage_of_earlier_holders_is_removed_and_nothing_else() {
    let (_, memory) = memory();
    let store = begun(&memory).await;
    let strays = ["state/00000000-abc", "state/00000001-abc", "journal/00000001-abc"];
    let others = [
        "state/00000002-abc",
        "journal/00000099-abc",
        "state/readme.txt",
        "elsewhere/00000000-abc",
        "secrets.age",
    ];
    for name in strays.iter().chain(&others) {
        memory.plant(name, b"planted");
    }
    memory.take_deleted();
    let locked = store.lock(&holder()).await.unwrap();
    assert_eq!(locked.epoch(), 2);
    let mut deleted = memory.take_deleted();
    deleted.sort();
    let mut expected = strays.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(deleted, expected);
    assert_eq!(locked.load().await.unwrap().state.unwrap(), b"old");
}

#[tokio::test]
async fn a_service_that_overwrites_against_its_orders_is_refused_by_the_first_lock() {
    for (absent, version, words) in [
        (true, true, "`If-None-Match: *`"),
        (true, false, "`If-None-Match: *`"),
        (false, true, "`If-Match` named another version"),
    ] {
        let memory = Memory::careless(absent, version);
        let refused = store(&memory).lock(&holder()).await.err().unwrap();
        assert!(matches!(refused, StoreError::NoConditions { .. }), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(refused.way_out().is_some());
        assert_eq!(memory.names(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_service_that_lets_two_writes_at_once_through_is_refused_too() {
    let memory = Memory::racing();
    let refused = store(&memory).lock(&holder()).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        "memory does not honour conditional writes, so no state is safe there: of 8 writes at once, each for the same \
         version, it let 8 through"
    );
}

#[tokio::test]
async fn the_conditions_are_tried_once() {
    let (_, memory) = memory();
    begun(&memory).await;
    let deleted = memory.take_deleted();
    assert_eq!(deleted.len(), 1, "{deleted:?}");
    assert!(deleted[0].starts_with("probe/"), "{deleted:?}");
    store(&memory).lock(&holder()).await.unwrap();
    assert_eq!(memory.take_deleted(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_lies_beside_is_replaced_by_who_knows_it() {
    let (_, memory) = memory();
    let store = store(&memory);
    assert_eq!(store.beside(Beside::Audit).await.unwrap(), None);
    memory.lose(0, Lost::After);
    store
        .put_beside(Beside::Audit, None, b"one", &Unfenced)
        .await
        .unwrap();
    let late = store.put_beside(Beside::Audit, None, b"other", &Unfenced).await;
    assert!(matches!(late, Err(StoreError::Changed(_))), "{late:?}");
    let (bytes, version) = store.beside(Beside::Audit).await.unwrap().unwrap();
    assert_eq!(bytes, b"one");
    memory.lose(0, Lost::Before);
    store
        .put_beside(Beside::Audit, Some(&version), b"two", &Unfenced)
        .await
        .unwrap();
    let late = store
        .put_beside(Beside::Audit, Some(&version), b"three", &Unfenced)
        .await;
    assert_eq!(
        late.unwrap_err().to_string(),
        "audit.jsonl of memory was changed by somebody else meanwhile"
    );
    assert_eq!(store.beside(Beside::Audit).await.unwrap().unwrap().0, b"two");
    assert_eq!(store.beside(Beside::Freeze).await.unwrap(), None);
}

#[tokio::test]
async fn a_head_of_a_later_gosling_is_left_alone() {
    let (_, memory) = memory();
    memory.plant("head", br#"{"format": 2}"#);
    for error in [
        store(&memory).lock(&holder()).await.err().unwrap(),
        store(&memory).peek().await.err().unwrap(),
    ] {
        assert_eq!(
            error.to_string(),
            "cannot read the head of memory: it has format 2, and this gosling knows only format 1: use a newer one"
        );
    }
}

#[tokio::test]
async fn a_blob_that_was_deleted_by_hand_is_no_empty_state() {
    let (_, memory) = memory();
    let store = begun(&memory).await;
    let names = memory.names();
    let state = names.iter().find(|name| name.starts_with("state/")).unwrap();
    gosling_engine::store::remote::Objects::delete(&*memory, state)
        .await
        .unwrap();
    let error = store.peek().await.unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
}
