//! `0 3 * * MON-FRI`

use smol_str::SmolStr;

use super::Malformed;

/// When a job runs: minute, hour, day of the month, month, day of the week, or a name such as `@daily`. Kept as written,
/// with one space between fields.
///
/// Read by hand: the crates for it pull in derive macros or a clock, read seconds and years as well, and none of them
/// says whether an expression ever fires.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cron {
    text: SmolStr,
    /// One bit for each value of each field, in the order of [`FIELDS`].
    sets: [u64; 5],
    /// Whether a day must be in both day fields; else in one of them. As in vixie cron, the first where one starts
    /// with `*`.
    both_days: bool,
}

struct Field {
    what: &'static str,
    first: u8,
    last: u8,
    /// Names of the values from `first` on.
    names: &'static [&'static str],
}

const MINUTE: usize = 0;
const HOUR: usize = 1;
const DAY: usize = 2;
const MONTH: usize = 3;
const WEEKDAY: usize = 4;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    Field {
        what: "minute",
        first: 0,
        last: 59,
        names: &[],
    },
    Field {
        what: "hour",
        first: 0,
        last: 23,
        names: &[],
    },
    Field {
        what: "day of the month",
        first: 1,
        last: 31,
        names: &[],
    },
    Field {
        what: "month",
        first: 1,
        last: 12,
        names: &MONTHS,
    },
    Field {
        what: "day of the week",
        first: 0,
        last: 7,
        names: &WEEKDAYS,
    },
];

const NAMED: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// How many days each month has at most.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Cron {
    /// Reads five fields of numbers, names, lists, ranges, steps and `*`; or `@hourly`, `@daily`, `@weekly`, `@monthly`,
    /// `@yearly`.
    ///
    /// # Errors
    /// Which field is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        super::read_or_suggest(text, Self::read)
    }

    fn read(text: &str) -> Result<Self, Malformed> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let written = if text.starts_with('@') {
            named(&text)?
        } else {
            &text
        };
        let fields: Vec<&str> = written.split(' ').filter(|field| !field.is_empty()).collect();
        let &[_, _, day, _, weekday] = fields.as_slice() else {
            return Err(wrong_count(&fields));
        };
        let mut sets = [0; 5];
        for ((set, field), text) in sets.iter_mut().zip(&FIELDS).zip(&fields) {
            *set = field.parse(text).map_err(|malformed| {
                let better = |field: &str| {
                    let replaced = |old: &&str| {
                        if old == text {
                            field.to_owned()
                        } else {
                            (*old).to_owned()
                        }
                    };
                    fields.iter().map(replaced).collect::<Vec<_>>().join(" ")
                };
                match &malformed.suggestion {
                    Some(field) => Malformed::new(&*malformed.reason).with_suggestion(better(field)),
                    None => malformed,
                }
            })?;
        }
        // Sunday is 0 and 7.
        sets[WEEKDAY] = (sets[WEEKDAY] | sets[WEEKDAY] >> 7) & 0x7f;
        let both_days = day.starts_with('*') || weekday.starts_with('*');
        Ok(Self {
            text: text.into(),
            sets,
            both_days,
        })
    }

    /// The text, with one space between fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether no day of any year is meant, as with `0 0 31 2 *`. The 29th of February is a day, and within 400 years
    /// it falls on every day of the week.
    #[must_use]
    pub fn never_fires(&self) -> bool {
        let possible = |(month, longest): (usize, &u32)| {
            let days = (1_u64 << (longest + 1)) - 1;
            self.has(MONTH, month + 1) && self.sets[DAY] & days != 0
        };
        self.both_days && !LONGEST.iter().enumerate().any(possible)
    }

    /// Whether it fires in this minute: month from 1, weekday from 0, which is Sunday.
    #[must_use]
    pub fn fires_at(&self, month: u8, day: u8, weekday: u8, hour: u8, minute: u8) -> bool {
        let in_day = self.has(DAY, day.into());
        let in_weekday = self.has(WEEKDAY, weekday.into());
        let on_day = if self.both_days {
            in_day && in_weekday
        } else {
            in_day || in_weekday
        };
        on_day
            && self.has(MONTH, month.into())
            && self.has(HOUR, hour.into())
            && self.has(MINUTE, minute.into())
    }

    fn has(&self, field: usize, value: usize) -> bool {
        value < 64 && self.sets[field] >> value & 1 == 1
    }
}

impl std::fmt::Display for Cron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The fields that a name stands for.
fn named(text: &str) -> Result<&'static str, Malformed> {
    if let Some((_, fields)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Ok(fields);
    }
    let lower = text.to_ascii_lowercase();
    let near = NAMED
        .iter()
        .map(|(name, _)| (strsim::damerau_levenshtein(name, &lower), *name))
        .min();
    let malformed = Malformed::new("the names are @hourly, @daily, @weekly, @monthly and @yearly");
    Err(match near {
        Some((0..=2, name)) => malformed.with_suggestion(name),
        _ => malformed,
    })
}

