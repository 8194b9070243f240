//! FLY117: a block without its body.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A block without its body.
pub(crate) static KIND: Kind = Kind {
    code: "FLY117",
    title: "a block without its body",
    severity: Severity::Error,
    explanation: r#"A block is a kind, its labels and a body in braces: `egg "api" { ... }`. The opening brace stands on the line of the
kind.
"#,
    wrong: r#"check "some"
"#,
    right: r#"check "some" {
  condition = 1 < 2
  message   = "no"
}
"#,
};

pub(crate) fn problem(header: Span, kind: &str) -> Problem {
    Problem::new(&KIND, header, format!("this `{kind}` has no body"))
        .note("`{` is missing behind this")
        .help("write `{ ... }` behind it, the `{` on the same line")
}

/// A header without its brace, with the body below it.
pub(crate) fn brace(header: Span, text: &str) -> Problem {
    Problem::new(&KIND, header, format!("the `{{` of `{text}` is missing"))
        .help("write `{` behind it: the lines below are its body")
        .fix(format!("write `{text} {{`"), header.at_end(), " {")
}

/// `gap` is what stands between the header and its brace on a later line, where it is only white space.
pub(crate) fn late(open: Span, kind: &str, gap: Option<Span>) -> Problem {
    let problem = Problem::new(&KIND, open, format!("the `{{` of this `{kind}` is not on the line of its header"))
        .help(format!("write the `{{` behind `{kind}` and its labels, on the same line"));
    match gap {
        Some(gap) => problem.fix("put the `{` behind its header", gap, " "),
        None => problem,
    }
}
