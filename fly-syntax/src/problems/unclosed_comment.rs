//! FLY105: a comment is not closed.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A comment is not closed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY105",
    title: "a comment is not closed",
    severity: Severity::Error,
    explanation: r#"A comment that starts with `/*` ends with `*/`, and comments do not nest. For one line, `#` or `//` needs no end.
"#,
    wrong: r#"locals {
  size = 4GiB
}
/* sizes of machines
"#,
    right: r#"locals {
  size = 4GiB
}
/* sizes of machines */
"#,
};

pub(crate) fn problem(opened: Span) -> Problem {
    Problem::new(&KIND, opened, "this comment is not closed")
        .note("opened here")
        .help("write `*/` where it ends")
}
