//! `1h30m`

use std::fmt;

use super::Malformed;
use super::units::{DURATION, Reading};

const READING: Reading = Reading {
    units: DURATION,
    what: "unit of time",
    listed: "ms, s, m, h, d",
    compound: true,
    write: |millis| Duration(millis).to_string(),
};

/// A length of time in whole milliseconds: `250ms`, `10m`, `1h30m`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Duration(u64);

impl Duration {
    /// That many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// That many seconds; as long as can be counted, where they are more.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Reads `10m` or `1h30m`: units from large to small, each once.
    ///
    /// # Errors
    /// Why it is not one; near units are suggested: `10min` gives `10m`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        READING.parse(text).map(Self)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for unit in DURATION {
            let count = rest / unit.factor;
            if count > 0 {
                write!(f, "{count}{}", unit.name)?;
            }
            rest %= unit.factor;
        }
        Ok(())
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
            Duration::parse,
            &[
                ("0s", "0s"),
                ("0m", "0s"),
                ("250ms", "250ms"),
                ("10m", "10m"),
                ("90s", "1m30s"),
                ("1h30m", "1h30m"),
                ("24h", "1d"),
                ("1_000ms", "1s"),
                ("1d2h3m4s5ms", "1d2h3m4s5ms"),
                ("18446744073709551615ms", "213503982334d14h25m51s615ms"),
            ],
        );
        assert_eq!(Duration::parse("1h30m").map(Duration::as_millis), Ok(5_400_000));
        assert_eq!(Duration::from_secs(30), Duration::from_millis(30_000));
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Duration::parse,
            &[
                ("", "touches its unit", None),
                ("10", "no unit", None),
                ("m", "touches its unit", None),
                ("10min", "`min` is not a unit of time", Some("10m")),
                ("2 hours", "touches its unit", Some("2h")),
                ("10 m", "touches its unit", Some("10m")),
                ("1hour30min", "`hour`", Some("1h30m")),
                ("10M", "`M`", Some("10m")),
                ("10MS", "`MS`", Some("10ms")),
                ("30m1h", "large to small", Some("1h30m")),
                ("1h1h", "large to small", Some("2h")),
                ("1.5h", "whole number", Some("1h30m")),
                ("1.5min", "`min`", Some("1m30s")),
                ("1.0001ms", "whole number", None),
                ("2w", "`w` is not a unit", None),
                ("-5m", "without a sign", None),
                ("4GiB", "`GiB`", None),
                ("10m!", "touches", None),
                ("99999999999999999999d", "larger than", None),
                ("18446744073709551615d", "larger than", None),
                ("١٠m", "touches", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Duration::parse, &text)?;
        }

        #[test]
        fn reads_what_it_writes(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }
    }
}
