//! One run of gosling without a terminal: where the state is, its lock, the clients of the services, and the audit.
//!
//! Whoever drives a run (the command line, a server, a test) gives it a [`Workspace`](fly_workspace::Workspace) and an
//! [`Environment`], a [`StopSignal`] to hear, and shows what it says. Nothing here parses arguments, writes to a stream
//! or makes a runtime.

mod adoption;
mod audited_run;
mod clients;
mod clock;
mod endpoints;
mod environment;
mod failure;
mod file;
mod health;
mod history;
mod holder;
pub mod identity;
mod lock;
mod operator;
mod orphans;
mod outcome;
mod planning;
mod preflight;
mod renamed;
mod reporter;
mod request;
mod run;
mod running;
mod secrets;
mod services;
mod session;
mod state_location;
mod stop;
mod text;
mod tokens;
mod watch;
mod way_back;

pub use adoption::{asked_as, would_be_made};
pub use audited_run::AuditedRun;
pub use clock::{ago, at, can_be, minutes, now};
pub use endpoints::authority;
pub use environment::Environment;
pub use failure::Failure;
pub use file::{LARGEST, read_named};
pub use holder::holder;
pub use lock::{begin, released};
pub use operator::{Operator, Planned};
pub use orphans::{Orphan, Orphans, free_address};
pub use outcome::{Outcome, RunEnd, Undone};
pub use planning::wanted_unasked;
pub use preflight::{Looked, Unseen};
pub use reporter::Reporter;
pub use request::{OnFailure, RunKind, RunRequest};
pub use run::{run, still_open};
pub use running::Tempo;
pub use session::{NamedSecret, Session};
pub use state_location::{FOLDER, Reading, Rotation, StateLocation, has_block};
pub use stop::StopSignal;
pub use text::counted;
pub use tokens::TokenOf;
pub use watch::Jobs;
pub use way_back::WayBack;
