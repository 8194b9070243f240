//! FLY119: the file is not UTF-8.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// The file is not UTF-8.
pub(crate) static KIND: Kind = Kind {
    code: "FLY119",
    title: "the file is not UTF-8",
    severity: Severity::Error,
    explanation: r#"Fly is read as UTF-8. A file that an editor saved in another encoding, or that is no text at all, cannot be read past the
first such byte. Save it as UTF-8.
"#,
    wrong: r#"-- Lib/example.fly (each ? is the byte E9) --
locals {
  name = "caf?"
}
"#,
    right: r#"-- Lib/example.fly --
locals {
  name = "café"
}
"#,
};

pub(crate) fn problem(at: Span, byte: u8) -> Problem {
    Problem::new(&KIND, at, format!("this file is not UTF-8: the byte 0x{byte:02X} stands here"))
        .help("save the file as UTF-8")
}
