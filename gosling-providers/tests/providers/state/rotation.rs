//! A rotation that is killed after each of its calls, the giving back of the lock among them: whoever comes next opens all
//! of it, loses nothing of it, and ends it. In both directions and for other recipients, at GitLab and in objects as S3
//! has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gosling_engine::fence::Unfenced;
use gosling_engine::journal::{self, Record};
use gosling_engine::store::remote::{Expect, Objects, PutError};
use gosling_engine::store::{Beside, Store, StoreError, Version};
use gosling_engine::{Operation, RemoteStore, State, Verb, recover};
use gosling_providers::keys::{Keys, generate_identity};
use gosling_providers::state::{GitlabStateSettings, Sealed, Sealing, gitlab};
use gosling_resource::{Properties, Secret};
use serde_json::json;

use super::holder;
use crate::world::{World, fault, secret};

/// Objects in memory. The call of this number is carried out and never answered.
#[derive(Default)]
struct Memory {
    objects: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    calls: Mutex<(usize, Option<usize>)>,
}

impl Memory {
    async fn answer(&self) {
        let silent = {
            let mut calls = self.calls.lock().unwrap();
            calls.0 += 1;
            calls.1 == Some(calls.0)
        };
        if silent {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Objects for Memory {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self, name: &str) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let object = self.objects.lock().unwrap().get(name).cloned();
        self.answer().await;
        Ok(object.map(|(bytes, version)| (bytes, Version(version.to_string()))))
    }

    async fn put(&self, name: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError> {
        let put = {
            let mut objects = self.objects.lock().unwrap();
            let now = objects.get(name).map(|(_, version)| *version);
            let holds = match expect {
                Expect::Absent => now.is_none(),
                Expect::Version(version) => now.is_some_and(|now| now.to_string() == version.0),
                Expect::Any => true,
            };
            let version = now.unwrap_or_default() + 1;
            if holds {
                objects.insert(name.to_owned(), (bytes.to_vec(), version));
            }
            holds
                .then(|| Version(version.to_string()))
                .ok_or(PutError::Changed)
        };
        self.answer().await;
        put
    }

    async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.objects.lock().unwrap().remove(name);
        self.answer().await;
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let names: Vec<String> = self.objects.lock().unwrap().keys().cloned().collect();
        self.answer().await;
        Ok(names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect())
    }
}

/// Where states are, each case's apart.
enum Kind {
    Objects,
    Gitlab(Box<World>),
}

/// One case's place.
struct Place<'k> {
    store: Arc<dyn Store>,
    memory: Arc<Memory>,
    gitlab: Option<(&'k World, String)>,
}

impl Kind {
    fn place(&self, case: &str) -> Place<'_> {
        let memory = Arc::new(Memory::default());
        match self {
            Self::Objects => Place {
                store: Arc::new(RemoteStore::over(Arc::clone(&memory) as _, 3)),
                memory,
                gitlab: None,
            },
            Self::Gitlab(world) => {
                let settings = GitlabStateSettings {
                    endpoint: world.endpoint(),
                    project: 17,
                    name: case.to_owned(),
                    token: secret(world.env("GITLAB_TOKEN")),
                    kept: 3,
                };
                Place {
                    store: Arc::new(gitlab(settings).unwrap()),
                    memory,
                    gitlab: Some((world, format!("/terraform/state/{case}"))),
                }
            }
        }
    }
}

impl Place<'_> {
    fn calls(&self) -> usize {
        match &self.gitlab {
            None => self.memory.calls.lock().unwrap().0,
            Some((world, path)) => {
                let ledger = world.sandbox.ledger();
                ledger
                    .calls()
                    .iter()
                    .filter(|call| call.path.contains(path))
                    .count()
            }
        }
    }

    /// Runs it until it ends, or until its call of this number, from 1, was carried out. `None`: it was killed.
    async fn killed_after<T>(&self, call: usize, work: impl Future<Output = T>) -> Option<T> {
        let until = self.calls() + call;
        match &self.gitlab {
            None => self.memory.calls.lock().unwrap().1 = Some(until),
            Some((world, path)) => {
                let hang = json!({ "path": format!("*{path}*"), "nth": call, "kind": "hang" });
                world.sandbox.inject(fault(&hang));
            }
        }
        let dies = async {
            while self.calls() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // What is answered comes at once; this one is not.
            tokio::time::sleep(Duration::from_millis(if self.gitlab.is_some() { 30 } else { 0 })).await;
        };
        let ended = tokio::select! {
            biased;
            ended = work => Some(ended),
            () = dies => None,
        };
        match &self.gitlab {
            None => self.memory.calls.lock().unwrap().1 = None,
            Some((world, _)) => world.sandbox.end_faults(),
        }
        ended
    }
}

type Person = (Secret, String);

fn sealing(all: &[&Person], write: bool) -> Sealing {
    let recipients = all.iter().map(|(_, recipient)| recipient.clone()).collect();
    let keys = Keys {
        recipients,
        identity: Some(all[0].0.clone()),
    };
    Sealing {
        keys: Some(keys),
        write,
    }
}

fn intent(op: &str) -> Vec<u8> {
    let operation = Operation {
        op: op.into(),
        verb: Verb::Create,
        address: format!("egg.{op}.runner").parse().unwrap(),
        kind: "gitlab_runner".into(),
        provider: "gitlab.example.com".into(),
        marker: format!("gosling:lab:egg.{op}.runner:canary-{op}"),
        id: None,
        reserved: None,
        properties: Properties::new(),
        given: Properties::new(),
        prior: Properties::new(),
        rollout: None,
        place: None,
        again: false,
        tasks: Vec::new(),
    };
    let record = Record::Intent {
        epoch: 1,
        operation: Box::new(operation),
        depends_on: Vec::new(),
    };
    journal::frame(&record).unwrap()
}

