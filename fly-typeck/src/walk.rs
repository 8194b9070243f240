//! Walks over syntax: every path that an expression or a body mentions.

use fly_syntax::Span;
use fly_syntax::tree::{Body, Entry, Expr, ExprKind, ObjectKey, Template, TemplatePart};
use smol_str::SmolStr;

use crate::expr::{Step, path};

/// Calls `found` with the root, the steps and the place of every path in the body.
pub(crate) fn body<'e>(body: &'e Body, found: &mut impl FnMut(&'e SmolStr, &[Step<'e>], Span)) {
    for entry in &body.entries {
        match entry {
            Entry::Attribute(attribute) => expr(&attribute.value, found),
            Entry::Block(block) => {
                for label in &block.labels {
                    template(&label.text, found);
                }
                self::body(&block.body, found);
            }
            Entry::Broken(_) => {}
        }
    }
}

/// Calls `found` with the root, the steps and the place of every path in the expression.
pub(crate) fn expr<'e>(at: &'e Expr, found: &mut impl FnMut(&'e SmolStr, &[Step<'e>], Span)) {
    match &at.kind {
        ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Quantity(_)
        | ExprKind::Broken => {}
        ExprKind::String(text) => template(text, found),
        ExprKind::Heredoc(heredoc) => template(&heredoc.text, found),
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter().for_each(|item| expr(item, found)),
        ExprKind::Object(entries) => {
            for entry in entries {
                if let ObjectKey::String(key, _) = &entry.key {
                    template(key, found);
                }
                expr(&entry.value, found);
            }
        }
        ExprKind::Name(_) | ExprKind::Attribute(..) | ExprKind::Index(..) => match path(at) {
            Some((root, _, steps)) => {
                for step in &steps {
                    if let Step::Index(index, _) = step {
                        expr(index, found);
                    }
                }
                found(root, &steps, at.span);
            }
            None => match &at.kind {
                ExprKind::Attribute(base, _) => expr(base, found),
                ExprKind::Index(base, index) => {
                    expr(base, found);
                    expr(index, found);
                }
                _ => {}
            },
        },
        ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => expr(inner, found),
        ExprKind::Binary(binary) => {
            expr(&binary.left, found);
            expr(&binary.right, found);
        }
        ExprKind::Conditional(conditional) => {
            expr(&conditional.condition, found);
            expr(&conditional.then, found);
            expr(&conditional.otherwise, found);
        }
        ExprKind::ForList(for_list) => {
            expr(&for_list.collection, found);
            expr(&for_list.value, found);
            if let Some(condition) = &for_list.condition {
                expr(condition, found);
            }
        }
        ExprKind::ForObject(for_object) => {
            expr(&for_object.collection, found);
            expr(&for_object.new_key, found);
            expr(&for_object.new_value, found);
            if let Some(condition) = &for_object.condition {
                expr(condition, found);
            }
        }
    }
}

fn template<'e>(template: &'e Template, found: &mut impl FnMut(&'e SmolStr, &[Step<'e>], Span)) {
    for part in &template.parts {
        if let TemplatePart::Interpolation { expr: inner, .. } = part {
            expr(inner, found);
        }
    }
}
