//! The line by which gosling knows what it made: the last one of a maintenance note or a description.

/// The text with the marker in a line of its own after it.
pub(super) fn with(text: &str, marker: &str) -> String {
    match text {
        "" => marker.to_owned(),
        text => format!("{text}\n{marker}"),
    }
}

/// Whether the text carries this very marker. Without a marker to look for, as after an import, any text does.
pub(super) fn is_in(text: &str, marker: &str) -> bool {
    marker.is_empty() || text.lines().any(|line| line.trim() == marker)
}

/// The text without the marker's line.
pub(super) fn without(text: &str, marker: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| line.trim() != marker).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "gosling:lab:egg.app.runner:abc";

    #[test]
    fn a_marker_goes_in_and_out() {
        for text in ["", "keep off", "two\nlines"] {
            let marked = with(text, OURS);
            assert!(is_in(&marked, OURS));
            assert_eq!(without(&marked, OURS), text);
        }
    }

    #[test]
    fn another_marker_is_not_ours() {
        assert!(!is_in("gosling:lab:egg.app.runner:abcd", OURS));
        assert!(!is_in("see gosling:lab:egg.app.runner:abc", OURS));
        assert!(!is_in("", OURS));
        assert!(is_in("", ""));
    }
}