fn wrong_count(fields: &[&str]) -> Malformed {
    let malformed = Malformed::new(match fields.len() {
        0 => "it is empty; it needs five fields: minute, hour, day of the month, month, day of the week"
            .to_owned(),
        6 => "it has 6 fields and needs 5: there are no seconds and no years".to_owned(),
        count => {
            format!(
                "it has {count} fields and needs 5: minute, hour, day of the month, month, day of the week"
            )
        }
    });
    // Seconds before the five, or a year after them.
    let five = match fields {
        ["0", five @ .., "*"] if five.len() == 4 => [&fields[1..], &fields[..5]],
        ["0", five @ ..] | [five @ .., "*"] if five.len() == 5 => [five, five],
        _ => return malformed,
    };
    match five
        .iter()
        .map(|five| five.join(" "))
        .find(|five| Cron::read(five).is_ok())
    {
        Some(five) => malformed.with_suggestion(five),
        None => malformed,
    }
}

impl Field {
    /// The set of `1,10-20/2,MON`; a suggestion is for the field.
    fn parse(&self, text: &str) -> Result<u64, Malformed> {
        let mut set = 0;
        for item in text.split(',') {
            set |= self.item(item).map_err(|malformed| match malformed.suggestion {
                Some(better) => {
                    let replaced = |old| if old == item { better.as_str() } else { old };
                    let field = text.split(',').map(replaced).collect::<Vec<_>>().join(",");
                    Malformed::new(malformed.reason).with_suggestion(field)
                }
                None => malformed,
            })?;
        }
        Ok(set)
    }

