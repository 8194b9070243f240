//! Waiting for a lock that somebody else holds.

use std::time::{Duration, Instant};

use gosling_engine::store::{Locked, StoreError};

use super::{StateAt, ago, stopped, store_failure};
use crate::{Failure, Host};

/// How often the lock is tried.
const ASK: Duration = Duration::from_secs(1);
/// How often it is said that it is still held.
const SAY: Duration = Duration::from_secs(30);

impl StateAt {
    /// Takes the lock; `patience`: how long to wait for whoever holds it. Ctrl-C ends the waiting at once.
    pub(crate) async fn lock_within(
        &self,
        host: &mut Host,
        command: &str,
        patience: Option<Duration>,
    ) -> Result<Box<dyn Locked>, Failure> {
        let Some(patience) = patience else {
            return self.lock(host, command).await;
        };
        let began = Instant::now();
        let mut told: Option<(String, Instant)> = None;
        let mut stop = std::pin::pin!(stopped());
        loop {
            let refused = match self.take(host, command).await {
                Ok(locked) => return self.checked(locked).await,
                Err(error @ StoreError::Locked(_)) => store_failure(&error),
                Err(other) => return Err(store_failure(&other)),
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
                outcome = &mut stop => {
                    outcome?;
                    return Err(Failure::Interrupted("stopped waiting for the lock".to_owned()));
                }
            }
        }
    }
}
