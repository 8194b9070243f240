//! FLY110: a number cannot be read.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A number cannot be read.
pub(crate) static KIND: Kind = Kind {
    code: "FLY110",
    title: "a number cannot be read",
    severity: Severity::Error,
    explanation: r#"A number may have `_` between its digits and one point, and touches its unit: `ms s m h d` for durations, `B KB MB GB TB
KiB MiB GiB TiB` for sizes, `%`. A duration may have several parts, from large to small: `1h30m`.
"#,
    wrong: r#"locals {
  wait = 10min
}
"#,
    right: r#"locals {
  wait = 10m
}
"#,
};

/// `likely` are the ways it may have been meant, written out; `reason` ends "`10min`: ...".
pub(crate) fn problem(at: Span, token: &str, reason: &str, likely: &[String]) -> Problem {
    let mut problem = Problem::new(&KIND, at, format!("`{token}` is not a number: {reason}"));
    let words: Vec<String> = likely.iter().map(|word| format!("`{word}`")).collect();
    problem.help = Some(match words.as_slice() {
        [] => "units are `ms s m h d`, `B KB MB GB TB KiB MiB GiB TiB` and `%`, and touch their number".to_owned(),
        words => format!("did you mean {}?", words.join(" or ")),
    });
    for word in likely {
        problem = if likely.len() == 1 {
            problem.fix(format!("write `{word}`"), at, word)
        } else {
            problem.maybe(format!("write `{word}`"), at, word)
        };
    }
    problem
}
