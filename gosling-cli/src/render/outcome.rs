//! What came of a run, for people and as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use gosling_engine::rollback::Limit;
use gosling_engine::{Applied, CallError, Plan, StillOpen};
use gosling_resource::Address;
use serde_json::{Value as Json, json};

use super::counted;
use crate::Host;
use gosling_deploy::{Orphan, Outcome};

/// So many resources are named in a last line.
const NAMED: usize = 3;
/// So many operations are named of a run that was stopped.
const LISTED: usize = 10;

/// Shows what came of a run.
///
/// # Errors
/// Where a stream cannot be written.
pub(crate) fn report(host: &mut Host, outcome: &Outcome, json: bool) -> io::Result<()> {
    let Outcome { plan, applied, .. } = outcome;
    if json {
        let mut result = as_json(plan, applied);
        result["online"] = json!(outcome.silent.is_empty());
        result["still_open"] = still_open_json(&outcome.open, plan);
        if let Some((serial, limits)) = &outcome.back {
            result["to"] = json!(serial);
            result["limits"] = shown(limits);
        }
        if !outcome.left.all.is_empty() {
            let left = outcome.left.all.iter().map(Orphan::as_json);
            result["left"] = left.collect();
        }
        if !outcome.kept.is_empty() {
            result["kept_secrets"] = json!(outcome.kept);
        }
        match &outcome.undone {
            Some(Ok(undone)) => {
                result["rollback"] = as_json(&undone.plan, &undone.applied);
                result["rollback"]["limits"] = shown(&undone.limits);
                result["rollback"]["still_open"] = still_open_json(&undone.open, plan);
            }
            Some(Err(failure)) => result["rollback"] = json!({ "error": failure.to_string() }),
            None => {}
        }
        host.document(result)?;
        return Ok(());
    }
    failures(host, plan, applied)?;
    // What was undone was settled before.
    if !matches!(outcome.undone, Some(Ok(_))) {
        open(host, applied)?;
    }
    let undone = outcome.undone.as_ref().and_then(|undone| undone.as_ref().ok());
    still_open(host, undone.map_or(&outcome.open, |undone| &undone.open), plan)?;
    if !outcome.kept.is_empty() {
        let uris: Vec<String> = outcome.kept.iter().map(ToString::to_string).collect();
        host.say(format_args!(
            "note: {} of what is deleted {} kept: {}; `gosling secret rm URI` removes one",
            counted(uris.len(), "secret"),
            if uris.len() == 1 { "is" } else { "are" },
            named(&uris, NAMED)
        ))?;
    }
    for words in &outcome.left.unseen {
        host.say(format_args!(
            "note: it is not known whether something is left: {words}"
        ))?;
    }
    if plan.does_nothing() && outcome.silent.is_empty() {
        left_as_it_is(host, outcome)?;
        return left_behind(host, outcome);
    }
    match &outcome.undone {
        None => summary(host, outcome),
        Some(Ok(undone)) => {
            failures(host, &undone.plan, &undone.applied)?;
            open(host, &undone.applied)?;
            if undone.is_whole() {
                writeln!(
                    host.out,
                    "Failed and undone: {}. Everything is as it was before.",
                    what_failed(outcome)
                )?;
            } else {
                writeln!(
                    host.out,
                    "Failed: {}. Not all of it is undone: {} undone. `gosling rollback --to {}` continues.",
                    what_failed(outcome),
                    counted(undone.applied.done.len(), "operation"),
                    plan.serial
                )?;
            }
            Ok(())
        }
        Some(Err(failure)) => {
            host.say(format_args!("error: it could not be undone: {failure}"))?;
            if let gosling_deploy::Failure::Refused { help: Some(help), .. } = failure {
                host.say(format_args!("  help: {help}"))?;
            }
            writeln!(
                host.out,
                "Failed: {}. It is not undone: {} done. `gosling rollback --to {}` undoes them.",
                what_failed(outcome),
                counted(applied.done.len(), "operation"),
                plan.serial
            )?;
            Ok(())
        }
    }
}

