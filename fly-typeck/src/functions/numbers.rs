//! Arithmetic, which keeps units.

use super::order::Ordered;
use super::shapes::{element, mismatch, ty};
use super::{Arity, CallError, Context, Function, Mismatch, arguments};
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Duration, Percent, Size};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "abs",
        signature: "abs(int|float) -> int|float",
        doc: "The number without its sign.",
        example: "abs(-3)  # => 3",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| plain(types).map(Kind::ty),
        call: |values, _| match arguments::value(values, 0)? {
            Value::Int(int) => int.checked_abs().map(Value::Int).ok_or_else(too_large),
            Value::Float(float) => Ok(Value::Float(float.abs())),
            other => Err(arguments::not(0, other, NUMBER)),
        },
    },
    Function {
        name: "ceil",
        signature: "ceil(float) -> int",
        doc: "The smallest whole number that is not below the number.",
        example: "ceil(1.2)  # => 2",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| plain(types).map(|_| Type::Int),
        call: |values, _| whole(values, f64::ceil),
    },
    Function {
        name: "floor",
        signature: "floor(float) -> int",
        doc: "The largest whole number that is not above the number.",
        example: "floor(1.8)  # => 1",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| plain(types).map(|_| Type::Int),
        call: |values, _| whole(values, f64::floor),
    },
    Function {
        name: "min",
        signature: "min(T, ...) -> T, min(list(T)) -> T",
        doc: "The smallest of numbers, durations, sizes or percents, all of one kind, given one by one or as a list. \
              An int among floats becomes a float.",
        example: "min(30s, 10m)  # => 30s",
        arity: Arity::at_least(1),
        carries_secrets: false,
        check: check_extreme,
        call: |values, _| Ok(extreme(values)?.0),
    },
    Function {
        name: "max",
        signature: "max(T, ...) -> T, max(list(T)) -> T",
        doc: "The largest of numbers, durations, sizes or percents, all of one kind, given one by one or as a list. \
              An int among floats becomes a float.",
        example: "max(30s, 10m)  # => 10m",
        arity: Arity::at_least(1),
        carries_secrets: false,
        check: check_extreme,
        call: |values, _| Ok(extreme(values)?.1),
    },
    Function {
        name: "sum",
        signature: "sum(list(T)) -> T",
        doc: "The elements added up: numbers, durations, sizes or percents, all of one kind. An empty list has no sum, \
              because nothing says of which kind it would be; put a zero in front with `concat([0s], ...)`.",
        example: "sum([4GiB, 512MiB])  # => 4608MiB",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| {
            let kind = kind(&element(types, 0)?)
                .map_err(|_| mismatch(0, format!("a list of {MANY}, all of one kind")))?;
            Ok(Kind::ty(kind))
        },
        call: sum,
    },
];

const NUMBER: &str = "an int or a float";
const ANY: &str = "number, duration, size or percent";
const MANY: &str = "numbers, durations, sizes or percents";

/// What can be added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Duration,
    Size,
    Percent,
}

/// Not of one kind.
struct Mixed;

impl Kind {
    /// The type of values of this kind; unknown where the kind is.
    fn ty(kind: Option<Self>) -> Type {
        match kind {
            None => Type::Unknown,
            Some(Self::Int) => Type::Int,
            Some(Self::Float) => Type::Float,
            Some(Self::Duration) => Type::Duration,
            Some(Self::Size) => Type::Size,
            Some(Self::Percent) => Type::Percent,
        }
    }

    fn join(one: Option<Self>, other: Option<Self>) -> Result<Option<Self>, Mixed> {
        match (one, other) {
            (None, known) | (known, None) => Ok(known),
            (Some(one), Some(other)) if one == other => Ok(Some(one)),
            (Some(Self::Int | Self::Float), Some(Self::Int | Self::Float)) => Ok(Some(Self::Float)),
            _ => Err(Mixed),
        }
    }
}

/// The kind of a type; none where it is unknown.
fn kind(ty: &Type) -> Result<Option<Kind>, Mixed> {
    match ty {
        Type::Unknown => Ok(None),
        Type::Int => Ok(Some(Kind::Int)),
        Type::Float => Ok(Some(Kind::Float)),
        Type::Duration => Ok(Some(Kind::Duration)),
        Type::Size => Ok(Some(Kind::Size)),
        Type::Percent => Ok(Some(Kind::Percent)),
        Type::Union(members) => members
            .iter()
            .try_fold(None, |all, member| Kind::join(all, kind(member)?)),
        _ => Err(Mixed),
    }
}

