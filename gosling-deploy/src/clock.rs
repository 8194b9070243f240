//! Time for people: RFC 3339 in UTC, and how long ago something was.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gosling_engine::calendar;

use crate::failure::Failure;

/// Now, as `2026-01-31T12:00:00Z`.
pub fn now() -> String {
    at(Duration::ZERO)
}

/// Refuses to work with a clock that says a time before 1970: no certificate and no date can be judged by it.
pub fn can_be(now: SystemTime) -> Result<(), Failure> {
    match now.duration_since(UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::new("this machine's clock is before 1970")
            .help("set it: certificates, locks and the audit depend on it")),
    }
}

/// The time so long from now.
pub fn at(later: Duration) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    calendar::time(since + later)
}

/// A length of time in words: `12s`, `3m 20s`, `2h 5m`.
pub fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// `0:42`, `12:00`
#[must_use]
pub fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_before_1970_is_refused_with_words() {
        let refused = can_be(UNIX_EPOCH - Duration::from_secs(1)).unwrap_err();
        assert_eq!(refused.to_string(), "this machine's clock is before 1970");
        assert!(can_be(UNIX_EPOCH).is_ok());
    }

    #[test]
    fn lengths_are_short() {
        let lengths = [(5, "5s"), (200, "3m 20s"), (7500, "2h 5m"), (90_000, "1d 1h")];
        for (seconds, text) in lengths {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }
}
