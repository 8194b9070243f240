//! Orders.

use std::collections::{BTreeMap, BTreeSet};

/// A node that needs itself, directly or by others. Works on any depth without recursion.
pub(crate) fn cycle<N: Ord + Clone>(
    nodes: impl IntoIterator<Item = N>,
    needs: impl Fn(&N) -> Vec<N>,
) -> Option<N> {
    let mut waiting: BTreeMap<N, BTreeSet<N>> = BTreeMap::new();
    for node in nodes {
        let wanted = needs(&node).into_iter().collect();
        waiting.insert(node, wanted);
    }
    let known: BTreeSet<N> = waiting.keys().cloned().collect();
    let mut wanted_by: BTreeMap<N, Vec<N>> = BTreeMap::new();
    let mut open: BTreeMap<N, usize> = BTreeMap::new();
    for (node, wanted) in &waiting {
        let wanted: Vec<&N> = wanted.iter().filter(|other| known.contains(*other)).collect();
        open.insert(node.clone(), wanted.len());
        for other in wanted {
            wanted_by.entry(other.clone()).or_default().push(node.clone());
        }
    }
    let mut ready: Vec<N> = open
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(node, _)| node.clone())
        .collect();
    while let Some(node) = ready.pop() {
        open.remove(&node);
        for other in wanted_by.get(&node).into_iter().flatten() {
            if let Some(count) = open.get_mut(other) {
                *count -= 1;
                if *count == 0 {
                    ready.push(other.clone());
                }
            }
        }
    }
    open.into_keys().next()
}
