//! FLY106: a bracket closes nothing.

use crate::diagnostic::{Kind, Problem, Severity};
use crate::source::Span;

/// A bracket closes nothing.
pub(crate) static KIND: Kind = Kind {
    code: "FLY106",
    title: "a bracket closes nothing",
    severity: Severity::Error,
    explanation: r#"A closing bracket needs one that opens. Often the opening one was deleted, or a line was pasted with one bracket too
many.
"#,
    wrong: r#"locals {
  size = 4GiB
}
}
"#,
    right: r#"locals {
  size = 4GiB
}
"#,
};

/// The bracket, and with it what would be left of its line and of the blank lines before it.
pub(crate) fn with_its_line(at: Span, text: &str) -> Span {
    let (Some(before), Some(after)) = (text.get(..at.start as usize), text.get(at.end as usize..)) else {
        return at;
    };
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
    let rest = after.trim_start_matches(blank);
    if !rest.is_empty() && !rest.starts_with('\n') {
        return at;
    }
    let kept = before.trim_end_matches(blank);
    let whole = kept.is_empty() || kept.ends_with('\n');
    let rest = if whole { rest.strip_prefix('\n').unwrap_or(rest) } else { rest };
    if !whole {
        return Span::new(at.file, kept.len()..text.len() - rest.len());
    }
    // The end of a block has no blank line before it, and two blank lines are one.
    let next = rest.trim_start();
    let ends = next.is_empty() || next.starts_with('}');
    let start = match ends || rest.trim_start_matches(blank).starts_with('\n') {
        true => kept.trim_end().len() + kept[kept.trim_end().len()..].find('\n').map_or(0, |at| at + 1),
        false => kept.len(),
    };
    let blank_lines = rest[..rest.len() - next.len()].rfind('\n').map_or(0, |at| at + 1);
    Span::new(at.file, start..text.len() - rest.len() + if ends { blank_lines } else { 0 })
}

pub(crate) fn problem(at: Span, closer: char) -> Problem {
    Problem::new(&KIND, at, format!("this `{closer}` closes nothing"))
        .help("delete it, or open what it was meant to close")
        .fix(format!("delete the `{closer}`"), at, "")
}
