//! FLY304: a function with too few or too many arguments.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY304",
    title: "a function with too few or too many arguments",
    severity: Severity::Error,
    explanation: r#"Every function takes a certain number of arguments, in a certain order; a few take as many as they are given. The help
shows how the function is called. A list is one argument: `max([1, 2])` and `max(1, 2)` both work, `join("a", "b")`
does not.
"#,
    wrong: r#"locals {
  name = replace("api.example.com", ".")
}
"#,
    right: r#"locals {
  name = replace("api.example.com", ".", "-")
}
"#,
};

pub(crate) fn problem(at: Span, function: &str, signature: &str, given: usize) -> Problem {
    let arguments = match given {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        many => format!("{many} arguments"),
    };
    Problem::new(&KIND, at, format!("`{function}` cannot be called with {arguments}"))
        .note(format!("{arguments} given"))
        .help(format!("it is called as `{signature}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn counts_what_was_given_and_shows_the_call() {
        let problem = |given| problem(here(0, 9), "upper", "upper(string) -> string", given);
        assert_eq!(problem(0).message, "`upper` cannot be called with no argument");
        assert_eq!(problem(1).note, "1 argument given");
        assert_eq!(problem(2).message, "`upper` cannot be called with 2 arguments");
        assert_eq!(problem(2).help.as_deref(), Some("it is called as `upper(string) -> string`"));
    }
}
