//! The units of durations and sizes, and how a number with units is read: the one table of them.

use super::Malformed;

/// A unit of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// As it is written.
    pub name: &'static str,
    /// How many of the smallest unit it is.
    pub factor: u64,
    /// What people write when they mean it, in lower case.
    pub meant_by: &'static [&'static str],
}

const fn unit(name: &'static str, factor: u64, meant_by: &'static [&'static str]) -> Unit {
    Unit {
        name,
        factor,
        meant_by,
    }
}

/// Units of a duration in milliseconds, from large to small.
pub const DURATION: &[Unit] = &[
    unit("d", 86_400_000, &["day", "days"]),
    unit("h", 3_600_000, &["hr", "hrs", "hour", "hours"]),
    unit("m", 60_000, &["min", "mins", "minute", "minutes"]),
    unit("s", 1_000, &["sec", "secs", "second", "seconds"]),
    unit(
        "ms",
        1,
        &["msec", "msecs", "millis", "millisecond", "milliseconds"],
    ),
];

/// Units of a size in bytes, from large to small. A letter alone means the binary unit, as it does where memory is
/// sold by it.
pub const SIZE: &[Unit] = &[
    unit("TiB", 1 << 40, &["t", "ti", "tebibyte", "tebibytes"]),
    unit("TB", 1_000_000_000_000, &["terabyte", "terabytes"]),
    unit(
        "GiB",
        1 << 30,
        &["g", "gi", "gig", "gigs", "gibibyte", "gibibytes"],
    ),
    unit("GB", 1_000_000_000, &["gigabyte", "gigabytes"]),
    unit("MiB", 1 << 20, &["m", "mi", "mebibyte", "mebibytes"]),
    unit("MB", 1_000_000, &["megabyte", "megabytes"]),
    unit("KiB", 1 << 10, &["k", "ki", "kibibyte", "kibibytes"]),
    unit("KB", 1_000, &["kilobyte", "kilobytes"]),
    unit("B", 1, &["byte", "bytes"]),
];

/// How quantities of one kind are read and written.
pub(super) struct Reading {
    /// Its units.
    pub(super) units: &'static [Unit],
    /// What a unit of it is called.
    pub(super) what: &'static str,
    /// The units as a message lists them.
    pub(super) listed: &'static str,
    /// Whether several units may follow each other.
    pub(super) compound: bool,
    /// Canonical text.
    pub(super) write: fn(u64) -> String,
}

/// `1_000.5min`
struct Piece<'a> {
    whole: &'a str,
    fraction: Option<&'a str>,
    unit: &'a str,
}

/// Where the first character that is not `wanted` stands.
fn end_of(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

/// Cuts a text into numbers with their units; none where it is something else.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (whole, after) = rest.split_at(end_of(rest, is_digit));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => {
                let (digits, after) = after.split_at(end_of(after, is_digit));
                (Some(digits), after)
            }
            None => (None, after),
        };
        let (unit, after) = after.split_at(end_of(after, char::is_alphabetic));
        found.push(Piece {
            whole,
            fraction,
            unit,
        });
        rest = after;
    }
    (!found.is_empty()).then_some(found)
}

impl Piece<'_> {
    /// In the smallest unit, where that is exact and can be counted.
    fn amount(&self, unit: &Unit) -> Option<u64> {
        let mut number: u128 = 0;
        let mut scale: u128 = 1;
        for digit in self.whole.chars().filter_map(|c| c.to_digit(10)) {
            number = number.checked_mul(10)?.checked_add(digit.into())?;
        }
        for digit in self
            .fraction
            .unwrap_or_default()
            .chars()
            .filter_map(|c| c.to_digit(10))
        {
            number = number.checked_mul(10)?.checked_add(digit.into())?;
            scale = scale.checked_mul(10)?;
        }
        let amount = number.checked_mul(unit.factor.into())?;
        (amount % scale == 0).then(|| u64::try_from(amount / scale).ok())?
    }
}

impl Reading {
    /// The amount in the smallest unit.
    pub(super) fn parse(&self, text: &str) -> Result<u64, Malformed> {
        let found = pieces(text).ok_or_else(|| self.no_number(text))?;
        match self.read(&found)? {
            (total, None) => total.ok_or_else(|| Malformed::new("it is larger than can be counted")),
            (None, Some(reason)) => Err(Malformed::new(reason)),
            (Some(total), Some(reason)) => {
                Err(Malformed::new(reason).with_suggestion(self.rewritten(&found, total)))
            }
        }
    }

    /// What the pieces come to, where that is exact and can be counted, and what is wrong with how they are written.
    fn read(&self, found: &[Piece<'_>]) -> Result<(Option<u64>, Option<String>), Malformed> {
        let mut total = Some(0_u64);
        let mut last_factor = u64::MAX;
        let mut wrong: Option<String> = None;
        for piece in found {
            let unit = self
                .meant(piece.unit)
                .ok_or_else(|| Malformed::new(self.bad_unit(piece.unit)))?;
            if unit.name != piece.unit {
                wrong.get_or_insert_with(|| self.bad_unit(piece.unit));
            }
            if piece.fraction.is_some() {
                wrong.get_or_insert_with(|| "it must be a whole number of units".to_owned());
            }
            if unit.factor >= last_factor {
                wrong.get_or_insert_with(|| "its units must run from large to small, each once".to_owned());
            }
            last_factor = unit.factor;
            total = total.zip(piece.amount(unit)).and_then(|(a, b)| a.checked_add(b));
        }
        if found.len() > 1 && !self.compound {
            wrong.get_or_insert_with(|| "it must be one number with one unit".to_owned());
        }
        Ok((total, wrong))
    }

    /// The same pieces with the right units where that is enough, else the canonical text.
    fn rewritten(&self, found: &[Piece<'_>], total: u64) -> String {
        let mut text = String::new();
        for piece in found {
            text.push_str(piece.whole);
            text.push_str(self.meant(piece.unit).map_or(piece.unit, |unit| unit.name));
        }
        match pieces(&text).map(|found| self.read(&found)) {
            Some(Ok((Some(same), None))) if same == total => text,
            _ => (self.write)(total),
        }
    }

    /// The unit that `word` is or means.
    fn meant(&self, word: &str) -> Option<&'static Unit> {
        let lower = word.to_lowercase();
        let exact = self.units.iter().find(|unit| unit.name == word);
        exact.or_else(|| {
            let same = |unit: &&Unit| {
                unit.meant_by.contains(&lower.as_str()) || unit.name.eq_ignore_ascii_case(word)
            };
            self.units.iter().find(same)
        })
    }

    fn bad_unit(&self, word: &str) -> String {
        let Self { what, listed, .. } = self;
        if word.is_empty() {
            format!("it has no unit; {what}s are {listed}")
        } else {
            let word: String = word.chars().take(20).collect();
            format!("`{word}` is not a {what}; these are {listed}")
        }
    }

    fn no_number(&self, text: &str) -> Malformed {
        if text.starts_with(['-', '+']) {
            return Malformed::new("it must be a number without a sign, and its unit");
        }
        let together: String = text.split_whitespace().collect();
        let reason = "it must be a number that touches its unit";
        if together == text {
            return Malformed::new(format!("{reason}; {}s are {}", self.what, self.listed));
        }
        let Some(found) = pieces(&together) else {
            return Malformed::new(reason);
        };
        match self.read(&found) {
            Ok((Some(total), _)) => Malformed::new(reason).with_suggestion(self.rewritten(&found, total)),
            _ => Malformed::new(reason),
        }
    }
}
