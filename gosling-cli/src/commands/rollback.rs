//! `gosling rollback`

use std::io::Write;

use clap::Args;
use gosling_engine::rollback::Limit;
use gosling_engine::{Action, Plan, PlanOptions, State};
use gosling_resource::Value;

use super::carry_out::{Under, carry_out};
use super::job::{Job, Purpose, RunArgs};
use super::plan::DetailFlag;
use super::{Context, Exit};
use crate::engine::{EngineArgs, Progress, open_session};
use crate::render::plan::{self as render, Detail};
use crate::render::plan_json;
use crate::{Failure, Host};
use gosling_deploy::{Session, WayBack};

/// Go back to an earlier state
///
/// Plans the changes from what is there to an earlier state, and carries them out like any plan. It first lists what
/// cannot be restored as it was. The Nest's files stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling rollback --dry-run       what would be done, and what cannot be undone
  gosling rollback                 undo the last run that changed something
  gosling state history            which states there are
  gosling rollback --to 12 --yes   back to the one with serial 12
  gosling rollback --target egg.app
                                   one egg and what it needs

Exit codes: 0 done, 1 failed or wrong use, 130 interrupted.")]
pub(crate) struct RollbackArgs {
    /// The serial to go back to, 0 for nothing at all [default: before the last run that changed something]
    #[arg(long, value_name = "SERIAL")]
    to: Option<u64>,
    /// Only show what would be done
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Only this and what it needs: egg.app, egg.app.vm, 'egg.app.vm[0]'
    #[arg(long = "target", value_name = "ADDR", add = super::complete::targets())]
    targets: Vec<String>,
    #[command(flatten)]
    detail: DetailFlag,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_rollback(host: &mut Host, context: Context, args: &RollbackArgs) -> Result<Exit, Failure> {
    let options = PlanOptions {
        targets: args.targets.clone(),
        ..PlanOptions::default()
    };
    if args.dry_run {
        return look(host, context, args, &options);
    }
    let job = Job {
        purpose: Purpose::Rollback(args.to),
        options,
        refresh: true,
        accept_clusters: &[],
        skip_unreachable: false,
        detail: args.detail.detail(),
        run: &args.run,
    };
    carry_out(host, context, &args.engine, job)
}

/// Only reads, without the lock.
fn look(
    host: &mut Host,
    context: Context,
    args: &RollbackArgs,
    options: &PlanOptions,
) -> Result<Exit, Failure> {
    let Some(session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    super::block_on(async {
        let (state, open) = session.at.peek().await?;
        for entry in &open {
            let (verb, address) = (entry.operation.verb, &entry.operation.address);
            host.say(format_args!(
                "an earlier run's {verb} of {address} has not ended; rollback recovers it first"
            ))?;
        }
        let goal = session.at.goal(&state, args.to).await?;
        let progress = Progress::of(session.notices());
        let way = session.plan_back(&goal, (&state, &open), options, true);
        let WayBack { plan, limits } = progress.show(host, None, way).await??;
        if host.asked.json {
            let limits = super::outcome::shown(&limits);
            host.document(
                serde_json::json!({ "to": goal.serial, "plan": plan_json::plan(&plan), "limits": limits }),
            )?;
        } else {
            show(host, context, &goal, &plan, &limits, args.detail.detail())?;
        }
        Ok(Exit::Clean)
    })
}

/// Shows the way back, and what does not come back as it was.
pub(super) fn show(
    host: &mut Host,
    context: Context,
    goal: &State,
    plan: &Plan,
    limits: &[Limit],
    detail: Detail,
) -> Result<(), Failure> {
    let written = goal.written.as_ref().map(|written| {
        let (command, by, since) = (&written.command, &written.by, &written.since);
        format!(", saved by `{command}` of {by}, {since}")
    });
    let (serial, written) = (goal.serial, written.unwrap_or_default());
    writeln!(host.out, "Back to serial {serial}{written}.\n")?;
    if plan.is_empty() {
        writeln!(host.out, "No changes: everything is as it was then.")?;
    } else {
        render::write_back(plan, serial, context.out, detail, &mut host.out)?;
    }
    if !limits.is_empty() {
        writeln!(host.out, "\nNot restored exactly:")?;
    }
    for limit in limits {
        writeln!(host.out, "  {limit}")?;
    }
    let mut touched = plan
        .changes
        .iter()
        .filter(|change| !matches!(change.action, Action::NoOp | Action::Delete));
    let has_secret = |value: &Value| !value.secrets().is_empty();
    if touched.any(|change| change.properties.values().any(has_secret)) {
        writeln!(
            host.out,
            "\nSecrets keep their present values: a state records where a secret is kept, not its value."
        )?;
    }
    host.out.flush()?;
    Ok(())
}

/// The Nest's files are as they were: says whether they ask for something else.
pub(super) async fn still_asked(
    host: &mut Host,
    session: &mut Session,
    under: &Under<'_>,
    state: &State,
) -> Result<(), Failure> {
    let options = PlanOptions::default();
    let work = session.plan_from(state, &[], &options, false);
    let plan = under.progress.look(host, under.interrupts, work).await;
    match plan.and_then(|plan| plan.map_err(Failure::from)) {
        Ok(plan) if plan.is_empty() => host.say("the Nest asks for what is there now")?,
        Ok(_) => host.say(
            "the Nest's files were not changed: they still describe the newer form, and the next apply creates it again\n  help: revert the change there too; `gosling plan` shows what they ask for",
        )?,
        Err(failure) => host.say(format_args!(
            "the Nest's files were not changed, and planning from them failed: {failure}"
        ))?,
    }
    Ok(())
}
