//! A state's lock ends with the work under it, however that ends.

use gosling_engine::store::{Locked, StoreError};

use super::stopped;
use crate::Failure;

/// A store's error with its way out.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    let failure = Failure::wrong_use(error.to_string());
    match error.way_out() {
        Some(help) => failure.hint(help),
        None => failure,
    }
}

/// Gives the lock back, whatever came of the work under it.
pub(crate) async fn released<T>(locked: &dyn Locked, outcome: Result<T, Failure>) -> Result<T, Failure> {
    let released = locked.release().await;
    // What went wrong first is what to tell; a lock that stays names its holder to the next.
    let value = outcome?;
    released.map_err(|error| {
        Failure::wrong_use(format!(
            "all is done, but the lock could not be given back: {error}"
        ))
        .hint("`gosling unlock` takes it over")
    })?;
    Ok(value)
}

/// Work under a lock that Ctrl-C may end anywhere.
pub(crate) async fn under_lock<T>(
    locked: &dyn Locked,
    work: impl AsyncFnOnce(&dyn Locked) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let outcome = until_stopped(work(locked)).await;
    released(locked, outcome).await
}

/// Work that Ctrl-C may end anywhere.
pub(crate) async fn until_stopped<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        stop = stopped() => Err(stop.map_or_else(Failure::from, |()| Failure::Interrupted("stopped".to_owned()))),
    }
}
