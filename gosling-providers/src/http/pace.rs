//! When a call is sent again, and how long a service is left alone that asks for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Answer, Method, SendError};

/// How often a GET is sent at most that gets no answer.
const ATTEMPTS: u32 = 5;
/// How long one call waits in total for a service that has had too many calls.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// Shorter waits are nobody's business.
const WORTH_A_WORD: Duration = Duration::from_secs(2);
/// The longest pause between two attempts where the service names none.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Words for a person from within a call: that it waits, for whom and how long. Clones share one queue.
#[derive(Debug, Clone, Default)]
pub struct Notices(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    words: Mutex<Vec<String>>,
    something: Notify,
}

impl Notices {
    fn say(&self, words: String) {
        let mut queue = self.0.words.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push(words);
        self.0.something.notify_one();
    }

    /// What was said since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.words.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something is said.
    pub async fn said(&self) {
        self.0.something.notified().await;
    }
}

/// The pace of all calls to one service: when it asks to be left alone, every call waits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    closed_until: Mutex<Option<Instant>>,
    /// Where it is said that calls wait.
    notices: Notices,
}

impl Pace {
    pub(super) fn new(notices: Notices) -> Self {
        Self {
            closed_until: Mutex::default(),
            notices,
        }
    }

    /// Lets all calls wait where an answer asks for it: after too many, or with the last one of a period.
    fn heed(&self, answer: &Answer, attempt: u32, elapsed: Duration, host: &str) {
        let last = answer.header("ratelimit-remaining").map(str::trim) == Some("0");
        let pause = match answer.status {
            429 => Some(answer.asked_pause().unwrap_or_else(|| slow_backoff(attempt))),
            _ if last => answer.asked_pause(),
            _ => None,
        };
        let Some(pause) = pause.filter(|pause| elapsed + *pause <= LONGEST_WAIT) else {
            return;
        };
        let until = Instant::now() + pause;
        let mut closed = self.lock();
        let before = *closed;
        *closed = Some(before.map_or(until, |before| before.max(until)));
        let news = before.is_none_or(|before| before + WORTH_A_WORD < until);
        if news && pause >= WORTH_A_WORD {
            self.notices.say(format!(
                "{host} asks for a pause after too many calls: continuing in {} s",
                pause.as_secs()
            ));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The attempts at one call. It is sent again where that does no harm:
///
/// - whatever the method, when the service says that it had too many calls (429), which it does before it looks at the
///   call: when the service asks for it, for [`LONGEST_WAIT`] in total;
/// - a GET that got no answer, or one of Proxmox VE's 595 to 599 (the node does not answer): [`ATTEMPTS`] times;
/// - a GET while the service is down for a moment (502 to 504): as long as the patience lasts.
pub(super) struct Attempts<'a> {
    pace: &'a Pace,
    host: &'a str,
    method: Method,
    patience: Duration,
    began: Instant,
    count: u32,
    pause: Duration,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(pace: &'a Pace, host: &'a str, method: Method, patience: Duration) -> Self {
        Self {
            pace,
            host,
            method,
            patience,
            began: Instant::now(),
            count: 0,
            pause: Duration::ZERO,
        }
    }

    /// Waits until the next attempt may be sent.
    pub(super) async fn next(&mut self) {
        sleep(std::mem::take(&mut self.pause)).await;
        loop {
            let until = *self.pace.lock();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => break,
            }
        }
        self.count += 1;
    }

    /// Whether there is to be another attempt after one with this result.
    pub(super) fn go_on(&mut self, result: &Result<Answer, SendError>) -> bool {
        let elapsed = self.began.elapsed();
        if let Ok(answer) = result {
            self.pace.heed(answer, self.count, elapsed, self.host);
        }
        let pause = again(result, self.method, self.count, elapsed, self.patience);
        self.pause = pause.unwrap_or_default();
        pause.is_some()
    }
}

/// How long to pause before the call is sent again; `None`: it is not.
fn again(
    result: &Result<Answer, SendError>,
    method: Method,
    attempt: u32,
    elapsed: Duration,
    patience: Duration,
) -> Option<Duration> {
    let get = method == Method::Get;
    match result {
        Ok(answer) if answer.status == 429 => {
            let pause = answer.asked_pause().unwrap_or_else(|| slow_backoff(attempt));
            // Whoever asks for no pause at all is not asked again at once.
            let least = backoff(attempt);
            (elapsed + pause <= LONGEST_WAIT).then(|| least.min(LONGEST_BACKOFF))
        }
        Ok(answer) if get && matches!(answer.status, 502..=504) => {
            let pause = answer.asked_pause().unwrap_or_else(|| backoff(attempt));
            (elapsed + pause <= patience).then_some(pause)
        }
        Ok(answer) if get && matches!(answer.status, 595..=599) => few(attempt, elapsed, patience),
        Err(error) if get && (error.sent || error.passing) => few(attempt, elapsed, patience),
        _ => None,
    }
}

fn few(attempt: u32, elapsed: Duration, patience: Duration) -> Option<Duration> {
    (attempt < ATTEMPTS && elapsed < patience).then(|| backoff(attempt))
}

/// 0.1 to 0.2 s, and twice as much each time: no two helpers of one cluster ask in step.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let base = 100_u64 << attempt.saturating_sub(1).min(6);
    Duration::from_millis(base + fastrand::u64(0..=base))
}

