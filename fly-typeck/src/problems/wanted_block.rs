//! FLY408: an attribute where a block belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

/// An attribute where a block belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY408",
    title: "an attribute where a block belongs",
    severity: Severity::Error,
    explanation: r#"`name = { ... }` is an attribute whose value is an object, and `name { ... }` is a block. This name is a
block: without the `=` it gets its defaults and its presets, and each of its attributes is checked by itself.
"#,
    wrong: r#"preset "small" {
  resources = {
    cpu = 2
    memory = 4GiB
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
    memory = 4GiB
  }
}
"#,
};

/// `gap` is what stands between the name and the value, where the value is written as a block's body could be.
pub(crate) fn problem(name_span: Span, gap: Option<Span>, name: &str) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("`{name}` is a block, not an attribute"))
        .note("takes no `=`")
        .help(format!("write `{name} {{ ... }}`"));
    match gap {
        Some(gap) => problem.fix("drop the `=`", gap, " "),
        None => problem,
    }
}
