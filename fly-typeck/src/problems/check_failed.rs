//! FLY701: a check of the Nest failed.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A check of the Nest failed.
pub(crate) static KIND: Kind = Kind {
    code: "FLY701",
    title: "a check of the Nest failed",
    severity: Severity::Error,
    explanation: r#"A `check` block is a rule that the Nest makes for itself. Its condition is false for the Nest as it is now:
the message comes from the rule's author, and the values of its parts show why.
"#,
    wrong: r#"locals {
  memory = 128GiB
}
check "memory-limit" {
  condition = local.memory <= 64GiB
  message = "no machine gets more than 64GiB"
}
"#,
    right: r#"locals {
  memory = 32GiB
}
check "memory-limit" {
  condition = local.memory <= 64GiB
  message = "no machine gets more than 64GiB"
}
"#,
};

/// `values` are the values of parts of the condition, each at its place.
pub(crate) fn problem(condition: Span, name: &str, message: &str, values: Vec<(Span, String)>) -> Problem {
    let problem = Problem::new(&KIND, condition, format!("check `{name}` failed: {message}")).note("this is false")
        .help("change what the check speaks of, or the check itself");
    values.into_iter().fold(problem, |problem, (at, value)| problem.label(at, format!("is {value}")))
}
