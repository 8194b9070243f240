//! Values as people and programs see them: one line of Fly-like text, and JSON.

use serde_json::{Value as Json, json};

use crate::value::Value;

/// The value as JSON: a duration or a size is its text and its number, a secret its URI.
#[must_use]
pub fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::String(text) => json!(text.as_str()),
        Value::Duration(value) => json!({ "text": value.to_string(), "seconds": seconds(value.as_millis()) }),
        Value::Size(value) => json!({ "text": value.to_string(), "bytes": value.as_bytes() }),
        Value::Percent(value) => json!({ "text": value.to_string(), "percent": value.as_f64() }),
        Value::Secret(uri) => json!(uri.to_string()),
        Value::List(values) => Json::Array(values.iter().map(json).collect()),
        Value::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(name, value)| (name.to_string(), json(value)))
                .collect(),
        ),
    }
}

fn seconds(millis: u64) -> Json {
    if millis.is_multiple_of(1000) {
        json!(millis / 1000)
    } else {
        json!(millis as f64 / 1000.0)
    }
}

/// A float in plain digits, with a point, as Fly reads it.
#[must_use]
pub fn float(value: f64) -> String {
    let digits = value.to_string();
    if digits.contains('.') || !value.is_finite() {
        digits
    } else {
        format!("{digits}.0")
    }
}

/// The value on one line, as it would be written in Fly.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::String(text) => format!("{:?}", text.as_str()),
        Value::Duration(value) => value.to_string(),
        Value::Size(value) => value.to_string(),
        Value::Percent(value) => value.to_string(),
        Value::Secret(uri) => format!("{:?}", uri.to_string()),
        Value::List(values) => {
            let items: Vec<String> = values.iter().map(text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let items: Vec<String> = entries
                .iter()
                .map(|(name, value)| format!("{name} = {}", text(value)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
    }
}

/// The value on one line of at most about `limit` characters, for the values under a failed check.
#[must_use]
pub fn short_text(value: &Value, limit: usize) -> String {
    match value {
        Value::List(values) if values.len() > 8 => format!("a list of {} elements", values.len()),
        Value::Object(entries) if entries.len() > 8 => format!("an object of {} entries", entries.len()),
        _ => {
            let full = text(value);
            if full.chars().count() <= limit {
                return full;
            }
            let cut: String = full.chars().take(limit).collect();
            format!("{cut}…")
        }
    }
}
