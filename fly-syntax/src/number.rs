//! Numbers and numbers with a unit: one token, read here.

use crate::tree::{ExprKind, Quantity};

/// Units of time, large to small, in milliseconds.
const DURATIONS: &[(&str, u64)] = &[
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of size, in bytes.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Why a token that starts with a digit is no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotANumber {
    /// It has a unit that there is none of; the likely ones, written out with the number.
    Unit { unit: String, likely: Vec<String> },
    /// It has an exponent; the number written out.
    Exponent { likely: Vec<String> },
    /// The number does not fit.
    TooLarge,
    /// The parts of a duration are not in the order from large to small.
    Order,
    /// A part of a unit: half a byte, a third of a millisecond.
    Fraction,
    /// Not digits with single points and underscores between.
    Form,
}

/// Reads a number token.
pub(crate) fn read(token: &str) -> Result<ExprKind, NotANumber> {
    let digits_end = token
        .find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.')
        .unwrap_or(token.len());
    let (digits, unit) = token.split_at(digits_end);
    if digits.ends_with('_') || digits.contains("__") || digits.contains("._") || digits.contains("_.") {
        return Err(NotANumber::Form);
    }
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    if plain.matches('.').count() > 1 {
        return Err(NotANumber::Form);
    }
    let float = || {
        plain
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or(NotANumber::TooLarge)
    };
    let power = unit.strip_prefix(['e', 'E']).filter(|power| !power.is_empty());
    if let Some(power) = power.filter(|power| power.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(NotANumber::Exponent {
            likely: written_out(&plain, power).into_iter().collect(),
        });
    }
    match unit {
        "" if plain.contains('.') => Ok(ExprKind::Float(float()?)),
        "" => plain.parse().map(ExprKind::Int).map_err(|_| NotANumber::TooLarge),
        "%" => Ok(ExprKind::Quantity(Quantity::Percent(float()?))),
        _ => {
            if let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == unit) {
                return scaled(&plain, *factor).map(|bytes| ExprKind::Quantity(Quantity::Size(bytes)));
            }
            duration(token, digits, unit).map(|ms| ExprKind::Quantity(Quantity::Duration(ms)))
        }
    }
}

/// A number and its unit as one token, where `word` is a unit and the text before it ends with a number that has none.
pub(crate) fn with_unit(before: &str, word: &str) -> Option<String> {
    let start = before
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let number = &before[start..];
    let plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.'));
    let begins =
        number.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with(|c: char| c.is_ascii_digit());
    let whole = format!("{number}{word}");
    (plain && begins && matches!(read(&whole), Ok(ExprKind::Quantity(_)))).then_some(whole)
}

/// A number with an exponent in plain digits, where it is a whole number that fits.
fn written_out(digits: &str, power: &str) -> Option<String> {
    let power: usize = power.parse().ok().filter(|power| *power <= 18)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let zeros = power.checked_sub(part.len())?;
    let plain = format!("{whole}{part}{}", "0".repeat(zeros));
    let plain = plain.trim_start_matches('0');
    plain.parse::<i64>().ok().map(|number| number.to_string())
}

fn duration(token: &str, digits: &str, first_unit: &str) -> Result<u64, NotANumber> {
    let mut rest = token;
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let Some((_, factor)) = DURATIONS.iter().find(|(name, _)| *name == unit) else {
            let unit = if unit.is_empty() { first_unit } else { unit };
            return Err(unknown(digits, unit));
        };
        if *factor >= smallest {
            return Err(NotANumber::Order);
        }
        smallest = *factor;
        let plain: String = number.chars().filter(|c| *c != '_').collect();
        total = total
            .checked_add(scaled(&plain, *factor)?)
            .ok_or(NotANumber::TooLarge)?;
        rest = after;
    }
    Ok(total)
}

/// Digits, perhaps with a point, times a factor, exactly.
fn scaled(digits: &str, factor: u64) -> Result<u64, NotANumber> {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = whole.parse().map_err(|_| NotANumber::TooLarge)?;
    let whole = whole.checked_mul(factor).ok_or(NotANumber::TooLarge)?;
    let part = part.trim_end_matches('0');
    if part.is_empty() {
        return Ok(whole);
    }
    let power = u32::try_from(part.len())
        .ok()
        .and_then(|length| 10u128.checked_pow(length));
    let (Some(power), Ok(part)) = (power, part.parse::<u128>()) else {
        return Err(NotANumber::Fraction);
    };
    let scaled = part.checked_mul(u128::from(factor)).ok_or(NotANumber::Fraction)?;
    if scaled % power != 0 {
        return Err(NotANumber::Fraction);
    }
    let part = u64::try_from(scaled / power).map_err(|_| NotANumber::TooLarge)?;
    whole.checked_add(part).ok_or(NotANumber::TooLarge)
}

/// What a unit that there is none of may have been meant as.
fn unknown(digits: &str, unit: &str) -> NotANumber {
    let lower = unit.to_ascii_lowercase();
    let likely: &[&str] = match lower.as_str() {
        "k" | "kb" | "kib" => &["KiB", "KB"],
        "mib" => &["MiB", "MB"],
        "mb" | "mbytes" | "mo" => &["MB", "MiB"],
        "g" | "gib" | "gi" => &["GiB", "GB"],
        "gb" | "go" => &["GB", "GiB"],
        "t" | "tib" | "ti" => &["TiB", "TB"],
        "tb" => &["TB", "TiB"],
        "mi" => &["MiB", "MB"],
        "ki" => &["KiB", "KB"],
        "b" | "byte" | "bytes" => &["B"],
        "min" | "mins" | "minute" | "minutes" => &["m"],
        "sec" | "secs" | "second" | "seconds" => &["s"],
        "hr" | "hrs" | "hour" | "hours" => &["h"],
        "day" | "days" => &["d"],
        "msec" | "msecs" | "millis" => &["ms"],
        _ => &[],
    };
    let mut likely: Vec<String> = likely.iter().map(|unit| format!("{digits}{unit}")).collect();
    if matches!(lower.as_str(), "w" | "week" | "weeks")
        && let Ok(weeks) = digits.parse::<u32>()
    {
        likely.push(format!("{}d", u64::from(weeks) * 7));
    }
    let unit = unit.to_owned();
    NotANumber::Unit { unit, likely }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_units() {
        let duration = |ms| Ok(ExprKind::Quantity(Quantity::Duration(ms)));
        let size = |bytes| Ok(ExprKind::Quantity(Quantity::Size(bytes)));
        let cases = [
            ("42", Ok(ExprKind::Int(42))),
            ("1_000", Ok(ExprKind::Int(1000))),
            ("2.75", Ok(ExprKind::Float(2.75))),
            ("250ms", duration(250)),
            ("1h30m", duration(5_400_000)),
            ("7d", duration(604_800_000)),
            ("512MiB", size(512 << 20)),
            ("1.5GiB", size(3 << 29)),
            ("20GB", size(20_000_000_000)),
            ("80%", Ok(ExprKind::Quantity(Quantity::Percent(80.0)))),
            ("30m1h", Err(NotANumber::Order)),
            ("1.0001ms", Err(NotANumber::Fraction)),
            ("99999999999999999999", Err(NotANumber::TooLarge)),
            ("1.2.3", Err(NotANumber::Form)),
        ];
        for (token, expected) in cases {
            assert_eq!(read(token), expected, "{token}");
        }
        let unit = read("10min");
        assert_eq!(
            unit,
            Err(NotANumber::Unit {
                unit: "min".into(),
                likely: vec!["10m".into()]
            })
        );
    }
}
