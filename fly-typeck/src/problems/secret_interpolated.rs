//! FLY502: a secret inside a text.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A secret inside a text.
pub(crate) static KIND: Kind = Kind {
    code: "FLY502",
    title: "a secret inside a text",
    severity: Severity::Error,
    explanation: r#"A text with a secret in it would show the secret wherever the text goes: in the plan, the state, a log. Where
only a part of a value is secret, keep the whole of it in the secret's backend. The address itself may hold
names: `"vault://gitlab/${each.key}/token"` is a secret like any other.
"#,
    wrong: r#"locals {
  token = "vault://ci/gitlab/token"
  header = "Bearer ${local.token}"
}
"#,
    right: r#"locals {
  header = "vault://ci/gitlab/header"
}
"#,
};

pub(crate) fn problem(at: Span) -> Problem {
    Problem::new(&KIND, at, "a secret cannot be part of a text")
        .note("this is a secret")
        .help("store the whole text as a secret, and write its address here")
}
