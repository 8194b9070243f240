//! Where a Nest begins.

use std::path::{Path, PathBuf};

/// The top-level folders a Nest may have.
pub const FOLDERS: [&str; 6] = ["Eggs", "Jobs", "UF", "MG", "RF", "Lib"];

/// Whether `folder` is the root of a Nest: it holds `nest.fly` or one of [`FOLDERS`].
#[must_use]
pub fn is_root(folder: &Path) -> bool {
    folder.join("nest.fly").is_file() || FOLDERS.iter().any(|name| folder.join(name).is_dir())
}

/// The nearest Nest root at or above `path`, which may be a file.
#[must_use]
pub fn find_root(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find(|folder| is_root(folder))
        .map(Path::to_owned)
}

/// The nearest folder at or above `path` that is a git work tree.
#[must_use]
pub fn find_repository(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .find(|folder| folder.join(".git").exists())
        .map(Path::to_owned)
}
