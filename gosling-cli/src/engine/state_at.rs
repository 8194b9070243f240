//! Where a Nest's state is.

use std::path::Path;
use std::sync::Arc;

use fly_typeck::Value;
use gosling_engine::journal::Entry;
use gosling_engine::store::{self, LocalStore, Locked, Store, StoreError};
use gosling_engine::{State, recover};

use super::services::service;
use super::session::{EngineArgs, failure};
use super::{holder, released, store_failure};
use crate::check::{CheckedNest, check_root};
use crate::commands::Target;
use crate::{Failure, Host};

/// Where the state is that the Nest's `state` block does not say otherwise of.
pub(crate) const FOLDER: &str = ".gosling";
/// How many earlier states are kept where nobody says.
const KEPT: usize = 20;

/// Where a Nest's state is. It can be looked at without lowering the Nest.
#[derive(Clone)]
pub(crate) struct StateAt {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
}

impl StateAt {
    /// By the Nest's `state` block, as far as it can be read; a Nest with problems may still have a state to look at.
    pub(crate) async fn find(host: &Host, args: &EngineArgs) -> Result<Self, Failure> {
        let target = args.target(host)?;
        let variables = args.variables.variables(host)?;
        let files = args.variables.files(host)?;
        let checked = check_root(&target.root, &files, &variables);
        Self::of(host, &target, &checked).await
    }

    /// Where a Nest says that it is.
    pub(crate) async fn of(host: &Host, target: &Target, checked: &CheckedNest) -> Result<Self, Failure> {
        let block = checked.checked.blocks.iter().find(|block| block.name == "state");
        let text = |name: &str| block.and_then(|block| block.value(name)?.as_str().map(str::to_owned));
        if text("backend").is_some_and(|backend| backend != "local") {
            return Ok(Self {
                store: Arc::new(service(host, target, checked).await?),
            });
        }
        let kept = block.and_then(|block| match block.value("retention")? {
            Value::Int(kept) => usize::try_from(*kept).ok(),
            _ => None,
        });
        let folder = target.root.join(text("path").as_deref().unwrap_or(FOLDER));
        Ok(Self::local(&folder, kept))
    }

    /// In a folder.
    pub(crate) fn local(folder: &Path, kept: Option<usize>) -> Self {
        Self {
            store: Arc::new(LocalStore::new(folder.to_owned(), kept.unwrap_or(KEPT))),
        }
    }

    /// The state with the outcomes of its journal, and what is open.
    pub(crate) async fn peek(&self) -> Result<(State, Vec<Entry>), Failure> {
        store::here(&*self.store)
            .await
            .map_err(|error| store_failure(&error))?;
        let snapshot = self.store.peek().await.map_err(|error| store_failure(&error))?;
        recover::read(&snapshot).map_err(failure)
    }

    /// Takes the lock, to change what is here. It is given back by [`super::released`].
    pub(crate) async fn lock(&self, host: &Host, command: &str) -> Result<Box<dyn Locked>, Failure> {
        let locked = self
            .take(host, command)
            .await
            .map_err(|error| store_failure(&error))?;
        match store::here(&*self.store).await {
            Ok(()) => Ok(locked),
            Err(error) => released(&*locked, Err(store_failure(&error))).await,
        }
    }

    /// Takes the lock, wherever the state is.
    pub(crate) async fn take(&self, host: &Host, command: &str) -> Result<Box<dyn Locked>, StoreError> {
        self.store.lock(&holder(host, command)).await
    }

    /// Takes the lock, from a holder that is gone too.
    pub(crate) async fn take_over(&self, host: &Host, command: &str) -> Result<Box<dyn Locked>, StoreError> {
        self.store.take_over(&holder(host, command)).await
    }
}
