//! FLY317: a function that has no result for these arguments.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY317",
    title: "a function that has no result for these arguments",
    severity: Severity::Error,
    explanation: r#"The arguments are of the right types, but not ones that the function can work with: a regular expression that cannot be
read or does not match, a number beyond a network's addresses, the smallest of an empty list. The message says which.
"#,
    wrong: r#"locals {
  host = cidrhost("10.0.0.0/30", 9)
}
"#,
    right: r#"locals {
  host = cidrhost("10.0.0.0/24", 9)
}
"#,
};

pub(crate) fn problem(at: Span, function: &str, reason: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{function}` has no result here: {reason}"))
        .note("cannot be called with this")
        .help("change the arguments, or guard the place with `condition ? this : otherwise`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_why_there_is_no_result() {
        let problem = problem(here(0, 7), "min", "the list is empty");
        assert_eq!(problem.message, "`min` has no result here: the list is empty");
        assert_eq!(
            problem.help.as_deref(),
            Some("change the arguments, or guard the place with `condition ? this : otherwise`")
        );
    }
}
