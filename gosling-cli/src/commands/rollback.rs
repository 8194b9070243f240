//! `gosling rollback`

use std::io::Write;

use clap::Args;
use gosling_engine::PlanOptions;

use super::carry_out::{Shown, carry_out};
use super::plan::DetailFlag;
use super::run_args::RunArgs;
use crate::render::{outcome, plan_json, way_back};
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Progress, open_session};
use crate::{Failure, Host};
use gosling_deploy::{RunKind, WayBack};

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
    #[arg(long = "target", value_name = "ADDR", add = super::candidates::targets())]
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
    let request = args.run.request(host, RunKind::Rollback(args.to), options, true);
    let shown = Shown {
        accept_clusters: &[],
        skip_unreachable: false,
        detail: args.detail.detail(),
        json: args.run.json,
    };
    carry_out(host, context, &args.engine, &request, &shown)
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
    crate::terminal::block_on(async {
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
            let limits = outcome::shown(&limits);
            host.document(
                serde_json::json!({ "to": goal.serial, "plan": plan_json::plan(&plan), "limits": limits }),
            )?;
        } else {
            let detail = args.detail.detail();
            way_back::write(&goal, &plan, &limits, context.out, detail, &mut host.out)?;
            host.out.flush()?;
        }
        Ok(Exit::Clean)
    })
}
