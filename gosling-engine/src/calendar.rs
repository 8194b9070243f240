//! Days, dates and times: the civil calendar, in UTC.

use std::time::Duration;

/// The date so many days after 1970-01-01: `2026-11-21`.
#[must_use]
pub fn date(days: i64) -> String {
    // The year begins with March, so that a leap day is its last; an era is 400 years.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time so long after 1970 began, as RFC 3339 to the second: `2026-01-31T12:00:00Z`.
#[must_use]
pub fn time(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let date = i64::try_from(days).map(date).unwrap_or_default();
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The days from 1970-01-01 to a date, or to the date that a text of RFC 3339 begins with; none where that cannot be
/// read.
#[must_use]
pub fn days(text: &str) -> Option<i64> {
    let date = text.get(..10).unwrap_or(text);
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let known = [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2100-03-01", 47_541),
            ("2026-11-21", 20_778),
        ];
        for (text, expected) in known {
            assert_eq!(days(text), Some(expected), "{text}");
            assert_eq!(date(expected), text);
        }
        assert_eq!(days("2026-11-21T12:00:00Z"), Some(20_778));
        for text in ["", "soon", "2026-13-01", "2026-01"] {
            assert_eq!(days(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_as_the_calendar_has_it() {
        let times = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_262_400, "2026-11-21T12:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in times {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_date_is_read_back() {
        for day in (-1000..100_000).step_by(7) {
            assert_eq!(days(&date(day)), Some(day));
        }
    }
}
