//! FLY501: a secret is used for more than passing on.

use fly_syntax::{Kind, Problem, Severity, Span};

use crate::types::Type;

/// A secret is used for more than passing on.
pub(crate) static KIND: Kind = Kind {
    code: "FLY501",
    title: "a secret is used for more than passing on",
    severity: Severity::Error,
    explanation: r#"The value of a secret never exists inside the language: only the address where it is kept does. It can be
passed along, through variables, locals, presets and maps, to an attribute that takes a secret; it cannot
be compared or measured, because the result would reveal something about it in the plan.
"#,
    wrong: r#"locals {
  token = "vault://ci/gitlab/token"
  same = local.token == local.token
}
"#,
    right: r#"locals {
  token = "vault://ci/gitlab/token"
  same = true
}
"#,
};

/// The same for a value of this type, which may be a secret or a plain text until its value is known.
pub(crate) fn of(ty: &Type, at: Span, how: &str) -> Problem {
    if !matches!(ty, Type::Union(_)) {
        return problem(at, how);
    }
    Problem::new(&KIND, at, format!("what may be a secret cannot be {how}"))
        .note("some of these values are secrets, others are plain")
        .help("only pass it on; a single plain entry can be used by its name: `egg.api.environment.MODE`")
}

/// `how` ends "a secret cannot be ...": `compared`, `passed to `upper``.
pub(crate) fn problem(at: Span, how: &str) -> Problem {
    Problem::new(&KIND, at, format!("a secret cannot be {how}"))
        .note("this is a secret")
        .help("only pass it on: its value is fetched where it is used, and is not known here")
}
