//! One run of the engine over a locked state: what apply, refresh and recovery share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use gosling_resource::{Address, Kind, Origin};
use smol_str::SmolStr;
use thiserror::Error;
use tokio::sync::{Mutex as AsyncMutex, oneshot, watch};

use crate::fence::Fence;
use crate::journal::{self, JournalError, Record};
use crate::operation::Operation;
use crate::provider::{CallError, Notes, Provider, Secrets};
use crate::rollout::Fleet;
use crate::state::{Intake, StateError};
use crate::store::{Holder, Locked, StoreError};

/// The providers of a Nest by their labels.
pub type Providers = BTreeMap<SmolStr, Arc<dyn Provider>>;

/// The kind of this name, whoever makes it.
#[must_use]
pub fn kind_of(providers: &Providers, name: &str) -> Option<&'static Kind> {
    let all = providers.values().flat_map(|provider| provider.kinds());
    all.copied().find(|kind| kind.name == name)
}

/// What a run tells a person while it works. Nothing it is told holds a secret.
pub trait Events: Send + Sync {
    /// An operation begins.
    fn started(&self, operation: &Operation);
    /// An operation has got somewhere.
    fn progress(&self, op: &str, words: &str);
    /// An operation ended.
    fn ended(&self, operation: &Operation, outcome: &Result<(), CallError>);
    /// A resource is left alone because of what happened to another.
    fn skipped(&self, address: &Address, because: &str);
}

/// Why a run stopped as a whole.
#[derive(Debug, Error)]
pub enum RunError {
    /// The state or journal could not be read or written. Nothing was sent without its intent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A person stopped it before anything was planned; what is open stays open.
    #[error("stopped while recovering what earlier runs left open; the next run continues")]
    Stopped,
    /// A resource belongs to a provider that the Nest no longer has.
    #[error(
        "{address} was created by `{provider}`, which the Nest no longer has: put the provider back, or `gosling state rm {address}`"
    )]
    NoProvider {
        /// Which resource.
        address: Box<Address>,
        /// Which provider.
        provider: SmolStr,
    },
    /// Another service answers than the one in which the resources of the state were created.
    #[error("{0}")]
    OtherPlace(Box<CallError>),
    /// A provider could not be read.
    #[error("{address}{} could not be read: {error}", .origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default())]
    Unreadable {
        /// Which resource.
        address: Box<Address>,
        /// Where it was asked for.
        origin: Option<Origin>,
        /// Why.
        error: Box<CallError>,
    },
}

/// How a person stops a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Nothing new is started; what is in flight may end within the grace.
    Soon,
    /// At once.
    Now,
}

/// A run: everything that its parts need.
pub struct Run<'a> {
    /// The Nest's name, for markers.
    pub nest: &'a str,
    /// Who makes what.
    pub providers: &'a Providers,
    /// Where secrets are.
    pub secrets: &'a dyn Secrets,
    /// The fence of the lock: no provider sends a change that it does not confirm.
    pub fence: &'a dyn Fence,
    /// Who listens.
    pub events: &'a dyn Events,
    /// The store, under its lock.
    pub journal: JournalWriter<'a>,
    /// How many operations are in flight at once.
    pub parallelism: usize,
    /// How long what is in flight may take after a first stop.
    pub grace: std::time::Duration,
    /// Who knows what the machines are doing.
    pub fleet: &'a dyn Fleet,
    /// Whether machines are stopped without regard to the jobs that they run.
    pub kill_jobs: bool,
    /// Tells of a person's wish to stop.
    pub stop: watch::Receiver<Stop>,
}

/// Writes records, and waits until they are on disk. Those who come while one write is under way share the next.
pub struct JournalWriter<'a> {
    store: &'a dyn Locked,
    waiting: Mutex<Vec<Waiting>>,
    writing: AsyncMutex<()>,
    /// Why a write failed. What follows a torn record would never be read, so nothing is written after it.
    broken: Mutex<Option<Broken>>,
}

