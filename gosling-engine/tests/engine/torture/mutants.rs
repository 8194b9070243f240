//! The protocol with one rule of it broken: what the other tests of this folder do finds each. The engine is the real
//! one; what is wrong stands between it and its store or its provider, or in the simulated provider itself.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use gosling_engine::fence::Unfenced;
use gosling_engine::journal::{self, Record};
use gosling_engine::store::{
    Beside, Displaced, Holder, Locked, Rewrite, Snapshot, Store, StoreError, Version,
};
use gosling_engine::{CallError, Context, Fence, Known, Observed, Operation, Presence, Provider};
use gosling_resource::{Kind, Properties};

use super::matrix::{Cell, Deed};
use super::opens::around_what_is_open;
use super::setting::{BACKENDS, Between, Setting};
use super::table::{Table, Tally, of};
use crate::life::Life;
use crate::nest::Nest;
use crate::world::{Fault, Wrong};

/// What is done between a lock and whoever writes under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing; each write waits at a gate.
    Kept,
    /// An intent is written with the outcome, after the call.
    IntentLate,
    /// The journal is emptied before the state is saved.
    CutFirst,
    /// The journal is emptied, and what is left of it written then.
    CutThenWrite,
    /// What is left of the journal is not written at all.
    CutAll,
    /// A lock that was taken over is taken back.
    Stubborn,
    /// Whoever takes a lock over does not wait for the lease of the one before.
    Impatient,
}

struct Bent {
    store: Arc<dyn Store>,
    rule: Rule,
    gate: Arc<Life>,
}

fn bent(store: Arc<dyn Store>, rule: Rule, gate: &Arc<Life>) -> Arc<dyn Store> {
    Arc::new(Bent {
        store,
        rule,
        gate: Arc::clone(gate),
    })
}

impl Bent {
    fn locked(&self, locked: Box<dyn Locked>) -> Box<dyn Locked> {
        Box::new(BentLock {
            store: Arc::clone(&self.store),
            epoch: locked.epoch(),
            holder: locked.holder().clone(),
            locked: tokio::sync::Mutex::new(locked),
            rule: self.rule,
            gate: Arc::clone(&self.gate),
            intents: Mutex::default(),
            state: Mutex::default(),
        })
    }
}

#[async_trait]
impl Store for Bent {
    async fn peek(&self) -> Result<Snapshot, StoreError> {
        self.store.peek().await
    }
    async fn lock(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        Ok(self.locked(self.store.lock(holder).await?))
    }
    async fn take_over(&self, holder: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        Ok(self.locked(self.store.take_over(holder).await?))
    }
    async fn held_by(&self) -> Result<Option<Holder>, StoreError> {
        self.store.held_by().await
    }
    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        self.store.beside(which).await
    }
    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
        fence: &dyn Fence,
    ) -> Result<(), StoreError> {
        self.store.put_beside(which, expected, bytes, fence).await
    }
    async fn history(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.store.history().await
    }
    fn place(&self) -> String {
        self.store.place()
    }
}

struct BentLock {
    store: Arc<dyn Store>,
    epoch: u64,
    holder: Holder,
    locked: tokio::sync::Mutex<Box<dyn Locked>>,
    rule: Rule,
    gate: Arc<Life>,
    /// Intents that wait for their outcome.
    intents: Mutex<Vec<u8>>,
    /// The state that waits for the journal to be emptied.
    state: Mutex<Option<Vec<u8>>>,
}

