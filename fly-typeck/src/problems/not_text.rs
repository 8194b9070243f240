//! FLY610: a file that is not text.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY610",
    title: "a file that is not text",
    severity: Severity::Error,
    explanation: r#"`file` and `templatefile` read text, in UTF-8. This file is something else: a picture, an archive, or text in an older
encoding. Fly has no bytes; save the file as UTF-8, or let the program that needs it fetch it itself.
"#,
    wrong: r#"-- Lib/example.fly --
locals {
  logo = file("Lib/logo.png")
}
-- Lib/logo.png (not text) --
"#,
    right: r#"-- Lib/example.fly --
locals {
  logo = file("Lib/logo.txt")
}
-- Lib/logo.txt --
(o)>
"#,
};

pub(crate) fn problem(at: Span, path: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{path}` is not text in UTF-8"))
        .note("not text")
        .help("save the file as UTF-8; other kinds of files cannot be read into a Nest")
}
