//! FLY702: a variable has a value that its validation refuses.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A variable has a value that its validation refuses.
pub(crate) static KIND: Kind = Kind {
    code: "FLY702",
    title: "a variable has a value that its validation refuses",
    severity: Severity::Error,
    explanation: r#"A `validation` block says which values a variable may have, beyond its type. The value that was given, or the
default, is not one of them; the message comes from the variable's author.
"#,
    wrong: r#"variable "replicas" {
  type = int
  default = 9
  validation {
    condition = var.replicas <= 5
    message = "at most 5 fit on the cluster"
  }
}
"#,
    right: r#"variable "replicas" {
  type = int
  default = 3
  validation {
    condition = var.replicas <= 5
    message = "at most 5 fit on the cluster"
  }
}
"#,
};

/// `given` is the variable's value, as it may be shown; `values` are those of parts of the condition.
pub(crate) fn problem(
    condition: Span,
    variable: &str,
    message: &str,
    given: &str,
    values: Vec<(Span, String)>,
) -> Problem {
    let refused = if given.is_empty() {
        format!("the value of `var.{variable}` is refused: {message}")
    } else {
        format!("`var.{variable}` cannot be {given}: {message}")
    };
    let problem = Problem::new(&KIND, condition, refused)
        .note("this is false")
        .help(format!("change its default, or what is given for it: `--var {variable}=...`, `nest.flyvars`"));
    values.into_iter().fold(problem, |problem, (at, value)| problem.label(at, format!("is {value}")))
}
