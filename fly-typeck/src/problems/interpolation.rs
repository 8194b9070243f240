//! FLY309: a value that cannot be part of a text.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY309",
    title: "a value that cannot be part of a text",
    severity: Severity::Error,
    explanation: r#"`${...}` in a text takes a single value: a string, number, bool, duration, size, percent, url, version or the like. A
list, a map, an object or a block has no one way to be written. `join(", ", list)` makes a text of a list,
`jsonencode(value)` of anything.
"#,
    wrong: r#"locals {
  nodes = ["pve1", "pve2"]
  text = "on ${local.nodes}"
}
"#,
    right: r#"locals {
  nodes = ["pve1", "pve2"]
  text = "on ${join(", ", local.nodes)}"
}
"#,
};

pub(crate) fn problem(at: Span, found: &str) -> Problem {
    let help = if found.starts_with("list") || found.starts_with("set") {
        "make a text of it with `join(\", \", ...)`, or take one element with `[0]`"
    } else {
        "take one value out of it with `.name`, or make a text of it with `jsonencode(...)`"
    };
    Problem::new(&KIND, at, format!("{found} cannot be part of a text")).note("not a single value").help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn lists_are_joined_and_objects_are_taken_apart() {
        let help = |found| problem(here(0, 5), found).help.unwrap_or_default();
        assert_eq!(problem(here(0, 5), "list(string)").message, "list(string) cannot be part of a text");
        assert!(help("list(string)").contains("`join("));
        assert!(help("set(int)").contains("`join("));
        assert!(help("object({ a = int })").contains("`jsonencode("));
    }
}
