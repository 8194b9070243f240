//! What operations that are open keep others from.

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{Address, Value};

use crate::journal::Entry;
use crate::operation::{Operation, Verb};
use crate::plan::{Action, Change};
use crate::rollout;

/// The operations that are open still.
pub(super) struct Open<'e> {
    /// The address of each, and what its resource needs.
    pub(super) needs: BTreeMap<&'e Address, BTreeSet<Address>>,
    /// The creates among them.
    creates: Vec<&'e Operation>,
}

impl<'e> Open<'e> {
    pub(super) fn of(entries: &'e [Entry]) -> Self {
        let needs = entries.iter().map(|entry| {
            let needs = entry.depends_on.iter().filter_map(|text| text.parse().ok());
            (&entry.operation.address, needs.collect())
        });
        let operations = entries.iter().map(|entry| &entry.operation);
        Self {
            needs: needs.collect(),
            creates: operations
                .filter(|operation| operation.verb == Verb::Create)
                .collect(),
        }
    }

    /// Whether an operation on this resource is open.
    pub(super) fn is_on(&self, address: &Address) -> bool {
        self.needs.contains_key(address)
    }

    /// Whether the resource of the one needs the other.
    pub(super) fn needs(&self, address: &Address, other: &Address) -> bool {
        self.needs.get(address).is_some_and(|needs| needs.contains(other))
    }

    /// The resource whose open operation keeps a change from being begun: its own; one that is to have the same name there;
    /// or the machine that takes its place and may not be there yet.
    pub(super) fn holds(&self, change: &Change) -> Option<&'e Address> {
        if let Some((address, _)) = self.needs.get_key_value(&change.address) {
            return Some(address);
        }
        let goes = matches!(change.action, Action::Delete | Action::Replace);
        let puts = matches!(change.action, Action::Create | Action::Update | Action::Replace);
        let name = change.properties.get("name").filter(|name| **name != Value::Null);
        let kept = |create: &&&Operation| {
            let same_name = (&create.kind, &create.provider) == (&change.kind, &change.provider)
                && name.is_some()
                && create.properties.get("name") == name;
            (puts && same_name) || (goes && rollout::predecessor(&create.address) == change.address)
        };
        self.creates.iter().find(kept).map(|create| &create.address)
    }
}
