//! What looks like a change of name in a plan: one egg is deleted, and another that is much like it is created.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{Action, Change, Plan};
use gosling_resource::Value;

/// Attributes in which the name of the egg stands: a new name changes them.
const NAMED: [&str; 9] = [
    "name",
    "description",
    "url",
    "maintenance_note",
    "token_secret",
    "secret",
    "tags",
    "user_data",
    "runner",
];
/// Attributes that say whom a runner serves: one for another project is no runner of a new name.
const SERVES: [&str; 4] = ["server", "scope", "project_id", "group_id"];

/// For each egg that may only have a new name, a note with the block that says so.
#[must_use]
pub fn hints(plan: &Plan) -> Vec<String> {
    if plan.destroy {
        return Vec::new();
    }
    let mut blocks: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        blocks.entry(change.address.block()).or_default().push(change);
    }
    let all = |action: Action| {
        blocks.iter().filter(move |(_, changes)| {
            let mut changes = changes.iter();
            changes.all(|change| change.action == action && change.moved_from.is_none())
        })
    };
    let mut pairs: Vec<(usize, &String, &String)> = Vec::new();
    for (old, deleted) in all(Action::Delete) {
        let created = all(Action::Create);
        pairs.extend(created.filter_map(|(new, created)| Some((likeness(deleted, created)?, old, new))));
    }
    // The likest first; each has one new name at most.
    pairs.sort_by(|one, other| other.0.cmp(&one.0).then((one.1, one.2).cmp(&(other.1, other.2))));
    let mut used = BTreeSet::new();
    let mut hints = Vec::new();
    for (_, old, new) in pairs {
        if !used.contains(old) && !used.contains(new) {
            used.extend([old, new]);
            hints.push(format!(
                "note: {old} is deleted and {new}, which is much like it, is created; if it only has a new name, this \
                 block in a file of the Nest keeps what is there:\n\n  moved {{\n    from = \"{old}\"\n    to = \"{new}\"\n  }}\n"
            ));
        }
    }
    hints
}

/// How many per cent of what the two ask for is equal; `None` where they are not the same thing.
fn likeness(deleted: &[&Change], created: &[&Change]) -> Option<usize> {
    let (mut equal, mut all) = (0, 0);
    let mut runners = 0;
    for new in created {
        let same = |old: &&&Change| {
            (&old.kind, &old.provider, &old.address.part, &old.address.key)
                == (&new.kind, &new.provider, &new.address.part, &new.address.key)
        };
        let Some(old) = deleted.iter().find(same) else {
            continue;
        };
        let value = |of: &Change, name: &str| of.properties.get(name).cloned().unwrap_or(Value::Null);
        let is_equal = |name: &str| value(old, name) == value(new, name);
        if new.kind == "gitlab_runner" {
            runners += 1;
            if !SERVES.iter().all(|name| is_equal(name)) {
                return None;
            }
        }
        let names: Vec<_> = new
            .properties
            .keys()
            .filter(|name| !NAMED.contains(&name.as_str()))
            .collect();
        all += names.len();
        equal += names.iter().filter(|name| is_equal(name)).count();
    }
    let share = (equal * 100).checked_div(all)?;
    (runners > 0 && share >= 50).then_some(share)
}
