//! FLY316: a given value that does not fit its variable.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY316",
    title: "a given value that does not fit its variable",
    severity: Severity::Error,
    explanation: r#"A value from `--var` or the environment is text. For a `string` variable it is taken as it is; for any other type it
is read as Fly would read it: `4GiB`, `true`, `["a", "b"]`. This one is not of the variable's type. A shell takes
quotes away, so a list needs a pair around it: `--var 'tags=["docker"]'`.
"#,
    wrong: r#"-- Lib/variables.fly --
variable "memory" {
  type = size
  default = 4GiB
}
-- command line --
gosling validate --var memory=plenty
"#,
    right: r#"-- Lib/variables.fly --
variable "memory" {
  type = size
  default = 4GiB
}
-- command line --
gosling validate --var memory=8GiB
"#,
};

/// `at` is the variable's header; `origin` is where the value comes from: "--var", "GOSLING_VAR_memory".
pub(crate) fn problem(at: Span, name: &str, origin: &str, expected: &str, reason: &str) -> Problem {
    let help = match expected.contains("secret") {
        true => "give where the secret is kept, such as `env://TOKEN`, and not the secret".to_owned(),
        false => format!("give {}, written as in Fly", words::a(expected)),
    };
    let expected = words::a(expected);
    Problem::new(&KIND, at, format!("{origin} gives `{name}` a value that is not {expected}: {reason}"))
        .note(format!("`{name}` is {expected}"))
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_variable_and_who_gave_the_value() {
        let problem = problem(here(0, 17), "memory", "GOSLING_VAR_memory", "size", "it has no unit");
        assert_eq!(problem.message, "GOSLING_VAR_memory gives `memory` a value that is not a size: it has no unit");
        assert_eq!(problem.note, "`memory` is a size");
    }
}
