//! Where things are in the repository, and which files are ours.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap().to_path_buf()
}

/// The text of a file, by its path from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under a folder that passes, in the order of paths. Hidden folders and `target` are not entered.
pub(crate) fn files_under(folder: &Path, passes: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && name != "target" {
                    waiting.push(entry.path());
                }
            } else if passes(&entry.path()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// A path as messages show it: from the root.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Every Rust file of ours.
pub(crate) fn rust_files() -> Vec<PathBuf> {
    files_under(&root(), |path| {
        path.extension().is_some_and(|extension| extension == "rs")
    })
}