/// The same from 1 s on, for a service that refuses calls because there are too many of them.
fn slow_backoff(attempt: u32) -> Duration {
    (backoff(attempt) * 10).min(LONGEST_BACKOFF)
}

impl Answer {
    /// How long the service asks to be left alone: in seconds, or, as GitLab does behind some proxies, until a time.
    pub(crate) fn asked_pause(&self) -> Option<Duration> {
        let number = |name: &str| self.header(name)?.trim().parse().ok();
        if let Some(seconds) = number("retry-after") {
            return Some(Duration::from_secs(seconds));
        }
        let until = UNIX_EPOCH.checked_add(Duration::from_secs(number("ratelimit-reset")?))?;
        // Its clock may be behind ours.
        Some(until.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_secs(1))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::stream::{FuturesUnordered, StreamExt};

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Answer {
            status,
            reason: String::new(),
            headers: headers.collect(),
            body: Vec::new(),
        }
    }

    /// Sends one call to a service that answers so from the first attempt to the last. How often it was asked, how long
    /// that took by the simulated clock, and what a person was told.
    async fn asked(
        method: Method,
        result: impl Fn(u32) -> Result<Answer, SendError>,
    ) -> (u32, Duration, Vec<String>) {
        let pace = Pace::default();
        let mut attempts = Attempts::new(&pace, "git", method, Duration::from_secs(30));
        loop {
            attempts.next().await;
            if !attempts.go_on(&result(attempts.count)) {
                return (attempts.count, attempts.began.elapsed(), pace.notices.take());
            }
        }
    }

