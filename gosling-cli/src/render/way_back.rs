//! A plan back to an earlier state, as a person reads it.

use std::io::{self, Write};

use gosling_engine::rollback::Limit;
use gosling_engine::{Action, Plan, State};
use gosling_resource::Value;

use super::Look;
use super::plan::{self, Detail};
use crate::Host;

/// Shows the way back, and what does not come back as it was.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn write(
    goal: &State,
    plan: &Plan,
    limits: &[Limit],
    look: Look,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let written = goal.written.as_ref().map(|written| {
        let (command, by, since) = (&written.command, &written.by, &written.since);
        format!(", saved by `{command}` of {by}, {since}")
    });
    let (serial, written) = (goal.serial, written.unwrap_or_default());
    writeln!(out, "Back to serial {serial}{written}.\n")?;
    if plan.is_empty() {
        writeln!(out, "No changes: everything is as it was then.")?;
    } else {
        plan::write_back(plan, serial, look, detail, out)?;
    }
    if !limits.is_empty() {
        writeln!(out, "\nNot restored exactly:")?;
    }
    for limit in limits {
        writeln!(out, "  {limit}")?;
    }
    let mut touched = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.action, Action::NoOp | Action::Delete));
    let has_secret = |value: &Value| !value.secrets().is_empty();
    if touched.any(|change| change.properties.values().any(has_secret)) {
        writeln!(
            out,
            "\nSecrets keep their present values: a state records where a secret is kept, not its value."
        )?;
    }
    Ok(())
}

/// Says whether the Nest's files, which a rollback leaves as they are, ask for something else now.
///
/// # Errors
/// Where a stream cannot be written.
pub(crate) fn report_files(host: &mut Host, agree: &Result<bool, gosling_deploy::Failure>) -> io::Result<()> {
    match agree {
        Ok(true) => host.say("the Nest asks for what is there now"),
        Ok(false) => host.say(
            "the Nest's files were not changed: they still describe the newer form, and the next apply creates it again\n  help: revert the change there too; `gosling plan` shows what they ask for",
        ),
        Err(failure) => host.say(format_args!(
            "the Nest's files were not changed, and planning from them failed: {failure}"
        )),
    }
}
