//! FLY108: a value is missing.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A value is missing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY108",
    title: "a value is missing",
    severity: Severity::Error,
    explanation: r#"Behind the `=` of an attribute stands its value, on the same line. There is no null: leave the attribute out where it
should have no value.
"#,
    wrong: r#"locals {
  size =
}
"#,
    right: r#"locals {
  size = 4GiB
}
"#,
};

pub(crate) fn problem(equals: Span, word: &str) -> Problem {
    Problem::new(&KIND, equals, format!("`{word}` has no value"))
        .note("a value is missing behind this")
        .help(format!("write a value, or delete `{word} =`: what is left out has its default"))
}
