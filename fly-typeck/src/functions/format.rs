//! The verbs of `format`.

use super::arguments::{self, no_secret};
use super::encoding::json;
use super::text::{bounded, within, written};
use super::{CallError, MOST_BYTES};
use crate::value::Value;

/// `%-08.2f`
#[derive(Debug, Default, Clone, Copy)]
struct Verb {
    left: bool,
    zeros: bool,
    sign: bool,
    width: usize,
    decimals: Option<usize>,
}

/// The widest field, and the most decimals.
const WIDEST: usize = 1000;

/// The first argument with its verbs replaced by the others.
pub(super) fn format(values: &[Value]) -> Result<Value, CallError> {
    let mut rest = arguments::text(values, 0)?;
    let mut text = String::new();
    let mut next = 1;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let (verb, letter, after) = read(rest)?;
        let value = values.get(next).ok_or_else(|| {
            CallError::at(
                0,
                format!(
                    "it has more verbs than there are arguments, which are {}",
                    values.len() - 1
                ),
            )
        })?;
        verb.write(letter, next, value, &mut text)?;
        within(text.len())?;
        next += 1;
        rest = after;
    }
    if next < values.len() {
        let reason = format!("it has {} verbs for {} arguments", next - 1, values.len() - 1);
        return Err(CallError::at(next, reason));
    }
    text.push_str(rest);
    bounded(text)
}

/// What stands between `%` and its letter, the letter, and what follows.
fn read(text: &str) -> Result<(Verb, char, &str), CallError> {
    let mut verb = Verb::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next() {
        match flag {
            '-' => verb.left = true,
            '0' => verb.zeros = true,
            '+' => verb.sign = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let (width, after) = number(rest)?;
    verb.width = width.unwrap_or(0);
    rest = after;
    if let Some(after) = rest.strip_prefix('.') {
        let (decimals, after) = number(after)?;
        verb.decimals = Some(decimals.unwrap_or(0));
        rest = after;
    }
    let mut after = rest.chars();
    match after.next() {
        Some(letter @ ('s' | 'd' | 'f' | 'q' | 'v')) => Ok((verb, letter, after.as_str())),
        Some(other) => Err(CallError::at(
            0,
            format!(
                "`%` is followed by {other:?}; the verbs are %s, %d, %f, %q, %v, and %% is a percent sign"
            ),
        )),
        None => Err(CallError::at(
            0,
            "it ends with `%`; a percent sign is written `%%`",
        )),
    }
}

fn number(text: &str) -> Result<(Option<usize>, &str), CallError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, after));
    }
    match digits.parse() {
        Ok(number) if number <= WIDEST => Ok((Some(number), after)),
        _ => Err(CallError::at(
            0,
            format!("a width or a number of decimals is at most {WIDEST}"),
        )),
    }
}

impl Verb {
    fn write(self, letter: char, at: usize, value: &Value, text: &mut String) -> Result<(), CallError> {
        no_secret(at, value)?;
        let wrong = |wanted: &str| Err(CallError::at(at, format!("`%{letter}` takes {wanted}")));
        let piece = match (letter, value) {
            ('d', Value::Int(int)) => self.signed(*int >= 0, int.to_string()),
            ('d', _) => return wrong("an int"),
            ('f', Value::Int(int)) => self.signed(*int >= 0, self.decimal(*int as f64)),
            ('f', Value::Float(float)) => self.signed(*float >= 0.0, self.decimal(*float)),
            ('f', _) => return wrong("a number"),
            ('v', Value::List(_) | Value::Object(_)) => json(at, value)?,
            ('s' | 'v', Value::Int(int)) => self.signed(*int >= 0, int.to_string()),
            ('s' | 'v' | 'q', _) => match written(value) {
                Some(written) if letter == 'q' => json(at, &Value::string(&*written))?,
                Some(written) => match self.decimals {
                    Some(most) => written.chars().take(most).collect(),
                    None => written.into_owned(),
                },
                None => {
                    return wrong("a string, a number or what else has a text; `%v` takes lists and objects");
                }
            },
            _ => return wrong("another value"),
        };
        self.pad(&piece, matches!(value, Value::Int(_) | Value::Float(_)), text);
        Ok(())
    }

