//! FLY605: a file that is too large.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A file that is too large.
pub(crate) static KIND: Kind = Kind {
    code: "FLY605",
    title: "a file that is too large",
    severity: Severity::Error,
    explanation: r#"Files are read up to a limit, so that a Nest from someone else cannot fill the memory of whoever checks it. A
file of Fly that large was mostly put there by mistake, or wants to be several.

There is no example: a file like this cannot be written down as text.
"#,
    wrong: "",
    right: "",
};

pub(crate) fn problem(at: Span, path: &str, bytes: u64, limit: u64) -> Problem {
    Problem::new(&KIND, at, format!("{path} is too large: {bytes} bytes, and at most {limit} are read"))
        .help("split it into several files, or move it out of the Nest")
}
