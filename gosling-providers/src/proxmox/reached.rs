//! Which nodes have answered in this run, and which cannot be reached although the cluster calls them online.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What the last call to each node came to.
#[derive(Debug, Default)]
pub(super) struct Reached(Mutex<BTreeMap<String, bool>>);

impl Reached {
    /// A call to this path came to an answer, or its node could not be reached. A path of no node says nothing.
    pub(super) fn note(&self, path: &str, answered: bool) {
        if let Some(node) = node_in(path) {
            let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.insert(node.to_owned(), answered);
        }
    }

    /// Whether a node answers; `None` where it was not called yet.
    pub(super) fn answers(&self, node: &str) -> Option<bool> {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.get(node).copied()
    }

    /// Whether a node could not be reached.
    pub(super) fn is_away(&self, node: &str) -> bool {
        self.answers(node) == Some(false)
    }
}

/// The node that a call is for.
pub(super) fn node_in(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api2/json/nodes/")?;
    rest.split('/').next().filter(|node| !node.is_empty())
}