    fn item(&self, item: &str) -> Result<u64, Malformed> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let (from, to) = self.range(range, step.is_some())?;
        let mut set = 0;
        for value in (from..=to).step_by(step.unwrap_or(1)) {
            set |= 1_u64 << value;
        }
        Ok(set)
    }

    fn step(&self, text: &str) -> Result<usize, Malformed> {
        match text.parse::<u8>() {
            Ok(step) if step > 0 && !text.starts_with('+') => Ok(step.into()),
            _ => Err(Malformed::new(format!(
                "the step of its {} is a number from 1 to 255",
                self.what
            ))),
        }
    }

    /// First and last value.
    fn range(&self, text: &str, stepped: bool) -> Result<(u8, u8), Malformed> {
        if text == "*" {
            return Ok((self.first, if self.last == 7 { 6 } else { self.last }));
        }
        let Some((from, to)) = text.split_once('-') else {
            let value = self.value(text)?;
            return Ok((value, if stepped { self.last.max(value) } else { value }));
        };
        let (first, mut last) = (self.value(from)?, self.value(to)?);
        // A week ends with Sunday as well as it starts with it: FRI-SUN.
        if last == 0 && first > 0 && to.eq_ignore_ascii_case(WEEKDAYS[0]) {
            last = 7;
        }
        if first <= last {
            return Ok((first, last));
        }
        let malformed = Malformed::new(format!("the range of its {} runs backwards", self.what));
        if stepped {
            return Err(malformed);
        }
        let end = if self.last == 7 { 6 } else { self.last };
        Err(malformed.with_suggestion(format!("{first}-{end},{}-{last}", self.first)))
    }

    fn value(&self, text: &str) -> Result<u8, Malformed> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return match text.parse::<u8>() {
                Ok(value) if (self.first..=self.last).contains(&value) => Ok(value),
                _ => Err(Malformed::new(format!(
                    "its {} must be from {} to {}",
                    self.what, self.first, self.last
                ))),
            };
        }
        if let Some(at) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(self.first + u8::try_from(at).unwrap_or_default());
        }
        let what = self.what;
        if text == "?" {
            return Err(
                Malformed::new(format!("its {what} is `?`, which is written `*`")).with_suggestion("*")
            );
        }
        if text.is_empty() {
            return Err(Malformed::new(format!(
                "its {what} has nothing where a number belongs"
            )));
        }
        let reason = match self.names {
            [] => format!("its {what} must be numbers, `*`, ranges or steps"),
            [first, .., last] => {
                format!("its {what} must be numbers, names from {first} to {last}, `*`, ranges or steps")
            }
            [only] => format!("its {what} must be {only}"),
        };
        // `Monday`, `january`
        let whole = text
            .get(..3)
            .filter(|_| text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let near = self
            .names
            .iter()
            .find(|name| whole.is_some_and(|whole| name.eq_ignore_ascii_case(whole)));
        Err(match near {
            Some(name) => Malformed::new(reason).with_suggestion(*name),
            None => Malformed::new(reason),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accepts, holds, refuses, texts};

    #[test]
    fn reads_expressions() {
        accepts(
            Cron::parse,
            &[
                ("0 3 * * *", "0 3 * * *"),
                (
                    "  */15   0-6/2 1,15 JAN-mar MON-FRI ",
                    "*/15 0-6/2 1,15 JAN-mar MON-FRI",
                ),
                ("0 0 * * 7", "0 0 * * 7"),
                ("0 0 * * FRI-SUN", "0 0 * * FRI-SUN"),
                ("5/10 * * * *", "5/10 * * * *"),
                ("@daily", "@daily"),
                ("59 23 31 12 6", "59 23 31 12 6"),
            ],
        );
    }

    #[test]
    fn says_which_field_is_wrong() {
        refuses(
            Cron::parse,
            &[
                ("", "it is empty", None),
                ("0 3 * *", "4 fields and needs 5", None),
                ("0 0 3 * * *", "6 fields", Some("0 3 * * *")),
                ("0 3 * * MON *", "6 fields", Some("0 3 * * MON")),
                ("15 3 * * MON *", "6 fields", Some("15 3 * * MON")),
                ("1 2 3 4 5 6 7", "7 fields", None),
                ("60 3 * * *", "its minute must be from 0 to 59", None),
                ("0 24 * * *", "its hour must be from 0 to 23", None),
                ("0 0 0 * *", "its day of the month must be from 1 to 31", None),
                ("0 0 32 * *", "its day of the month", None),
                ("0 0 * 13 *", "its month must be from 1 to 12", None),
                ("0 0 * * 8", "its day of the week must be from 0 to 7", None),
                ("0 0 * * monday", "day of the week", Some("0 0 * * MON")),
                ("0 0 * january *", "month", Some("0 0 * JAN *")),
                ("0 0 ? * MON", "written `*`", Some("0 0 * * MON")),
                ("0 0 L * *", "day of the month must be numbers", None),
                ("0 22-2 * * *", "runs backwards", Some("0 22-23,0-2 * * *")),
                ("0 0 * * 5-1", "runs backwards", Some("0 0 * * 5-6,0-1")),
                ("*/0 * * * *", "step of its minute", None),
                ("*/x * * * *", "step of its minute", None),
                ("1,,2 * * * *", "nothing where a number", None),
                ("1- * * * *", "nothing where a number", None),
                ("-5 * * * *", "nothing where a number", None),
                ("999 * * * *", "its minute", None),
                ("@dayly", "the names are", Some("@daily")),
                ("@Daily", "the names are", Some("@daily")),
                ("@reboot", "the names are", None),
                ("every day", "2 fields", None),
            ],
        );
    }

    #[test]
    fn knows_what_never_fires() {
        for (text, never) in [
            ("0 0 31 2 *", true),
            ("0 0 30 2 *", true),
            ("0 0 29 2 *", false),
            ("0 0 29 2 MON", false),
            ("0 0 31 2,4,6,9,11 *", true),
            ("0 0 31 2-4 *", false),
            ("0 0 31 4 */2", true),
            // Either day is enough where neither starts with `*`.
            ("0 0 31 2 MON", false),
            ("0 0 30,31 FEB *", true),
            ("0 0 */30 2 *", false),
            ("* * * * *", false),
            ("@yearly", false),
        ] {
            assert_eq!(Cron::parse(text).unwrap().never_fires(), never, "{text}");
        }
    }

    #[test]
    fn fires_as_written() {
        for (text, (month, day, weekday, hour, minute), fires) in [
            ("*/15 3 * * *", (1, 1, 1, 3, 45), true),
            ("*/15 3 * * *", (1, 1, 1, 3, 46), false),
            ("0 0 * * 7", (1, 1, 0, 0, 0), true),
            ("0 0 * * FRI-SUN", (1, 1, 0, 0, 0), true),
            ("0 0 * * FRI-SUN", (1, 1, 1, 0, 0), false),
            ("0 0 1 * MON", (5, 9, 1, 0, 0), true),
            ("0 0 1 * MON", (5, 1, 3, 0, 0), true),
            ("0 0 1 * MON", (5, 2, 3, 0, 0), false),
            ("0 0 */2 * MON", (5, 2, 1, 0, 0), false),
            ("5/20 * * * *", (5, 2, 1, 0, 45), true),
            ("@hourly", (5, 2, 1, 7, 0), true),
            ("@hourly", (200, 200, 200, 200, 200), false),
        ] {
            assert_eq!(
                Cron::parse(text)
                    .unwrap()
                    .fires_at(month, day, weekday, hour, minute),
                fires,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_reads_back(text in texts()) {
            holds(Cron::parse, &text)?;
        }

        #[test]
        fn what_fires_on_a_day_never_never_fires(
            text in "0 0 [1-9*]{1}[0-9]{0,1}(-3[01])? ([1-9]|1[0-2]|\\*) ([0-6]|\\*)",
            month in 1..=12_u8,
            day in 1..=29_u8,
            weekday in 0..=6_u8,
        ) {
            if let Ok(cron) = Cron::parse(&text) {
                prop_assert!(!(cron.never_fires() && cron.fires_at(month, day, weekday, 0, 0)));
            }
        }
    }
}
