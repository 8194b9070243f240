//! A Nest from disk, for every program that works with one: the command line, an editor, a server.
//!
//! [`load`] reads the files, [`check_root`] reads and checks them, [`fix`] applies suggestions in memory, and [`Masked`]
//! hides what may be a secret. Nothing here writes to disk or to a terminal.

mod check;
mod fix;
mod load;
mod mask;
mod reader;
mod root;
mod walk;
mod workspace;

pub use check::{CheckedNest, check_files, check_root};
pub use fix::{Appearing, Done, Fixed, Refused, fix};
pub use load::{load, one_file};
pub use mask::Masked;
pub use reader::{ConfinedReader, LIMIT, read_bounded, read_up_to, refusal_message};
pub use root::{FOLDERS, find_repository, find_root, is_root};
pub use walk::{fly_files, relative};
pub use workspace::Workspace;

/// Every kind of problem, of the syntax and of what it means.
#[must_use]
pub fn problem_kinds() -> Vec<&'static fly_syntax::Kind> {
    let mut kinds = fly_syntax::problems::kinds();
    kinds.extend(fly_typeck::problems::kinds());
    kinds
}

/// Runs `work` with stacks large enough for the deepest nesting the language allows, in a pool of threads that
/// parallel work inside it uses too. Falls back to the caller's stack where the threads cannot be made.
pub fn on_large_stacks<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
