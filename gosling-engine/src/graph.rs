//! Orders.

use std::collections::{BTreeMap, BTreeSet};

/// A node that needs itself, directly or by others. Works on any depth without recursion.
pub(crate) fn cycle<N: Ord + Clone>(
    nodes: impl IntoIterator<Item = N>,
    needs: impl Fn(&N) -> Vec<N>,
) -> Option<N> {
    sorted(nodes, needs).err()
}

/// The nodes, each after what it needs, otherwise in their own order.
///
/// # Errors
/// A node that needs itself, directly or by others.
pub(crate) fn sorted<N: Ord + Clone>(
    nodes: impl IntoIterator<Item = N>,
    needs: impl Fn(&N) -> Vec<N>,
) -> Result<Vec<N>, N> {
    let nodes: BTreeSet<N> = nodes.into_iter().collect();
    let mut open: BTreeMap<N, usize> = BTreeMap::new();
    let mut wanted_by: BTreeMap<N, Vec<N>> = BTreeMap::new();
    for node in &nodes {
        let wanted: BTreeSet<N> = needs(node)
            .into_iter()
            .filter(|other| nodes.contains(other))
            .collect();
        open.insert(node.clone(), wanted.len());
        for other in wanted {
            wanted_by.entry(other).or_default().push(node.clone());
        }
    }
    let mut ready: BTreeSet<N> = open
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(node, _)| node.clone())
        .collect();
    let mut sorted = Vec::with_capacity(nodes.len());
    while let Some(node) = ready.pop_first() {
        for other in wanted_by.get(&node).into_iter().flatten() {
            if let Some(count) = open.get_mut(other) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(other.clone());
                }
            }
        }
        open.remove(&node);
        sorted.push(node);
    }
    match open.into_keys().next() {
        Some(node) => Err(node),
        None => Ok(sorted),
    }
}
