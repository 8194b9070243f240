//! FLY107: a `=` is missing.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A `=` is missing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY107",
    title: "a `=` is missing",
    severity: Severity::Error,
    explanation: r#"An attribute is `name = value`, with exactly one `=`; so is an entry of an object. Blocks have none: `name { ... }`.
"#,
    wrong: r#"locals {
  size : 4GiB
}
"#,
    right: r#"locals {
  size = 4GiB
}
"#,
};

/// `between` is what stands between the name and the value: blanks, or another sign.
pub(crate) fn problem(name: Span, word: &str, between: Span, sign: &str) -> Problem {
    let message = if sign.is_empty() {
        format!("a `=` is missing between `{word}` and its value")
    } else {
        format!("a `=` is missing: `{word}` and its value have `{sign}` between them")
    };
    Problem::new(&KIND, name.to(between), message)
        .help(format!("write `{word} = ...`"))
        .fix("write `=`", between, " = ")
}
