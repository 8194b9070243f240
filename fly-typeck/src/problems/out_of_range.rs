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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_ends_that_there_are() {
        let words = |min, max| {
            let problem = problem(here(0, 4), "1024", min, max);
            (problem.message, problem.help.unwrap_or_default())
        };
        let owned = |message: &str, help: &str| (message.to_owned(), help.to_owned());
        assert_eq!(
            words("1", "512"),
            owned(
                "`1024` is out of range: it goes from `1` to `512`",
                "write a value from `1` to `512`, both included"
            )
        );
        assert_eq!(
            words("", "512"),
            owned("`1024` is too large: the largest is `512`", "write `512` or less")
        );
        assert_eq!(
            words("2048", ""),
            owned("`1024` is too small: the smallest is `2048`", "write `2048` or more")
        );
    }
}
