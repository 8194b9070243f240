//! FLY901: a number without its unit.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A number without its unit.
pub(crate) static KIND: Kind = Kind {
    code: "FLY901",
    title: "a number without its unit",
    severity: Severity::Warning,
    explanation: r#"`memory = 4096` is read as MiB and `disk = 20` as GiB, since existing Nests are written so. The next reader has
to know that. The unit says it; `gosling fix` adds it.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4096
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4096MiB
  }
}
"#,
};

pub(crate) fn problem(at: Span, name: &str, unit: &str) -> Problem {
    Problem::new(&KIND, at, format!("`{name}` has no unit; it is read as {unit}"))
        .note(format!("{unit} is meant"))
        .help(format!("write the `{unit}` behind the number"))
        .fix(format!("write `{unit}`"), at.at_end(), unit)
}
