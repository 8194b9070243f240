//! What a parameter is, and what Proxmox VE says about one that is wrong.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::answer::Failure;
use crate::Call;
use crate::call::pairs;

/// One parameter of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    /// Its name; for a family like `net0`, `net1`.. what stands before the number.
    pub(super) name: &'static str,
    /// For a family, the first number that is too large.
    pub(super) family: Option<u32>,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// The major version that it came with, if that is not the oldest one known here.
    pub(super) since: u32,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `0` or `1`, and nothing else.
    Boolean,
    Integer(i64, i64),
    Number(f64, f64),
    /// Any text of at most so many characters.
    Text(usize),
    /// Text that the whole of this regular expression matches.
    Like(&'static str),
    OneOf(&'static [&'static str]),
    /// `key=value,...`: the keys that there are, and the one whose name may be left out.
    Properties(&'static [&'static str], &'static str),
    /// Text that its sender has percent-encoded once more.
    Encoded,
}

impl Kind {
    /// The type's name in the API's own description.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer(..) => "integer",
            Self::Number(..) => "number",
            _ => "string",
        }
    }

    /// What is wrong with a value.
    fn complaint(self, name: &str, value: &str) -> Option<String> {
        match self {
            Self::Boolean => (!matches!(value, "0" | "1")).then(|| mistyped("boolean", value)),
            Self::Integer(least, most) => match value.parse::<i64>() {
                Ok(number) if number < least => Some(format!("value must have a minimum value of {least}")),
                Ok(number) if number > most => Some(format!("value must have a maximum value of {most}")),
                Ok(_) => None,
                Err(_) => Some(mistyped("integer", value)),
            },
            Self::Number(least, most) => match value.parse::<f64>() {
                Ok(number) if number < least => Some(format!("value must have a minimum value of {least}")),
                Ok(number) if number > most => Some(format!("value must have a maximum value of {most}")),
                Ok(_) => None,
                Err(_) => Some(mistyped("number", value)),
            },
            Self::Text(most) => {
                (value.chars().count() > most).then(|| format!("value may only be {most} characters long"))
            }
            Self::Like(pattern) => {
                let matches =
                    Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(value));
                (!matches).then(|| "value does not match the regex pattern".to_owned())
            }
            Self::OneOf(words) => (!words.contains(&value)).then(|| {
                let words = words.join(", ");
                format!("value '{value}' does not have a value in the enumeration '{words}'")
            }),
            Self::Properties(keys, default) => properties(name, keys, default, value),
            Self::Encoded => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()%".contains(&byte);
                (!value.bytes().all(plain))
                    .then(|| format!("invalid format - invalid urlencoded string: {value}\n"))
            }
        }
    }
}

fn mistyped(kind: &str, value: &str) -> String {
    format!("type check ('{kind}') failed - got '{value}'")
}

/// What is wrong with a value that is itself a list of properties.
fn properties(name: &str, keys: &[&str], default: &str, value: &str) -> Option<String> {
    for part in value.split(',').filter(|part| !part.is_empty()) {
        let Some((key, _)) = part.split_once('=') else {
            if default.is_empty() {
                return Some(format!(
                    "invalid format - missing key in comma-separated list property: {part}\n"
                ));
            }
            continue;
        };
        // A volume's name may hold a `=`; a key never holds what a volume's name begins with.
        if !keys.contains(&key) && !key.contains([':', '/']) {
            return Some(format!(
                "invalid format - format error\n{name}.{key}: property is not defined in schema and the schema \
                 does not allow additional properties\n"
            ));
        }
    }
    None
}

impl Parameter {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            family: None,
            kind,
            required: false,
            since: 8,
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
        Self::new(name, Kind::Text(usize::MAX))
    }

    pub(super) const fn short(name: &'static str, most: usize) -> Self {
        Self::new(name, Kind::Text(most))
    }

    pub(super) const fn like(name: &'static str, pattern: &'static str) -> Self {
        Self::new(name, Kind::Like(pattern))
    }

    pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, Kind::OneOf(words))
    }

    pub(super) const fn properties(
        name: &'static str,
        keys: &'static [&'static str],
        default: &'static str,
    ) -> Self {
        Self::new(name, Kind::Properties(keys, default))
    }

    pub(super) const fn encoded(name: &'static str) -> Self {
        Self::new(name, Kind::Encoded)
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

    pub(super) const fn since(mut self, major: u32) -> Self {
        self.since = major;
        self
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
}

/// The parameters of a request, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(BTreeMap<String, String>);

impl Given {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
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

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// Reads what a call gives: the query of a GET or a DELETE, the body of a POST or a PUT, never both.
    pub(super) fn read(call: &Call) -> Result<Self, Failure> {
        let content_type = call.header("content-type").unwrap_or_default();
        let pairs = if !matches!(call.method.as_str(), "POST" | "PUT") {
            call.query.clone()
        } else if content_type.starts_with("application/json") {
            json(&call.body)?
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
        let known = known.filter(|parameter| parameter.since <= major);
        let mut errors = BTreeMap::new();
        for (name, value) in &self.0 {
            let complaint = match known.clone().find(|parameter| parameter.is(name)) {
                Some(parameter) => parameter.kind.complaint(name, value),
                None => Some(
                    "property is not defined in schema and the schema does not allow additional properties"
                        .to_owned(),
                ),
            };
            if let Some(complaint) = complaint {
                errors.insert(name.clone(), complaint);
            }
        }
        for parameter in known.filter(|parameter| parameter.required) {
            if !self.0.contains_key(parameter.name) {
                let complaint = "property is missing and it is not optional";
                errors.insert(parameter.name.to_owned(), complaint.to_owned());
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Failure::Parameters(errors))
        }
    }
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
