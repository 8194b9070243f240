//! The leaves of a tree, in order and without gaps: the proof that the tree's text is the input.

use crate::source::{SourceFile, Span};
use crate::tree::{Body, Entry, Expr, ExprKind, ObjectKey, SyntaxTree, Template, TemplatePart};

/// A leaf of a tree: a stretch of text of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// Where.
    pub span: Span,
}

/// What a stretch of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// A name: of an attribute, a block, a value, a function.
    Name,
    /// A number, a word that is a value, or a piece of a text.
    Literal,
    /// A comment.
    Comment,
    /// Brackets, operators, quotes, commas and the white space between; nothing else in a tree without problems.
    Between,
    /// What could not be read.
    Broken,
}

impl SyntaxTree {
    /// The leaves of the tree: each byte of the file is in exactly one.
    #[must_use]
    pub fn pieces(&self, source: &SourceFile) -> Vec<Piece> {
        let mut leaves = Vec::new();
        body(&self.body, &mut leaves);
        leaves.extend(self.comments.iter().map(|comment| Piece {
            kind: PieceKind::Comment,
            span: comment.span,
        }));
        leaves.sort_by_key(|piece| (piece.span.start, std::cmp::Reverse(piece.span.end)));
        let mut pieces = Vec::with_capacity(leaves.len() * 2);
        let mut at = 0;
        let end = source.span().end;
        let mut push = |kind, start: u32, end: u32| {
            if end > start {
                let span = Span {
                    start,
                    end,
                    ..self.span
                };
                pieces.push(Piece { kind, span });
            }
        };
        for leaf in leaves {
            if leaf.span.start < at {
                continue;
            }
            push(PieceKind::Between, at, leaf.span.start);
            push(leaf.kind, leaf.span.start, leaf.span.end);
            at = leaf.span.end.max(at);
        }
        push(PieceKind::Between, at, end);
        pieces
    }

    /// The documentation of the entry at `span`: the `///` lines right above it, without their marks.
    #[must_use]
    pub fn doc_before(&self, source: &SourceFile, span: Span) -> Option<String> {
        let mut line = source.position(span.start).line;
        let mut lines = Vec::new();
        for comment in self
            .comments
            .iter()
            .rev()
            .filter(|comment| comment.span.end <= span.start)
        {
            let at = source.position(comment.span.start).line;
            if comment.style != crate::tree::CommentStyle::Doc || at + 1 != line {
                break;
            }
            let text = source.slice(comment.span).trim_start_matches('/');
            lines.push(text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned());
            line = at;
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

fn push(leaves: &mut Vec<Piece>, kind: PieceKind, span: Span) {
    leaves.push(Piece { kind, span });
}

fn body(body: &Body, leaves: &mut Vec<Piece>) {
    for entry in &body.entries {
        match entry {
            Entry::Attribute(attribute) => {
                push(leaves, PieceKind::Name, attribute.name.span);
                expr(&attribute.value, leaves);
            }
            Entry::Block(block) => {
                push(leaves, PieceKind::Name, block.kind.span);
                for label in &block.labels {
                    template(&label.text, leaves);
                }
                self::body(&block.body, leaves);
            }
            Entry::Broken(broken) => push(leaves, PieceKind::Broken, broken.span),
        }
    }
}

fn template(template: &Template, leaves: &mut Vec<Piece>) {
    for part in &template.parts {
        match part {
            TemplatePart::Literal { span, .. } => push(leaves, PieceKind::Literal, *span),
            TemplatePart::Interpolation { expr: inner, .. } => expr(inner, leaves),
        }
    }
}

fn expr(at: &Expr, leaves: &mut Vec<Piece>) {
    match &at.kind {
        ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity(_) => {
            push(leaves, PieceKind::Literal, at.span);
        }
        ExprKind::Heredoc(_) => push(leaves, PieceKind::Literal, at.span),
        ExprKind::String(text) => template(text, leaves),
        ExprKind::List(items) => items.iter().for_each(|item| expr(item, leaves)),
        ExprKind::Object(entries) => {
            for entry in entries {
                match &entry.key {
                    ObjectKey::Name(name) => push(leaves, PieceKind::Name, name.span),
                    ObjectKey::String(key, _) => template(key, leaves),
                }
                expr(&entry.value, leaves);
            }
        }
        ExprKind::Name(_) => push(leaves, PieceKind::Name, at.span),
        ExprKind::Attribute(base, name) => {
            expr(base, leaves);
            push(leaves, PieceKind::Name, name.span);
        }
        ExprKind::Index(base, index) => {
            expr(base, leaves);
            expr(index, leaves);
        }
        ExprKind::Call(name, arguments) => {
            push(leaves, PieceKind::Name, name.span);
            arguments.iter().for_each(|argument| expr(argument, leaves));
        }
        ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => expr(inner, leaves),
        ExprKind::Binary(binary) => {
            expr(&binary.left, leaves);
            expr(&binary.right, leaves);
        }
        ExprKind::Conditional(conditional) => {
            expr(&conditional.condition, leaves);
            expr(&conditional.then, leaves);
            expr(&conditional.otherwise, leaves);
        }
        ExprKind::ForList(for_list) => {
            names(for_list.key.as_ref(), &for_list.item, leaves);
            expr(&for_list.collection, leaves);
            expr(&for_list.value, leaves);
            for_list
                .condition
                .iter()
                .for_each(|condition| expr(condition, leaves));
        }
        ExprKind::ForObject(for_object) => {
            names(for_object.key.as_ref(), &for_object.item, leaves);
            expr(&for_object.collection, leaves);
            expr(&for_object.new_key, leaves);
            expr(&for_object.new_value, leaves);
            for_object
                .condition
                .iter()
                .for_each(|condition| expr(condition, leaves));
        }
        ExprKind::Broken => push(leaves, PieceKind::Broken, at.span),
    }
}

fn names(key: Option<&crate::tree::Ident>, item: &crate::tree::Ident, leaves: &mut Vec<Piece>) {
    for name in key.into_iter().chain([item]) {
        push(leaves, PieceKind::Name, name.span);
    }
}
