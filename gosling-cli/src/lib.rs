//! `gosling` as a library: a terminal for the compiler, without a line of compiling in it.

#[cfg(not(unix))]
compile_error!("gosling runs on Linux and macOS; on Windows, build and run it in WSL");

pub mod check;
pub mod commands;
mod compiler;
mod engine;
mod failure;
pub mod fixes;
mod fly_text;
mod harmless;
mod host;
mod logging;
mod mask;
mod message;
pub mod nest;
mod questions;
pub mod render;
mod write;

pub use commands::run;
pub use failure::Failure;
pub use host::{Asked, Columns, Host, JSON_FORMAT};

/// Runs `work` with stacks large enough for the deepest nesting the language allows, in a pool of threads that
/// parallel work inside it uses too. Falls back to the caller's stack where the threads cannot be made.
pub fn on_large_stacks<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
