//! Time for people: RFC 3339 in UTC, and how long ago something was.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gosling_engine::calendar;

/// Now, as `2026-01-31T12:00:00Z`.
pub(crate) fn now() -> String {
    at(Duration::ZERO)
}

/// The time so long from now.
pub(crate) fn at(later: Duration) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    written(since + later)
}

/// A time since 1970 as RFC 3339.
fn written(since: Duration) -> String {
    let seconds = since.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let date = i64::try_from(days).map(calendar::date).unwrap_or_default();
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A length of time in words: `12s`, `3m 20s`, `2h 5m`.
pub(crate) fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_calendar_has_it() {
        let times = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_262_400, "2026-11-21T12:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in times {
            assert_eq!(written(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn lengths_are_short() {
        let lengths = [(5, "5s"), (200, "3m 20s"), (7500, "2h 5m"), (90_000, "1d 1h")];
        for (seconds, text) in lengths {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }
}