impl BentLock {
    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        let mut locked = self.locked.lock().await;
        match locked.append(records).await {
            Err(StoreError::TakenOver(_)) if self.rule == Rule::Stubborn => {
                *locked = self.store.take_over(&self.holder).await?;
                locked.append(records).await
            }
            other => other,
        }
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        let mut locked = self.locked.lock().await;
        match locked.save(state).await {
            Err(StoreError::TakenOver(_)) if self.rule == Rule::Stubborn => {
                *locked = self.store.take_over(&self.holder).await?;
                locked.save(state).await
            }
            other => other,
        }
    }

    /// Writes what waits.
    async fn flush(&self) -> Result<(), StoreError> {
        let state = self.state.lock().unwrap().take();
        match state {
            Some(state) => self.save(&state).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Locked for BentLock {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn holder(&self) -> &Holder {
        &self.holder
    }

    async fn confirm(&self) -> Result<(), StoreError> {
        self.locked.lock().await.confirm().await
    }

    async fn displaced(&self) -> Vec<Displaced> {
        if self.rule == Rule::Impatient {
            return Vec::new();
        }
        self.locked.lock().await.displaced().await
    }

    async fn forget_displaced(&self) -> Result<(), StoreError> {
        self.locked.lock().await.forget_displaced().await
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.locked.lock().await.load().await
    }

    async fn save(&self, state: &[u8]) -> Result<(), StoreError> {
        self.gate.point().await;
        if self.rule == Rule::CutFirst {
            *self.state.lock().unwrap() = Some(state.to_vec());
            return Ok(());
        }
        Self::save(self, state).await
    }

    async fn append(&self, records: &[u8]) -> Result<(), StoreError> {
        self.gate.point().await;
        self.flush().await?;
        if self.rule != Rule::IntentLate {
            return Self::append(self, records).await;
        }
        let (all, _) = journal::records(records).unwrap();
        let ends = all
            .iter()
            .any(|record| !matches!(record, Record::Intent { .. } | Record::Ref { .. }));
        let waiting = {
            let mut intents = self.intents.lock().unwrap();
            intents.extend_from_slice(records);
            if ends {
                std::mem::take(&mut *intents)
            } else {
                Vec::new()
            }
        };
        if waiting.is_empty() {
            return Ok(());
        }
        Self::append(self, &waiting).await
    }

    async fn cut(&self, left: &[u8]) -> Result<(), StoreError> {
        self.gate.point().await;
        let at_once = match self.rule {
            Rule::CutThenWrite | Rule::CutAll => &[],
            _ => left,
        };
        let cut = self.locked.lock().await.cut(at_once).await;
        if self.rule == Rule::CutThenWrite && !left.is_empty() {
            self.locked.lock().await.append(left).await?;
        }
        match cut {
            Err(StoreError::TakenOver(_)) if self.rule == Rule::Stubborn => {}
            other => other?,
        }
        self.flush().await
    }

    async fn rewrite(&self, change: &Rewrite<'_>) -> Result<usize, StoreError> {
        self.locked.lock().await.rewrite(change).await
    }

    async fn release(&self) -> Result<(), StoreError> {
        self.flush().await?;
        self.locked.lock().await.release().await
    }
}

/// A provider that takes what it does not know for a failure.
struct Hasty(Arc<dyn Provider>);

fn hasty(error: CallError) -> CallError {
    match error {
        CallError::Unknown { message, help } => CallError::Failed { message, help },
        failed => failed,
    }
}

#[async_trait]
impl Provider for Hasty {
    fn kinds(&self) -> &'static [&'static Kind] {
        self.0.kinds()
    }
    fn account(&self) -> String {
        self.0.account()
    }
    async fn read(&self, cx: &Context<'_>, resource: &Known<'_>) -> Result<Presence, CallError> {
        self.0.read(cx, resource).await
    }
    async fn reserve(
        &self,
        cx: &Context<'_>,
        kind: &str,
        properties: &Properties,
        taken: &[String],
    ) -> Result<Option<String>, CallError> {
        self.0.reserve(cx, kind, properties, taken).await
    }
    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        self.0.create(cx, operation).await.map_err(hasty)
    }
    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        self.0.update(cx, operation).await.map_err(hasty)
    }
    async fn delete(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        self.0.delete(cx, operation).await.map_err(hasty)
    }
}

const CELLS: [Cell; 3] = [
    Cell {
        kind: "gitlab_runner",
        deed: Deed::Create,
    },
    Cell {
        kind: "proxmox_vm",
        deed: Deed::Create,
    },
    Cell {
        kind: "proxmox_vm",
        deed: Deed::Delete,
    },
];

/// A bit of everything: killed at every point, also with a number taken meanwhile, answers lost, locks taken over.
async fn everything(setting: &Setting) -> Tally {
    let mut sum = Tally::default();
    for cell in CELLS {
        sum.add(cell.once(setting, 1, |_, _| {}).await, || "killed".to_owned());
        let intrude = |nest: &Nest, _| nest.world.inner().intrude();
        let intruded = cell.once(setting, 1, intrude).await;
        sum.add(intruded, || "killed, and the number taken".to_owned());
        for fault in [Fault::LoseBefore, Fault::LoseAfter, Fault::Intrude] {
            sum.add(cell.lost(setting, fault).await, || "answer lost".to_owned());
        }
        sum.add(cell.overtaken(setting).await, || "lock taken over".to_owned());
    }
    sum
}

