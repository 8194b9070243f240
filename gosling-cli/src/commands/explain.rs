//! `gosling explain`

use std::io::Write;

use clap::Args;
use fly_syntax::{Kind, Severity};
use fly_typeck::reference;
use serde_json::json;

use crate::terminal::Exit;
use crate::{Failure, Host, render};

/// A shorter text is a part of too many names.
const SHORTEST_PART: usize = 3;

/// Explain a problem's code, a block kind or an attribute
///
/// Without a name, lists every code.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling explain FLY401               what the code means, wrong and right
  gosling explain egg                  a block kind and everything it may contain
  gosling explain egg.runner.tags      one attribute
  gosling explain vmid_range           the same, wherever it stands
  gosling explain                      every code")]
pub(crate) struct ExplainArgs {
    /// A code (FLY401), a block kind (egg) or an attribute (egg.runner.tags, tags)
    #[arg(add = super::candidates::explained())]
    name: Option<String>,
}

pub(crate) fn cmd_explain(host: &mut Host, args: &ExplainArgs) -> Result<Exit, Failure> {
    let Some(name) = args.name.as_deref().map(str::trim) else {
        if host.asked.json {
            let codes = fly_workspace::problem_kinds();
            let codes = codes
                .iter()
                .map(|kind| json!({ "code": kind.code, "title": kind.title }));
            host.document(json!({ "codes": codes.collect::<Vec<_>>() }))?;
            return Ok(Exit::Clean);
        }
        for kind in fly_workspace::problem_kinds() {
            writeln!(host.out, "{}  {}", kind.code, kind.title)?;
        }
        return Ok(Exit::Clean);
    };
    if let Some(kind) = kind(name) {
        if host.asked.json {
            let severity = render::word(kind.severity);
            host.document(json!({
                "code": kind.code, "title": kind.title, "severity": severity, "explanation": kind.explanation.trim(),
                "wrong": kind.wrong, "right": kind.right,
            }))?;
            return Ok(Exit::Clean);
        }
        host.out.write_all(page(kind).as_bytes())?;
        return Ok(Exit::Clean);
    }
    if let Some(text) = reference::hover(name) {
        if host.asked.json {
            host.document(json!({ "name": name, "markdown": text }))?;
            return Ok(Exit::Clean);
        }
        writeln!(host.out, "{}", without_fences(&text))?;
        return Ok(Exit::Clean);
    }
    let failure = Failure::wrong_use(format!("nothing is called `{name}`"));
    let near = nearest(name);
    if near.is_empty() {
        return Err(failure.hint("`gosling explain` lists all codes, `gosling schema` all block kinds"));
    }
    Err(failure.hint(format!("did you mean {}?", near.join(", "))))
}

/// Markdown as a terminal shows it best: what stands between fences is indented instead.
fn without_fences(markdown: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in markdown.trim_end().lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && !line.is_empty() {
            lines.push(format!("    {line}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// The kind with this code: `FLY401`, `fly401` or `401`.
fn kind(name: &str) -> Option<&'static Kind> {
    let code = name.to_ascii_uppercase();
    let digits = code.strip_prefix("FLY").unwrap_or(&code);
    fly_workspace::problem_kinds()
        .into_iter()
        .find(|kind| kind.code.strip_prefix("FLY") == Some(digits))
}

fn page(kind: &Kind) -> String {
    let severity = match kind.severity {
        Severity::Error => "an error",
        Severity::Warning => "a warning",
    };
    let code = |text: &str| -> String {
        let lines = text.trim_matches('\n').lines();
        lines
            .map(|line| {
                if line.is_empty() {
                    "\n".to_owned()
                } else {
                    format!("    {line}\n")
                }
            })
            .collect()
    };
    format!(
        "{}: {}, {severity}\n\n{}\n\nWrong:\n\n{}\nRight:\n\n{}",
        kind.code,
        kind.title,
        kind.explanation.trim(),
        code(kind.wrong),
        code(kind.right)
    )
}

/// Up to three names that are written much like `name`, or that it is a part of, the likest and shortest first.
fn nearest(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let codes = fly_workspace::problem_kinds()
        .into_iter()
        .map(|kind| kind.code.to_owned());
    let near = codes.chain(reference::names()).filter_map(|known| {
        let lower = known.to_lowercase();
        let distance = match name.len() >= SHORTEST_PART && lower.contains(&name) {
            true => 1,
            false => strsim::damerau_levenshtein(&name, &lower),
        };
        let short = name.len().min(known.len());
        (distance <= (1 + short / 4).min(short / 3)).then_some((distance, known.len(), known))
    });
    let mut near: Vec<_> = near.collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, _, known)| known).collect()
}
