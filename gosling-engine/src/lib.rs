//! From what is wanted to what is there, and back after any crash.

mod operation;
mod provider;

pub use operation::{Operation, Verb};
pub use provider::{CallError, Context, Known, Notes, Observed, Provider, SecretError, Secrets};
