//! What the engine asks of a provider: the only door through which anything outside is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use gosling_resource::{Address, Kind, Properties, Secret, SecretUri};
use thiserror::Error;
use tokio::time::Instant;

use crate::fence::{Fence, NotConfirmed, ReadOnly};
use crate::marker;
use crate::operation::Operation;
use crate::plan::{Change, Remark};
use crate::preflight::Finding;
use crate::refresh::Silent;
use crate::state::Held;

/// A world in which resources are made: one Proxmox cluster, one GitLab server.
///
/// Each mutation is told by an [`Operation`], whose intent is on disk before the provider hears of it. A provider
/// never retries a mutation whose outcome it does not know: it says [`CallError::Unknown`], and recovery asks again.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The kinds that it makes.
    fn kinds(&self) -> &'static [&'static Kind];

    /// Who it is, so that a plan is not applied to another account: endpoint and user, no secret.
    fn account(&self) -> String;

    /// Reads a resource by its id. `prior` is what the state holds: a provider gives back the attributes that the API
    /// tells, named as there, and takes no notice of others.
    ///
    /// # Errors
    /// Any failed call; nothing was changed.
    async fn read(&self, cx: &Context<'_>, resource: &Known<'_>) -> Result<Presence, CallError>;

    /// Reads many resources, so many at once, with as few calls as the API allows: each as [`Provider::read`] has it,
    /// in the order in which they were asked for. A list may be late, and leaves out what the token may not see: what
    /// it lacks, or has otherwise than it is known, is read by itself before that is believed. One that cannot be read
    /// does not keep the others from being read. Nothing is changed.
    async fn read_all(
        &self,
        cx: &Context<'_>,
        resources: &[Known<'_>],
        parallelism: usize,
    ) -> Vec<Result<Presence, CallError>> {
        each(
            resources.iter().map(|resource| self.read(cx, resource)),
            parallelism,
        )
        .await
    }

    /// Chooses what is reserved for a create before its intent is written (a node and a VMID), so that it can be
    /// found again. `taken` are the reservations that this run has handed out for the provider and not yet used.
    /// `None` where the API chooses ids.
    ///
    /// # Errors
    /// Any failed call, and [`CallError::Failed`] where there is no room: nothing was changed.
    async fn reserve(
        &self,
        _cx: &Context<'_>,
        _kind: &str,
        _properties: &Properties,
        _taken: &[String],
    ) -> Result<Option<String>, CallError> {
        Ok(None)
    }

    /// What tells the service that answers from every other that may answer behind the same address, where it says so.
    /// `at`: the id of something there, or what is reserved for it. An operation that is carried out again compares it.
    async fn place(&self, _cx: &Context<'_>, _at: &str) -> Option<String> {
        None
    }

    /// Looks, before anything is changed, whether the service that answers is the one in which these resources were
    /// created. Only reads.
    ///
    /// # Errors
    /// Where it is certainly another one.
    async fn same_place(&self, _cx: &Context<'_>, _resources: &[Known<'_>]) -> Result<(), CallError> {
        Ok(())
    }

    /// Whether somebody else has taken what was reserved for a create that failed: then it is tried with another
    /// reservation.
    async fn is_taken(&self, _cx: &Context<'_>, _operation: &Operation) -> bool {
        false
    }

    /// Makes a resource, or ends the making of one: with `operation.again` an earlier attempt of the very same
    /// operation may have got anywhere. Then look first (by task, by reserved id, by marker on all pages), adopt what
    /// carries this operation's marker, make what is missing, and never touch what carries another's. Whatever is
    /// made carries `operation.marker` from the call that makes it. A token that is shown once is in its backend,
    /// read back and compared, before this returns.
    ///
    /// # Errors
    /// [`CallError::Failed`] only where nothing was made or all of it is gone again; else [`CallError::Unknown`].
    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError>;

    /// Changes a resource to `operation.properties`. Sending it twice does no harm.
    ///
    /// # Errors
    /// [`CallError::Failed`] where nothing was changed; else [`CallError::Unknown`].
    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError>;

    /// Deletes a resource by id *and* marker, and all that was made with it. What is gone already or carries another
    /// marker counts as deleted.
    ///
    /// # Errors
    /// [`CallError::Failed`] where it is still there; else [`CallError::Unknown`].
    async fn delete(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError>;

    /// Looks for everything that carries a marker of a Nest, in the places of `search` and with few calls. Only reads.
    async fn marked(&self, _cx: &Context<'_>, _search: &Search<'_>) -> Searched {
        Searched::default()
    }

    /// Looks whether the service can carry out these changes, all of them together (those that change nothing are among
    /// them, for what the Nest asks of these may be wrong too): whether it is reached and believed,
    /// its token good and allowed each call, and what they take there. Only reads, few calls however many changes there
    /// are. A service that cannot be reached is one finding.
    async fn preflight(&self, _cx: &Context<'_>, _changes: &[&Change]) -> Vec<Finding> {
        Vec::new()
    }

    /// What a person should know of a resource that the change leaves as it is: that it is elsewhere than the Nest asks
    /// for, that somebody changed what the Nest has no word for. `held` is what the state holds of it, `now` what was
    /// seen. Calls nobody.
    fn remarks(&self, _held: &Held, _now: &Held, _change: &Change) -> Vec<Remark> {
        Vec::new()
    }

    /// The least that its token must be allowed for these changes, for a person, ready to paste. It may look something
    /// up; where nobody answers, it says what has to be filled in. Empty where it needs nothing.
    async fn rights(&self, _cx: &Context<'_>, _changes: &[&Change]) -> String {
        String::new()
    }
}

