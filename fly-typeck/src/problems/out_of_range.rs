//! FLY303: a value outside of its range.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY303",
    title: "a value outside of its range",
    severity: Severity::Error,
    explanation: r#"The value is of the right type, and smaller or larger than what can work. The range is part of the schema: the message
names its ends, which are allowed themselves, and `gosling explain` of the attribute says what it is for.
"#,
    wrong: r#"preset "huge" {
  resources {
    cpu = 1024
  }
}
"#,
    right: r#"preset "huge" {
  resources {
    cpu = 512
  }
}
"#,
};

/// An empty `min` or `max` is none.
pub(crate) fn problem(at: Span, value: &str, min: &str, max: &str) -> Problem {
    let (message, note, help) = match (min, max) {
        (min, "") => (
            format!("`{value}` is too small: the smallest is `{min}`"),
            format!("must be at least {min}"),
            format!("write `{min}` or more"),
        ),
        ("", max) => (
            format!("`{value}` is too large: the largest is `{max}`"),
            format!("must be at most {max}"),
            format!("write `{max}` or less"),
        ),
        (min, max) => (
            format!("`{value}` is out of range: it goes from `{min}` to `{max}`"),
            format!("must be from {min} to {max}"),
            format!("write a value from `{min}` to `{max}`, both included"),
        ),
    };
    Problem::new(&KIND, at, message).note(note).help(help)
}
