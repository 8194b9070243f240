//! Where a Nest's state is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fly_typeck::Value;
use fly_typeck::checked::CheckedBlock;
use gosling_engine::durable::Unsafe;
use gosling_engine::journal::Entry;
use gosling_engine::store::{self, Holder, LocalStore, Locked, Snapshot, Store, StoreError};
use gosling_engine::whole::{self, Lost};
use gosling_engine::{Plan, RunError, State, audit, recover};
use gosling_providers::state::{Sealed, Sealing};
use gosling_resource::Address;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::holder::holder;
use crate::lock::released;
use crate::secrets::{keys, named_or_folder};
use crate::services::service;
use fly_workspace::Workspace;

/// Where the state is that the Nest's `state` block does not say otherwise of.
pub const FOLDER: &str = ".gosling";
/// How many earlier states are kept where nobody says.
const KEPT: usize = 20;

/// Where a Nest's state is. It can be looked at without lowering the Nest.
#[derive(Clone)]
pub struct StateLocation {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Whose state it is: the Nest's name.
    pub nest: String,
    /// The folder of a Nest without a `state` block, where this is another place.
    before: Option<LocalStore>,
}

/// What may be read of what is encrypted, or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the Nest's `state` block says; what is encrypted without it is refused.
    AsSaid,
    /// Whatever is there, to write it as the block says.
    Either,
}

/// A state with its encryption, to write it anew.
pub struct Rotation {
    /// The same with its encryption.
    pub sealed: Sealed,
    /// Whose state it is: the Nest's name.
    nest: String,
    /// Who can open what is written.
    pub recipients: Vec<String>,
    /// Whether it is to be encrypted.
    pub encrypted: bool,
}

impl Rotation {
    /// The same as any other state.
    pub fn at(&self) -> StateLocation {
        StateLocation {
            store: Arc::new(self.sealed.clone()),
            nest: self.nest.clone(),
            before: None,
        }
    }
}

impl StateLocation {
    /// The place as it is stored, encrypted or not: for the lock and what lies beside the state, which need no key.
    pub async fn as_stored(environment: &Environment, workspace: &Workspace) -> Result<Self, Failure> {
        Ok(Self {
            store: unsealed(environment, workspace).await?,
            nest: name(workspace),
            before: None,
        })
    }

    /// By the Nest's `state` block, as far as it can be read: a Nest with problems may still have a state to look at.
    /// What is encrypted although the block does not say so is refused.
    pub async fn find(environment: &Environment, workspace: &Workspace) -> Result<Self, Failure> {
        Self::of(environment, workspace, Reading::AsSaid).await
    }

    /// By the Nest's `state` block, reading what `reading` allows.
    pub async fn of(
        environment: &Environment,
        workspace: &Workspace,
        reading: Reading,
    ) -> Result<Self, Failure> {
        let rotation = Self::sealed(environment, workspace, reading).await?;
        let before = LocalStore::new(local_folder(environment, &workspace.root, FOLDER)?, KEPT);
        Ok(Self {
            before: Some(before).filter(|before| before.place() != rotation.sealed.place()),
            ..rotation.at()
        })
    }

    /// By the Nest's `state` block, whatever of it is encrypted.
    pub async fn either(environment: &Environment, workspace: &Workspace) -> Result<Self, Failure> {
        Ok(Self::rotation(environment, workspace).await?.at())
    }

    /// By the Nest's `state` block, with its encryption: to write it again.
    pub async fn rotation(environment: &Environment, workspace: &Workspace) -> Result<Rotation, Failure> {
        Self::sealed(environment, workspace, Reading::Either).await
    }

    async fn sealed(
        environment: &Environment,
        workspace: &Workspace,
        reading: Reading,
    ) -> Result<Rotation, Failure> {
        let inner = unsealed(environment, workspace).await?;
        let block = block(workspace);
        let encrypted =
            block.and_then(|block| Some(block.value("encrypted")? == &Value::Bool(true))) == Some(true);
        let keys = if encrypted || reading == Reading::Either {
            Some(keys(environment, &recipients(workspace)?)?)
        } else {
            None
        };
        let recipients = keys.as_ref().map(|keys| keys.recipients.clone());
        let sealing = Sealing {
            keys,
            write: encrypted,
        };
        Ok(Rotation {
            sealed: Sealed::new(inner, sealing),
            nest: name(workspace),
            recipients: recipients.unwrap_or_default(),
            encrypted,
        })
    }

