//! `80%`

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::Malformed;

/// Hundredths of a whole: `80%` holds 80. Finite and not negative; it may be more than the whole.
#[derive(Debug, Clone, Copy)]
pub struct Percent(f64);

impl Percent {
    /// That many hundredths; none where they are negative or not a number that ends.
    #[must_use]
    pub fn new(hundredths: f64) -> Option<Self> {
        // Adding zero turns -0 into 0, so that equal values have one text and one hash.
        (hundredths.is_finite() && hundredths >= 0.0).then_some(Self(hundredths + 0.0))
    }

    /// In hundredths: 80 for `80%`.
    #[must_use]
    pub const fn hundredths(self) -> f64 {
        self.0
    }

    /// As a part of one: 0.8 for `80%`.
    #[must_use]
    pub const fn fraction(self) -> f64 {
        self.0 / 100.0
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
            Some(part) if bare.is_none() && part.0 > 0.0 && part.0 < 1.0 => match Self::new(part.0 * 100.0) {
                Some(percent) => malformed.with_suggestion(percent.to_string()),
                None => malformed,
            },
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
    Percent::new(text.replace('_', "").parse().ok()?)
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

    use super::super::testing::{accepts, holds, refuses, texts};
    use super::*;

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
        assert_eq!(Percent::parse("80%").map(Percent::fraction), Ok(0.8));
        assert_eq!(
            Percent::new(-0.0).map(|percent| percent.to_string()),
            Some("0%".to_owned())
        );
        assert_eq!(Percent::new(f64::NAN), None);
        assert_eq!(Percent::new(-1.0), None);
        assert!(Percent::new(9.0) < Percent::new(10.0));
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
            let percent = Percent::new(hundredths);
            prop_assert_eq!(Percent::parse(&format!("{hundredths}%")).ok(), percent);
        }
    }
}
