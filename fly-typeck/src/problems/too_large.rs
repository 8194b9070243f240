//! FLY605: a file that is too large.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A file that is too large.
pub(crate) static KIND: Kind = Kind {
    code: "FLY605",
    title: "a file that is too large",
    severity: Severity::Error,
    explanation: r#"Files are read up to a limit, so that a Nest from someone else cannot fill the memory of the person who checks it.
A Fly file that large is mostly a mistake, or should be split.

There is no example: a file like this cannot be written down as text.
"#,
    wrong: "-- Lib/data.fly (200000000 bytes) --\n",
    right: r#"-- Lib/data.fly --
locals {
  tags = ["docker"]
}
"#,
};

pub(crate) fn problem(at: Span, path: &str, bytes: u64, limit: u64) -> Problem {
    Problem::new(&KIND, at, format!("{path} is too large to read: {}, and {} is the most", size(bytes), size(limit)))
        .help("split it into several files, or move it out of the Nest")
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
