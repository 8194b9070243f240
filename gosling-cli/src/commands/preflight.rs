//! `gosling preflight`

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use fly_domain::Target;
use gosling_engine::{Outcome, Plan, PlanOptions, Service};
use gosling_providers::reach::{self, reach};

use crate::render::preflight as render;
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Progress, open_session};
use crate::{Failure, Host};
use gosling_deploy::{LARGEST, read_named};
use gosling_deploy::{Looked, Session, Unseen, authority};

/// Check whether a plan can be applied, without changing anything
///
/// Checks of each service that it can be reached, that its certificate and token are valid, that the token may make every
/// call of the plan, and that there is room for what will be created. `gosling apply` runs the same checks before its
/// first change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling preflight                 could `gosling apply` do it?
  gosling preflight nest.plan       could it do exactly this plan?
  gosling preflight --role          the least rights that the Nest needs, ready to paste
  gosling preflight --json
  gosling preflight --inside        in a job: does it reach what the egg's `health_check` names?
  gosling preflight --inside db.internal:5432 'https://npm.internal/-/whoami NPM_TOKEN'

Exit codes: 0 no failures; 1 something failed, or wrong use; with --warn-exit-code N, N for failures and warnings.")]
pub(crate) struct PreflightArgs {
    /// A plan that `gosling plan -o` wrote; with --inside, what to reach: host:port, tls://host:port or
    /// 'https://host/path VARIABLE_WITH_CREDENTIALS'
    #[arg(value_name = "PLAN|TARGET")]
    operands: Vec<String>,
    /// In a job: check that this machine reaches the services named here and in POLAR_GOSLING_REACH; needs no Nest
    #[arg(long, conflicts_with_all = ["role", "targets", "destroy"])]
    inside: bool,
    /// With --inside, the exit code for failures and warnings, for `allow_failure: exit_codes`
    #[arg(long, value_name = "N", requires = "inside", value_parser = clap::value_parser!(u8).range(2..=125))]
    warn_exit_code: Option<u8>,
    /// Print the least rights that the whole Nest, or the given plan, needs: commands for a Proxmox VE node, scopes and
    /// roles for GitLab
    #[arg(long)]
    role: bool,
    /// Only this and what it needs: egg.app, egg.app.vm, 'egg.app.vm[0]'
    #[arg(long = "target", value_name = "ADDR", add = super::candidates::targets())]
    targets: Vec<String>,
    /// Check whether everything can be deleted
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
    if args.inside {
        return inside(host, context, args);
    }
    if let [_, more, ..] = args.operands.as_slice() {
        return Err(Failure::wrong_use(format!(
            "one plan at a time: `{more}` is one too many"
        )));
    }
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        let progress = Progress::of(session.notices());
        let plan = match args.operands.first() {
            Some(_) if !args.targets.is_empty() || args.destroy => {
                return Err(Failure::wrong_use(
                    "a saved plan is checked as it is: `--target` and `--destroy` are for a new plan",
                ));
            }
            Some(path) => {
                let path = host.path(path);
                let bytes = read_named(&path, LARGEST)?;
                let plan = Plan::from_bytes(&bytes)
                    .map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
                let (state, open) = session.at.peek().await?;
                session.may_apply(&plan, &state, &open)?;
                plan
            }
            None => {
                let options = PlanOptions {
                    targets: args.targets.clone(),
                    destroy: args.destroy,
                    ..PlanOptions::default()
                };
                let seen = if args.role { Unseen::Whole } else { Unseen::Next };
                progress
                    .show(host, None, session.plan_unseen(&options, seen))
                    .await??
            }
        };
        if args.role {
            let rights = progress.show(host, None, session.rights(&plan)).await?;
            return role(host, &session, &rights);
        }
        for unlisted in session.unlisted() {
            host.say(format_args!(
                "warning: {}; apply leaves {} as it is",
                unlisted.words(),
                unlisted.blocks.join(", ")
            ))?;
        }
        let looked = session.preflight(&plan, Looked::All);
        let services = progress.show(host, None, looked).await?;
        if host.asked.json {
            host.document(render::json(&services))?;
        } else {
            render::write(&services, context.out, &mut host.out)?;
        }
        Ok(match worst(&services) {
            Outcome::Failed => Exit::Problems,
            _ => Exit::Clean,
        })
    })
}

