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

/// Two elements of one `for_each` make something of one name. Both places are the list's where it is computed.
pub(crate) fn element(what: &str, name: &str, later: Span, first: Span) -> Problem {
    let problem = Problem::new(&KIND, later, format!("`for_each` makes the {what} `{name}` twice"))
        .note("makes it again")
        .help("remove one of the two elements, or make the label differ; `distinct(...)` removes repeats");
    if later == first { problem } else { problem.label(first, "makes it first") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::testing::here;

    #[test]
    fn points_at_the_later_and_shows_the_earlier() {
        let problem = problem("preset", "small", here(40, 55), here(0, 15));
        assert_eq!(problem.message, "the preset `small` is defined twice");
        assert_eq!(problem.span, here(40, 55));
        let labels: Vec<_> = problem.labels.iter().map(|label| (label.span, label.message.as_str())).collect();
        assert_eq!(labels, [(here(0, 15), "first defined here")]);
    }

    #[test]
    fn a_kind_without_names_stands_once() {
        let problem = problem("uglyfox", "", here(40, 47), here(0, 7));
        assert_eq!(problem.message, "`uglyfox` stands twice in this Nest");
        assert_eq!(problem.help.as_deref(), Some("a Nest has one of it: merge the two, or remove one"));
    }
}
