//! What a run takes from the process around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The variables and the folder that a run works with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The environment variables.
    pub variables: BTreeMap<String, String>,
    /// The current folder, absolute: relative paths in variables begin here.
    pub folder: PathBuf,
}

impl Environment {
    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The path from the current folder.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }
}
