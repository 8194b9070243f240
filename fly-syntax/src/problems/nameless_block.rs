//! FLY118: a body without its kind.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A body without its kind.
pub(crate) static KIND: Kind = Kind {
    code: "FLY118",
    title: "a body without its kind",
    severity: Severity::Error,
    explanation: r#"A `{` that is not the value of an attribute opens the body of a block, and before it stands the block's kind:
`runner { ... }`. An object is a value: `name = { ... }`.
"#,
    wrong: r#"locals {
  size = 4GiB
}
{
  other = 8GiB
}
"#,
    right: r#"locals {
  size = 4GiB
}
locals {
  other = 8GiB
}
"#,
};

pub(crate) fn problem(open: Span) -> Problem {
    Problem::new(&KIND, open, "this body belongs to no block")
        .note("the kind of a block is missing before this")
        .help("write the kind of block before the `{`, or `name =` for an object")
}
