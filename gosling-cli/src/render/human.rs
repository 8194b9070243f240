//! Problems for people, drawn by miette.

use std::fmt;
use std::io::{self, Write};

use fly_syntax::{Problem, Severity, Span};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles,
};

use super::excerpt::{Excerpt, printable};
use super::{Look, Part, Places, Report, SHOWN, Summary, counted, not_shown};

/// Paths that the last line names; more are counted.
const NAMED: usize = 3;
/// Places of one problem that are drawn; the rest is counted.
const LABELS: usize = 12;

/// Writes the first [`SHOWN`] problems and a last line that counts them all.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(reports: &[Report], look: Look, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(look);
    let mut left = SHOWN;
    for report in reports {
        let places = Places::new(report.files);
        for problem in report.shown(&mut left) {
            let drawn = Drawn::new(problem, &places, report, look);
            let mut text = String::new();
            handler
                .render_report(&mut text, &drawn)
                .map_err(io::Error::other)?;
            for line in text.trim_end().lines() {
                writeln!(out, "{}", line.trim_end())?;
            }
            writeln!(out)?;
        }
    }
    let summary = Summary::of(reports);
    if summary.not_shown > 0 {
        writeln!(out, "... and {}\n", not_shown(summary.not_shown))?;
    }
    let parts: Option<Vec<(&Report, &Part)>> = reports
        .iter()
        .map(|report| Some((report, report.part.as_ref()?)))
        .collect();
    match parts {
        Some(parts) if !parts.is_empty() => writeln!(out, "{}", part_line(summary, &parts)),
        _ => writeln!(out, "{}", summary_line(summary)),
    }
}

/// The line where only a part of each Nest was asked about: `no problems in Lib/a.fly (1 error elsewhere in the Nest)`.
fn part_line(summary: Summary, parts: &[(&Report, &Part)]) -> String {
    let paths: Vec<String> = parts
        .iter()
        .flat_map(|(report, part)| {
            part.paths
                .iter()
                .map(|path| format!("{}{path}", report.from_folder))
        })
        .collect();
    let place = match paths.as_slice() {
        few if few.len() <= NAMED => few.join(", "),
        many => counted(many.len(), "path"),
    };
    let elsewhere: usize = parts.iter().map(|(_, part)| part.errors_elsewhere).sum();
    let mut line = format!("{} in {place}", found(summary));
    if elsewhere > 0 {
        let nest = if parts.len() == 1 { "the Nest" } else { "the Nests" };
        line += &format!(" ({} elsewhere in {nest})", counted(elsewhere, "error"));
    }
    line
}

/// `2 errors, 1 warning in 5 files`
#[must_use]
pub fn summary_line(summary: Summary) -> String {
    format!("{} in {}", found(summary), counted(summary.files, "file"))
}

/// `2 errors, 1 warning`
fn found(summary: Summary) -> String {
    match (summary.errors, summary.warnings) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

fn handler(look: Look) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if look.unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if look.color {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    GraphicalReportHandler::new_themed(theme)
        .with_width(look.width)
        .with_links(false)
        .without_syntax_highlighting()
}

/// A problem as miette wants it.
struct Drawn<'a> {
    problem: &'a Problem,
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    excerpt: Excerpt,
}

impl<'a> Drawn<'a> {
    fn new(problem: &'a Problem, places: &Places, report: &Report, look: Look) -> Self {
        let shown = || problem.labels.iter().take(LABELS);
        let spans: Vec<Span> = std::iter::once(problem.span)
            .chain(shown().map(|label| label.span))
            .collect();
        let excerpt = Excerpt::new(places, &spans, report.masks, &report.from_folder, look);
        let notes = std::iter::once(&problem.note).chain(shown().map(|label| &label.message));
        let labels = excerpt
            .marks()
            .zip(notes)
            .enumerate()
            .filter_map(|(index, (span, note))| {
                let note = (!note.is_empty()).then(|| printable(note, look));
                match index {
                    0 => span.map(|span| LabeledSpan::new_primary_with_span(note, span)),
                    _ => span.map(|span| LabeledSpan::new_with_span(note, span)),
                }
            });
        let labels = labels.collect();
        Self {
            problem,
            message: printable(&problem.message, look),
            help: help(problem, look),
            labels,
            excerpt,
        }
    }
}

/// What to do: the problem's own words, and the ways out that they do not name already.
fn help(problem: &Problem, look: Look) -> Option<String> {
    let mut lines: Vec<String> = problem.help.iter().map(|help| printable(help, look)).collect();
    let hidden = problem.labels.len().saturating_sub(LABELS);
    if hidden > 0 {
        lines.push(format!(
            "and {} more like the ones shown",
            counted(hidden, "place")
        ));
    }
    let said = problem.help.as_deref().unwrap_or_default();
    for suggestion in problem.suggestions.iter().take(4) {
        let named = suggestion
            .edits
            .iter()
            .all(|edit| !edit.text.trim().is_empty() && said.contains(edit.text.trim()));
        let written = suggestion
            .message
            .strip_prefix("write ")
            .is_some_and(|what| said.contains(what));
        if !named && !written && !said.contains(&suggestion.message) {
            lines.push(printable(&suggestion.message, look));
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.problem.kind.code))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.help
            .as_deref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
