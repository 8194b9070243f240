//! `17.5.2`

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use smol_str::SmolStr;

use super::Malformed;

/// One to three numbers, and what comes before a release: `17`, `17.5`, `17.5.2`, `18.0.0-rc.1`.
///
/// Numbers that are left out count as zero when versions are compared, so `17.5` equals `17.5.0`; a pre-release comes
/// before its release, as in semantic versioning.
#[derive(Debug, Clone)]
pub struct Version {
    numbers: [u64; 3],
    written: usize,
    pre_release: Option<Vec<Identifier>>,
}

/// A part of what follows the hyphen; numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identifier {
    Number(u64),
    Word(SmolStr),
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// Why it is not one; a leading `v` is offered away.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        if let Some(rest) = text.strip_prefix(['v', 'V']) {
            return Err(
                Malformed::new("it starts with a number, not with `v`").with_suggestion(rest.to_owned())
            );
        }
        if let Some((version, _)) = text.split_once('+') {
            return Err(
                Malformed::new("it has build data after `+`, which no comparison looks at")
                    .with_suggestion(version.to_owned()),
            );
        }
        let (release, pre_release) = match text.split_once('-') {
            Some((release, pre_release)) => (release, Some(pre_release)),
            None => (text, None),
        };
        let mut numbers = [0; 3];
        let mut written = 0;
        for part in release.split('.') {
            let Some(slot) = numbers.get_mut(written) else {
                return Err(Malformed::new("it has more than three numbers"));
            };
            *slot = number(part)?;
            written += 1;
        }
        let pre_release = pre_release
            .map(|text| text.split('.').map(identifier).collect())
            .transpose()?;
        Ok(Self {
            numbers,
            written,
            pre_release,
        })
    }

    /// Major, minor and patch.
    #[must_use]
    pub const fn numbers(&self) -> [u64; 3] {
        self.numbers
    }
}

fn number(part: &str) -> Result<u64, Malformed> {
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed::new(
            "it must be one to three numbers with dots between, as in `17.5`",
        ));
    }
    if part.len() > 1 && part.starts_with('0') {
        return Err(Malformed::new("none of its numbers starts with 0"));
    }
    part.parse()
        .map_err(|_| Malformed::new("one of its numbers is larger than can be counted"))
}

fn identifier(part: &str) -> Result<Identifier, Malformed> {
    if part.is_empty()
        || !part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(Malformed::new(
            "what follows its `-` is letters, digits and hyphens, with dots between",
        ));
    }
    if part.bytes().all(|byte| byte.is_ascii_digit()) {
        number(part).map(Identifier::Number)
    } else {
        Ok(Identifier::Word(part.into()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, number) in self.numbers.iter().take(self.written).enumerate() {
            let dot = if at > 0 { "." } else { "" };
            write!(f, "{dot}{number}")?;
        }
        for (at, identifier) in self.pre_release.iter().flatten().enumerate() {
            f.write_str(if at > 0 { "." } else { "-" })?;
            match identifier {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Word(word) => f.write_str(word)?,
            }
        }
        Ok(())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let pre_release = || match (&self.pre_release, &other.pre_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(two)) => one.cmp(two),
        };
        self.numbers.cmp(&other.numbers).then_with(pre_release)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.numbers, &self.pre_release).hash(state);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_versions() {
        accepts(
            Version::parse,
            &[
                ("1", "1"),
                ("17.5", "17.5"),
                ("17.5.2", "17.5.2"),
                ("0.0.0", "0.0.0"),
                ("18.0.0-rc.1", "18.0.0-rc.1"),
                ("18-pre-alpha", "18-pre-alpha"),
            ],
        );
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Version::parse,
            &[
                ("", "one to three numbers", None),
                ("v17.5", "not with `v`", Some("17.5")),
                ("vx", "not with `v`", None),
                ("latest", "one to three numbers", None),
                ("17.", "one to three numbers", None),
                ("17.x", "one to three numbers", None),
                ("17.5.2.1", "more than three", None),
                ("17.05", "starts with 0", None),
                ("17.5+build7", "build data", Some("17.5")),
                ("17.5-", "what follows its `-`", None),
                ("17.5-a..b", "what follows its `-`", None),
                (">= 17", "one to three numbers", None),
                ("99999999999999999999", "larger than", None),
            ],
        );
    }

    #[test]
    fn orders_by_number() {
        let rising = [
            "1",
            "1.2",
            "1.10",
            "17.5.0-1",
            "17.5.0-2",
            "17.5.0-10",
            "17.5.0-rc",
            "17.5.0-rc.1",
            "17.5",
            "17.5.1",
        ];
        for pair in rising.windows(2) {
            assert!(
                Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(),
                "{pair:?}"
            );
        }
        assert_eq!(Version::parse("17.5"), Version::parse("17.5.0"));
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Version::parse, &text)?;
        }

        #[test]
        fn reads_what_is_written(text in "[0-9]{1,3}(\\.[1-9][0-9]{0,3}){0,2}(-[a-z0-9]{1,4}(\\.[a-z0-9-]{1,4}){0,2})?") {
            if let Ok(version) = Version::parse(&text) {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}
