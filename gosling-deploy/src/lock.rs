//! A state's lock: taking it, waiting for it, and giving it back with the work under it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gosling_engine::fence::SystemClock;
use gosling_engine::store::{Displaced, Holder, Locked, StoreError};
use gosling_engine::{Lease, Stop};

use crate::clock::ago;
use crate::failure::Failure;
use crate::state_location::StateLocation;
use crate::stop::StopSignal;

/// How often the lock is tried.
const RETRY: Duration = Duration::from_secs(1);
/// How often a message repeats that the lock is still taken.
const REPEAT: Duration = Duration::from_secs(30);

/// Gives the lock back, whatever came of the work under it.
///
/// # Errors
/// What the work failed with; else why the lock could not be given back.
pub async fn released<T, E: From<Failure>>(locked: &dyn Locked, outcome: Result<T, E>) -> Result<T, E> {
    let released = locked.release().await;
    // What went wrong first is what to tell; a lock that stays names its holder to the next.
    let value = outcome?;
    released.map_err(|error| {
        Failure::new(format!(
            "all is done, but the lock could not be given back: {error}"
        ))
        .help("`gosling unlock` takes it over")
    })?;
    Ok(value)
}

/// Begins to work under a lock, once nobody from whom it was taken can still send anything. `say` gets the message where
/// that takes a while.
///
/// # Errors
/// Where the lock is not ours any more, or its store does not answer.
pub async fn begin(locked: &Arc<dyn Locked>, say: impl FnOnce(String)) -> Result<Lease, Failure> {
    let mut say = Some(say);
    let wait = |displaced: &Displaced| {
        let (time, holder) = (displaced.lease, &displaced.holder);
        if let Some(say) = say.take() {
            say(format!(
                "waiting {time:?}: the lock was taken from {holder}, which may still send what it was about to send"
            ));
        }
    };
    Ok(Lease::begin(Arc::clone(locked), Arc::new(SystemClock), wait).await?)
}

impl StateLocation {
    /// Takes the lock; `patience` is how long to wait for its present holder. A request to stop ends the waiting, and
    /// gives back what was just taken. `say` gets a message when the holder changes, and every half minute.
    ///
    /// # Errors
    /// Where somebody else has it, the state moved away, or the store does not answer.
    pub async fn lock_within(
        &self,
        holder: impl Fn() -> Holder,
        patience: Option<Duration>,
        stop: &StopSignal,
        mut say: impl FnMut(String),
    ) -> Result<Box<dyn Locked>, Failure> {
        let began = Instant::now();
        let mut last_said: Option<(String, Instant)> = None;
        loop {
            let (refused, patience) = match (self.lock(&holder()).await, patience) {
                (Ok(locked), _) => {
                    let locked = self.checked(locked).await?;
                    if stop.is_requested() {
                        return released(&*locked, Err(stopped())).await;
                    }
                    return Ok(locked);
                }
                (Err(error @ StoreError::Locked(_)), Some(patience)) => (Failure::from(&error), patience),
                (Err(other), _) => return Err(other.into()),
            };
            let waited = began.elapsed();
            if waited >= patience {
                return Err(Failure::new(format!("{refused}; waited {} for it", ago(waited))));
            }
            let message = refused.to_string();
            let is_recent = last_said
                .as_ref()
                .is_some_and(|(said, when)| *said == message && when.elapsed() < REPEAT);
            if !is_recent {
                say(format!("waiting: {message}"));
                last_said = Some((message, Instant::now()));
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY.min(patience.saturating_sub(waited))) => {}
                () = stop.until(Stop::Soon) => return Err(stopped()),
            }
        }
    }
}

fn stopped() -> Failure {
    Failure::Interrupted("stopped before anything was begun".to_owned())
}
