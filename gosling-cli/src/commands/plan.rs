//! `gosling plan`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use gosling_engine::{Plan, PlanOptions};

use crate::output::{self, Kind};
use crate::render::plan::{self as render, Detail};
use crate::render::{moved, plan_json, preflight, rollout};
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Progress, open_session};
use crate::{Failure, Host};

/// What a plan is narrowed to or widened by.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TargetArgs {
    /// Plan only this and what it needs (with --destroy: and what needs it): egg.app, egg.app.vm, 'egg.app.vm[0]'
    #[arg(long = "target", value_name = "ADDR", add = super::candidates::targets())]
    targets: Vec<String>,
    /// Replace this although nothing else requires it
    #[arg(long, value_name = "ADDR", add = super::candidates::addresses())]
    replace: Vec<String>,
    #[command(flatten)]
    refresh: RefreshFlag,
    #[command(flatten)]
    detail: DetailFlag,
}

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct DetailFlag {
    /// Show each change by itself, instead of equal ones of an egg once
    #[arg(long)]
    full: bool,
}

impl DetailFlag {
    pub(crate) fn detail(self) -> Detail {
        match self.full {
            true => Detail::Full,
            false => Detail::Summary,
        }
    }
}

/// Whether to look at what is there.
#[derive(Debug, Clone, Args)]
pub(crate) struct RefreshFlag {
    /// Read what is there before planning; --refresh=false trusts the state
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    #[command(flatten)]
    pub(crate) clusters: ClusterFlag,
}

/// Which clusters are believed.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ClusterFlag {
    /// Believe that machines are gone although another Proxmox VE cluster answers: proxmox, proxmox.lab
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) accept_cluster: Vec<String>,
}

impl Default for RefreshFlag {
    fn default() -> Self {
        Self {
            refresh: true,
            clusters: ClusterFlag::default(),
        }
    }
}

impl TargetArgs {
    /// For the engine.
    pub(crate) fn options(&self, destroy: bool) -> PlanOptions {
        PlanOptions {
            targets: self.targets.clone(),
            replace: self.replace.clone(),
            destroy,
        }
    }

    /// How much of the plan is shown.
    pub(crate) fn detail(&self) -> Detail {
        self.detail.detail()
    }

    /// Whether to look at what is there.
    pub(crate) fn refresh(&self) -> bool {
        self.refresh.refresh
    }

    /// The clusters that are believed whatever they are.
    pub(crate) fn clusters(&self) -> &[String] {
        &self.refresh.clusters.accept_cluster
    }
}

/// Show what apply would change, without changing anything
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling plan                                  what would change
  gosling plan -o nest.plan                     save it for `gosling apply nest.plan`
  gosling plan --detailed-exitcode              exit code 2 if something would change
  gosling plan --target egg.app                 one egg and what it needs
  gosling plan --report gitlab=plan-report.json the numbers for a merge request's widget

Exit codes: 0 done, 1 failed or wrong use, 2 changes pending (with --detailed-exitcode).")]
pub(crate) struct PlanArgs {
    /// Save the plan to this file
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    options: TargetArgs,
    /// Plan to delete everything
    #[arg(long, conflicts_with = "replace")]
    destroy: bool,
    /// Exit with 2 if something would change
    #[arg(long)]
    detailed_exitcode: bool,
    /// Write a report: gitlab=FILE is for artifacts:reports:terraform
    #[arg(long, value_name = "gitlab=FILE")]
    report: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_plan(host: &mut Host, context: Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let report = args.report.as_deref().map(gitlab_report).transpose()?;
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    session.accept_clusters(args.options.clusters())?;
    let folder = session.at.store.folder();
    for (path, kind) in [(&args.out, Kind::Plan), (&report, Kind::Report)] {
        if let Some(path) = path {
            output::may_write(host, path, kind, folder.clone())?;
        }
    }
    crate::terminal::block_on(async {
        let progress = Progress::of(session.notices());
        let options = args.options.options(args.destroy);
        let work = session.plan(&progress, &options, args.options.refresh());
        let plan = progress.show(host, None, work).await??;
        show(host, context, &plan, args.options.detail(), args.json)?;
        if !args.json && !plan.rollouts().is_empty() {
            let (state, _) = session.at.peek().await?;
            let jobs = session.jobs(&plan, &state, false).await;
            for line in rollout::lines(&plan, &jobs) {
                writeln!(host.out, "{line}")?;
            }
        }
        for hint in moved::hints(&plan) {
            host.say(hint)?;
        }
        if let Some(note) = session.without_effect() {
            host.say(note)?;
        }
        if let Some(words) = session.at.fresh_start_warning(&plan) {
            host.say(words)?;
        }
        if let Some(warning) = session.at.audit_warning(plan.serial > 0).await? {
            host.say(warning)?;
        }
        if let Some(freeze) = session.at.frozen().await? {
            host.say(format_args!("apply would be refused: {freeze}"))?;
        }
        let mut findings = session.secrets_of(&plan).await;
        if plan.serial == 0 {
            // What an earlier run created is there still, where its state was lost.
            findings.extend(
                session
                    .twice(&plan)
                    .await
                    .0
                    .into_iter()
                    .map(|(_, finding)| finding),
            );
        }
        for message in preflight::would_fail(&findings) {
            host.say(message)?;
        }
        if let Some(path) = &args.out {
            let path = output::write(host, path, Kind::Plan, folder.clone(), &plan.to_bytes())?;
            host.done(format_args!(
                "the plan is in {0}: `gosling apply {0}`",
                path.display()
            ))?;
        }
        if let Some(path) = report {
            let path = output::may_write(host, &path, Kind::Report, folder)?;
            write_report(&path, &plan)?;
        }
        let pending = args.detailed_exitcode && !plan.is_empty();
        Ok(if plan.is_partial() {
            Exit::Problems
        } else if pending {
            Exit::PENDING
        } else {
            Exit::Clean
        })
    })
}

/// Shows a plan, for people or as JSON.
pub(crate) fn show(
    host: &mut Host,
    context: Context,
    plan: &Plan,
    detail: Detail,
    json: bool,
) -> Result<(), Failure> {
    if json {
        host.document(serde_json::json!({ "digest": plan.digest(), "plan": plan_json::plan(plan) }))?;
    } else {
        render::write(plan, context.out, detail, &mut host.out)?;
    }
    host.out.flush()?;
    Ok(())
}

fn gitlab_report(text: &str) -> Result<PathBuf, Failure> {
    match text.split_once('=') {
        Some(("gitlab", file)) if !file.is_empty() => Ok(PathBuf::from(file)),
        _ => Err(
            Failure::wrong_use(format!("--report {text}: there is no such report"))
                .hint("write --report gitlab=FILE"),
        ),
    }
}

/// What GitLab's merge request widget reads: a replacement is one made and one deleted.
fn write_report(path: &std::path::Path, plan: &Plan) -> Result<(), Failure> {
    let counts = plan.counts();
    let report = serde_json::json!({
        "create": counts.create + counts.replace,
        "update": counts.update,
        "delete": counts.delete + counts.replace,
    });
    std::fs::write(path, format!("{report}\n")).map_err(Failure::file("write", path))
}
