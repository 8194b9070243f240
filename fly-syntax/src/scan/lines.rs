//! Lines: their indent, what looks like an entry, and Git's marks.

use super::repaired::Repair;
use super::{Bracket, Lacking, Scanner};
use crate::problems;

/// A line of a merge conflict that divides its sides or ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    start: usize,
    /// `=`, `|` or `>`.
    sign: u8,
}

fn markers(text: &[u8]) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        if let [sign @ (b'=' | b'|' | b'>'), ..] = line
            && line.len() >= 7
            && line[..7].iter().all(|byte| byte == sign)
        {
            markers.push(Marker { start, sign: *sign });
        }
        start += line.len() + 1;
    }
    markers
}

/// Whether what starts at this byte looks like an entry: `name =`, `name {` or `name "label"`.
#[must_use]
pub fn looks_like_entry(text: &[u8], start: usize) -> bool {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    if !(byte(start).is_ascii_alphabetic() || byte(start) == b'_') {
        return false;
    }
    let mut at = start;
    while byte(at).is_ascii_alphanumeric() || byte(at) == b'_' {
        at += 1;
    }
    while matches!(byte(at), b' ' | b'\t') {
        at += 1;
    }
    match byte(at) {
        b'=' => !matches!(byte(at + 1), b'=' | b'>'),
        b'{' => true,
        b'"' => {
            let line = text[at..].split(|byte| *byte == b'\n').next();
            line.is_some_and(|line| line.contains(&b'{'))
        }
        _ => false,
    }
}

impl Scanner<'_> {
    /// Looks at the line that starts here: its indent, a merge marker, an entry where none can be.
    pub(super) fn line_start(&mut self) {
        if let Some((from, to)) = self.conflict
            && self.at == from
        {
            self.conflict = None;
            self.at = to;
            return;
        }
        let start = self.at;
        let mut at = start;
        while matches!(self.byte(at), b' ' | b'\t') {
            at += 1;
        }
        self.indent = at - start;
        self.line = start;
        if self.indent == 0 && self.heredocs.is_empty() && self.merge_marker(start) {
            return;
        }
        let Some(top) = self.open.last().copied() else {
            return;
        };
        match top.bracket {
            Bracket::List | Bracket::Paren | Bracket::Interpolation
                if self.heredocs.is_empty() && self.indent <= top.indent && self.looks_like_entry(at) =>
            {
                while let Some(open) = self.open.last()
                    && !matches!(open.bracket, Bracket::Block | Bracket::Object)
                {
                    self.close_open(self.last);
                }
            }
            Bracket::Block | Bracket::Object
                if self.known == Lacking::Closers && self.looks_like_entry(at) =>
            {
                while self.open.last().is_some_and(|open| self.indent <= open.indent) {
                    self.close_open(self.last);
                }
            }
            _ => {}
        }
    }

    /// `name =`, `name {` or `name "label"`
    pub(super) fn looks_like_entry(&self, start: usize) -> bool {
        looks_like_entry(self.text, start)
    }

    /// Git's marks around a conflict. The first side stays, the rest is blanked.
    fn merge_marker(&mut self, start: usize) -> bool {
        let end = self.line_end(start);
        let line = &self.text[start..end];
        let marks = |mark: u8| {
            line.len() >= 7 && line[..7].iter().all(|byte| *byte == mark) && !line[7..].starts_with(&[mark])
        };
        if !marks(b'<') || !(line.len() == 7 || line[7] == b' ') {
            return false;
        }
        let text = self.text;
        let markers = self.markers.get_or_insert_with(|| markers(text));
        let first = markers.partition_point(|marker| marker.start <= start);
        let close = markers[first..].iter().find(|marker| marker.sign == b'>');
        let close = close.map(|marker| marker.start);
        let other = markers[first..].first().filter(|marker| marker.sign != b'>');
        let other = other.map(|marker| marker.start);
        let span = self.span(start..end);
        self.problems.push(problems::merge_conflict::problem(span));
        self.repairs.push(Repair::Blank(start..end, b' '));
        if let (Some(from), Some(to)) = (other, close) {
            let to = self.line_end(to);
            self.repairs.push(Repair::Blank(from..to, b' '));
            self.conflict = Some((from, to));
        }
        self.at = end;
        true
    }
}
