//! FLY115: a label without quotes.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A label without quotes.
pub(crate) static KIND: Kind = Kind {
    code: "FLY115",
    title: "a label without quotes",
    severity: Severity::Error,
    explanation: r#"The label of a block stands in quotes: `egg "api" { ... }`.
"#,
    wrong: r#"variable region {
  type    = string
  default = "a"
}
"#,
    right: r#"variable "region" {
  type    = string
  default = "a"
}
"#,
};

pub(crate) fn problem(at: Span, label: &str) -> Problem {
    Problem::new(&KIND, at, format!("the label `{label}` needs quotes"))
        .help(format!("write `\"{label}\"`"))
        .fix(format!("write `\"{label}\"`"), at, format!("\"{label}\""))
}
