//! Maps and objects, and the first value that says something.

use std::sync::Arc;

use smol_str::SmolStr;

use super::shapes::{entry, mismatch, text, ty};
use super::text::within_elements;
use super::{Arity, CallError, Context, Function, Mismatch, arguments};
use crate::expr::unify;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "keys",
        signature: "keys(map(T)) -> list(string)",
        doc: "The keys of a map or an object, sorted.",
        example: "keys({ b = 1, a = 2 })  # => [\"a\", \"b\"]",
        arity: Arity::exactly(1),
        carries_secrets: true,
        check: |types| entry(types, 0).map(|_| Type::list(Type::String)),
        call: |values, _| {
            Ok(Value::list(
                arguments::entries(values, 0)?.keys().cloned().map(Value::String),
            ))
        },
    },
    Function {
        name: "values",
        signature: "values(map(T)) -> list(T)",
        doc: "The values of a map or an object, in the order of their keys.",
        example: "values({ b = 1, a = 2 })  # => [2, 1]",
        arity: Arity::exactly(1),
        carries_secrets: true,
        check: |types| entry(types, 0).map(Type::list),
        call: |values, _| Ok(Value::list(arguments::entries(values, 0)?.values().cloned())),
    },
    Function {
        name: "merge",
        signature: "merge(map(T), ...) -> map(T)",
        doc: "The entries of all the maps or objects; of entries with one key the last stays.",
        example: "merge({ a = 1, b = 1 }, { b = 2 })  # => { a = 1, b = 2 }",
        arity: Arity::at_least(1),
        carries_secrets: true,
        check: check_merge,
        call: merge,
    },
    Function {
        name: "lookup",
        signature: "lookup(map(T), key: string, default: T) -> T",
        doc: "The value under a key of a map or an object, or the default where there is no such key.",
        example: "lookup({ a = 1 }, \"b\", 0)  # => 0",
        arity: Arity::exactly(3),
        carries_secrets: true,
        check: |types| {
            let value = entry(types, 0)?;
            text(types, 1)?;
            Ok(unify(&value, ty(types, 2)))
        },
        call: |values, _| {
            let found = arguments::entries(values, 0)?.get(arguments::text(values, 1)?);
            found.map_or_else(|| arguments::value(values, 2), Ok).cloned()
        },
    },
    Function {
        name: "coalesce",
        signature: "coalesce(T, ...) -> T",
        doc: "The first argument that is set and is not the empty string.",
        example: "coalesce(\"\", \"a\", \"b\")  # => \"a\"",
        arity: Arity::at_least(1),
        carries_secrets: true,
        check: |types| Ok(types.iter().fold(Type::Unknown, |all, ty| unify(&all, ty))),
        call: |values, _| {
            let says_something = |value: &&Value| value.as_str() != Some("");
            let found = values.iter().find(says_something).cloned();
            found.ok_or_else(|| CallError::failed("every argument is empty or not set"))
        },
    },
];

/// Objects give an object with the fields of all; where a map is among them, only what the values may be is known.
fn check_merge(types: &[Type]) -> Result<Type, Mismatch> {
    let mut values = Type::Unknown;
    let mut fields: Option<Vec<FieldType>> = Some(Vec::new());
    let mut known = true;
    for (at, ty) in types.iter().enumerate() {
        let value = entry(types, at).map_err(|_| mismatch(at, "a map or an object"))?;
        values = unify(&values, &value);
        match (ty, &mut fields) {
            (Type::Object(object), Some(fields)) => object.fields.iter().for_each(|field| put(fields, field)),
            _ => fields = None,
        }
        known &= !matches!(ty, Type::Unknown | Type::Block(_));
    }
    Ok(match fields {
        Some(mut fields) => {
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            Type::Object(Arc::new(ObjectType { fields }))
        }
        None if known => Type::map(values),
        None => Type::Unknown,
    })
}

/// Adds a field, or lets it take the place of the one before, which shows through where this one is left out.
fn put(fields: &mut Vec<FieldType>, field: &FieldType) {
    match fields.iter_mut().find(|before| before.name == field.name) {
        Some(before) if field.optional => before.ty = unify(&before.ty, &field.ty),
        Some(before) => *before = field.clone(),
        None => fields.push(field.clone()),
    }
}

