//! The command line's side of a state's lock: Ctrl-C, and what is said while it is waited for.

use std::sync::Arc;
use std::time::Duration;

use gosling_deploy::{Environment, StateLocation, released};
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

/// Takes the lock; `patience`: how long to wait for its present holder.
pub(crate) async fn lock_within(
    host: &mut Host,
    at: &StateLocation,
    command: &str,
    patience: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<Box<dyn Locked>, Failure> {
    let environment: Environment = host.environment.clone();
    let holder = || gosling_deploy::holder(&environment, command);
    let mut said = Ok(());
    let locked = at
        .lock_within(holder, patience, interrupts, |message| {
            if said.is_ok() {
                said = host.say(message);
            }
        })
        .await?;
    match said {
        Ok(()) => Ok(locked),
        Err(error) => released(&*locked, Err(error.into())).await,
    }
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
