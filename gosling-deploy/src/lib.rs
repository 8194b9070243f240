//! One run of gosling without a terminal: where the state is, its lock, the clients of the services, and the audit.
//!
//! Whoever drives a run (the command line, a server, a test) gives it a [`Workspace`](fly_workspace::Workspace) and an
//! [`Environment`], a [`StopSignal`] to hear, and shows what it says. Nothing here parses arguments, writes to a stream
//! or makes a runtime.

mod audited_run;
mod clients;
mod clock;
mod endpoints;
mod environment;
mod failure;
mod file;
mod history;
mod holder;
pub mod identity;
mod lock;
pub mod secrets;
mod services;
mod state_location;
mod stop;

pub use audited_run::AuditedRun;
pub use clients::{Clients, add_servers};
pub use clock::{ago, at, can_be, now};
pub use endpoints::authority;
pub use environment::Environment;
pub use failure::Failure;
pub use file::{LARGEST, read_named};
pub use holder::holder;
pub use lock::{begin, released};
pub use state_location::{FOLDER, Reading, Rotation, StateLocation, has_block};
pub use stop::StopSignal;
