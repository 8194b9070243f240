//! What the tests of words need.

use fly_syntax::{FileId, Span};

/// A place in some file.
pub(crate) fn here(start: usize, end: usize) -> Span {
    Span::new(FileId(0), start..end)
}
