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

/// `gap` is what stands between the `=` and the value on a later line, where it is only white space.
pub(crate) fn late(equals: Span, word: &str, gap: Option<Span>) -> Problem {
    let problem = Problem::new(&KIND, equals, format!("the value of `{word}` is not on the line of its `=`"))
        .note("the value begins behind this, on the same line")
        .help("write the value behind the `=`; one of several lines stands in brackets");
    match gap {
        Some(gap) => problem.fix("put the value behind its `=`", gap, " "),
        None => problem,
    }
}
