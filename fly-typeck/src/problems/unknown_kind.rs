//! FLY403: an unknown kind of block.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

/// An unknown kind of block.
pub(crate) static KIND: Kind = Kind {
    code: "FLY403",
    title: "an unknown kind of block",
    severity: Severity::Error,
    explanation: r#"The outermost blocks of a Nest are of a few kinds: `egg`, `job`, `uglyfox`, `mothergoose`, `provider`,
`variable` and some more. Another word is never ignored. Blocks that belong inside one of these, such as
`runner`, cannot stand alone; to share one between eggs, put it in a `preset`.
"#,
    wrong: r#"vraiable "region" {
  type = string
  default = "ru-central1-a"
}
"#,
    right: r#"variable "region" {
  type = string
  default = "ru-central1-a"
}
"#,
};

/// `names` are the kinds that may stand outermost.
pub(crate) fn problem(name_span: Span, name: &str, names: &[&str]) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("there is no kind of block `{name}`")).note("unknown kind");
    suggest::did_you_mean(problem, name_span, name, names, || {
        format!("a Nest is made of {}", words::quoted(names, "and"))
    })
}