#[tokio::test]
async fn torture_every_broken_rule_of_the_protocol_is_noticed() {
    let store = |store: Between| Setting {
        store,
        ..Setting::default()
    };
    let wrong = |wrong: Wrong| Setting {
        wrong,
        ..store(|store, ground| bent(store, Rule::Kept, ground.gate))
    };
    let right = Wrong::default();
    let mut table = Table::new("the protocol with no rule broken");
    table.line("memory", everything(&wrong(right)).await);
    table.line("around what stays open", around_what_is_open(&wrong(right)).await);
    table.clean(100);
    let mutants: [(&str, Setting); 7] = [
        (
            "intent after the call",
            store(|store, ground| bent(store, Rule::IntentLate, ground.gate)),
        ),
        ("no marker check", wrong(Wrong { blind: true, ..right })),
        (
            "a lost token not made anew",
            wrong(Wrong {
                careless: true,
                ..right
            }),
        ),
        (
            "\"exists\" taken for success",
            wrong(Wrong {
                content: true,
                ..right
            }),
        ),
        (
            "a lock taken over without an epoch",
            store(|store, ground| bent(store, Rule::Stubborn, ground.gate)),
        ),
        (
            "the journal cut before the state is saved",
            store(|store, ground| bent(store, Rule::CutFirst, ground.gate)),
        ),
        (
            "unknown taken for failed",
            Setting {
                provider: |provider| Arc::new(Hasty(provider)),
                ..wrong(right)
            },
        ),
    ];
    let mut table = Table::new("the protocol with one rule broken: noticed");
    for (name, setting) in mutants {
        table.line(name, everything(&setting).await.caught(name));
    }
    let of_what_is_open: [(&str, Setting); 2] = [
        (
            "the journal cut, and what is open written again then",
            store(|store, ground| bent(store, Rule::CutThenWrite, ground.gate)),
        ),
        (
            "what is open cut with the journal",
            store(|store, ground| bent(store, Rule::CutAll, ground.gate)),
        ),
    ];
    for (name, setting) in of_what_is_open {
        table.line(name, around_what_is_open(&setting).await.caught(name));
    }
    table.clean(9);
}

#[tokio::test]
async fn torture_whoever_was_overtaken_writes_no_more() {
    let mut table = Table::new("lock taken over at every write");
    // The lock of a folder ends with its process: nobody can take it from one that lives.
    for backend in BACKENDS.iter().filter(|backend| !backend.on_disk) {
        let setting = Setting {
            store: |store, ground| bent(store, Rule::Kept, ground.gate),
            ..Setting::on(*backend)
        };
        for cell in super::matrix::cells() {
            let tally = cell.overtaken(&setting).await;
            table.line(format!("{}: {}", backend.name, cell.name()), tally);
        }
    }
    table.clean(200);
}

/// Every deed on every store whose lock can be taken from a process that lives: each stopped at every so-manieth point.
async fn stopped(setting: Setting, table: &mut Table, stride: usize) {
    for backend in BACKENDS.iter().filter(|backend| !backend.on_disk) {
        let setting = Setting {
            backend: *backend,
            ..setting
        };
        for cell in super::matrix::cells() {
            let tally = cell.stopped(&setting, stride).await;
            table.line(format!("{}: {}", backend.name, cell.name()), tally);
        }
    }
}

#[tokio::test]
async fn torture_a_stopped_holder_that_continues_after_a_take_over_changes_nothing() {
    let mut table = Table::new("stopped at every point, and continued after a take-over");
    stopped(Setting::default(), &mut table, of(1, 7)).await;
    table.clean(of(900, 100));
}

#[tokio::test]
async fn torture_a_holder_without_fence_or_a_take_over_without_wait_is_noticed() {
    let mut table = Table::new("the fence with one rule broken: noticed");
    let mutants = [
        (
            "calls are sent without the fence",
            Setting {
                fence: |_| &Unfenced,
                ..Setting::default()
            },
        ),
        (
            "a take-over does not wait for the lease",
            Setting {
                store: |store, ground| bent(store, Rule::Impatient, ground.gate),
                ..Setting::default()
            },
        ),
    ];
    for (name, setting) in mutants {
        let mut found = Table::new(name);
        stopped(setting, &mut found, 17).await;
        table.line(name, found.sum().caught(name));
    }
    table.clean(2);
}
