//! FLY604: a link that leaves the Nest.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A link that leaves the Nest.
pub(crate) static KIND: Kind = Kind {
    code: "FLY604",
    title: "a link that leaves the Nest",
    severity: Severity::Error,
    explanation: r#"A Nest is the same on every machine, and a symbolic link to somewhere outside it is not. It would also let a
Nest read files of the machine that checks it. Links inside the Nest are fine.

There is no example: a file like this cannot be written down as text.
"#,
    wrong: "-- Lib/shared.fly -> /etc/shared.fly --\n",
    right: r#"-- Lib/shared.fly --
locals {
  tags = ["docker"]
}
"#,
};

/// `to` is where the link leads.
pub(crate) fn problem(at: Span, path: &str, to: &str) -> Problem {
    Problem::new(&KIND, at, format!("{path} is a link to {to}, outside the Nest"))
        .help("copy the file into the Nest, or delete the link")
}
