//! Types as a function wants them.

use super::Mismatch;
use crate::expr::unify;
use crate::types::Type;

/// The type of an argument; what is missing is unknown.
pub(super) fn ty(types: &[Type], at: usize) -> &Type {
    types.get(at).unwrap_or(&Type::Unknown)
}

pub(super) fn mismatch(argument: usize, expected: impl Into<String>) -> Mismatch {
    Mismatch {
        argument,
        expected: expected.into(),
    }
}

/// Whether `test` holds for a type, whatever member of a union it is. It holds for what is unknown.
pub(super) fn always(ty: &Type, test: fn(&Type) -> bool) -> bool {
    match ty {
        Type::Unknown => true,
        Type::Union(members) => members.iter().all(|member| always(member, test)),
        other => test(other),
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(
        ty,
        Type::String | Type::Text(_) | Type::Words(_) | Type::Reference(_)
    )
}

/// Whether it has a text of its own, as what may stand in `${ }` has.
pub(super) fn is_written(ty: &Type) -> bool {
    is_text(ty)
        || matches!(
            ty,
            Type::Bool | Type::Int | Type::Float | Type::Duration | Type::Size | Type::Percent
        )
}

pub(super) fn text(types: &[Type], at: usize) -> Result<(), Mismatch> {
    if always(ty(types, at), is_text) {
        Ok(())
    } else {
        Err(mismatch(at, "a string"))
    }
}

pub(super) fn texts(types: &[Type]) -> Result<(), Mismatch> {
    (0..types.len()).try_for_each(|at| text(types, at))
}

pub(super) fn int(types: &[Type], at: usize) -> Result<(), Mismatch> {
    let is_int = |ty: &Type| matches!(ty, Type::Int);
    if always(ty(types, at), is_int) {
        Ok(())
    } else {
        Err(mismatch(at, "an int"))
    }
}

/// The type of the elements of a list or a set.
pub(super) fn element(types: &[Type], at: usize) -> Result<Type, Mismatch> {
    element_of(ty(types, at)).ok_or_else(|| mismatch(at, "a list or a set"))
}

fn element_of(ty: &Type) -> Option<Type> {
    match ty {
        Type::Unknown => Some(Type::Unknown),
        Type::List(element) | Type::Set(element) => Some((**element).clone()),
        Type::Union(members) => unify_all(members.iter().map(element_of)),
        _ => None,
    }
}

/// The type of the values of a map, an object or a block.
pub(super) fn entry(types: &[Type], at: usize) -> Result<Type, Mismatch> {
    entry_of(ty(types, at)).ok_or_else(|| mismatch(at, "a map or an object"))
}

fn entry_of(ty: &Type) -> Option<Type> {
    match ty {
        Type::Unknown | Type::Block(_) => Some(Type::Unknown),
        Type::Map(value) => Some((**value).clone()),
        Type::Object(object) => unify_all(object.fields.iter().map(|field| Some(field.ty.clone()))),
        Type::Union(members) => unify_all(members.iter().map(entry_of)),
        _ => None,
    }
}

/// The type that stands for all of these; none where one of them is none.
fn unify_all(types: impl Iterator<Item = Option<Type>>) -> Option<Type> {
    types
        .into_iter()
        .try_fold(Type::Unknown, |all, ty| Some(unify(&all, &ty?)))
}

/// Whether a value of one type may equal one of the other.
pub(super) fn comparable(a: &Type, b: &Type) -> bool {
    let number = |ty: &Type| matches!(ty, Type::Int | Type::Float);
    match (a, b) {
        (Type::Unknown, _) | (_, Type::Unknown) => true,
        (Type::Union(members), other) | (other, Type::Union(members)) => {
            members.iter().any(|member| comparable(member, other))
        }
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) => comparable(a, b),
        (
            Type::Map(_) | Type::Object(_) | Type::Block(_),
            Type::Map(_) | Type::Object(_) | Type::Block(_),
        ) => true,
        (a, b) => a == b || (number(a) && number(b)) || (is_text(a) && is_text(b)),
    }
}
