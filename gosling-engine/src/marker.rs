//! The marker by which gosling recognises what it made, in notes and descriptions that people write in too.
//!
//! A marker is `gosling:{nest}:{address}:{op}`. What stands around it belongs to people and is kept.

use std::ops::Range;

use gosling_resource::Address;

const BEGINNING: &str = "gosling:";

/// The marker of what an operation makes for a Nest.
#[must_use]
pub fn new(nest: &str, address: &Address, op: &str) -> String {
    format!("{BEGINNING}{nest}:{address}:{op}")
}

/// A marker that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker<'t> {
    /// All of it.
    pub text: &'t str,
    /// The Nest for which the resource was made.
    pub nest: &'t str,
    /// The address that the resource had when it was made.
    pub address: Address,
    /// The operation that made it.
    pub op: &'t str,
}

/// Whether a text carries this marker, whatever people wrote around it. An imported resource has no marker: every text
/// carries an empty one.
#[must_use]
pub fn is_in(text: &str, marker: &str) -> bool {
    marker.is_empty() || find(text, marker).is_some()
}

/// Every marker in a text, of whichever Nest.
pub fn all_in(text: &str) -> impl Iterator<Item = Marker<'_>> {
    text.lines().flat_map(|line| {
        let beginnings = line.match_indices(BEGINNING);
        beginnings.filter_map(|(at, _)| parse(&line[at..]).filter(|_| begins_word(line, at)))
    })
}

/// The text without this marker; where nothing else is in the marker's line, without that line.
#[must_use]
pub fn without(text: &str, marker: &str) -> String {
    let lines = text.lines().filter_map(|line| {
        let Some(found) = find(line, marker) else {
            return Some(line.to_owned());
        };
        let rest = format!("{}{}", &line[..found.start], &line[found.end..]);
        (!rest.trim().is_empty()).then_some(rest)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text of a resource after a change: what the Nest asks for now, what people wrote, and the marker. `before` is
/// what the Nest asked for earlier.
#[must_use]
pub fn updated(text: &str, before: &str, now: &str, marker: &str) -> String {
    let text = without(text, marker);
    let mut lines: Vec<&str> = text.lines().collect();
    for asked in [before, now] {
        if let Some(range) = lines_in(&lines, asked) {
            lines.drain(range);
        }
    }
    let theirs = lines.join("\n");
    let parts = [now, theirs.trim(), marker];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// What a text shows of what the Nest asks for: all of it, or nothing. What people wrote beside it is not the Nest's.
#[must_use]
pub fn shown<'w>(text: &str, wanted: &'w str) -> &'w str {
    let lines: Vec<&str> = text.lines().collect();
    match lines_in(&lines, wanted) {
        Some(_) => wanted,
        None => "",
    }
}

/// Where a text's lines stand among others.
fn lines_in(lines: &[&str], text: &str) -> Option<Range<usize>> {
    let wanted: Vec<&str> = text.lines().map(str::trim_end).collect();
    if wanted.is_empty() {
        return None;
    }
    let is_here = |window: &[&str]| {
        window
            .iter()
            .zip(&wanted)
            .all(|(line, wanted)| line.trim_end() == *wanted)
    };
    let at = lines.windows(wanted.len()).position(is_here)?;
    Some(at..at + wanted.len())
}

/// Where the marker stands as a word of its own: one marker may begin as another does.
fn find(text: &str, marker: &str) -> Option<Range<usize>> {
    let mut all = text.match_indices(marker).map(|(at, found)| at..at + found.len());
    all.find(|range| {
        !range.is_empty() && begins_word(text, range.start) && !text[range.end..].starts_with(in_word)
    })
}

fn begins_word(text: &str, at: usize) -> bool {
    !text[..at].ends_with(in_word)
}

fn in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-'
}

/// The marker with which a line begins. A Nest's name may hold colons: it ends before the first one that an address
/// follows.
fn parse(line: &str) -> Option<Marker<'_>> {
    let rest = &line[BEGINNING.len()..];
    rest.match_indices(':').find_map(|(colon, _)| {
        let (words, op) = rest[colon + 1..].split_once(':')?;
        let op = &op[..op
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(op.len())];
        let address = words.parse().ok().filter(|_| !op.is_empty())?;
        let end = BEGINNING.len() + colon + 1 + words.len() + 1 + op.len();
        Some(Marker {
            text: &line[..end],
            nest: &rest[..colon],
            address,
            op,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "gosling:lab:egg.app.vm[0]:abcdefghijklmnop";

    #[test]
    fn a_marker_is_found_whatever_people_write_around_it() {
        for text in [
            OURS.to_owned(),
            format!("{OURS}\n\nowner: Ada"),
            format!("owner: Ada\r\n{OURS}\r\n"),
            format!("do not delete ({OURS}), says Ada"),
            format!("`{OURS}`"),
            format!("## Notes\n- made by {OURS}."),
            format!("<b>{OURS}</b>"),
        ] {
            assert!(is_in(&text, OURS), "{text}");
            let found: Vec<_> = all_in(&text).collect();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].text, OURS, "{text}");
            assert_eq!((found[0].nest, found[0].op), ("lab", "abcdefghijklmnop"));
            assert_eq!(found[0].address.to_string(), "egg.app.vm[0]");
            assert!(!is_in(&without(&text, OURS), OURS), "{text}");
        }
    }

    #[test]
    fn another_marker_is_not_taken_for_it() {
        for text in [
            "",
            "owner: Ada",
            "gosling:lab:egg.app.vm[0]:abcdefghijklmno",
            "gosling:lab:egg.app.vm[0]:abcdefghijklmnopq",
            "mygosling:lab:egg.app.vm[0]:abcdefghijklmnop",
            "gosling:lab:egg.app.vm[1]:abcdefghijklmnop",
        ] {
            assert!(!is_in(text, OURS), "{text}");
        }
        assert!(
            is_in("anything", ""),
            "what was imported has no marker to look for"
        );
    }

    #[test]
    fn every_marker_of_a_text_is_read_and_nothing_else() {
        let text = format!(
            "a: {OURS} b: gosling:my nest: two:eggsbucket.web.hook[17]:x1\ngosling: a bird, gosling:lab"
        );
        let found: Vec<_> = all_in(&text)
            .map(|marker| (marker.nest, marker.address.to_string(), marker.op))
            .collect();
        assert_eq!(
            found,
            [
                ("lab", "egg.app.vm[0]".to_owned(), "abcdefghijklmnop"),
                ("my nest: two", "eggsbucket.web.hook[17]".to_owned(), "x1"),
            ]
        );
    }

    #[test]
    fn a_change_keeps_what_people_wrote() {
        let first = updated("", "", "kept by gosling", OURS);
        assert_eq!(first, format!("kept by gosling\n{OURS}"));
        let edited = format!("owner: Ada\r\n{first}\r\nring first");
        assert_eq!(shown(&edited, "kept by gosling"), "kept by gosling");
        assert_eq!(
            updated(&edited, "kept by gosling", "two\nlines", OURS),
            format!("two\nlines\nowner: Ada\nring first\n{OURS}")
        );
        assert_eq!(
            updated("do not touch, Ada", "kept by gosling", "kept by gosling", OURS),
            format!("kept by gosling\ndo not touch, Ada\n{OURS}")
        );
        assert_eq!(shown("do not touch, Ada", "kept by gosling"), "");
        assert_eq!(updated("x", "", "", ""), "x");
        let once = updated(&edited, "kept by gosling", "two\nlines", OURS);
        assert_eq!(
            updated(&once, "two\nlines", "two\nlines", OURS),
            once,
            "sending it twice changes nothing"
        );
    }
}
