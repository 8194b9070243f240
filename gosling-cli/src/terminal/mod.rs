//! What commands share: which Nest, how they end, progress, signals and the lock.

mod exit;
mod input;
mod interrupts;
mod lock;
mod nest_args;
mod progress;
mod runtime;
mod target;

pub(crate) use exit::{Context, Exit};
pub(crate) use input::standard_input;
pub(crate) use interrupts::{Interrupts, stopped};
pub(crate) use lock::{begin, under_lock};
pub(crate) use nest_args::{
    EngineArgs, failure, open_session, open_session_or_stop, show_problems, wanted_unasked,
};
pub(crate) use progress::Progress;
pub(crate) use runtime::{block_on, runtime};
pub(crate) use target::{Target, VariableArgs, lexical};
