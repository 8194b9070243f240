//! Evaluated values.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use fly_domain::{Duration, Percent, SecretUri, Size};

/// A value as evaluation leaves it. Text of a checked form (a url, a cron, an enum word) is a
/// `String` here: its [`Type`](crate::types::Type) knows the form, which was checked on the way in.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true`
    Bool(bool),
    /// `42`
    Int(i64),
    /// `3.14`
    Float(f64),
    /// Text of any kind.
    String(SmolStr),
    /// `10m`
    Duration(Duration),
    /// `4GiB`
    Size(Size),
    /// `80%`
    Percent(Percent),
    /// Where a secret is kept; its value never exists here.
    Secret(SecretUri),
    /// A list, or a set in the order of its elements' text.
    List(Arc<[Value]>),
    /// A map or an object; keys in the order of their text.
    Object(Arc<BTreeMap<SmolStr, Value>>),
}

impl Value {
    /// A list of these values.
    #[must_use]
    pub fn list(values: impl IntoIterator<Item = Value>) -> Self {
        Self::List(values.into_iter().collect())
    }

    /// An object of these entries.
    #[must_use]
    pub fn object(entries: impl IntoIterator<Item = (SmolStr, Value)>) -> Self {
        Self::Object(Arc::new(entries.into_iter().collect()))
    }

    /// Text of any kind.
    #[must_use]
    pub fn string(text: impl Into<SmolStr>) -> Self {
        Self::String(text.into())
    }

    /// The text, where this is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, where this is a list or a set.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }
}