fn merge(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let mut all: std::collections::BTreeMap<SmolStr, Value> = arguments::entries(values, 0)?.clone();
    for at in 1..values.len() {
        for (key, value) in arguments::entries(values, at)? {
            all.insert(key.clone(), value.clone());
        }
        within_elements(all.len())?;
    }
    Ok(Value::Object(Arc::new(all)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn object(fields: &[(&str, Type, bool)]) -> Type {
        let field = |(name, ty, optional): &(&str, Type, bool)| FieldType {
            name: (*name).into(),
            ty: ty.clone(),
            optional: *optional,
        };
        Type::Object(Arc::new(ObjectType {
            fields: fields.iter().map(field).collect(),
        }))
    }

    #[test]
    fn keys_and_values_are_sorted_by_key() {
        let map = o([("b", i(1)), ("a", i(2))]);
        gives(
            "keys",
            &[
                (std::slice::from_ref(&map), l([s("a"), s("b")])),
                (&[o([])], l([])),
                (&[o([("t", secret())])], l([s("t")])),
            ],
        );
        gives(
            "values",
            &[
                (&[map], l([i(2), i(1)])),
                (&[o([])], l([])),
                (&[o([("t", secret())])], l([secret()])),
            ],
        );
        for name in ["keys", "values"] {
            fails(name, &[(&[l([])], Some(0), "a map or an object")]);
            types(
                name,
                &[(&[Type::list(Type::Int)], "argument 1 must be a map or an object")],
            );
        }
        types(
            "keys",
            &[
                (&[Type::map(Type::Int)], "list(string)"),
                (&[object(&[])], "list(string)"),
            ],
        );
        types(
            "values",
            &[
                (&[Type::map(Type::Secret)], "list(secret)"),
                (
                    &[object(&[("a", Type::Int, false), ("b", Type::String, true)])],
                    "list(int|string)",
                ),
                (&[Type::Unknown], "list"),
            ],
        );
    }

    #[test]
    fn merge_lets_the_last_win() {
        gives(
            "merge",
            &[
                (
                    &[o([("a", i(1)), ("b", i(1))]), o([("b", i(2))])],
                    o([("a", i(1)), ("b", i(2))]),
                ),
                (&[o([])], o([])),
                (&[o([("t", s("x"))]), o([("t", secret())])], o([("t", secret())])),
            ],
        );
        fails("merge", &[(&[o([]), l([])], Some(1), "a map or an object")]);
        let many =
            |letter: char| Value::object((0..40_000).map(|at| (format!("{letter}{at}").into(), i(at))));
        fails("merge", &[(&[many('a'), many('b')], None, "65536")]);
        types(
            "merge",
            &[
                (
                    &[Type::map(Type::Int), Type::map(Type::String)],
                    "map(int|string)",
                ),
                (
                    &[object(&[("a", Type::Int, false)]), Type::map(Type::Int)],
                    "map(int)",
                ),
                (
                    &[
                        object(&[("b", Type::Int, false), ("c", Type::Int, false)]),
                        object(&[
                            ("a", Type::Bool, false),
                            ("b", Type::String, false),
                            ("c", Type::String, true),
                        ]),
                    ],
                    "object({ a = bool, b = string, c = int|string })",
                ),
                (&[object(&[]), Type::Unknown], "unknown"),
                (&[object(&[]), Type::Int], "argument 2 must be a map or an object"),
            ],
        );
    }

    #[test]
    fn lookup_falls_back() {
        gives(
            "lookup",
            &[
                (&[o([("a", i(1))]), s("a"), i(0)], i(1)),
                (&[o([("a", i(1))]), s("b"), i(0)], i(0)),
                (&[o([]), s("b"), secret()], secret()),
            ],
        );
        fails(
            "lookup",
            &[
                (&[l([]), s("a"), i(0)], Some(0), "a map or an object"),
                (&[o([]), i(0), i(0)], Some(1), "a string"),
            ],
        );
        types(
            "lookup",
            &[
                (&[Type::map(Type::Int), Type::String, Type::Int], "int"),
                (
                    &[object(&[("a", Type::Int, false)]), Type::String, Type::String],
                    "int|string",
                ),
                (
                    &[Type::map(Type::Int), Type::Int, Type::Int],
                    "argument 2 must be a string",
                ),
                (
                    &[Type::String, Type::String, Type::Int],
                    "argument 1 must be a map or an object",
                ),
            ],
        );
    }

    #[test]
    fn coalesce_takes_the_first_that_says_something() {
        gives(
            "coalesce",
            &[
                (&[s(""), s("a"), s("b")], s("a")),
                (&[i(0), i(1)], i(0)),
                (&[s(""), secret()], secret()),
            ],
        );
        fails(
            "coalesce",
            &[
                (&[s("")], None, "every argument is empty"),
                (&[s(""), s("")], None, "every argument"),
            ],
        );
        types(
            "coalesce",
            &[
                (&[Type::String, Type::String], "string"),
                (&[Type::Unknown, Type::Int], "int"),
            ],
        );
        types("coalesce", &[(&[Type::String, Type::Secret], "string|secret")]);
    }
}
