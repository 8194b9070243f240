//! FLY410: a label too many.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A label too many.
pub(crate) static KIND: Kind = Kind {
    code: "FLY410",
    title: "a label too many",
    severity: Severity::Error,
    explanation: r#"Blocks of which there is one take no label: `uglyfox { ... }`, `resources { ... }`. Other kinds take one,
`provider` at most two. A label that means nothing would only seem to mean something.
"#,
    wrong: r#"preset "small" {
  resources "large" {
    cpu = 2
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
  }
}
"#,
};

pub(crate) fn problem(label_span: Span, kind: &str) -> Problem {
    Problem::new(&KIND, label_span, format!("`{kind}` takes no such label"))
        .note("one label too many")
        .help("take it out")
        .maybe("take the label out", label_span, "")
}
