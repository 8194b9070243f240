//! FLY401: an unknown attribute.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::words;

/// An unknown attribute.
pub(crate) static KIND: Kind = Kind {
    code: "FLY401",
    title: "an unknown attribute",
    severity: Severity::Error,
    explanation: r#"Every block has a fixed set of attributes, and a name outside it is never ignored: a misspelt `memory` would
otherwise give a machine of some other size without a word. Mostly it is a slip of the keyboard, an attribute
of another block, or one that another cloud has. `gosling explain` and hover in the editor show what a block
holds.
"#,
    wrong: r#"preset "small" {
  resources {
    cpu = 2
    memroy = 4GiB
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

/// `names` are the attributes and blocks that may stand in the block of kind `block`.
pub(crate) fn problem(name_span: Span, name: &str, block: &str, names: &[&str]) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("`{block}` has no attribute `{name}`"))
        .note("unknown attribute");
    words::did_you_mean(problem, name_span, name, names, || words::holds(block, names))
}
