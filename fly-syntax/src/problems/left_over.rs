//! FLY122: something is left over behind a value.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// Something is left over behind a value.
pub(crate) static KIND: Kind = Kind {
    code: "FLY122",
    title: "something is left over behind a value",
    severity: Severity::Error,
    explanation: r#"An attribute has one value, and the line ends behind it. Several entries on one line are possible where each is
`name = value` or a block.
"#,
    wrong: r#"locals {
  size = 4GiB 8GiB
}
"#,
    right: r#"locals {
  size = 8GiB
}
"#,
};

pub(crate) fn problem(at: Span, found: &str) -> Problem {
    let shown: String = found.chars().take(30).collect();
    let dots = if found.chars().count() > 30 { "…" } else { "" };
    Problem::new(&KIND, at, format!("`{shown}{dots}` is left over behind the value"))
        .help("delete it, or put an operator or a new line before it; several values are a list: `[a, b]`")
}
