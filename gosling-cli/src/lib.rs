//! `gosling` as a library: a terminal for the compiler, without a line of compiling in it.

#[cfg(not(unix))]
compile_error!("gosling runs on Linux and macOS; on Windows, build and run it in WSL");

pub mod commands;
mod failure;
mod fly_text;
mod harmless;
mod host;
mod logging;
mod message;
mod output;
mod questions;
pub mod render;
mod terminal;
mod write;

pub use commands::run;
pub use failure::Failure;
pub use host::{Asked, Columns, Host, JSON_FORMAT};
