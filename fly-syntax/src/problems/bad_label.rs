//! FLY116: a label with characters that it cannot have.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A label with characters that it cannot have.
pub(crate) static KIND: Kind = Kind {
    code: "FLY116",
    title: "a label with characters that it cannot have",
    severity: Severity::Error,
    explanation: r#"Labels become names of machines, folders and addresses. They are made of letters without accents, digits, `-` and `_`,
and start with a letter or a digit.
"#,
    wrong: r#"check "Some Tags" {
  condition = 1 < 2
  message   = "no"
}
"#,
    right: r#"check "some-tags" {
  condition = 1 < 2
  message   = "no"
}
"#,
};

pub(crate) fn problem(at: Span, label: &str) -> Problem {
    let better: String = label
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .collect();
    let better = better.trim_matches(['-', '_']);
    let message = if label.is_empty() {
        "a label cannot be empty".to_owned()
    } else {
        format!("`{label}` cannot be a label")
    };
    let problem = Problem::new(&KIND, at, message).help("labels are made of letters, digits, `-` and `_`, and start with a letter or a digit");
    if better.is_empty() {
        return problem;
    }
    problem.maybe(format!("write `\"{better}\"`"), at, format!("\"{better}\""))
}
