//! A Nest and where it is on disk.

use std::path::PathBuf;

use fly_typeck::Variables;

use crate::check::{CheckedNest, check_root};

/// A Nest that was read from disk and checked, whatever its problems are.
#[derive(Debug)]
pub struct Workspace {
    /// Its root, absolute.
    pub root: PathBuf,
    /// The Nest.
    pub nest: CheckedNest,
}

impl Workspace {
    /// Reads and checks the Nest at `root`, as [`check_root`] does.
    #[must_use]
    pub fn open(root: PathBuf, var_files: &[PathBuf], variables: &Variables) -> Self {
        let nest = check_root(&root, var_files, variables);
        Self { root, nest }
    }
}