    fn signed(self, positive: bool, digits: String) -> String {
        if self.sign && positive {
            format!("+{digits}")
        } else {
            digits
        }
    }

    fn decimal(self, number: f64) -> String {
        format!("{number:.decimals$}", decimals = self.decimals.unwrap_or(6))
    }

    /// Fills up to the width: zeros go between the sign and the digits of a number.
    fn pad(self, piece: &str, number: bool, text: &mut String) {
        let missing = self.width.saturating_sub(piece.chars().count()).min(MOST_BYTES);
        let fill = |text: &mut String, with: char| text.extend(std::iter::repeat_n(with, missing));
        if self.left {
            text.push_str(piece);
            fill(text, ' ');
        } else if self.zeros && number {
            let (sign, digits) = piece.split_at(usize::from(piece.starts_with(['-', '+'])));
            text.push_str(sign);
            fill(text, '0');
            text.push_str(digits);
        } else {
            fill(text, ' ');
            text.push_str(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::types::Type;

    #[test]
    fn format_replaces_verbs() {
        gives(
            "format",
            &[
                (&[s("%s-%03d"), s("web"), i(7)], s("web-007")),
                (&[s("100%%")], s("100%")),
                (&[s("é%sé"), s("ü")], s("éüé")),
                (&[s("[%5s|%-5s]"), s("ab"), s("ab")], s("[   ab|ab   ]")),
                (
                    &[s("%d %5d|%-5d|%05d|%+d"), i(1), i(-2), i(3), i(-4), i(5)],
                    s("1    -2|3    |-0004|+5"),
                ),
                (
                    &[s("%f %.2f %.0f %08.3f"), f(1.5), f(1.005), i(2), f(-1.5)],
                    s("1.500000 1.00 2 -001.500"),
                ),
                (
                    &[s("%v %v"), l([i(1), s("a")]), o([("a", b(true))])],
                    s("[1,\"a\"] {\"a\":true}"),
                ),
                (
                    &[s("%s %s %s"), duration("90s"), size("1GiB"), percent("80%")],
                    s("1m30s 1GiB 80%"),
                ),
                (&[s("%q"), s("a\"b")], s("\"a\\\"b\"")),
                (&[s("%.2s"), s("héé")], s("hé")),
            ],
        );
    }

    #[test]
    fn format_says_what_does_not_match() {
        fails(
            "format",
            &[
                (
                    &[s("%s %s"), s("a")],
                    Some(0),
                    "more verbs than there are arguments, which are 1",
                ),
                (&[s("%s"), s("a"), s("b")], Some(2), "1 verbs for 2 arguments"),
                (&[s("%d"), s("a")], Some(1), "`%d` takes an int"),
                (&[s("%d"), f(1.0)], Some(1), "`%d` takes an int"),
                (&[s("%f"), s("a")], Some(1), "`%f` takes a number"),
                (&[s("%s"), l([])], Some(1), "`%v` takes lists"),
                (&[s("%x"), i(1)], Some(0), "followed by 'x'"),
                (&[s("%é"), i(1)], Some(0), "followed by 'é'"),
                (&[s("50%")], Some(0), "ends with `%`"),
                (&[s("%99999d"), i(1)], Some(0), "at most 1000"),
                (&[s("%.99999999999999999999999f"), i(1)], Some(0), "at most 1000"),
                (&[s("%s"), secret()], Some(1), "a secret"),
                (&[s("%v"), o([("a", secret())])], Some(1), "a secret"),
            ],
        );
        types(
            "format",
            &[
                (&[Type::String, Type::Int], "string"),
                (&[Type::Int], "argument 1 must be a string"),
            ],
        );
    }
}
