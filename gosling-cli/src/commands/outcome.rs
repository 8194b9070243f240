//! What came of a run, for people and as JSON.

use std::io::Write;

use gosling_engine::audit::Ending;
use gosling_engine::rollback::Limit;
use gosling_engine::{Applied, CallError, Plan};
use gosling_resource::Address;
use serde_json::{Value as Json, json};

use crate::{Failure, Host};

/// What came of a run, beside its plan and what was done of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// For a rollback: the serial that it goes back to, and what does not come back as it was.
    pub(super) back: Option<(u64, Vec<Limit>)>,
    /// Whether a runner did not come online.
    pub(super) offline: bool,
    /// For an apply that failed and was to be undone: what came of that.
    pub(super) undone: Option<Result<Undone, Failure>>,
}

/// What was done to undo an apply.
pub(super) struct Undone {
    pub(super) plan: Plan,
    pub(super) limits: Vec<Limit>,
    pub(super) applied: Applied,
}

impl Undone {
    fn is_whole(&self) -> bool {
        self.applied.failed.is_empty() && !self.applied.interrupted
    }
}

impl Outcome {
    /// What a rollback does not bring back.
    pub(super) fn limits(&self) -> &[Limit] {
        self.back.as_ref().map_or(&[], |(_, limits)| limits)
    }

    /// Whether a person stopped the undoing.
    pub(super) fn undo_was_interrupted(&self) -> bool {
        match &self.undone {
            Some(Ok(undone)) => undone.applied.interrupted,
            Some(Err(failure)) => matches!(failure, Failure::Interrupted(_)),
            None => false,
        }
    }

    /// How it ended, for the audit, and the state's serial then.
    pub(super) fn ending(&self, applied: &Applied) -> (u64, Ending) {
        let last = match &self.undone {
            Some(Ok(undone)) => &undone.applied,
            _ => applied,
        };
        let ending = if !last.open.is_empty() {
            Ending::Unknown
        } else if last.interrupted || self.undo_was_interrupted() {
            Ending::Interrupted
        } else if matches!(&self.undone, Some(Ok(undone)) if undone.is_whole()) {
            Ending::RolledBack
        } else if self.offline || !last.failed.is_empty() || self.undone.is_some() {
            Ending::Failed
        } else {
            Ending::Done
        };
        (last.state.serial, ending)
    }

    /// Says it.
    pub(super) fn report(
        &self,
        host: &mut Host,
        plan: &Plan,
        applied: &Applied,
        json: bool,
    ) -> Result<(), Failure> {
        if json {
            let mut result = as_json(plan, applied);
            result["online"] = json!(!self.offline);
            if let Some((serial, limits)) = &self.back {
                result["to"] = json!(serial);
                result["limits"] = shown(limits);
            }
            match &self.undone {
                Some(Ok(undone)) => {
                    result["rollback"] = as_json(&undone.plan, &undone.applied);
                    result["rollback"]["limits"] = shown(&undone.limits);
                }
                Some(Err(failure)) => result["rollback"] = json!({ "error": failure.to_string() }),
                None => {}
            }
            host.document(result)?;
            return Ok(());
        }
        failures(host, plan, applied)?;
        // What was undone was settled before.
        if !matches!(self.undone, Some(Ok(_))) {
            open(host, applied)?;
        }
        if plan.is_empty() {
            return Ok(());
        }
        match &self.undone {
            None => summary(host, plan, applied),
            Some(Ok(undone)) => {
                failures(host, &undone.plan, &undone.applied)?;
                open(host, &undone.applied)?;
                if undone.is_whole() {
                    writeln!(
                        host.out,
                        "It failed and is undone: what was there before is there again."
                    )?;
                } else {
                    writeln!(
                        host.out,
                        "It failed, and not all of it is undone: {} operations undone. `gosling rollback --to {}` goes on with it.",
                        undone.applied.done, plan.serial
                    )?;
                }
                Ok(())
            }
            Some(Err(failure)) => {
                host.say(format_args!("error: it could not be undone: {failure}"))?;
                if let Failure::WrongUse { hint: Some(hint), .. } = failure {
                    host.say(format_args!("  help: {hint}"))?;
                }
                writeln!(
                    host.out,
                    "It failed and is not undone: {} operations done. `gosling rollback --to {}` undoes them.",
                    applied.done, plan.serial
                )?;
                Ok(())
            }
        }
    }
}

/// What does not come back as it was, for programs.
pub(super) fn shown(limits: &[Limit]) -> Json {
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
    let open: Vec<_> = applied
        .open
        .iter()
        .map(|operation| operation.op.clone())
        .collect();
    json!({
        "planned": plan.counts(), "done": applied.done, "failed": failed, "skipped": skipped,
        "open": open, "interrupted": applied.interrupted, "serial": applied.state.serial,
    })
}

fn failures(host: &mut Host, plan: &Plan, applied: &Applied) -> Result<(), Failure> {
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

fn open(host: &mut Host, applied: &Applied) -> Result<(), Failure> {
    for operation in &applied.open {
        let (verb, address) = (operation.verb, &operation.address);
        host.say(format_args!(
            "open: what became of the {verb} of {address} is not known; the next apply settles it"
        ))?;
    }
    Ok(())
}

fn summary(host: &mut Host, plan: &Plan, applied: &Applied) -> Result<(), Failure> {
    let counts = plan.counts();
    if applied.failed.is_empty() && !applied.interrupted {
        writeln!(
            host.out,
            "Done: {} created, {} changed, {} replaced, {} deleted.",
            counts.create, counts.update, counts.replace, counts.delete
        )?;
    } else {
        let left = applied.failed.len() + applied.skipped.len();
        writeln!(
            host.out,
            "Not all of it: {} operations done, {left} resources left as they were. Run it again when that is mended.",
            applied.done
        )?;
    }
    Ok(())
}
