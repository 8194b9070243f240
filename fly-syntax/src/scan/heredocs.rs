//! Heredocs: where one ends, and what is wrong with one that does not.

use std::collections::HashMap;

use super::repaired::Repair;
use super::{Bracket, Scanner};
use crate::problems;
use crate::problems::heredoc_start::Slip;

/// A heredoc that is entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heredoc {
    /// Where the line of its closing word starts.
    line: usize,
    /// One past the last byte of that line that is no blank.
    end: usize,
    /// How many brackets are open around it.
    pub(super) depth: usize,
}

impl Heredoc {
    /// A text without a closing word, as a template is.
    pub(super) fn whole(length: usize) -> Self {
        Self {
            line: length + 1,
            end: length,
            depth: 0,
        }
    }
}

/// The lines that may close a heredoc, by the word that they consist of.
#[derive(Debug, Default)]
pub(super) struct ClosingLines<'s>(HashMap<&'s [u8], Vec<ClosingLine>>);

#[derive(Debug, Clone, Copy)]
struct ClosingLine {
    start: usize,
    /// One past the word.
    end: usize,
    /// Whether nothing but blanks stands behind the word.
    alone: bool,
}

impl<'s> ClosingLines<'s> {
    fn of(text: &'s [u8]) -> Self {
        let mut lines: HashMap<&[u8], Vec<ClosingLine>> = HashMap::new();
        let mut start = 0;
        for line in text.split(|byte| *byte == b'\n') {
            let indent = line.iter().take_while(|byte| is_blank(**byte)).count();
            let length = line[indent..]
                .iter()
                .take_while(|byte| is_word(**byte) || **byte == b'-')
                .count();
            let (word, rest) = line[indent..].split_at(length);
            let closes = |byte: &u8| is_blank(*byte) || matches!(byte, b',' | b';' | b')' | b']' | b'}');
            if !word.is_empty() && rest.iter().all(closes) {
                lines.entry(word).or_default().push(ClosingLine {
                    start,
                    end: start + indent + length,
                    alone: rest.iter().all(|byte| is_blank(*byte)),
                });
            }
            start += line.len() + 1;
        }
        Self(lines)
    }

