//! FLY211: a loop name that hides a word of the language.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY211",
    title: "a loop name that hides a word of the language",
    severity: Severity::Error,
    explanation: r#"Inside a `for`, the names that it binds come first. A loop variable called `var`, `local` or `egg` would hide the real
one, and every reference inside the loop would mean something else than it says. Give the loop variable another name.
"#,
    wrong: r#"locals {
  names = [for egg in ["api", "web"] : upper(egg)]
}
"#,
    right: r#"locals {
  names = [for name in ["api", "web"] : upper(name)]
}
"#,
};

pub(crate) fn problem(at: Span, name: &str) -> Problem {
    Problem::new(&KIND, at, format!("a loop variable cannot be called `{name}`"))
        .note("this would hide a word of the language")
        .help(format!("`{name}` means something everywhere in a Nest; call the loop variable `item`, for example"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn names_the_word_that_would_be_hidden() {
        let problem = problem(here(5, 8), "egg");
        assert_eq!(problem.message, "a loop variable cannot be called `egg`");
        assert_eq!(
            problem.help.as_deref(),
            Some("`egg` means something everywhere in a Nest; call the loop variable `item`, for example")
        );
    }
}
