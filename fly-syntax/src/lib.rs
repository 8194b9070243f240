//! Fly's text: source in, lossless tree and problems out; and the formatter.

pub mod diagnostic;
pub mod source;
pub mod tree;

mod number;
mod parser;
mod pieces;
pub mod problems;
mod scan;

pub use diagnostic::{Edit, Kind, Label, Problem, Severity, Suggestion};
pub use parser::{parse, parse_expression, parse_predicate, parse_template};
pub use pieces::{Piece, PieceKind};
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
