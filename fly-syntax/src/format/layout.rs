//! Where lines break: tokens, comments and bracket groups in, text out.
//!
//! [`super::walk`] tells the tokens in their order and names each gap between two of them. Only
//! when a bracket is closed is it known whether its content stays on one line, so the pieces are
//! kept until [`Layout::render`] writes them, in one pass.

use std::borrow::Cow;

/// A line that a block of one entry must fit to stay on it.
const WIDTH: usize = 100;
const INDENT: usize = 2;

/// What a group of tokens is; the rules for commas, spaces and breaks follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    File,
    Block,
    List,
    Object,
    Call,
    Index,
    Paren,
    Comprehension,
    ObjectComprehension,
}

impl Shape {
    /// Whether its entries stand on lines, and not between commas.
    fn is_body(self) -> bool {
        matches!(self, Self::File | Self::Block)
    }

    /// What stands inside its brackets on one line.
    fn padding(self) -> &'static str {
        match self {
            Self::Block | Self::Object | Self::ObjectComprehension => " ",
            _ => "",
        }
    }
}

/// What stands between two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Behind an opening bracket.
    First,
    /// Between two elements or entries.
    Item,
    /// Before a closing bracket.
    Last,
    /// Between two brackets with nothing inside.
    Only,
    /// Nothing.
    Tight,
    /// One space.
    Space,
    /// One space, or the line break that the author wrote there inside brackets.
    Bend,
}

/// Comments and line breaks between two tokens.
#[derive(Debug, Default)]
pub(crate) struct Trivia<'t> {
    pub(crate) notes: Vec<Note<'t>>,
    /// Line breaks behind the last comment.
    pub(crate) newlines: usize,
}

/// One comment.
#[derive(Debug)]
pub(crate) struct Note<'t> {
    /// Line breaks before it.
    pub(crate) newlines: usize,
    pub(crate) text: Cow<'t, str>,
    /// Whether it runs to the end of its line.
    pub(crate) ends_line: bool,
}

impl Trivia<'_> {
    pub(crate) fn ends_line(&self) -> bool {
        self.notes.iter().any(|note| note.ends_line)
    }

    fn has_newline(&self) -> bool {
        self.newlines > 0 || self.notes.iter().any(|note| note.newlines > 0)
    }

    /// How many line breaks the author wrote at `place`: before that note, or behind the last.
    fn newlines_at(&self, place: usize) -> usize {
        self.notes.get(place).map_or(self.newlines, |note| note.newlines)
    }

    /// Whether a line must end at `place`, because a comment before it runs to the line's end.
    fn must_break_at(&self, place: usize) -> bool {
        place > 0 && self.notes[place - 1].ends_line
    }
}

#[derive(Debug)]
enum Piece<'t> {
    Token(Cow<'t, str>),
    Heredoc(Cow<'t, str>),
    Gap(Gap, Trivia<'t>),
    Comma { last: bool },
    Open(usize),
    Close,
}

#[derive(Debug)]
struct Group {
    shape: Shape,
    /// Whether its elements stand on lines of their own.
    broken: bool,
    /// Whether it holds more than brackets.
    filled: bool,
    /// Whether there is a line break anywhere inside.
    has_newline: bool,
    /// Characters on one line; while the group is open, those before it.
    width: usize,
}

/// A text in the making.
#[derive(Debug)]
pub(crate) struct Layout<'t> {
    pieces: Vec<Piece<'t>>,
    groups: Vec<Group>,
    open: Vec<usize>,
    width: usize,
    wrap: Wrap,
}

/// What is broken because a line is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrap {
    /// Nothing.
    Never,
    /// Blocks: in expressions the author's own breaks are kept.
    Blocks,
    /// Every bracket but an index: there was no author.
    All,
}

impl<'t> Layout<'t> {
    pub(crate) fn new(wrap: Wrap) -> Self {
        Self {
            pieces: Vec::new(),
            groups: Vec::new(),
            open: Vec::new(),
            width: 0,
            wrap,
        }
    }

