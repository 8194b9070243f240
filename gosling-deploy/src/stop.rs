//! A request to stop, as work hears it.

use std::time::Duration;

use gosling_engine::Stop;
use tokio::sync::watch;

use crate::failure::Failure;

/// How long work that is to stop at once may take to write down what it knows.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Hears whether somebody asked a run to stop: soon, or at once.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<Stop>);

impl StopSignal {
    /// Hears what this channel says.
    #[must_use]
    pub fn new(requests: watch::Receiver<Stop>) -> Self {
        Self(requests)
    }

    /// For work that polls the requests itself.
    #[must_use]
    pub fn requests(&self) -> watch::Receiver<Stop> {
        self.0.clone()
    }

    /// Returns true if a stop was requested, soon or at once.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() != Stop::No
    }

    /// Ends when this or more is requested; never where nobody can request it any more.
    pub async fn until(&self, least: Stop) {
        if self.requests().wait_for(|stop| *stop >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Work that may end anywhere: the first request ends it.
    ///
    /// # Errors
    /// [`Failure::Interrupted`], or what the work itself failed with.
    pub async fn end_soon<T, E: From<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            outcome = work => outcome,
            () = self.until(Stop::Soon) => Err(Failure::Interrupted("stopped".to_owned()).into()),
        }
    }

    /// Work that polls the requests itself but may be blocked on a service: it is abandoned some seconds after the
    /// request to stop at once, and the next run recovers what it left.
    ///
    /// # Errors
    /// As [`StopSignal::end_soon`].
    pub async fn end_now<T, E: From<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let overdue = async {
            self.until(Stop::Now).await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            outcome = work => outcome,
            () = overdue => Err(Failure::Interrupted(
                "stopped immediately; the next run recovers open operations".to_owned(),
            ).into()),
        }
    }
}
