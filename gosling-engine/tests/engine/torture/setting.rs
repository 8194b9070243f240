//! Where a Nest lives while it is tortured, and what is wrong with its protocol on purpose.

use std::sync::Arc;

use gosling_engine::Provider;
use gosling_engine::store::Store;

use crate::life::{Disk, Life};
use crate::world::Wrong;

/// A kind of store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// A new one; each of its writes passes points of this life.
    pub(crate) make: fn(&Disk, &Arc<Life>) -> Arc<dyn Store>,
}

/// Every store there is.
pub(crate) const BACKENDS: &[Backend] = &[MEMORY];

/// The simplest: what is written is there.
pub(crate) const MEMORY: Backend = Backend {
    name: "memory",
    make: |disk, _| Arc::new(disk.clone()),
};

/// Puts something between the engine and its store.
pub(crate) type Between = fn(Arc<dyn Store>, &Arc<Life>) -> Arc<dyn Store>;

/// A Nest's surroundings. The default is right in everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) backend: Backend,
    /// What the provider does wrong itself.
    pub(crate) wrong: Wrong,
    pub(crate) store: Between,
    /// Put between the engine and its provider.
    pub(crate) provider: fn(Arc<dyn Provider>) -> Arc<dyn Provider>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            backend: MEMORY,
            wrong: Wrong::default(),
            store: |store, _| store,
            provider: |provider| provider,
        }
    }
}
