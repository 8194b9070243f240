//! What the commands of plan and apply share: a Nest made ready for the engine, progress, and the clock.

mod account;
mod back;
mod clients;
mod clock;
mod endpoints;
mod health;
mod holder;
pub(crate) mod identity;
mod interrupts;
mod lock;
mod orphans;
mod planning;
mod preflight;
mod progress;
mod renamed;
mod running;
mod secrets;
mod services;
mod session;
mod state_at;
mod waiting;
mod watch;

pub(crate) use account::Account;
pub(crate) use back::WayBack;
pub(crate) use clock::{ago, at, can_be, now};
pub(crate) use endpoints::authority;
pub(crate) use holder::holder;
pub(crate) use interrupts::{Interrupts, stopped};
pub(crate) use lock::{begin, released, store_failure, under_lock};
pub(crate) use orphans::{Orphan, Orphans, free_address, would_be_made};
pub(crate) use preflight::{Looked, Unseen};
pub(crate) use progress::Progress;
pub(crate) use running::Tempo;
pub(crate) use session::{EngineArgs, NamedSecret, Session, call_failure, failure, show_problems};
pub(crate) use state_at::{FOLDER, Reading, Rotation, StateAt, has_block};
