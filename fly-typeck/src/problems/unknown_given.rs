//! FLY212: a value for a variable that there is none of.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY212",
    title: "a value for a variable that there is none of",
    severity: Severity::Error,
    explanation: r#"A `.flyvars` file, a `GOSLING_VAR_` name or `--var` gives a value to a variable that the Nest does not declare. The
value would have no effect, and the variable that was meant keeps its default without a word. Write the name as it is
declared, or declare it: `variable "name" { ... }`.
"#,
    wrong: r#"-- Lib/variables.fly --
variable "region" {
  type = string
  default = "eu-north-1"
}
-- nest.flyvars --
regio = "eu-west-1"
"#,
    right: r#"-- Lib/variables.fly --
variable "region" {
  type = string
  default = "eu-north-1"
}
-- nest.flyvars --
region = "eu-west-1"
"#,
};

/// `origin` is the file, `--var` or the environment; `at` is the name in a file, and empty otherwise.
pub(crate) fn problem(at: Span, name: &str, origin: &str, names: &[&str]) -> Problem {
    let outside = at.start == at.end;
    let message = match outside {
        true => format!("`{origin}` is given, and there is no variable `{name}`"),
        false => format!("there is no variable `{name}` to give a value to"),
    };
    let problem = Problem::new(&KIND, at, message);
    let otherwise = match names {
        [] => format!("the Nest declares no variables; write `variable \"{name}\" {{ ... }}` to have one"),
        names => format!("the Nest's variables are {}", words::listed(names)),
    };
    if outside {
        let question = suggest::nearest(name, names).question();
        return problem.help(question.unwrap_or(otherwise));
    }
    words::did_you_mean(problem.note("no such variable"), at, name, names, || otherwise)
}
