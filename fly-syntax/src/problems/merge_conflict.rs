//! FLY112: a merge conflict is not resolved.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A merge conflict is not resolved.
pub(crate) static KIND: Kind = Kind {
    code: "FLY112",
    title: "a merge conflict is not resolved",
    severity: Severity::Error,
    explanation: r#"Git marks what it could not merge: `<<<<<<<`, then one side, `=======`, the other side, `>>>>>>>`. The first side is
checked as if it had been taken.
"#,
    wrong: r#"locals {
<<<<<<< HEAD
  size = 4GiB
=======
  size = 8GiB
>>>>>>> larger
}
"#,
    right: r#"locals {
  size = 8GiB
}
"#,
};

pub(crate) fn problem(at: Span) -> Problem {
    Problem::new(&KIND, at, "a merge conflict is not resolved")
        .note("Git could not merge from here to `>>>>>>>`")
        .help("keep the side that is right, and delete the other and the three lines with marks")
}
