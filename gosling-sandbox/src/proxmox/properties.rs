//! Values that are lists of properties: `virtio=BC:24:11:00:00:01,bridge=vmbr0`.

use std::collections::BTreeMap;

use super::schema::{Kind, Parameter, Place, complaints};

/// The keys of such a value, in as many lists as are convenient.
pub(super) type Keys = &'static [&'static [Parameter]];

/// The format of such a value.
#[derive(Debug)]
pub(super) struct Properties {
    /// Its name in the API's own description; empty where it has none.
    #[cfg_attr(not(test), expect(dead_code, reason = "the contract test compares it"))]
    pub(super) name: &'static str,
    pub(super) keys: Keys,
}

fn all(keys: Keys) -> impl Iterator<Item = &'static Parameter> + Clone {
    keys.iter().copied().flatten()
}

/// A value's properties by their keys, where aliases stand for the keys that they mean.
pub(super) fn parse(keys: Keys, text: &str, major: u32) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    let mut put = |key: &str, value: &str| {
        let old = values.insert(key.to_owned(), value.to_owned());
        match old {
            Some(_) => Err(format!("duplicate key in comma-separated list property: {key}")),
            None => Ok(()),
        }
    };
    let find = |name: &str| all(keys).find(|key| key.name == name && key.known_in(major));
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        match part.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                let found = find(name)
                    .ok_or_else(|| format!("invalid key in comma-separated list property: {name}"))?;
                let (name, found) = match found.place {
                    Place::Alias(other) => (other, find(other)),
                    Place::ModelAndAddress => {
                        put("model", name)?;
                        ("macaddr", find("macaddr"))
                    }
                    Place::Named | Place::First => (name, Some(found)),
                };
                let boolean = found.is_some_and(|key| matches!(key.kind, Kind::Boolean));
                put(name, boolean.then(|| switch(value)).flatten().unwrap_or(value))?;
            }
            Some(_) => return Err("missing key in comma-separated list property".to_owned()),
            None => {
                let first = all(keys)
                    .find(|key| key.place == Place::First)
                    .ok_or("value without key, but schema does not define a default key")?;
                put(first.name, part)?;
            }
        }
    }
    Ok(values)
}

/// What a word says of something that is on or off; `None` where it says nothing.
fn switch(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" => Some("1"),
        "0" | "off" | "no" | "false" => Some("0"),
        _ => None,
    }
}

/// What is wrong with such a value.
pub(super) fn complaint(path: &str, keys: Keys, text: &str, major: u32) -> Option<String> {
    let values = match parse(keys, text, major) {
        Ok(values) => values,
        Err(complaint) => return Some(complaint),
    };
    let own = all(keys).filter(|key| matches!(key.place, Place::Named | Place::First));
    let errors = complaints(&values, own, major);
    let lines: Vec<_> = errors
        .iter()
        .map(|(key, complaint)| format!("{path}.{key}: {}", complaint.trim_end()))
        .collect();
    (!lines.is_empty()).then(|| format!("format error\n{}", lines.join("\n")))
}
