//! FLY301: a value of the wrong type.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY301",
    title: "a value of the wrong type",
    severity: Severity::Error,
    explanation: r#"Every attribute, argument and operand has a type, and values are not converted on their own: only an `int` becomes a
`float`, and a text written in place becomes a duration, size, url or the like where one is wanted. Write a value of
the wanted type. A local or variable keeps the type it has; give a variable a `type` to have its value checked where it
is given.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = "2"
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
  }
}
"#,
};

pub(crate) fn problem(at: Span, expected: &str, found: &str, hint: Option<String>) -> Problem {
    Problem::new(&KIND, at, format!("expected {expected}, found {found}"))
        .note(format!("expected {expected}"))
        .help(hint.unwrap_or_else(|| way_out(expected)))
}

/// The same, where the value written another way is of the wanted type.
pub(crate) fn problem_with_fix(at: Span, expected: &str, found: &str, fix: &str) -> Problem {
    let write = format!("write `{fix}`");
    problem(at, expected, found, Some(write.clone())).fix(write, at, fix)
}

/// The same, where another text is probably what was meant.
pub(crate) fn problem_with_guess(at: Span, expected: &str, found: &str, guess: &str) -> Problem {
    problem(at, expected, found, Some(format!("did you mean `{guess}`?"))).maybe(
        format!("write `{guess}`"),
        at,
        guess,
    )
}

fn way_out(expected: &str) -> String {
    match expected {
        "int" => "this takes a whole number, such as `2`",
        "float" => "this takes a number, such as `0.5`",
        "bool" => "this takes `true` or `false`",
        "string" => "this takes a text, in quotes",
        "duration" => "this takes a duration, such as `30s`, `10m` or `1h30m`",
        "size" => "this takes a size, such as `512MiB` or `4GiB`",
        "percent" => "this takes a percentage, such as `80%`",
        "secret" => "this takes the address of a secret, such as `\"vault://path/key\"`",
        other => return format!("this takes a value of type {other}"),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_both_types() {
        let problem = problem(here(0, 3), "int", "string", None);
        assert_eq!(problem.message, "expected int, found string");
        assert_eq!(problem.help.as_deref(), Some("this takes a whole number, such as `2`"));
    }

    #[test]
    fn a_value_that_can_be_rewritten_is() {
        let problem = problem_with_fix(here(0, 3), "int", "string", "2");
        assert_eq!(problem.help.as_deref(), Some("write `2`"));
        assert_eq!(problem.suggestions[0].edits[0].text, "2");
        assert!(problem.suggestions[0].certain);
    }
}
