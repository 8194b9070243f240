//! FLY109: an escape that there is none of.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// An escape that there is none of.
pub(crate) static KIND: Kind = Kind {
    code: "FLY109",
    title: "an escape that there is none of",
    severity: Severity::Error,
    explanation: r#"In a text, `\` starts an escape: `\n` new line, `\t` tab, `\"` quote, `\\` backslash, `\u{1F986}` a character by its
number. A backslash itself is `\\`, as in regular expressions: `"\\d+"`.
"#,
    wrong: r#"locals {
  pattern = "\d+"
}
"#,
    right: r#"locals {
  pattern = "\\d+"
}
"#,
};

pub(crate) fn problem(at: Span, escape: &str) -> Problem {
    let problem = Problem::new(&KIND, at, format!("there is no escape `{escape}`"))
        .help(r#"the escapes are \n \t \" \\ and \u{1F986}; a backslash itself is written \\"#);
    if escape.starts_with("\\u") {
        return problem;
    }
    problem.maybe("write the backslash itself", at, format!("\\{escape}"))
}