/// Three states, a journal with an operation that is open and one that has ended, and secrets.
async fn fill(store: &Sealed, keys: &Keys) {
    let locked = store.lock(&holder("ada")).await.unwrap();
    let mut state = State {
        lineage: "canary-lineage".into(),
        nest: "lab".into(),
        ..State::default()
    };
    for _ in 0..3 {
        state = recover::save(&*locked, state).await.unwrap();
    }
    let failed = Record::Failed {
        op: "ended".into(),
        message: "canary-refused".into(),
    };
    let ended = [intent("ended"), journal::frame(&failed).unwrap()].concat();
    locked.append(&[intent("open"), ended].concat()).await.unwrap();
    let secrets = keys.seal(b"canary-secret").unwrap();
    store
        .put_beside(Beside::Secrets, None, &secrets, &Unfenced)
        .await
        .unwrap();
    locked.release().await.unwrap();
}

/// What `gosling state rotate` does, from the lock until it is given back.
async fn rotate(store: &Sealed) -> Result<(), gosling_engine::RunError> {
    let locked = store.lock(&holder("ada")).await?;
    let snapshot = locked.load().await?;
    let (state, open) = recover::read("lab", &snapshot)?;
    if !snapshot.journal.is_empty() {
        recover::settle(&*locked, state, &recover::ops(&open)).await?;
    }
    store.rotate(&*locked, &Unfenced).await?;
    Ok(locked.release().await?)
}

/// All of it is there, in whatever form.
async fn assert_whole(store: &Sealed, keys: &Keys, place: &str) {
    let snapshot = store.peek().await.unwrap();
    let (state, open) = recover::read("lab", &snapshot).unwrap();
    assert_eq!(state.lineage, "canary-lineage", "{place}");
    let open: BTreeSet<String> = recover::ops(&open);
    assert_eq!(open, BTreeSet::from(["open".to_owned()]), "{place}");
    let history = store.history().await.unwrap();
    assert!(history.len() >= 2, "{place}: {} earlier states", history.len());
    for bytes in history {
        State::from_bytes(&bytes).unwrap();
    }
    let (secrets, _) = store.beside(Beside::Secrets).await.unwrap().unwrap();
    assert_eq!(*keys.open(&secrets).unwrap(), *b"canary-secret", "{place}");
}

/// Everything that is stored, as it is stored.
async fn stored(store: &dyn Store) -> Vec<Vec<u8>> {
    let snapshot = store.peek().await.unwrap();
    let mut all = store.history().await.unwrap();
    all.extend(snapshot.state);
    let (contents, _) = journal::frames(&snapshot.journal).unwrap();
    all.extend(contents.into_iter().map(<[u8]>::to_vec));
    all.extend(
        store
            .beside(Beside::Secrets)
            .await
            .unwrap()
            .map(|(bytes, _)| bytes),
    );
    all
}

fn is_plain(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == b"canary")
}

/// Killed after every so-manieth call.
async fn killed_everywhere(kind: &Kind, stride: usize, least: usize) {
    let (ada, bob) = (generate_identity(), generate_identity());
    let directions = [
        ("encrypt", sealing(&[&ada, &bob], false), sealing(&[&ada], true)),
        ("decrypt", sealing(&[&ada, &bob], true), sealing(&[&ada], false)),
        ("others", sealing(&[&ada, &bob], true), sealing(&[&ada], true)),
    ];
    let of_bob = sealing(&[&bob], true).keys.unwrap();
    for (first, (name, before, after)) in (1..).zip(directions) {
        let keys = after.keys.clone().unwrap();
        let mut kills = 0;
        for call in (first..).step_by(stride) {
            let case = format!("{name}-{call}");
            let place = kind.place(&case);
            fill(
                &Sealed::new(Arc::clone(&place.store), before.clone()),
                &before.keys.clone().unwrap(),
            )
            .await;
            let store = Sealed::new(Arc::clone(&place.store), after.clone());
            let ended = place.killed_after(call, rotate(&store)).await;
            assert_whole(&store, &keys, &case).await;
            if ended.is_none() {
                kills += 1;
                // Who held it is dead, also where the service's own lock is all that was taken.
                let locked = place.store.take_over(&holder("grace")).await.unwrap();
                locked.release().await.unwrap();
                rotate(&store).await.unwrap();
                assert_whole(&store, &keys, &case).await;
            }
            let stored = stored(&*place.store).await;
            let (secrets, rest) = stored.split_last().unwrap();
            assert!(!is_plain(secrets), "{case}");
            assert_eq!(rest.iter().all(|bytes| !is_plain(bytes)), after.write, "{case}");
            let opened = stored.iter().filter(|bytes| of_bob.open(bytes).is_ok());
            assert_eq!(opened.count(), 0, "{case}: who was taken out opens something");
            if let Some(ended) = ended {
                ended.unwrap();
                break;
            }
        }
        assert!(kills >= least, "{name}: only {kills} kills");
    }
}

/// `all` with `just torture`, else `some`: encryption takes its time.
fn of<T>(all: T, some: T) -> T {
    match std::env::var_os("POLAR_GOSLING_TORTURE") {
        Some(_) => all,
        None => some,
    }
}

#[tokio::test]
async fn a_rotation_in_objects_that_is_killed_after_any_call_is_ended_by_the_next() {
    let (stride, least) = of((1, 25), (3, 8));
    killed_everywhere(&Kind::Objects, stride, least).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_at_gitlab_that_is_killed_after_any_call_is_ended_by_the_next() {
    let (stride, least) = of((1, 15), (7, 2));
    killed_everywhere(&Kind::Gitlab(Box::new(World::start().await)), stride, least).await;
}