    pub(crate) fn open(&mut self, shape: Shape) {
        self.open.push(self.groups.len());
        self.pieces.push(Piece::Open(self.groups.len()));
        self.groups.push(Group {
            shape,
            broken: shape == Shape::File,
            filled: false,
            has_newline: false,
            width: self.width,
        });
    }

    pub(crate) fn close(&mut self) {
        self.pieces.push(Piece::Close);
        let Some(closed) = self.open.pop().and_then(|group| self.groups.get_mut(group)) else {
            return;
        };
        closed.width = self.width - closed.width;
        closed.broken |= closed.shape == Shape::Block && closed.has_newline;
        if closed.broken || closed.has_newline {
            self.note_newline();
        }
    }

    /// The innermost open group is written on several lines.
    pub(crate) fn break_group(&mut self) {
        if let Some(group) = self.innermost() {
            group.broken = true;
        }
    }

    pub(crate) fn token(&mut self, text: Cow<'t, str>) {
        self.width += text.chars().count();
        if text.contains('\n') {
            self.note_newline();
        }
        self.pieces.push(Piece::Token(text));
    }

    /// A heredoc, without the line break behind its terminator.
    pub(crate) fn heredoc(&mut self, text: Cow<'t, str>) {
        self.break_group();
        self.pieces.push(Piece::Heredoc(text));
    }

    pub(crate) fn comma(&mut self, last: bool) {
        self.width += usize::from(!last);
        self.pieces.push(Piece::Comma { last });
    }

    pub(crate) fn gap(&mut self, gap: Gap, trivia: Trivia<'t>) {
        let commented = !trivia.notes.is_empty();
        let notes = trivia.notes.iter().map(|note| note.text.chars().count() + 1);
        self.width += notes.sum::<usize>();
        if let Some(group) = self.innermost() {
            let shape = group.shape;
            group.filled |= gap != Gap::Only || commented;
            group.broken |= trivia.ends_line()
                || match gap {
                    Gap::First | Gap::Last if shape == Shape::Block => commented || trivia.has_newline(),
                    Gap::Only if shape == Shape::Block => commented,
                    Gap::Only => commented && trivia.has_newline(),
                    Gap::First => trivia.has_newline() && shape != Shape::Index,
                    Gap::Bend => trivia.has_newline() && shape != Shape::Index && !shape.is_body(),
                    Gap::Item | Gap::Last | Gap::Tight | Gap::Space => false,
                };
            self.width += match gap {
                Gap::First | Gap::Last => shape.padding().len(),
                Gap::Item | Gap::Space | Gap::Bend => 1,
                Gap::Only | Gap::Tight => 0,
            };
        }
        self.pieces.push(Piece::Gap(gap, trivia));
    }

    fn innermost(&mut self) -> Option<&mut Group> {
        self.groups.get_mut(*self.open.last()?)
    }

    fn note_newline(&mut self) {
        if let Some(group) = self.innermost() {
            group.has_newline = true;
        }
    }

    /// The text of all pieces.
    pub(crate) fn render(&self) -> String {
        let mut page = Page {
            text: String::new(),
            column: 0,
            indent: 0,
            line_is_over: false,
            frames: Vec::new(),
        };
        for piece in &self.pieces {
            match piece {
                Piece::Token(text) => page.write(text),
                Piece::Heredoc(text) => {
                    page.write(text);
                    page.line_is_over = true;
                }
                Piece::Gap(gap, trivia) => page.gap(*gap, trivia),
                Piece::Comma { last } => page.comma(*last),
                Piece::Open(group) => {
                    let group = &self.groups[*group];
                    let too_long = self.wraps(group) && page.column + group.width > WIDTH;
                    page.open(group.shape, group.broken || too_long);
                }
                Piece::Close => {
                    page.frames.pop();
                }
            }
        }
        page.text
    }

    fn wraps(&self, group: &Group) -> bool {
        group.filled
            && match self.wrap {
                Wrap::Never => false,
                Wrap::Blocks => group.shape == Shape::Block,
                Wrap::All => group.shape != Shape::Index,
            }
    }
}

