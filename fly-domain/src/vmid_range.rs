//! `5000-5999`

use std::fmt;
use std::ops::RangeInclusive;

use smol_str::SmolStr;

use super::Malformed;

/// The numbers (VMIDs) that machines of Proxmox VE may get, both ends among them. Never empty. Kept as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmidRange {
    text: SmolStr,
    first: u32,
    last: u32,
}

impl VmidRange {
    /// Reads `first-last`.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (first, last) = text
            .split_once('-')
            .ok_or_else(|| Malformed::new("there is no `-` in it"))?;
        let number = |text: &str| {
            let number = text.trim().parse::<u32>();
            number.map_err(|_| Malformed::new("it takes two whole numbers"))
        };
        let (first, last) = (number(first)?, number(last)?);
        match (first, last) {
            (..100, _) => Err(Malformed::new("Proxmox numbers machines from 100 on")),
            (_, 1_000_000_000..) => Err(Malformed::new("Proxmox numbers machines up to 999999999")),
            (first, last) if first > last => Err(Malformed::new("its first number is above its last")),
            (first, last) => Ok(Self {
                text: text.into(),
                first,
                last,
            }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its numbers.
    #[must_use]
    pub const fn numbers(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }

    /// How many they are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.last - self.first + 1
    }
}

impl fmt::Display for VmidRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_range_has_both_its_ends() {
        for (text, numbers, count) in [
            ("5000-5999", 5000..=5999, 1000),
            ("100 - 100", 100..=100, 1),
            ("100-999999999", 100..=999_999_999, 999_999_900),
        ] {
            let range = VmidRange::parse(text).unwrap();
            assert_eq!((range.numbers(), range.count()), (numbers, count));
            assert_eq!(range.to_string(), text);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, reason) in [
            ("", "no `-`"),
            ("5000", "no `-`"),
            ("a-b", "two whole numbers"),
            ("-1-5", "two whole numbers"),
            ("5000-99999999999", "two whole numbers"),
            ("1-500", "from 100 on"),
            ("100-1000000000", "up to 999999999"),
            ("5999-5000", "above its last"),
        ] {
            let malformed = VmidRange::parse(text).unwrap_err();
            assert!(malformed.reason.contains(reason), "{text}: {malformed}");
        }
    }
}
