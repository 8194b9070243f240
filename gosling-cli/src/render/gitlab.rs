//! A GitLab Code Quality report, as merge requests show it.

use std::collections::HashMap;
use std::io::{self, Write};

use fly_syntax::Severity;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Places, Report, SHOWN, Summary, harmless_json, not_shown};

#[derive(Serialize)]
struct Finding<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'a str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the report: one array.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut findings = Vec::new();
    let mut left = SHOWN;
    for report in reports {
        let places = Places::new(report.files);
        for problem in report.shown(&mut left) {
            let place = places.place(problem.span);
            let path = format!("{}{}", report.from_repository, place.file);
            // The line is left out, so that a problem stays the same one when text above it grows; equal problems of
            // one file are told apart by their order.
            let identity = format!("{}\n{path}\n{}", problem.kind.code, problem.message);
            let count = seen.entry(identity.clone()).or_default();
            *count += 1;
            findings.push(Finding {
                description: description(problem),
                check_name: problem.kind.code,
                fingerprint: hex(&Sha256::digest(format!("{identity}\n{count}"))),
                severity: match problem.severity() {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                },
                location: Location {
                    path,
                    lines: Lines {
                        begin: place.line,
                        end: place.end_line,
                    },
                },
            });
        }
    }
    let left_out = Summary::of(reports).not_shown;
    if let Some(last) = findings.last().filter(|_| left_out > 0) {
        // The report has no other place for words.
        findings.push(Finding {
            description: not_shown(left_out),
            check_name: "not-shown",
            fingerprint: hex(&Sha256::digest("not shown")),
            severity: "info",
            location: Location {
                path: last.location.path.clone(),
                lines: Lines { begin: 1, end: 1 },
            },
        });
    }
    writeln!(out, "{}", harmless_json(&serde_json::to_string(&findings)?))
}

fn description(problem: &fly_syntax::Problem) -> String {
    match &problem.help {
        Some(help) => format!("{}: {help}", problem.message),
        None => problem.message.clone(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
