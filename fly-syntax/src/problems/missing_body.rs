//! FLY117: a block without its body.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A block without its body.
pub(crate) static KIND: Kind = Kind {
    code: "FLY117",
    title: "a block without its body",
    severity: Severity::Error,
    explanation: r#"A block is a kind, its labels and a body in braces: `egg "api" { ... }`. The opening brace stands on the line of the
kind.
"#,
    wrong: r#"check "some"
"#,
    right: r#"check "some" {
  condition = 1 < 2
  message   = "no"
}
"#,
};

pub(crate) fn problem(header: Span, kind: &str) -> Problem {
    Problem::new(&KIND, header, format!("this `{kind}` has no body"))
        .note("`{` is missing behind this")
        .help("write `{ ... }` behind it, the `{` on the same line")
}
