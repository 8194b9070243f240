//! Equal changes of one egg, which a plan shows once: a pool may have hundreds of machines.

use std::collections::BTreeMap;

use gosling_engine::{Action, AttributeChange, Change};
use gosling_resource::{Address, Value};

use super::plan::{Detail, place, shown};
use super::template;

/// From so many equal changes on they are shown as one.
const MANY: usize = 3;
/// So many numbers or runs of numbers are named.
const RUNS: usize = 4;

/// What each of several resources has for itself, by kind: the rest of them may be equal all the same.
const OWN: [(&str, &str); 4] = [
    ("proxmox_vm", "name"),
    ("proxmox_vm", "user_data"),
    ("proxmox_vm", "network_config"),
    ("gitlab_hook", "project_id"),
];

/// One or several changes that are shown as one.
pub(super) struct Entry<'p> {
    /// In the order of their numbers; at least one.
    pub(super) changes: Vec<&'p Change>,
    bodies: Vec<Vec<Line>>,
}

/// An attribute as a line of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    /// What it will be, or what it is and will be.
    pub(super) text: String,
    /// Where it is written.
    pub(super) place: String,
    /// Where it is a text of several lines, those that differ.
    pub(super) differences: Vec<String>,
}

impl<'p> Entry<'p> {
    /// These changes, equal ones together where that is wanted.
    pub(super) fn of(changes: impl Iterator<Item = &'p Change>, detail: Detail) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        // The first of each sort that others may be equal to.
        let mut sorts: BTreeMap<(String, &str, &str), Vec<usize>> = BTreeMap::new();
        for change in changes {
            let body = body(change);
            let own = (
                change.address.block(),
                change.address.part.as_str(),
                change.kind.as_str(),
            );
            let sort = sorts.entry(own).or_default();
            let alike = |at: &&usize| {
                let other = &entries[**at];
                is_alike(change, &body, other.changes[0], &other.bodies[0])
            };
            match sort.iter().find(alike) {
                Some(at) => {
                    let entry = &mut entries[*at];
                    entry.changes.push(change);
                    entry.bodies.push(body);
                }
                None => {
                    sort.push(entries.len());
                    entries.push(Self {
                        changes: vec![change],
                        bodies: vec![body],
                    });
                }
            }
        }
        let many = match detail {
            Detail::Summary => MANY,
            Detail::Full => usize::MAX,
        };
        let mut shown: Vec<Self> = entries.into_iter().flat_map(|entry| entry.split(many)).collect();
        shown.sort_by(|one, other| one.first().address.cmp(&other.first().address));
        shown
    }

    /// Itself where it has so many changes, else each change by itself.
    fn split(self, many: usize) -> Vec<Self> {
        let mut pairs: Vec<_> = self.changes.into_iter().zip(self.bodies).collect();
        if pairs.len() >= many {
            pairs.sort_by_key(|(change, _)| number(&change.address));
            let (changes, bodies) = pairs.into_iter().unzip();
            return vec![Self { changes, bodies }];
        }
        let each = pairs.into_iter().map(|(change, body)| Self {
            changes: vec![change],
            bodies: vec![body],
        });
        each.collect()
    }

    /// The one that stands for all.
    pub(super) fn first(&self) -> &'p Change {
        self.changes[0]
    }

    /// `egg.app.vm[0..149]`
    pub(super) fn address(&self) -> String {
        let first = &self.first().address;
        if self.changes.len() == 1 {
            return first.to_string();
        }
        let keys = self
            .changes
            .iter()
            .filter_map(|change| change.address.key.as_deref());
        let keys: Vec<&str> = keys.collect();
        format!("{}.{}[{}]", first.block(), first.part, runs(&keys))
    }

    /// The attributes: what differs from one to the other by its first and last.
    pub(super) fn lines(&self) -> Vec<Line> {
        let (Some(first), Some(last)) = (self.bodies.first(), self.bodies.last()) else {
            return Vec::new();
        };
        let lines = first
            .iter()
            .zip(last)
            .map(|(first, last)| match first.text == last.text {
                true => first.clone(),
                false => Line {
                    text: format!("{} ... {}", first.text, last.text),
                    ..first.clone()
                },
            });
        lines.collect()
    }
}

