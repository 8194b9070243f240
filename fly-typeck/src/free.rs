//! The value of an expression that stands outside of any block.

use fly_syntax::tree::Expr;

use crate::expr::{Binding, Elaborator, Evaluator, Failure};
use crate::globals::Globals;
use crate::sink::Sink;
use crate::types::Type;
use crate::value::Value;

/// The value and type of an expression outside of any block: a local, a default, `gosling eval`.
pub(crate) fn free_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    expr: &Expr,
    wanted: Option<&Type>,
) -> (Type, Option<Value>) {
    bound_value(globals, sink, expr, wanted, Vec::new(), Vec::new())
}

/// The same, with names that hold in this expression only and their values.
pub(crate) fn bound_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    expr: &Expr,
    wanted: Option<&Type>,
    bindings: Vec<Binding>,
    slots: Vec<Option<Value>>,
) -> (Type, Option<Value>) {
    let mut elaborator = Elaborator {
        globals,
        bindings,
        facts: false,
        prose: false,
        sink,
    };
    let typed = elaborator.expr(expr, wanted);
    if typed.is_poison() {
        return (Type::Unknown, None);
    }
    match Evaluator::new(globals, slots).value(&typed) {
        Ok(value) => (typed.ty, Some(value)),
        Err(Failure::Silent) => (typed.ty, None),
        Err(Failure::Problem(problem) | Failure::NotSet(problem)) => {
            sink.push(*problem);
            (typed.ty, None)
        }
    }
}
