//! `gosling preflight`

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use gosling_engine::{Outcome, Plan, Wishes};

use super::{Context, Exit};
use crate::engine::{EngineArgs, Looked, Progress, Session, Unseen};
use crate::render::preflight as render;
use crate::{Failure, Host};

/// Look whether a plan can be carried out; only reads
///
/// Asks each service whether it can be reached and believed, whether its token is good and allowed every call that the
/// plan makes, and whether there is room for what will be made. `gosling apply` does the same before its first change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling preflight                 could `gosling apply` do it?
  gosling preflight plan.json       could it do exactly this plan?
  gosling preflight --role          the least rights that the Nest needs, ready to paste
  gosling preflight --json

Exit codes: 0 fine, or only warnings; 1 something failed, or wrong use.")]
pub(crate) struct PreflightArgs {
    /// A plan that `gosling plan -o` wrote
    plan: Option<PathBuf>,
    /// Print the least rights that it takes to make all of the Nest, or to carry out the plan: commands for a Proxmox
    /// VE node, scopes and roles for GitLab
    #[arg(long, conflicts_with = "json")]
    role: bool,
    /// As JSON; docs/guides/preflight.md says how it is made
    #[arg(long)]
    json: bool,
    /// Only this and what it needs: egg.app, egg.app.vm, egg.app.vm[0]
    #[arg(long = "target", value_name = "ADDR")]
    targets: Vec<String>,
    /// Look whether everything can be deleted
    #[arg(long)]
    destroy: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_preflight(
    host: &mut Host,
    context: Context,
    args: &PreflightArgs,
) -> Result<Exit, Failure> {
    let Some(mut session) = Session::open(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    super::block_on(async {
        let progress = Progress::default();
        let plan = match &args.plan {
            Some(path) => {
                let path = host.path(path);
                let bytes = std::fs::read(&path).map_err(Failure::file("read", &path))?;
                let plan = Plan::from_bytes(&bytes)
                    .map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
                let (state, _) = session.at.peek().await?;
                session.may_apply(&plan, &state)?;
                plan
            }
            None => {
                let wishes = Wishes {
                    targets: args.targets.clone(),
                    destroy: args.destroy,
                    ..Wishes::default()
                };
                let seen = if args.role { Unseen::Whole } else { Unseen::Next };
                progress
                    .show(host, None, session.plan_unseen(&wishes, seen))
                    .await??
            }
        };
        if args.role {
            let rights = progress.show(host, None, session.rights(&plan)).await?;
            return role(host, &session, &rights);
        }
        let looked = session.preflight(&plan, Looked::All);
        let services = progress.show(host, None, looked).await?;
        if args.json {
            writeln!(host.out, "{:#}", render::json(&services))?;
        } else {
            render::write(&services, context.out, &mut host.out)?;
        }
        let findings = services.iter().flat_map(|service| &service.findings);
        let worst = findings.map(|finding| finding.outcome).max();
        Ok(match worst {
            Some(Outcome::Failed) => Exit::Problems,
            _ => Exit::Clean,
        })
    })
}

fn role(host: &mut Host, session: &Session, rights: &[(String, String)]) -> Result<Exit, Failure> {
    if rights.is_empty() {
        host.say("the plan changes nothing, so that it needs no rights")?;
    }
    for (at, (service, rights)) in rights.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        writeln!(host.out, "{gap}# {service}\n{}", rights.trim_end())?;
    }
    for group in session.groups_not_asked() {
        host.say(format_args!(
            "GitLab could not be asked for the projects of group {group}: for webhooks there, its token needs the scope `api`"
        ))?;
    }
    Ok(Exit::Clean)
}
