//! `gosling refresh`

use clap::Args;
use gosling_engine::PlanOptions;

use super::plan::ClusterFlag;
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Progress, open_session};
use crate::{Failure, Host};

/// Show what has changed outside gosling, and the plan that would follow
///
/// Changes nothing, neither outside nor in the state.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling refresh           drift, and what apply would do about it
  gosling refresh --json")]
pub(crate) struct RefreshArgs {
    /// Print the plan as JSON; its `drift` is what has changed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    detail: super::plan::DetailFlag,
    #[command(flatten)]
    clusters: ClusterFlag,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_refresh(host: &mut Host, context: Context, args: &RefreshArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    session.accept_clusters(&args.clusters.accept_cluster)?;
    crate::terminal::block_on(async {
        let progress = Progress::of(session.notices());
        let options = PlanOptions::default();
        let work = session.plan(&progress, &options, true);
        let plan = progress.show(host, None, work).await??;
        if plan.drift.is_empty() && !args.json {
            host.done("nothing has changed outside gosling")?;
        }
        super::plan::show(host, context, &plan, args.detail.detail(), args.json)?;
        Ok(if plan.is_partial() {
            Exit::Problems
        } else {
            Exit::Clean
        })
    })
}
