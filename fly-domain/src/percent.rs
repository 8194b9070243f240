//! `80%`

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::Malformed;

/// Hundredths of a whole: `80%` holds 80. Finite and not negative; it may be more than the whole.
#[derive(Debug, Clone, Copy)]
pub struct Percent(f64);

impl Percent {
    /// That many hundredths. Less than nothing, and what is no number, is nothing.
    #[must_use]
    pub fn from_f64(hundredths: f64) -> Self {
        let sound = hundredths > 0.0;
        Self(if sound { hundredths.min(f64::MAX) } else { 0.0 })
    }

    /// In hundredths: 80 for `80%`.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// Reads `80%` or `12.5%`.
    ///
    /// # Errors
    /// Why it is not one; `80` and `80 %` are offered the `%` that touches.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if let Some(percent) = text.strip_suffix('%').and_then(number) {
            return Ok(percent);
        }
        if text.starts_with(['-', '+']) {
            return Err(Malformed::new("it must be a number without a sign, and `%`"));
        }
        let malformed = Malformed::new("it must be a number that touches its `%`");
        let bare = ["%", "percent", "pct"]
            .iter()
            .find_map(|unit| text.trim().strip_suffix(unit));
        Err(match number(bare.unwrap_or(text).trim()) {
            Some(part) if bare.is_none() && part.0 > 0.0 && part.0 < 1.0 => {
                malformed.with_suggestion(Self::from_f64(part.0 * 100.0).to_string())
            }
            Some(percent) => malformed.with_suggestion(percent.to_string()),
            None => malformed,
        })
    }
}

/// Digits, and digits after a point.
fn number(text: &str) -> Option<Percent> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) && part.bytes().all(is_digit);
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    text.replace('_', "").parse().ok().map(Percent::from_f64)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl PartialEq for Percent {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Percent {}

impl PartialOrd for Percent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Percent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Percent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
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
            Percent::parse,
            &[
                ("80%", "80%"),
                ("0%", "0%"),
                ("12.50%", "12.5%"),
                ("100.0%", "100%"),
                ("250%", "250%"),
                ("1_0%", "10%"),
            ],
        );
        assert_eq!(Percent::parse("80%").map(Percent::as_f64), Ok(80.0));
        for (hundredths, text) in [
            (-0.0, "0%"),
            (-1.0, "0%"),
            (f64::NAN, "0%"),
            (0.1 + 0.2, "0.30000000000000004%"),
        ] {
            assert_eq!(Percent::from_f64(hundredths).to_string(), text);
        }
        assert!(Percent::from_f64(f64::INFINITY).as_f64().is_finite());
        assert!(Percent::from_f64(9.0) < Percent::from_f64(10.0));
    }

    #[test]
    fn says_what_to_write_instead() {
        refuses(
            Percent::parse,
            &[
                ("80", "touches its `%`", Some("80%")),
                ("80 %", "touches", Some("80%")),
                ("80pct", "touches", Some("80%")),
                ("0.25", "touches", Some("25%")),
                ("", "touches", None),
                ("%", "touches", None),
                ("-5%", "without a sign", None),
                ("1e3%", "touches", None),
                ("NaN%", "touches", None),
                ("inf%", "touches", None),
                (".5%", "touches", None),
                ("5.%", "touches", None),
            ],
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Percent::parse, &text)?;
        }

        #[test]
        fn reads_what_it_writes(hundredths in 0.0..1e300_f64) {
            let percent = Percent::from_f64(hundredths);
            prop_assert_eq!(Percent::parse(&percent.to_string()), Ok(percent));
        }
    }
}
