//! Whether two trees say the same, wherever it is written.

use crate::tree::{
    Attribute, Block, Body, Entry, Expr, ExprKind, Ident, ObjectKey, Quantity, Template, TemplatePart,
};

/// Whether two bodies differ in nothing but places, parentheses around values, and the
/// terminators of heredocs. What could not be read is like nothing, itself included.
///
/// It works off a list of its own, so that the depth of a tree does not matter.
#[must_use]
pub fn same_meaning(left: &Body, right: &Body) -> bool {
    let mut pairs = Pairs(vec![Pair::Bodies(left, right)]);
    while let Some(pair) = pairs.0.pop() {
        let same = match pair {
            Pair::Bodies(left, right) => pairs.bodies(left, right),
            Pair::Exprs(left, right) => pairs.exprs(left, right),
        };
        if !same {
            return false;
        }
    }
    true
}

enum Pair<'t> {
    Bodies(&'t Body, &'t Body),
    Exprs(&'t Expr, &'t Expr),
}

/// What is still to be compared. Each method compares one level, and leaves the next here.
struct Pairs<'t>(Vec<Pair<'t>>);

impl<'t> Pairs<'t> {
    fn later(&mut self, left: &'t Expr, right: &'t Expr) -> bool {
        self.0.push(Pair::Exprs(left, right));
        true
    }

    fn bodies(&mut self, left: &'t Body, right: &'t Body) -> bool {
        all(&left.entries, &right.entries, |left, right| match (left, right) {
            (Entry::Attribute(left), Entry::Attribute(right)) => self.attributes(left, right),
            (Entry::Block(left), Entry::Block(right)) => self.blocks(left, right),
            _ => false,
        })
    }

    fn attributes(&mut self, left: &'t Attribute, right: &'t Attribute) -> bool {
        left.name.name == right.name.name && self.later(&left.value, &right.value)
    }

    fn blocks(&mut self, left: &'t Block, right: &'t Block) -> bool {
        self.0.push(Pair::Bodies(&left.body, &right.body));
        left.kind.name == right.kind.name
            && all(&left.labels, &right.labels, |left, right| {
                self.templates(&left.text, &right.text)
            })
    }

    fn exprs(&mut self, left: &'t Expr, right: &'t Expr) -> bool {
        use ExprKind as K;
        match (&bare(left).kind, &bare(right).kind) {
            (K::Bool(left), K::Bool(right)) => left == right,
            (K::Int(left), K::Int(right)) => left == right,
            (K::Float(left), K::Float(right)) => left.to_bits() == right.to_bits(),
            (K::Quantity(left), K::Quantity(right)) => same_quantity(*left, *right),
            (K::String(left), K::String(right)) => self.templates(left, right),
            (K::Heredoc(left), K::Heredoc(right)) => self.templates(&left.text, &right.text),
            (K::Name(left), K::Name(right)) => left == right,
            (K::List(left), K::List(right)) => all(left, right, |left, right| self.later(left, right)),
            (K::Object(left), K::Object(right)) => all(left, right, |left, right| {
                self.keys(&left.key, &right.key) && self.later(&left.value, &right.value)
            }),
            (K::Attribute(left, name), K::Attribute(right, other)) => {
                name.name == other.name && self.later(left, right)
            }
            (K::Index(left, index), K::Index(right, other)) => {
                self.later(left, right) && self.later(index, other)
            }
            (K::Call(name, left), K::Call(other, right)) => {
                name.name == other.name && all(left, right, |left, right| self.later(left, right))
            }
            (K::Unary(operator, left), K::Unary(other, right)) => {
                operator == other && self.later(left, right)
            }
            (K::Binary(left), K::Binary(right)) => {
                left.operator == right.operator
                    && self.later(&left.left, &right.left)
                    && self.later(&left.right, &right.right)
            }
            (K::Conditional(left), K::Conditional(right)) => {
                self.later(&left.condition, &right.condition)
                    && self.later(&left.then, &right.then)
                    && self.later(&left.otherwise, &right.otherwise)
            }
            (K::ForList(left), K::ForList(right)) => {
                same_name(left.key.as_ref(), right.key.as_ref())
                    && left.item.name == right.item.name
                    && self.later(&left.collection, &right.collection)
                    && self.later(&left.value, &right.value)
                    && self.optional(left.condition.as_ref(), right.condition.as_ref())
            }
            (K::ForObject(left), K::ForObject(right)) => {
                same_name(left.key.as_ref(), right.key.as_ref())
                    && left.item.name == right.item.name
                    && self.later(&left.collection, &right.collection)
                    && self.later(&left.new_key, &right.new_key)
                    && self.later(&left.new_value, &right.new_value)
                    && self.optional(left.condition.as_ref(), right.condition.as_ref())
            }
            _ => false,
        }
    }

    fn optional(&mut self, left: Option<&'t Expr>, right: Option<&'t Expr>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => self.later(left, right),
            (left, right) => left.is_none() && right.is_none(),
        }
    }

    fn keys(&mut self, left: &'t ObjectKey, right: &'t ObjectKey) -> bool {
        match (left, right) {
            (ObjectKey::Name(left), ObjectKey::Name(right)) => left.name == right.name,
            (ObjectKey::String(left, _), ObjectKey::String(right, _)) => self.templates(left, right),
            _ => false,
        }
    }

    fn templates(&mut self, left: &'t Template, right: &'t Template) -> bool {
        use TemplatePart as P;
        all(&left.parts, &right.parts, |left, right| match (left, right) {
            (P::Literal { text, .. }, P::Literal { text: other, .. }) => text == other,
            (P::Interpolation { expr, .. }, P::Interpolation { expr: other, .. }) => self.later(expr, other),
            _ => false,
        })
    }
}

/// Whether both have the same length and `same` holds for each pair.
fn all<'t, T>(left: &'t [T], right: &'t [T], mut same: impl FnMut(&'t T, &'t T) -> bool) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
}

fn same_name(left: Option<&Ident>, right: Option<&Ident>) -> bool {
    left.map(|ident| &ident.name) == right.map(|ident| &ident.name)
}

fn same_quantity(left: Quantity, right: Quantity) -> bool {
    match (left, right) {
        (Quantity::Percent(left), Quantity::Percent(right)) => left.to_bits() == right.to_bits(),
        (left, right) => left == right,
    }
}

/// The value inside any parentheses.
fn bare(mut expr: &Expr) -> &Expr {
    while let ExprKind::Paren(inner) = &expr.kind {
        expr = inner;
    }
    expr
}
