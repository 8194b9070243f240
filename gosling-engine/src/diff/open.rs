//! What operations that are open keep others from.

use std::collections::{BTreeMap, BTreeSet};

use gosling_resource::{Address, Part, Properties, Value};

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

    /// The resource whose open operation keeps a change from being begun: its own; one that is to have the same name or
    /// network address there; or the machine that takes its place and may not be there yet.
    pub(super) fn holds(&self, change: &Change) -> Option<&'e Address> {
        if let Some((address, _)) = self.needs.get_key_value(&change.address) {
            return Some(address);
        }
        let goes = matches!(change.action, Action::Delete | Action::Replace);
        let puts = matches!(change.action, Action::Create | Action::Update | Action::Replace);
        let name = change.properties.get("name").filter(|name| **name != Value::Null);
        let address = own_address(&change.properties);
        let kept = |create: &&&Operation| {
            let same_name = name.is_some() && create.properties.get("name") == name;
            let same_address = address.is_some() && own_address(&create.properties) == address;
            let same = (&create.kind, &create.provider) == (&change.kind, &change.provider)
                && (same_name || same_address);
            (puts && same) || (goes && rollout::predecessor(&create.address) == change.address)
        };
        self.creates.iter().find(kept).map(|create| &create.address)
    }
}

/// The address that a machine gives itself, in the form in which its network configuration has it; `None` where it asks
/// DHCP. Name servers have addresses too, further in.
fn own_address(properties: &Properties) -> Option<&str> {
    const OWN: &str = "    addresses: [";
    let Some(Value::Template(template)) = properties.get("network_config") else {
        return None;
    };
    let texts = template.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Secret { .. } => None,
    });
    let own = texts
        .flat_map(str::lines)
        .find_map(|line| line.strip_prefix(OWN))?;
    own.split(['/', ']']).next()
}
