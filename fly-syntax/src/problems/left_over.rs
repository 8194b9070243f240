//! FLY122: something is left over behind a value.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// Something is left over behind a value.
pub(crate) static KIND: Kind = Kind {
    code: "FLY122",
    title: "something is left over behind a value",
    severity: Severity::Error,
    explanation: r#"An attribute has one value, and the line ends behind it. Several entries on one line are possible where each is
`name = value` or a block. A number and its unit are one word: `20GiB`, not `20 GiB`.
"#,
    wrong: r#"locals {
  size = 4GiB 8GiB
}
"#,
    right: r#"locals {
  size = 8GiB
}
"#,
};

/// `found` stands behind `value`.
pub(crate) fn problem(at: Span, found: &str, value: &str) -> Problem {
    let shown: String = found.chars().take(30).collect();
    let dots = if found.chars().count() > 30 { "…" } else { "" };
    let problem = Problem::new(&KIND, at, format!("`{shown}{dots}` is left over behind the value"));
    let word = found.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let end = at.start + u32::try_from(word.len()).unwrap_or(0);
    let word_at = Span { end, ..at };
    match (word, value) {
        ("and", _) => problem.help("\"and\" is `&&`").maybe("write `&&`", word_at, "&&"),
        ("or", _) => problem.help("\"or\" is `||`").maybe("write `||`", word_at, "||"),
        ("", "env" | "store" | "vault" | "aws-sm" | "lockbox") if found.starts_with(':') => problem.help(format!(
            "the address of a secret is a text in quotes: `\"{value}://...\"`"
        )),
        (_, "not") => problem.help("\"not\" is `!`, right before its value: `!condition`"),
        _ => problem.help(
            "delete it, or put an operator or a new line before it; several values are a list: `[a, b]`",
        ),
    }
}

/// The unit of a number, with a blank between them; `whole` is both without it.
pub(crate) fn unit(at: Span, unit: &str, gap: Span, whole: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{unit}` is not next to its number"))
        .help("a number and its unit are one word, without a blank")
        .fix(format!("write `{whole}`"), gap, "")
}

/// A comma or a semicolon at the end of an attribute.
pub(crate) fn sign(at: Span, sign: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{sign}` is left over behind the value"))
        .help(format!("an attribute ends with its line: delete the `{sign}`"))
        .fix(format!("delete the `{sign}`"), at, "")
}
