//! Spans as files, lines and columns.

use std::cell::OnceCell;

use fly_syntax::{Position, SourceFile, Span};

/// A span as people and editors count it: all from 1, columns in characters, the end behind the last character.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place<'a> {
    /// Relative to the Nest.
    pub file: &'a str,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// One past the last column.
    pub end_column: u32,
}

/// Finds places in files. Remembers which files are ASCII, where a column needs no counting: ten thousand problems
/// on one endless line would count for minutes.
#[derive(Debug)]
pub struct Places<'a> {
    files: &'a [SourceFile],
    ascii: Vec<OnceCell<bool>>,
}

impl<'a> Places<'a> {
    /// Over the files that spans point into.
    #[must_use]
    pub fn new(files: &'a [SourceFile]) -> Self {
        Self {
            files,
            ascii: vec![OnceCell::new(); files.len()],
        }
    }

    /// The file of a span.
    #[must_use]
    pub fn file(&self, span: Span) -> Option<&'a SourceFile> {
        self.files.get(span.file.0 as usize)
    }

    /// Where a span is.
    #[must_use]
    pub fn place(&self, span: Span) -> Place<'a> {
        let start = self.position(span, span.start);
        let end = self.position(span, span.end.max(span.start));
        Place {
            file: self.file(span).map_or("", |file| &file.path),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }

    fn position(&self, span: Span, byte: u32) -> Position {
        let index = span.file.0 as usize;
        let (Some(file), Some(ascii)) = (self.files.get(index), self.ascii.get(index)) else {
            return Position { line: 1, column: 1 };
        };
        if !ascii.get_or_init(|| file.text().is_ascii()) {
            return file.position(byte);
        }
        let starts = file.line_starts();
        let line = starts.partition_point(|start| *start <= byte).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0);
        let end = u32::try_from(file.text().len()).unwrap_or(u32::MAX);
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: byte.min(end).saturating_sub(start) + 1,
        }
    }
}
