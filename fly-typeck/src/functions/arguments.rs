//! Values as a function wants them. `check` has seen their types already; what it could not know is refused here.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::CallError;
use crate::value::Value;

pub(super) fn value(arguments: &[Value], at: usize) -> Result<&Value, CallError> {
    arguments
        .get(at)
        .ok_or_else(|| CallError::failed(format!("argument {} is missing", at + 1)))
}

pub(super) fn text(arguments: &[Value], at: usize) -> Result<&str, CallError> {
    match value(arguments, at)? {
        Value::String(text) => Ok(text),
        other => Err(not(at, other, "a string")),
    }
}

pub(super) fn int(arguments: &[Value], at: usize) -> Result<i64, CallError> {
    match value(arguments, at)? {
        Value::Int(int) => Ok(*int),
        other => Err(not(at, other, "an int")),
    }
}

pub(super) fn list(arguments: &[Value], at: usize) -> Result<&[Value], CallError> {
    match value(arguments, at)? {
        Value::List(values) => Ok(values),
        other => Err(not(at, other, "a list or a set")),
    }
}

pub(super) fn entries(arguments: &[Value], at: usize) -> Result<&BTreeMap<SmolStr, Value>, CallError> {
    match value(arguments, at)? {
        Value::Object(entries) => Ok(entries),
        other => Err(not(at, other, "a map or an object")),
    }
}

/// The value is not what belongs there.
pub(super) fn not(at: usize, value: &Value, expected: &str) -> CallError {
    match value {
        Value::Secret(_) => CallError::Secret { argument: at },
        _ => CallError::at(at, format!("argument {} must be {expected}", at + 1)),
    }
}

/// Refuses a value that is a secret or holds one: for functions that compare or read.
pub(super) fn no_secret(at: usize, value: &Value) -> Result<(), CallError> {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Secret(_) => return Err(CallError::Secret { argument: at }),
            Value::List(values) => left.extend(values.iter()),
            Value::Object(entries) => left.extend(entries.values()),
            _ => {}
        }
    }
    Ok(())
}
