//! Ctrl-C and SIGTERM: the first asks to stop soon, the second at once, the third ends the process as it is.

use std::io;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use gosling_deploy::StopSignal;
use gosling_engine::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Exit;

/// Hears signals from when it is made until it is dropped, whatever is under way: none ends the process by itself, so
/// that a lock can be given back, and none is lost between two pieces of work.
pub(crate) struct Interrupts {
    signal: StopSignal,
    /// The last request that was announced.
    announced: Mutex<Stop>,
    listener: JoinHandle<()>,
}

impl Interrupts {
    /// Begins to hear, on the runtime that this is called on.
    pub(crate) fn heard() -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let (requests, signal) = watch::channel(Stop::No);
        let listener = tokio::spawn(async move {
            for stop in [Stop::Soon, Stop::Now] {
                signals.next().await;
                requests.send_replace(stop);
            }
            signals.next().await;
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
        Ok(Self {
            signal: StopSignal::new(signal),
            announced: Mutex::default(),
            listener,
        })
    }

    /// What to say of a new request, once.
    pub(super) fn announcement(&self) -> Option<&'static str> {
        let stop = *self.signal.requests().borrow();
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = stop > *announced;
        *announced = stop;
        match stop {
            Stop::Soon if fresh => {
                Some("stopping: running operations may finish; interrupt again to stop immediately")
            }
            Stop::Now if fresh => Some("stopping immediately; the next run recovers open operations"),
            _ => None,
        }
    }
}

impl Deref for Interrupts {
    type Target = StopSignal;

    fn deref(&self) -> &StopSignal {
        &self.signal
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
