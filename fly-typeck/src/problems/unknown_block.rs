//! FLY402: an unknown block.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

/// An unknown block.
pub(crate) static KIND: Kind = Kind {
    code: "FLY402",
    title: "an unknown block",
    severity: Severity::Error,
    explanation: r#"Every block has a fixed set of blocks that may stand in it, and a name outside it is never ignored. Mostly it
is misspelt, or it stands one level too deep: a `runner` belongs next to `resources`, not inside it.
"#,
    wrong: r#"preset "small" {
  resuorces {
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

/// `names` are the attributes and blocks that may stand in the block of kind `parent`; `is_block` says which are blocks.
pub(crate) fn problem(
    name_span: Span,
    name: &str,
    parent: &str,
    names: &[&str],
    is_block: impl Fn(&str) -> bool,
) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("`{parent}` has no block `{name}`")).note("unknown block");
    let nearest = suggest::nearest(name, names).certain_if(is_block);
    suggest::offer_nearest(problem, name_span, &nearest, || words::holds(parent, names))
}
