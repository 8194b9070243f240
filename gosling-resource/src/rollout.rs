//! How the machines of one pool are changed: how many at a time, and how long their jobs may go on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the machines of one pool are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// How many of them may be out of service at once.
    pub max_unavailable: Unavailable,
    /// How long the jobs of a machine that is to be stopped may go on, in seconds.
    pub drain_timeout: u64,
    /// Whether a machine that is replaced goes only once the new one is online.
    pub create_before_delete: bool,
}

impl Default for Rollout {
    fn default() -> Self {
        Self {
            max_unavailable: Unavailable::Machines(1),
            drain_timeout: 60 * 60,
            create_before_delete: false,
        }
    }
}

impl Rollout {
    /// The same, but nobody waits for jobs.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self {
            drain_timeout: 0,
            ..self
        }
    }
}

/// How many machines of a pool may be out of service at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// So many.
    Machines(u32),
    /// So many hundredths of the pool, rounded down.
    Percent(u32),
}

impl Unavailable {
    /// How many machines that is, of a pool of this size: at least one.
    #[must_use]
    pub fn of(self, size: usize) -> usize {
        let machines = match self {
            Self::Machines(machines) => usize::try_from(machines).unwrap_or(usize::MAX),
            Self::Percent(percent) => {
                let percent = usize::try_from(percent).unwrap_or(usize::MAX);
                size.saturating_mul(percent) / 100
            }
        };
        machines.max(1)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machines(machines) => write!(f, "{machines}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_pool_is_rounded_down_and_never_nothing() {
        assert_eq!(Unavailable::Percent(25).of(10), 2);
        assert_eq!(Unavailable::Percent(25).of(3), 1);
        assert_eq!(Unavailable::Percent(0).of(10), 1);
        assert_eq!(Unavailable::Percent(100).of(10), 10);
        assert_eq!(Unavailable::Machines(3).of(2), 3);
        assert_eq!(Unavailable::Machines(0).of(2), 1);
    }
}
