//! FLY308: a calculation that has no result.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY308",
    title: "a calculation that has no result",
    severity: Severity::Error,
    explanation: r#"The types are right, but these values have no result: a division by zero, a whole number beyond 64 bits, an index past
the end of a list, or a result larger than a Nest may hold. Evaluation always ends, so there are limits to what it
makes.
"#,
    wrong: r#"locals {
  nodes = ["pve1", "pve2"]
  third = local.nodes[2]
}
"#,
    right: r#"locals {
  nodes = ["pve1", "pve2", "pve3"]
  third = local.nodes[2]
}
"#,
};

/// `reason` is what happened: "division by zero".
pub(crate) fn problem(at: Span, reason: &str) -> Problem {
    Problem::new(&KIND, at, format!("this has no value: {reason}"))
        .note("cannot be calculated")
        .help("change the values, or guard the place with `condition ? this : otherwise`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_what_happened() {
        let problem = problem(here(0, 5), "division by zero");
        assert_eq!(problem.message, "this has no value: division by zero");
        assert_eq!(problem.note, "cannot be calculated");
    }
}
