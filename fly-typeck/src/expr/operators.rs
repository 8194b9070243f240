//! What operators take and give: the types, and the arithmetic that keeps units.

use fly_syntax::tree::BinaryOperator;

use crate::types::Type;
use crate::value::Value;
use fly_domain::{Duration, Percent, Size};

/// The type of `left operator right`; `None` where the operator does not take such values.
pub(super) fn result_type(operator: BinaryOperator, left: &Type, right: &Type) -> Option<Type> {
    use BinaryOperator as Op;
    use Type::{Bool, Duration, Float, Int, Percent, Size, Unknown};
    if matches!(left, Unknown | Type::Any) || matches!(right, Unknown | Type::Any) {
        return Some(match operator {
            Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo => Unknown,
            _ => Bool,
        });
    }
    Some(match (operator, left, right) {
        (Op::Or | Op::And, Bool, Bool) => Bool,
        (Op::Equal | Op::NotEqual, left, right) if comparable(left, right) => Bool,
        (Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual, left, right)
            if ordered(left, right) =>
        {
            Bool
        }
        (Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Modulo, Int, Int) => Int,
        (Op::Add | Op::Subtract | Op::Multiply | Op::Divide, Int | Float, Int | Float) => Float,
        (Op::Add | Op::Subtract, Duration, Duration) | (Op::Multiply | Op::Divide, Duration, Int | Float) => {
            Duration
        }
        (Op::Add | Op::Subtract, Size, Size) | (Op::Multiply | Op::Divide, Size, Int | Float) => Size,
        (Op::Add | Op::Subtract, Percent, Percent) | (Op::Multiply | Op::Divide, Percent, Int | Float) => {
            Percent
        }
        (Op::Multiply, Int | Float, Percent) => Percent,
        // A share of something: `50% * 8GiB`.
        (Op::Multiply, Percent, Duration) | (Op::Multiply, Duration, Percent) => Duration,
        (Op::Multiply, Percent, Size) | (Op::Multiply, Size, Percent) => Size,
        (Op::Multiply, Int | Float, Duration) => Duration,
        (Op::Multiply, Int | Float, Size) => Size,
        (Op::Divide, Duration, Duration) | (Op::Divide, Size, Size) | (Op::Divide, Percent, Percent) => Float,
        _ => return None,
    })
}

fn comparable(left: &Type, right: &Type) -> bool {
    let numbers = |ty: &Type| matches!(ty, Type::Int | Type::Float);
    left == right
        || (numbers(left) && numbers(right))
        || super::fits(left, right).is_ok()
        || super::fits(right, left).is_ok()
}

fn ordered(left: &Type, right: &Type) -> bool {
    let numbers = |ty: &Type| matches!(ty, Type::Int | Type::Float);
    (numbers(left) && numbers(right))
        || (left == right
            && matches!(
                left,
                Type::Duration | Type::Size | Type::Percent | Type::Text(fly_domain::TextForm::Version)
            ))
}

/// Why an operation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Impossible {
    /// Division or modulo by zero.
    ByZero,
    /// The result is too large, or below zero where the unit has no negative values.
    OutOfRange,
    /// The values are not of types that the operator takes; typing rules this out.
    Types,
}

/// The value of `left operator right` for everything but `&&` and `||`, which evaluate as far as needed.
pub(super) fn apply(operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, Impossible> {
    use BinaryOperator as Op;
    use std::cmp::Ordering::{Equal, Greater, Less};
    match operator {
        Op::Equal => return Ok(Value::Bool(same(left, right))),
        Op::NotEqual => return Ok(Value::Bool(!same(left, right))),
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let order = compare(left, right).ok_or(Impossible::Types)?;
            return Ok(Value::Bool(match operator {
                Op::Less => order == Less,
                Op::LessOrEqual => order != Greater,
                Op::Greater => order == Greater,
                _ => order != Less || order == Equal,
            }));
        }
        _ => {}
    }
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => integers(operator, *a, *b).map(Value::Int),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            floats(operator, number(left), number(right)).map(Value::Float)
        }
        (Value::Duration(a), Value::Duration(b)) => match operator {
            Op::Divide => floats(operator, a.as_millis() as f64, b.as_millis() as f64).map(Value::Float),
            _ => units(operator, a.as_millis(), b.as_millis())
                .map(|ms| Value::Duration(Duration::from_millis(ms))),
        },
        (Value::Size(a), Value::Size(b)) => match operator {
            Op::Divide => floats(operator, a.as_bytes() as f64, b.as_bytes() as f64).map(Value::Float),
            _ => {
                units(operator, a.as_bytes(), b.as_bytes()).map(|bytes| Value::Size(Size::from_bytes(bytes)))
            }
        },
        (Value::Percent(a), Value::Percent(b)) => {
            let result = floats(operator, a.as_f64(), b.as_f64())?;
            match operator {
                Op::Divide => Ok(Value::Float(result)),
                _ => percent(result),
            }
        }
        (Value::Percent(share), whole @ (Value::Duration(_) | Value::Size(_)))
        | (whole @ (Value::Duration(_) | Value::Size(_)), Value::Percent(share)) => {
            apply(operator, whole, &Value::Float(share.as_f64() / 100.0))
        }
        (Value::Percent(a), b @ (Value::Int(_) | Value::Float(_)))
        | (b @ (Value::Int(_) | Value::Float(_)), Value::Percent(a)) => {
            percent(floats(operator, a.as_f64(), number(b))?)
        }
        (Value::Duration(a), b) | (b, Value::Duration(a)) => {
            scale(operator, a.as_millis(), b).map(|ms| Value::Duration(Duration::from_millis(ms)))
        }
        (Value::Size(a), b) | (b, Value::Size(a)) => {
            scale(operator, a.as_bytes(), b).map(|bytes| Value::Size(Size::from_bytes(bytes)))
        }
        _ => Err(Impossible::Types),
    }
}

