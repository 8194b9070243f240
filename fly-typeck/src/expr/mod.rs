//! Expressions: from syntax to a typed form with every conversion written out, and from there to a value.

mod access;
mod convert;
mod elaborate;
mod evaluate;
mod operators;
mod strings;

use fly_syntax::Span;
use fly_syntax::tree::BinaryOperator;
use smol_str::SmolStr;

use crate::functions::Function;
use crate::globals::Global;
use crate::types::{Reference, Type};
use crate::value::Value;
use fly_domain::TextForm;

pub(crate) use access::{Member, ROOTS, Step, member, path, reference_name};
pub(crate) use convert::{fits, unify, unify_all};
pub(crate) use elaborate::{Binding, Elaborator};
pub(crate) use evaluate::{Evaluator, Failure};
pub(crate) use operators::compare;

/// An expression whose type is known and whose conversions are explicit; evaluating it decides nothing more.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) ty: Type,
    pub(crate) span: Span,
    pub(crate) node: Node,
}

/// What a typed expression is.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Constant(Value),
    Global(Global),
    /// A name of a comprehension, of `each`, or a fact; an index into the bindings.
    Slot(usize),
    Field(Box<Typed>, SmolStr),
    Index(Box<Typed>, Box<Typed>),
    Call(&'static Function, Vec<Typed>),
    Not(Box<Typed>),
    Negate(Box<Typed>),
    Binary(BinaryOperator, Box<Typed>, Box<Typed>),
    Conditional(Box<Typed>, Box<Typed>, Box<Typed>),
    ForList(Box<ForList>),
    ForObject(Box<ForObject>),
    Template(Vec<Piece>),
    List(Vec<Typed>),
    Object(Vec<(Key, Typed)>),
    Convert(Conversion, Box<Typed>),
    /// A part whose problem is reported already.
    Poison,
}

/// A part of a template.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(SmolStr),
    Value(Typed),
}

/// A key of an object.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Text(SmolStr, Span),
    Computed(Typed),
}

/// A comprehension's walk; the key and the item take the next two bindings.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    pub(crate) collection: Typed,
    pub(crate) condition: Option<Typed>,
    /// What the item is called, for the values under a failed check.
    pub(crate) item: SmolStr,
}

/// `[for x in xs : value if condition]`
#[derive(Debug, Clone)]
pub(crate) struct ForList {
    pub(crate) walk: Walk,
    pub(crate) value: Typed,
}

/// `{ for k, v in m : key => value if condition }`
#[derive(Debug, Clone)]
pub(crate) struct ForObject {
    pub(crate) walk: Walk,
    pub(crate) key: Typed,
    pub(crate) value: Typed,
}

/// A change of a value's form that its type allows.
#[derive(Debug, Clone)]
pub(crate) enum Conversion {
    IntToFloat,
    /// A list without repeats becomes a set, ordered.
    ListToSet,
    /// Each element or entry is converted.
    Each(Box<Conversion>),
    /// Text that was put together is read as one of these forms.
    Text(Vec<TextForm>),
    /// Text that was put together is read as a secret's URI.
    Secret,
    /// Text that was put together is the name of something declared.
    Name(Reference),
}

impl Typed {
    pub(crate) fn constant(value: Value, ty: Type, span: Span) -> Self {
        let node = Node::Constant(value);
        Self { ty, span, node }
    }

    pub(crate) fn poison(span: Span) -> Self {
        Self {
            ty: Type::Unknown,
            span,
            node: Node::Poison,
        }
    }

    pub(crate) fn is_poison(&self) -> bool {
        matches!(self.node, Node::Poison)
    }
}

/// The word that an attribute plainly says, as text or as a provider's path: it may choose a variant.
pub(crate) fn plain_word(expr: &fly_syntax::tree::Expr) -> Option<SmolStr> {
    reference_name(expr, crate::types::Reference::Provider)
}
