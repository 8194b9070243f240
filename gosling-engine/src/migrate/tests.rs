use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::*;
use crate::fence::Unfenced;
use crate::journal::{self, Record};
use crate::operation::{Operation, Verb};
use crate::store::{Holder, Rewrite, Version, here};

/// What a place holds: the states with the present one last, the journal, and what lies beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    states: Vec<Vec<u8>>,
    journal: Vec<u8>,
    beside: BTreeMap<Beside, Vec<u8>>,
}

/// How many things more are done before the process is killed.
#[derive(Debug)]
struct Life {
    left: usize,
    /// Whether the last thing is still done.
    after: bool,
}

/// A store and its lock in memory, as seen by a process that is killed somewhere.
#[derive(Clone)]
struct Memory {
    name: &'static str,
    content: Arc<Mutex<Content>>,
    life: Arc<Mutex<Life>>,
    holder: Holder,
}

impl Memory {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            content: Arc::default(),
            life: Arc::new(Mutex::new(IMMORTAL)),
            holder: Holder {
                user: "ada".into(),
                host: "build".into(),
                pid: 7,
                since: "2026-01-01T00:00:00Z".into(),
                command: "gosling state migrate".into(),
                pipeline: None,
            },
        }
    }

    fn step<T>(&self, work: impl FnOnce(&mut Content) -> T) -> Result<T, StoreError> {
        let mut life = self.life.lock().unwrap();
        let done = (life.left > 1 || life.left == 1 && !life.after, life.left > 0);
        life.left = life.left.saturating_sub(1);
        let given = done.1.then(|| work(&mut self.content.lock().unwrap()));
        given.filter(|_| done.0).ok_or_else(|| StoreError::Io {
            what: "killed".to_owned(),
            why: std::io::Error::other("here"),
        })
    }

    /// All but the mark.
    fn content(&self) -> Content {
        let mut content = self.content.lock().unwrap().clone();
        content.beside.remove(&Beside::Moved);
        content
    }
}

const IMMORTAL: Life = Life {
    left: usize::MAX,
    after: false,
};

fn version(bytes: &[u8]) -> Version {
    Version(crate::state::digest(bytes))
}

#[async_trait]
impl Store for Memory {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        self.step(|content| Snapshot {
            state: content.states.last().cloned(),
            journal: content.journal.clone(),
        })
    }
    async fn lock(&self, _: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        Ok(Box::new(self.clone()))
    }
    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        self.lock(holder).await
    }
    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        Ok(None)
    }
    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let bytes = self.step(|content| content.beside.get(&which).cloned())?;
        Ok(bytes.map(|bytes| (bytes.clone(), version(&bytes))))
    }
    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        fence.confirm().await?;
        self.step(|content| {
            let now = content.beside.get(&which).map(|bytes| version(bytes));
            let fits = now.as_ref() == expected;
            if fits {
                content.beside.insert(which, bytes.to_owned());
            }
            fits.then_some(())
                .ok_or_else(|| StoreError::Changed(self.place()))
        })?
    }
    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.step(|content| content.states.iter().rev().skip(1).cloned().collect())
    }
    fn place(&self) -> String {
        self.name.to_owned()
    }
}

#[async_trait]
impl Locked for Memory {
    fn epoch(&self) -> u64 {
        1
    }
    fn holder(&self) -> &Holder {
        &self.holder
    }
    async fn confirm(&self) -> Result<(), StoreError> {
        Ok(())
    }
    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.peek().await
    }
    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        self.step(|content| content.states.push(state.to_owned()))
    }
    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        self.step(|content| content.journal.extend(records))
    }
    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        self.step(|content| {
            let mut rewritten = 0;
            for state in &mut content.states {
                if let Some(new) = change(state)? {
                    *state = new;
                    rewritten += 1;
                }
            }
            Ok(rewritten)
        })?
    }
    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        self.step(|content| content.journal = left.to_owned())
    }
}

fn operation(verb: Verb) -> Operation {
    Operation {
        op: "a".into(),
        verb,
        address: "egg.app.runner".parse().unwrap(),
        kind: "gitlab_runner".into(),
        provider: "gitlab.example.com".into(),
        marker: "gosling:lab:egg.app.runner:a".into(),
        id: None,
        reserved: None,
        properties: Default::default(),
        given: Default::default(),
        prior: Default::default(),
        rollout: None,
        place: None,
        again: false,
        tasks: Vec::new(),
    }
}

fn intent() -> Vec<u8> {
    let record = Record::Intent {
        epoch: 1,
        operation: Box::new(operation(Verb::Create)),
        depends_on: Vec::new(),
    };
    journal::frame(&record).unwrap()
}

/// A store with five saved states, a journal whose outcome is not in them, and something beside them.
async fn old(name: &'static str) -> Memory {
    let store = Memory::new(name);
    let mut state = State {
        lineage: "lab".into(),
        ..State::default()
    };
    for _ in 0..5 {
        state = recover::save(&store, state).await.unwrap();
    }
    let done = Record::Failed {
        op: "a".into(),
        message: "refused".into(),
    };
    store
        .append(&[intent(), journal::frame(&done).unwrap()].concat())
        .await
        .unwrap();
    for (which, bytes) in [
        (Beside::Secrets, "sealed"),
        (Beside::Audit, "who did what"),
        (Beside::AuditPart(0), "who did what before"),
    ] {
        store
            .put_beside(which, None, bytes.as_bytes(), &Unfenced)
            .await
            .unwrap();
    }
    store
}

