//! Problems as people, editors and CI want to see them.

mod alike;
pub mod excerpt;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod moved;
pub(crate) mod outcome;
mod place;
pub mod plan;
pub mod plan_json;
pub mod preflight;
mod remarks;
pub mod rollout;
pub mod sarif;
pub mod template;
mod unit;
pub mod value;
pub(crate) mod way_back;

use std::io::{self, Write};

use fly_syntax::{Problem, Severity, SourceFile, Span};

pub(crate) use excerpt::{MASK, plain};
pub use place::{Place, Places};
pub use unit::{Unit, unit};

/// How `validate` says what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: source excerpts with the place marked.
    Human,
    /// One JSON object for editors and scripts.
    Json,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// A GitLab Code Quality report.
    Gitlab,
    /// GitHub workflow commands, which become annotations.
    Github,
}

/// What was found in one Nest.
#[derive(Debug)]
pub struct Report<'a> {
    /// All files that were read; a file's id is its index.
    pub files: &'a [SourceFile],
    /// What is to be shown, in order.
    pub problems: Vec<&'a Problem>,
    /// Text that must not be seen: a secret's value where its place should stand.
    pub masks: &'a [Span],
    /// What of the Nest was asked about; `None` for all of it.
    pub part: Option<Part>,
    /// The way to the Nest from where a person looks: empty, or ending in `/`.
    pub from_folder: String,
    /// The way to the Nest from the root of its repository: empty, or ending in `/`.
    pub from_repository: String,
}

/// The files and folders of a Nest that were asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Their paths, from the Nest's root.
    pub paths: Vec<String>,
    /// Errors of the Nest that do not touch them, and are not shown.
    pub errors_elsewhere: usize,
}

/// Problems that are shown, in every format; the rest is counted. Nobody reads more, and a file of nonsense may have
/// one in every other byte.
pub const SHOWN: usize = 1000;

impl Report<'_> {
    /// The problems that are shown, where so many may be still; takes them off.
    fn shown<'r>(&'r self, left: &mut usize) -> impl Iterator<Item = &'r Problem> + use<'r> {
        let count = self.problems.len().min(*left);
        *left -= count;
        self.problems.iter().take(count).copied()
    }

    /// How many of the problems have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.severity() == severity)
            .count()
    }
}

/// How output for people looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Colours, by ANSI escapes.
    pub color: bool,
    /// Line-drawing characters beyond ASCII.
    pub unicode: bool,
    /// Columns to wrap at.
    pub width: usize,
}

impl Look {
    /// Neither colour nor drawing: for pipes and tests.
    pub const PLAIN: Self = Self {
        color: false,
        unicode: false,
        width: 100,
    };
}

/// Numbers over all reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Problems that stop the Nest from being used.
    pub errors: usize,
    /// Lints.
    pub warnings: usize,
    /// Files that were checked.
    pub files: usize,
    /// Problems beyond those that are shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_shown: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Summary {
    /// Over all `reports`.
    #[must_use]
    pub fn of(reports: &[Report]) -> Self {
        Self {
            errors: reports.iter().map(|report| report.count(Severity::Error)).sum(),
            warnings: reports.iter().map(|report| report.count(Severity::Warning)).sum(),
            files: reports.iter().map(|report| report.files.len()).sum(),
            not_shown: reports
                .iter()
                .map(|report| report.problems.len())
                .sum::<usize>()
                .saturating_sub(SHOWN),
        }
    }
}

/// Writes `reports` in `format`.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(format: Format, reports: &[Report], look: Look, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::write(reports, look, out),
        Format::Json => json::write(reports, out),
        Format::Sarif => sarif::write(reports, out),
        Format::Gitlab => gitlab::write(reports, out),
        Format::Github => github::write(reports, out),
    }
}

/// How to read more about the first kinds of problems.
#[must_use]
pub fn more(reports: &[Report]) -> Option<String> {
    let mut codes: Vec<&str> = Vec::new();
    for problem in reports.iter().flat_map(|report| &report.problems) {
        if !codes.contains(&problem.kind.code) {
            codes.push(problem.kind.code);
        }
        if codes.len() > SHOWN_CODES {
            break;
        }
    }
    let rest = if codes.len() > SHOWN_CODES { ", ..." } else { "" };
    let commands = codes.iter().take(SHOWN_CODES);
    let commands: Vec<String> = commands.map(|code| format!("`gosling explain {code}`")).collect();
    (!commands.is_empty()).then(|| format!("help: {}{rest}", commands.join(", ")))
}

/// Kinds of problems of which it is said how to read more.
const SHOWN_CODES: usize = 3;

/// A JSON value as text, an entry a line.
pub(crate) fn json_text(value: &serde_json::Value) -> String {
    harmless_json(&format!("{value:#}"))
}

/// `9000 problems more, not shown here`
pub(crate) fn not_shown(count: usize) -> String {
    format!(
        "{} more, not shown here: {SHOWN} are the most",
        counted(count, "problem")
    )
}

/// JSON in which no character turns text around, hides itself or is obeyed by a terminal: such stand as escapes, which
/// mean the same.
pub(crate) fn harmless_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && crate::fly_text::is_unseen(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// The word for a severity, as the machine formats write it.
pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

pub(crate) use gosling_deploy::counted;

#[cfg(test)]
mod tests;
