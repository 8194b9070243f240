//! The walk before parsing: strings, comments, heredocs and brackets, so that the grammar always sees balanced text.
//!
//! A text whose brackets balance goes to the grammar as it is. Otherwise each imbalance is reported at the place a
//! person would point to, and repaired in a copy: a closer is put in, or a stray one blanked out.

mod brackets;
mod heredocs;
mod invisible;
mod lines;
mod repaired;
mod texts;

use std::ops::Range;

use heredocs::{ClosingLines, Heredoc};
use lines::Marker;

use crate::diagnostic::Problem;
use crate::problems;
use crate::source::{SourceFile, Span};
use crate::tree::{Comment, CommentStyle};

pub use invisible::invisible;
pub use lines::looks_like_entry;
pub(crate) use repaired::{Repair, Repaired};

/// Blocks may stand this deep in each other.
pub(crate) const MOST_BLOCKS: usize = 64;
/// Brackets, interpolations, operators in a row and conditionals may stand this deep in each other.
pub(crate) const MOST_NESTING: usize = 256;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Entries or an expression.
    Code,
    /// Text with interpolations.
    Template,
}

/// What the walk found.
pub(crate) struct Scan {
    pub(crate) comments: Vec<Comment>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) repairs: Vec<Repair>,
    /// The deepest nesting of any kind.
    pub(crate) depth: usize,
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
    /// Whether its first line is indented more than it; unknown before that line.
    indented: Option<bool>,
}

impl Open {
    /// The first byte inside of it.
    fn inside(self) -> usize {
        self.at
            + match self.bracket {
                Bracket::Interpolation => 2,
                _ => 1,
            }
    }
}

/// Which way the braces of a file do not balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lacking {
    Nothing,
    Closers,
    Openers,
}

pub(crate) fn scan(source: &SourceFile, form: Form) -> Scan {
    let mut first = Scanner::new(source, Lacking::Nothing);
    if form == Form::Template {
        first.enter_template();
    }
    first.run();
    let lacking = first.lacking;
    let scanner = if lacking == Lacking::Nothing {
        first
    } else {
        let mut second = Scanner::new(source, lacking);
        if form == Form::Template {
            second.enter_template();
        }
        second.run();
        // Where the indent says nothing about the blocks, following it finds problems that are none.
        if second.problems.len() > first.problems.len() {
            first
        } else {
            second
        }
    };
    Scan {
        comments: scanner.comments,
        problems: scanner.problems,
        repairs: scanner.repairs,
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
    /// Made when the first heredoc asks.
    closing_lines: Option<ClosingLines<'s>>,
    /// The lines of merge conflicts, made when the first is met.
    markers: Option<Vec<Marker>>,
    /// Conditionals in a row outside of all brackets.
    questions: usize,
    /// Whether a comment that nothing closes swallowed the rest, closers and all.
    cut_short: bool,
    depth: usize,
    /// The indent of the current line.
    indent: usize,
    /// Where the current line starts.
    line: usize,
    /// One past the last byte that is neither blank nor comment.
    last: usize,
    heredocs: Vec<Heredoc>,
    comments: Vec<Comment>,
    problems: Vec<Problem>,
    repairs: Vec<Repair>,
    /// What was learnt about the braces.
    lacking: Lacking,
    /// The other side of a merge conflict, which is not walked: its brackets are the first side's once more.
    conflict: Option<(usize, usize)>,
    /// What is known about them from the first run.
    known: Lacking,
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
            closing_lines: None,
            markers: None,
            questions: 0,
            cut_short: false,
            line: 0,
            depth: 0,
            indent: 0,
            last: 0,
            heredocs: Vec::new(),
            comments: Vec::new(),
            problems: Vec::new(),
            repairs: Vec::new(),
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

    /// A template is text from its first byte on, as a heredoc is.
    fn enter_template(&mut self) {
        self.at = 0;
        self.heredocs.push(Heredoc::whole(self.text.len()));
    }

    fn run(&mut self) {
        self.line_start();
        loop {
            if self.at >= self.text.len() && !self.leave_interpolation() {
                break;
            }
            match self.open.last().map(|open| open.bracket) {
                Some(Bracket::Text) => self.in_text(),
                _ => self.in_code(),
            }
        }
        self.end_of_file();
    }

    // ---- code ----

    fn in_code(&mut self) {
        if self.leave_interpolation() {
            return;
        }
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
                if matches!(
                    self.open.last().map(|open| open.bracket),
                    None | Some(Bracket::Block)
                ) {
                    self.end_of_questions();
                }
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
            b',' => {
                self.end_of_questions();
                self.step();
            }
            b'=' if !matches!(self.byte(self.at + 1), b'=' | b'>') => {
                if !matches!(self.byte(self.at.wrapping_sub(1)), b'=' | b'!' | b'<' | b'>') {
                    self.end_of_questions();
                }
                self.step();
            }
            0x80.. | 0..0x20 | 0x7f => self.character(),
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
                self.repairs.push(Repair::Blank(start..self.text.len(), b' '));
                self.cut_short = true;
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
        let rest = &self.text[self.at + 1..];
        let end = rest.iter().position(|byte| matches!(byte, b'\'' | b'\n'));
        self.at += match end {
            Some(length) if rest[length] == b'\'' => length + 2,
            _ => 1,
        };
        self.last = self.at;
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        rest.iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |length| from + length)
    }

    fn end_of_file(&mut self) {
        let end = self.text.len();
        self.at = end;
        if self.texts > 0 {
            self.unclosed_text();
        }
        let last = self.last.min(end);
        while let Some(open) = self.open.last().copied() {
            if self.cut_short {
                self.open.pop();
                self.repairs
                    .push(Repair::Insert(end, format!("\n{}", open.bracket.closer())));
            } else {
                self.close_open(last);
            }
        }
    }
}
