//! Texts with secrets in them, user-data above all, as people read them: with the places of the secrets in them.

use gosling_resource::{Part, Template};
use similar::{ChangeTag, TextDiff};

/// How many lines of a difference are shown at most.
const MOST: usize = 40;

/// The text, with the place of each secret where its value will be: `${store://gitlab/app/runner-token}`.
#[must_use]
pub fn text(template: &Template) -> String {
    let parts = template.parts.iter().map(|part| match part {
        Part::Text(text) => text.to_string(),
        Part::Secret { uri, .. } => format!("${{{uri}}}"),
    });
    parts.collect()
}

/// The lines that one has and the other has not, each with its sign before it.
#[must_use]
pub fn differences(before: &Template, after: &Template) -> Vec<String> {
    let (before, after) = (text(before), text(after));
    let diff = TextDiff::from_lines(&before, &after);
    let changed = diff.iter_all_changes().filter_map(|change| {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => return None,
        };
        Some(format!("{sign} {}", super::plain(&plain_line(change.value()))))
    });
    let mut lines: Vec<String> = changed.collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!(
            "... and {more} more lines; `gosling render` prints the whole text"
        ));
    }
    lines
}

/// A line of a file that stands in a YAML string, without what YAML needs around it.
fn plain_line(line: &str) -> String {
    let line = line.trim_end_matches('\n');
    match line.strip_suffix("\\n\\") {
        Some(inner) => {
            let inner = inner.strip_prefix("    ").unwrap_or(inner);
            let inner = match inner.strip_prefix("\\ ") {
                Some(rest) => format!(" {rest}"),
                None => inner.to_owned(),
            };
            unescaped(&inner)
        }
        None => line.to_owned(),
    }
}

/// The text of a double-quoted YAML scalar, as far as a person needs it.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('"' | '\\')) => out.push(escaped),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_in_the_lines_that_were_written_without_a_secret() {
        let of = |limit: u8| {
            Template {
            parts: vec![
                Part::Text(format!("  content: \"\\\n    limit = {limit}\\n\\\n    \\  name = \\\"a\\\"\\n\\\n    token = \\\"").into()),
                Part::Secret {
                    uri: "store://a/t".parse().unwrap(),
                    escapes: Vec::new(),
                },
                Part::Text("\\\"\\n\\\n\"\n".into()),
            ],
        }
        };
        assert_eq!(differences(&of(1), &of(2)), ["- limit = 1", "+ limit = 2"]);
        assert_eq!(differences(&of(1), &of(1)), Vec::<String>::new());
        assert!(
            text(&of(1)).contains("token = \\\"${store://a/t}\\\""),
            "{}",
            text(&of(1))
        );
        let lines = differences(&Template::default(), &of(1));
        assert!(lines.contains(&"+   name = \"a\"".to_owned()), "{lines:?}");
    }

    #[test]
    fn a_long_difference_says_how_much_more_there_is() {
        let long: String = (0..100).map(|line| format!("{line}\n")).collect();
        let lines = differences(&Template::default(), &Template::text(long));
        assert_eq!(lines.len(), MOST + 1);
        assert!(
            lines[MOST].starts_with("... and 60 more lines"),
            "{}",
            lines[MOST]
        );
    }
}