    /// The first line from a byte on that consists of this word; with `loose`, brackets and a comma may follow it.
    fn next(&self, word: &[u8], from: usize, loose: bool) -> Option<ClosingLine> {
        let lines = self.0.get(word)?;
        let first = lines.partition_point(|line| line.start < from);
        lines[first..].iter().find(|line| line.alone || loose).copied()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

impl<'s> Scanner<'s> {
    fn closing_line(&mut self, word: &[u8], from: usize, loose: bool) -> Option<ClosingLine> {
        let text = self.text;
        self.closing_lines
            .get_or_insert_with(|| ClosingLines::of(text))
            .next(word, from, loose)
    }

    /// How many bytes from a place on are such.
    fn run_of(&self, from: usize, such: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| such(**byte)).count()
    }

    /// Enters a heredoc, if this is one.
    pub(super) fn heredoc(&mut self) -> bool {
        let start = self.at;
        let name = start + 2 + usize::from(self.byte(start + 2) == b'-');
        let at = name + self.run_of(name, is_word);
        let text = self.text;
        let word = &text[name..at];
        let behind = at + self.run_of(at, is_blank);
        let ends = behind >= self.text.len() || self.byte(behind) == b'\n';
        if word.first().is_none_or(u8::is_ascii_digit) || !ends {
            return self.slipped_heredoc();
        }
        let body = (behind + 1).min(self.text.len());
        if let Some(line) = self.closing_line(word, body, false) {
            self.heredocs.push(Heredoc {
                line: line.start,
                end: line.end,
                depth: self.open.len(),
            });
            self.at = body;
            return true;
        }
        let word = String::from_utf8_lossy(word).into_owned();
        let span = self.span(start..at);
        self.problems
            .push(problems::unclosed_heredoc::problem(span, &word));
        self.leave_unclosed(start, at, body);
        true
    }

    /// Goes on behind a heredoc that nothing closes and that is reported: from `start`, its first line up to `at`.
    fn leave_unclosed(&mut self, start: usize, at: usize, body: usize) {
        let end = self.end_of_unclosed(body);
        let value_end = match self.text[..end].last() {
            Some(b'\n') => end - 1,
            _ => end,
        };
        self.repairs.push(Repair::Report(start..value_end.max(at)));
        self.last = at;
        self.at = end;
        // What its brackets lack is the same slip.
        while let Some(open) = self.open.last().copied()
            && !matches!(open.bracket, Bracket::Block)
        {
            self.open.pop();
            self.forget(open);
            self.repairs.push(Repair::Insert(
                value_end.max(at),
                open.bracket.closer().to_owned(),
            ));
        }
        if self.at < self.text.len() {
            self.line_start();
        }
    }

    /// Where the text of a heredoc that nothing closes is taken to end: before its block does, or before the next
    /// entry beside it.
    fn end_of_unclosed(&self, body: usize) -> usize {
        let block = self
            .open
            .iter()
            .rev()
            .find(|open| open.bracket == Bracket::Block)
            .map(|open| open.indent);
        let mut line = body;
        while line < self.text.len() {
            let indent = self.run_of(line, |byte| matches!(byte, b' ' | b'\t'));
            let first = line + indent;
            let closes = block.is_some_and(|block| indent <= block) && self.byte(first) == b'}';
            let beside = indent == self.indent && self.looks_like_entry(first);
            if closes || beside {
                return line;
            }
            line = self.line_end(line) + 1;
        }
        self.text.len()
    }

    /// A heredoc whose first line is not as it has to be: `<<'EOT'`, `<<~EOT`, `<<EOT # why`. Where a line closes it,
    /// the whole of it is one slip.
    fn slipped_heredoc(&mut self) -> bool {
        let start = self.at;
        let mut at = start + 2;
        let tilde = self.byte(at) == b'~';
        at += usize::from(tilde || self.byte(at) == b'-');
        let quote = self.byte(at);
        let quoted = matches!(quote, b'\'' | b'"');
        at += usize::from(quoted);
        let length = self.run_of(at, |byte| is_word(byte) || byte == b'-');
        let text = self.text;
        let word = &text[at..at + length];
        at += length;
        if word
            .first()
            .is_none_or(|byte| !is_word(*byte) || byte.is_ascii_digit())
            || quoted && self.byte(at) != quote
        {
            return false;
        }
        at += usize::from(quoted);
        let line_end = self.line_end(at);
        let closing = self.closing_line(word, line_end, true);
        if closing.is_none() && !quoted && !tilde {
            return false;
        }
        let slip = if quoted {
            Slip::Quotes
        } else if tilde {
            Slip::Tilde
        } else if word.contains(&b'-') {
            Slip::Hyphen
        } else {
            Slip::Behind
        };
        let body = &text[at..closing.map_or(at, |closing| closing.start)];
        let plain = !body.windows(2).any(|pair| pair == b"${");
        let span = self.span(start..at);
        let word = String::from_utf8_lossy(word).into_owned();
        self.problems.push(problems::heredoc_start::problem(
            span,
            &word,
            slip,
            plain,
            closing.is_some(),
        ));
        let Some(closing) = closing else {
            self.leave_unclosed(start, at, (line_end + 1).min(text.len()));
            return true;
        };
        self.repairs.push(Repair::Report(start..closing.end));
        if text[at..].trim_ascii_start().first() == Some(&b',') {
            // It stood for the comma behind the value.
            self.repairs.push(Repair::Insert(closing.end, ",".to_owned()));
        }
        self.at = closing.end;
        self.last = closing.end;
        true
    }

    pub(super) fn in_heredoc(&mut self) {
        let Some(heredoc) = self.heredocs.last().copied() else {
            return;
        };
        while self.at < heredoc.end {
            let rest = &self.text[self.at..heredoc.end];
            let Some(next) = rest.iter().position(|byte| *byte == b'$') else {
                break;
            };
            self.at += next;
            if rest[next..].starts_with(b"$${") {
                self.at += 3;
            } else if rest[next..].starts_with(b"${") {
                self.push(Bracket::Interpolation);
                self.at += 2;
                return;
            } else {
                self.at += 1;
            }
        }
        self.at = heredoc.end;
        self.last = heredoc.end;
        self.heredocs.pop();
    }

    /// Where an interpolation of a heredoc reaches the line that closes the heredoc, it was left open: that is the one
    /// problem, and its text goes up to there.
    pub(super) fn leave_interpolation(&mut self) -> bool {
        let Some(heredoc) = self.heredocs.last().copied() else {
            return false;
        };
        if self.at + 1 < heredoc.line || self.open.len() <= heredoc.depth {
            return false;
        }
        let opened = self.open[heredoc.depth].at;
        let end = heredoc.line.saturating_sub(1).max(opened);
        self.take_back(heredoc.depth, opened);
        let span = self.span(opened..opened + 2);
        self.problems.push(problems::unclosed_bracket::problem(span, "}"));
        self.repairs.push(Repair::Blank(opened..end, b' '));
        self.at = end;
        true
    }

    /// A text that an interpolation of a heredoc leaves open is the one problem of it; the heredoc goes on in the next
    /// line.
    pub(super) fn leave_text(&mut self) -> bool {
        let Some(heredoc) = self.heredocs.last().copied() else {
            return false;
        };
        let Some(text) = self
            .open
            .get(heredoc.depth..)
            .and_then(|inside| inside.iter().find(|open| open.bracket == Bracket::Text))
        else {
            return false;
        };
        let (start, end) = (text.at, self.at);
        let opened = self.open[heredoc.depth].at;
        self.take_back(heredoc.depth, opened);
        let span = self.span(start..end);
        self.problems.push(problems::unclosed_text::problem(span));
        self.repairs.push(Repair::Blank(opened..end, b' '));
        true
    }

    /// Forgets all that was opened and found since a place.
    pub(super) fn take_back(&mut self, depth: usize, from: usize) {
        while self.open.len() > depth {
            if let Some(open) = self.open.pop() {
                self.forget(open);
            }
        }
        self.drop_from(from);
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        while self
            .comments
            .last()
            .is_some_and(|comment| comment.span.start >= from)
        {
            self.comments.pop();
        }
    }
}
