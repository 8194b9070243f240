//! FLY305: an element that stands twice in a set.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY305",
    title: "an element that stands twice in a set",
    severity: Severity::Error,
    explanation: r#"A set holds each element once, and its order does not matter. An element that is written twice is either a slip, or
stands where another one was meant; dropping it silently would hide that.
"#,
    wrong: r#"preset "small" {
  runner {
    tags = ["docker", "linux", "docker"]
  }
}
"#,
    right: r#"preset "small" {
  runner {
    tags = ["docker", "linux"]
  }
}
"#,
};

pub(crate) fn problem(at: Span, first: Span, value: &str) -> Problem {
    let problem = Problem::new(&KIND, at, format!("{value} stands twice in a set"))
        .note("again here")
        .help("remove one of the two; `distinct(...)` does so for a list that is put together");
    if first == at { problem } else { problem.label(first, "first here") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn both_places_are_shown_where_there_are_two() {
        let written = problem(here(20, 28), here(1, 9), "`docker`");
        assert_eq!(written.message, "`docker` stands twice in a set");
        assert_eq!(written.labels[0].span, here(1, 9));
        assert_eq!(problem(here(1, 9), here(1, 9), "`docker`").labels, []);
    }
}
