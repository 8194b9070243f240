//! Ctrl-C and SIGTERM: the first asks to stop soon, the second at once, the third ends the process as it is.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gosling_engine::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Failure;
use crate::commands::Exit;

/// How long what is to stop at once may take to write down what it knows.
const HURRY: Duration = Duration::from_secs(10);

/// Hears signals from when it is made until it is dropped, whatever is under way: none ends the process by itself, so
/// that a lock can be given back, and none is lost between two pieces of work.
pub(crate) struct Interrupts {
    wish: Arc<watch::Sender<Stop>>,
    /// What was told to whoever waits.
    told: Mutex<Stop>,
    listener: JoinHandle<()>,
}

impl Interrupts {
    /// Begins to hear, on the runtime that this is called on.
    pub(crate) fn heard() -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let wish = Arc::new(watch::Sender::new(Stop::No));
        let heard = Arc::clone(&wish);
        let listener = tokio::spawn(async move {
            for wish in [Stop::Soon, Stop::Now] {
                signals.next().await;
                heard.send_replace(wish);
            }
            signals.next().await;
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
        Ok(Self {
            wish,
            told: Mutex::default(),
            listener,
        })
    }

    /// What was wished, for work that is told and ends by itself.
    pub(crate) fn wish(&self) -> watch::Receiver<Stop> {
        self.wish.subscribe()
    }

    /// Whether anything was wished.
    pub(crate) fn wished(&self) -> bool {
        *self.wish.borrow() != Stop::No
    }

    /// What to tell of a wish, once.
    pub(super) fn news(&self) -> Option<&'static str> {
        let wish = *self.wish.borrow();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = wish > *told;
        *told = wish;
        match wish {
            Stop::Soon if fresh => {
                Some("stopping: running operations may finish; interrupt again to stop immediately")
            }
            Stop::Now if fresh => Some("stopping immediately; the next run recovers open operations"),
            _ => None,
        }
    }

    /// Ends when this or more is wished.
    pub(super) async fn until(&self, least: Stop) {
        // The sender is here as long as this is.
        let _ = self.wish().wait_for(|wish| *wish >= least).await;
    }

    /// Work that may end anywhere: the first signal ends it.
    pub(crate) async fn end_soon<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            outcome = work => outcome,
            () = self.until(Stop::Soon) => Err(Failure::Interrupted("stopped".to_owned())),
        }
    }

    /// Work that looks itself at what is wished, and for which a service may let it wait: what it is not done with
    /// soon after the second signal is left to the next run.
    pub(crate) async fn end_now<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let overdue = async {
            self.until(Stop::Now).await;
            tokio::time::sleep(HURRY).await;
        };
        tokio::select! {
            outcome = work => outcome,
            () = overdue => Err(Failure::Interrupted("stopped immediately; the next run recovers open operations".to_owned())),
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn stopped() -> io::Result<()> {
    Signals::new()?.next().await;
    Ok(())
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
