//! What the commands of plan and apply share: a Nest made ready for the engine, progress, and the clock.

mod adoption;
mod back;
mod health;
mod interrupts;
mod lock;
mod orphans;
mod planning;
mod preflight;
mod progress;
mod renamed;
mod running;
mod session;
mod tokens;
mod watch;

pub(crate) use adoption::{asked_as, would_be_made};
pub(crate) use back::WayBack;
pub(crate) use gosling_deploy::{
    AuditedRun, FOLDER, Reading, Rotation, StateLocation, ago, at, authority, can_be, has_block, holder, now,
    released,
};
pub(crate) use interrupts::{Interrupts, stopped};
pub(crate) use lock::{begin, lock_within, under_lock};
pub(crate) use orphans::{Orphan, Orphans, free_address};
pub(crate) use preflight::{Looked, Unseen};
pub(crate) use progress::Progress;
pub(crate) use running::Tempo;
pub(crate) use session::{EngineArgs, NamedSecret, Session, failure, show_problems};
pub(crate) use tokens::TokenOf;
