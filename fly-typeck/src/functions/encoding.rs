//! Text as other programs want it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::shapes::text;
use super::text::{bounded, within, written};
use super::{Arity, CallError, Function, arguments};
use crate::types::Type;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "base64encode",
        signature: "base64encode(string) -> string",
        doc: "The bytes of the text in base64, with padding.",
        example: "base64encode(\"hello\")  # => \"aGVsbG8=\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, _| bounded(STANDARD.encode(arguments::text(values, 0)?)),
    },
    Function {
        name: "jsonencode",
        signature: "jsonencode(T) -> string",
        doc: "The value as JSON on one line, keys sorted; durations, sizes and percents as their text.",
        example: "jsonencode({ b = 4GiB, a = [1, true] })  # => \"{\\\"a\\\":[1,true],\\\"b\\\":\\\"4GiB\\\"}\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |_| Ok(Type::String),
        call: |values, _| json(0, arguments::value(values, 0)?).and_then(bounded),
    },
    Function {
        name: "sha256",
        signature: "sha256(string) -> string",
        doc: "The SHA-256 digest of the text, in hexadecimal digits.",
        example: "sha256(\"\")  # => \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
        arity: Arity::exactly(1),
        carries_secrets: false,
        check: |types| text(types, 0).map(|()| Type::String),
        call: |values, _| {
            let mut hex = String::with_capacity(64);
            for byte in Sha256::digest(arguments::text(values, 0)?) {
                // Writing to a string does not fail.
                let _ = write!(hex, "{byte:02x}");
            }
            Ok(Value::string(hex))
        },
    },
];

/// How deep lists and objects may nest.
const DEEPEST: usize = 256;

/// A value as JSON; `at` is the argument it came in.
pub(super) fn json(at: usize, value: &Value) -> Result<String, CallError> {
    let mut text = String::new();
    write_json(at, value, 0, &mut text)?;
    Ok(text)
}

fn write_json(at: usize, value: &Value, depth: usize, text: &mut String) -> Result<(), CallError> {
    if depth > DEEPEST {
        return Err(CallError::at(at, format!("it nests deeper than {DEEPEST}")));
    }
    match value {
        Value::Secret(_) => return Err(CallError::Secret { argument: at }),
        Value::Bool(_) | Value::Int(_) => text.push_str(&written(value).unwrap_or_default()),
        Value::Float(float) => match serde_json::Number::from_f64(*float) {
            Some(number) => text.push_str(&number.to_string()),
            None => return Err(CallError::at(at, "it holds a number that JSON cannot write")),
        },
        Value::String(_) | Value::Duration(_) | Value::Size(_) | Value::Percent(_) => {
            quote(&written(value).unwrap_or_default(), text);
        }
        Value::List(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(at, value, depth + 1, text)?;
            }
            text.push(']');
        }
        Value::Object(entries) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                quote(key, text);
                text.push(':');
                write_json(at, value, depth + 1, text)?;
            }
            text.push('}');
        }
    }
    within(text.len())
}

fn quote(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::super::MOST_BYTES;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn base64encode_pads() {
        gives(
            "base64encode",
            &[
                (&[s("hello")], s("aGVsbG8=")),
                (&[s("")], s("")),
                (&[s("é?>")], s("w6k/Pg==")),
            ],
        );
        fails(
            "base64encode",
            &[
                (&[s(&"x".repeat(MOST_BYTES))], None, "1 MiB"),
                (&[secret()], Some(0), "a secret"),
            ],
        );
        types(
            "base64encode",
            &[
                (&[Type::String], "string"),
                (&[Type::Int], "argument 1 must be a string"),
            ],
        );
    }

    #[test]
    fn jsonencode_writes_any_value() {
        gives(
            "jsonencode",
            &[
                (
                    &[o([("b", size("4GiB")), ("a", l([i(1), b(true)]))])],
                    s(r#"{"a":[1,true],"b":"4GiB"}"#),
                ),
                (
                    &[l([f(1.5), f(2.0), duration("90s"), percent("8%")])],
                    s(r#"[1.5,2.0,"1m30s","8%"]"#),
                ),
                (&[s("a\"\n\u{1}")], s(r#""a\"\n\u0001""#)),
                (&[o([])], s("{}")),
            ],
        );
        let mut deep = l([]);
        for _ in 0..300 {
            deep = l([deep]);
        }
        let long = s(&"x".repeat(MOST_BYTES));
        fails(
            "jsonencode",
            &[
                (&[o([("a", secret())])], Some(0), "a secret"),
                (&[deep], Some(0), "deeper than 256"),
                (&[f(f64::NAN)], Some(0), "cannot write"),
                (&[long], None, "1 MiB"),
            ],
        );
        types("jsonencode", &[(&[Type::map(Type::Int)], "string")]);
    }

    #[test]
    fn sha256_is_hexadecimal() {
        gives(
            "sha256",
            &[
                (
                    &[s("")],
                    s("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                ),
                (
                    &[s("abc")],
                    s("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                ),
                (
                    &[s("é")],
                    s("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
                ),
            ],
        );
        fails("sha256", &[(&[i(1)], Some(0), "a string")]);
        types("sha256", &[(&[Type::Int], "argument 1 must be a string")]);
    }
}
