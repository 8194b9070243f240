//! FLY114: something stands where it cannot.

use crate::diagnostic::{Edit, Kind, Problem, Severity, Suggestion};
use crate::source::Span;

/// Something stands where it cannot.
pub(crate) static KIND: Kind = Kind {
    code: "FLY114",
    title: "something stands where it cannot",
    severity: Severity::Error,
    explanation: r#"Something was read that has no place there. In a body stand attributes, `name = value`, and blocks, `name { ... }`; in
an expression, values with operators between them.
"#,
    wrong: r#"locals {
  total = 1 +
}
"#,
    right: r#"locals {
  total = 1 + 2
}
"#,
};

/// `found` is the text that has no place; `wanted` says what could stand there.
pub(crate) fn problem(at: Span, found: &str, wanted: &str) -> Problem {
    let message = match found {
        "" => "something is missing here".to_owned(),
        found => format!("`{found}` cannot stand here"),
    };
    Problem::new(&KIND, at, message).help(wanted)
}

/// `sign` goes on in the next line, which only a value in parentheses may; `whole` is the value.
pub(crate) fn split(sign: Span, found: &str, whole: Span) -> Problem {
    let mut problem = Problem::new(&KIND, sign, format!("the line ends in the middle of a value with `{found}`"))
        .help("a value of several lines stands in parentheses: `(...)`");
    problem.suggestions.push(Suggestion {
        message: "put the value in parentheses".to_owned(),
        edits: vec![
            Edit { span: whole.at_start(), text: "(".to_owned() },
            Edit { span: whole.at_end(), text: ")".to_owned() },
        ],
        certain: true,
    });
    problem
}

/// `question` has only one branch, `then`.
pub(crate) fn no_else(question: Span, then: Span) -> Problem {
    Problem::new(&KIND, question, "this conditional has no `:`")
        .label(then, "the value where the condition holds")
        .help("a conditional is `condition ? value : other value`")
}

/// A character that nobody sees, or several of the same; `instead` is what should stand there.
pub(crate) fn invisible(at: Span, character: char, name: &str, instead: &str) -> Problem {
    let code = u32::from(character);
    let problem = Problem::new(&KIND, at, format!("a {name} (U+{code:04X}) cannot stand here"));
    if instead.is_empty() {
        problem.help("nobody sees it: delete it").fix("delete it", at, "")
    } else {
        problem.help("it only looks like a space: write one").fix("write a space", at, instead)
    }
}