/// That many hundredths, which are never below zero.
fn percent(hundredths: f64) -> Result<Value, Impossible> {
    if hundredths < 0.0 {
        return Err(Impossible::OutOfRange);
    }
    Ok(Value::Percent(Percent::from_f64(hundredths)))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        _ => f64::NAN,
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => number(left) == number(right),
        _ => left == right,
    }
}

/// Which of two values of one type is less; `None` where they have no order.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            number(left).partial_cmp(&number(right))
        }
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Size(a), Value::Size(b)) => Some(a.cmp(b)),
        (Value::Percent(a), Value::Percent(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => {
            use fly_domain::Version;
            match (Version::parse(a), Version::parse(b)) {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => Some(a.cmp(b)),
            }
        }
        _ => None,
    }
}

fn integers(operator: BinaryOperator, a: i64, b: i64) -> Result<i64, Impossible> {
    use BinaryOperator as Op;
    match operator {
        Op::Divide | Op::Modulo if b == 0 => Err(Impossible::ByZero),
        Op::Add => a.checked_add(b).ok_or(Impossible::OutOfRange),
        Op::Subtract => a.checked_sub(b).ok_or(Impossible::OutOfRange),
        Op::Multiply => a.checked_mul(b).ok_or(Impossible::OutOfRange),
        Op::Divide => a.checked_div(b).ok_or(Impossible::OutOfRange),
        Op::Modulo => a.checked_rem(b).ok_or(Impossible::OutOfRange),
        _ => Err(Impossible::Types),
    }
}

fn floats(operator: BinaryOperator, a: f64, b: f64) -> Result<f64, Impossible> {
    use BinaryOperator as Op;
    let result = match operator {
        Op::Divide if b == 0.0 => return Err(Impossible::ByZero),
        Op::Add => a + b,
        Op::Subtract => a - b,
        Op::Multiply => a * b,
        Op::Divide => a / b,
        _ => return Err(Impossible::Types),
    };
    if result.is_finite() {
        Ok(result)
    } else {
        Err(Impossible::OutOfRange)
    }
}

fn units(operator: BinaryOperator, a: u64, b: u64) -> Result<u64, Impossible> {
    match operator {
        BinaryOperator::Add => a.checked_add(b).ok_or(Impossible::OutOfRange),
        BinaryOperator::Subtract => a.checked_sub(b).ok_or(Impossible::OutOfRange),
        _ => Err(Impossible::Types),
    }
}

/// A quantity times or divided by a number, in whole units, rounded down.
fn scale(operator: BinaryOperator, quantity: u64, by: &Value) -> Result<u64, Impossible> {
    use BinaryOperator as Op;
    match (operator, by) {
        (Op::Divide, Value::Int(0)) => Err(Impossible::ByZero),
        (Op::Multiply, Value::Int(by)) => u64::try_from(*by)
            .ok()
            .and_then(|by| quantity.checked_mul(by))
            .ok_or(Impossible::OutOfRange),
        (Op::Divide, Value::Int(by)) => u64::try_from(*by)
            .map(|by| quantity / by)
            .map_err(|_| Impossible::OutOfRange),
        (Op::Multiply | Op::Divide, Value::Float(by)) => {
            let result = floats(operator, quantity as f64, *by)?;
            if (0.0..9.0e18).contains(&result) {
                Ok(result as u64)
            } else {
                Err(Impossible::OutOfRange)
            }
        }
        _ => Err(Impossible::Types),
    }
}
