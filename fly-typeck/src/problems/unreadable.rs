//! FLY606: a file that cannot be read.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A file that cannot be read.
pub(crate) static KIND: Kind = Kind {
    code: "FLY606",
    title: "a file that cannot be read",
    severity: Severity::Error,
    explanation: r#"The operating system refused to hand the file out, mostly because of its permissions. The Nest is not checked
without it: what it holds would seem to be missing.

There is no example: a file like this cannot be written down as text.
"#,
    wrong: "-- Lib/data.fly (permission denied) --\n",
    right: r#"-- Lib/data.fly --
locals {
  tags = ["docker"]
}
"#,
};

/// `reason` is in the words of the operating system.
pub(crate) fn problem(at: Span, path: &str, reason: &str) -> Problem {
    Problem::new(&KIND, at, format!("{path} cannot be read: {reason}"))
        .help("look at its permissions and at those of its folder")
}
