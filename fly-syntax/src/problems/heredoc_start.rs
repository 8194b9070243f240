//! FLY125: the first line of a heredoc cannot be read.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// The first line of a heredoc cannot be read.
pub(crate) static KIND: Kind = Kind {
    code: "FLY125",
    title: "the first line of a heredoc cannot be read",
    severity: Severity::Error,
    explanation: r#"A heredoc begins with `<<` or `<<-` and a word of letters, digits and `_`, and the line ends there. The word has no
quotes, unlike in a shell: `${...}` is always an interpolation, and `$${` stands for a `${` that is meant as it is.
"#,
    wrong: r#"locals {
  script = <<'EOT'
    make test
  EOT
}
"#,
    right: r#"locals {
  script = <<EOT
    make test
  EOT
}
"#,
};

/// What is wrong with the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slip {
    /// `<<'EOT'`
    Quotes,
    /// `<<~EOT`
    Tilde,
    /// `<<EO-T`
    Hyphen,
    /// `<<EOT # why`
    Behind,
}

/// `at` is the `<<` and the word. `plain` says that no `${` is in the text, so that the heredoc means the same as in a
/// shell; `closed`, that a line of the word closes it.
pub(crate) fn problem(at: Span, word: &str, slip: Slip, plain: bool, closed: bool) -> Problem {
    let start = format!("<<{word}");
    let close = format!("close it with `{word}` on a line of its own");
    match slip {
        Slip::Quotes if !closed => Problem::new(&KIND, at, "the word of a heredoc has no quotes")
            .help(format!("write `{start}`, and {close}")),
        Slip::Tilde if !closed => Problem::new(&KIND, at, "a heredoc begins with `<<` or `<<-`")
            .help(format!("`<<-{word}` takes the indent away from its lines; {close}")),
        Slip::Quotes => {
            let problem = Problem::new(&KIND, at, "the word of a heredoc has no quotes");
            if plain {
                problem.help(format!("write `{start}`")).fix("take the quotes away", at, start)
            } else {
                problem.help(format!(
                    "write `{start}`, and `$${{` for each `${{` that is no interpolation"
                ))
            }
        }
        Slip::Tilde => Problem::new(&KIND, at, "a heredoc begins with `<<` or `<<-`")
            .help(format!("`<<-{word}` takes the indent away from its lines"))
            .fix("write `<<-`", at, format!("<<-{word}")),
        Slip::Hyphen => Problem::new(&KIND, at, "the word of a heredoc has letters, digits and `_` only")
            .help("choose another word, in the first line and in the last"),
        Slip::Behind => Problem::new(&KIND, at, "something stands behind the word of a heredoc")
            .note("the line ends behind this word")
            .help("the text begins in the next line; a comment, a comma or a bracket stands behind the last line"),
    }
}
