//! FLY406: a block is given twice.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A block is given twice.
pub(crate) static KIND: Kind = Kind {
    code: "FLY406",
    title: "a block is given twice",
    severity: Severity::Error,
    explanation: r#"A block that stands at most once was written twice, or two blocks of one kind have the same label. Blocks
merge across presets, never inside one block: write one block with the attributes of both.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = 2
  }
  resources {
    memory = 4GiB
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4GiB
  }
}
"#,
};

pub(crate) fn problem(name: &str, later: Span, first: Span) -> Problem {
    Problem::new(&KIND, later, format!("the block `{name}` is given twice"))
        .note("given again here")
        .label(first, "first given here")
        .help("make one block of the two, or give each a label of its own where it takes one")
}