/// A store as an end of a move, under its lock.
fn both(store: &Memory) -> End<'_> {
    End {
        store,
        locked: store,
        fence: &Unfenced,
    }
}

/// A move by a process that lives so long.
async fn moves(from: &Memory, to: &Memory, life: Life) -> Result<Outcome, MigrateError> {
    let life = Arc::new(Mutex::new(life));
    let of = |store: &Memory| Memory {
        life: Arc::clone(&life),
        ..store.clone()
    };
    let (from, to) = (of(from), of(to));
    migrate("lab", both(&from), both(&to)).await
}

#[tokio::test]
async fn killed_anywhere_a_move_goes_on_and_never_are_there_two_places_to_work_at() {
    for after in [false, true] {
        let mut kills = 0;
        loop {
            let (from, to) = (old("from").await, Memory::new("to"));
            let life = |left| Life { left, after };
            if moves(&from, &to, life(kills)).await.is_ok() {
                break;
            }
            for second in [3, 9, 20] {
                let free = (here(&from).await.is_ok(), here(&to).await.is_ok());
                assert!(
                    free != (true, true) || to.content() == Content::default(),
                    "after {kills} steps"
                );
                // A second kill on the way, or that was the rest of it.
                let _ = moves(&from, &to, life(second)).await;
            }
            match moves(&from, &to, IMMORTAL).await {
                Ok(Outcome::Moved(moved)) => {
                    assert!(moved.history >= 5, "after {kills} steps: {moved:?}");
                    assert_eq!(
                        moved.beside,
                        [Beside::AuditPart(0), Beside::Secrets, Beside::Audit]
                    );
                }
                Ok(Outcome::Before) => {}
                Err(error) => panic!("after {kills} steps: {error}"),
            }
            assert_eq!(from.content(), to.content(), "after {kills} steps");
            assert!(matches!(here(&from).await, Err(StoreError::Moved { .. })));
            here(&to).await.unwrap();
            kills += 1;
        }
        assert!(kills > 30, "only {kills} points");
    }
}

#[tokio::test]
async fn a_state_comes_back_to_where_it_was() {
    let (one, two) = (old("one").await, Memory::new("two"));
    let moved = moves(&one, &two, IMMORTAL).await.unwrap();
    let expected = Moved {
        resources: 0,
        history: 5,
        beside: vec![Beside::AuditPart(0), Beside::Secrets, Beside::Audit],
    };
    assert_eq!(moved, Outcome::Moved(expected));
    assert_eq!(moves(&one, &two, IMMORTAL).await.unwrap(), Outcome::Before);
    let elsewhere = moves(&one, &Memory::new("three"), IMMORTAL).await.unwrap_err();
    assert!(matches!(elsewhere, MigrateError::Already(_)), "{elsewhere}");
    let (state, _) = recover::read("lab", &two.peek().await.unwrap()).unwrap();
    recover::save(&two, state).await.unwrap();
    moves(&two, &one, IMMORTAL).await.unwrap();
    assert_eq!(one.content(), two.content());
    assert_eq!(one.content().states.len(), 7);
    here(&one).await.unwrap();
    assert!(matches!(here(&two).await, Err(StoreError::Moved { .. })));
}

#[tokio::test]
async fn what_must_not_move_or_be_written_over_is_left_alone() {
    let from = old("from").await;
    let refused = async |to: &Memory, words: &str| {
        let before = to.content();
        let error = moves(&from, to, IMMORTAL).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(to.content(), before);
        here(&from).await.unwrap();
    };
    refused(&old("other").await, "a state is there").await;
    let to = Memory::new("secrets");
    to.put_beside(Beside::Secrets, None, b"of somebody", &Unfenced)
        .await
        .unwrap();
    refused(&to, "secrets.age is there").await;
    let to = Memory::new("free");
    from.cut(&[]).await.unwrap();
    from.append(&intent()).await.unwrap();
    refused(&to, "create of egg.app.runner has not ended").await;
    let error = moves(&Memory::new("nothing"), &to, IMMORTAL).await.unwrap_err();
    assert!(matches!(error, MigrateError::Nothing(_)), "{error}");
    // A move that cannot be does not stay announced.
    here(&to).await.unwrap();
}

#[tokio::test]
async fn a_move_is_announced_before_the_old_place_is_asked_for_anything() {
    let (from, to) = (old("from").await, Memory::new("to"));
    announce("from", both(&to)).await.unwrap();
    assert!(matches!(here(&to).await, Err(StoreError::Arriving { .. })));
    // One that was given up then is in nobody's way.
    announce("elsewhere", both(&to)).await.unwrap();
    announce("from", both(&to)).await.unwrap();
    let moved = moves(&from, &to, IMMORTAL).await.unwrap();
    assert!(matches!(moved, Outcome::Moved(_)), "{moved:?}");
    here(&to).await.unwrap();
    // Where the state is already there is nothing to announce.
    announce("from", both(&to)).await.unwrap();
    here(&to).await.unwrap();
}
