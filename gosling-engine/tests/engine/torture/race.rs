//! Many processes that want the same lock, killed at random: nothing that was saved is lost, and the lock is free in
//! the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gosling_engine::RemoteStore;
use gosling_engine::store::{Holder, LocalStore, Locked, Store, StoreError};
use serde::{Deserialize, Serialize};

use super::table::{Table, Tally, of};
use crate::life::Life;
use crate::nest::holder;
use crate::objects::Memory;

/// Tells a process that it is one of the racers: the folder, its number, how often it is to count.
const RACER: &str = "POLAR_GOSLING_RACER";

/// What is raced for.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counted {
    all: usize,
    by: BTreeMap<usize, usize>,
    epoch: u64,
}

/// Counts once under the lock; how often this one has counted by then.
async fn count(locked: &dyn Locked, racer: usize, goal: usize) -> Result<usize, StoreError> {
    let state = locked.load().await?.state;
    let mut counted: Counted =
        state.map_or_else(Counted::default, |bytes| serde_json::from_slice(&bytes).unwrap());
    assert!(
        counted.epoch < locked.epoch(),
        "the epoch {} came back",
        counted.epoch
    );
    let own = counted.by.entry(racer).or_default();
    if *own < goal {
        *own += 1;
        counted.all += 1;
        counted.epoch = locked.epoch();
        let bytes = serde_json::to_vec(&counted).unwrap();
        locked.save(&bytes).await?;
    }
    Ok(counted.by[&racer])
}

/// What is there in the end is what everybody has counted, and nobody keeps the lock.
async fn judge(store: &dyn Store, racers: usize, goal: usize, deaths: usize) -> Tally {
    let mut tally = Tally {
        cases: deaths,
        ..Tally::default()
    };
    if let Err(error) = store.lock(&holder()).await {
        tally.found(|tally| &mut tally.stuck, || error.to_string());
    }
    let state = store.peek().await.unwrap().state.unwrap_or_default();
    let counted: Counted = serde_json::from_slice(&state).unwrap_or_default();
    if counted.all != racers * goal || counted.by.values().any(|own| *own != goal) {
        tally.found(
            |tally| &mut tally.other,
            || format!("updates were lost: {counted:?}"),
        );
    }
    tally
}

/// One of the processes, as the race starts it; by itself it races with nobody, and has to come to its goal too.
#[tokio::test]
async fn a_racer_comes_to_its_goal() {
    if let Ok(told) = std::env::var(RACER) {
        let mut told = told.split(',');
        let folder = told.next().unwrap().to_owned();
        let mut number = || told.next().unwrap().parse::<usize>().unwrap();
        let (racer, goal) = (number(), number());
        return run(&folder, racer, goal).await;
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path().to_str().unwrap(), 0, 3).await;
    let store = LocalStore::new(folder.path().join("state"), 2);
    let tally = judge(&store, 1, 3, 0).await;
    assert_eq!((tally.stuck, tally.other), (0, 0));
}

