//! Progress of a run: on a terminal one line an operation under way, elsewhere a line when something begins or ends.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io::{self, BufRead, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gosling_engine::{CallError, Events, Operation, Verb};
use gosling_providers::http::Notices;
use gosling_resource::Address;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use gosling_deploy::{Reporter, ago, minutes};

use super::Interrupts;
use crate::render::plain;
use crate::{Failure, Host, message, questions};

/// How often the elapsed times on a terminal are brought up to date.
const TICK: Duration = Duration::from_millis(200);

/// Makes a terminal cut lines at its edge.
const NO_WRAP: &str = "\x1b[?7l";
/// Makes a terminal wrap lines at its edge.
const WRAP: &str = "\x1b[?7h";

/// Hears what a run tells, and shows it while the run goes on.
#[derive(Default)]
pub(crate) struct Progress {
    heard: Mutex<VecDeque<Heard>>,
    something: Notify,
    /// What the calls themselves say: that they wait.
    notices: Notices,
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
    /// Something is waited for, so long at most.
    Waiting {
        wait: String,
        words: String,
        within: Duration,
    },
    /// It is waited for still: said where no line shows it.
    Still(String),
    /// It is waited for no longer.
    Waited(String),
    /// A message that belongs to the result.
    Noted(String),
    /// What the run did beside its plan.
    Done(String),
    /// Text for standard output, as it is.
    Text(String),
    /// Something is asked.
    Asked(Question),
}

/// A question of which only `yes` is a yes.
struct Question {
    words: String,
    answer: oneshot::Sender<bool>,
}

/// The answer to a question, and the input that it was read from.
struct Answer {
    input: Box<dyn BufRead + Send>,
    is_yes: bool,
    answer: oneshot::Sender<bool>,
}

/// What is on the screen.
#[derive(Default)]
struct Screen {
    /// What is under way.
    lines: BTreeMap<String, Line>,
    /// How many rows of it are drawn.
    rows: usize,
    /// What these rows say.
    drawn: String,
    /// What is to be asked.
    question: Option<Question>,
}

impl Screen {
    /// Whether an operation is under way, and not only a wait.
    fn works(&self) -> bool {
        self.lines.values().any(|line| line.within.is_none())
    }
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
        self.push(Heard::Skipped(format!("{address} skipped because of {because}")));
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

/// What becomes of work when somebody asks it to stop.
#[derive(Clone, Copy)]
enum OnStop {
    /// It hears of that and ends by itself.
    EndsItself,
    /// It only reads, and is dropped.
    IsDropped,
}

/// An operation under way.
struct Line {
    words: String,
    detail: String,
    began: Instant,
    /// How long it may take at most, where it is a wait.
    within: Option<Duration>,
}

impl Line {
    /// A line that begins now, of something that may take so long.
    fn new(words: String, within: Option<Duration>) -> Self {
        Self {
            words,
            detail: String::new(),
            began: Instant::now(),
            within,
        }
    }
}

impl Line {
    fn text(&self, elapsed: Duration) -> String {
        match self.within {
            Some(within) => format!("  {} ({} of {})", self.words, minutes(elapsed), minutes(within)),
            None => format!("  {} {} {}", self.words, ago(elapsed), self.detail),
        }
    }
}

impl Reporter for Progress {
    fn say(&self, message: String) {
        self.push(Heard::Said(plain(&message)));
    }

    fn note(&self, message: String) {
        self.push(Heard::Noted(message));
    }

    fn done(&self, message: String) {
        self.push(Heard::Done(message));
    }

    fn wait_began(&self, wait: &str, message: &str, within: Duration) {
        self.push(Heard::Waiting {
            wait: wait.to_owned(),
            words: plain(&message),
            within,
        });
    }

    fn still_waiting(&self, message: &str) {
        self.push(Heard::Still(plain(&message)));
    }

    fn wait_ended(&self, wait: &str) {
        self.push(Heard::Waited(wait.to_owned()));
    }
}

impl Progress {
    /// One that shows these notices too.
    pub(crate) fn of(notices: Notices) -> Self {
        Self {
            notices,
            ..Self::default()
        }
    }

    /// Text for standard output, in its place among the messages.
    pub(crate) fn print(&self, text: String) {
        if !text.is_empty() {
            self.push(Heard::Text(text));
        }
    }

    /// Asks whether to go on. Only `yes` is a yes.
    pub(crate) async fn ask(&self, words: String) -> bool {
        let (answer, answered) = oneshot::channel();
        self.push(Heard::Asked(Question { words, answer }));
        answered.await.unwrap_or(false)
    }

    fn push(&self, heard: Heard) {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(heard);
        self.something.notify_one();
    }