fn worst(services: &[Service]) -> Outcome {
    let findings = services.iter().flat_map(|service| &service.findings);
    let outcomes = findings.map(|finding| finding.outcome);
    outcomes.max().unwrap_or(Outcome::Ok)
}

/// The variable in which a runner's jobs find what they have to reach.
const REACH: &str = "POLAR_GOSLING_REACH";

/// `--inside`: from the machine that a job runs on.
fn inside(host: &mut Host, context: Context, args: &PreflightArgs) -> Result<Exit, Failure> {
    let named = host.environment.variables.get(REACH).cloned().unwrap_or_default();
    let texts = args.operands.iter().map(String::as_str).chain(named.split(','));
    let texts: BTreeSet<&str> = texts.map(str::trim).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Err(
            Failure::wrong_use(format!("no target is given, and {REACH} is not set"))
                .hint("name some (`gosling preflight --inside db.internal:5432`), or give the egg `health_check { reach = [...] }` and apply"),
        );
    }
    let targets = texts
        .into_iter()
        .map(target)
        .collect::<Result<Vec<reach::Target>, Failure>>()?;
    let extra_ca = authority(&host.environment)?;
    let services = crate::terminal::block_on(async {
        let progress = Progress::default();
        let environment = host.environment.variables.clone();
        let work = async {
            let mut services = Vec::new();
            for target in &targets {
                services.push(Service {
                    service: target.text.clone(),
                    findings: reach(target, &environment, extra_ca.as_deref()).await,
                });
            }
            services
        };
        progress.show(host, None, work).await
    })?;
    if host.asked.json {
        host.document(render::json(&services))?;
    } else {
        render::write(&services, context.out, &mut host.out)?;
    }
    Ok(match (worst(&services), args.warn_exit_code) {
        (Outcome::Ok, _) | (Outcome::Warning, None) => Exit::Clean,
        (_, Some(code)) => Exit::Asked(code),
        (Outcome::Failed, None) => Exit::Problems,
    })
}

/// Reads a target by the rule that the Nest's `reach` is checked by.
fn target(text: &str) -> Result<reach::Target, Failure> {
    let target = Target::parse(text).map_err(|malformed| {
        let shown = malformed.shown.as_deref().unwrap_or(text);
        Failure::wrong_use(format!("`{shown}` is not a target: {malformed}"))
            .hint("write host:port, tls://host:port or 'https://host/path VARIABLE_WITH_CREDENTIALS'")
    })?;
    Ok(reach::Target {
        text: target.address().to_owned(),
        host: target.host().to_owned(),
        port: target.port(),
        tls: target.tls(),
        path: target.path(),
        variable: target.variable().map(str::to_owned),
    })
}

fn role(host: &mut Host, session: &Session, rights: &[(String, String)]) -> Result<Exit, Failure> {
    if rights.is_empty() {
        host.say("the plan changes nothing, so it needs no rights")?;
    }
    if host.asked.json {
        let rights = rights.iter();
        let rights =
            rights.map(|(service, rights)| serde_json::json!({ "service": service, "rights": rights }));
        host.document(serde_json::json!({ "roles": rights.collect::<Vec<_>>() }))?;
    }
    let shown = if host.asked.json { &[] } else { rights };
    for (at, (service, rights)) in shown.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        writeln!(host.out, "{gap}# {service}\n{}", rights.trim_end())?;
    }
    let scopes = |rights: &str| rights.contains("scopes:") && !rights.contains("`api`");
    if rights.iter().any(|(_, rights)| scopes(rights)) {
        host.say(
            "`gosling smoke` starts a pipeline: for that, the token in GitLab needs the scope `api` too",
        )?;
    }
    for unlisted in session.unlisted() {
        let group = unlisted.group;
        host.say(format_args!(
            "GitLab could not be asked for the projects of group {group}: for webhooks there, its token needs the scope `api`"
        ))?;
    }
    Ok(Exit::Clean)
}