/// Whether two changes may be shown as one.
fn is_alike(one: &Change, lines: &[Line], other: &Change, others: &[Line]) -> bool {
    let is_own = |line: &Line| OWN.contains(&(one.kind.as_str(), line.name.as_str()));
    // One that is deleted has one line, and a person may want to know the number of each.
    one.action == other.action
        && !matches!(one.action, Action::Delete | Action::NoOp)
        && one.provider == other.provider
        && one.because == other.because
        && one.origin == other.origin
        && one.moved_from.is_none()
        && other.moved_from.is_none()
        && one.address.key.is_some()
        && lines.len() == others.len()
        && lines.iter().zip(others).all(|(line, other)| {
            line.name == other.name
                && line.place == other.place
                && line.differences == other.differences
                && (line.text == other.text || is_own(line))
        })
}

/// The lines of a change's attributes.
fn body(change: &Change) -> Vec<Line> {
    if change.action == Action::Delete {
        return Vec::new();
    }
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::List(values) => values.is_empty(),
        Value::Map(values) => values.is_empty(),
        _ => false,
    };
    let told =
        |attribute: &&AttributeChange| change.action != Action::Create || !is_nothing(&attribute.after);
    let lines = change.attributes.iter().filter(told);
    lines.map(|attribute| line(change, attribute)).collect()
}

fn line(change: &Change, attribute: &AttributeChange) -> Line {
    let unit = super::unit(&change.kind, &attribute.name);
    let after = shown(&attribute.after, unit);
    let stored = change.prior.get("stored_version").and_then(Value::as_text);
    let text = if change.action == Action::Create {
        after
    } else if let (Value::Text(given), Value::Secret(_), Some(stored)) =
        (&attribute.before, &attribute.after, stored)
    {
        format!("{given} -> version {stored}")
    } else {
        let before = shown(&attribute.before, unit);
        if before == after {
            format!("{before} is changed")
        } else {
            format!("{before} -> {after}")
        }
    };
    let differences = match (&attribute.before, &attribute.after) {
        (Value::Template(before), Value::Template(after)) => template::differences(before, after),
        _ => Vec::new(),
    };
    Line {
        name: attribute.name.to_string(),
        text,
        place: place(attribute.origin.as_ref()),
        differences,
    }
}

/// The number that a resource of several has.
fn number(address: &Address) -> Option<u64> {
    address.key.as_deref()?.parse().ok()
}

/// `0..149`, `0, 2..5`, `17, 41, 42, 51, ... 99`
fn runs(keys: &[&str]) -> String {
    let mut runs: Vec<(&str, &str)> = Vec::new();
    for key in keys {
        let follows = |last: &str| {
            let last: Option<u64> = last.parse().ok();
            last.and_then(|last| last.checked_add(1))
                .is_some_and(|next| *key == next.to_string())
        };
        match runs.last_mut() {
            Some((_, last)) if follows(last) => *last = key,
            _ => runs.push((key, key)),
        }
    }
    let text = |(first, last): &(&str, &str)| match first == last {
        true => (*first).to_owned(),
        false => format!("{first}..{last}"),
    };
    let named: Vec<String> = runs.iter().take(RUNS).map(text).collect();
    match runs.last().filter(|_| runs.len() > RUNS) {
        Some((_, last)) => format!("{}, ... {last}", named.join(", ")),
        None => named.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_their_runs() {
        assert_eq!(runs(&["0", "1", "2"]), "0..2");
        assert_eq!(runs(&["0", "2", "3", "5"]), "0, 2..3, 5");
        assert_eq!(
            runs(&["17", "41", "51", "60", "70", "99"]),
            "17, 41, 51, 60, ... 99"
        );
        assert_eq!(runs(&["docs:17", "web:17"]), "docs:17, web:17");
    }
}