    /// Carries out `work` and shows what is heard meanwhile. With `interrupts`, the work hears them and ends by
    /// itself. Without, it only reads, and the first Ctrl-C or SIGTERM ends it.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] where work that only reads was stopped, and where nothing can be written.
    pub(crate) async fn show<T>(
        &self,
        host: &mut Host,
        interrupts: Option<&Interrupts>,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        match interrupts {
            Some(interrupts) => self.meanwhile(host, interrupts, OnStop::EndsItself, work).await,
            None => self.look(host, &Interrupts::heard()?, work).await,
        }
    }

    /// Carries out `work` that only reads, and shows what is heard meanwhile. It ends if anything is wished, and does
    /// not begin where something was.
    ///
    /// # Errors
    /// [`Failure::Interrupted`] where it was stopped, and where nothing can be written.
    pub(crate) async fn look<T>(
        &self,
        host: &mut Host,
        interrupts: &Interrupts,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        self.meanwhile(host, interrupts, OnStop::IsDropped, work).await
    }

    async fn meanwhile<T>(
        &self,
        host: &mut Host,
        interrupts: &Interrupts,
        on_stop: OnStop,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut screen = Screen::default();
        let mut reading: Option<JoinHandle<Answer>> = None;
        let mut ticks = tokio::time::interval(TICK);
        let mut stop = interrupts.requests();
        let mut work = std::pin::pin!(work);
        let mut announces = false;
        // A run goes on and gives its lock back although its terminal is closed; what only reads ends.
        let mut unwritten = Ok(());
        let result = loop {
            match on_stop {
                OnStop::EndsItself => {
                    announces = screen.works();
                    if announces && let Some(words) = interrupts.announcement() {
                        self.say(words.to_owned());
                    }
                }
                OnStop::IsDropped if interrupts.is_requested() => {
                    screen.lines.clear();
                    self.draw(host, &mut screen)?;
                    return Err(Failure::interrupted("stopped".to_owned()));
                }
                OnStop::IsDropped => {}
            }
            tokio::select! {
                result = &mut work => break result,
                () = self.something.notified() => {}
                () = self.notices.said() => {}
                _ = ticks.tick(), if host.draws() => {}
                Some(answer) = answered(&mut reading) => {
                    reading = None;
                    host.input = answer.input;
                    // Where nobody waits for it any more, the run was stopped.
                    let _ = answer.answer.send(answer.is_yes);
                }
                Ok(()) = stop.changed() => continue,
            }
            let mut written = self.draw(host, &mut screen);
            if let Some(question) = screen.question.take() {
                written = written.and_then(|()| questions::prompt(host, &question.words));
                // A question that nobody can read is not answered, which is a no.
                if written.is_ok() {
                    reading = Some(read_answer(host, question.answer));
                }
            }
            match on_stop {
                OnStop::EndsItself => unwritten = unwritten.and(written),
                OnStop::IsDropped => written?,
            }
        };
        unwritten?;
        // The last request may have ended the work before it was announced.
        if announces && let Some(words) = interrupts.announcement() {
            self.say(words.to_owned());
        }
        screen.lines.clear();
        self.draw(host, &mut screen)?;
        Ok(result)
    }

