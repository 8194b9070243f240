//! The formatter: one canonical form for a file.
//!
//! Two-space indents, one space around `=` without alignment, every entry of a block on a line of
//! its own. Comments, single blank lines, the text of strings and heredocs, and the breaks that
//! an author wrote behind an opening bracket or around an operator are kept. Nothing but white
//! space and commas ever changes.

mod layout;
mod walk;

use std::borrow::Cow;
use std::fmt;

pub(crate) use layout::{Trivia, Wrap};
pub(crate) use walk::{Leaf, Origin, Walk};

use crate::source::{SourceFile, Span};
use crate::tree::{Comment, CommentStyle, SyntaxTree};
use layout::Note;

/// Why a file was not formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has syntax problems.
    Broken,
    /// The formatter would have changed more than white space and commas: its own mistake, or a
    /// tree that is not the file's.
    Unfaithful,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Broken => "the file has syntax problems; fix them first",
            Self::Unfaithful => {
                "formatting would change the file's meaning; it is left alone, please report this"
            }
        })
    }
}

impl std::error::Error for Refused {}

/// The canonical form of `file`, whose tree is `tree`, in time linear in its length.
///
/// # Errors
/// [`Refused::Broken`] where the tree has syntax problems, [`Refused::Unfaithful`] where it is
/// not the tree of this file.
pub fn format(file: &SourceFile, tree: &SyntaxTree) -> Result<String, Refused> {
    if tree.broken {
        return Err(Refused::Broken);
    }
    let source = Source::new(file.text(), &tree.comments);
    let text = Walk::file(source, Wrap::Blocks, &tree.body);
    if substance(file.text()).eq(substance(&text)) {
        Ok(text)
    } else {
        Err(Refused::Unfaithful)
    }
}

/// What formatting never changes: all but white space and commas.
fn substance(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| *c != ',' && !is_blank(*c))
}

/// White space, and byte order marks, which the grammar takes for it.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Reads a source along its tree: all between two tokens is white space and comments.
struct Source<'t> {
    text: &'t str,
    /// Those not yet passed.
    comments: &'t [Comment],
    /// How far the text is read.
    at: usize,
    /// What was read and not yet asked for.
    pending: Trivia<'t>,
}

impl<'t> Source<'t> {
    fn new(text: &'t str, comments: &'t [Comment]) -> Self {
        Self {
            text,
            comments,
            at: 0,
            pending: Trivia::default(),
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Reads on to the next token.
    fn read_trivia(&mut self) {
        loop {
            let rest = self.rest();
            let token = rest.trim_start_matches(is_blank);
            let space = &rest[..rest.len() - token.len()];
            self.pending.newlines += space.bytes().filter(|byte| *byte == b'\n').count();
            self.at += space.len();
            // Comments inside an interpolation were passed with their string.
            while let Some((comment, later)) = self.comments.split_first()
                && comment.span.range().end <= self.at
            {
                self.comments = later;
            }
            let Some(comment) = self
                .comments
                .first()
                .filter(|comment| comment.span.range().start <= self.at)
            else {
                return;
            };
            let text = self.text.get(comment.span.range()).unwrap_or("");
            self.pending.notes.push(Note {
                newlines: std::mem::take(&mut self.pending.newlines),
                text: without_trailing_space(text),
                ends_line: comment.style != CommentStyle::Block,
            });
            self.at = comment.span.range().end;
        }
    }
}

impl<'t> Origin<'t> for Source<'t> {
    fn trivia(&mut self) -> Trivia<'t> {
        self.read_trivia();
        std::mem::take(&mut self.pending)
    }

    fn comma_follows(&mut self) -> bool {
        self.read_trivia();
        self.rest().starts_with(',')
    }

    fn line_ends(&self) -> bool {
        self.pending.ends_line()
    }

    fn mark(&mut self, mark: &'static str) {
        if self.rest().starts_with(mark) {
            self.at += mark.len();
        }
    }

    fn leaf(&mut self, span: Span, leaf: Leaf<'t>) -> Cow<'t, str> {
        let mut text = self.text.get(span.range()).unwrap_or("");
        if matches!(leaf, Leaf::Heredoc(_)) {
            text = text.trim_end_matches(['\n', '\r']);
        }
        self.at = span.range().start + text.len();
        with_plain_newlines(text)
    }

    fn adds_parens(&self) -> bool {
        false
    }
}

/// Lines end with `\n`. Where a second `\r` would become part of a line end by that, and vanish
/// from a heredoc's text, all stays as it is.
fn with_plain_newlines(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") && !text.contains("\r\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A comment, none of whose lines ends in white space.
fn without_trailing_space(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text.trim_end());
    }
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    Cow::Owned(lines.join("\n"))
}
