//! Waiting for a lock that somebody else holds.

use std::time::{Duration, Instant};

use gosling_engine::Stop;
use gosling_engine::store::{Locked, StoreError};

use super::{Interrupts, StateAt, ago, released, store_failure};
use crate::{Failure, Host};

/// How often the lock is tried.
const ASK: Duration = Duration::from_secs(1);
/// How often it is said that it is still held.
const SAY: Duration = Duration::from_secs(30);

impl StateAt {
    /// Takes the lock; `patience`: how long to wait for the current holder. Ctrl-C ends the waiting, and gives back what
    /// was just taken.
    pub(crate) async fn lock_within(
        &self,
        host: &mut Host,
        command: &str,
        patience: Option<Duration>,
        interrupts: &Interrupts,
    ) -> Result<Box<dyn Locked>, Failure> {
        let began = Instant::now();
        let mut told: Option<(String, Instant)> = None;
        loop {
            let (refused, patience) = match (self.take(host, command).await, patience) {
                (Ok(locked), _) => {
                    let locked = self.checked(locked).await?;
                    if interrupts.wished() {
                        return released(&*locked, Err(stopped())).await;
                    }
                    return Ok(locked);
                }
                (Err(error @ StoreError::Locked(_)), Some(patience)) => (store_failure(&error), patience),
                (Err(other), _) => return Err(store_failure(&other)),
            };
            let waited = began.elapsed();
            if waited >= patience {
                return Err(Failure::wrong_use(format!(
                    "{refused}; waited {} for it",
                    ago(waited)
                )));
            }
            let words = refused.to_string();
            let fresh = told
                .as_ref()
                .is_some_and(|(said, when)| *said == words && when.elapsed() < SAY);
            if !fresh {
                host.say(format_args!("waiting: {words}"))?;
                told = Some((words, Instant::now()));
            }
            tokio::select! {
                () = tokio::time::sleep(ASK.min(patience.saturating_sub(waited))) => {}
                () = interrupts.until(Stop::Soon) => return Err(stopped()),
            }
        }
    }
}

fn stopped() -> Failure {
    Failure::Interrupted("stopped before anything was begun".to_owned())
}