struct Waiting {
    /// The record as JSON.
    json: Vec<u8>,
    done: oneshot::Sender<Result<(), Broken>>,
}

/// Why the journal takes no more records.
#[derive(Debug, Clone)]
enum Broken {
    /// Somebody took the lock over.
    TakenOver(Option<Box<Holder>>),
    /// Anything else, in words.
    Failed(String),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TakenOver(by) => Self::TakenOver(by),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::TakenOver(by) => Self::TakenOver(by),
            Broken::Failed(why) => failed(why),
        }
    }
}

impl<'a> JournalWriter<'a> {
    /// On this store.
    #[must_use]
    pub fn new(store: &'a dyn Locked) -> Self {
        Self {
            store,
            waiting: Mutex::default(),
            writing: AsyncMutex::new(()),
            broken: Mutex::default(),
        }
    }

    /// The store that it writes to.
    #[must_use]
    pub fn store(&self) -> &dyn Locked {
        self.store
    }

    /// Writes one record; when this returns it is on disk.
    ///
    /// # Errors
    /// Where it is not: nothing may be sent then.
    pub async fn write(&self, record: &Record) -> Result<(), StoreError> {
        let queued = self.queue(record)?;
        self.written(queued).await
    }

    /// Puts a record into the journal's order without waiting for the disk: whatever is written later is not on disk
    /// before it.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which its types rule out.
    pub(crate) fn queue(&self, record: &Record) -> Result<Queued, StoreError> {
        let json = serde_json::to_vec(record).map_err(|error| failed(error.to_string()))?;
        let (done, heard) = oneshot::channel();
        lock(&self.waiting).push(Waiting { json, done });
        Ok(Queued(heard))
    }

    /// Waits until a queued record is on disk.
    ///
    /// # Errors
    /// Where it is not.
    pub(crate) async fn written(&self, Queued(mut heard): Queued) -> Result<(), StoreError> {
        // Whoever is ready to write something too shares the write.
        tokio::task::yield_now().await;
        let _turn = self.writing.lock().await;
        // Somebody who wrote before may have written this one too.
        match heard.try_recv() {
            Ok(outcome) => return outcome.map_err(StoreError::from),
            Err(oneshot::error::TryRecvError::Empty) => {}
            // Somebody took this record along and was stopped while writing it.
            Err(oneshot::error::TryRecvError::Closed) => {
                return Err(failed("the write was cut short".to_owned()));
            }
        }
        if let Some(why) = lock(&self.broken).clone() {
            return Err(why.into());
        }
        let mut batch = std::mem::take(&mut *lock(&self.waiting));
        // Holds until the write has ended well.
        *lock(&self.broken) = Some(Broken::Failed("an earlier write was cut short".to_owned()));
        let records: Vec<Vec<u8>> = batch
            .iter_mut()
            .map(|waiting| std::mem::take(&mut waiting.json))
            .collect();
        let outcome = self
            .store
            .append(&journal::shared_frame(&records))
            .await
            .map_err(Broken::from);
        *lock(&self.broken) = outcome.clone().err();
        for waiting in batch {
            // Whoever was dropped meanwhile does not listen any more.
            let _ = waiting.done.send(outcome.clone());
        }
        outcome.map_err(StoreError::from)
    }
}

/// A record on its way to the disk.
#[must_use = "it is on disk only when `JournalWriter::written` says so"]
pub(crate) struct Queued(oneshot::Receiver<Result<(), Broken>>);