/// Carries out calls, so many at once, and gives back what came of each, in their own order.
pub async fn each<T>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send> + Send,
    parallelism: usize,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().collect();
    stream::iter(calls).buffered(parallelism.max(1)).collect().await
}

/// Carries out calls, so many at once, and gives back what came of them in their own order.
///
/// # Errors
/// The first that failed, by its number, and why; the others are not waited for.
pub async fn in_order<T, E>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T, E>> + Send> + Send,
    parallelism: usize,
) -> Result<Vec<T>, (usize, E)> {
    let calls: Vec<_> = calls.into_iter().collect();
    let calls = calls
        .into_iter()
        .enumerate()
        .map(|(number, call)| async move { call.await.map_err(|error| (number, error)) });
    stream::iter(calls)
        .buffered(parallelism.max(1))
        .try_collect()
        .await
}

/// What the state knows of a resource that is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The marker that was written when it was made.
    pub marker: &'a str,
    /// What it is like as far as the state knows.
    pub properties: &'a Properties,
    /// What it was given when it was last created or changed.
    pub outputs: &'a Properties,
}

/// A resource as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its id: what the API calls it, enough to find it again (`pve1/5001`, `17/hook/3`).
    pub id: String,
    /// The attributes that the API tells.
    pub properties: Properties,
    /// What it was given and others may refer to: `id`, `address`.
    pub outputs: Properties,
}

/// What a provider finds where the state knows a resource to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// The resource.
    Here(Observed),
    /// The resource is gone. A single answer of "not found" is not enough to say so: a second look has agreed.
    Gone,
    /// Something is there without the resource's marker. It may be the resource, with its marker taken away.
    NotOurs(Doubt),
    /// The token sees nothing at that place: the resource is gone, or the token has lost a right.
    NotVisible(Doubt),
}

/// Where a provider looks for what carries a Nest's marker.
#[derive(Debug, Clone)]
pub struct Search<'a> {
    /// The Nest's name.
    pub nest: &'a str,
    /// Kinds and properties of resources: it is looked where these are, or would be.
    pub places: Vec<(&'a str, &'a Properties)>,
    /// Kinds and ids that the state knows.
    pub known: BTreeSet<(&'a str, &'a str)>,
    /// The markers that the state knows.
    pub markers: BTreeSet<&'a str>,
    /// The markers that earlier states knew.
    pub earlier: BTreeSet<&'a str>,
    /// Whether everything at these places is looked at, or only what looks like what the places are for.
    pub thorough: bool,
    /// When all of it ends, at all places of all providers together: see [`Search::end`].
    pub until: Instant,
}

