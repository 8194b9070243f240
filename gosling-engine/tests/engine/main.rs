//! The engine in a world that loses answers and with a process that is killed anywhere.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod applying;
mod killed;
mod life;
mod nest;
mod objects;
mod opens;
mod planning;
mod random;
mod remote;
mod rollback;
mod rollout;
mod saved_forms;
mod torture;
mod world;
