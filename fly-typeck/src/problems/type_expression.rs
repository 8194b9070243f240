//! FLY311: a type that there is none of.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY311",
    title: "a type that there is none of",
    severity: Severity::Error,
    explanation: r#"The `type` of a variable is one of Fly's types, without quotes: `bool`, `int`, `float`, `string`, `duration`, `size`,
`percent`, `cron`, `url`, `fqdn`, `cidr`, `image`, `version`, `path`, `target`, `secret`, `any`, or one made of others:
`list(string)`, `set(int)`, `map(size)`, `object({ name = string, size = optional(int) })`.
"#,
    wrong: r#"variable "count" {
  type = integer
  default = 3
}
"#,
    right: r#"variable "count" {
  type = int
  default = 3
}
"#,
};

/// `text` is the word that was written, empty where it was no word; `words` are those that may stand here.
pub(crate) fn problem(at: Span, text: &str, words: &[&str]) -> Problem {
    if text.is_empty() {
        return Problem::new(&KIND, at, "this is not a type")
            .note("expected a type")
            .help("a type is a word without quotes, such as `string`, or made of others: `list(string)`, `map(int)`");
    }
    if words.contains(&text) {
        let form = match text {
            "list" | "set" | "map" => format!("{text}(string)"),
            "object" => "object({ name = string })".to_owned(),
            "optional" => "object({ name = optional(string) })".to_owned(),
            plain => plain.to_owned(),
        };
        return Problem::new(&KIND, at, format!("`{text}` is not a whole type"))
            .note("this says too little")
            .help(format!("it is written as in `{form}`"));
    }
    let nearest = suggest::nearest(text, words);
    let problem = Problem::new(&KIND, at, format!("there is no type `{text}`"))
        .note("not a type")
        .help(nearest.question().unwrap_or_else(|| format!("the types are {}", words::quoted(words, "and"))));
    if at.range().len() == text.len() {
        suggest::offer(problem, at, &nearest.names, nearest.certain, str::to_owned)
    } else {
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    const WORDS: &[&str] = &["bool", "int", "float", "string", "list", "object"];

    #[test]
    fn the_type_that_was_meant_is_offered() {
        let slip = problem(here(0, 5), "strng", WORDS);
        assert_eq!(slip.message, "there is no type `strng`");
        assert_eq!(slip.help.as_deref(), Some("did you mean `string`?"));
        assert_eq!((slip.suggestions[0].edits[0].text.as_str(), slip.suggestions[0].certain), ("string", true));
        let foreign = problem(here(0, 6), "number", WORDS);
        assert_eq!(foreign.help.as_deref(), Some("did you mean `float` or `int`?"));
        assert!(foreign.suggestions.iter().all(|suggestion| !suggestion.certain));
    }

    #[test]
    fn half_a_type_is_shown_whole() {
        let half = problem(here(0, 4), "list", WORDS);
        assert_eq!(half.message, "`list` is not a whole type");
        assert_eq!(half.help.as_deref(), Some("it is written as in `list(string)`"));
        assert_eq!(problem(here(0, 3), "", WORDS).message, "this is not a type");
    }
}
