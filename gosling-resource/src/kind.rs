//! What a change of an attribute means.

use crate::{Properties, Value};

/// A kind of resource: `gitlab_runner`, `proxmox_vm`.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Its attributes. Anything else in a resource is a mistake of the lowering.
    pub attributes: &'static [Attribute],
    /// What nobody can bring back once one is deleted, for people: `its disk with all that is on it`.
    pub lost: &'static str,
}

/// An attribute of a kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What a change of it does.
    pub change: Change,
    /// Whether the API tells it back: drift in it can be seen.
    pub observed: bool,
    /// What it is to be wherever nothing else is asked for. A Nest has no word for it, and a state holds it only where it
    /// is otherwise: whether a machine starts with its node.
    pub usual: Option<bool>,
}

/// What a change of an attribute does to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is changed in place.
    Update,
    /// It is changed in place, and takes effect with a restart, which ends what runs in it.
    Restart,
    /// It is changed in place and takes effect with a restart, after which the resource is cut off where it was wrong: a
    /// network.
    Reconnect,
    /// The resource is made anew.
    Replace,
    /// A larger number is changed in place, a smaller one makes the resource anew: a disk.
    Grow,
    /// Nothing: it only matters when the resource is made, such as the nodes to choose from.
    OnlyAtCreation,
}

impl Attribute {
    /// Its value among these properties, or the usual one.
    #[must_use]
    pub fn value_in(&self, properties: &Properties) -> Value {
        let held = properties.get(self.name).cloned();
        held.unwrap_or_else(|| self.usual.map_or(Value::Null, Value::Bool))
    }
}

impl Kind {
    /// The attribute of this name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}
