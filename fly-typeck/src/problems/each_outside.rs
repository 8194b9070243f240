//! FLY213: `each` where nothing repeats.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY213",
    title: "`each` where nothing repeats",
    severity: Severity::Error,
    explanation: r#"`each.key` and `each.value` are the entry of a `for_each`, inside the block that has it. Without a `for_each` there is
no entry. Add `for_each = { ... }` to the `egg` or `repo`, or write the value itself. Inside a `for`, use the names that
the `for` binds.
"#,
    wrong: r#"locals {
  name = "api-${each.key}"
}
"#,
    right: r#"locals {
  names = [for key in ["blue", "green"] : "api-${key}"]
}
"#,
};

pub(crate) fn problem(at: Span) -> Problem {
    Problem::new(&KIND, at, "`each` stands outside of a block with `for_each`")
        .note("there is no entry to take this from")
        .help("add `for_each = { ... }` to the egg or repo around it, or write the value itself")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_where_each_would_come_from() {
        let problem = problem(here(0, 8));
        assert_eq!(problem.message, "`each` stands outside of a block with `for_each`");
        assert_eq!(
            problem.help.as_deref(),
            Some("add `for_each = { ... }` to the egg or repo around it, or write the value itself")
        );
    }
}
