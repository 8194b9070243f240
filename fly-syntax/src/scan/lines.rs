//! Lines: their indent, what looks like an entry, and Git's marks.

use super::repaired::Repair;
use super::{Bracket, Lacking, MOST_BLOCKS, Open, Scanner};
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

/// The length of a block's header that its line ends with: `name` or `name "label"`, with nothing but a comment behind
/// it.
fn header(line: &[u8]) -> Option<usize> {
    let byte = |at: usize| line.get(at).copied().unwrap_or(b'\n');
    if !(byte(0).is_ascii_alphabetic() || byte(0) == b'_') {
        return None;
    }
    let mut end = 0;
    while byte(end).is_ascii_alphanumeric() || byte(end) == b'_' {
        end += 1;
    }
    loop {
        let mut at = end;
        while matches!(byte(at), b' ' | b'\t' | b'\r') {
            at += 1;
        }
        match byte(at) {
            b'\n' | b'#' => return Some(end),
            b'/' if byte(at + 1) == b'/' => return Some(end),
            b'"' => {
                let label = line[at + 1..]
                    .iter()
                    .position(|byte| matches!(byte, b'"' | b'\n' | b'\\' | b'$'))?;
                if line[at + 1 + label] != b'"' {
                    return None;
                }
                end = at + label + 2;
            }
            _ => return None,
        }
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
        if self.known == Lacking::Openers && self.heredocs.is_empty() {
            self.header_without_brace(at);
        }
        let last = self.last;
        let Some(top) = self.open.last_mut() else {
            return;
        };
        if top.indented.is_none()
            && top.at < start
            && !matches!(self.text.get(at), None | Some(b'\n' | b'\r'))
        {
            // What stands on the line of the brace says nothing about the lines below it.
            top.indented = Some(last > top.inside() || self.indent > top.indent);
        }
        let top = *top;
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
                let indent = self.indent;
                let closed = |open: &Open| indent <= open.indent && open.indented != Some(false);
                while self.open.last().is_some_and(closed) {
                    self.close_open(self.last);
                }
            }
            _ => {}
        }
    }

    /// Opens the block of a header without its brace, which the lines below show to be one: they are indented more, up
    /// to a `}` right below the header.
    fn header_without_brace(&mut self, start: usize) {
        let in_body = self.open.last().is_none_or(|open| open.bracket == Bracket::Block);
        let Some(end) = header(&self.text[start..]).map(|length| start + length) else {
            return;
        };
        if !in_body || self.blocks >= MOST_BLOCKS || !self.has_body(end) {
            return;
        }
        let span = self.span(start..end);
        self.problems
            .push(problems::missing_body::brace(span, self.source.slice(span)));
        self.repairs.push(Repair::Insert(end, " {".to_owned()));
        self.push(Bracket::Block);
        if let Some(open) = self.open.last_mut() {
            open.at = end;
            open.indented = Some(true);
        }
    }

    /// Whether the lines behind this one are indented more than it, up to a `}` with its indent.
    fn has_body(&self, from: usize) -> bool {
        let lines = self.text[from..].split(|byte| *byte == b'\n').skip(1);
        let mut inside = false;
        for line in lines {
            let text = line.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") || text.starts_with(b"//") {
                continue;
            }
            let indent = line.len() - line.trim_ascii_start().len();
            if indent <= self.indent {
                return inside && indent == self.indent && text.starts_with(b"}");
            }
            inside = true;
        }
        false
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
