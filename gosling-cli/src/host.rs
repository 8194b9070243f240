//! What a command may touch of the world around it: streams, environment, current folder.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use gosling_deploy::Environment;

use crate::message;

/// The number of the form of all JSON that commands print; docs/json.md describes it.
pub const JSON_FORMAT: u64 = 1;

/// The world around a command. Tests make their own; [`Host::process`] is the real one.
pub struct Host {
    /// Answers, or the text for `fmt --stdin`.
    pub input: Box<dyn BufRead + Send>,
    /// Data, and what a command did: what a pipe or a log should get.
    pub out: Box<dyn Write>,
    /// Talk: progress, notes, warnings, errors and questions.
    pub err: Box<dyn Write>,
    /// Whether someone is there to answer questions.
    pub interactive: bool,
    /// Whether `out` is a terminal.
    pub out_is_terminal: bool,
    /// Whether `err` is a terminal.
    pub err_is_terminal: bool,
    /// Where questions are shown when `err` is not a terminal but a person is at the keyboard:
    /// `gosling apply 2>&1 | tee log`.
    pub terminal: Option<Box<dyn Write>>,
    /// How wide the terminal is; only terminals are wrapped to it.
    pub columns: Columns,
    /// Its variables and the current folder.
    pub environment: Environment,
    /// What the options that every command has say.
    pub asked: Asked,
}

/// What the options that every command has say: `-C`, `--json`, `--color`, `-v`.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The Nest's folder, or one in it; none means the current folder.
    pub nest: Option<PathBuf>,
    /// Whether standard output is one JSON document.
    pub json: bool,
    /// Whether messages on standard error are coloured.
    pub color: bool,
    /// Whether calls are logged on standard error: then nothing is drawn over.
    pub log: bool,
    /// The messages so far, where they will be part of the document.
    pub said: Vec<String>,
}

/// How wide the terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// As wide as the terminal is at this moment, which a person may resize. Where it does not say: so many columns.
    Now(usize),
    /// Always so many.
    Fixed(usize),
}

impl Columns {
    /// The width where neither the terminal nor COLUMNS gives one.
    const UNKNOWN: usize = 80;

    /// The width at this moment.
    #[must_use]
    pub fn get(self) -> usize {
        match self {
            Self::Now(fallback) => {
                terminal_size::terminal_size().map_or(fallback, |(width, _)| usize::from(width.0))
            }
            Self::Fixed(width) => width,
        }
    }
}

impl Host {
    /// The world of this process.
    #[must_use]
    pub fn process() -> Self {
        let input_is_terminal = io::stdin().is_terminal();
        let err_is_terminal = io::stderr().is_terminal();
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let columns = variables
            .get("COLUMNS")
            .and_then(|columns| columns.parse().ok())
            .filter(|columns| *columns > 0);
        let terminal = match (input_is_terminal, err_is_terminal) {
            (true, false) => std::fs::OpenOptions::new().write(true).open("/dev/tty").ok(),
            _ => None,
        };
        Self {
            input: Box::new(io::BufReader::new(io::stdin())),
            out: Box::new(BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            interactive: input_is_terminal && (err_is_terminal || terminal.is_some()),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal,
            terminal: terminal.map(|terminal| Box::new(terminal) as Box<dyn Write>),
            columns: Columns::Now(columns.unwrap_or(Columns::UNKNOWN)),
            environment: Environment {
                variables,
                folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            },
            asked: Asked::default(),
        }
    }

    /// Whether lines on standard error may be drawn over: on a terminal that knows how, where nothing is logged.
    pub(crate) fn draws(&self) -> bool {
        let is_dumb = self
            .environment
            .variables
            .get("TERM")
            .is_some_and(|term| term == "dumb");
        self.err_is_terminal && !self.asked.log && !is_dumb
    }

    /// Tells a person something, behind the data that was written so far.
    ///
    /// # Errors
    /// Where a stream cannot be written.
    pub fn say(&mut self, words: impl std::fmt::Display) -> io::Result<()> {
        self.out.flush()?;
        let words = crate::render::plain(&words);
        writeln!(self.err, "{}", message::painted(&words, self.asked.color))?;
        if self.asked.json {
            self.asked.said.push(words);
        }
        Ok(())
    }

    /// Says what a command did: on standard output, so that `| tee log` keeps it. With `--json` it is a message, as
    /// standard output is one document then.
    ///
    /// # Errors
    /// Where a stream cannot be written.
    pub fn done(&mut self, words: impl std::fmt::Display) -> io::Result<()> {
        if self.asked.json {
            return self.say(words);
        }
        writeln!(self.out, "{}", crate::render::plain(&words))
    }

    /// Writes the one JSON document of a command: `value`, an object, with the number of this form in `format`.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn document(&mut self, mut value: serde_json::Value) -> io::Result<()> {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("format".to_owned(), JSON_FORMAT.into());
        }
        writeln!(self.out, "{}", crate::render::json_text(&value))
    }

    /// The folder in which, or above which, the Nest is looked for.
    #[must_use]
    pub fn nest(&self) -> PathBuf {
        self.asked
            .nest
            .as_ref()
            .map_or_else(|| self.environment.folder.clone(), |nest| self.path(nest))
    }

    /// The terminal's width in columns at this moment.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.get()
    }

    /// Where a person sees a question.
    pub fn prompt(&mut self) -> &mut dyn Write {
        match &mut self.terminal {
            Some(terminal) => terminal,
            None => &mut self.err,
        }
    }

    /// The path from the current folder.
    #[must_use]
    pub fn path(&self, path: impl AsRef<std::path::Path>) -> PathBuf {
        self.environment.path(path)
    }

    /// Whether the environment says that terminals show more than ASCII.
    #[must_use]
    pub fn unicode(&self) -> bool {
        let variables = ["LC_ALL", "LC_CTYPE", "LANG"];
        let mut values = variables
            .iter()
            .filter_map(|name| self.environment.variables.get(*name));
        values
            .find(|value| !value.is_empty())
            .is_some_and(|value| value.to_lowercase().contains("utf"))
    }

    /// Whether a stream gets colour where nobody says so on the command line: a terminal does, and anything where
    /// CLICOLOR_FORCE or FORCE_COLOR is set. NO_COLOR, CLICOLOR=0 and TERM=dumb forbid it.
    #[must_use]
    pub fn color(&self, terminal: bool) -> bool {
        let value = |name: &str| self.environment.variables.get(name).map(String::as_str);
        let forced = |name: &str| value(name).is_some_and(|value| !matches!(value, "" | "0" | "false"));
        if self.no_color() {
            return false;
        }
        if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") {
            return true;
        }
        terminal && value("CLICOLOR") != Some("0") && value("TERM") != Some("dumb")
    }

    /// Whether NO_COLOR forbids colour, whatever else asks for it.
    #[must_use]
    pub fn no_color(&self) -> bool {
        self.environment
            .variables
            .get("NO_COLOR")
            .is_some_and(|value| !value.is_empty())
    }
}
