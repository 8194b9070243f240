//! From what is wanted to what is there, and back after any crash.

pub mod durable;
pub mod journal;
pub mod state;

mod graph;
mod operation;
mod provider;

pub use operation::{Operation, Verb};
pub use provider::{CallError, Context, Known, Notes, Observed, Provider, SecretError, Secrets};
pub use state::{Held, State, StateError};
