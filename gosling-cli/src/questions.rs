//! Answers: from options where they are given, from a person where one is there, else from defaults.

use std::io::{self, BufRead, Write};

use fly_domain::Malformed;

use crate::render::MASK;
use crate::{Failure, Host};

/// Collects answers one by one, and what is missing where nobody can be asked.
pub(crate) struct Questions<'h> {
    host: &'h mut Host,
    /// Whether defaults are taken without asking.
    silent: bool,
    missing: Vec<&'static str>,
}

/// One question.
pub(crate) struct Question<'a> {
    /// The option that answers it: `--cpu`.
    pub(crate) option: &'static str,
    /// The words for a person.
    pub(crate) words: &'a str,
    /// What the option says.
    pub(crate) given: Option<String>,
    /// What holds where there is no other answer.
    pub(crate) default: Option<&'a str>,
    /// Whether somebody may answer with a secret by mistake, so that no answer is said back.
    pub(crate) secret: bool,
}

impl Question<'_> {
    /// Why an option's answer is not taken.
    fn refusal(&self, answer: &str, why: &str) -> Failure {
        let answer = if self.secret { MASK } else { answer };
        Failure::wrong_use(format!("{} {answer}: {why}", self.option))
    }
}

/// Asks whether to go on. Only `yes` is a yes.
pub(crate) fn agreed(host: &mut Host, words: &str) -> Result<bool, Failure> {
    prompt(host, words)?;
    Ok(is_yes(&mut *host.input)?)
}

/// Shows a question of which only `yes` is a yes.
pub(crate) fn prompt(host: &mut Host, words: &str) -> io::Result<()> {
    host.out.flush()?;
    let prompt = host.prompt();
    write!(prompt, "\n{words} Type `yes` to continue: ")?;
    prompt.flush()
}

/// Reads the answer to such a question.
pub(crate) fn is_yes(input: &mut dyn BufRead) -> io::Result<bool> {
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Why an answer is not taken; the text is for the one who gave it.
pub(crate) type Refused = String;

impl<'h> Questions<'h> {
    /// Asks on `host`, where somebody is there and `silent` is not wished.
    pub(crate) fn new(host: &'h mut Host, silent: bool) -> Self {
        Self {
            host,
            silent,
            missing: Vec::new(),
        }
    }

    /// Whether somebody is there and may be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.host.interactive && !self.silent
    }

    /// The answer to a question as `read` understands it; `None` where it is missing, which [`Self::finish`] reports.
    pub(crate) fn ask<T>(
        &mut self,
        question: Question,
        read: impl Fn(&str) -> Result<T, Refused>,
    ) -> Result<Option<T>, Failure> {
        if let Some(given) = &question.given {
            let answer = read(given).map_err(|why| question.refusal(given, &why))?;
            return Ok(Some(answer));
        }
        if self.can_ask() {
            return self.prompt(&question, read).map(Some);
        }
        match question.default {
            Some(default) => read(default)
                .map(Some)
                .map_err(|why| question.refusal(default, &why)),
            None => {
                self.missing.push(question.option);
                Ok(None)
            }
        }
    }

    fn prompt<T>(
        &mut self,
        question: &Question,
        read: impl Fn(&str) -> Result<T, Refused>,
    ) -> Result<T, Failure> {
        loop {
            let prompt = self.host.prompt();
            match question.default {
                Some(default) => write!(prompt, "{} [{default}]: ", question.words)?,
                None => write!(prompt, "{}: ", question.words)?,
            }
            prompt.flush()?;
            let mut line = String::new();
            if self.host.input.read_line(&mut line)? == 0 {
                writeln!(self.host.prompt())?;
                return Err(Failure::wrong_use("no answer; nothing was written")
                    .hint(format!("{} answers it too", question.option)));
            }
            let answer = match (line.trim(), question.default) {
                ("", Some(default)) => default,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(answer) => return Ok(answer),
                Err(why) => writeln!(self.host.prompt(), "  {why}")?,
            }
        }
    }

    /// Ends the questions.
    ///
    /// # Errors
    /// Wrong use, where answers are missing; all of them are named.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.missing.is_empty() {
            return Ok(());
        }
        Err(
            Failure::wrong_use(format!("missing: {}", self.missing.join(", ")))
                .hint("give them as options; on a terminal, gosling asks for what is missing"),
        )
    }
}

/// A label: what may name an egg, a job, a repository.
pub(crate) fn label(text: &str) -> Result<String, Refused> {
    let mut characters = text.chars();
    let starts = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    if starts && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '-' | '_')) {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, `-` and `_`, and starts with a letter or a digit".to_owned())
    }
}

/// A whole number of at least 1.
pub(crate) fn number(text: &str) -> Result<u64, Refused> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "a whole number of at least 1 is wanted".to_owned())
}

/// Any text that is not empty.
pub(crate) fn text(text: &str) -> Result<String, Refused> {
    if text.trim().is_empty() {
        Err("something is wanted here".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// A text separated by commas.
pub(crate) fn list(text: &str) -> Result<Vec<String>, Refused> {
    let mut items: Vec<String> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        if !items.iter().any(|seen| seen == item) {
            items.push(item.to_owned());
        }
    }
    if items.is_empty() {
        Err("at least one is wanted; several are separated by commas".to_owned())
    } else {
        Ok(items)
    }
}

/// One of these words.
pub(crate) fn one_of<'w>(words: &'w [&'w str]) -> impl Fn(&str) -> Result<String, Refused> + 'w {
    move |text| {
        if words.contains(&text) {
            Ok(text.to_owned())
        } else {
            Err(format!("one of {} is wanted", words.join(", ")))
        }
    }
}

/// The words of a domain type for a text that is not of its form.
pub(crate) fn refused(malformed: Malformed) -> Refused {
    match malformed.suggestion {
        Some(suggestion) => format!("{}; did you mean {suggestion}?", malformed.reason),
        None => malformed.reason,
    }
}
