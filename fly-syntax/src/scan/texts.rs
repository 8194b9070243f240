//! Texts in quotes, and what is done about one that its line leaves open.

use super::repaired::Repair;
use super::{Bracket, MOST_NESTING, Open, Scanner};
use crate::problems;

/// So many lines are read for the end of a text that its line leaves open.
const MOST_LINES: usize = 20;

impl Scanner<'_> {
    pub(super) fn in_text(&mut self) {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    if let Some(open) = self.open.pop() {
                        self.forget(open);
                    }
                    self.step();
                    return;
                }
                b'\\' if self.byte(self.at + 1) != b'\n' => self.at += 2,
                b'$' if self.text[self.at..].starts_with(b"$${") => self.at += 3,
                b'$' if self.byte(self.at + 1) == b'{' => {
                    self.push(Bracket::Interpolation);
                    self.at += 2;
                    return;
                }
                b'\n' => {
                    self.unclosed_text();
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.text.len());
        if self.at == self.text.len() {
            self.unclosed_text();
        }
    }

    /// The innermost text ends with its line, and so does whatever its interpolations opened.
    pub(super) fn unclosed_text(&mut self) {
        if self.leave_text() || self.unclosed_label() || self.unclosed_value() {
            return;
        }
        let mut end = self.end_of_line();
        let backslashes = self.text[..end].iter().rev().take_while(|byte| **byte == b'\\');
        if backslashes.count() % 2 == 1 {
            // It would take the quote that is put in for a part of the text.
            self.repairs.push(Repair::Blank(end - 1..end, b' '));
        }
        while let Some(open) = self.open.pop() {
            self.forget(open);
            end = end.max(open.inside());
            self.repairs
                .push(Repair::Insert(end, open.bracket.closer().to_owned()));
            if open.bracket == Bracket::Text && self.texts == 0 {
                let span = self.span(open.at..end);
                self.problems.push(problems::unclosed_text::problem(span));
                break;
            }
        }
        self.last = end;
    }

    /// Where this line ends, without blanks. In an interpolation, a comment may end the line: what is put in stands
    /// before it.
    fn end_of_line(&self) -> usize {
        let comment = self.comments.last().map(|comment| comment.span.range());
        let end = match comment {
            Some(comment) if comment.end == self.at && comment.start > self.line => comment.start,
            _ => self.at,
        };
        let blanks = self.text[..end].iter().rev();
        end - blanks
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
            .count()
    }

    /// A value that goes on over several lines, or whose `${` nothing closes, is one slip as a whole: all of it becomes
    /// a value that is reported.
    fn unclosed_value(&mut self) -> bool {
        // The outermost text. All behind it was opened on this line.
        let mut texts = (0..self.open.len())
            .rev()
            .filter(|index| self.open[*index].bracket == Bracket::Text);
        let Some(index) = self.texts.checked_sub(1).and_then(|last| texts.nth(last)) else {
            return false;
        };
        let text = self.open[index];
        let around = index.checked_sub(1).map(|around| self.open[around].bracket);
        let before = self.text.get(self.line..text.at).unwrap_or_default();
        if matches!(around, None | Some(Bracket::Block)) && !before.contains(&b'=') {
            return false;
        }
        let line_end = self.end_of_line();
        let inserted = self
            .open
            .get(index + 1)
            .copied()
            .filter(|inner| inner.bracket == Bracket::Interpolation);
        let over_lines = match inserted {
            Some(_) => self.end_over_lines(text).filter(|end| *end > self.at),
            None => self.closing_quote(),
        };
        let (end, problem) = match (over_lines, inserted) {
            (Some(end), _) => {
                let span = self.span(text.at..line_end);
                (end, problems::unclosed_text::problem(span))
            }
            (None, Some(inserted)) => {
                let span = self.span(inserted.at..inserted.inside());
                (
                    line_end.max(inserted.inside()),
                    problems::unclosed_bracket::problem(span, "}"),
                )
            }
            (None, None) => return false,
        };
        let before = self
            .comments
            .partition_point(|comment| comment.span.range().start < text.at);
        let on_this_line = self.comments.split_off(before);
        self.take_back(index, text.at);
        let behind = on_this_line
            .into_iter()
            .filter(|comment| comment.span.range().start >= end);
        self.comments.extend(behind);
        self.problems.push(problem);
        self.repairs.push(Repair::Report(text.at..end));
        self.last = end;
        if over_lines.is_some() {
            self.at = end;
            let start = self.text[..end].iter().rposition(|byte| *byte == b'\n');
            self.line = start.map_or(0, |newline| newline + 1);
        }
        true
    }

    /// One past the quote that closes a text whose interpolations go on over several lines.
    fn end_over_lines(&self, text: Open) -> Option<usize> {
        // A text, or the braces that are open in an interpolation.
        let mut open: Vec<Option<usize>> = vec![None];
        let mut lines = 0;
        let mut at = text.at + 1;
        while let Some(byte) = self.text.get(at) {
            let rest = &self.text[at..];
            at += 1;
            match (open.last_mut()?, byte) {
                (None, b'"') => {
                    open.pop();
                    if open.is_empty() {
                        return Some(at);
                    }
                }
                (None, b'\n') => return None,
                (None, b'\\') => at += 1,
                (None, b'$') if rest.starts_with(b"$${") => at += 2,
                (None, b'$') if rest.starts_with(b"${") => {
                    open.push(Some(0));
                    at += 1;
                }
                (None, _) => {}
                (Some(_), b'"') => open.push(None),
                (Some(braces), b'{') => *braces += 1,
                (Some(0), b'}') => {
                    open.pop();
                }
                (Some(braces), b'}') => *braces -= 1,
                (Some(_), b'\n') => {
                    lines += 1;
                    let indent = self.text[at..].len() - self.text[at..].trim_ascii_start().len();
                    if lines > MOST_LINES || self.looks_like_entry(at + indent) {
                        return None;
                    }
                }
                (Some(_), _) => {}
            }
            if open.len() > MOST_NESTING {
                return None;
            }
        }
        None
    }

    /// One past the quote, in one of the next lines, that closes a text which goes on over several lines.
    fn closing_quote(&self) -> Option<usize> {
        let mut line = self.at + 1;
        for _ in 0..MOST_LINES {
            let rest = self.text.get(line..).filter(|rest| !rest.is_empty())?;
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let shown = rest[..length].trim_ascii();
            let indent = rest[..length].len() - rest[..length].trim_ascii_start().len();
            let quotes = shown.iter().filter(|byte| **byte == b'"').count();
            // A line that starts with a quote starts a text of its own, unless it only closes this one.
            let starts = matches!(shown, [b'"', next, ..] if !b",)]}".contains(next));
            let closes = matches!(shown, [b'}' | b']' | b')', ..]);
            if starts || closes || self.looks_like_entry(line + indent) {
                return None;
            }
            if quotes % 2 == 1 {
                let quote = rest.iter().position(|byte| *byte == b'"')?;
                return Some(line + quote + 1);
            }
            line += length + 1;
        }
        None
    }

    /// `egg "api {`: what lacks its quote is the label, and the block is one all the same.
    fn unclosed_label(&mut self) -> bool {
        let line = self.text[self.line..self.at].trim_ascii_end();
        let Some((b'{', label)) = line.split_last() else {
            return false;
        };
        let Some(open) = self.open.last().copied() else {
            return false;
        };
        let header = self.text.get(self.line..open.at).unwrap_or_default();
        let in_header = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-\" \t".contains(byte);
        let named = header
            .trim_ascii_start()
            .first()
            .is_some_and(u8::is_ascii_alphabetic);
        let around = self.open.iter().rev().nth(1).map(|around| around.bracket);
        if open.bracket != Bracket::Text
            || !matches!(around, None | Some(Bracket::Block))
            || !named
            || !header.iter().all(in_header)
        {
            return false;
        }
        let end = (self.line + label.trim_ascii_end().len()).max(open.at + 1);
        self.open.pop();
        self.forget(open);
        let span = self.span(open.at..end);
        self.problems.push(problems::unclosed_text::label(span));
        self.repairs.push(Repair::Insert(end, "\"".to_owned()));
        self.last = end;
        self.at = self.line + line.len() - 1;
        true
    }
}
