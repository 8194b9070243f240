//! Which type fits where, and what a value has to become for it. The one place of language.md's conversions.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::Conversion;
use crate::types::{FieldType, ObjectType, Reference, Type};

/// Whether a value of type `found` may stand where `wanted` is: `Err` if not, else the conversion it needs.
pub(crate) fn fits(found: &Type, wanted: &Type) -> Result<Option<Conversion>, Misfit> {
    match (found, wanted) {
        (Type::Unknown, _) | (_, Type::Unknown | Type::Any) => Ok(None),
        (found, wanted) if found == wanted => Ok(None),
        (Type::Union(members), _) => {
            let all = members
                .iter()
                .all(|member| matches!(fits(member, wanted), Ok(None)));
            if all { Ok(None) } else { Err(Misfit) }
        }
        (_, Type::Union(members)) => members
            .iter()
            .find_map(|member| fits(found, member).ok())
            .ok_or(Misfit),
        (Type::Int, Type::Float) => Ok(Some(Conversion::IntToFloat)),
        (Type::String, Type::Reference(reference @ Reference::Entity)) => {
            Ok(Some(Conversion::Name(*reference)))
        }
        (Type::List(found), Type::List(wanted))
        | (Type::Set(found), Type::Set(wanted) | Type::List(wanted)) => each(found, wanted),
        (Type::List(found), Type::Set(wanted)) => match fits(found, wanted)? {
            None => Ok(Some(Conversion::ListToSet)),
            // Only int to float is left here, which a set of numbers does not need in practice.
            Some(_) => Err(Misfit),
        },
        (Type::Map(found), Type::Map(wanted)) => each(found, wanted),
        (Type::Object(object), Type::Map(wanted)) => {
            for field in &object.fields {
                if fits(&field.ty, wanted)?.is_some() {
                    return Err(Misfit);
                }
            }
            Ok(None)
        }
        (Type::Object(found), Type::Object(wanted)) => {
            let known = |field: &FieldType| wanted.fields.iter().any(|other| other.name == field.name);
            if !found.fields.iter().all(known) {
                return Err(Misfit);
            }
            for field in &wanted.fields {
                match found.fields.iter().find(|other| other.name == field.name) {
                    Some(other) if fits(&other.ty, &field.ty)?.is_none() => {}
                    None if field.optional => {}
                    _ => return Err(Misfit),
                }
            }
            Ok(None)
        }
        _ => Err(Misfit),
    }
}

/// The value's type is not one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit;

fn each(found: &Type, wanted: &Type) -> Result<Option<Conversion>, Misfit> {
    Ok(fits(found, wanted)?.map(|inner| Conversion::Each(Box::new(inner))))
}

/// The type of a value that may be of either type.
pub(crate) fn unify(a: &Type, b: &Type) -> Type {
    match (a, b) {
        (Type::Unknown, other) | (other, Type::Unknown) => other.clone(),
        (a, b) if a == b => a.clone(),
        (Type::List(a), Type::List(b)) => Type::list(unify(a, b)),
        (Type::Set(a), Type::Set(b)) => Type::set(unify(a, b)),
        (Type::Map(a), Type::Map(b)) => Type::map(unify(a, b)),
        (Type::Object(a), Type::Object(b)) => objects(&[&**a, &**b]),
        (Type::Union(members), other) | (other, Type::Union(members)) => {
            if members.contains(other) {
                Type::Union(members.clone())
            } else {
                Type::union(members.iter().chain([other]).cloned())
            }
        }
        (a, b) => Type::union([a.clone(), b.clone()]),
    }
}

/// The type of a value that may be of any of these types. Types of one kind are put together at once: one by one, many
/// objects of different shapes would take a time in the cube of their number.
pub(crate) fn unify_all<'t>(types: impl IntoIterator<Item = &'t Type>) -> Type {
    let types: Vec<&Type> = types.into_iter().collect();
    if types.len() < MANY {
        return types.into_iter().fold(Type::Unknown, |all, ty| unify(&all, ty));
    }
    let (mut lists, mut sets, mut maps, mut objects) = (vec![], vec![], vec![], vec![]);
    let mut all = Type::Unknown;
    for ty in types {
        match ty {
            Type::List(element) => lists.push(&**element),
            Type::Set(element) => sets.push(&**element),
            Type::Map(element) => maps.push(&**element),
            Type::Object(object) => objects.push(&**object),
            other => all = unify(&all, other),
        }
    }
    if !lists.is_empty() {
        all = unify(&all, &Type::list(unify_all(lists)));
    }
    if !sets.is_empty() {
        all = unify(&all, &Type::set(unify_all(sets)));
    }
    if !maps.is_empty() {
        all = unify(&all, &Type::map(unify_all(maps)));
    }
    if !objects.is_empty() {
        all = unify(&all, &self::objects(&objects));
    }
    all
}

/// From so many types on, those of one kind are put together at once.
const MANY: usize = 16;

/// Objects of different shapes become one whose fields that only some have may be left out.
fn objects(objects: &[&ObjectType]) -> Type {
    let mut fields: BTreeMap<&SmolStr, Vec<&FieldType>> = BTreeMap::new();
    for field in objects.iter().flat_map(|object| &object.fields) {
        fields.entry(&field.name).or_default().push(field);
    }
    let fields = fields.into_iter().map(|(name, found)| FieldType {
        name: name.clone(),
        ty: unify_all(found.iter().map(|field| &field.ty)),
        optional: found.len() < objects.len() || found.iter().any(|field| field.optional),
    });
    Type::Object(Arc::new(ObjectType {
        fields: fields.collect(),
    }))
}

impl Type {
    /// The type of the elements that a comprehension over this walks, with the type of their keys.
    pub(crate) fn elements(&self) -> Option<(Type, Type)> {
        match self {
            Type::Unknown | Type::Any => Some((Type::Unknown, Type::Unknown)),
            Type::List(element) | Type::Set(element) => Some((Type::Int, (**element).clone())),
            Type::Map(value) => Some((Type::String, (**value).clone())),
            Type::Object(object) => {
                let values = unify_all(object.fields.iter().map(|field| &field.ty));
                Some((Type::String, values))
            }
            Type::Union(members) => {
                let mut all: Option<(Type, Type)> = None;
                for member in members.iter() {
                    let (key, value) = member.elements()?;
                    all = Some(match all {
                        None => (key, value),
                        Some((keys, values)) => (unify(&keys, &key), unify(&values, &value)),
                    });
                }
                all
            }
            _ => None,
        }
    }

    /// Whether a secret is, or may be inside, a value of this type.
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Type::Secret => true,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.holds_secret(),
            Type::Object(object) => object.fields.iter().any(|field| field.ty.holds_secret()),
            Type::Union(members) => members.iter().any(Type::holds_secret),
            _ => false,
        }
    }

    /// Whether the value can stand in `${ }`.
    pub(crate) fn interpolates(&self) -> bool {
        match self {
            Type::String
            | Type::Int
            | Type::Float
            | Type::Bool
            | Type::Duration
            | Type::Size
            | Type::Percent
            | Type::Words(_)
            | Type::Reference(_)
            | Type::Unknown
            | Type::Any => true,
            // A schedule is not a piece of text.
            Type::Text(form) => *form != fly_domain::TextForm::Cron,
            Type::Union(members) => members.iter().all(Type::interpolates),
            _ => false,
        }
    }
}
