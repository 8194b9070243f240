//! FLY505: a malformed secret address.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;
use fly_domain::{Malformed, SecretBackend};

/// A malformed secret address.
pub(crate) static KIND: Kind = Kind {
    code: "FLY505",
    title: "a malformed secret address",
    severity: Severity::Error,
    explanation: r#"The address of a secret says which backend keeps it, under which path, and which key of it is meant:
`vault://{path}/{key}`. It is checked when the Nest is, so that a forgotten key does not stop a deployment
half way.
"#,
    wrong: r#"locals {
  token = "vault://gitlab"
}
"#,
    right: r#"locals {
  token = "vault://gitlab/token"
}
"#,
};

pub(crate) fn problem(at: Span, malformed: &Malformed) -> Problem {
    let forms: Vec<&str> = SecretBackend::ALL.iter().map(|backend| backend.form()).collect();
    let problem = Problem::new(&KIND, at, format!("this is not the address of a secret: {}", malformed.reason));
    match &malformed.suggestion {
        Some(suggestion) => problem.help(format!("it may start `{suggestion}`")),
        None => problem.help(format!("an address is one of {}", words::quoted(&forms, "or"))),
    }
}
