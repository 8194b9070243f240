//! FLY212: a value for a variable that there is none of.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY212",
    title: "a value for a variable that there is none of",
    severity: Severity::Error,
    explanation: r#"A `.flyvars` file or `--var` gives a value to a variable that the Nest does not declare. The
value would have no effect, and the variable that was meant keeps its default without a word. Write the name as it is
declared, or declare it: `variable "name" { ... }`. A `GOSLING_VAR_` name in the environment may be for another Nest,
and is passed over.
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

/// `origin` is the file or `--var`; `at` is the name in a file, and empty otherwise.
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
    suggest::did_you_mean(problem.note("no such variable"), at, name, names, || otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn in_a_file_the_name_is_mended() {
        let problem = problem(here(0, 5), "regio", "nest.flyvars", &["region"]);
        assert_eq!(problem.message, "there is no variable `regio` to give a value to");
        assert_eq!(problem.suggestions[0].edits[0].span, here(0, 5));
    }

    #[test]
    fn outside_of_files_there_is_nothing_to_edit() {
        let given = problem(here(0, 0), "regio", "--var regio", &["region"]);
        assert_eq!(given.message, "`--var regio` is given, and there is no variable `regio`");
        assert_eq!(given.help.as_deref(), Some("did you mean `region`?"));
        assert_eq!(given.suggestions, []);
        let none = problem(here(0, 0), "regio", "--var regio", &[]);
        assert_eq!(
            none.help.as_deref(),
            Some("the Nest declares no variables; write `variable \"regio\" { ... }` to have one")
        );
    }
}
