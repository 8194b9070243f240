//! Simulated Proxmox VE, GitLab and Vault.
//!
//! They answer the real wire protocols on one address (`/api2/json`, `/api/v4`, `/v1`), reject what the real ones
//! reject, and take faults on demand. They share no code with the engine or the providers, so that a mistake made
//! there cannot hide here.

mod call;
mod certificates;
mod clock;
mod dice;
mod faults;
mod gitlab;
mod ledger;
mod proxmox;
mod server;
mod simulation;
mod vault;
mod world;

pub use call::{Call, Reply};
pub use faults::{All, Fault, FaultKind, Nth};
pub use ledger::{KilledJob, Ledger, Made, Object, WorldName};
pub use server::{Options, Running, Sandbox, SandboxError};
pub use world::{
    GitlabWorld, GroupWorld, NodeWorld, ProjectWorld, ProxmoxWorld, Speed, StorageWorld, TemplateWorld, Tier,
    TokenWorld, VaultWorld, WorldFile,
};

/// A simulated API. It is handed one call at a time, and its answer is the whole effect of the call.
///
/// What takes time (a clone, a boot) is not waited for: a world keeps when it will be over, and [`World::pass`] lets
/// everything happen that is over by then.
pub(crate) trait World: Send {
    /// Carries a call out and answers it. `n` is the call's number in the ledger.
    fn answer(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Reply;

    /// Lets time pass until `at` (since the sandbox began). Called before every call to any world.
    fn pass(&mut self, at: std::time::Duration, ledger: &mut Ledger);
}

/// A machine that has come up, as cloud-init in it would see it. Proxmox makes these; GitLab hears of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boot {
    /// What tells this machine from every other: `qemu/101`.
    pub machine: String,
    /// The `user-data` file of the NoCloud image in its drive; `None` without one.
    pub user_data: Option<Vec<u8>>,
    /// The `instance-id` in the image's `meta-data`.
    pub instance: Option<String>,
}