/// An int or a float.
fn plain(types: &[Type]) -> Result<Option<Kind>, Mismatch> {
    match kind(ty(types, 0)) {
        Ok(kind @ (None | Some(Kind::Int | Kind::Float))) => Ok(kind),
        _ => Err(mismatch(0, NUMBER)),
    }
}

fn check_extreme(types: &[Type]) -> Result<Type, Mismatch> {
    if types.len() == 1
        && let Ok(element) = element(types, 0)
    {
        let of_one_kind =
            kind(&element).map_err(|_| mismatch(0, format!("a list of {MANY}, all of one kind")));
        return of_one_kind.map(Kind::ty);
    }
    let mut all = None;
    for (at, ty) in types.iter().enumerate() {
        let this = kind(ty).map_err(|_| mismatch(at, format!("a {ANY}")))?;
        all = Kind::join(all, this)
            .map_err(|_| mismatch(at, format!("{}, as the argument before it", Kind::ty(all))))?;
    }
    Ok(Kind::ty(all))
}

/// Where one number is a float, all are.
fn widened(values: &[Value]) -> Vec<Value> {
    let floats = values.iter().any(|value| matches!(value, Value::Float(_)));
    let widen = |value: &Value| match value {
        Value::Int(int) if floats => Value::Float(*int as f64),
        other => other.clone(),
    };
    values.iter().map(widen).collect()
}

/// The smallest and the largest.
fn extreme(values: &[Value]) -> Result<(Value, Value), CallError> {
    let values = match values {
        [Value::List(values)] => values,
        values => values,
    };
    let values = widened(values);
    of_one_kind(&values)?;
    let smallest = values.iter().min_by_key(|value| Ordered(value));
    let largest = values.iter().max_by_key(|value| Ordered(value));
    match (smallest, largest) {
        (Some(smallest), Some(largest)) => Ok((smallest.clone(), largest.clone())),
        _ => Err(CallError::at(0, "the list is empty")),
    }
}

/// Refuses what `check` could not see because it was unknown.
fn of_one_kind(values: &[Value]) -> Result<(), CallError> {
    let of = |value: &Value| match value {
        Value::Int(_) | Value::Float(_) | Value::Duration(_) | Value::Size(_) | Value::Percent(_) => {
            Ok(std::mem::discriminant(value))
        }
        other => Err(arguments::not(0, other, &format!("a {ANY}"))),
    };
    let mut kinds = values.iter().map(of);
    let Some(first) = kinds.next().transpose()? else {
        return Ok(());
    };
    for other in kinds {
        if other? != first {
            return Err(CallError::at(0, "the values are not of one kind"));
        }
    }
    Ok(())
}

fn sum(values: &[Value], _: &Context<'_>) -> Result<Value, CallError> {
    let values = widened(arguments::list(values, 0)?);
    of_one_kind(&values)?;
    let mut values = values.into_iter();
    let first = values
        .next()
        .ok_or_else(|| CallError::at(0, "the list is empty, and an empty list has no sum"))?;
    values.try_fold(first, |total, value| added(&total, &value).ok_or_else(too_large))
}

/// Two values of one kind; none where the result cannot be counted.
fn added(one: &Value, other: &Value) -> Option<Value> {
    match (one, other) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Float(a), Value::Float(b)) => Some(a + b).filter(|sum| sum.is_finite()).map(Value::Float),
        (Value::Duration(a), Value::Duration(b)) => {
            let sum = a.as_millis().checked_add(b.as_millis())?;
            Some(Value::Duration(Duration::from_millis(sum)))
        }
        (Value::Size(a), Value::Size(b)) => {
            let sum = a.as_bytes().checked_add(b.as_bytes())?;
            Some(Value::Size(Size::from_bytes(sum)))
        }
        (Value::Percent(a), Value::Percent(b)) => {
            let sum = Some(a.as_f64() + b.as_f64()).filter(|sum| sum.is_finite())?;
            Some(Value::Percent(Percent::from_f64(sum)))
        }
        _ => None,
    }
}

fn whole(values: &[Value], round: fn(f64) -> f64) -> Result<Value, CallError> {
    match arguments::value(values, 0)? {
        Value::Int(int) => Ok(Value::Int(*int)),
        Value::Float(float) => {
            let rounded = round(*float);
            // Both bounds are exact floats; the upper one is the first that is too large.
            if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
                Ok(Value::Int(rounded as i64))
            } else {
                Err(too_large())
            }
        }
        other => Err(arguments::not(0, other, NUMBER)),
    }
}

