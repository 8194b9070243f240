//! Texts from outside, made harmless for a terminal.

/// Whether a terminal acts on a character instead of showing it: control characters but line breaks and tabs, and the
/// marks that turn the direction of writing.
#[must_use]
pub fn is_acted_on(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || letter.is_control() && !matches!(letter, '\n' | '\t')
}

/// A text with the escape of each character that a terminal acts on: `\u{1b}`.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_acted_on(letter) {
            kept.extend(letter.escape_unicode());
        } else {
            kept.push(letter);
        }
    }
    kept
}

/// The same on one line: of a text that somebody else wrote, no part can pass for a line of ours.
#[must_use]
pub fn on_one_line(text: &str) -> String {
    harmless(text).replace('\n', "\\n").replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let evil = "a\u{1b}[31mb\u{7}\u{9b}2J\u{202e}c\r\n\td";
        assert_eq!(
            harmless(evil),
            "a\\u{1b}[31mb\\u{7}\\u{9b}2J\\u{202e}c\\u{d}\n\td"
        );
        assert_eq!(harmless("Büro 日本\n"), "Büro 日本\n");
        assert_eq!(on_one_line("a\n  ok b\t\u{7}"), "a\\n  ok b\\t\\u{7}");
    }
}
