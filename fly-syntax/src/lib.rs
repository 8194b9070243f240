//! Fly's text: source in, lossless tree and problems out; and the formatter.

pub mod diagnostic;
pub mod format;
pub mod meaning;
pub mod print;
pub mod source;
pub mod tree;

mod number;
mod parser;
mod pieces;
pub mod problems;
mod scan;

pub use diagnostic::{Edit, Kind, Label, Problem, Severity, Suggestion};
pub use format::{Refused, format};
pub use meaning::same_meaning;
pub use parser::{parse, parse_expression, parse_predicate, parse_template};
pub use pieces::{Piece, PieceKind};
pub use print::print;
pub use scan::{invisible, looks_like_entry};
pub use source::{FileId, Position, SourceFile, Span};
pub use tree::SyntaxTree;

/// What parsing a file gives: always a tree, and all that is wrong with the text.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The tree; its text is the input, whatever the input is.
    pub tree: SyntaxTree,
    /// In the order of their places.
    pub problems: Vec<Problem>,
}
