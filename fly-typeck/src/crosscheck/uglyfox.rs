//! Lifecycle policy: pools that contradict themselves or each other.

use rustc_hash::FxHashMap;

use super::{Blocks, eggs, placed};
use crate::checked::CheckedBlock;
use crate::json;
use crate::problems;
use crate::sink::Sink;
use crate::value::Value;
use fly_domain::Duration;

pub(super) fn check(nest: &Blocks<'_>, sink: &mut Sink) {
    let Some(uglyfox) = nest.single("uglyfox") else {
        return;
    };
    let conditions = uglyfox.blocks_named("runners_condition");
    for condition in &conditions {
        for pool in condition
            .blocks_named("apex")
            .into_iter()
            .chain(condition.blocks_named("nadir"))
        {
            bounds(pool, "min_count", "max_count", sink);
        }
    }
    twice(&conditions, sink);
    ages(nest, uglyfox, &conditions, sink);
}

/// The smaller bound above the larger one.
pub(super) fn bounds(block: &CheckedBlock, min: &str, max: &str, sink: &mut Sink) {
    if let (Some((Value::Int(least), at)), Some((Value::Int(most), most_at))) =
        (placed(block, min), placed(block, max))
        && least > most
    {
        let (least, most) = (format!("{min} = {least}"), format!("{max} = {most}"));
        sink.push(problems::min_over_max::problem(at, &least, &most, most_at));
    }
}

/// One egg in two conditions would be sized by both.
fn twice(conditions: &[&CheckedBlock], sink: &mut Sink) {
    let mut seen: FxHashMap<&str, &CheckedBlock> = FxHashMap::default();
    for condition in conditions {
        let Some((entities, at)) = placed(condition, "eggs_entities") else {
            continue;
        };
        for entity in entities
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
        {
            match seen.get(entity) {
                Some(first) if first.header != condition.header => {
                    let first_at = placed(first, "eggs_entities").map_or(first.header, |(_, at)| at);
                    sink.push(problems::two_conditions::problem(at, entity, first_at));
                }
                Some(_) => {}
                None => {
                    seen.insert(entity, condition);
                }
            }
        }
    }
}

/// A runner that may idle for longer than it may live.
fn ages(nest: &Blocks<'_>, uglyfox: &CheckedBlock, conditions: &[&CheckedBlock], sink: &mut Sink) {
    let Some((Value::Duration(age), age_at)) = uglyfox
        .block("pruning")
        .and_then(|pruning| placed(pruning, "max_age"))
    else {
        return;
    };
    let idles: Vec<(Duration, fly_syntax::Span)> = conditions
        .iter()
        .filter_map(
            |condition| match placed(condition.block("nadir")?, "idle_timeout")? {
                (Value::Duration(idle), at) => Some((*idle, at)),
                _ => None,
            },
        )
        .chain(
            nest.of("egg")
                .chain(nest.of("eggsbucket"))
                .filter_map(eggs::idle_timeout),
        )
        .collect();
    let mut longer: Vec<(Duration, fly_syntax::Span)> =
        idles.into_iter().filter(|(idle, _)| idle > age).collect();
    // A preset's timeout is one, however many eggs use it.
    longer.sort_by_key(|(_, at)| *at);
    longer.dedup();
    if !longer.is_empty() {
        let age = json::text(&Value::Duration(*age));
        sink.push(problems::idle_above_age::problem(age_at, &age, &longer));
    }
}
