//! FLY121: a text in single quotes.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A text in single quotes.
pub(crate) static KIND: Kind = Kind {
    code: "FLY121",
    title: "a text in single quotes",
    severity: Severity::Error,
    explanation: r#"Texts stand in double quotes. Single quotes are for texts inside the condition of a policy rule that is itself written
as a text.
"#,
    wrong: r#"locals {
  name = 'api'
}
"#,
    right: r#"locals {
  name = "api"
}
"#,
};

/// `at` is the text with its quotes.
pub(crate) fn problem(at: Span, text: &str) -> Problem {
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    // In single quotes, nothing was meant to be more than it is.
    let inner = inner.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
    Problem::new(&KIND, at, "texts stand in double quotes")
        .help(format!("write `\"{inner}\"`"))
        .fix("write double quotes", at, format!("\"{inner}\""))
}
