//! What the commands of plan and apply share on a terminal: which Nest, progress, signals and the lock.

mod interrupts;
mod lock;
mod nest_args;
mod progress;

pub(crate) use interrupts::{Interrupts, stopped};
pub(crate) use lock::{begin, under_lock};
pub(crate) use nest_args::{EngineArgs, failure, open_session, show_problems, wanted_unasked};
pub(crate) use progress::Progress;
