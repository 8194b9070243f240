//! FLY123: comparisons in a chain.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// Comparisons in a chain.
pub(crate) static KIND: Kind = Kind {
    code: "FLY123",
    title: "comparisons in a chain",
    severity: Severity::Error,
    explanation: r#"A comparison gives a truth, and a truth compared again is seldom what is meant. Write the two comparisons with `&&`.
"#,
    wrong: r#"locals {
  fits = 1 < 2 < 3
}
"#,
    right: r#"locals {
  fits = 1 < 2 && 2 < 3
}
"#,
};

pub(crate) fn problem(second: Span, first: Span) -> Problem {
    Problem::new(&KIND, second, "comparisons do not chain")
        .label(first, "the first comparison")
        .help("write both: `a < b && b < c`")
}
