//! By what the machine of a resource is recognised: a VMID alone may be another machine's by now.

use gosling_engine::marker;
use gosling_resource::{Properties, Value};

use super::wanted::Config;

/// By what a machine is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign<'a> {
    /// The marker in its notes.
    Marker(&'a str),
    /// An imported machine has no marker: the name that it is known to have.
    Name(Option<&'a str>),
}

impl<'a> Sign<'a> {
    /// Of a machine with this marker and these properties.
    pub(super) fn of(marker: &'a str, known: &'a Properties) -> Self {
        match marker {
            "" => Self::Name(known.get("name").and_then(Value::as_text)),
            marker => Self::Marker(marker),
        }
    }

    /// Whether a machine has it.
    pub(super) fn is_on(self, config: &Config) -> bool {
        match self {
            Self::Marker(text) => marker::is_in(config.notes(), text),
            Self::Name(name) => name.is_some() && config.get("name") == name,
        }
    }

    /// The marker of the machine, which says how its files are called; empty where it has none.
    pub(super) fn marker(self, config: Option<&'a Config>) -> &'a str {
        match self {
            Self::Marker(text) => text,
            Self::Name(_) => config
                .and_then(|config| marker::all_in(config.notes()).next())
                .map_or("", |marker| marker.text),
        }
    }
}
