//! FLY124: a `for` that cannot be read.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A `for` that cannot be read.
pub(crate) static KIND: Kind = Kind {
    code: "FLY124",
    title: "a `for` that cannot be read",
    severity: Severity::Error,
    explanation: r#"A list is made with `[for x in xs : value if condition]`, an object with `{ for k, v in m : key => value }`. The `if` may
be left out, and there may be two names: the position or key first.
"#,
    wrong: r#"locals {
  names = [for x : upper(x)]
}
"#,
    right: r#"locals {
  names = [for x in ["a"] : upper(x)]
}
"#,
};

pub(crate) fn problem(at: Span, object: bool) -> Problem {
    let form = if object { "{ for k, v in m : key => value }" } else { "[for x in xs : value if condition]" };
    Problem::new(&KIND, at, "this `for` cannot be read").help(format!("its form is `{form}`"))
}
