//! FLY113: nested too deeply.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// Nested too deeply.
pub(crate) static KIND: Kind = Kind {
    code: "FLY113",
    title: "nested too deeply",
    severity: Severity::Error,
    explanation: r#"Blocks may stand 64 deep in each other, expressions 256: far more than people can follow, and little enough that no file
can make the compiler run out of memory. Name the parts in `locals`.
"#,
    wrong: r#"locals {
  number = (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
}
"#,
    right: r#"locals {
  number = 1
}
"#,
};

pub(crate) fn problem(at: Span, what: &str, limit: usize) -> Problem {
    Problem::new(&KIND, at, format!("{what} are nested too deeply here"))
        .note(format!("more than {limit} deep"))
        .help("name a part of it in `locals`, and use the name")
}
