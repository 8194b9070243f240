//! A clock that goes on while the machine is suspended.

use std::time::Duration;

use async_trait::async_trait;

/// Measures how much time has passed.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time since some fixed moment. It also passes while the process is stopped and the machine is suspended.
    fn now(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        // Linux stops CLOCK_MONOTONIC while the machine is suspended; elsewhere it goes on.
        #[cfg(target_os = "linux")]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(CLOCK);
        let seconds = Duration::from_secs(time.tv_sec.try_into().unwrap_or_default());
        seconds + Duration::from_nanos(time.tv_nsec.try_into().unwrap_or_default())
    }

    async fn sleep(&self, time: Duration) {
        // The timer may stand still in a suspended machine, which only makes the wait longer.
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_passes() {
        let before = SystemClock.now();
        SystemClock.sleep(Duration::from_secs(3600)).await;
        assert!(SystemClock.now() >= before);
        assert!(before > Duration::ZERO);
    }
}
