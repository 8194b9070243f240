//! `gosling apply` and `gosling destroy`

use std::path::PathBuf;

use clap::Args;
use gosling_engine::{Plan, PlanOptions};

use super::carry_out::{Shown, carry_out};
use super::plan::{RefreshFlag, TargetArgs};
use super::run_args::{OnFailureArg, RunArgs};
use crate::render::plan::Detail;
use crate::terminal::EngineArgs;
use crate::terminal::{Context, Exit};
use crate::{Failure, Host};
use gosling_deploy::{LARGEST, RunKind, read_named};

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
    /// A plan that `gosling plan -o` wrote: it is applied as it is, so no option may narrow or widen it
    #[arg(conflicts_with_all = ["targets", "replace", "refresh", "accept_cluster", "adopt"])]
    plan: Option<PathBuf>,
    /// What to do with completed changes if something fails or a runner does not come online
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = OnFailureArg::Keep)]
    on_failure: OnFailureArg,
    /// Take over what was made for this Nest and is not in its state, instead of stopping
    #[arg(long)]
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
    #[arg(long = "target", value_name = "ADDR", add = super::candidates::targets())]
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
    let saved_plan = match &args.plan {
        Some(path) => {
            let path = host.path(path);
            let bytes = read_named(&path, LARGEST)?;
            let plan = Plan::from_bytes(&bytes);
            let plan = plan.map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
            Some(Box::new(plan))
        }
        None => None,
    };
    let kind = RunKind::Apply {
        saved_plan,
        on_failure: args.on_failure.into(),
        adopt: args.adopt,
    };
    let options = args.options.options(false);
    let request = args.run.request(host, kind, options, args.options.refresh());
    let shown = Shown {
        accept_clusters: args.options.clusters(),
        skip_unreachable: false,
        detail: args.options.detail(),
        json: args.run.json,
    };
    carry_out(host, context, &args.engine, &request, &shown)
}

pub(crate) fn cmd_destroy(host: &mut Host, context: Context, args: &DestroyArgs) -> Result<Exit, Failure> {
    let options = PlanOptions {
        targets: args.targets.clone(),
        destroy: true,
        ..PlanOptions::default()
    };
    let request = args
        .run
        .request(host, RunKind::Destroy, options, args.refresh.refresh);
    let shown = Shown {
        accept_clusters: &args.refresh.clusters.accept_cluster,
        skip_unreachable: args.skip_unreachable,
        detail: Detail::Summary,
        json: args.run.json,
    };
    carry_out(host, context, &args.engine, &request, &shown)
}
