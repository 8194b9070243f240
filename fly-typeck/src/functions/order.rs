//! One order of all values, which agrees with equality: for `sort`, `distinct` and `contains`.

use std::cmp::Ordering;

use crate::value::Value;

/// A value that can be compared with any other: numbers by what they are worth, kinds apart from each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ordered<'a>(pub(super) &'a Value);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.0, other.0) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => floats(*a, *b),
            (Value::Int(a), Value::Float(b)) => int_and_float(*a, *b),
            (Value::Float(a), Value::Int(b)) => int_and_float(*b, *a).reverse(),
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            (Value::Size(a), Value::Size(b)) => a.cmp(b),
            (Value::Percent(a), Value::Percent(b)) => a.cmp(b),
            (Value::Secret(a), Value::Secret(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => a.iter().map(Ordered).cmp(b.iter().map(Ordered)),
            (Value::Object(a), Value::Object(b)) => {
                let entries = a.iter().map(|(key, value)| (key, Ordered(value)));
                entries.cmp(b.iter().map(|(key, value)| (key, Ordered(value))))
            }
            (a, b) => kind(a).cmp(&kind(b)),
        }
    }
}

/// The two zeros are one.
fn floats(a: f64, b: f64) -> Ordering {
    (a + 0.0).total_cmp(&(b + 0.0))
}

/// Exactly, where a conversion of the int would round it.
fn int_and_float(a: i64, b: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if b >= BEYOND || b.is_nan() {
        Ordering::Less
    } else if b < -BEYOND {
        Ordering::Greater
    } else {
        // In range, so nothing is cut but the fraction, which decides where the whole parts are equal.
        a.cmp(&(b as i64)).then(floats(0.0, b.fract()))
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Float(_) => 1,
        Value::String(_) => 2,
        Value::Duration(_) => 3,
        Value::Size(_) => 4,
        Value::Percent(_) => 5,
        Value::Secret(_) => 6,
        Value::List(_) => 7,
        Value::Object(_) => 8,
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ordered<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_numbers_by_their_worth() {
        let rising = [
            Value::Float(-1e300),
            Value::Int(i64::MIN),
            Value::Float(-1.5),
            Value::Int(-1),
            Value::Float(-0.5),
            Value::Int(0),
            Value::Float(0.5),
            Value::Int(1),
            Value::Int(i64::MAX),
            Value::Float(9_223_372_036_854_775_808.0),
            Value::string(""),
            Value::list([]),
        ];
        for (at, a) in rising.iter().enumerate() {
            for (other, b) in rising.iter().enumerate() {
                assert_eq!(Ordered(a).cmp(&Ordered(b)), at.cmp(&other), "{a:?} {b:?}");
            }
        }
        assert_eq!(Ordered(&Value::Int(2)), Ordered(&Value::Float(2.0)));
        assert_eq!(Ordered(&Value::Float(-0.0)), Ordered(&Value::Int(0)));
        assert_ne!(Ordered(&Value::Int(1)), Ordered(&Value::string("1")));
    }
}
