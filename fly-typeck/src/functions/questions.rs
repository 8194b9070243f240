//! What is asked of lists and maps.

use super::order::Ordered;
use super::shapes::{always, comparable, element, entry, mismatch, ty};
use super::{Arity, CallError, Context, Function, Mismatch, arguments};
use crate::types::Type;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "length",
        signature: "length(list|set|map|object|string) -> int",
        doc: "How many elements or entries there are; of a string, how many characters.",
        example: "length([\"a\", \"b\"])  # => 2",
        arity: Arity::exactly(1),
        carries_secrets: true,
        check: |types| {
            let measured = |ty: &Type| {
                matches!(
                    ty,
                    Type::String | Type::Text(_) | Type::Words(_) | Type::Reference(_)
                )
            };
            if always(ty(types, 0), measured) || element(types, 0).is_ok() || entry(types, 0).is_ok() {
                Ok(Type::Int)
            } else {
                Err(mismatch(0, "a list, a set, a map, an object or a string"))
            }
        },
        call: length,
    },
    Function {
        name: "contains",
        signature: "contains(list(T), T) -> bool",
        doc: "Whether the value is one of the elements of the list or set.",
        example: "contains([\"a\", \"b\"], \"a\")  # => true",
        arity: Arity::exactly(2),
        carries_secrets: false,
        check: |types| {
            let element = element(types, 0)?;
            if comparable(&element, ty(types, 1)) {
                Ok(Type::Bool)
            } else {
                Err(mismatch(1, format!("{element}, as the elements are")))
            }
        },
        call: |values, _| {
            let wanted = arguments::value(values, 1)?;
            arguments::no_secret(1, wanted)?;
            let list = arguments::list(values, 0)?;
            Ok(Value::Bool(
                list.iter().any(|value| Ordered(value) == Ordered(wanted)),
            ))
        },
    },
    Function {
        name: "alltrue",
        signature: "alltrue(list(bool)) -> bool",
        doc: "Whether every element is true; an empty list has none that is not.",
        example: "alltrue([true, false])  # => false",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: bools,
        call: |values, _| Ok(Value::Bool(all_bools(values)?.all(|truth| truth))),
    },
    Function {
        name: "anytrue",
        signature: "anytrue(list(bool)) -> bool",
        doc: "Whether at least one element is true.",
        example: "anytrue([true, false])  # => true",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: bools,
        call: |values, _| Ok(Value::Bool(all_bools(values)?.any(|truth| truth))),
    },
];

fn length(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let length = match arguments::value(values, 0)? {
        Value::List(values) => values.len(),
        Value::Object(entries) => entries.len(),
        Value::String(text) => text.chars().count(),
        other => {
            return Err(arguments::not(
                0,
                other,
                "a list, a set, a map, an object or a string",
            ));
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn bools(types: &[Type]) -> Result<Type, Mismatch> {
    if always(&element(types, 0)?, |ty| matches!(ty, Type::Bool)) {
        Ok(Type::Bool)
    } else {
        Err(mismatch(0, "a list of bools"))
    }
}

fn all_bools(values: &[Value]) -> Result<impl Iterator<Item = bool>, CallError> {
    let mut bools = Vec::new();
    for value in arguments::list(values, 0)? {
        match value {
            Value::Bool(truth) => bools.push(*truth),
            other => return Err(arguments::not(0, other, "a list of bools")),
        }
    }
    Ok(bools.into_iter())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use fly_domain::TextForm;

    #[test]
    fn length_counts() {
        gives(
            "length",
            &[
                (&[l([])], i(0)),
                (&[l([i(1), i(2)])], i(2)),
                (&[o([("a", i(1))])], i(1)),
                (&[s("héé🦆")], i(4)),
                (&[l([secret()])], i(1)),
            ],
        );
        fails(
            "length",
            &[
                (&[i(1)], Some(0), "must be a list"),
                (&[secret()], Some(0), "a secret"),
            ],
        );
        types(
            "length",
            &[
                (&[Type::list(Type::Secret)], "int"),
                (&[Type::Text(TextForm::Url)], "int"),
                (&[Type::map(Type::Int)], "int"),
                (
                    &[Type::Int],
                    "argument 1 must be a list, a set, a map, an object or a string",
                ),
                (
                    &[Type::Secret],
                    "argument 1 must be a list, a set, a map, an object or a string",
                ),
            ],
        );
    }

    #[test]
    fn contains_looks_for_equals() {
        gives(
            "contains",
            &[
                (&[l([s("a"), s("b")]), s("a")], b(true)),
                (&[l([s("a"), s("b")]), s("c")], b(false)),
                (&[l([]), s("c")], b(false)),
                (&[l([f(1.0)]), i(1)], b(true)),
                (&[l([l([i(1)])]), l([i(1)])], b(true)),
                (&[l([duration("60s")]), duration("1m")], b(true)),
            ],
        );
        fails("contains", &[(&[s("abc"), s("a")], Some(0), "a list or a set")]);
        fails("contains", &[(&[l([secret()]), secret()], Some(1), "a secret")]);
        types(
            "contains",
            &[
                (&[Type::list(Type::String), Type::Text(TextForm::Url)], "bool"),
                (&[Type::list(Type::Unknown), Type::Int], "bool"),
                (
                    &[Type::list(Type::union([Type::String, Type::Int])), Type::Int],
                    "bool",
                ),
                (&[Type::list(Type::Float), Type::Int], "bool"),
                (
                    &[Type::list(Type::String), Type::Int],
                    "argument 2 must be string, as the elements are",
                ),
                (
                    &[Type::String, Type::String],
                    "argument 1 must be a list or a set",
                ),
            ],
        );
    }

    #[test]
    fn alltrue_and_anytrue_ask_all() {
        gives(
            "alltrue",
            &[
                (&[l([])], b(true)),
                (&[l([b(true), b(false)])], b(false)),
                (&[l([b(true)])], b(true)),
            ],
        );
        gives(
            "anytrue",
            &[
                (&[l([])], b(false)),
                (&[l([b(true), b(false)])], b(true)),
                (&[l([b(false)])], b(false)),
            ],
        );
        for name in ["alltrue", "anytrue"] {
            fails(
                name,
                &[
                    (&[l([i(1)])], Some(0), "a list of bools"),
                    (&[b(true)], Some(0), "a list or a set"),
                ],
            );
            types(
                name,
                &[
                    (&[Type::list(Type::Bool)], "bool"),
                    (&[Type::list(Type::Unknown)], "bool"),
                ],
            );
            types(
                name,
                &[(&[Type::list(Type::Int)], "argument 1 must be a list of bools")],
            );
        }
    }
}
