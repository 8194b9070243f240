//! `4GiB`

use std::fmt;

use super::Malformed;
use super::units::{Reading, SIZE};

const READING: Reading = Reading {
    units: SIZE,
    what: "unit of size",
    listed: "B, KiB, MiB, GiB, TiB (of 1024) and KB, MB, GB, TB (of 1000)",
    compound: false,
    write: |bytes| Size(bytes).to_string(),
};

/// An amount of memory or disk in bytes: `512MiB`, `4GiB`, `20GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Size(u64);

impl Size {
    /// That many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// Reads `4GiB`: a whole number that touches its unit.
    ///
    /// # Errors
    /// Why it is not one; near units are suggested: `8m` gives `8MiB`, `4gb` gives `4GB`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        READING.parse(text).map(Self)
    }
}

impl fmt::Display for Size {
    /// In the largest unit that is exact: `1536MiB`, `20GB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        match SIZE.iter().find(|unit| self.0.is_multiple_of(unit.factor)) {
            Some(unit) => write!(f, "{}{}", self.0 / unit.factor, unit.name),
            None => write!(f, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_and_writes_canonical_text() {
        accepts(
            Size::parse,
            &[
                ("0B", "0B"),
                ("0GiB", "0B"),
                ("1B", "1B"),
                ("512MiB", "512MiB"),
                ("1024MiB", "1GiB"),
                ("1536MiB", "1536MiB"),
                ("4GiB", "4GiB"),
                ("20GB", "20GB"),
                ("1000MB", "1GB"),
                ("1TiB", "1TiB"),
                ("1_024B", "1KiB"),
            ],
        );
        assert_eq!(Size::parse("4GiB").map(Size::as_bytes), Ok(4 << 30));
        assert_eq!(Size::parse("4GB").map(Size::as_bytes), Ok(4_000_000_000));
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Size::parse,
            &[
                ("", "touches its unit", None),
                ("4096", "no unit", None),
                ("8m", "`m` is not a unit of size", Some("8MiB")),
                ("4G", "`G`", Some("4GiB")),
                ("4gb", "`gb`", Some("4GB")),
                ("4gib", "`gib`", Some("4GiB")),
                ("4Gi", "`Gi`", Some("4GiB")),
                ("4 GiB", "touches", Some("4GiB")),
                ("4 gb", "touches", Some("4GB")),
                ("1.5GiB", "whole number", Some("1536MiB")),
                ("1GiB512MiB", "one number", Some("1536MiB")),
                ("4PiB", "`PiB`", None),
                ("-4GiB", "without a sign", None),
                ("99999999TiB", "larger than", None),
                ("10s", "`s`", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Size::parse, &text)?;
        }

        #[test]
        fn reads_what_it_writes(bytes in any::<u64>()) {
            let size = Size::from_bytes(bytes);
            prop_assert_eq!(Size::parse(&size.to_string()), Ok(size));
        }
    }
}
