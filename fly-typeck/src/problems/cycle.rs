//! FLY206: values that need each other.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY206",
    title: "values that need each other",
    severity: Severity::Error,
    explanation: r#"The order of writing never matters in a Nest, because every value is found after those that it needs. Where values
need each other in a circle, none of them can be first. The message walks the whole circle, with the place of every
step: break it at one of them, by writing that value out or by taking it from somewhere else.
"#,
    wrong: r#"locals {
  blue = local.green
  green = "${local.blue}-2"
}
"#,
    right: r#"locals {
  blue = "site"
  green = "${local.blue}-2"
}
"#,
};

/// Each step is the place of a reference, what stands there and what it refers to; the last refers to the first.
pub(crate) fn problem(steps: &[(Span, String, String)]) -> Problem {
    let [(at, first, next), rest @ ..] = steps else {
        return Problem::new(&KIND, Span::new(fly_syntax::FileId(0), 0..0), "values need each other");
    };
    let message = if rest.is_empty() {
        format!("`{first}` needs itself")
    } else {
        let ring = steps.iter().map(|(_, from, _)| from.as_str()).chain([first.as_str()]);
        format!("values need each other in a circle: `{}`", ring.collect::<Vec<_>>().join(" -> "))
    };
    let problem = Problem::new(&KIND, *at, message);
    if rest.is_empty() {
        return problem
            .note("needed by itself")
            .help("write a value that does not need what it is the value of");
    }
    let problem = problem
        .note(format!("`{first}` needs `{next}`"))
        .help("break the circle at one of these places: write a value that does not need the others");
    rest.iter().fold(problem, |problem, (at, from, to)| problem.label(*at, format!("`{from}` needs `{to}`")))
}

const TEMPLATES: &str = "templates need each other in a circle: `";

/// `steps` is where each template calls the next, and the one that is reached again: `a.txt:1:3 -> a.txt`.
pub(crate) fn of_templates(at: Span, steps: &str) -> Problem {
    Problem::new(&KIND, at, format!("{TEMPLATES}{steps}`"))
        .note("this can never be filled in")
        .help("break the circle at one of these places: a template cannot be a part of itself")
}

/// The steps of a problem that [`of_templates`] made.
pub(crate) fn template_steps(problem: &Problem) -> Option<&str> {
    let steps = problem.message.strip_prefix(TEMPLATES)?;
    steps.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn draws_the_whole_circle() {
        let step = |at, from: &str, to: &str| (here(at, at + 1), from.to_owned(), to.to_owned());
        let problem = problem(&[step(1, "local.a", "local.b"), step(5, "local.b", "local.a")]);
        assert_eq!(problem.message, "values need each other in a circle: `local.a -> local.b -> local.a`");
        assert_eq!(problem.labels[0].message, "`local.b` needs `local.a`");
    }

    #[test]
    fn what_needs_itself_is_no_circle() {
        let problem = problem(&[(here(1, 8), "local.a".to_owned(), "local.a".to_owned())]);
        assert_eq!(problem.message, "`local.a` needs itself");
        assert_eq!(problem.labels, []);
    }
}
