//! How problems put names into sentences.

use fly_syntax::{Problem, Span};

use super::suggest;

/// `a, b, and c`
pub(crate) fn list(items: &[String], conjunction: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} {conjunction} {two}"),
        [first @ .., last] => format!("{}, {conjunction} {last}", first.join(", ")),
    }
}

/// The same with each name in backticks.
pub(crate) fn quoted(names: &[&str], conjunction: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    list(&names, conjunction)
}

/// With `a` or `an` before it.
pub(crate) fn a(noun: &str) -> String {
    let first = noun.trim_start_matches('`').chars().next();
    let article = if first.is_some_and(|first| "aeiou".contains(first)) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// What a block holds, for when no name of it is near.
pub(crate) fn holds(block: &str, names: &[&str]) -> String {
    if names.is_empty() {
        format!("`{block}` is always empty")
    } else {
        format!("`{block}` holds {}", quoted(names, "and"))
    }
}

/// With the names that may have been meant at `at`, or with `otherwise` where none is near.
pub(crate) fn did_you_mean(
    problem: Problem,
    at: Span,
    name: &str,
    names: &[&str],
    otherwise: impl FnOnce() -> String,
) -> Problem {
    let nearest = suggest::nearest(name, names);
    if let Some(best) = nearest.best {
        return problem
            .note(format!("did you mean `{best}`?"))
            .fix(format!("write `{best}`"), at, best);
    }
    if nearest.others.is_empty() {
        return problem.help(otherwise());
    }
    let help = format!("did you mean {}?", quoted(&nearest.others, "or"));
    let problem = problem.help(help);
    nearest.others.iter().fold(problem, |problem, other| {
        problem.maybe(format!("write `{other}`"), at, *other)
    })
}