fn failed(why: String) -> StoreError {
    StoreError::Io {
        what: "cannot write the journal".to_owned(),
        why: std::io::Error::other(why),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What providers note goes into the journal and to the listeners.
pub(crate) struct RunNotes<'r, 'a> {
    pub(crate) run: &'r Run<'a>,
}

#[async_trait]
impl Notes for RunNotes<'_, '_> {
    async fn refer(&self, operation: &str, task: &str) -> Result<(), CallError> {
        let record = Record::Ref {
            op: operation.to_owned(),
            task: task.to_owned(),
        };
        let written = self.run.journal.write(&record).await;
        written.map_err(|error| CallError::unknown(error.to_string()))
    }

    fn progress(&self, operation: &str, words: &str) {
        self.run.events.progress(operation, words);
    }
}

impl Run<'_> {
    /// Ends when a person wants to stop: at once, or when the grace after a first wish is over.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // Where nobody can wish any more, nobody does.
        if stop.wait_for(|wish| *wish != Stop::No).await.is_err() {
            std::future::pending::<()>().await;
        }
        let at_once = stop.wait_for(|wish| *wish == Stop::Now);
        if matches!(tokio::time::timeout(self.grace, at_once).await, Ok(Err(_))) {
            tokio::time::sleep(self.grace).await;
        }
    }

    /// Carries out one operation whose intent is on disk. Returns what the API answered, which the state has taken in,
    /// and the record of it: whatever is begun because of it is written behind that record, so nobody need wait for
    /// the disk between the two.
    pub(crate) async fn carry_out(
        &self,
        operation: &Operation,
        depends_on: &[String],
        state: &Mutex<Intake>,
    ) -> Result<(Result<(), CallError>, Queued), RunError> {
        let Some(provider) = self.providers.get(&operation.provider) else {
            return Err(RunError::NoProvider {
                address: Box::new(operation.address.clone()),
                provider: operation.provider.clone(),
            });
        };
        let notes = RunNotes { run: self };
        let cx = crate::provider::Context {
            secrets: self.secrets,
            notes: &notes,
            fence: self.fence,
        };
        self.events.started(operation);
        let mut sent = std::borrow::Cow::Borrowed(operation);
        if self.kill_jobs {
            // The state keeps what the pool asks for.
            sent.to_mut().rollout = Some(operation.rollout.unwrap_or_default().at_once());
        }
        let outcome = match operation.verb {
            crate::operation::Verb::Create => provider.create(&cx, &sent).await.map(Some),
            crate::operation::Verb::Update => provider.update(&cx, &sent).await.map(Some),
            // Whatever a plan, a state or a journal says.
            crate::operation::Verb::Delete if operation.marker.is_empty() => Err(unmarked(operation)),
            crate::operation::Verb::Delete => provider.delete(&cx, &sent).await.map(|()| None),
        };
        let op = operation.op.clone();
        let (record, outcome) = match outcome {
            Ok(observed) => {
                let seen = observed.map(Into::into);
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.done(operation, depends_on, seen.as_ref());
                (Record::Done { op, observed: seen }, Ok(()))
            }
            Err(error @ CallError::Failed { .. }) => {
                let message = error.to_string();
                (Record::Failed { op, message }, Err(error))
            }
            Err(error @ CallError::Unknown { .. }) => {
                let message = error.to_string();
                (Record::Unknown { op, message }, Err(error))
            }
        };
        let queued = self.journal.queue(&record)?;
        self.events.ended(operation, &outcome);
        // What follows would be refused one by one.
        if let (Err(_), Some(lost)) = (&outcome, self.fence.lost()) {
            return Err(RunError::Store(lost.into()));
        }
        Ok((outcome, queued))
    }
}

/// Why something is not deleted that has no marker.
fn unmarked(operation: &Operation) -> CallError {
    let (address, id) = (&operation.address, operation.id.as_deref().unwrap_or_default());
    CallError::failed(format!("{id} has no marker: gosling deletes only what it made")).help(format!(
        "`gosling state rm '{address}'` forgets it, and leaves it where it is"
    ))
}

/// 16 letters that no other operation has.
pub(crate) fn new_op() -> Result<String, RunError> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        RunError::Store(StoreError::Io {
            what: "the system gives no random numbers".to_owned(),
            why: std::io::Error::other(error.to_string()),
        })
    })?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}

/// A new lineage.
///
/// # Errors
/// Where the system gives no random numbers.
pub fn new_lineage() -> Result<String, RunError> {
    new_op()
}
