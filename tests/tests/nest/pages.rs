//! The pages of `gosling explain`: what they show as wrong is wrong in just that way, and what they show as right is
//! right.

use std::collections::BTreeSet;

use fly_syntax::Kind;
use fly_workspace::CheckedNest;

use crate::archive;

/// Every kind of problem there is.
pub(crate) fn kinds() -> Vec<&'static Kind> {
    let mut kinds = fly_syntax::problems::kinds();
    kinds.extend(fly_typeck::problems::kinds());
    kinds
}

fn found(nest: &CheckedNest) -> Vec<String> {
    let found = nest.problems.iter();
    found
        .map(|problem| format!("{}: {}", problem.kind.code, problem.message))
        .collect()
}

#[test]
fn each_wrong_example_has_its_problem_and_no_other() {
    let mut faults = Vec::new();
    for kind in kinds() {
        let nest = archive::check(kind.wrong);
        let codes: Vec<&str> = nest.problems.iter().map(|problem| problem.kind.code).collect();
        if codes != [kind.code] {
            faults.push(format!("{}: {:?}", kind.code, found(&nest)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_right_example_has_no_problem() {
    let mut faults = Vec::new();
    for kind in kinds() {
        let nest = archive::check(kind.right);
        if !nest.problems.is_empty() {
            faults.push(format!("{}: {:?}", kind.code, found(&nest)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_kind_has_a_code_and_a_title_of_its_own() {
    let all = kinds();
    let codes: BTreeSet<&str> = all.iter().map(|kind| kind.code).collect();
    let titles: BTreeSet<&str> = all.iter().map(|kind| kind.title).collect();
    assert_eq!((codes.len(), titles.len()), (all.len(), all.len()));
    assert!(all.len() > 100, "{}", all.len());
}
