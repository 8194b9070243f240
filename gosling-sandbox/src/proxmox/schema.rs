//! What a parameter is, and what Proxmox VE says about one that is wrong.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

use super::formats::Format;
use super::properties::{self, Properties};

/// One parameter of one call, or one key of a value that is a list of properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    /// Its name; for a family like `net0`, `net1`.. what stands before the number.
    pub(super) name: &'static str,
    /// For a family, the first number that is too large.
    pub(super) family: Option<u32>,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// The fewest and the most characters.
    pub(super) lengths: (usize, usize),
    /// The first and the last major version that know it.
    pub(super) versions: (u32, u32),
    /// The parameter without which this one is refused.
    pub(super) requires: Option<&'static str>,
    pub(super) place: Place,
}

/// How a key stands in a list of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `key=value`.
    Named,
    /// `value` alone, or `key=value`.
    First,
    /// Another name for this key.
    Alias(&'static str),
    /// `virtio=MAC` gives two keys at once: the model and the address.
    ModelAndAddress,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `0` or `1`, and nothing else; in a list of properties also words like `on` and `off`.
    Boolean,
    Integer(i64, i64),
    Number(f64, f64),
    /// Any text.
    Text,
    /// Text that the whole of this regular expression matches.
    Like(&'static str),
    OneOf(&'static [&'static str]),
    /// Text that has a format with a name.
    Format(&'static Format),
    /// `key=value,...`.
    Properties(&'static Properties),
}

impl Kind {
    /// The type's name in the API's own description.
    #[cfg(test)]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer(..) => "integer",
            Self::Number(..) => "number",
            _ => "string",
        }
    }

    /// What is wrong with a value.
    fn complaint(self, path: &str, value: &str, major: u32) -> Option<String> {
        match self {
            Self::Boolean => (!matches!(value, "0" | "1")).then(|| mistyped("boolean", value)),
            Self::Integer(least, most) => match value.parse::<i64>() {
                Ok(number) => outside(&number, &least, &most),
                Err(_) => Some(mistyped("integer", value)),
            },
            Self::Number(least, most) => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => outside(&number, &least, &most),
                _ => Some(mistyped("number", value)),
            },
            Self::Text => None,
            Self::Like(pattern) => {
                (!matches(pattern, value)).then(|| "value does not match the regex pattern".to_owned())
            }
            Self::OneOf(words) => (!words.contains(&value)).then(|| {
                let words = words.join(", ");
                format!("value '{value}' does not have a value in the enumeration '{words}'")
            }),
            Self::Format(format) => {
                let wrong = (format.check)(value).err()?;
                Some(format!("invalid format - {wrong}\n"))
            }
            Self::Properties(format) => {
                let wrong = properties::complaint(path, format.keys, value, major)?;
                Some(format!("invalid format - {wrong}\n"))
            }
        }
    }
}

fn mistyped(kind: &str, value: &str) -> String {
    format!("type check ('{kind}') failed - got '{value}'")
}

fn outside<T: PartialOrd + std::fmt::Display>(number: &T, least: &T, most: &T) -> Option<String> {
    if number < least {
        Some(format!("value must have a minimum value of {least}"))
    } else if number > most {
        Some(format!("value must have a maximum value of {most}"))
    } else {
        None
    }
}

/// Whether the whole of a value matches a pattern. Each pattern is compiled once.
pub(super) fn matches(pattern: &'static str, value: &str) -> bool {
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = known
        .entry(pattern)
        .or_insert_with(|| Regex::new(&format!("^(?:{pattern})$")).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(value))
}

