//! Where a Nest lives while it is tortured, and what is wrong with its protocol on purpose.

use std::path::Path;
use std::sync::Arc;

use gosling_engine::durable::Files;
use gosling_engine::store::{LocalStore, Store};
use gosling_engine::{Fence, Lease, Provider, RemoteStore};

use super::drive::Drive;
use crate::life::{Disk, Life};
use crate::objects::Memory;
use crate::world::Wrong;

/// What stores are made of.
pub(crate) struct Ground<'a> {
    /// The store in memory.
    pub(crate) disk: &'a Disk,
    /// The file system of the simulated machine.
    pub(crate) files: Arc<dyn Files>,
    /// The process.
    pub(crate) life: &'a Arc<Life>,
    /// Where it can be stopped without being killed.
    pub(crate) gate: &'a Arc<Life>,
}

/// A kind of store. Each of its writes passes points of its process's life.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    /// A new one.
    pub(crate) make: fn(&Ground<'_>) -> Arc<dyn Store>,
    /// Whether it is on the simulated machine's own disk, and at the mercy of its power.
    pub(crate) on_disk: bool,
}

/// Every store there is.
pub(crate) const BACKENDS: &[Backend] = &[MEMORY, FOLDER, REMOTE];

/// The simplest: what is written is there.
pub(crate) const MEMORY: Backend = Backend {
    name: "memory",
    make: |ground| Arc::new(ground.disk.clone()),
    on_disk: false,
};

/// The folder of a store on the simulated disk; the one that it is in is not there at first either.
pub(crate) const STATE: &str = "/home/nest/.gosling";

/// A folder, on a disk that loses what is not synced.
pub(crate) const FOLDER: Backend = Backend {
    name: "folder",
    make: |ground| Arc::new(LocalStore::on(Arc::clone(&ground.files), STATE.into(), 3)),
    on_disk: true,
};

/// At a service that keeps objects, behind the same head and blobs as in S3 and GitLab.
pub(crate) const REMOTE: Backend = Backend {
    name: "objects",
    make: |ground| Arc::new(RemoteStore::over(Memory::new(ground.life), 3)),
    on_disk: false,
};

impl Backend {
    /// The journal as it would be after a crash right now, where that is not what the store says.
    pub(crate) fn safe_journal(self, drive: &Drive) -> Option<Vec<u8>> {
        self.on_disk
            .then(|| drive.safe(&Path::new(STATE).join("journal")))
    }
}

/// Puts something between the engine and its store.
pub(crate) type Between = fn(Arc<dyn Store>, &Ground<'_>) -> Arc<dyn Store>;

/// A Nest's surroundings. The default is right in everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) backend: Backend,
    /// What the provider does wrong itself.
    pub(crate) wrong: Wrong,
    /// Put between a store and its disk.
    pub(crate) files: fn(Arc<dyn Files>) -> Arc<dyn Files>,
    /// Put between the engine and its store.
    pub(crate) store: Between,
    /// What runs take for the fence of their lock.
    pub(crate) fence: fn(&Lease) -> &dyn Fence,
    /// Put between the engine and its provider.
    pub(crate) provider: fn(Arc<dyn Provider>) -> Arc<dyn Provider>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            backend: MEMORY,
            wrong: Wrong::default(),
            files: |files| files,
            store: |store, _| store,
            fence: |lease| lease,
            provider: |provider| provider,
        }
    }
}

impl Setting {
    /// On this store, and right in everything else.
    pub(crate) fn on(backend: Backend) -> Self {
        Self {
            backend,
            ..Self::default()
        }
    }
}
