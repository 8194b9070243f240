//! The walk before parsing: strings, comments, heredocs and brackets, so that the grammar always sees balanced text.
//!
//! A text whose brackets balance goes to the grammar as it is. Otherwise each imbalance is reported at the place a
//! person would point to, and mended in a copy: a closer is put in, or a stray one blanked out.

use std::collections::HashSet;
use std::ops::Range;

use crate::diagnostic::Problem;
use crate::problems;
use crate::source::{SourceFile, Span};
use crate::tree::{Comment, CommentStyle};

/// Blocks may stand this deep in each other.
pub(crate) const MOST_BLOCKS: usize = 64;
/// Brackets, interpolations, operators in a row and conditionals may stand this deep in each other.
pub(crate) const MOST_NESTING: usize = 256;

/// What the walk found.
pub(crate) struct Scan {
    pub(crate) comments: Vec<Comment>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) mends: Vec<Mend>,
    /// The deepest nesting of any kind.
    pub(crate) depth: usize,
}

/// A change that makes the text balanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Put this in before the byte.
    Insert(usize, String),
    /// Make these bytes spaces; the first becomes this byte.
    Blank(Range<usize>, u8),
}

impl Mend {
    fn start(&self) -> usize {
        match self {
            Self::Insert(at, _) => *at,
            Self::Blank(range, _) => range.start,
        }
    }
}

/// The balanced copy of a text, and the way back to the places of the original.
pub(crate) struct Mended {
    pub(crate) text: String,
    /// In order.
    inserted: Vec<Inserted>,
}

/// Text that was put into the copy.
struct Inserted {
    /// Where in the copy.
    at: usize,
    /// How much.
    length: usize,
    /// How much was put in before it.
    before: usize,
}

impl Mended {
    pub(crate) fn new(text: &str, mut mends: Vec<Mend>) -> Self {
        mends.sort_by_key(Mend::start);
        let mut copy: Vec<u8> = Vec::with_capacity(text.len() + mends.len());
        let mut inserted: Vec<Inserted> = Vec::new();
        let mut at = 0;
        for mend in mends {
            let start = mend.start().max(at);
            copy.extend(&text.as_bytes()[at..start]);
            at = start;
            match mend {
                Mend::Insert(_, closer) => {
                    inserted.push(Inserted {
                        at: copy.len(),
                        length: closer.len(),
                        before: inserted.last().map_or(0, |last| last.before + last.length),
                    });
                    copy.extend(closer.as_bytes());
                }
                Mend::Blank(range, first) => {
                    let end = range.end.max(at);
                    for (index, byte) in text.as_bytes()[at..end].iter().enumerate() {
                        copy.push(match byte {
                            b'\n' => b'\n',
                            _ if index == 0 => first,
                            _ => b' ',
                        });
                    }
                    at = end;
                }
            }
        }
        copy.extend(&text.as_bytes()[at..]);
        // Only whole characters are blanked, so this never replaces anything.
        let text = String::from_utf8_lossy(&copy).into_owned();
        Self { text, inserted }
    }

