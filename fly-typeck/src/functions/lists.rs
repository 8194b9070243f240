//! Lists and sets.

use std::collections::BTreeSet;

use super::order::Ordered;
use super::shapes::{always, comparable, element, entry, int, mismatch, ty, unify};
use super::text::within_elements;
use super::{Arity, CallError, Context, Function, MOST_ELEMENTS, Mismatch, arguments};
use crate::domain::TextForm;
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
        name: "concat",
        signature: "concat(list(T), ...) -> list(T)",
        doc: "The elements of all the lists, one list after the other.",
        example: "concat([\"a\"], [\"b\", \"c\"])  # => [\"a\", \"b\", \"c\"]",
        arity: Arity::at_least(1),
        carries_secrets: true,
        check: |types| {
            let all =
                (0..types.len()).try_fold(Type::Unknown, |all, at| Ok(unify(&all, &element(types, at)?)))?;
            Ok(Type::list(all))
        },
        call: |values, _| {
            arguments::value(values, 0)?;
            let mut all = Vec::new();
            for at in 0..values.len() {
                let list = arguments::list(values, at)?;
                within_elements(all.len() + list.len())?;
                all.extend_from_slice(list);
            }
            Ok(Value::list(all))
        },
    },
    Function {
        name: "flatten",
        signature: "flatten(list(list(T))) -> list(T)",
        doc: "The elements of the list, and in place of every element that is a list its elements, however deep.",
        example: "flatten([[1, 2], [], [3]])  # => [1, 2, 3]",
        arity: Arity::exactly(1),
        carries_secrets: true,
        check: |types| Ok(Type::list(leaves(&element(types, 0)?))),
        call: flatten,
    },
    Function {
        name: "distinct",
        signature: "distinct(list(T)) -> list(T)",
        doc: "The list without repeats; of equal elements the first stays.",
        example: "distinct([\"b\", \"a\", \"b\"])  # => [\"b\", \"a\"]",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| element(types, 0).map(Type::list),
        call: |values, _| {
            arguments::no_secret(0, arguments::value(values, 0)?)?;
            let mut seen = BTreeSet::new();
            let list = arguments::list(values, 0)?;
            Ok(Value::list(
                list.iter().filter(|value| seen.insert(Ordered(value))).cloned(),
            ))
        },
    },
    Function {
        name: "sort",
        signature: "sort(list(T)) -> list(T)",
        doc: "The elements from small to large: strings by their characters, numbers, durations, sizes and percents by \
              what they are worth.",
        example: "sort([\"b\", \"a\"])  # => [\"a\", \"b\"]",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| {
            let element = element(types, 0)?;
            if is_sortable(&element) {
                Ok(Type::list(element))
            } else {
                Err(mismatch(
                    0,
                    "a list of strings, numbers, durations, sizes or percents, all of one kind",
                ))
            }
        },
        call: |values, _| {
            arguments::no_secret(0, arguments::value(values, 0)?)?;
            let mut sorted = arguments::list(values, 0)?.to_vec();
            sorted.sort_by(|a, b| Ordered(a).cmp(&Ordered(b)));
            Ok(Value::list(sorted))
        },
    },
    Function {
        name: "reverse",
        signature: "reverse(list(T)) -> list(T)",
        doc: "The elements from last to first.",
        example: "reverse([1, 2, 3])  # => [3, 2, 1]",
        arity: Arity::exactly(1),
        carries_secrets: true,
        check: |types| element(types, 0).map(Type::list),
        call: |values, _| Ok(Value::list(arguments::list(values, 0)?.iter().rev().cloned())),
    },
    Function {
        name: "range",
        signature: "range(int), range(from, to), range(from, to, step) -> list(int)",
        doc: "The ints from the first, 0 where it is not given, up to the last, which is left out. Without a step it \
              counts down where the last is below the first. At most 65,536 numbers.",
        example: "range(1, 4)  # => [1, 2, 3]",
        arity: Arity::between(1, 3),
        carries_secrets: false,
        check: |types| {
            (0..types.len())
                .try_for_each(|at| int(types, at))
                .map(|()| Type::list(Type::Int))
        },
        call: range,
    },
    Function {
        name: "slice",
        signature: "slice(list(T), from: int, to: int) -> list(T)",
        doc: "The elements from one index up to another, which is left out; the first element has the index 0.",
        example: "slice([\"a\", \"b\", \"c\"], 0, 2)  # => [\"a\", \"b\"]",
        arity: Arity::exactly(3),
        carries_secrets: true,
        check: |types| {
            let element = element(types, 0)?;
            int(types, 1)?;
            int(types, 2)?;
            Ok(Type::list(element))
        },
        call: slice,
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

/// What is left of a type when lists are taken apart.
fn leaves(ty: &Type) -> Type {
    let mut all = Type::Unknown;
    let mut left = vec![ty];
    while let Some(ty) = left.pop() {
        match ty {
            Type::List(element) | Type::Set(element) => left.push(element),
            Type::Union(members) => left.extend(members.iter().rev()),
            leaf => all = unify(&all, leaf),
        }
    }
    all
}

fn flatten(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let mut flat = Vec::new();
    let mut left = vec![arguments::list(values, 0)?.iter()];
    while let Some(list) = left.last_mut() {
        match list.next() {
            Some(Value::List(inner)) => left.push(inner.iter()),
            Some(value) => {
                within_elements(flat.len() + 1)?;
                flat.push(value.clone());
            }
            None => {
                left.pop();
            }
        }
    }
    Ok(Value::list(flat))
}

/// Whether values of this type have an order among themselves. Versions do not: what is left of one in a value is its
/// text, and `17.10` would come before `17.9`.
fn is_sortable(ty: &Type) -> bool {
    fn text(ty: &Type) -> bool {
        matches!(
            ty,
            Type::String | Type::Text(_) | Type::Words(_) | Type::Reference(_)
        ) && !matches!(ty, Type::Text(TextForm::Version))
    }
    let kinds: [fn(&Type) -> bool; 5] = [
        text,
        |ty| matches!(ty, Type::Int | Type::Float),
        |ty| matches!(ty, Type::Duration),
        |ty| matches!(ty, Type::Size),
        |ty| matches!(ty, Type::Percent),
    ];
    kinds.iter().any(|kind| always(ty, *kind))
}

fn range(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let first = arguments::int(values, 0)?;
    let (from, to) = if values.len() == 1 {
        (0, first)
    } else {
        (first, arguments::int(values, 1)?)
    };
    let step = match values.len() {
        0..=2 if to < from => -1,
        0..=2 => 1,
        _ => arguments::int(values, 2)?,
    };
    if step == 0 {
        return Err(CallError::at(2, "the step is 0, so the range would never end"));
    }
    if (step > 0 && to < from) || (step < 0 && to > from) {
        return Err(CallError::at(
            2,
            format!("a step of {step} never gets from {from} to {to}"),
        ));
    }
    // Whole numbers twice as wide hold every difference.
    let distance = (i128::from(to) - i128::from(from)).unsigned_abs();
    let count = distance.div_ceil(i128::from(step).unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > MOST_ELEMENTS {
        let reason = format!(
            "the range has {count} numbers, more than {MOST_ELEMENTS}, the most a list may have here"
        );
        return Err(CallError::new(reason));
    }
    let numbers = std::iter::successors(Some(from), |number| number.checked_add(step));
    Ok(Value::list(numbers.take(count).map(Value::Int)))
}

fn slice(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let list = arguments::list(values, 0)?;
    let bound = |at| {
        let index = arguments::int(values, at)?;
        usize::try_from(index)
            .ok()
            .filter(|index| *index <= list.len())
            .ok_or_else(|| {
                CallError::at(
                    at,
                    format!("{index} is not from 0 to {}, the length of the list", list.len()),
                )
            })
    };
    let (from, to) = (bound(1)?, bound(2)?);
    let part = list
        .get(from..to)
        .ok_or_else(|| CallError::at(2, format!("it ends at {to}, before it starts at {from}")))?;
    Ok(Value::list(part.iter().cloned()))
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
    fn concat_joins_lists() {
        gives(
            "concat",
            &[
                (&[l([i(1)]), l([i(2), i(3)])], l([i(1), i(2), i(3)])),
                (&[l([])], l([])),
                (&[l([secret()]), l([])], l([secret()])),
            ],
        );
        let half = Value::list(vec![i(0); MOST_ELEMENTS / 2 + 1]);
        fails(
            "concat",
            &[
                (&[half.clone(), half], None, "65536"),
                (&[l([]), i(1)], Some(1), "a list or a set"),
            ],
        );
        types(
            "concat",
            &[
                (
                    &[Type::list(Type::Unknown), Type::list(Type::String)],
                    "list(string)",
                ),
                (
                    &[Type::list(Type::Int), Type::set(Type::String)],
                    "list(int|string)",
                ),
                (
                    &[Type::list(Type::Int), Type::String],
                    "argument 2 must be a list or a set",
                ),
            ],
        );
    }

    #[test]
    fn flatten_takes_lists_apart() {
        gives(
            "flatten",
            &[
                (&[l([l([i(1), i(2)]), l([]), l([i(3)])])], l([i(1), i(2), i(3)])),
                (&[l([i(1), l([l([i(2)])])])], l([i(1), i(2)])),
                (&[l([])], l([])),
            ],
        );
        fails("flatten", &[(&[s("a")], Some(0), "a list or a set")]);
        let wide = Value::list(vec![Value::list(vec![i(0); 300]); 300]);
        fails("flatten", &[(&[wide], None, "65536")]);
        let nested = Type::list(Type::union([Type::list(Type::list(Type::Int)), Type::String]));
        types(
            "flatten",
            &[
                (&[nested], "list(int|string)"),
                (&[Type::list(Type::Int)], "list(int)"),
            ],
        );
        types("flatten", &[(&[Type::Int], "argument 1 must be a list or a set")]);
    }

    #[test]
    fn distinct_keeps_the_first() {
        gives(
            "distinct",
            &[
                (&[l([s("b"), s("a"), s("b")])], l([s("b"), s("a")])),
                (&[l([i(1), f(1.0), s("1")])], l([i(1), s("1")])),
                (&[l([])], l([])),
            ],
        );
        fails(
            "distinct",
            &[
                (&[l([secret()])], Some(0), "a secret"),
                (&[i(1)], Some(0), "a list or a set"),
            ],
        );
        types(
            "distinct",
            &[
                (&[Type::set(Type::Size)], "list(size)"),
                (&[Type::Size], "argument 1 must be a list or a set"),
            ],
        );
    }

    #[test]
    fn sort_orders_by_worth() {
        gives(
            "sort",
            &[
                (&[l([s("b"), s("B"), s("a")])], l([s("B"), s("a"), s("b")])),
                (&[l([i(10), f(9.5), i(-1)])], l([i(-1), f(9.5), i(10)])),
                (
                    &[l([duration("1h"), duration("90s")])],
                    l([duration("90s"), duration("1h")]),
                ),
                (
                    &[l([size("1GiB"), size("512MiB")])],
                    l([size("512MiB"), size("1GiB")]),
                ),
            ],
        );
        fails(
            "sort",
            &[
                (&[i(1)], Some(0), "a list or a set"),
                (&[l([secret()])], Some(0), "a secret"),
            ],
        );
        let refused =
            "argument 1 must be a list of strings, numbers, durations, sizes or percents, all of one kind";
        types(
            "sort",
            &[
                (&[Type::set(Type::String)], "list(string)"),
                (&[Type::list(Type::Unknown)], "list(unknown)"),
                (
                    &[Type::list(Type::union([Type::Int, Type::Float]))],
                    "list(int|float)",
                ),
                (&[Type::list(Type::union([Type::Int, Type::String]))], refused),
                (&[Type::list(Type::Text(TextForm::Version))], refused),
                (&[Type::list(Type::Bool)], refused),
            ],
        );
    }

    #[test]
    fn reverse_turns_around() {
        gives(
            "reverse",
            &[
                (&[l([i(1), i(2)])], l([i(2), i(1)])),
                (&[l([])], l([])),
                (&[l([secret()])], l([secret()])),
            ],
        );
        fails("reverse", &[(&[s("ab")], Some(0), "a list or a set")]);
        types(
            "reverse",
            &[
                (&[Type::list(Type::Bool)], "list(bool)"),
                (&[Type::String], "argument 1 must be a list or a set"),
            ],
        );
    }

    #[test]
    fn range_counts() {
        gives(
            "range",
            &[
                (&[i(3)], l([i(0), i(1), i(2)])),
                (&[i(0)], l([])),
                (&[i(-2)], l([i(0), i(-1)])),
                (&[i(1), i(4)], l([i(1), i(2), i(3)])),
                (&[i(4), i(1)], l([i(4), i(3), i(2)])),
                (&[i(0), i(10), i(4)], l([i(0), i(4), i(8)])),
                (&[i(5), i(0), i(-2)], l([i(5), i(3), i(1)])),
                (&[i(i64::MAX - 1), i(i64::MAX), i(5)], l([i(i64::MAX - 1)])),
            ],
        );
        fails(
            "range",
            &[
                (&[i(0), i(5), i(0)], Some(2), "never end"),
                (&[i(0), i(5), i(-1)], Some(2), "never gets"),
                (&[i(65_537)], None, "65536"),
                (&[i(i64::MIN), i(i64::MAX)], None, "65536"),
                (&[i(i64::MIN), i(i64::MAX), i(1)], None, "65536"),
                (&[f(1.0)], Some(0), "an int"),
            ],
        );
        assert_eq!(
            call("range", &[i(65_536)]).map(|value| value.as_list().map(<[Value]>::len)),
            Ok(Some(65_536))
        );
        types(
            "range",
            &[
                (&[Type::Int, Type::Float], "argument 2 must be an int"),
                (&[Type::Int], "list(int)"),
            ],
        );
    }

    #[test]
    fn slice_cuts() {
        let abc = l([s("a"), s("b"), s("c")]);
        gives(
            "slice",
            &[
                (&[abc.clone(), i(0), i(2)], l([s("a"), s("b")])),
                (&[abc.clone(), i(3), i(3)], l([])),
                (&[abc.clone(), i(2), i(3)], l([s("c")])),
            ],
        );
        fails(
            "slice",
            &[
                (&[abc.clone(), i(0), i(4)], Some(2), "4 is not from 0 to 3"),
                (&[abc.clone(), i(-1), i(2)], Some(1), "-1 is not"),
                (&[abc, i(2), i(1)], Some(2), "before it starts"),
            ],
        );
        types(
            "slice",
            &[
                (&[Type::list(Type::Secret), Type::Int, Type::Int], "list(secret)"),
                (
                    &[Type::list(Type::Int), Type::Int, Type::String],
                    "argument 3 must be an int",
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
