//! FLY208: a name that is defined twice.

use fly_syntax::{Kind, Problem, Severity, Span};

pub(crate) static KIND: Kind = Kind {
    code: "FLY208",
    title: "a name that is defined twice",
    severity: Severity::Error,
    explanation: r#"A Nest is one namespace, whatever the files: two variables, locals, presets, eggs or providers of one kind cannot share
a name, since a reference could mean either. Usually a block was copied and its label left as it was. Rename one of the
two, or remove it. Blocks such as `uglyfox` and `mothergoose` stand once in a Nest.
"#,
    wrong: r#"locals {
  tags = ["docker"]
}
locals {
  tags = ["shell"]
}
"#,
    right: r#"locals {
  tags = ["docker"]
}
locals {
  shell_tags = ["shell"]
}
"#,
};

/// `name` is empty for a kind that a Nest holds once.
pub(crate) fn problem(what: &str, name: &str, later: Span, first: Span) -> Problem {
    if name.is_empty() {
        return Problem::new(&KIND, later, format!("`{what}` stands twice in this Nest"))
            .note("a second one")
            .label(first, "first written here")
            .help("a Nest has one of it: merge the two, or remove one");
    }
    Problem::new(&KIND, later, format!("the {what} `{name}` is defined twice"))
        .note("defined again here")
        .label(first, "first defined here")
        .help("rename or remove one of the two: names are shared by all files of a Nest")
}
