//! FLY315: a key that stands twice in an object.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

pub(crate) static KIND: Kind = Kind {
    code: "FLY315",
    title: "a key that stands twice in an object",
    severity: Severity::Error,
    explanation: r#"Each key of an object or map holds one value. Written twice, the second would hide the first, and no reader
could know which one was meant. Remove one of the two. In `{ for ... : key => value }` the keys must come out different.
"#,
    wrong: r#"locals {
  site = { zone = "a", size = 2, zone = "b" }
}
"#,
    right: r#"locals {
  site = { zone = "b", size = 2 }
}
"#,
};

/// Where a `for` makes the keys, `first` is what they are made from.
pub(crate) fn problem(at: Span, first: Span, key: &str) -> Problem {
    let problem = Problem::new(&KIND, at, format!("the key `{}` stands twice", words::shown(key))).note("again here");
    if first == at {
        return problem.help("make the keys differ, for example by adding something to each");
    }
    problem.label(first, "first here").help("remove one of the two, or give it another key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn both_places_are_shown() {
        let problem = problem(here(20, 24), here(2, 6), "zone");
        assert_eq!(problem.message, "the key `zone` stands twice");
        assert_eq!(problem.labels[0].span, here(2, 6));
        assert_eq!(problem.help.as_deref(), Some("remove one of the two, or give it another key"));
    }

    #[test]
    fn a_loop_that_makes_a_key_twice_has_one_place() {
        let problem = problem(here(2, 6), here(2, 6), "zone");
        assert_eq!(problem.labels, []);
        assert_eq!(
            problem.help.as_deref(),
            Some("make the keys differ, for example by adding something to each")
        );
    }
}
