//! FLY503: a secret where a plain value belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

/// A secret where a plain value belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY503",
    title: "a secret where a plain value belongs",
    severity: Severity::Error,
    explanation: r#"An attribute of a plain type is written to the plan, the state and reports. A secret has no place there. If
only the address was meant, the attribute takes none; if the value is not secret after all, write it as it is.
"#,
    wrong: r#"preset "small" {
  runner {
    tags = ["docker"]
    image = "vault://ci/images/default"
  }
}
"#,
    right: r#"preset "small" {
  runner {
    tags = ["docker"]
    image = "alpine:3"
  }
}
"#,
};

/// `expected` is the plain type.
pub(crate) fn problem(at: Span, expected: &str) -> Problem {
    Problem::new(&KIND, at, format!("a secret stands where {} belongs", words::a(expected)))
        .note("this is a secret")
        .help("this value is shown in plans and reports: write it plainly, or pass the secret to an attribute that takes one")
}
