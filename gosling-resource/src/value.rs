//! What a property can be.

use std::collections::BTreeMap;

use fly_domain::SecretUri;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::address::Address;
use crate::template::Template;

/// The value of a property. Secrets are in it as the place where they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Not set.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; durations are seconds, sizes MiB, as the property's documentation says.
    Int(i64),
    /// Text.
    Text(SmolStr),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<SmolStr, Value>),
    /// Where a secret is kept.
    Secret(SecretUri),
    /// Text with secrets in it.
    Template(Template),
    /// What another resource will have been given: known when that one has been made. In a box, for every value is as
    /// large as the largest, and there are a million of them.
    Output(Box<Output>),
}

/// What a resource is given when it is made, as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The resource.
    pub of: Address,
    /// The name of what it is given: `id`.
    pub name: SmolStr,
}

impl Value {
    /// What this resource will have been given under this name.
    #[must_use]
    pub fn output(of: Address, name: impl Into<SmolStr>) -> Self {
        let name = name.into();
        Self::Output(Box::new(Output { of, name }))
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth, where it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The texts of a list of texts; empty for anything else.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::List(values) => values.iter().filter_map(Self::as_text).collect(),
            _ => Vec::new(),
        }
    }

    /// The place of a secret, where it is one.
    #[must_use]
    pub fn as_secret(&self) -> Option<&SecretUri> {
        match self {
            Self::Secret(uri) => Some(uri),
            _ => None,
        }
    }

    /// Every resource whose outputs stand in it.
    #[must_use]
    pub fn outputs(&self) -> Vec<&Address> {
        match self {
            Self::Output(output) => vec![&output.of],
            Self::List(values) => values.iter().flat_map(Self::outputs).collect(),
            Self::Map(values) => values.values().flat_map(Self::outputs).collect(),
            _ => Vec::new(),
        }
    }

    /// Every secret that stands in it.
    #[must_use]
    pub fn secrets(&self) -> Vec<&SecretUri> {
        match self {
            Self::Secret(uri) => vec![uri],
            Self::Template(template) => template.secrets().collect(),
            Self::List(values) => values.iter().flat_map(Self::secrets).collect(),
            Self::Map(values) => values.values().flat_map(Self::secrets).collect(),
            _ => Vec::new(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<SmolStr> for Value {
    fn from(text: SmolStr) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl From<SecretUri> for Value {
    fn from(uri: SecretUri) -> Self {
        Self::Secret(uri)
    }
}

impl From<Template> for Value {
    fn from(template: Template) -> Self {
        Self::Template(template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_small_for_there_are_a_million_of_them() {
        assert!(size_of::<Value>() <= 32, "{} bytes", size_of::<Value>());
    }
}
