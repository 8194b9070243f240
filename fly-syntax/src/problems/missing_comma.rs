//! FLY120: a comma is missing.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A comma is missing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY120",
    title: "a comma is missing",
    severity: Severity::Error,
    explanation: r#"The elements of a list and the arguments of a function have commas between them; the entries of an object have commas or
new lines.
"#,
    wrong: r#"locals {
  tags = ["docker" "linux"]
}
"#,
    right: r#"locals {
  tags = ["docker", "linux"]
}
"#,
};

/// `certain` is false where a quote too many may have made two texts of what was meant to be something else.
pub(crate) fn problem(between: Span, what: &str, certain: bool) -> Problem {
    let problem = Problem::new(&KIND, between, format!("a comma is missing between these {what}"))
        .help("write `,` between them");
    match certain {
        true => problem.fix("write `,`", between.at_start(), ","),
        false => problem.maybe("write `,`", between.at_start(), ","),
    }
}

/// A comma with nothing before it.
pub(crate) fn extra(comma: Span) -> Problem {
    Problem::new(&KIND, comma, "there is nothing before this comma")
        .help("delete the comma, or write what is missing")
        .fix("delete the `,`", comma, "")
}
