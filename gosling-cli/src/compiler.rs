//! The compiler's doors, where two of its crates are one to us.

pub(crate) use fly_typeck::{MASK, Names, check, evaluate, exposed, withhold};

/// Every kind of problem, of the syntax and of what it means.
pub(crate) fn kinds() -> Vec<&'static fly_syntax::Kind> {
    let mut kinds = fly_syntax::problems::kinds();
    kinds.extend(fly_typeck::problems::kinds());
    kinds
}

/// The whole Nest as one value.
pub(crate) fn nest_value(checked: &fly_typeck::Checked) -> fly_typeck::Value {
    fly_typeck::nest_value(&checked.blocks)
}
