//! Parsing, printing and formatting, from outside.
#![allow(clippy::unwrap_used, clippy::panic)]

use fly_syntax::{FileId, Parsed, SourceFile};

mod format;
mod parse;
mod print;
mod trees;

/// A text as a file, and what parsing it gives.
fn parsed(text: &str) -> (SourceFile, Parsed) {
    let file = SourceFile::new(FileId(0), "Lib/test.fly", text);
    let parsed = fly_syntax::parse(&file);
    (file, parsed)
}
