//! FLY103: a bracket is not closed.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A bracket is not closed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY103",
    title: "a bracket is not closed",
    severity: Severity::Error,
    explanation: r#"Every `[`, `(`, `${` and every `{` of an object needs its closing bracket. It is taken to end before the next line that
starts an entry.
"#,
    wrong: r#"locals {
  tags = ["docker", "linux"
  size = 4GiB
}
"#,
    right: r#"locals {
  tags = ["docker", "linux"]
  size = 4GiB
}
"#,
};

pub(crate) fn problem(opened: Span, closer: &str) -> Problem {
    Problem::new(&KIND, opened, format!("this bracket is not closed: `{closer}` is missing"))
        .note("opened here")
        .help(format!("write `{closer}` where it ends"))
}

/// `opened` is closed by `found`, which closes another kind of bracket.
pub(crate) fn wrong(at: Span, opened: Span, found: char, wanted: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{found}` does not close this bracket: `{wanted}` does"))
        .label(opened, "opened here")
        .help(format!("write `{wanted}`"))
        .fix(format!("write `{wanted}`"), at, wanted)
}
