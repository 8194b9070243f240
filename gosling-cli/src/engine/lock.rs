//! A state's lock ends with the work under it, however that ends.

use gosling_engine::store::{Holder, Locked, StoreError};

use super::{Interrupts, StateAt};
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

/// Work under a lock that Ctrl-C may end anywhere. It is heard from before the lock is taken, which it never leaves behind.
pub(crate) async fn under_lock<T>(
    at: &StateAt,
    who: &Holder,
    work: impl AsyncFnOnce(&dyn Locked) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let interrupts = Interrupts::heard()?;
    let locked = at.store.lock(who).await.map_err(|error| store_failure(&error))?;
    let locked = at.checked(locked).await?;
    let outcome = interrupts.end_soon(work(&*locked)).await;
    released(&*locked, outcome).await
}