/// Counts up to the goal. It writes down what it has counted, and what it once had counted must be there still.
async fn run(folder: &str, racer: usize, goal: usize) {
    let store = LocalStore::new(Path::new(folder).join("state"), 2);
    let noted = Path::new(folder).join(format!("noted-{racer}"));
    loop {
        let before: usize = std::fs::read_to_string(&noted).map_or(0, |text| text.len());
        match store.lock(&holder()).await {
            Ok(locked) => {
                let own = count(&*locked, racer, goal).await.unwrap();
                if own < before {
                    std::fs::write(Path::new(folder).join("lost"), format!("{racer} had {before}")).unwrap();
                }
                // Its length is what is noted: a file of any length is whole.
                std::fs::write(&noted, "x".repeat(own)).unwrap();
                if own == goal {
                    return;
                }
            }
            Err(StoreError::Locked(_)) => tokio::time::sleep(Duration::from_millis(3)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn start(folder: &Path, racer: usize, goal: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "torture::race::a_racer_comes_to_its_goal"])
        .env(RACER, format!("{},{racer},{goal}", folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[test]
fn torture_processes_race_for_a_lock_and_are_killed() {
    let (racers, goal, deaths_wanted) = of((50, 20, 150), (12, 5, 12));
    let folder = tempfile::tempdir().unwrap();
    let begin = |racer| start(folder.path(), racer, goal);
    let mut running: Vec<(usize, Child)> = (0..racers).map(|racer| (racer, begin(racer))).collect();
    let (mut dice, mut deaths, begun) = (Dice(0x5DEE_CE66), 0, Instant::now());
    let mut failed = 0;
    while !running.is_empty() {
        if begun.elapsed() > Duration::from_secs(300) {
            for (_, child) in &mut running {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            break;
        }
        std::thread::sleep(Duration::from_millis(3));
        if deaths < deaths_wanted {
            let at = dice.below(running.len());
            let (racer, child) = &mut running[at];
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if !status.success() {
                deaths += 1;
                *child = begin(*racer);
            }
        }
        running.retain_mut(|(_, child)| match child.try_wait().unwrap() {
            Some(status) => {
                failed += usize::from(!status.success());
                false
            }
            None => true,
        });
    }
    let store = LocalStore::new(folder.path().join("state"), 2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut tally = runtime.block_on(judge(&store, racers, goal, deaths));
    let lost = std::fs::read_to_string(folder.path().join("lost")).unwrap_or_default();
    if failed > 0 || !lost.is_empty() {
        tally.found(
            |tally| &mut tally.other,
            || format!("{failed} racers failed; {lost}"),
        );
    }
    let mut table = Table::new("lock race, SIGKILLs");
    table.line(format!("folder: {racers} processes x {goal}"), tally);
    // Where everything is quick, the race is over before all of them have died.
    table.clean(deaths_wanted / 4);
}

/// A process that dies when it has been polled so often.
async fn mortal<T>(work: impl Future<Output = T>, mut polls: usize) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        if polls == 0 {
            return std::task::Poll::Ready(None);
        }
        polls -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn torture_tasks_race_for_a_remote_lock_and_die() {
    let (racers, goal) = of((50, 20), (12, 5));
    let memory = Memory::new(&Arc::new(Life::default()));
    let store = RemoteStore::over(memory, 2);
    let deaths = std::cell::Cell::new(0);
    let all = (0..racers).map(|racer| {
        let (store, deaths) = (store.clone(), &deaths);
        async move {
            let mut dice = Dice(0x9E37 + u64::try_from(racer).unwrap());
            // Each of its lives has a number of its own, so that the others can tell which holder is dead.
            let mut life = 0;
            let mut own = 0;
            while own < goal {
                let me = Holder {
                    pid: u32::try_from(racer * 10_000 + life).unwrap(),
                    ..holder()
                };
                let turn = async {
                    let locked = store.lock(&me).await?;
                    let counted = count(&*locked, racer, goal).await?;
                    locked.release().await?;
                    Ok::<usize, StoreError>(counted)
                };
                match mortal(turn, 2 + dice.below(16)).await {
                    Some(Ok(counted)) => {
                        assert!(counted > own, "{racer} had {own} and has {counted}");
                        own = counted;
                    }
                    Some(Err(StoreError::Locked(_) | StoreError::TakenOver(_) | StoreError::Changed(_))) => {
                        tokio::task::yield_now().await;
                    }
                    Some(Err(error)) => panic!("{error}"),
                    None => {
                        deaths.set(deaths.get() + 1);
                        life += 1;
                        // An operator sees that it is dead, and takes its lock over.
                        if store.held_by().await.unwrap().as_ref() == Some(&me) {
                            let taken = store.take_over(&holder()).await.unwrap();
                            taken.release().await.unwrap();
                        }
                    }
                }
            }
        }
    });
    futures_util::future::join_all(all).await;
    let mut table = Table::new("lock race, deaths");
    let tally = judge(&store, racers, goal, deaths.get()).await;
    table.line(format!("objects: {racers} tasks x {goal}"), tally);
    table.clean(of(50, 10));
}