    /// In a folder, encrypted or not; what is written there is as the Nest says now.
    pub fn in_folder(
        environment: &Environment,
        folder: &str,
        workspace: &Workspace,
    ) -> Result<Self, Failure> {
        let encrypted =
            block(workspace).and_then(|block| Some(block.value("encrypted")? == &Value::Bool(true)));
        let sealing = Sealing {
            keys: Some(keys(environment, &recipients(workspace)?)?),
            write: encrypted == Some(true),
        };
        let inner = Arc::new(LocalStore::new(
            local_folder(environment, &workspace.root, folder)?,
            KEPT,
        ));
        Ok(Self {
            store: Arc::new(Sealed::new(inner, sealing)),
            nest: name(workspace),
            before: None,
        })
    }

    /// The state with the outcomes of its journal, and what is open. Refuses where something of it is lost: what that knew
    /// of would be made a second time.
    pub async fn peek(&self) -> Result<(State, Vec<Entry>), Failure> {
        let (mut state, mut open, mut lost) = self.look().await?;
        if lost.is_some() {
            // A run may have begun or ended between two of these reads.
            (state, open, lost) = self.look().await?;
        }
        match lost {
            None => Ok((state, open)),
            Some(lost) => Err(Failure::new(lost.to_string()).help(lost.way_out())),
        }
    }

    /// The same, and what of it is lost.
    pub async fn look(&self) -> Result<(State, Vec<Entry>, Option<Lost>), Failure> {
        let refused = |error: StoreError| Failure::from(error);
        store::here(&*self.store).await.map_err(refused)?;
        // The audit goes first: a run saves the state before the audit tells of it.
        let trail = audit::trail(&*self.store).await.map_err(refused)?;
        let snapshot = self.store.peek().await.map_err(refused)?;
        if snapshot == Snapshot::default() && trail == audit::Trail::default() {
            self.nothing_left_behind().await?;
        }
        let (state, open) = self.read(&snapshot)?;
        let lost = whole::lost(&*self.store, &trail, &snapshot, &state).await;
        Ok((state, open, lost.map_err(refused)?))
    }

