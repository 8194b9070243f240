//! FLY607: a path outside the Nest.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A path outside the Nest.
pub(crate) static KIND: Kind = Kind {
    code: "FLY607",
    title: "a path outside the Nest",
    severity: Severity::Error,
    explanation: r#"`file` and `templatefile` take a path inside the Nest, seen from its root, and read nothing else: the same
Nest gives the same result on every machine, and one from someone else cannot read yours.
"#,
    wrong: r#"locals {
  script = file("../shared/setup.sh")
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
    Problem::new(&KIND, at, format!("{path} is outside the Nest"))
        .help("copy the file into the Nest, and write its path from the Nest's root: `Lib/setup.sh`")
}
