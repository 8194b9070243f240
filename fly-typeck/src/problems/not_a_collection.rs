//! FLY312: a single value where something with elements is wanted.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY312",
    title: "a single value where something with elements is wanted",
    severity: Severity::Error,
    explanation: r#"`for`, `for_each` and `[index]` need something with elements: a list, set, map or object. This value is a single one.
Put it in a list, `[value]`, or name the collection that was meant.
"#,
    wrong: r#"locals {
  name = "pve1"
  upper = [for node in local.name : upper(node)]
}
"#,
    right: r#"locals {
  names = ["pve1"]
  upper = [for node in local.names : upper(node)]
}
"#,
};

pub(crate) fn problem(at: Span, found: &str) -> Problem {
    Problem::new(&KIND, at, format!("{} has no elements", words::a(found)))
        .note("expected a list, set, map or object")
        .help("give something with elements: `[a, b]`, `{ key = value }`, or a reference to one")
}

/// A set is asked for an element by its number.
pub(crate) fn set(at: Span, found: &str) -> Problem {
    Problem::new(&KIND, at, format!("{} has no order, so no element has a number", words::a(found)))
        .note("a set")
        .help("put it in order first: `sort(...)[0]`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_single_value() {
        let problem = problem(here(0, 5), "int");
        assert_eq!(problem.message, "an int has no elements");
        assert_eq!(problem.note, "expected a list, set, map or object");
    }
}