impl Parameter {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            family: None,
            kind,
            required: false,
            lengths: (0, usize::MAX),
            versions: (8, u32::MAX),
            requires: None,
            place: Place::Named,
        }
    }

    pub(super) const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    pub(super) const fn integer(name: &'static str, least: i64, most: i64) -> Self {
        Self::new(name, Kind::Integer(least, most))
    }

    pub(super) const fn number(name: &'static str, least: f64, most: f64) -> Self {
        Self::new(name, Kind::Number(least, most))
    }

    /// Text of any length.
    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }

    pub(super) const fn short(name: &'static str, most: usize) -> Self {
        Self::text(name).length(0, most)
    }

    pub(super) const fn like(name: &'static str, pattern: &'static str) -> Self {
        Self::new(name, Kind::Like(pattern))
    }

    pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::OneOf(words))
    }

    pub(super) const fn format(name: &'static str, format: &'static Format) -> Self {
        Self::new(name, Kind::Format(format))
    }

    pub(super) const fn properties(name: &'static str, format: &'static Properties) -> Self {
        Self::new(name, Kind::Properties(format))
    }

    /// The number of a virtual machine or a container.
    pub(super) const fn vmid(name: &'static str) -> Self {
        Self::integer(name, 100, 999_999_999)
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A family of parameters, numbered from 0 to below `end`.
    pub(super) const fn family(mut self, end: u32) -> Self {
        self.family = Some(end);
        self
    }

    pub(super) const fn length(mut self, fewest: usize, most: usize) -> Self {
        self.lengths = (fewest, most);
        self
    }

    pub(super) const fn since(mut self, major: u32) -> Self {
        self.versions.0 = major;
        self
    }

    pub(super) const fn until(mut self, major: u32) -> Self {
        self.versions.1 = major;
        self
    }

    pub(super) const fn requires(mut self, other: &'static str) -> Self {
        self.requires = Some(other);
        self
    }

    /// The key whose value may stand without its name.
    pub(super) const fn first(mut self) -> Self {
        self.place = Place::First;
        self
    }

    /// Another name for a key.
    pub(super) const fn alias(name: &'static str, key: &'static str) -> Self {
        let mut alias = Self::text(name);
        alias.place = Place::Alias(key);
        alias
    }

    /// A model of network card, whose value is the card's address.
    pub(super) const fn model(name: &'static str) -> Self {
        let mut model = Self::text(name);
        model.place = Place::ModelAndAddress;
        model
    }

    pub(super) const fn known_in(&self, major: u32) -> bool {
        self.versions.0 <= major && major <= self.versions.1
    }

    /// Whether a name in a request means this parameter.
    pub(super) fn is(&self, name: &str) -> bool {
        let Some(end) = self.family else {
            return self.name == name;
        };
        let number = name.strip_prefix(self.name).filter(|number| {
            number.bytes().all(|byte| byte.is_ascii_digit()) && (*number == "0" || !number.starts_with('0'))
        });
        number
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| number < end)
    }

    fn complaint(&self, path: &str, value: &str, major: u32) -> Option<String> {
        let (fewest, most) = self.lengths;
        match value.chars().count() {
            length if length > most => Some(format!("value may only be {most} characters long")),
            length if length < fewest => Some(format!("value must be at least {fewest} characters long")),
            _ => self.kind.complaint(path, value, major),
        }
    }
}

/// What is wrong with values, by the tables that say which there are: the names that are wrong, with complaints.
pub(super) fn complaints<'a>(
    values: &BTreeMap<String, String>,
    known: impl Iterator<Item = &'a Parameter> + Clone,
    major: u32,
) -> BTreeMap<String, String> {
    let known = known.filter(|parameter| parameter.known_in(major));
    let mut errors = BTreeMap::new();
    for (name, value) in values {
        let found = known.clone().find(|parameter| parameter.is(name));
        let complaint = match found {
            Some(parameter) => parameter.complaint(name, value, major),
            None => Some(
                "property is not defined in schema and the schema does not allow additional properties"
                    .to_owned(),
            ),
        };
        if let Some(complaint) = complaint {
            errors.insert(name.clone(), complaint);
        }
        if let Some(other) = found.and_then(|parameter| parameter.requires)
            && !values.contains_key(other)
        {
            let complaint = format!("missing property - '{name}' requires this property");
            errors.insert(other.to_owned(), complaint);
        }
    }
    for parameter in known.filter(|parameter| parameter.required) {
        if !values.contains_key(parameter.name) {
            let complaint = "property is missing and it is not optional";
            errors.insert(parameter.name.to_owned(), complaint.to_owned());
        }
    }
    errors
}