    /// The place in the original.
    pub(crate) fn original(&self, at: usize) -> usize {
        let before = self.inserted.partition_point(|inserted| inserted.at < at);
        let Some(last) = before.checked_sub(1).and_then(|index| self.inserted.get(index)) else {
            return at;
        };
        at - last.before - (at - last.at).min(last.length)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    /// `{` of a block.
    Block,
    /// `{` of an object.
    Object,
    /// `[`
    List,
    /// `(`
    Paren,
    /// `${`
    Interpolation,
    /// `"`
    Text,
}

impl Bracket {
    fn closer(self) -> &'static str {
        match self {
            Self::Block | Self::Object | Self::Interpolation => "}",
            Self::List => "]",
            Self::Paren => ")",
            Self::Text => "\"",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Open {
    bracket: Bracket,
    at: usize,
    /// The indent of the line that it stands on.
    indent: usize,
    /// Where what is too deep inside it starts.
    too_deep: bool,
    questions: usize,
}

/// Which way the braces of a file do not balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Nothing,
    Closers,
    Openers,
}

pub(crate) fn scan(source: &SourceFile) -> Scan {
    let mut first = Scanner::new(source, Lacking::Nothing);
    first.run();
    let lacking = first.lacking;
    let scanner = if lacking == Lacking::Nothing {
        first
    } else {
        let mut second = Scanner::new(source, lacking);
        second.run();
        second
    };
    Scan {
        comments: scanner.comments,
        problems: scanner.problems,
        mends: scanner.mends,
        depth: scanner.depth,
    }
}

struct Scanner<'s> {
    source: &'s SourceFile,
    text: &'s [u8],
    at: usize,
    open: Vec<Open>,
    blocks: usize,
    /// How many texts are open.
    texts: usize,
    /// Whether what stands here is nested too deeply, which is reported and blanked as a whole.
    inside_deep: bool,
    /// Words of heredocs that no line from here on closes.
    unclosed_words: HashSet<Vec<u8>>,
    depth: usize,
    /// The indent of the current line.
    indent: usize,
    /// One past the last byte that is neither blank nor comment.
    last: usize,
    heredocs: Vec<Heredoc>,
    comments: Vec<Comment>,
    problems: Vec<Problem>,
    mends: Vec<Mend>,
    /// What was learnt about the braces.
    lacking: Lacking,
    /// The other side of a merge conflict, which is not walked: its brackets are the first side's once more.
    conflict: Option<(usize, usize)>,
    /// What is known about them from the first run.
    known: Lacking,
}

/// A heredoc that an interpolation interrupts.
#[derive(Debug, Clone, Copy)]
struct Heredoc {
    end: usize,
    depth: usize,
}

impl<'s> Scanner<'s> {
    fn new(source: &'s SourceFile, known: Lacking) -> Self {
        Self {
            source,
            text: source.text().as_bytes(),
            at: if source.has_bom() { 3 } else { 0 },
            open: Vec::new(),
            blocks: 0,
            texts: 0,
            inside_deep: false,
            unclosed_words: HashSet::new(),
            depth: 0,
            indent: 0,
            last: 0,
            heredocs: Vec::new(),
            comments: Vec::new(),
            problems: Vec::new(),
            mends: Vec::new(),
            lacking: Lacking::Nothing,
            conflict: None,
            known,
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source.id, range)
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn run(&mut self) {
        self.line_start();
        while self.at < self.text.len() {
            match self.open.last().map(|open| open.bracket) {
                Some(Bracket::Text) => self.in_text(),
                _ => self.in_code(),
            }
        }
        self.end_of_file();
    }

    // ---- texts ----

    fn in_text(&mut self) {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    self.last = self.at;
                    self.open.pop();
                    self.texts -= 1;
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
    fn unclosed_text(&mut self) {
        let line_end = self.at;
        let mut end = line_end;
        while end > 0 && matches!(self.text[end - 1], b' ' | b'\t' | b'\r') {
            end -= 1;
        }
        while let Some(open) = self.open.pop() {
            self.forget(open);
            end = end.max(open.at + 1);
            self.mends
                .push(Mend::Insert(end, open.bracket.closer().to_owned()));
            if open.bracket == Bracket::Text {
                let outer = self.texts > 0;
                if !outer {
                    let span = self.span(open.at..end);
                    self.problems.push(problems::unclosed_text::problem(span));
                    break;
                }
            }
        }
        self.last = end;
    }

    // ---- code ----

    fn in_code(&mut self) {
        if let Some(heredoc) = self.heredocs.last()
            && self.open.len() == heredoc.depth
        {
            self.in_heredoc();
            return;
        }
        let byte = self.byte(self.at);
        match byte {
            b'\n' => {
                if self.texts > 0 {
                    self.unclosed_text();
                    return;
                }
                self.at += 1;
                self.line_start();
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'#' => self.line_comment(CommentStyle::Hash),
            b'/' if self.byte(self.at + 1) == b'/' => {
                let doc = self.byte(self.at + 2) == b'/' && self.byte(self.at + 3) != b'/';
                self.line_comment(if doc {
                    CommentStyle::Doc
                } else {
                    CommentStyle::Slashes
                });
            }
            b'/' if self.byte(self.at + 1) == b'*' => self.block_comment(),
            b'"' => {
                self.push(Bracket::Text);
                self.at += 1;
            }
            b'\'' => self.single_quoted(),
            b'<' if self.byte(self.at + 1) == b'<' && self.heredoc() => {}
            b'{' => {
                let bracket = if self.opens_block() {
                    Bracket::Block
                } else {
                    Bracket::Object
                };
                self.push(bracket);
                self.step();
            }
            b'[' => {
                self.push(Bracket::List);
                self.step();
            }
            b'(' => {
                self.push(Bracket::Paren);
                self.step();
            }
            b'}' | b']' | b')' => self.closer(byte),
            b'?' => {
                self.question();
                self.step();
            }
            _ => self.step(),
        }
    }

    fn step(&mut self) {
        self.at += 1;
        self.last = self.at;
    }

    fn line_comment(&mut self, style: CommentStyle) {
        let start = self.at;
        let end = self.line_end(start);
        let mut shown = end;
        if self.byte(shown.wrapping_sub(1)) == b'\r' && shown > start {
            shown -= 1;
        }
        let span = self.span(start..shown);
        self.comments.push(Comment { span, style });
        self.at = end;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let rest = &self.text[start + 2..];
        let end = match rest.windows(2).position(|pair| pair == b"*/") {
            Some(length) => start + 2 + length + 2,
            None => {
                let span = self.span(start..start + 2);
                self.problems.push(problems::unclosed_comment::problem(span));
                self.mends.push(Mend::Blank(start..self.text.len(), b' '));
                self.text.len()
            }
        };
        let span = self.span(start..end);
        let style = CommentStyle::Block;
        self.comments.push(Comment { span, style });
        self.at = end;
    }

    /// A text in single quotes is reported by the parser; its brackets are not brackets.
    fn single_quoted(&mut self) {
        let end = self.line_end(self.at);
        match self.text[self.at + 1..end].iter().position(|byte| *byte == b'\'') {
            Some(length) => self.at += length + 2,
            None => self.at += 1,
        }
        self.last = self.at;
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        rest.iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |length| from + length)
    }

    // ---- heredocs ----

    /// Enters a heredoc, if this is one.
    fn heredoc(&mut self) -> bool {
        let start = self.at;
        let mut at = start + 2;
        if self.byte(at) == b'-' {
            at += 1;
        }
        let name = at;
        while self.byte(at).is_ascii_alphanumeric() || self.byte(at) == b'_' {
            at += 1;
        }
        let terminator = &self.text[name..at];
        let line_end = self.line_end(at);
        let alone = self.text[at..line_end].iter().all(u8::is_ascii_whitespace);
        if terminator.is_empty() || terminator[0].is_ascii_digit() || !alone {
            return false;
        }
        let mut line = line_end + 1;
        let mut cut = None;
        let hopeless = self.unclosed_words.contains(terminator);
        let end = loop {
            if line >= self.text.len() {
                break None;
            }
            let end = self.line_end(line);
            if self.text[line..end].trim_ascii() == terminator {
                break Some((line, end));
            }
            let indent = self.text[line..end]
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            if hopeless && cut.is_some() {
                break None;
            }
            if cut.is_none() && indent <= self.indent && !self.text[line..end].trim_ascii().is_empty() {
                cut = Some(line);
            }
            line = end + 1;
        };
        let body = (line_end + 1).min(self.text.len());
        match end {
            Some((line, end)) => {
                let trimmed = self.text[line..end].trim_ascii_end().len();
                self.heredocs.push(Heredoc {
                    end: line + trimmed,
                    depth: self.open.len(),
                });
                self.at = body;
            }
            None => {
                let word = String::from_utf8_lossy(terminator).into_owned();
                self.unclosed_words.insert(terminator.to_vec());
                let span = self.span(start..at);
                self.problems
                    .push(problems::unclosed_heredoc::problem(span, &word));
                // What is indented deeper than its line is its text; the rest goes on.
                let end = cut.unwrap_or(self.text.len());
                let newline = if end > 0 && self.text[end - 1] == b'\n' {
                    ""
                } else {
                    "\n"
                };
                self.mends.push(Mend::Insert(end, format!("{newline}{word}\n")));
                self.at = end;
                self.last = at;
                if self.at < self.text.len() {
                    self.line_start();
                }
            }
        }
        true
    }

    fn in_heredoc(&mut self) {
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

    // ---- brackets ----

    /// Whether a `{` here opens a block: behind a name or a label, with nothing that makes it a value.
    fn opens_block(&self) -> bool {
        match self.open.last().map(|open| open.bracket) {
            None | Some(Bracket::Block) => {}
            Some(_) => return false,
        }
        match self.text[..self.last.min(self.at)].last() {
            None => true,
            Some(byte) => {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"' | b'{' | b'}' | b'-' | b'\'')
            }
        }
    }

    fn push(&mut self, bracket: Bracket) {
        let nesting = self.open.len() - self.blocks;
        let (limit, depth) = match bracket {
            Bracket::Block => (MOST_BLOCKS, self.blocks),
            _ => (MOST_NESTING, nesting),
        };
        let inside = self.inside_deep;
        let too_deep = depth >= limit && !inside;
        if too_deep {
            let what = if bracket == Bracket::Block {
                "blocks"
            } else {
                "expressions"
            };
            let span = self.span(self.at..self.at + 1);
            self.problems.push(problems::too_deep::problem(span, what, limit));
        }
        self.open.push(Open {
            bracket,
            at: self.at,
            indent: self.indent,
            too_deep,
            questions: 0,
        });
        self.inside_deep |= too_deep;
        if bracket == Bracket::Text {
            self.texts += 1;
        }
        if bracket == Bracket::Block {
            self.blocks += 1;
        }
        if !inside {
            self.depth = self.depth.max(self.open.len());
        }
    }

    /// A conditional in a conditional nests too.
    fn question(&mut self) {
        let (at, id) = (self.at, self.source.id);
        let Some(open) = self.open.last_mut() else { return };
        open.questions += 1;
        let questions = open.questions;
        self.depth = self.depth.max(questions);
        if questions == MOST_NESTING / 2 {
            let span = Span::new(id, at..at + 1);
            self.problems.push(problems::too_deep::problem(
                span,
                "conditionals",
                MOST_NESTING / 2,
            ));
        }
        if questions >= MOST_NESTING / 2 {
            self.mends.push(Mend::Blank(at..at + 1, b'+'));
        }
    }

    /// Bookkeeping for a bracket that is no longer open.
    fn forget(&mut self, open: Open) {
        match open.bracket {
            Bracket::Block => self.blocks -= 1,
            Bracket::Text => self.texts -= 1,
            _ => {}
        }
        if open.too_deep {
            self.inside_deep = false;
        }
        if open.too_deep && self.at > open.at + 1 {
            // What is inside goes; a value of some kind stays where one is needed.
            let first = match open.bracket {
                Bracket::Paren | Bracket::Interpolation => b'0',
                _ => b' ',
            };
            let start = open.at
                + if open.bracket == Bracket::Interpolation {
                    2
                } else {
                    1
                };
            self.mends.retain(|mend| mend.start() < start);
            self.problems
                .retain(|problem| (problem.span.start as usize) <= start);
            if self.at > start {
                self.mends.push(Mend::Blank(start..self.at, first));
            }
        }
    }

    fn closer(&mut self, byte: u8) {
        let matches = |open: &Open| open.bracket.closer().as_bytes()[0] == byte;
        if byte == b'}' && self.known != Lacking::Nothing && self.starts_line() && self.close_by_indent() {
            return;
        }
        let Some(top) = self.open.last().copied() else {
            self.stray(byte);
            return;
        };
        if matches(&top) {
            self.open.pop();
            self.forget(top);
            self.step();
            return;
        }
        // Something inside was left open, if this closes what is around it.
        let reach = self
            .open
            .iter()
            .rposition(|open| matches(open) || open.bracket == Bracket::Block);
        match reach {
            Some(index) if matches(&self.open[index]) => {
                while self.open.len() > index + 1 {
                    self.close_open(self.last);
                }
            }
            _ => self.stray(byte),
        }
    }

    /// Whether only blanks stand before this on its line.
    fn starts_line(&self) -> bool {
        let before = self.text[..self.at].iter().rev();
        before
            .take_while(|byte| **byte != b'\n')
            .all(|byte| matches!(byte, b' ' | b'\t'))
    }

    /// In a file whose braces do not balance, a closing brace on a line of its own closes what its indent says.
    fn close_by_indent(&mut self) -> bool {
        let indent = self.indent;
        let block = |open: &Open| matches!(open.bracket, Bracket::Block | Bracket::Object);
        let Some(top) = self.open.iter().rev().find(|open| block(open)).copied() else {
            return false;
        };
        if top.indent < indent && self.known == Lacking::Openers {
            self.stray(b'}');
            return true;
        }
        if top.indent > indent && self.open.iter().any(|open| block(open) && open.indent <= indent) {
            while self.open.last().is_some_and(|open| open.indent > indent) {
                self.close_open(self.last);
            }
        }
        false
    }

    /// Reports the innermost open bracket as left open, and closes it at a place.
    fn close_open(&mut self, at: usize) {
        let Some(open) = self.open.pop() else { return };
        self.forget(open);
        if open.bracket == Bracket::Block {
            self.lacking = Lacking::Closers;
        }
        if self.inside_deep {
            return;
        }
        let length = if open.bracket == Bracket::Interpolation {
            2
        } else {
            1
        };
        let span = self.span(open.at..open.at + length);
        let problem = match open.bracket {
            Bracket::Block => problems::unclosed_block::problem(self.header(open.at)),
            Bracket::Text => problems::unclosed_text::problem(span),
            other => problems::unclosed_bracket::problem(span, other.closer()),
        };
        self.problems.push(problem);
        let at = at.max(open.at + length);
        // On a line of its own, since a heredoc may end just before.
        self.mends
            .push(Mend::Insert(at, format!("\n{}", open.bracket.closer())));
    }

    /// The header of the block whose brace stands there.
    fn header(&self, brace: usize) -> Span {
        let line = self.text[..brace]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let inside = self.text[line..brace]
            .iter()
            .rposition(|byte| matches!(byte, b'{' | b'}'));
        let mut start = inside.map_or(line, |length| line + length + 1);
        while start < brace && self.text[start].is_ascii_whitespace() {
            start += 1;
        }
        while !self.source.text().is_char_boundary(start) {
            start += 1;
        }
        self.span(start.min(brace)..brace + 1)
    }

    fn stray(&mut self, byte: u8) {
        if byte == b'}' {
            self.lacking = if self.lacking == Lacking::Nothing {
                Lacking::Openers
            } else {
                self.lacking
            };
        }
        let span = self.span(self.at..self.at + 1);
        match self.problems.last_mut() {
            // Several in a row are one slip.
            Some(last)
                if std::ptr::eq(last.kind, &problems::stray_closer::KIND) && last.span.end == span.start =>
            {
                last.span.end = span.end;
                let edits = last
                    .suggestions
                    .iter_mut()
                    .flat_map(|suggestion| &mut suggestion.edits);
                edits.for_each(|edit| edit.span.end = span.end);
            }
            _ => self
                .problems
                .push(problems::stray_closer::problem(span, char::from(byte))),
        }
        self.mends.push(Mend::Blank(self.at..self.at + 1, b' '));
        self.at += 1;
    }

    // ---- lines ----

    /// Looks at the line that starts here: its indent, a merge marker, an entry where none can be.
    fn line_start(&mut self) {
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
    fn looks_like_entry(&self, start: usize) -> bool {
        let first = self.byte(start);
        if !(first.is_ascii_alphabetic() || first == b'_') {
            return false;
        }
        let mut at = start;
        while self.byte(at).is_ascii_alphanumeric() || self.byte(at) == b'_' {
            at += 1;
        }
        while matches!(self.byte(at), b' ' | b'\t') {
            at += 1;
        }
        match self.byte(at) {
            b'=' => !matches!(self.byte(at + 1), b'=' | b'>'),
            b'{' => true,
            b'"' => {
                let line = &self.text[at..self.line_end(at)];
                line.contains(&b'{')
            }
            _ => false,
        }
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
        let mut at = end + 1;
        let mut other = None;
        let mut close = None;
        while at < self.text.len() {
            let line_end = self.line_end(at);
            let line = &self.text[at..line_end];
            let is = |mark: u8| line.len() >= 7 && line[..7].iter().all(|byte| *byte == mark);
            if other.is_none() && (is(b'=') || is(b'|')) {
                other = Some(at);
            }
            if is(b'>') {
                close = Some(line_end);
                break;
            }
            at = line_end + 1;
        }
        let span = self.span(start..end);
        self.problems.push(problems::merge_conflict::problem(span));
        self.mends.push(Mend::Blank(start..end, b' '));
        if let (Some(from), Some(to)) = (other, close) {
            self.mends.push(Mend::Blank(from..to, b' '));
            self.conflict = Some((from, to));
        }
        self.at = end;
        true
    }

    fn end_of_file(&mut self) {
        let end = self.text.len();
        self.at = end;
        let last = self.last.min(end);
        while !self.open.is_empty() {
            self.close_open(last);
        }
    }
}