/// How long a search takes at most, however many places it has and however slow each is.
const LONGEST_SEARCH: Duration = Duration::from_secs(300);

impl Search<'_> {
    /// When a search has to end that begins now.
    #[must_use]
    pub fn end() -> Instant {
        Instant::now() + LONGEST_SEARCH
    }

    /// Looks at one place, unless the search has ended before.
    ///
    /// # Errors
    /// What the work says, and that the search has ended.
    pub async fn within<T>(
        &self,
        place: &str,
        work: impl Future<Output = Result<T, CallError>> + Send,
    ) -> Result<T, CallError> {
        let looked = tokio::time::timeout_at(self.until, work).await;
        looked.unwrap_or_else(|_| {
            let minutes = LONGEST_SEARCH.as_secs() / 60;
            Err(CallError::failed(format!(
                "{place}: the search of all places ended after {minutes} minutes"
            )))
        })
    }
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// What carries a marker of the Nest, and is not known to the state.
    pub marked: Vec<Marked>,
    /// Where it could not be looked, and why.
    pub unseen: Vec<String>,
}

/// Something with a marker of a Nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its kind; `volume` for a file that an operation left behind, which is no resource of its own.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its marker; empty for a file, whose name has the operation alone.
    pub marker: String,
    /// The address that is in the marker.
    pub address: Option<Address>,
    /// What it is called there.
    pub name: String,
    /// Whether it shows that its creation ended. What does not is not known to be what the Nest asks for.
    pub finished: bool,
    /// What the provider has to know of it to read or delete it.
    pub properties: Properties,
}

/// Why nobody can say whether a resource is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Doubt {
    /// What to say of a thing in whose text another Nest's marker is, and not its own; `None` where there is none.
    #[must_use]
    pub fn of_another_nest(thing: &str, text: &str, own: &str) -> Option<Self> {
        let ours = marker::all_in(own).next().map(|marker| marker.nest);
        let other = marker::all_in(text)
            .next()
            .filter(|other| ours != Some(other.nest))?;
        Some(Self {
            message: format!(
                "{thing} carries the marker of another Nest, {}: it is no longer this Nest's",
                other.text
            ),
            help: format!(
                "`gosling state rm ADDRESS` forgets it and leaves it where it is; if it is still this Nest's, put this line \
                 back in the place of that marker: {own}"
            ),
        })
    }
}

impl Presence {
    /// The resource, or `None` where it is gone.
    ///
    /// # Errors
    /// Where neither can be said.
    pub fn decided(self) -> Result<Option<Observed>, CallError> {
        match self {
            Self::Here(observed) => Ok(Some(observed)),
            Self::Gone => Ok(None),
            Self::NotOurs(Doubt { message, help }) | Self::NotVisible(Doubt { message, help }) => {
                Err(CallError::failed(message).help(help))
            }
        }
    }
}

/// What a provider may use while it works.
pub struct Context<'a> {
    /// Where secrets are read and written.
    pub secrets: &'a dyn Secrets,
    /// Where a task is noted and progress is told.
    pub notes: &'a dyn Notes,
    /// Asked right before each call that changes something is sent, each repetition too.
    pub fence: &'a dyn Fence,
}

impl<'a> Context<'a> {
    /// For calls that change nothing: any other is refused.
    #[must_use]
    pub fn reading(secrets: &'a dyn Secrets) -> Self {
        Self {
            secrets,
            notes: &Silent,
            fence: &ReadOnly,
        }
    }
}

/// Where a provider notes what it is doing.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Writes down, durably, the task that the API is carrying out for an operation (a UPID): recovery attaches to it
    /// instead of sending again.
    ///
    /// # Errors
    /// [`CallError::Unknown`] where it cannot be written: stop, the outcome is open.
    async fn refer(&self, operation: &str, task: &str) -> Result<(), CallError>;

    /// Tells a person what is happening: `cloning 40%`. Never a secret.
    fn progress(&self, operation: &str, words: &str);
}

