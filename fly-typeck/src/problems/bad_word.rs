//! FLY302: a word that is not one of those allowed.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY302",
    title: "a word that is not one of those allowed",
    severity: Severity::Error,
    explanation: r#"Some attributes take one word of a fixed list, such as a machine's `type`. Any other word is refused, since nothing
could be done with it. The message lists every word; `gosling explain` of the attribute says what each means.
"#,
    wrong: r#"preset "small" {
  type = "virtual"
}
"#,
    right: r#"preset "small" {
  type = "vm"
}
"#,
};

/// `at` is the text with its quotes; `what` is what the words are, in the singular: "machine type".
pub(crate) fn problem(at: Span, word: &str, what: &str, words: &[&str]) -> Problem {
    let all = format!("the words are {}", words::quoted(words, "and"));
    let nearest = suggest::nearest(word, words);
    let help = match nearest.question() {
        Some(question) => format!("{question} {all}"),
        None => all,
    };
    let problem = Problem::new(&KIND, at, format!("`{}` is not {}", words::shown(word), words::a(what)))
        .note("not one of the words")
        .help(help);
    suggest::offer(problem, at, &nearest.names, nearest.certain, |word| format!("\"{word}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn lists_every_word() {
        let problem = problem(here(0, 11), "contaner", "machine type", &["vm", "container", "serverless"]);
        assert_eq!(
            problem.help.as_deref(),
            Some("did you mean `container`? the words are `vm`, `container`, and `serverless`")
        );
        assert_eq!(problem.suggestions[0].edits[0].text, "\"container\"");
    }
}
