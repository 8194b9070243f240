//! FLY405: an attribute is given twice.

use fly_syntax::{Kind, Problem, Severity, Span};

/// An attribute is given twice.
pub(crate) static KIND: Kind = Kind {
    code: "FLY405",
    title: "an attribute is given twice",
    severity: Severity::Error,
    explanation: r#"An attribute has one value. Where a block gives it twice, one of the two would be dropped without a word, so
neither is taken for the right one: it is usually a line that was pasted, or two branches that were merged.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4GiB
    memory = 8GiB
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
    memory = 8GiB
  }
}
"#,
};

pub(crate) fn problem(name: &str, later: Span, first: Span) -> Problem {
    Problem::new(&KIND, later, format!("`{name}` is given twice"))
        .note("given again here")
        .label(first, "first given here")
        .help("keep one of the two")
}
