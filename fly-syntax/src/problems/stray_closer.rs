//! FLY106: a bracket closes nothing.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A bracket closes nothing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY106",
    title: "a bracket closes nothing",
    severity: Severity::Error,
    explanation: r#"A closing bracket needs one that opens. Often the opening one was deleted, or a line was pasted with one bracket too
many.
"#,
    wrong: r#"locals {
  size = 4GiB
}
}
"#,
    right: r#"locals {
  size = 4GiB
}
"#,
};

pub(crate) fn problem(at: Span, closer: char) -> Problem {
    Problem::new(&KIND, at, format!("this `{closer}` closes nothing"))
        .help("delete it, or open what it was meant to close")
        .fix(format!("delete the `{closer}`"), at, "")
}
