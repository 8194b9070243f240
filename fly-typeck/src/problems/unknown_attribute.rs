//! FLY401: an unknown attribute.

use fly_syntax::{Kind, Problem, Severity, Span};

use super::{suggest, words};

/// An unknown attribute.
pub(crate) static KIND: Kind = Kind {
    code: "FLY401",
    title: "an unknown attribute",
    severity: Severity::Error,
    explanation: r#"Every block has a fixed set of attributes, and a name outside it is never ignored: a misspelt `memory` would
silently give a machine of another size. Mostly it is a typing error, an attribute of another block, or one that
another cloud has. `gosling explain BLOCK` shows what a block holds.
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

/// Attributes of earlier Nests under their old names: the block, the old name, the new one.
const RENAMED: &[(&str, &str, &str)] = &[("gitlab", "server_name", "server")];

/// `names` are the attributes and blocks that may stand in the block of kind `block`; `is_attribute` says which are
/// attributes.
pub(crate) fn problem(
    name_span: Span,
    name: &str,
    block: &str,
    names: &[&str],
    is_attribute: impl Fn(&str) -> bool,
) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("`{block}` has no attribute `{name}`"))
        .note("unknown attribute");
    let renamed = RENAMED.iter().find(|(of, old, _)| *of == block && *old == name);
    if let Some((_, _, new)) = renamed.filter(|(_, _, new)| names.contains(new)) {
        return problem
            .help(format!("it is called `{new}` now"))
            .fix(format!("write `{new}`"), name_span, *new);
    }
    let nearest = suggest::nearest(name, names).certain_if(is_attribute);
    suggest::offer_nearest(problem, name_span, &nearest, || words::holds(block, names))
}
