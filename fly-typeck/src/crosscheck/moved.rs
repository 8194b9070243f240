//! `moved`: moves that contradict the Nest or each other. What is moved to must exist, or be moved on from there.

use std::collections::{BTreeMap, BTreeSet};

use fly_syntax::Span;
use smol_str::SmolStr;

use super::{Blocks, placed_text};
use crate::globals::Globals;
use crate::problems;
use crate::problems::moved_conflict::Conflict;
use crate::problems::name_place::NamePlace;
use crate::sink::Sink;

/// One `moved` block: two addresses and where they are written.
struct Move<'b> {
    from: &'b str,
    from_at: Span,
    to: &'b str,
    to_at: Span,
}

pub(super) fn check(globals: &Globals<'_>, nest: &Blocks<'_>, sink: &mut Sink) {
    let moves = nest.of("moved").filter_map(|block| {
        let (from, from_at) = placed_text(block, "from")?;
        let (to, to_at) = placed_text(block, "to")?;
        Some(Move {
            from,
            from_at,
            to,
            to_at,
        })
    });
    let moves: Vec<Move<'_>> = moves.collect();
    let mut leaving: BTreeMap<&str, &Move<'_>> = BTreeMap::new();
    let mut arriving: BTreeMap<&str, &Move<'_>> = BTreeMap::new();
    for moved in &moves {
        if let Some((at, conflict)) = conflict(globals, moved, &leaving, &arriving) {
            sink.push(problems::moved_conflict::problem(at, conflict));
            continue;
        }
        leaving.insert(moved.from, moved);
        arriving.insert(moved.to, moved);
    }
    // Nothing is left twice and nothing is arrived at twice, so moves are chains and circles.
    let mut in_circles: BTreeSet<&str> = leaving.keys().copied().collect();
    let begins = |moved: &&&Move<'_>| !arriving.contains_key(moved.from);
    for begin in leaving.values().filter(begins) {
        let chain = std::iter::successors(Some(*begin), |moved| leaving.get(moved.to).copied());
        let mut end = None;
        for moved in chain {
            in_circles.remove(moved.from);
            end = Some(moved);
        }
        if let Some(end) = end {
            undeclared(globals, end, sink);
        }
    }
    // Every member of a circle leads back to itself: the first in the files stands for all.
    let first = moves
        .iter()
        .filter(|moved| {
            in_circles.contains(moved.from)
                && leaving
                    .get(moved.from)
                    .is_some_and(|left| left.from_at == moved.from_at)
        })
        .min_by_key(|moved| moved.from_at);
    if let Some(moved) = first {
        sink.push(problems::moved_conflict::problem(
            moved.from_at,
            Conflict::Circle(moved.from),
        ));
    }
}

/// What a block contradicts, of the Nest and of the blocks before it.
fn conflict<'m>(
    globals: &Globals<'_>,
    moved: &Move<'m>,
    leaving: &BTreeMap<&str, &Move<'m>>,
    arriving: &BTreeMap<&str, &Move<'m>>,
) -> Option<(Span, Conflict<'m>)> {
    let kind = |address: &'m str| address.split_once('.').map(|(kind, _)| kind);
    if moved.from == moved.to {
        return Some((moved.to_at, Conflict::Itself(moved.to)));
    }
    if kind(moved.from) != kind(moved.to) {
        return Some((moved.to_at, Conflict::Kinds(moved.from, moved.to)));
    }
    let declared = moved.from.split_once('.');
    if let Some(declared) = declared.and_then(|(kind, name)| globals.declared_at(kind, &SmolStr::new(name))) {
        return Some((moved.from_at, Conflict::StillDeclared(moved.from, declared)));
    }
    if let Some(first) = leaving.get(moved.from) {
        return Some((moved.from_at, Conflict::MovedTwice(moved.from, first.from_at)));
    }
    let first = arriving.get(moved.to)?;
    Some((moved.to_at, Conflict::SamePlace(moved.to, first.to_at)))
}

fn undeclared(globals: &Globals<'_>, moved: &Move<'_>, sink: &mut Sink) {
    let Some((kind, name)) = moved.to.split_once('.') else {
        return;
    };
    let name = SmolStr::new(name);
    if globals.entity(kind, &name).is_some() || globals.may_be_hidden(kind, &name) {
        return;
    }
    let at = moved.to_at;
    let written = globals.source(at.file).map_or("", |file| file.slice(at));
    let place = if written.starts_with('"') {
        // Between the quotes, and behind `egg.`.
        NamePlace::Text(Span {
            start: (at.start + 2 + u32::try_from(kind.len()).unwrap_or(0)).min(at.end),
            end: at.end.saturating_sub(1).max(at.start),
            ..at
        })
    } else {
        let name = Span {
            start: (at.start + u32::try_from(kind.len()).unwrap_or(0)).min(at.end),
            ..at
        };
        match written.contains('[') {
            true => NamePlace::Path(name),
            false => NamePlace::Field(name),
        }
    };
    let names = globals.names_under(kind);
    sink.push(problems::unknown_reference::problem(
        at,
        place,
        globals.what(kind),
        &name,
        &names,
    ));
}