/// Where the values of secrets are. One backend for each scheme, behind this.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value.
    ///
    /// # Errors
    /// Why there is none; the words hold no value.
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError>;

    /// Puts a value there under this fence and reads it back. Nothing is sent or written that the fence does not
    /// confirm.
    ///
    /// # Errors
    /// Why it is not there.
    async fn write(&self, uri: &SecretUri, value: &Secret, fence: &dyn Fence) -> Result<(), SecretError>;

    /// Whether [`Secrets::write`] can work, found out without changing anything.
    ///
    /// # Errors
    /// Why it cannot.
    async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError>;

    /// The versions of the values at these places, with as few calls as the backends allow. A place is left out where
    /// there is nothing, or where its backend counts no versions or cannot be asked.
    async fn versions(&self, _uris: &BTreeSet<SecretUri>) -> BTreeMap<SecretUri, String> {
        BTreeMap::new()
    }

    /// When the value ends, as RFC 3339; `None` where it does not, or where the backend knows of no end.
    ///
    /// # Errors
    /// Why that cannot be asked.
    async fn expires(&self, _uri: &SecretUri) -> Result<Option<String>, SecretError> {
        Ok(None)
    }
}

/// Why a secret could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretError {
    /// There is nothing at that place.
    #[error("there is no secret at {0}")]
    Missing(SecretUri),
    /// The backend cannot do that, and will not.
    #[error("{place}: {why}")]
    Refused {
        /// Which secret, or which folder of secrets.
        place: String,
        /// What the backend said, and what to do.
        why: String,
    },
    /// It can be read from here and not written: a folder that is mounted read-only.
    #[error("{place} can only be read from here: {why}")]
    ReadOnly {
        /// Which secret, or which folder of secrets.
        place: String,
        /// What was refused.
        why: String,
    },
    /// What is kept there is damaged.
    #[error("{place}: {why}")]
    Damaged {
        /// Which secret, or which folder of secrets.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// The backend did not answer, or said something that is no answer.
    #[error("{place}: {why}")]
    Unreachable {
        /// Which secret, or which folder of secrets.
        place: String,
        /// What happened.
        why: String,
    },
}

impl SecretError {
    /// What a person can do about it, where that follows from the error alone.
    #[must_use]
    pub fn way_out(&self) -> Option<&'static str> {
        match self {
            Self::Damaged { .. } => Some(
                "put the file back from a backup; without one, move it to another place, store again what people had                  stored (`gosling secret check` names it), and replace the runners: `gosling apply --replace ADDRESS`",
            ),
            _ => None,
        }
    }
}

/// How a call went wrong. The difference decides whether an intent is closed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// It definitely did nothing: nothing was sent, or the API refused it with a status that says so.
    #[error("{message}")]
    Failed {
        /// What happened, in words for a person, without a secret.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// Nobody knows: a timeout, a cut connection, a 5xx, an answer that cannot be read, a task that timed out.
    #[error("{message}")]
    Unknown {
        /// What happened.
        message: String,
        /// What to do about it, beside running apply again.
        help: Option<String>,
    },
}

impl CallError {
    /// A definite failure.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            help: None,
        }
    }

    /// An unknown outcome.
    #[must_use]
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::Unknown {
            message: message.into(),
            help: None,
        }
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(self, way_out: impl Into<String>) -> Self {
        let help = Some(way_out.into());
        match self {
            Self::Failed { message, .. } => Self::Failed { message, help },
            Self::Unknown { message, .. } => Self::Unknown { message, help },
        }
    }

    /// The same, now that an earlier call of the operation has changed something: no longer definite.
    #[must_use]
    pub fn after_changes(self) -> Self {
        match self {
            Self::Failed { message, help } => Self::Unknown { message, help },
            unknown => unknown,
        }
    }

    /// The way out.
    #[must_use]
    pub fn way_out(&self) -> Option<&str> {
        match self {
            Self::Failed { help, .. } | Self::Unknown { help, .. } => help.as_deref(),
        }
    }
}

impl From<NotConfirmed> for CallError {
    fn from(error: NotConfirmed) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<SecretError> for CallError {
    fn from(error: SecretError) -> Self {
        let failed = Self::failed(error.to_string());
        match error.way_out() {
            Some(help) => failed.help(help),
            None => failed,
        }
    }
}
