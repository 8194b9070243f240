//! FLY114: something stands where it cannot.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// Something stands where it cannot.
pub(crate) static KIND: Kind = Kind {
    code: "FLY114",
    title: "something stands where it cannot",
    severity: Severity::Error,
    explanation: r#"Something was read that has no place there. In a body stand attributes, `name = value`, and blocks, `name { ... }`; in
an expression, values with operators between them.
"#,
    wrong: r#"locals {
  total = 1 +
}
"#,
    right: r#"locals {
  total = 1 + 2
}
"#,
};

/// `found` is the text that has no place; `wanted` says what could stand there.
pub(crate) fn problem(at: Span, found: &str, wanted: &str) -> Problem {
    let message = match found {
        "" => "something is missing here".to_owned(),
        found => format!("`{found}` cannot stand here"),
    };
    Problem::new(&KIND, at, message).help(wanted)
}
