//! FLY611: a file where none belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A file where none belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY611",
    title: "a file where none belongs",
    severity: Severity::Error,
    explanation: r#"Fly files stand in a few places: `nest.fly`, `Eggs/<name>/config.fly`, `Jobs/<name>.fly`, `UF/config.fly`,
`MG/config.fly`, `RF/config.fly` and `Lib/<name>.fly`. One elsewhere is mostly in a misspelt folder. What
several files share belongs in `Lib/`.
"#,
    wrong: r#"-- Libs/sizes.fly --
locals {
  size = 4GiB
}
"#,
    right: r#"-- Lib/sizes.fly --
locals {
  size = 4GiB
}
"#,
};

pub(crate) fn problem(at: Span, path: &str) -> Problem {
    Problem::new(&KIND, at, format!("no Fly file belongs at {path}"))
        .help(
            "files stand at nest.fly, Eggs/<name>/config.fly, Jobs/<name>.fly, UF/config.fly, MG/config.fly, \
             RF/config.fly and Lib/<name>.fly",
        )
}
