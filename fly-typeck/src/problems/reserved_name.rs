//! FLY211: a loop name that hides another name.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY211",
    title: "a loop name that hides another name",
    severity: Severity::Error,
    explanation: r#"Inside a `for`, the names that it binds come first. A loop variable called `var`, `local` or `egg` would hide the real
one, and every reference inside the loop would mean something else than it says. The same is true of two names of one
`for`. Give the loop variable another name.
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

/// Both names of a `for` are the same, so that one hides the other.
pub(crate) fn twice(at: Span, first: Span, name: &str) -> Problem {
    Problem::new(&KIND, at, format!("both loop variables are called `{name}`"))
        .note("this hides the first")
        .label(first, "first here")
        .help("call the key and the value by two names: `for key, value in ...`")
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