    /// Writes what was heard, then the lines of what is under way.
    fn draw(&self, host: &mut Host, screen: &mut Screen) -> io::Result<()> {
        for words in self.notices.take() {
            self.say(words);
        }
        let heard: Vec<Heard> = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.drain(..).collect()
        };
        let terminal = host.draws();
        let width = host.width();
        let lines = &mut screen.lines;
        if terminal && heard.is_empty() && screen.drawn == drawn(lines, width) {
            return Ok(());
        }
        if terminal && screen.rows > 0 {
            write!(host.err, "\x1b[{}A\x1b[J", screen.rows)?;
        }
        for heard in heard {
            let err = &mut host.err;
            match heard {
                Heard::Started { op, words } => {
                    if !terminal {
                        writeln!(err, "{words}")?;
                    }
                    lines.insert(op, Line::new(words, None));
                }
                Heard::Waiting { wait, words, within } => {
                    if !terminal {
                        writeln!(err, "{words}")?;
                    }
                    lines.insert(wait, Line::new(words, Some(within)));
                }
                Heard::Still(words) => {
                    if !terminal {
                        writeln!(err, "{words}")?;
                    }
                }
                Heard::Waited(wait) => {
                    lines.remove(&wait);
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
                Heard::Noted(message) => host.say(message)?,
                Heard::Done(message) => host.done(message)?,
                Heard::Text(text) => {
                    write!(host.out, "{text}")?;
                    host.out.flush()?;
                }
                Heard::Asked(question) => screen.question = Some(question),
                Heard::Skipped(words) | Heard::Said(words) => {
                    writeln!(err, "{}", message::painted(&words, host.asked.color))?;
                }
            }
        }
        if !terminal {
            return Ok(());
        }
        let err = &mut host.err;
        // A line that wrapped would take more rows than the next redraw goes up: it is cut, and where a character is
        // wider than one column the terminal does not wrap it.
        screen.drawn = drawn(lines, width);
        screen.rows = lines.len();
        if !lines.is_empty() {
            write!(err, "{NO_WRAP}{}{WRAP}", screen.drawn)?;
        }
        err.flush()
    }
}

/// The lines of what is under way, a row each.
fn drawn(lines: &BTreeMap<String, Line>, width: usize) -> String {
    let mut text = String::new();
    for line in lines.values() {
        let line = line.text(line.began.elapsed());
        text.extend(line.chars().take(width.saturating_sub(1)));
        text.push('\n');
    }
    text
}

/// Reads the answer to a question on a thread of its own, so that a signal is heard meanwhile.
fn read_answer(host: &mut Host, answer: oneshot::Sender<bool>) -> JoinHandle<Answer> {
    let mut input = std::mem::replace(&mut host.input, Box::new(io::empty()));
    tokio::task::spawn_blocking(move || {
        // Who cannot answer has not agreed.
        let is_yes = questions::is_yes(&mut *input).unwrap_or(false);
        Answer {
            input,
            is_yes,
            answer,
        }
    })
}

/// The answer, once it is there.
async fn answered(reading: &mut Option<JoinHandle<Answer>>) -> Option<Answer> {
    match reading {
        Some(reading) => reading.await.ok(),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Columns;

    #[derive(Clone, Default)]
    struct Terminal(Arc<Mutex<Vec<u8>>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_wait_says_how_long_it_has_taken_and_may_take() {
        let line = Line {
            words: "waiting for 1 machine to contact GitLab".to_owned(),
            detail: String::new(),
            began: Instant::now(),
            within: Some(Duration::from_secs(120)),
        };
        assert_eq!(
            line.text(Duration::from_secs(42)),
            "  waiting for 1 machine to contact GitLab (0:42 of 2:00)"
        );
    }

    fn host(terminal: &Terminal, variables: &[(&str, &str)]) -> Host {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Host {
            input: Box::new(io::empty()),
            out: Box::new(io::sink()),
            err: Box::new(terminal.clone()),
            interactive: true,
            out_is_terminal: true,
            err_is_terminal: true,
            terminal: None,
            asked: crate::Asked::default(),
            columns: Columns::Fixed(80),
            environment: gosling_deploy::Environment {
                variables: variables.collect(),
                ..gosling_deploy::Environment::default()
            },
        }
    }

    fn text(terminal: &Terminal) -> String {
        String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_has_not_changed_is_not_drawn_again() {
        let terminal = Terminal::default();
        let mut host = host(&terminal, &[]);
        let (progress, mut screen) = (Progress::default(), super::Screen::default());
        progress.draw(&mut host, &mut screen).unwrap();
        assert_eq!(text(&terminal), "");
        progress.wait_began("one", "waiting", Duration::from_secs(600));
        progress.draw(&mut host, &mut screen).unwrap();
        let once = text(&terminal);
        assert!(once.contains("waiting"), "{once:?}");
        // A line that says the same, whatever the time is.
        screen.lines.clear();
        screen.drawn = String::new();
        progress.draw(&mut host, &mut screen).unwrap();
        assert_eq!(text(&terminal), once);
    }

    #[test]
    fn a_dumb_terminal_gets_no_control_codes() {
        let terminal = Terminal::default();
        let mut host = host(&terminal, &[("TERM", "dumb")]);
        let (progress, mut screen) = (Progress::default(), super::Screen::default());
        progress.wait_began("one", "waiting", Duration::from_secs(600));
        progress.draw(&mut host, &mut screen).unwrap();
        assert_eq!(text(&terminal), "waiting\n");
    }

    #[test]
    fn a_line_under_way_takes_one_row_however_narrow_the_terminal_is() {
        let terminal = Terminal::default();
        let mut host = host(&terminal, &[]);
        let progress = Progress::default();
        let mut screen = super::Screen::default();
        progress.push(Heard::Started {
            op: "one".to_owned(),
            words: "egg.frontend-integration-tests-eu.vm[0] creating".to_owned(),
        });
        progress.push(Heard::Progress {
            op: "one".to_owned(),
            words: "cloning the template debian-12-cloud of pve1".to_owned(),
        });
        // The terminal is made narrower while the run goes on.
        for columns in [80, 44, 20] {
            host.columns = Columns::Fixed(columns);
            terminal.0.lock().unwrap().clear();
            progress.draw(&mut host, &mut screen).unwrap();
            let text = text(&terminal);
            let drawn = text.split(NO_WRAP).nth(1).unwrap().split(WRAP).next().unwrap();
            assert_eq!((screen.rows, drawn.lines().count()), (1, 1), "{text:?}");
            assert!(drawn.trim_end().chars().count() < columns, "{columns}: {drawn:?}");
        }
    }
}
