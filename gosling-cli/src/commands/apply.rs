//! `gosling apply` and `gosling destroy`

use std::path::PathBuf;

use clap::Args;
use gosling_engine::{Plan, PlanOptions};

use super::carry_out::carry_out;
use super::job::{Job, OnFailure, Purpose, RunArgs};
use super::plan::{RefreshFlag, TargetArgs};
use super::{Context, Exit};
use crate::engine::EngineArgs;
use crate::render::plan::Detail;
use crate::{Failure, Host};
use gosling_deploy::{LARGEST, read_named};

/// Create, change and delete what the plan says
///
/// Finishes what an earlier run left open, reads what is there, shows the plan, asks for confirmation, and carries it
/// out. If it is killed at any moment, the next run continues: nothing is created twice, nothing is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling apply                    plan, ask, apply
  gosling apply --yes              in a pipeline
  gosling apply nest.plan          exactly this plan, or nothing
  gosling apply --target egg.app   one egg and what it needs
  gosling apply --yes --on-failure=rollback
                                   undo everything if something fails

Exit codes: 0 done, 1 failed or wrong use, 130 interrupted.")]
pub(crate) struct ApplyArgs {
    /// A plan that `gosling plan -o` wrote
    plan: Option<PathBuf>,
    /// What to do with completed changes if something fails or a runner does not come online
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnFailure::Keep)]
    on_failure: OnFailure,
    /// Take over what was made for this Nest and is not in its state, instead of stopping
    #[arg(long, conflicts_with = "plan")]
    adopt: bool,
    #[command(flatten)]
    options: TargetArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Delete everything that gosling created for the Nest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling destroy                  plan, ask, delete
  gosling destroy --target egg.app one egg
  gosling destroy --skip-unreachable
                                   with a node away: its machines later

Exit codes: 0 done, 1 failed or wrong use, 130 interrupted.")]
pub(crate) struct DestroyArgs {
    /// Delete only this and what needs it: egg.app, egg.app.vm, 'egg.app.vm[0]'
    #[arg(long = "target", value_name = "ADDR", add = super::complete::targets())]
    targets: Vec<String>,
    /// Delete all the rest although something cannot be reached; the next destroy or apply that reaches it deletes it
    #[arg(long)]
    skip_unreachable: bool,
    #[command(flatten)]
    refresh: RefreshFlag,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_apply(host: &mut Host, context: Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let file = match &args.plan {
        Some(path) => {
            let path = host.path(path);
            let bytes = read_named(&path, LARGEST)?;
            let plan = Plan::from_bytes(&bytes);
            let plan = plan.map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
            Some(Box::new(plan))
        }
        None => None,
    };
    let on_failure = args.on_failure;
    let job = Job {
        purpose: Purpose::Apply {
            file,
            on_failure,
            adopt: args.adopt,
        },
        options: args.options.options(false),
        refresh: args.options.refresh(),
        accept_clusters: args.options.clusters(),
        skip_unreachable: false,
        detail: args.options.detail(),
        run: &args.run,
    };
    carry_out(host, context, &args.engine, job)
}

pub(crate) fn cmd_destroy(host: &mut Host, context: Context, args: &DestroyArgs) -> Result<Exit, Failure> {
    let job = Job {
        purpose: Purpose::Destroy,
        options: PlanOptions {
            targets: args.targets.clone(),
            destroy: true,
            ..PlanOptions::default()
        },
        refresh: args.refresh.refresh,
        accept_clusters: &args.refresh.clusters.accept_cluster,
        skip_unreachable: args.skip_unreachable,
        detail: Detail::Summary,
        run: &args.run,
    };
    carry_out(host, context, &args.engine, job)
}
