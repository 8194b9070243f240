//! FLY903: an invisible mark at the start of the file.

use fly_syntax::{Kind, Problem, Severity, Span};

/// An invisible mark at the start of the file.
pub(crate) static KIND: Kind = Kind {
    code: "FLY903",
    title: "an invisible mark at the start of the file",
    severity: Severity::Warning,
    explanation: r#"Some editors put a byte order mark, U+FEFF, in front of a text. In UTF-8 it says nothing, cannot be seen, and
upsets tools that compare or join files. Save the file as "UTF-8", not as "UTF-8 with BOM"; `gosling fix`
takes it out.
"#,
    wrong: "\u{feff}locals {\n  size = 4GiB\n}\n",
    right: r#"locals {
  size = 4GiB
}
"#,
};

pub(crate) fn problem(at: Span) -> Problem {
    Problem::new(&KIND, at, "the file starts with a byte order mark")
        .note("invisible")
        .help("save the file as UTF-8 without a BOM")
        .fix("take the mark out", at, "")
}
