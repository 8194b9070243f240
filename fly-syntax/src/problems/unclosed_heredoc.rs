//! FLY104: a heredoc is not closed.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A heredoc is not closed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY104",
    title: "a heredoc is not closed",
    severity: Severity::Error,
    explanation: r#"A heredoc, `<<EOT`, ends at a line that holds nothing but its word. The word must be spelt the same, and nothing may
stand behind it.
"#,
    wrong: r#"locals {
  script = <<EOT
    make test
}
"#,
    right: r#"locals {
  script = <<EOT
    make test
  EOT
}
"#,
};

pub(crate) fn problem(opened: Span, word: &str) -> Problem {
    Problem::new(&KIND, opened, format!("this heredoc is not closed: there is no line `{word}`"))
        .note("opened here")
        .help(format!("write `{word}` alone on a line where the text ends"))
}