    /// Refuses a place that the state has left. One that it has not wholly reached has a lock and a freeze of its own.
    pub async fn has_not_moved(&self) -> Result<(), Failure> {
        match store::here(&*self.store).await {
            Err(StoreError::Arriving { .. }) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Refuses a place that has the state of another Nest, as far as that can be read: an encrypted one may need a key.
    pub async fn is_of_this_nest(&self) -> Result<(), Failure> {
        let state = self.store.peek().await.ok().and_then(|snapshot| snapshot.state);
        match state.and_then(|bytes| State::from_bytes(&bytes).ok()) {
            Some(state) => match state.of_nest(&self.nest) {
                Ok(_) => Ok(()),
                Err(error) => Err(RunError::from(error).into()),
            },
            None => Ok(()),
        }
    }

    /// What a snapshot of this place says.
    pub fn read(&self, snapshot: &Snapshot) -> Result<(State, Vec<Entry>), Failure> {
        recover::read(&self.nest, snapshot).map_err(Failure::from)
    }

    /// What to tell before everything is made at a place where nothing was ever saved, though the Nest says by itself
    /// where its state is: it may have been elsewhere, and not have been moved.
    pub fn fresh_start_warning(&self, plan: &Plan) -> Option<String> {
        let fresh = self.before.is_some() && plan.serial == 0 && plan.counts().create > 0;
        fresh.then(|| {
            format!(
                "warning: there is no state in {} yet, so everything is created again\n  help: if the Nest had its state in another place, such as another machine, stop here: `gosling state migrate` moves it",
                self.store.place()
            )
        })
    }

    /// Refuses to begin anew at another place while there is a state in the folder of before.
    async fn nothing_left_behind(&self) -> Result<(), Failure> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        let snapshot = before.peek().await?;
        if snapshot == Snapshot::default() || store::here(before).await.is_err() {
            return Ok(());
        }
        let (old, new) = (before.place(), self.store.place());
        Err(Failure::new(format!(
            "the state in {old} was not moved to {new}, where there is none"
        ))
        .help("`gosling state migrate --from local` moves it; where it is to be forgotten, remove it"))
    }

    /// The lock, where the state is still here; otherwise it is given back.
    pub async fn checked(&self, locked: Box<dyn Locked>) -> Result<Box<dyn Locked>, Failure> {
        match store::here(&*self.store).await {
            Ok(()) => Ok(locked),
            Err(error) => released(&*locked, Err(error.into())).await,
        }
    }

    /// Takes the lock, wherever the state is.
    pub async fn take(
        &self,
        environment: &Environment,
        command: &str,
    ) -> Result<Box<dyn Locked>, StoreError> {
        self.lock(&holder(environment, command)).await
    }

    /// Takes the lock for this holder.
    pub async fn lock(&self, who: &Holder) -> Result<Box<dyn Locked>, StoreError> {
        whole::may_lock(&*self.store).await?;
        self.store.lock(who).await
    }

    /// Takes the lock, from a holder that is gone too.
    pub async fn take_over(
        &self,
        environment: &Environment,
        command: &str,
    ) -> Result<Box<dyn Locked>, StoreError> {
        self.store.take_over(&holder(environment, command)).await
    }
}

/// Refuses an address of a block that the Nest does not have. Of a Nest with problems it is not known which it has.
pub fn has_block(workspace: &Workspace, address: &Address) -> Result<(), Failure> {
    let blocks = &workspace.nest.checked.blocks;
    let is_there = |block: &CheckedBlock| {
        block.name == address.owner_kind.as_str() && block.labels.first() == Some(&address.owner)
    };
    if workspace.nest.checked.nest().is_none() || blocks.iter().any(is_there) {
        return Ok(());
    }
    let (kind, owner) = (&address.owner_kind, &address.owner);
    Err(Failure::new(format!("the Nest has no {kind} `{owner}`")).help(
        "write it first; a resource at an address that the Nest does not have is deleted by the next apply",
    ))
}

fn block(workspace: &Workspace) -> Option<&CheckedBlock> {
    workspace
        .nest
        .checked
        .blocks
        .iter()
        .find(|block| block.name == "state")
}

/// The Nest's own name, as far as it can be read, else that of its folder.
fn name(workspace: &Workspace) -> String {
    let settings = workspace
        .nest
        .checked
        .blocks
        .iter()
        .find(|block| block.name == "nest");
    let named = settings.and_then(|settings| settings.value("name")?.as_str().map(str::to_owned));
    named_or_folder(&workspace.root, named)
}

/// The store itself: the folder or the service that the Nest names.
async fn unsealed(environment: &Environment, workspace: &Workspace) -> Result<Arc<dyn Store>, Failure> {
    let block = block(workspace);
    let text = |name: &str| block.and_then(|block| block.value(name)?.as_str().map(str::to_owned));
    if text("backend").is_some_and(|backend| backend != "local") {
        return Ok(Arc::new(service(environment, workspace).await?));
    }
    let kept = block.and_then(|block| match block.value("retention")? {
        Value::Int(kept) => usize::try_from(*kept).ok(),
        _ => None,
    });
    let folder = local_folder(
        environment,
        &workspace.root,
        text("path").as_deref().unwrap_or(FOLDER),
    )?;
    Ok(Arc::new(LocalStore::new(folder, kept.unwrap_or(KEPT))))
}

/// The folder of a local state: the one that GOSLING_STATE names in place of `.gosling`, else one of the Nest. Nobody who
/// can change the Nest's files leads it out of the Nest by a link.
fn local_folder(environment: &Environment, root: &Path, path: &str) -> Result<PathBuf, Failure> {
    let named = environment.variables.get("GOSLING_STATE");
    if let Some(named) = named.filter(|named| !named.is_empty() && path == FOLDER) {
        let folder = environment.path(named);
        // Whoever sets the variable may name a link.
        return Ok(folder.canonicalize().unwrap_or(folder));
    }
    let mut folder = root.to_owned();
    for part in Path::new(path).components() {
        folder.push(part);
        if folder.is_symlink() {
            let reason = Unsafe::Link;
            return Err(Failure::new(format!(
                "the state's folder is not used: {} leads to another place, {reason}",
                folder.display()
            ))
            .help(reason.way_out(&folder)));
        }
    }
    Ok(folder)
}

/// Whom the Nest encrypts for. With problems in it that is not known, and nothing may be encrypted for fewer.
fn recipients(workspace: &Workspace) -> Result<Vec<String>, Failure> {
    let nest = workspace.nest.checked.nest().ok_or_else(|| {
        Failure::new("the Nest has problems, so the recipients of its state are not known")
            .help("`gosling validate` shows them")
    })?;
    let secrets = nest.settings.and_then(|settings| settings.secrets);
    let recipients = secrets.map(|secrets| secrets.recipients).unwrap_or_default();
    Ok(recipients.iter().map(ToString::to_string).collect())
}
