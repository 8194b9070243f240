//! FLY310: an argument of the wrong type.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY310",
    title: "an argument of the wrong type",
    severity: Severity::Error,
    explanation: r#"Each argument of a function has a type, and this one is of another. The help shows how the function is called: `T`
stands for any type, the same in each place. Values are not converted on their own.
"#,
    wrong: r#"locals {
  name = upper(["api"])
}
"#,
    right: r#"locals {
  name = upper("api")
}
"#,
};

/// `position` counts from 1.
pub(crate) fn problem(
    at: Span,
    function: &str,
    signature: &str,
    position: usize,
    expected: &str,
    found: &str,
) -> Problem {
    let which = match position {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        other => format!("{other}th"),
    };
    Problem::new(&KIND, at, format!("the {which} argument of `{function}` should be {expected}, found {found}"))
        .note(format!("expected {expected}"))
        .help(format!("it is called as `{signature}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn says_which_argument_and_what_belongs_there() {
        let problem = |position| {
            problem(here(6, 9), "slice", "slice(list(T), int, int) -> list(T)", position, "an int", "string")
        };
        let third = problem(3);
        assert_eq!(third.message, "the third argument of `slice` should be an int, found string");
        assert_eq!(third.help.as_deref(), Some("it is called as `slice(list(T), int, int) -> list(T)`"));
        assert!(problem(4).message.starts_with("the 4th argument of `slice`"));
    }
}
