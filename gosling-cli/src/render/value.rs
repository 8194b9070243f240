//! Values for people: the way they would be written in Fly, an entry a line, with numbers for what has a unit.

use std::fmt::Write;

use fly_typeck::value::Value;

use crate::fly_text::quoted;

/// The value over as many lines as it needs; durations and sizes have their number in a comment.
#[must_use]
pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    if let Some(number) = number(value) {
        // Writing to a String cannot fail.
        let _ = write!(text, "  # {number}");
    }
    text
}

// As deep as the value itself, whose depth the language bounds.
fn write_value(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Bool(value) => text.push_str(&value.to_string()),
        Value::Int(value) => text.push_str(&value.to_string()),
        Value::Float(value) => text.push_str(&fly_typeck::json::float(*value)),
        Value::String(value) => text.push_str(&quoted(value)),
        Value::Duration(value) => text.push_str(&value.to_string()),
        Value::Size(value) => text.push_str(&value.to_string()),
        Value::Percent(value) => text.push_str(&value.to_string()),
        Value::Secret(uri) => text.push_str(&quoted(&uri.to_string())),
        Value::List(values) if values.iter().all(is_short) && values.len() <= 8 => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write_value(text, value, depth);
            }
            text.push(']');
        }
        Value::List(values) => {
            text.push_str("[\n");
            for value in values.iter() {
                indent(text, depth + 1);
                write_value(text, value, depth + 1);
                end_entry(text, value, ",");
            }
            indent(text, depth);
            text.push(']');
        }
        Value::Object(entries) if entries.is_empty() => text.push_str("{}"),
        Value::Object(entries) => {
            text.push_str("{\n");
            for (name, value) in entries.iter() {
                indent(text, depth + 1);
                match is_identifier(name) {
                    true => text.push_str(name),
                    false => text.push_str(&quoted(name)),
                }
                text.push_str(" = ");
                write_value(text, value, depth + 1);
                end_entry(text, value, "");
            }
            indent(text, depth);
            text.push('}');
        }
    }
}

fn end_entry(text: &mut String, value: &Value, end: &str) {
    text.push_str(end);
    if let Some(number) = number(value) {
        text.push_str("  # ");
        text.push_str(&number);
    }
    text.push('\n');
}

fn number(value: &Value) -> Option<String> {
    match value {
        Value::Duration(duration) => {
            let millis = duration.as_millis();
            let fraction = match millis % 1000 {
                0 => String::new(),
                rest => format!(".{rest:03}"),
            };
            Some(format!("{}{fraction} s", millis / 1000))
        }
        Value::Size(size) => Some(format!("{} bytes", size.as_bytes())),
        _ => None,
    }
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Object(_) | Value::Duration(_) | Value::Size(_) => false,
        Value::String(text) => text.len() <= 40,
        _ => true,
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}