/// The first thing that went wrong, and how many more did: `create egg.app.vm[0]: the node is away (and 2 more)`.
fn what_failed(outcome: &Outcome) -> String {
    let failed = outcome
        .applied
        .failed
        .iter()
        .map(|(address, verb, error)| format!("{verb} {address}: {error}"));
    let silent = outcome
        .silent
        .iter()
        .map(|address| format!("the runner of {address} did not come online"));
    let mut all = failed.chain(silent);
    let first = all.next().unwrap_or_else(|| "it was stopped".to_owned());
    match all.count() {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}

/// The last line: what was done, and where the run failed, what failed.
fn summary(host: &mut Host, outcome: &Outcome) -> io::Result<()> {
    let Outcome { plan, applied, .. } = outcome;
    let counts = plan.counts();
    let mut done = format!(
        "{} created, {} changed, {} replaced, {} deleted",
        counts.create, counts.update, counts.replace, counts.delete
    );
    if counts.moved > 0 {
        let _ = write!(done, ", {} renamed", counts.moved);
    }
    let operations = counted(applied.done.len(), "operation");
    if !applied.failed.is_empty() {
        let what = what_failed(outcome);
        let left = applied.failed.len() + applied.skipped.len() + applied.not_begun.len();
        let left = counted(left, "resource");
        writeln!(
            host.out,
            "Failed: {what}. {operations} done, {left} left unchanged; run it again when that is fixed."
        )?;
    } else if applied.interrupted {
        let (open, not_begun) = (applied.open.len(), applied.not_begun.len());
        writeln!(
            host.out,
            "Stopped: {operations} done, {open} open, {not_begun} not begun; the next apply continues."
        )?;
    } else if !outcome.silent.is_empty() {
        let what = what_failed(outcome);
        writeln!(host.out, "Failed: {what}. {done}; the next apply waits again.")?;
    } else {
        writeln!(host.out, "Done: {done}.")?;
        left_as_it_is(host, outcome)?;
        return left_behind(host, outcome);
    }
    Ok(())
}

/// The last line of a run that had to leave something out.
fn left_as_it_is(host: &mut Host, outcome: &Outcome) -> io::Result<()> {
    let plan = &outcome.plan;
    if plan.is_partial() {
        let all = plan.unreadable.iter().map(|unread| unread.address.to_string());
        let all: Vec<String> = all.collect();
        let left = match all.len() {
            1 => "that and what needs it is left as it is",
            _ => "these and what needs them are left as they are",
        };
        writeln!(
            host.out,
            "Failed: {} could not be read; {left}.",
            named(&all, NAMED)
        )?;
    }
    if !outcome.open.is_empty() {
        let all = outcome.open.iter().map(|still| {
            let operation = &still.entry.operation;
            format!("the earlier {} of {}", operation.verb, operation.address)
        });
        let all: Vec<String> = all.collect();
        let all_named = named(&all, NAMED);
        let words = match all.len() {
            1 => format!("the outcome of {all_named} is unknown; that and what needs it is left as it is"),
            _ => format!(
                "the outcomes of {all_named} are unknown; these and what needs them are left as they are"
            ),
        };
        writeln!(host.out, "Failed: {words}.")?;
    }
    Ok(())
}

/// The last line of a destroy after which something is left.
fn left_behind(host: &mut Host, outcome: &Outcome) -> io::Result<()> {
    let left: Vec<String> = outcome.left.all.iter().map(Orphan::words).collect();
    if !left.is_empty() {
        writeln!(
            host.out,
            "Left: {} with this Nest's marker, not in its state: {}. `gosling orphans` lists what can be deleted.",
            counted(left.len(), "thing"),
            named(&left, NAMED)
        )?;
    }
    Ok(())
}

/// The first `most` of them, and how many more there are.
fn named(all: &[String], most: usize) -> String {
    let first = all
        .iter()
        .take(most)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What does not come back as it was, for programs.
pub(crate) fn shown(limits: &[Limit]) -> Json {
    let limits = limits
        .iter()
        .map(|limit| json!({ "address": limit.address, "why": limit.why, "words": limit.to_string() }));
    limits.collect()
}

/// Where the Nest asks for it, as far as the plan knows.
fn place(plan: &Plan, address: &Address) -> Option<String> {
    let change = plan.changes.iter().find(|change| change.address == *address);
    change
        .and_then(|change| change.origin.as_ref())
        .map(ToString::to_string)
}

fn as_json(plan: &Plan, applied: &Applied) -> Json {
    let failed: Vec<_> = applied
        .failed
        .iter()
        .map(|(address, verb, error)| {
            json!({
                "address": address, "origin": place(plan, address), "verb": verb, "error": error.to_string(), "help": error.way_out(),
                "outcome": if matches!(error, CallError::Failed { .. }) { "failed" } else { "unknown" },
            })
        })
        .collect();
    let skipped: Vec<_> = applied
        .skipped
        .iter()
        .map(|(address, because)| json!({ "address": address, "because": because }))
        .collect();
    let not_begun: Vec<_> = applied
        .not_begun
        .iter()
        .map(|(address, verb)| json!({ "address": address, "verb": verb }))
        .collect();
    let open: Vec<_> = applied
        .open
        .iter()
        .map(|operation| operation.op.clone())
        .collect();
    json!({
        "planned": plan.counts(), "done": applied.done.len(), "failed": failed, "skipped": skipped, "not_begun": not_begun,
        "open": open, "interrupted": applied.interrupted, "serial": applied.state.serial,
    })
}

/// What nobody knows of operations of earlier runs, and how to go on without.
fn still_open(host: &mut Host, open: &[StillOpen], plan: &Plan) -> io::Result<()> {
    for still in open {
        let address = &still.entry.operation.address;
        let place = place(plan, address).map(|place| format!(" ({place})"));
        host.say(format_args!("error: {still}{}", place.unwrap_or_default()))?;
        if let Some(help) = &still.help {
            host.say(format_args!("  help: {help}"))?;
        }
        if still
            .help
            .as_ref()
            .is_some_and(|help| help.contains(&abandon(address)))
        {
            continue;
        }
        host.say(format_args!(
            "  help: it is left out until `gosling apply` can recover it; if that will never be, `{}` gives it up",
            abandon(address)
        ))?;
    }
    Ok(())
}

/// The command that gives up what is open on a resource.
fn abandon(address: &Address) -> String {
    format!("gosling state abandon '{address}'")
}

fn still_open_json(open: &[StillOpen], plan: &Plan) -> Json {
    let list = open.iter().map(|still| {
        let operation = &still.entry.operation;
        json!({
            "operation": operation.op, "verb": operation.verb, "address": operation.address,
            "origin": place(plan, &operation.address), "error": still.entry.heard(), "help": still.help,
            "abandon": abandon(&operation.address),
        })
    });
    list.collect()
}

fn failures(host: &mut Host, plan: &Plan, applied: &Applied) -> io::Result<()> {
    for (address, verb, error) in &applied.failed {
        let place = place(plan, address).map(|place| format!(" ({place})"));
        host.say(format_args!(
            "error: {verb} {address}{}: {error}",
            place.unwrap_or_default()
        ))?;
        if let Some(help) = error.way_out() {
            host.say(format_args!("  help: {help}"))?;
        }
    }
    Ok(())
}

/// What is open, and of a run that was stopped, what is done and what was not begun.
fn open(host: &mut Host, applied: &Applied) -> io::Result<()> {
    if applied.interrupted {
        for (words, operations) in [("done", &applied.done), ("not begun", &applied.not_begun)] {
            let list = operations
                .iter()
                .map(|(address, verb)| format!("{verb} {address}"));
            let list: Vec<String> = list.collect();
            if !list.is_empty() {
                host.say(format_args!("{words}: {}", named(&list, LISTED)))?;
            }
        }
    }
    for operation in &applied.open {
        let (verb, address) = (operation.verb, &operation.address);
        host.say(format_args!(
            "open: the outcome of the {verb} of {address} is unknown; the next apply recovers it"
        ))?;
    }
    Ok(())
}
