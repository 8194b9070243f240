//! How problems put names into sentences.

/// More names than this are not listed where the rest would not help.
const LONGEST_LIST: usize = 16;

/// More of a text than this, in characters, is not said back.
const LONGEST_TEXT: usize = 60;

/// A text of the Nest, as a message of one line can hold it: cut where it is long, line breaks as they are written.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST_TEXT {
            shown.push_str("...");
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// `a, b, and c`
pub(crate) fn list(items: &[String], conjunction: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} {conjunction} {two}"),
        [first @ .., last] => format!("{}, {conjunction} {last}", first.join(", ")),
    }
}

/// The same with each name in backticks.
pub(crate) fn quoted(names: &[&str], conjunction: &str) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", shown(name))).collect();
    list(&names, conjunction)
}

/// Names in backticks, cut where the list gets long.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let (first, rest) = names.split_at(names.len().min(LONGEST_LIST));
    let mut items: Vec<String> = first
        .iter()
        .map(|name| format!("`{}`", shown(name.as_ref())))
        .collect();
    if !rest.is_empty() {
        items.push(format!("{} more", rest.len()));
    }
    list(&items, "and")
}

/// With `a` or `an` before it.
pub(crate) fn a(noun: &str) -> String {
    let word = noun.trim_start_matches('`');
    // By ear: "an int", "a url", "an fqdn".
    let article = if word.starts_with(['a', 'e', 'i', 'o']) || word.starts_with("fqdn") {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// What a block holds, for when no name of it is near.
pub(crate) fn holds(block: &str, names: &[&str]) -> String {
    if names.is_empty() {
        format!("`{block}` is always empty")
    } else {
        format!("`{block}` holds {}", quoted(names, "and"))
    }
}

#[cfg(test)]
mod tests {
    use fly_syntax::{Edit, FileId, Problem, Span};

    use super::super::{label_folder, plain_secret, unknown_attribute, wanted_block};
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span {
            file: FileId(0),
            start,
            end,
        }
    }

    /// What `gosling fix` would do, of one edit.
    fn fix(problem: &Problem) -> Option<&Edit> {
        match problem.suggestions.as_slice() {
            [only] if only.certain => only.edits.first(),
            _ => None,
        }
    }

    #[test]
    fn texts_are_shown_on_one_line_and_cut() {
        assert_eq!(shown("a \"b\" ä"), "a \"b\" ä");
        assert_eq!(shown("a\nb\t\u{1b}"), "a\\nb\\t\\u{1b}");
        assert_eq!(shown(&"ä".repeat(60)), "ä".repeat(60));
        assert_eq!(shown(&"ä".repeat(61)), format!("{}...", "ä".repeat(60)));
    }

    #[test]
    fn names_stand_in_sentences() {
        assert_eq!(quoted(&[], "or"), "");
        assert_eq!(quoted(&["a"], "or"), "`a`");
        assert_eq!(quoted(&["a", "b"], "or"), "`a` or `b`");
        assert_eq!(quoted(&["a", "b", "c"], "and"), "`a`, `b`, and `c`");
        assert_eq!(
            (a("`egg`"), a("list(string)")),
            ("an `egg`".into(), "a list(string)".into())
        );
    }

    #[test]
    fn the_nearest_name_is_offered() {
        let problem = unknown_attribute::problem(
            span(4, 10),
            "memroy",
            "resources",
            &["cpu", "memory", "disk"],
            |_| true,
        );
        assert_eq!(problem.message, "`resources` has no attribute `memroy`");
        assert_eq!(problem.help.as_deref(), Some("did you mean `memory`?"));
        let edit = Edit {
            span: span(4, 10),
            text: "memory".to_owned(),
        };
        assert_eq!(fix(&problem), Some(&edit));
    }

    #[test]
    fn with_no_name_near_all_are_listed() {
        let problem = unknown_attribute::problem(
            span(4, 12),
            "hypervisor",
            "resources",
            &["cpu", "memory", "disk"],
            |_| true,
        );
        assert_eq!(
            problem.help.as_deref(),
            Some("`resources` holds `cpu`, `memory`, and `disk`")
        );
        assert_eq!(problem.suggestions, []);
    }

    #[test]
    fn a_block_written_with_an_equals_sign_loses_it() {
        let problem = wanted_block::problem(span(0, 6), Some(span(6, 9)), "runner");
        let edit = Edit {
            span: span(6, 9),
            text: " ".to_owned(),
        };
        assert_eq!(fix(&problem), Some(&edit));
    }

    #[test]
    fn a_label_is_mended_only_where_it_is_plain() {
        let plain = label_folder::problem(span(4, 9), "web", "api", false);
        assert_eq!(fix(&plain).map(|edit| edit.text.as_str()), Some("\"api\""));
        let repeated = label_folder::problem(span(4, 9), "web", "api", true);
        assert_eq!(
            (repeated.note.as_str(), fix(&repeated)),
            ("must start with `api-`", None)
        );
    }

    #[test]
    fn every_backend_is_named_where_a_secret_is_wanted() {
        let help = plain_secret::problem(span(0, 9)).help.unwrap_or_default();
        for scheme in ["yc-lockbox://", "aws-sm://", "vault://", "env://", "store://"] {
            assert_eq!((scheme, help.contains(scheme)), (scheme, true));
        }
    }
}
