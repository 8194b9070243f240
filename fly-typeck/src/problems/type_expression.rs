//! FLY311: a type that there is none of.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

pub(crate) static KIND: Kind = Kind {
    code: "FLY311",
    title: "a type that there is none of",
    severity: Severity::Error,
    explanation: r#"The `type` of a variable is one of Fly's types, without quotes: `bool`, `int`, `float`, `string`, `duration`, `size`,
`percent`, `cron`, `url`, `fqdn`, `cidr`, `image`, `version`, `path`, `secret`, `any`, or one made of others:
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
