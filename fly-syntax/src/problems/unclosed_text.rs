//! FLY102: a text is not closed.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A text is not closed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY102",
    title: "a text is not closed",
    severity: Severity::Error,
    explanation: r#"A text starts and ends with `"` and stays on its line. For a text of several lines, write a heredoc: `<<EOT`, the
lines, and `EOT` on a line of its own. A quote inside a text is written `\"`.
"#,
    wrong: r#"locals {
  name = "api
  size = 4GiB
}
"#,
    right: r#"locals {
  name = "api"
  size = 4GiB
}
"#,
};

pub(crate) fn problem(text: Span) -> Problem {
    Problem::new(&KIND, text, "this text is not closed")
        .note("a `\"` is missing")
        .help("a text ends with `\"` on the line it starts on; for several lines write a heredoc: `<<EOT`")
}

/// `at` is a label from its quote on. Where nothing follows the quote, it may be one too many.
pub(crate) fn label(at: Span) -> Problem {
    let write = "write `\"` behind the label";
    let problem = Problem::new(&KIND, at, "this label is not closed").help(write);
    match at.end - at.start {
        0 | 1 => problem.maybe(write, at.at_end(), "\""),
        _ => problem.fix(write, at.at_end(), "\""),
    }
}
