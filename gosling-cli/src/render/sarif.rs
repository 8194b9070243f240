//! SARIF 2.1.0, for code scanning services and editors.

use std::collections::BTreeMap;
use std::io::{self, Write};

use fly_syntax::{Kind, Label, Problem, Severity, Suggestion};
use serde_json::{Value, json};

use super::{Place, Places, Report, SHOWN, Summary, harmless_json, not_shown, word};

/// Writes the log.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(reports: &[Report], out: &mut dyn Write) -> io::Result<()> {
    let mut left = SHOWN;
    let shown: Vec<(&Report, Vec<&Problem>)> = reports
        .iter()
        .map(|report| (report, report.shown(&mut left).collect()))
        .collect();
    let all = shown.iter().flat_map(|(_, problems)| problems);
    let kinds: BTreeMap<&str, &Kind> = all.map(|problem| (problem.kind.code, problem.kind)).collect();
    let index_of: BTreeMap<&str, usize> = kinds.keys().copied().zip(0..).collect();
    let rules: Vec<Value> = kinds.values().map(|kind| rule(kind)).collect();
    let mut results = Vec::new();
    for (report, problems) in &shown {
        let places = Places::new(report.files);
        for problem in problems {
            let mut result = result(problem, &places, &report.from_repository);
            result["ruleIndex"] = json!(index_of.get(problem.kind.code));
            results.push(result);
        }
    }
    let left_out = Summary::of(reports).not_shown;
    let mut log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "gosling",
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The root of the repository." } } },
            "results": results,
        }],
    });
    if left_out > 0 {
        log["runs"][0]["invocations"] = json!([{
            "executionSuccessful": true,
            "toolExecutionNotifications": [{ "level": "warning", "message": { "text": not_shown(left_out) } }],
        }]);
    }
    writeln!(out, "{}", harmless_json(&log.to_string()))
}

fn rule(kind: &Kind) -> Value {
    let help = format!(
        "{}\n\nWrong:\n\n{}\n\nRight:\n\n{}",
        kind.explanation, kind.wrong, kind.right
    );
    let markdown = format!(
        "{}\n\nWrong:\n\n```fly\n{}\n```\n\nRight:\n\n```fly\n{}\n```",
        kind.explanation, kind.wrong, kind.right
    );
    json!({
        "id": kind.code,
        "shortDescription": { "text": kind.title },
        "fullDescription": { "text": kind.explanation },
        "help": { "text": help, "markdown": markdown },
        "defaultConfiguration": { "level": word(kind.severity) },
        "properties": { "tags": ["fly"], "problem.severity": word(kind.severity) },
    })
}

fn result(problem: &Problem, places: &Places, prefix: &str) -> Value {
    let message = match &problem.help {
        Some(help) => format!("{}\n{help}", problem.message),
        None => problem.message.clone(),
    };
    let mut result = json!({
        "ruleId": problem.kind.code,
        "level": match problem.severity() { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": message },
        "locations": [location(&places.place(problem.span), prefix)],
    });
    if !problem.labels.is_empty() {
        let labels = problem.labels.iter().enumerate();
        result["relatedLocations"] = labels
            .map(|(id, label)| related(id, label, places, prefix))
            .collect();
    }
    // An editor offers every fix; what a service applies by itself is its own affair.
    let fixes: Vec<Value> = problem
        .suggestions
        .iter()
        .map(|way| fix(way, places, prefix))
        .collect();
    if !fixes.is_empty() {
        result["fixes"] = Value::Array(fixes);
    }
    result
}

fn related(id: usize, label: &Label, places: &Places, prefix: &str) -> Value {
    let mut location = location(&places.place(label.span), prefix);
    location["id"] = json!(id);
    location["message"] = json!({ "text": label.message });
    location
}

fn fix(suggestion: &Suggestion, places: &Places, prefix: &str) -> Value {
    let mut changes: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for edit in &suggestion.edits {
        let place = places.place(edit.span);
        changes.entry(place.file).or_default().push(json!({
            "deletedRegion": region(&place),
            "insertedContent": { "text": edit.text },
        }));
    }
    let changes: Vec<Value> = changes
        .into_iter()
        .map(|(file, replacements)| json!({ "artifactLocation": artifact(file, prefix), "replacements": replacements }))
        .collect();
    json!({ "description": { "text": suggestion.message }, "artifactChanges": changes })
}

fn location(place: &Place, prefix: &str) -> Value {
    json!({ "physicalLocation": { "artifactLocation": artifact(place.file, prefix), "region": region(place) } })
}

fn region(place: &Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

fn artifact(file: &str, prefix: &str) -> Value {
    let path = format!("{prefix}{file}");
    if path.starts_with('/') {
        json!({ "uri": format!("file://{}", uri(&path)) })
    } else {
        json!({ "uri": uri(&path), "uriBaseId": "%SRCROOT%" })
    }
}

/// Percent-encodes what may not stand in the path of a URI.
fn uri(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte))
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
