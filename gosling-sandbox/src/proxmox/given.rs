//! What a call was given.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::Failure;
use super::schema::{Parameter, complaints};
use crate::Call;
use crate::call::pairs;

/// The parameters of a request, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(BTreeMap<String, String>);

impl Given {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn name(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "1")
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// The words of a list.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        words(self.text(name).unwrap_or_default())
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Reads what a call gives: the query of a GET or a DELETE, the body of a POST or a PUT, never both.
    pub(super) fn read(call: &Call) -> Result<Self, Failure> {
        let content_type = call.header("content-type").unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let pairs = if !matches!(call.method.as_str(), "POST" | "PUT") {
            call.query.clone()
        } else if kind == "application/json" {
            json(&call.body)?
        } else if !matches!(kind, "" | "application/x-www-form-urlencoded") {
            return Err(Failure::ContentType(kind.to_owned()));
        } else {
            pairs(&String::from_utf8_lossy(&call.body))
        };
        let mut given = BTreeMap::<String, String>::new();
        for (key, value) in pairs {
            given
                .entry(key)
                .and_modify(|old| {
                    old.push('\0');
                    old.push_str(&value);
                })
                .or_insert(value);
        }
        Ok(Self(given))
    }

    /// Checks against a call's tables, as strictly as the real one.
    pub(super) fn check<'a>(
        &self,
        known: impl Iterator<Item = &'a Parameter> + Clone,
        major: u32,
    ) -> Result<(), Failure> {
        let errors = complaints(&self.0, known, major);
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Failure::Parameters(errors))
        }
    }
}

/// The words of a list as Proxmox VE writes lists: with commas, semicolons, blanks or zero bytes between, any number of
/// them, also before the first and behind the last.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = |letter: char| matches!(letter, ',' | ';' | '\0') || letter.is_whitespace();
    text.split(between).filter(|word| !word.is_empty())
}

/// A JSON body's members, as the words that they would be in a form.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(Failure::Die("malformed JSON string".to_owned()));
    };
    let word = |value: Value| match value {
        Value::String(text) => text,
        Value::Bool(true) => "1".to_owned(),
        Value::Bool(false) | Value::Null => "0".to_owned(),
        other => other.to_string(),
    };
    Ok(members
        .into_iter()
        .map(|(key, value)| (key, word(value)))
        .collect())
}
