//! Integers without a unit where one is understood, in parentheses and in the branches of a conditional too.

use std::borrow::Cow;

use fly_syntax::tree::{Conditional, Expr, ExprKind};

use crate::literal;
use crate::problems;
use crate::sink::Sink;
use crate::types::Type;

/// The value with the unit behind each bare integer that is its result, and a lint for each that offers to write it.
/// `unit` is what is understood for `name`, besides the `%` of a percentage.
pub(crate) fn with_unit<'e>(
    expr: &'e Expr,
    unit: Option<&str>,
    ty: &Type,
    name: &str,
    sink: &mut Sink,
) -> Cow<'e, Expr> {
    let unit = match (unit, ty) {
        (Some(unit), _) => unit,
        (None, Type::Percent) => "%",
        _ => return Cow::Borrowed(expr),
    };
    if !is_bare(expr) {
        return Cow::Borrowed(expr);
    }
    Cow::Owned(added(expr, unit, ty, name, sink))
}

fn is_bare(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) => true,
        ExprKind::Paren(inner) => is_bare(inner),
        ExprKind::Conditional(choice) => is_bare(&choice.then) || is_bare(&choice.otherwise),
        _ => false,
    }
}

// As deep as the expression itself, whose depth the parser bounds.
fn added(expr: &Expr, unit: &str, ty: &Type, name: &str, sink: &mut Sink) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Int(number) => {
            let value = literal::text(&format!("{number}{unit}"), ty).ok().flatten();
            match value.as_ref().and_then(literal::written) {
                Some(kind) => {
                    sink.push(problems::bare_number::problem(expr.span, name, unit));
                    kind
                }
                None => expr.kind.clone(),
            }
        }
        ExprKind::Paren(inner) => ExprKind::Paren(Box::new(added(inner, unit, ty, name, sink))),
        ExprKind::Conditional(choice) => ExprKind::Conditional(Box::new(Conditional {
            condition: choice.condition.clone(),
            then: added(&choice.then, unit, ty, name, sink),
            otherwise: added(&choice.otherwise, unit, ty, name, sink),
        })),
        other => other.clone(),
    };
    Expr {
        kind,
        span: expr.span,
    }
}
