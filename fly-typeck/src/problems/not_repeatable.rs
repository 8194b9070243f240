//! FLY412: `use` or `for_each` where it cannot stand.

use fly_syntax::{Kind, Problem, Severity, Span};

/// `use` or `for_each` where it cannot stand.
pub(crate) static KIND: Kind = Kind {
    code: "FLY412",
    title: "`use` or `for_each` where it cannot stand",
    severity: Severity::Error,
    explanation: r#"`use` takes in presets and `for_each` makes one block an entry. Only some kinds take them: `use` the ones that
a preset can fill (eggs, eggsbuckets, presets), `for_each` eggs and repositories.
"#,
    wrong: r#"preset "small" {
  resources {
    for_each = { a = 1 }
    cpu = 2
  }
}
"#,
    right: r#"preset "small" {
  resources {
    cpu = 2
  }
}
"#,
};

/// `name` is `use` or `for_each`.
pub(crate) fn problem(name_span: Span, name: &str, block: &str) -> Problem {
    let problem = Problem::new(&KIND, name_span, format!("`{name}` cannot stand in `{block}`"));
    if name == "use" {
        problem.help("presets are taken in by the egg: put `use` there, and its blocks are filled too")
    } else {
        problem.help("`for_each` belongs directly in an `egg` or a `repo`")
    }
}
