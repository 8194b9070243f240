//! What was looked at before a plan, as a person reads it and as JSON.

use std::io::{self, Write};

use gosling_engine::{Finding, Outcome, Service, Tally};
use gosling_resource::on_one_line;

use super::{Look, counted};

/// Writes what was found, service by service, and how many there are of each sort.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(services: &[Service], look: Look, out: &mut dyn Write) -> io::Result<()> {
    for service in services {
        writeln!(out, "{}", service.service)?;
        for finding in &service.findings {
            let word = word(finding.outcome, look);
            writeln!(out, "  {word} {}", line(finding))?;
            if let Some(help) = finding.way_out.as_deref().filter(|help| !help.is_empty()) {
                writeln!(out, "           help: {help}")?;
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(tally(services)))
}

/// A message for everything that fails or is to be warned of, with what to do.
#[must_use]
pub fn wrong(services: &[Service]) -> Vec<String> {
    let mut wrong = Vec::new();
    for service in services {
        for finding in &service.findings {
            let word = match finding.outcome {
                Outcome::Ok => continue,
                Outcome::Warning => "warning",
                Outcome::Failed => "error",
            };
            wrong.push((format!("{word}: {}: {}", service.service, line(finding)), finding));
        }
    }
    with_help(wrong)
}

/// A message for each check that apply would fail, for a plan.
#[must_use]
pub fn would_fail(findings: &[Finding]) -> Vec<String> {
    let failed = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Failed);
    let messages = failed.map(|finding| {
        let Finding { subject, words, .. } = finding;
        let message = format!("warning: apply would refuse this: {subject}: {words}");
        (message, finding)
    });
    with_help(messages.collect())
}

/// Messages with what to do: of several in a row that say the same, the last one says it.
fn with_help(messages: Vec<(String, &Finding)>) -> Vec<String> {
    let helps: Vec<Option<&str>> = messages
        .iter()
        .map(|(_, finding)| finding.way_out.as_deref().filter(|help| !help.is_empty()))
        .collect();
    let messages = messages.into_iter().enumerate();
    let messages = messages.map(|(at, (mut message, _))| {
        if let Some(help) = helps[at].filter(|_| helps.get(at + 1) != Some(&helps[at])) {
            message.push_str(&format!("\n  help: {help}"));
        }
        message
    });
    messages.collect()
}

/// The same as JSON; docs/guides/preflight.md says how it is made.
#[must_use]
pub fn json(services: &[Service]) -> serde_json::Value {
    serde_json::json!({ "services": services, "counts": tally(services) })
}

/// How many of each sort, over all services.
#[must_use]
pub fn tally(services: &[Service]) -> Tally {
    Tally::of(services.iter().flat_map(|service| &service.findings))
}

fn line(finding: &Finding) -> String {
    let place = finding
        .origin
        .as_ref()
        .map(|origin| format!(" ({origin})"))
        .unwrap_or_default();
    // A version, a name or a message of a service may be in it.
    on_one_line(&format!("{}{place}: {}", finding.subject, finding.words))
}

fn word(outcome: Outcome, look: Look) -> String {
    let (word, color) = match outcome {
        Outcome::Ok => ("ok     ", 32),
        Outcome::Warning => ("warning", 33),
        Outcome::Failed => ("failed ", 31),
    };
    match look.color {
        true => format!("\x1b[{color}m{word}\x1b[0m"),
        false => word.to_owned(),
    }
}

fn summary(tally: Tally) -> String {
    format!(
        "{} ok, {}, {} failed.",
        tally.ok,
        counted(tally.warning, "warning"),
        tally.failed
    )
}
