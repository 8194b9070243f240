//! FLY608: a file that is not there.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A file that is not there.
pub(crate) static KIND: Kind = Kind {
    code: "FLY608",
    title: "a file that is not there",
    severity: Severity::Error,
    explanation: r#"`file` and `templatefile` read a file of the Nest. The path starts at the Nest's root, not at the folder of
the file that names it, and small and capital letters differ.
"#,
    wrong: r#"locals {
  script = file("setup.sh")
}
"#,
    right: r#"-- Lib/example.fly --
locals {
  script = file("Lib/setup.sh")
}
-- Lib/setup.sh --
echo ready
"#,
};

pub(crate) fn problem(at: Span, path: &str) -> Problem {
    Problem::new(&KIND, at, format!("there is no file {path} in the Nest"))
        .help("paths start at the Nest's root: `Lib/setup.sh`")
}
