//! FLY101: a block is not closed.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A block is not closed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY101",
    title: "a block is not closed",
    severity: Severity::Error,
    explanation: r#"A block runs from its `{` to its own `}`. Where the braces of a file do not balance, the indentation shows which
block was left open, and the rest of the file is checked as usual.
"#,
    wrong: r#"locals {
  tags = ["docker", "linux"]

check "some" {
  condition = length(local.tags) > 0
  message   = "no tags"
}
"#,
    right: r#"locals {
  tags = ["docker", "linux"]
}

check "some" {
  condition = length(local.tags) > 0
  message   = "no tags"
}
"#,
};

pub(crate) fn problem(header: Span) -> Problem {
    Problem::new(&KIND, header, "this block is not closed")
        .note("opened here")
        .help("write `}` on a line of its own where the block ends")
}
