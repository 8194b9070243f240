//! Lists and sets, made into other lists.

use std::collections::BTreeSet;

use super::order::Ordered;
use super::shapes::{always, element, int, mismatch};
use super::text::within_elements;
use super::{Arity, CallError, Context, Function, MOST_ELEMENTS, arguments};
use crate::expr::unify;
use crate::types::Type;
use crate::value::Value;
use fly_domain::TextForm;

pub(super) const FUNCTIONS: &[Function] = &[
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
];

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
        return Err(CallError::failed(reason));
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

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

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
                (&[Type::list(Type::Unknown)], "list"),
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
}
