//! Characters that nobody sees: each is named by itself, where it cannot stand and where it only should not.

use super::Scanner;
use super::repaired::Repair;
use crate::problems;

/// How a character that nobody sees is called, and what should stand in its place; `None` for one that is seen.
#[must_use]
pub fn invisible(character: char) -> Option<(&'static str, &'static str)> {
    Some(match character {
        '\u{a0}' | '\u{202f}' => ("no-break space", " "),
        '\u{2000}'..='\u{200a}' | '\u{205f}' | '\u{3000}' | '\u{1680}' => ("space of another width", " "),
        '\u{2028}' | '\u{2029}' | '\u{85}' => ("line separator", " "),
        '\u{200b}' => ("zero-width space", ""),
        '\u{200c}' | '\u{200d}' | '\u{2060}' => ("zero-width joiner", ""),
        '\u{ad}' => ("soft hyphen", ""),
        '\u{feff}' => ("byte order mark", ""),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            ("sign that turns the direction of text", "")
        }
        '\u{180e}' | '\u{2061}'..='\u{2064}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => {
            ("invisible character", "")
        }
        character if character.is_control() && !matches!(character, '\n' | '\r' | '\t') => {
            ("control character", "")
        }
        _ => return None,
    })
}

impl Scanner<'_> {
    /// A character that is not of ASCII, or is no sign at all.
    pub(super) fn character(&mut self) {
        let text = self.source.text();
        let Some(first) = text.get(self.at..).and_then(|rest| rest.chars().next()) else {
            self.step();
            return;
        };
        let start = self.at;
        let Some((name, instead)) = invisible(first) else {
            self.at += first.len_utf8();
            self.last = self.at;
            return;
        };
        let run: usize = text[start..]
            .chars()
            .take_while(|next| *next == first)
            .map(char::len_utf8)
            .sum();
        let count = run / first.len_utf8();
        self.at += run;
        let span = self.span(start..self.at);
        self.problems.push(problems::unexpected::invisible(
            span,
            first,
            name,
            &instead.repeat(count),
        ));
        self.repairs.push(match instead {
            "" => Repair::Remove(start..self.at),
            _ => Repair::Blank(start..self.at, b' '),
        });
    }
}
