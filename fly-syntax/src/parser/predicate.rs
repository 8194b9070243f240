//! Conditions written as text: `AND`, `OR`, `NOT`, single quotes.

use super::expressions::{binary, broken, operator};
use super::{Builder, Node, Rule};
use crate::problems;
use crate::scan::MOST_NESTING;
use crate::source::Span;
use crate::tree::{BinaryOperator, Expr, ExprKind, UnaryOperator};

impl Builder<'_> {
    pub(super) fn predicate(&mut self, node: Node<'_>) -> Option<Expr> {
        let inner = node.into_inner().next()?;
        self.predicate_part(inner)
    }

    fn predicate_part(&mut self, node: Node<'_>) -> Option<Expr> {
        let span = self.span(&node);
        match node.as_rule() {
            Rule::predicate_or => self.joined(node, BinaryOperator::Or),
            Rule::predicate_and => self.joined(node, BinaryOperator::And),
            Rule::predicate_not => {
                let mut negations = Vec::new();
                let mut value = None;
                for part in node.into_inner() {
                    if part.as_rule() == Rule::not_word {
                        negations.push(self.span(&part));
                    } else {
                        value = self.predicate_part(part);
                    }
                }
                let value = value?;
                if self.is_too_long(negations.len(), span) {
                    return Some(broken(span));
                }
                if negations.is_empty() {
                    return Some(value);
                }
                // `NOT` reaches over a comparison, `!` only over what is in parentheses then.
                let inner = match value.kind {
                    ExprKind::Binary(_) => Expr {
                        span: value.span,
                        kind: ExprKind::Paren(Box::new(value)),
                    },
                    _ => value,
                };
                Some(negations.into_iter().rev().fold(inner, |value, at| Expr {
                    span: at.to(value.span),
                    kind: ExprKind::Unary(UnaryOperator::Not, Box::new(value)),
                }))
            }
            Rule::predicate_comparison => {
                let mut inner = node.into_inner();
                let left = self.predicate_part(inner.next()?)?;
                let Some(sign) = inner.next() else {
                    return Some(left);
                };
                let sign_span = self.span(&sign);
                let right = self.predicate_part(inner.next()?)?;
                Some(binary((operator(sign.as_str()), sign_span), left, right))
            }
            Rule::predicate_operand => self.predicate_part(node.into_inner().next()?).map(|inner| {
                if inner.span == span {
                    return inner;
                }
                let kind = ExprKind::Paren(Box::new(inner));
                Expr { kind, span }
            }),
            Rule::word_path if self.is_too_long(node.clone().into_inner().count(), span) => {
                Some(broken(span))
            }
            Rule::word_path => {
                let mut value: Option<Expr> = None;
                for part in node.into_inner() {
                    let at = self.span(&part);
                    value = Some(match (value, part.as_rule()) {
                        (Some(base), Rule::field) => {
                            let name = self.ident(&part.into_inner().next()?);
                            let span = base.span.to(at);
                            let kind = ExprKind::Attribute(Box::new(base), name);
                            Expr { kind, span }
                        }
                        (_, _) => {
                            let kind = match part.as_str() {
                                "true" => ExprKind::Bool(true),
                                "false" => ExprKind::Bool(false),
                                name => ExprKind::Name(name.into()),
                            };
                            Expr { kind, span: at }
                        }
                    });
                }
                value
            }
            Rule::single_quoted | Rule::plain_text => {
                let text = node.as_str();
                Some(self.plain_text(&text[1..text.len() - 1], span))
            }
            Rule::number | Rule::call => Some(self.primary_of(node)),
            _ => Some(broken(span)),
        }
    }

    fn joined(&mut self, node: Node<'_>, operator: BinaryOperator) -> Option<Expr> {
        let span = self.span(&node);
        if self.is_too_long(node.clone().into_inner().count(), span) {
            return Some(broken(span));
        }
        let mut value: Option<Expr> = None;
        for part in node.into_inner() {
            let next = self.predicate_part(part)?;
            value = Some(match value {
                None => next,
                Some(before) => {
                    let between = before.span.at_end();
                    binary((operator, between), before, next)
                }
            });
        }
        value
    }

    /// Reports what has so many parts in a row that its tree would be too deep.
    fn is_too_long(&mut self, parts: usize, span: Span) -> bool {
        let long = parts > MOST_NESTING;
        if long {
            self.problems
                .push(problems::too_deep::problem(span, "conditions", MOST_NESTING));
        }
        long
    }
}
