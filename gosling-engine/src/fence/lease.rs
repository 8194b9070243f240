//! The lease of a lock: how long its holder may rely on having confirmed it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex as AsyncMutex;

use super::{Clock, Fence, NotConfirmed};
use crate::store::{Displaced, Locked, StoreError};

/// How long a holder relies on its last confirmation where the lock does not say otherwise. Whoever takes the lock over
/// waits as long.
pub const LEASE: Duration = Duration::from_secs(10);

/// How often the store is asked whose confirmations take longer than a lease.
const ATTEMPTS: usize = 3;

/// A lock that is held, and when that was last confirmed.
pub struct Lease {
    locked: Arc<dyn Locked>,
    clock: Arc<dyn Clock>,
    /// When the last successful confirmation was asked for.
    confirmed: AsyncMutex<Option<Duration>>,
    lost: Mutex<Option<NotConfirmed>>,
}

impl Lease {
    /// Begins to work under a lock. Holders from whom it was taken may rely on their leases a little longer, unless it is
    /// certain that they are dead: those are waited for first. `told` hears for whom.
    ///
    /// # Errors
    /// [`StoreError`] where the store cannot be read or written; the lock is still held then.
    pub async fn begin(
        locked: Arc<dyn Locked>,
        clock: Arc<dyn Clock>,
        told: impl FnOnce(&Displaced),
    ) -> Result<Self, StoreError> {
        let displaced = locked.displaced().await;
        let longest = displaced
            .iter()
            .filter(|displaced| !displaced.is_dead())
            .max_by_key(|displaced| displaced.lease);
        if let Some(longest) = longest {
            told(longest);
            clock.sleep(longest.lease).await;
        }
        if !displaced.is_empty() {
            locked.forget_displaced().await?;
        }
        Ok(Self {
            locked,
            clock,
            confirmed: AsyncMutex::new(None),
            lost: Mutex::default(),
        })
    }

    /// The lock.
    #[must_use]
    pub fn locked(&self) -> &Arc<dyn Locked> {
        &self.locked
    }

    fn lose(&self, why: NotConfirmed) -> NotConfirmed {
        if matches!(why, NotConfirmed::TakenOver(_)) {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        }
        why
    }
}

#[async_trait]
impl Fence for Lease {
    async fn confirm(&self) -> Result<(), NotConfirmed> {
        if let Some(why) = self.lost() {
            return Err(why);
        }
        // Calls that are ready at the same time share one confirmation.
        let mut confirmed = self.confirmed.lock().await;
        let lease = self.locked.lease();
        let is_fresh = |since: Duration| self.clock.now().saturating_sub(since) < lease;
        for _ in 0..ATTEMPTS {
            if confirmed.is_some_and(is_fresh) {
                return Ok(());
            }
            // The answer is as old as the question, however late it comes.
            let asked = self.clock.now();
            self.locked
                .confirm()
                .await
                .map_err(|error| self.lose(error.into()))?;
            *confirmed = Some(asked);
        }
        if confirmed.is_some_and(is_fresh) {
            return Ok(());
        }
        Err(NotConfirmed::Unknown(format!(
            "its answers take longer than the {} s of a lease",
            lease.as_secs_f32()
        )))
    }

    fn lost(&self) -> Option<NotConfirmed> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
