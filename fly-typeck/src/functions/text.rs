//! Text that values are written as, and how much of it there may be.

use std::borrow::Cow;

use super::{CallError, MOST_BYTES, MOST_ELEMENTS};
use crate::value::Value;

/// The text of a value that may stand in `${ }`; none of a list, an object or a secret.
pub(super) fn written(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Bool(value) => Cow::Owned(value.to_string()),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Float(value) => Cow::Owned(value.to_string()),
        Value::Duration(value) => Cow::Owned(value.to_string()),
        Value::Size(value) => Cow::Owned(value.to_string()),
        Value::Percent(value) => Cow::Owned(value.to_string()),
        Value::Secret(_) | Value::List(_) | Value::Object(_) => return None,
    })
}

/// Text as a result.
pub(super) fn bounded(text: String) -> Result<Value, CallError> {
    within(text.len())?;
    Ok(Value::string(text))
}

/// Whether a text may have so many bytes.
pub(super) fn within(bytes: usize) -> Result<(), CallError> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(CallError::failed(format!(
        "the result is longer than {} MiB, the most a text may have",
        MOST_BYTES >> 20
    )))
}

/// Whether a list or a map may have so many elements.
pub(super) fn within_elements(count: usize) -> Result<(), CallError> {
    if count <= MOST_ELEMENTS {
        return Ok(());
    }
    Err(CallError::failed(format!(
        "the result has more than {MOST_ELEMENTS} elements, the most a function gives"
    )))
}
