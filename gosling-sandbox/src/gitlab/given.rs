//! What a call was given, read and checked as GitLab does it: what is not known is ignored, what is wrong is named.

use serde_json::{Map, Value, json};

use super::answer::Failure;
use super::parameters::{Parameter, Parameters, Shape};
use crate::Call;
use crate::call::pairs;

/// The parameters of a call, from its path, query and body together.
#[derive(Debug, Default)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    /// Reads the query and, where it is a form or JSON, the body.
    pub(super) fn read(call: &Call) -> Result<Self, Failure> {
        let mut given = Map::new();
        for (key, value) in &call.query {
            put(&mut given, key, value);
        }
        let kind = call.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind {
            _ if call.body.is_empty() || call.method == "GET" => {}
            "application/json" => match serde_json::from_slice(&call.body) {
                Ok(Value::Object(body)) => given.extend(body),
                Ok(_) => {}
                // What a state is, its own call judges.
                Err(_) if call.path.contains("/terraform/state/") => {}
                Err(_) => {
                    return Err(Failure::Error(
                        400,
                        "The request body is not valid JSON".to_owned(),
                    ));
                }
            },
            "application/x-www-form-urlencoded" => {
                for (key, value) in pairs(&String::from_utf8_lossy(&call.body)) {
                    put(&mut given, &key, &value);
                }
            }
            _ => {}
        }
        Ok(Self(given))
    }

    /// What the path says goes before everything else.
    pub(super) fn path(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), Value::String(value));
    }

    /// Checks everything that is known, and brings it into its shape. The error names all that is wrong.
    pub(super) fn check(&mut self, parameters: &[Parameters]) -> Result<(), Failure> {
        let mut complaints = Vec::new();
        for parameter in parameters.iter().copied().flatten() {
            self.check_one(parameter, &mut complaints);
        }
        if complaints.is_empty() {
            Ok(())
        } else {
            Err(Failure::Error(400, complaints.join(", ")))
        }
    }

    fn check_one(&mut self, parameter: &Parameter, complaints: &mut Vec<String>) {
        let name = parameter.name;
        let Some(value) = self.0.get(name) else {
            if parameter.required {
                complaints.push(format!("{name} is missing"));
                // A choice that is missing is also none of the choices.
                if matches!(parameter.shape, Shape::Choice(_)) {
                    complaints.push(format!("{name} does not have a valid value"));
                }
            }
            return;
        };
        match coerce(value, parameter.shape) {
            Ok(value) => {
                self.0.insert(name.to_owned(), value);
            }
            Err(complaint) => complaints.push(format!("{name} {complaint}")),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.value(name)?.as_i64()
    }

    /// The number of something that there may be. A negative number is nobody's.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.value(name).and_then(Value::as_u64).unwrap_or(0)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.value(name)?.as_bool()
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.value(name)?.as_array()?.iter();
        Some(items.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Pairs of `key` and `value`, as `variables` of a pipeline has them, in either of its forms.
    pub(super) fn pairs(&self, name: &str) -> Vec<(String, String)> {
        match self.value(name) {
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| {
                    let field = |field: &str| item.get(field).map(plain);
                    Some((field("key")?, field("value").unwrap_or_default()))
                })
                .collect(),
            Some(Value::Object(fields)) => fields
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A scalar as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value in the shape that it must have, or what is wrong with it.
fn coerce(value: &Value, shape: Shape) -> Result<Value, &'static str> {
    const INVALID: &str = "is invalid";
    if value.is_null() {
        return Ok(Value::Null);
    }
    match shape {
        Shape::Text => match value {
            Value::String(_) => Ok(value.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(json!(plain(value))),
            _ => Err(INVALID),
        },
        Shape::Integer => match value {
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok(value.clone()),
            Value::String(text) if text.is_empty() => Ok(Value::Null),
            Value::String(text) => text.parse().map(|number: i64| json!(number)).or(Err(INVALID)),
            _ => Err(INVALID),
        },
        Shape::Boolean => match plain(value).to_lowercase().as_str() {
            "true" | "1" | "t" | "y" | "yes" | "on" => Ok(json!(true)),
            "false" | "0" | "f" | "n" | "no" | "off" => Ok(json!(false)),
            "" => Ok(Value::Null),
            _ => Err(INVALID),
        },
        Shape::List => match value {
            Value::String(text) => Ok(json!(words(text))),
            Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
                let items: Vec<_> = items.iter().flat_map(|item| words(&plain(item))).collect();
                Ok(json!(items))
            }
            _ => Err(INVALID),
        },
        Shape::Choice(words) => match value.as_str() {
            Some(word) if words.contains(&word) => Ok(value.clone()),
            _ => Err("does not have a valid value"),
        },
        Shape::Object if value.is_object() => Ok(value.clone()),
        Shape::Objects => match value {
            Value::Array(items) if items.iter().all(Value::is_object) => Ok(value.clone()),
            _ => Err(INVALID),
        },
        Shape::Object => Err(INVALID),
    }
}

/// The words of a list with commas.
fn words(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Puts one pair of a form or query in its place: `a`, `a[]`, `a[b]` and `a[][b]`, as Rack reads them.
fn put(given: &mut Map<String, Value>, key: &str, value: &str) {
    let value = json!(value);
    let Some((name, rest)) = key.split_once('[') else {
        given.insert(key.to_owned(), value);
        return;
    };
    if rest == "]" {
        if let Some(items) = given.entry(name).or_insert_with(|| json!([])).as_array_mut() {
            items.push(value);
        }
    } else if let Some(field) = rest.strip_prefix("][").and_then(|rest| rest.strip_suffix(']')) {
        let Some(items) = given.entry(name).or_insert_with(|| json!([])).as_array_mut() else {
            return;
        };
        // A field that is there already begins the next object.
        match items.last_mut().and_then(Value::as_object_mut) {
            Some(last) if !last.contains_key(field) => {
                last.insert(field.to_owned(), value);
            }
            _ => items.push(json!({ field: value })),
        }
    } else if let Some(field) = rest.strip_suffix(']')
        && let Some(object) = given.entry(name).or_insert_with(|| json!({})).as_object_mut()
    {
        object.insert(field.to_owned(), value);
    }
}
