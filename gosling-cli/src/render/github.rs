//! GitHub workflow commands: a step that prints them annotates the change.

use std::io::{self, Write};

use super::{Places, Report, SHOWN, Summary, not_shown, word};
use crate::fly_text::is_unseen;

/// Writes one command a problem.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let mut left = SHOWN;
    for report in reports {
        let places = Places::new(report.files);
        for problem in report.shown(&mut left) {
            let place = places.place(problem.span);
            let path = format!("{}{}", report.from_repository, place.file);
            write!(
                out,
                "::{} file={},line={}",
                word(problem.severity()),
                property(&path),
                place.line
            )?;
            // GitHub takes columns only where the whole annotation is on one line.
            if place.end_line == place.line {
                let end_column = place.end_column.saturating_sub(1).max(place.column);
                write!(
                    out,
                    ",endLine={},col={},endColumn={end_column}",
                    place.end_line, place.column
                )?;
            } else {
                write!(out, ",endLine={}", place.end_line)?;
            }
            let mut message = problem.message.clone();
            if let Some(help) = &problem.help {
                message.push('\n');
                message.push_str(help);
            }
            writeln!(out, ",title={}::{}", property(problem.kind.code), data(&message))?;
        }
    }
    let left_out = Summary::of(reports).not_shown;
    if left_out > 0 {
        writeln!(out, "::warning::{}", data(&not_shown(left_out)))?;
    }
    Ok(())
}

/// Escapes what follows the second `::`.
fn data(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '%' => escaped.push_str("%25"),
            '\n' => escaped.push_str("%0A"),
            // A log is shown in a terminal too.
            other if is_unseen(other) => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(other))),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
