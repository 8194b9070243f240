//! `egg.app.vm[0]`: the name of a resource, the same in a plan, a state and a report.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use smol_str::{SmolStr, ToSmolStr};
use thiserror::Error;

/// The name of a resource: what it belongs to, which part of it it is, and where there are several, which.
/// Written `egg.app.runner`, `egg.app.vm[0]`, `egg.app.hook[17]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind of block it comes from: `egg`, `eggsbucket`.
    pub owner_kind: SmolStr,
    /// The block's label: `app`.
    pub owner: SmolStr,
    /// `runner`, `hook`, `vm`, `container`; for a bucket's repositories with the repository before it.
    pub part: SmolStr,
    /// Which of several; counted from `0`, or an id.
    pub key: Option<SmolStr>,
}

/// What the part of a resource that was set aside ends with.
const ASIDE: &str = "-aside";
/// What the key of a copy's address begins with.
const COPY: &str = "orphan-";

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address; one looks like `egg.app.runner` or `egg.app.vm[0]`")]
pub struct AddressError(pub String);

impl Address {
    /// `kind.owner.part`
    #[must_use]
    pub fn new(owner_kind: &str, owner: &str, part: &str) -> Self {
        Self {
            owner_kind: owner_kind.into(),
            owner: owner.into(),
            part: part.into(),
            key: None,
        }
    }

    /// The same with `[key]` after it.
    #[must_use]
    pub fn keyed(mut self, key: impl fmt::Display) -> Self {
        self.key = Some(key.to_smolstr());
        self
    }

    /// `egg.app`: the block it comes from.
    #[must_use]
    pub fn block(&self) -> String {
        format!("{}.{}", self.owner_kind, self.owner)
    }

    /// The address under which a resource is kept that cannot be reached, while another takes its place:
    /// `egg.app.vm-aside[pve2-5001]` for the machine `pve2/5001`.
    #[must_use]
    pub fn set_aside(&self, id: &str) -> Self {
        let key: String = id
            .chars()
            .map(|letter| if letter.is_alphanumeric() { letter } else { '-' })
            .collect();
        let part = self.part.strip_suffix(ASIDE).unwrap_or(&self.part);
        Self {
            part: format!("{part}{ASIDE}").into(),
            ..self.clone()
        }
        .keyed(key)
    }

    /// Whether it is such an address.
    #[must_use]
    pub fn is_set_aside(&self) -> bool {
        self.part.ends_with(ASIDE)
    }

    /// The address under which something is deleted that carries the marker of another: `egg.app.vm[orphan-pve1-5001]`.
    #[must_use]
    pub fn of_copy(&self, id: &str) -> Self {
        self.clone().keyed(format!("{COPY}{}", id.replace('/', "-")))
    }

    /// Whether it is such an address.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.starts_with(COPY))
    }

    /// Whether `target` (`egg.app`, `egg.app.vm` or `egg.app.vm[0]`) means this resource. A `*` in it stands for any
    /// text: `egg.api*`, `*.runner`.
    #[must_use]
    pub fn is_within(&self, target: &str) -> bool {
        let whole = self.to_string();
        if target.contains('*') {
            let ends = whole.match_indices(['.', '[']).map(|(end, _)| end);
            let mut starts = ends.filter_map(|end| whole.get(..end)).chain([whole.as_str()]);
            return starts.any(|start| fits(target, start));
        }
        whole == target
            || whole
                .strip_prefix(target)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
    }

    /// Whether one of these targets means this resource. Where there are none, everything is meant.
    #[must_use]
    pub fn is_among(&self, targets: &[String]) -> bool {
        targets.is_empty() || targets.iter().any(|target| self.is_within(target))
    }
}

/// Whether a text is what a pattern says, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    // The earliest place of each piece leaves the most for those after it.
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.owner_kind, self.owner, self.part)?;
        match &self.key {
            Some(key) => write!(f, "[{key}]"),
            None => Ok(()),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError(text.to_owned());
        let (head, key) = match text.split_once('[') {
            Some((head, rest)) => (head, Some(rest.strip_suffix(']').ok_or_else(error)?)),
            None => (text, None),
        };
        let parts: Vec<&str> = head.split('.').collect();
        let plain = |part: &&str| !part.is_empty() && !part.contains(['[', ']', ' ', '/']);
        match parts.as_slice() {
            [kind, owner, part] if parts.iter().all(plain) && key.is_none_or(|key| plain(&key)) => {
                let address = Self::new(kind, owner, part);
                Ok(Self {
                    key: key.map(SmolStr::from),
                    ..address
                })
            }
            _ => Err(error()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// By hand, so that the text that is read need not be kept first: a state has several of them for each resource.
impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address such as `egg.app.vm[0]`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["egg.app.runner", "egg.app.vm[0]", "eggsbucket.web.hook[17]"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "egg",
            "egg.app",
            "egg..vm",
            "egg.app.vm[",
            "egg.app.vm[]",
            "a.b.c.d",
            "egg.a b.vm",
        ] {
            assert_eq!(text.parse::<Address>(), Err(AddressError(text.to_owned())));
        }
    }

    #[test]
    fn a_target_means_what_is_under_it() {
        let address: Address = "egg.app.vm[0]".parse().unwrap();
        for target in ["egg.app", "egg.app.vm", "egg.app.vm[0]"] {
            assert!(address.is_within(target), "{target}");
        }
        let targets = |targets: &[&str]| targets.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(address.is_among(&[]) && address.is_among(&targets(&["egg.web", "egg.app"])));
        assert!(!address.is_among(&targets(&["egg.web"])));
        for target in ["egg.ap", "egg.app.v", "egg.app.vm[1]", "egg.app.runner"] {
            assert!(!address.is_within(target), "{target}");
        }
    }

    #[test]
    fn a_star_in_a_target_stands_for_any_text() {
        let address: Address = "egg.api-eu.vm[0]".parse().unwrap();
        for target in [
            "egg.api*",
            "egg.*",
            "*",
            "egg.*.vm",
            "egg.api-eu.vm[*]",
            "*.vm[0]",
            "e*i-*u",
        ] {
            assert!(address.is_within(target), "{target}");
        }
        for target in [
            "egg.web*",
            "*.runner",
            "egg.api*.runner",
            "egg.*.vm[1]",
            "egg.api-eu.vm[0]*x",
            "gg*",
            "egg.**x",
        ] {
            assert!(!address.is_within(target), "{target}");
        }
        // A star may stand for nothing, and no two pieces of a pattern for the same text.
        assert!(fits("a*", "a") && fits("*a*", "a") && !fits("ab*ba", "aba"));
    }
}