/// The text so far, and where its end stands.
struct Page {
    text: String,
    column: usize,
    /// Of the line that is being written.
    indent: usize,
    /// Whether nothing more may be written on this line.
    line_is_over: bool,
    frames: Vec<Frame>,
}

/// An open group.
#[derive(Clone, Copy)]
struct Frame {
    shape: Shape,
    broken: bool,
    /// Of the line that opened it, on which its closing bracket aligns.
    outside: usize,
    /// Of its elements.
    inside: usize,
}

impl Frame {
    /// The indent of a line that goes on with an element begun on an earlier line.
    fn continued(self) -> usize {
        match self.shape {
            Shape::Paren | Shape::Comprehension | Shape::ObjectComprehension => self.inside,
            _ => self.inside + INDENT,
        }
    }
}

impl Page {
    fn open(&mut self, shape: Shape, broken: bool) {
        let inside = match shape {
            Shape::File => 0,
            _ => self.indent + INDENT,
        };
        self.frames.push(Frame {
            shape,
            broken,
            outside: self.indent,
            inside,
        });
    }

    fn frame(&self) -> Frame {
        self.frames.last().copied().unwrap_or(Frame {
            shape: Shape::Paren,
            broken: false,
            outside: 0,
            inside: 0,
        })
    }

    fn write(&mut self, text: &str) {
        if self.line_is_over {
            self.newline(self.frame().inside, false);
        }
        match text.rfind('\n') {
            Some(newline) => self.column = text[newline + 1..].chars().count(),
            None => self.column += text.chars().count(),
        }
        self.text.push_str(text);
    }

    fn newline(&mut self, indent: usize, blank: bool) {
        if !self.text.is_empty() {
            self.text.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
        self.indent = indent;
        self.line_is_over = false;
    }

    fn comma(&mut self, last: bool) {
        let frame = self.frame();
        let written = match (frame.broken, last) {
            (false, last) => !last,
            (true, false) => frame.shape != Shape::Object,
            // A comma behind a heredoc would need a line to itself.
            (true, true) => frame.shape == Shape::List && !self.line_is_over,
        };
        if written {
            self.write(",");
        }
    }

    fn gap(&mut self, gap: Gap, trivia: &Trivia<'_>) {
        let frame = self.frame();
        let end = trivia.notes.len();
        let on_lines = frame.broken && matches!(gap, Gap::First | Gap::Item | Gap::Last | Gap::Only);
        let kept = on_lines || (frame.broken && gap == Gap::Bend) || trivia.ends_line();
        let breaks = |place: usize| (kept && trivia.newlines_at(place) > 0) || trivia.must_break_at(place);
        // Where elements stand on lines, a gap has a break: the author's, or the first possible;
        // a closing bracket has its line to itself.
        let closes = on_lines && matches!(gap, Gap::Last | Gap::Only);
        let forced = if closes {
            Some(end)
        } else if on_lines && !(0..=end).any(breaks) {
            Some(0)
        } else {
            None
        };
        for place in 0..=end {
            let opening = matches!(gap, Gap::First | Gap::Only) && place == 0;
            let closing = matches!(gap, Gap::Last | Gap::Only) && place == end;
            if breaks(place) || forced == Some(place) {
                let blank = on_lines && !opening && !closing && trivia.newlines_at(place) > 1;
                let indent = match on_lines {
                    true if closing => frame.outside,
                    true => frame.inside,
                    false => frame.continued(),
                };
                if !(frame.shape == Shape::File && closing && self.text.is_empty()) {
                    self.newline(indent, blank);
                }
            } else if !self.line_is_over && !self.text.is_empty() {
                self.write(match gap {
                    Gap::Only if end == 0 => "",
                    _ if (opening || closing) && !frame.broken => frame.shape.padding(),
                    Gap::Tight if end == 0 || (place == end && !trivia.notes.is_empty()) => "",
                    _ => " ",
                });
            }
            if let Some(note) = trivia.notes.get(place) {
                self.write(&note.text);
                self.line_is_over = note.ends_line;
            }
        }
    }
}
