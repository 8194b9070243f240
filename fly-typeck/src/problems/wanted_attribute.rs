//! FLY407: a block where an attribute belongs.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A block where an attribute belongs.
pub(crate) static KIND: Kind = Kind {
    code: "FLY407",
    title: "a block where an attribute belongs",
    severity: Severity::Error,
    explanation: r#"`name { ... }` is a block and `name = value` an attribute. This name is an attribute of its block, so it needs
a `=` and a value: a list is written `[a, b]`, an object `{ key = value }`.
"#,
    wrong: r#"preset "small" {
  runner {
    tags {}
  }
}
"#,
    right: r#"preset "small" {
  runner {
    tags = ["docker"]
  }
}
"#,
};

/// `block` is the whole of what was written as a block.
pub(crate) fn problem(name_span: Span, name: &str, block: Span) -> Problem {
    let rest = Span {
        start: name_span.end,
        ..block
    };
    Problem::new(&KIND, name_span, format!("`{name}` is an attribute, not a block"))
        .note("needs a `=` and a value")
        .label(rest, "a block's body instead of a value")
        .help(format!("write `{name} = ...`"))
}
