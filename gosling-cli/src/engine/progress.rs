//! Progress of a run: on a terminal one line an operation under way, elsewhere a line when something begins or ends.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gosling_engine::{CallError, Events, Operation, Stop, Verb};
use gosling_resource::Address;
use tokio::sync::{Notify, watch};

use super::ago;
use crate::render::plain;
use crate::{Failure, Host};

/// How often the elapsed times on a terminal are brought up to date.
const TICK: Duration = Duration::from_millis(200);

/// Hears what a run tells, and shows it while the run goes on.
#[derive(Default)]
pub(crate) struct Progress {
    heard: Mutex<VecDeque<Heard>>,
    something: Notify,
}

/// What was heard, ready to be shown.
enum Heard {
    Started {
        op: String,
        words: String,
    },
    Progress {
        op: String,
        words: String,
    },
    Ended {
        op: String,
        words: String,
        outcome: Ended,
    },
    Skipped(String),
    Said(String),
}

enum Ended {
    Done,
    Failed(String),
    Unknown(String),
}

impl Events for Progress {
    fn started(&self, operation: &Operation) {
        let words = format!("{} {}", operation.address, doing(operation));
        self.push(Heard::Started {
            op: operation.op.clone(),
            words,
        });
    }

    fn progress(&self, op: &str, words: &str) {
        self.push(Heard::Progress {
            op: op.to_owned(),
            // It has one line of its own.
            words: plain(&words).replace('\n', " "),
        });
    }

    fn ended(&self, operation: &Operation, outcome: &Result<(), CallError>) {
        let outcome = match outcome {
            Ok(()) => Ended::Done,
            Err(error @ CallError::Failed { .. }) => Ended::Failed(plain(error)),
            Err(error @ CallError::Unknown { .. }) => Ended::Unknown(plain(error)),
        };
        self.push(Heard::Ended {
            op: operation.op.clone(),
            words: format!("{} {}", operation.address, done(operation.verb)),
            outcome,
        });
    }

    fn skipped(&self, address: &Address, because: &str) {
        self.push(Heard::Skipped(format!(
            "{address} left alone: it needs {because}"
        )));
    }
}

fn doing(operation: &Operation) -> &'static str {
    match (operation.verb, operation.again) {
        (_, true) => "looking for what an earlier run left",
        (Verb::Create, false) => "creating",
        (Verb::Update, false) => "changing",
        (Verb::Delete, false) => "deleting",
    }
}

fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created",
        Verb::Update => "changed",
        Verb::Delete => "deleted",
    }
}

/// An operation under way.
struct Line {
    words: String,
    detail: String,
    began: Instant,
}

impl Progress {
    fn push(&self, heard: Heard) {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(heard);
        self.something.notify_one();
    }

    /// A line for people, in its place among the others.
    pub(crate) fn say(&self, words: impl Into<String>) {
        self.push(Heard::Said(plain(&words.into())));
    }

    /// Carries out `work` and shows what is heard meanwhile. Ctrl-C and SIGTERM are passed on by `stop`: the first asks
    /// to stop soon, the second at once. Without `stop` the work only reads, and the first of them ends it.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] where work that only reads was stopped, and where nothing can be written.
    pub(crate) async fn show<T>(
        &self,
        host: &mut Host,
        stop: Option<&watch::Sender<Stop>>,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut lines: BTreeMap<String, Line> = BTreeMap::new();
        let mut shown = 0;
        let mut ticks = tokio::time::interval(TICK);
        let mut signals = Signals::new()?;
        let mut work = std::pin::pin!(work);
        let mut stops = 0;
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                () = self.something.notified() => {}
                _ = ticks.tick(), if host.err_is_terminal => {}
                () = signals.next() => {
                    let Some(stop) = stop else {
                        lines.clear();
                        self.draw(host, &mut lines, shown)?;
                        return Err(Failure::Interrupted("stopped".to_owned()));
                    };
                    stops += 1;
                    let (wish, words) = if stops == 1 {
                        (Stop::Soon, "stopping: what is under way may end; once more stops at once")
                    } else {
                        (Stop::Now, "stopping at once; what is open is settled by the next run")
                    };
                    self.say(words);
                    stop.send_replace(wish);
                }
            }
            shown = self.draw(host, &mut lines, shown)?;
        };
        lines.clear();
        self.draw(host, &mut lines, shown)?;
        Ok(result)
    }

    /// Writes what was heard, then the lines of what is under way. Returns how many of the latter there are.
    fn draw(&self, host: &mut Host, lines: &mut BTreeMap<String, Line>, shown: usize) -> io::Result<usize> {
        let heard: Vec<Heard> = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.drain(..).collect()
        };
        let terminal = host.err_is_terminal;
        let width = host.width;
        let err = &mut host.err;
        if terminal && shown > 0 {
            write!(err, "\x1b[{shown}A\x1b[J")?;
        }
        for heard in heard {
            match heard {
                Heard::Started { op, words } => {
                    if !terminal {
                        writeln!(err, "{words}")?;
                    }
                    let line = Line {
                        words,
                        detail: String::new(),
                        began: Instant::now(),
                    };
                    lines.insert(op, line);
                }
                Heard::Progress { op, words } => {
                    if let Some(line) = lines.get_mut(&op) {
                        line.detail = words;
                    }
                }
                Heard::Ended { op, words, outcome } => {
                    let took = lines
                        .remove(&op)
                        .map(|line| line.began.elapsed())
                        .unwrap_or_default();
                    match outcome {
                        Ended::Done => writeln!(err, "{words} ({})", ago(took))?,
                        Ended::Failed(why) => writeln!(err, "{words}: no: {why}")?,
                        Ended::Unknown(why) => writeln!(err, "{words}: not known: {why}")?,
                    }
                }
                Heard::Skipped(words) | Heard::Said(words) => writeln!(err, "{words}")?,
            }
        }
        if !terminal {
            return Ok(0);
        }
        for line in lines.values() {
            let text = format!("  {} {} {}", line.words, ago(line.began.elapsed()), line.detail);
            let text: String = text.chars().take(width.saturating_sub(1)).collect();
            writeln!(err, "{text}")?;
        }
        err.flush()?;
        Ok(lines.len())
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn stopped() -> io::Result<()> {
    Signals::new()?.next().await;
    Ok(())
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
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
