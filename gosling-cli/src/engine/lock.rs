//! A state's lock ends with the work under it, however that ends.

use std::sync::Arc;

use gosling_engine::Lease;
use gosling_engine::fence::SystemClock;
use gosling_engine::store::{Displaced, Holder, Locked, StoreError};

use super::{Interrupts, StateAt};
use crate::{Failure, Host};

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

/// Begins to work under a lock, once nobody from whom it was taken can still send anything.
pub(crate) async fn begin(host: &mut Host, locked: &Arc<dyn Locked>) -> Result<Lease, Failure> {
    let mut said = Ok(());
    let told = |displaced: &Displaced| {
        let (time, holder) = (displaced.lease, &displaced.holder);
        said = host.say(format_args!(
            "waiting {time:?}: the lock was taken from {holder}, which may still send what it was about to send"
        ));
    };
    let begun = Lease::begin(Arc::clone(locked), Arc::new(SystemClock), told).await;
    said?;
    begun.map_err(|error| store_failure(&error))
}

/// Work under a lock that Ctrl-C may end anywhere. It is heard from before the lock is taken, which it never leaves behind.
pub(crate) async fn under_lock<T>(
    host: &mut Host,
    at: &StateAt,
    who: &Holder,
    work: impl AsyncFnOnce(&mut Host, &Lease) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let interrupts = Interrupts::heard()?;
    let locked = at.lock(who).await.map_err(|error| store_failure(&error))?;
    let locked: Arc<dyn Locked> = at.checked(locked).await?.into();
    let work = async {
        let lease = begin(host, &locked).await?;
        work(host, &lease).await
    };
    let outcome = interrupts.end_soon(work).await;
    released(&*locked, outcome).await
}
