//! FLY409: a label is missing.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A label is missing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY409",
    title: "a label is missing",
    severity: Severity::Error,
    explanation: r#"A kind of which a Nest holds several has a label, the name by which everything else refers to it: `egg "api" {
... }`. For eggs and jobs it is also the name of the folder or file.
"#,
    wrong: r#"preset {
  resources {
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

/// `label` is what the label means: `name`.
pub(crate) fn problem(kind_span: Span, kind: &str, label: &str) -> Problem {
    Problem::new(&KIND, kind_span, format!("this `{kind}` has no {label}"))
        .note(format!("its {label} is missing"))
        .help(format!("write it behind the word, in quotes: `{kind} \"{label}\" {{ ... }}`"))
}
