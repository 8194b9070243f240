//! FLY414: an attribute outside any block.

use fly_syntax::{Kind, Problem, Severity, Span};

/// An attribute outside any block.
pub(crate) static KIND: Kind = Kind {
    code: "FLY414",
    title: "an attribute outside any block",
    severity: Severity::Error,
    explanation: r#"A file of a Nest is a list of blocks; an attribute always belongs to one. Values that several blocks share are
`locals`, values that come from outside are `variable` blocks, and `nest.flyvars` is the one file that holds
bare `name = value`.
"#,
    wrong: r#"tags = ["docker", "linux"]
"#,
    right: r#"locals {
  tags = ["docker", "linux"]
}
"#,
};

pub(crate) fn problem(name_span: Span, name: &str) -> Problem {
    Problem::new(&KIND, name_span, format!("`{name}` stands outside any block"))
        .note("belongs in a block")
        .help(format!("for a value of your own write `locals {{ {name} = ... }}` and use it as `local.{name}`"))
}
