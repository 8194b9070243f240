//! What time it is in the worlds, in the words of their APIs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Turns the time since the sandbox began, which is all that a world knows, into a date.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// When the sandbox began, since 1970.
    began: Duration,
}

impl Clock {
    /// A sandbox that begins now.
    pub(crate) fn new() -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            began: began.unwrap_or_default(),
        }
    }

    /// `2026-11-21T10:15:00.123Z`.
    pub(crate) fn date(&self, at: Duration) -> String {
        let now = self.began + at;
        let (year, month, day) = civil(now.as_secs() / 86400);
        let second = now.as_secs() % 86400;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let milli = now.subsec_millis();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self, at: Duration) -> u64 {
        (self.began + at).as_secs()
    }
}

/// Year, month and day of a day counted from 1970-01-01: years that begin in March have their leap day at the end.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year + era * 400 + (month <= 2) as u64, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_date() {
        let clock = Clock {
            began: Duration::ZERO,
        };
        assert_eq!(clock.date(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            clock.date(Duration::from_millis(951_827_696_789)),
            "2000-02-29T12:34:56.789Z"
        );
        assert_eq!(
            clock.date(Duration::from_secs(1_767_225_599)),
            "2025-12-31T23:59:59.000Z"
        );
    }
}
