//! FLY205: a bare word that means nothing here.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY205",
    title: "a bare word that means nothing here",
    severity: Severity::Error,
    explanation: r#"A word without quotes refers to something: `var.x`, `local.x`, `egg.x`, a name that a `for` binds. This one refers to
nothing. A text needs quotes, and a variable or local needs its `var.` or `local.` in front.
"#,
    wrong: r#"locals {
  tier = "small"
  name = "api-${tier}"
}
"#,
    right: r#"locals {
  tier = "small"
  name = "api-${local.tier}"
}
"#,
};

/// `roots` is what could stand here: names in scope, `var`, `local` and so on, and full paths such as `var.region`.
pub(crate) fn problem(name_span: Span, name: &str, roots: &[&str]) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("the name `{name}` means nothing here"));
    let is_last = |root: &&&str| root.rsplit_once('.').is_some_and(|(_, last)| last == name);
    let full: Vec<&str> = roots.iter().filter(is_last).copied().collect();
    if !full.is_empty() {
        let problem = problem
            .note("what is it a name of?")
            .help(format!("did you mean {}?", words::quoted(&full, "or")));
        return suggest::offer(problem, name_span, &full, full.len() == 1, str::to_owned);
    }
    if let Some(problem) = foreign_word(&problem, name_span, name) {
        return problem;
    }
    let problem = problem.note("neither a reference nor a text");
    let simple: Vec<&str> = roots.iter().filter(|root| !root.contains('.')).copied().collect();
    let nearest = suggest::nearest(name, &simple);
    let quoted = format!("\"{name}\"");
    let help = match nearest.question() {
        Some(question) => format!("{question} a text is written in quotes: `{quoted}`"),
        None => format!("a text is written in quotes: `{quoted}`; a reference starts with `var.`, `local.` or the like"),
    };
    let problem = suggest::offer(problem.help(help), name_span, &nearest.names, nearest.certain, str::to_owned);
    problem.maybe(format!("write `{quoted}`"), name_span, quoted)
}

/// The words of other languages for what Fly writes otherwise.
fn foreign_word(problem: &Problem, at: Span, name: &str) -> Option<Problem> {
    let problem = problem.clone();
    Some(match name.to_ascii_lowercase().as_str() {
        "null" | "nil" | "none" | "undefined" => {
            problem.help("there is no null: leave the attribute out, and it has its default or is not set")
        }
        word @ ("true" | "false") => {
            let word = word.to_owned();
            problem.help(format!("write `{word}`")).fix(format!("write `{word}`"), at, word)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn a_local_of_that_name_is_offered() {
        let problem = problem(here(0, 4), "tier", &["var", "local", "local.tier"]);
        assert_eq!(problem.help.as_deref(), Some("did you mean `local.tier`?"));
        assert!(problem.suggestions[0].certain);
    }

    #[test]
    fn else_quotes_are() {
        let problem = problem(here(0, 6), "docker", &["var", "local"]);
        assert_eq!(problem.suggestions[0].edits[0].text, "\"docker\"");
        assert!(!problem.suggestions[0].certain);
    }
}
