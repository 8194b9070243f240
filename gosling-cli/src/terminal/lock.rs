//! The command line's side of a state's lock: Ctrl-C, and what is said while it is waited for.

use std::sync::Arc;

use gosling_deploy::{StateLocation, released};
use gosling_engine::Lease;
use gosling_engine::store::{Holder, Locked};

use super::Interrupts;
use crate::{Failure, Host};

/// Begins to work under a lock, once nobody from whom it was taken can still send anything.
pub(crate) async fn begin(host: &mut Host, locked: &Arc<dyn Locked>) -> Result<Lease, Failure> {
    let mut said = Ok(());
    let begun = gosling_deploy::begin(locked, |message| said = host.say(message)).await;
    said?;
    Ok(begun?)
}

/// Work under a lock that Ctrl-C may end anywhere. It is heard from before the lock is taken, which it never leaves behind.
pub(crate) async fn under_lock<T>(
    host: &mut Host,
    at: &StateLocation,
    who: &Holder,
    work: impl AsyncFnOnce(&mut Host, &Lease) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let interrupts = Interrupts::heard()?;
    let locked = at.lock(who).await?;
    let locked: Arc<dyn Locked> = at.checked(locked).await?.into();
    let work = async {
        let lease = begin(host, &locked).await?;
        work(host, &lease).await
    };
    let outcome = interrupts.end_soon(work).await;
    released(&*locked, outcome).await
}
