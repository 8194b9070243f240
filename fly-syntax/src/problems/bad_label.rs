//! FLY116: a label with characters that it cannot have.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A label with characters that it cannot have.
pub(crate) static KIND: Kind = Kind {
    code: "FLY116",
    title: "a label with characters that it cannot have",
    severity: Severity::Error,
    explanation: r#"Labels become names of machines, folders and addresses. They are made of `a` to `z`, `0` to `9` and `-`, and start with a
letter or a digit. Names of variables, locals and presets may also have `_` and capitals.
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
    let mended: String = label
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let mended = mended.trim_matches('-');
    let message = if label.is_empty() {
        "a label cannot be empty".to_owned()
    } else {
        format!("`{label}` cannot be a label")
    };
    let problem = Problem::new(&KIND, at, message).help("labels are made of `a` to `z`, `0` to `9` and `-`");
    if mended.is_empty() {
        return problem;
    }
    problem.maybe(format!("write `\"{mended}\"`"), at, format!("\"{mended}\""))
}
