//! Source files, and places in them.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Names one file of a Nest: its index in the list of files that were read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one file; `start <= end`, both on character borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `range` in `file`.
    #[must_use]
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self {
            file,
            start: offset(range.start),
            end: offset(range.end),
        }
    }

    /// The range of bytes, for slicing the file's text.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both; they must lie in one file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span at the first byte of this one.
    #[must_use]
    pub fn at_start(self) -> Span {
        Span {
            end: self.start,
            ..self
        }
    }

    /// The empty span just behind the last byte of this one.
    #[must_use]
    pub fn at_end(self) -> Span {
        Span {
            start: self.end,
            ..self
        }
    }

    /// Whether `other` lies wholly inside this span.
    #[must_use]
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// Files are bounded far below 4 GiB by whoever reads them, so saturating loses nothing.
fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

/// One `.fly` or `.flyvars` file: its path, for people, and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The file's place in the list it was read with.
    pub id: FileId,
    /// The path relative to the Nest's root, with `/` between folders.
    pub path: Arc<str>,
    text: Arc<str>,
    /// What was read, where that was not UTF-8; `text` then has one `?` for each bad byte.
    raw: Option<Arc<[u8]>>,
    lines: OnceLock<Arc<[u32]>>,
}

/// A place as people and editors count it: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl SourceFile {
    /// A file whose text is known to be UTF-8.
    #[must_use]
    pub fn new(id: FileId, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            id,
            path: path.into(),
            text: text.into(),
            raw: None,
            lines: OnceLock::new(),
        }
    }

    /// A file from bytes of any kind. Each byte that is not part of valid UTF-8 becomes one `?`
    /// in the text, so that places stay true; the parser reports the first of them.
    #[must_use]
    pub fn from_bytes(id: FileId, path: impl Into<Arc<str>>, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::new(id, path, text),
            Err(error) => {
                let raw = error.into_bytes();
                let mut text = String::with_capacity(raw.len());
                for chunk in raw.utf8_chunks() {
                    text.push_str(chunk.valid());
                    text.extend(chunk.invalid().iter().map(|_| '?'));
                }
                Self {
                    raw: Some(raw.into()),
                    ..Self::new(id, path, text)
                }
            }
        }
    }

    /// The text that spans point into.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes as they were read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.text.as_bytes())
    }

    /// The byte offset of the first byte that is not UTF-8.
    #[must_use]
    pub fn first_invalid_byte(&self) -> Option<usize> {
        let raw = self.raw.as_deref()?;
        std::str::from_utf8(raw).err().map(|error| error.valid_up_to())
    }

    /// Whether the file starts with a byte order mark, which is read as a blank.
    #[must_use]
    pub fn has_bom(&self) -> bool {
        self.text.starts_with('\u{feff}')
    }

    /// The text of a span of this file; empty where the span does not fit the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The span of the whole file.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.id, 0..self.text.len())
    }

    /// Where a byte offset is, as people count.
    #[must_use]
    pub fn position(&self, byte: u32) -> Position {
        let lines = self.line_starts();
        let line = lines.partition_point(|start| *start <= byte);
        let start = lines[line - 1] as usize;
        let mut byte = (byte as usize).min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let column = self.text[start..byte.max(start)].chars().count();
        Position {
            line: offset(line),
            column: offset(column + 1),
        }
    }

    /// The line that a byte offset is on, from 1: much cheaper than [`Self::position`], which counts characters.
    #[must_use]
    pub fn line(&self, byte: u32) -> u32 {
        offset(self.line_starts().partition_point(|start| *start <= byte))
    }

    /// The byte offset at which each line starts; never empty.
    #[must_use]
    pub fn line_starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let newlines = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0)
                .chain(newlines.map(|(at, _)| offset(at + 1)))
                .collect()
        })
    }
}
