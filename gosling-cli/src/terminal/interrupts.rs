//! Ctrl-C, SIGTERM and a terminal that is closed: the first asks to stop soon, the second at once, the third ends the process as it is.

use std::io;
use std::ops::Deref;
use std::sync::{Mutex, OnceLock, PoisonError};

use gosling_deploy::StopSignal;
use gosling_engine::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Exit, runtime};
use crate::Failure;

/// Hears signals from when it is made until it is dropped, whatever is under way: none ends the process by itself, so
/// that a lock can be given back, and none is lost between two pieces of work.
pub(crate) struct Interrupts {
    signal: StopSignal,
    /// The last request that was announced.
    announced: Mutex<Stop>,
    listener: JoinHandle<()>,
}

impl Interrupts {
    /// Begins to hear.
    pub(crate) fn heard() -> Result<Self, Failure> {
        let _runtime = runtime()?.enter();
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

/// Waits for Ctrl-C, SIGTERM or the end of the terminal.
pub(crate) async fn stopped() -> io::Result<()> {
    Signals::new()?.next().await;
    Ok(())
}

/// Ctrl-C, SIGTERM and SIGHUP.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None where whoever started the process has it ignored, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: match ignores_hangup() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether the process was started with SIGHUP ignored. Asked once, for hearing it ends that.
fn ignores_hangup() -> bool {
    static IGNORES: OnceLock<bool> = OnceLock::new();
    *IGNORES.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 == 1)
    })
}