fn too_large() -> CallError {
    CallError::failed("the result is larger than can be counted")
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn abs_drops_the_sign() {
        gives("abs", &[(&[i(-3)], i(3)), (&[i(3)], i(3)), (&[f(-1.5)], f(1.5))]);
        fails(
            "abs",
            &[
                (&[i(i64::MIN)], None, "larger than"),
                (&[s("1")], Some(0), "an int or a float"),
            ],
        );
        types(
            "abs",
            &[
                (&[Type::Int], "int"),
                (&[Type::Float], "float"),
                (&[Type::Unknown], "unknown"),
            ],
        );
        types(
            "abs",
            &[(&[Type::Duration], "argument 1 must be an int or a float")],
        );
    }

    #[test]
    fn ceil_and_floor_round() {
        gives(
            "ceil",
            &[
                (&[f(1.2)], i(2)),
                (&[f(-1.2)], i(-1)),
                (&[i(7)], i(7)),
                (&[f(0.0)], i(0)),
            ],
        );
        gives(
            "floor",
            &[(&[f(1.8)], i(1)), (&[f(-1.2)], i(-2)), (&[i(7)], i(7))],
        );
        for name in ["ceil", "floor"] {
            fails(
                name,
                &[
                    (&[f(1e19)], None, "larger than"),
                    (&[f(-1e19)], None, "larger than"),
                ],
            );
            fails(
                name,
                &[
                    (&[f(f64::NAN)], None, "larger than"),
                    (&[f(f64::INFINITY)], None, "larger than"),
                ],
            );
            types(
                name,
                &[
                    (&[Type::Float], "int"),
                    (&[Type::Size], "argument 1 must be an int or a float"),
                ],
            );
        }
    }

    #[test]
    fn min_and_max_keep_units() {
        gives(
            "min",
            &[
                (&[i(3), i(1), i(2)], i(1)),
                (&[i(3), f(1.5)], f(1.5)),
                (&[i(1), f(1.5)], f(1.0)),
                (&[duration("30s"), duration("10m")], duration("30s")),
                (&[l([percent("80%"), percent("9%")])], percent("9%")),
            ],
        );
        gives(
            "max",
            &[
                (&[i(3)], i(3)),
                (&[size("4GiB"), size("4GB")], size("4GiB")),
                (&[l([i(1), i(9), i(4)])], i(9)),
                (&[f(1.5), i(2)], f(2.0)),
            ],
        );
        fails(
            "max",
            &[
                (&[l([])], Some(0), "the list is empty"),
                (&[i(1), duration("1s")], Some(0), "not of one kind"),
                (&[s("a")], Some(0), "must be a number"),
                (&[secret()], Some(0), "a secret"),
            ],
        );
        let mixed = Type::union([Type::Int, Type::Float]);
        types(
            "min",
            &[
                (&[Type::Int, Type::Float], "float"),
                (&[Type::list(mixed)], "float"),
                (&[Type::Unknown, Type::Size], "size"),
                (&[Type::set(Type::Duration)], "duration"),
                (
                    &[Type::Duration, Type::Size],
                    "argument 2 must be duration, as the argument before it",
                ),
                (
                    &[Type::String],
                    "argument 1 must be a number, duration, size or percent",
                ),
                (
                    &[Type::list(Type::String)],
                    "argument 1 must be a list of numbers, durations, sizes or percents, all of one kind",
                ),
            ],
        );
    }

    #[test]
    fn sum_keeps_units() {
        gives(
            "sum",
            &[
                (&[l([i(1), i(2), i(3)])], i(6)),
                (&[l([i(1), f(0.5)])], f(1.5)),
                (&[l([duration("30m"), duration("1h")])], duration("1h30m")),
                (&[l([size("1GiB"), size("512MiB")])], size("1536MiB")),
                (&[l([percent("80%"), percent("40%")])], percent("120%")),
            ],
        );
        fails(
            "sum",
            &[
                (&[l([])], Some(0), "an empty list has no sum"),
                (&[l([i(i64::MAX), i(1)])], None, "larger than"),
                (&[l([f(f64::MAX), f(f64::MAX)])], None, "larger than"),
                (
                    &[l([Value::Size(Size::from_bytes(u64::MAX)), size("1B")])],
                    None,
                    "larger than",
                ),
                (&[l([i(1), size("1B")])], Some(0), "not of one kind"),
                (&[i(1)], Some(0), "a list or a set"),
            ],
        );
        types(
            "sum",
            &[
                (&[Type::list(Type::Int)], "int"),
                (&[Type::list(Type::Unknown)], "unknown"),
            ],
        );
        types("sum", &[(&[Type::Int], "argument 1 must be a list or a set")]);
    }
}