    #[test]
    fn the_api_says_for_how_long_or_until_when() {
        let asked = |headers: &[(&str, &str)]| answer(429, headers).asked_pause();
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[("ratelimit-reset", &u64::MAX.to_string())]), None);
        let both = [("ratelimit-reset", "1"), ("retry-after", "7")];
        assert_eq!(asked(&both), Some(Duration::from_secs(7)));
        // Long over.
        assert_eq!(asked(&[("ratelimit-reset", "1")]), Some(Duration::from_secs(1)));
        let far = asked(&[("ratelimit-reset", "32503680000")]);
        assert!(far.is_some_and(|pause| pause > LONGEST_WAIT));
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_calls_are_waited_out_whatever_the_method() {
        for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
            let busy = |attempt| match attempt {
                1 => Ok(answer(429, &[("retry-after", "45")])),
                _ => Ok(answer(201, &[])),
            };
            let (count, took, words) = asked(method, busy).await;
            assert_eq!(count, 2, "{method:?}");
            assert!(took >= Duration::from_secs(45), "{method:?}: {took:?}");
            assert_eq!(
                words,
                ["git asks for a pause after too many calls: continuing in 45 s"]
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_for_longer_than_a_call_may_wait_is_believed_at_once() {
        let hours = |_| Ok(answer(429, &[("retry-after", "3600")]));
        assert_eq!(asked(Method::Post, hours).await, (1, Duration::ZERO, Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_calls_without_an_end_are_given_up_after_ten_minutes() {
        let (count, took, _) = asked(Method::Post, |_| Ok(answer(429, &[]))).await;
        assert!(took <= LONGEST_WAIT + LONGEST_BACKOFF, "{took:?}");
        assert!(took > LONGEST_WAIT / 2, "{took:?}");
        assert!(count < 60, "{count} calls: that is hammering");
    }

    #[tokio::test(start_paused = true)]
    async fn maintenance_is_waited_for_as_long_as_the_patience_lasts() {
        let (_, took, _) = asked(Method::Get, |_| Ok(answer(503, &[]))).await;
        assert!(took > Duration::from_secs(15), "{took:?}");
        let over = |attempt| Ok(answer(if attempt < 8 { 503 } else { 200 }, &[]));
        assert_eq!(asked(Method::Get, over).await.0, 8);
        // What it did with a change, nobody knows.
        assert_eq!(asked(Method::Post, |_| Ok(answer(503, &[]))).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_is_asked_for_five_times_and_only_by_a_get() {
        let lost = |_| {
            Err(SendError {
                sent: true,
                passing: false,
                message: "lost".to_owned(),
                help: None,
            })
        };
        assert_eq!(asked(Method::Get, lost).await.0, ATTEMPTS);
        assert_eq!(asked(Method::Delete, lost).await.0, 1);
        assert_eq!(asked(Method::Get, |_| Ok(answer(595, &[]))).await.0, ATTEMPTS);
    }

    /// A service that takes 100 calls a minute, as 200 eggs ask for in one run: each needs six calls, ten eggs at once.
    #[tokio::test(start_paused = true)]
    async fn two_hundred_eggs_get_through_a_limit_of_a_hundred_calls_a_minute() {
        let pace = Pace::default();
        let began = Instant::now();
        let minutes: Mutex<(u64, u32)> = Mutex::default();
        let refused = std::cell::Cell::new(0);
        let serve = || {
            let seconds = began.elapsed().as_secs();
            let mut minute = minutes.lock().unwrap();
            if minute.0 != seconds / 60 {
                *minute = (seconds / 60, 0);
            }
            minute.1 += 1;
            let left = (60 - seconds % 60).to_string();
            if minute.1 > 100 {
                refused.set(refused.get() + 1);
                return Ok(answer(429, &[("retry-after", &left)]));
            }
            let remaining = (100 - minute.1).to_string();
            Ok(answer(
                201,
                &[("ratelimit-remaining", &remaining), ("retry-after", &left)],
            ))
        };
        let egg = async |_: usize| {
            for method in [
                Method::Get,
                Method::Post,
                Method::Get,
                Method::Put,
                Method::Post,
                Method::Get,
            ] {
                let mut attempts = Attempts::new(&pace, "git", method, Duration::from_secs(30));
                loop {
                    attempts.next().await;
                    sleep(Duration::from_millis(50)).await;
                    let result = serve();
                    if !attempts.go_on(&result) {
                        assert_eq!(result.unwrap().status, 201);
                        break;
                    }
                }
            }
        };
        let mut eggs = FuturesUnordered::new();
        for number in 0..200 {
            if eggs.len() == 10 {
                eggs.next().await;
            }
            eggs.push(egg(number));
        }
        while eggs.next().await.is_some() {}
        // Only those that are under way when the last call of a minute says that it is the last.
        assert!(refused.get() <= 9 * 12, "{} refused", refused.get());
        assert!(
            began.elapsed() < Duration::from_secs(14 * 60),
            "{:?}",
            began.elapsed()
        );
        let words = pace.notices.take();
        assert!((11..=13).contains(&words.len()), "once a minute: {words:#?}");
    }
}
