//! `gosling apply` and `gosling destroy`

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use gosling_engine::store::Locked;
use gosling_engine::{Applied, CallError, Plan};
use gosling_resource::Address;

use super::plan::{WishArgs, show};
use super::{Context, Exit};
use crate::engine::{EngineArgs, Looked, Progress, Session, Tempo, released, stopped};
use crate::render::preflight;
use crate::{Failure, Host, questions};

/// How a run goes about it.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Operations under way at once
    #[arg(long, value_name = "N", default_value_t = 10)]
    parallelism: usize,
    /// After a first Ctrl-C, how long what is under way may take: 25s, 2m
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = time)]
    grace: Duration,
    /// Whether to look first if it can be done (`gosling preflight`); --preflight=false goes ahead
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    preflight: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

/// A duration as Fly writes it.
fn time(text: &str) -> Result<Duration, String> {
    let duration: fly_typeck::domain::Duration =
        fly_typeck::domain::Duration::parse(text).map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(duration.as_millis()))
}

/// Make what is there what the Nest asks for
///
/// Settles what an earlier run left open, looks at what is there, shows the plan, asks, and carries it out. Killed at
/// any moment, the next run picks up: nothing is made twice, nothing is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling apply                    plan, ask, apply
  gosling apply --yes              in a pipeline
  gosling apply plan.json          exactly this plan, or nothing
  gosling apply --target egg.app   one egg and what it needs

Exit codes: 0 done, 1 failed or wrong use, 130 interrupted.")]
pub(crate) struct ApplyArgs {
    /// A plan that `gosling plan -o` wrote
    plan: Option<PathBuf>,
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Delete everything that was made for the Nest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling destroy                  plan, ask, delete
  gosling destroy --target egg.app one egg

Exit codes: 0 done, 1 failed or wrong use, 130 interrupted.")]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_apply(host: &mut Host, context: Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let file = match &args.plan {
        Some(path) => {
            let path = host.path(path);
            let bytes = std::fs::read(&path).map_err(Failure::file("read", &path))?;
            let plan = Plan::from_bytes(&bytes);
            Some(plan.map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?)
        }
        None => None,
    };
    carry_out(host, context, file, &args.wishes, &args.run, &args.engine, false)
}

pub(crate) fn cmd_destroy(host: &mut Host, context: Context, args: &DestroyArgs) -> Result<Exit, Failure> {
    carry_out(host, context, None, &args.wishes, &args.run, &args.engine, true)
}

fn carry_out(
    host: &mut Host,
    context: Context,
    file: Option<Plan>,
    wishes: &WishArgs,
    run: &RunArgs,
    engine: &EngineArgs,
    destroy: bool,
) -> Result<Exit, Failure> {
    if !run.yes && !host.interactive {
        let word = if destroy { "destroy" } else { "apply" };
        return Err(Failure::wrong_use(format!(
            "`gosling {word}` asks before it changes anything, and nobody is here to answer"
        ))
        .hint(format!(
            "`gosling {word} --yes` in a pipeline, after a look at `gosling plan`"
        )));
    }
    let Some(mut session) = Session::open(host, context, engine)? else {
        return Ok(Exit::Problems);
    };
    let command = if destroy {
        "gosling destroy"
    } else {
        "gosling apply"
    };
    let tempo = Tempo {
        parallelism: run.parallelism,
        grace: run.grace,
    };
    let runtime = super::runtime()?;
    let locked: Arc<dyn Locked> = runtime.block_on(session.lock(host, command))?.into();
    let outcome = runtime.block_on(async {
        let progress = Progress::default();
        let (stop, stopped) = tokio::sync::watch::channel(gosling_engine::Stop::No);
        let work = session.settle(&*locked, &progress, tempo, stopped.clone());
        let (state, settled) = progress.show(host, Some(&stop), work).await??;
        if *stopped.borrow() != gosling_engine::Stop::No {
            return Err(Failure::Interrupted(
                "stopped before anything new was begun".to_owned(),
            ));
        }
        if settled > 0 {
            host.say(format_args!(
                "settled {settled} operations that earlier runs left open"
            ))?;
        }
        let plan = match file {
            Some(plan) => {
                session.may_apply(&plan, &state)?;
                plan
            }
            None => {
                let wishes_ = wishes.wishes(destroy);
                let work = session.plan_from(&state, Vec::new(), &wishes_, wishes.refresh());
                progress.show(host, None, work).await??
            }
        };
        if !run.json {
            show(host, context, &plan, false)?;
        }
        let mut applied = if plan.is_empty() {
            Applied::nothing(state)
        } else {
            if run.preflight && !can_be_done(host, &session, &plan, &progress, run.json).await? {
                return Ok(Exit::Problems);
            }
            if !run.yes && !agreed(host, destroy, &locked)? {
                host.say("nothing was changed")?;
                return Ok(Exit::Problems);
            }
            let work = session.apply(&*locked, &plan, state, &progress, tempo, stopped);
            progress.show(host, Some(&stop), work).await??
        };
        let mut healthy = true;
        if applied.failed.is_empty() && !applied.interrupted && !destroy {
            let work = session.wait_until_online(&plan, &applied.state, &progress);
            match progress.show(host, None, work).await {
                Ok(health) => {
                    let health = health?;
                    healthy = health.healthy;
                    let work = session.put_seeds_away(&*locked, applied.state, &health.online, &progress);
                    applied.state = progress.show(host, None, work).await??;
                }
                Err(Failure::Interrupted(_)) => {
                    applied.interrupted = true;
                    host.say("stopped waiting; the next apply waits for them again")?;
                }
                Err(other) => return Err(other),
            }
        }
        report(host, &plan, &applied, healthy, run.json)?;
        Ok(if applied.interrupted {
            Exit::Interrupted
        } else if applied.failed.is_empty() && healthy {
            Exit::Clean
        } else {
            Exit::Problems
        })
    });
    runtime.block_on(released(&*locked, outcome))
}

/// Looks whether the plan can be carried out, and says what is in the way.
async fn can_be_done(
    host: &mut Host,
    session: &Session,
    plan: &Plan,
    progress: &Progress,
    json: bool,
) -> Result<bool, Failure> {
    let looked = session.preflight(plan, Looked::Changed);
    let services = progress.show(host, None, looked).await?;
    preflight::write_wrong(&services, &mut host.err)?;
    if preflight::tally(&services).failed == 0 {
        return Ok(true);
    }
    if json {
        let looked = preflight::json(&services);
        let result = serde_json::json!({ "planned": plan.counts(), "done": 0, "preflight": looked });
        writeln!(host.out, "{result:#}")?;
    }
    host.say("nothing was changed; `--preflight=false` goes on without these checks")?;
    Ok(false)
}

/// Asks whether to go on. Nothing is under way, so that Ctrl-C may end the process once the lock
/// is given back, and a second one on the spot; by itself it would not any more, since signals are heard by now.
fn agreed(host: &mut Host, destroy: bool, locked: &Arc<dyn Locked>) -> Result<bool, Failure> {
    let locked = Arc::clone(locked);
    let watch = tokio::spawn(async move {
        if stopped().await.is_ok() {
            tokio::select! {
                // Where this fails the lock stays, and names its holder to the next.
                _ = locked.release() => {}
                _ = stopped() => {}
            }
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    let words = if destroy {
        "Delete all of this?"
    } else {
        "Do this?"
    };
    let answer = questions::agreed(host, words);
    watch.abort();
    answer
}

/// What came of it.
fn report(host: &mut Host, plan: &Plan, applied: &Applied, healthy: bool, json: bool) -> Result<(), Failure> {
    let place = |address: &Address| {
        let change = plan.changes.iter().find(|change| change.address == *address);
        change
            .and_then(|change| change.origin.as_ref())
            .map(ToString::to_string)
    };
    if json {
        let failed: Vec<_> = applied
            .failed
            .iter()
            .map(|(address, verb, error)| {
                serde_json::json!({
                    "address": address, "origin": place(address), "verb": verb, "error": error.to_string(), "help": error.way_out(),
                    "outcome": if matches!(error, CallError::Failed { .. }) { "failed" } else { "unknown" },
                })
            })
            .collect();
        let skipped: Vec<_> = applied
            .skipped
            .iter()
            .map(|(address, because)| serde_json::json!({ "address": address, "because": because }))
            .collect();
        let open: Vec<_> = applied
            .open
            .iter()
            .map(|operation| operation.op.clone())
            .collect();
        let result = serde_json::json!({
            "planned": plan.counts(), "done": applied.done, "failed": failed, "skipped": skipped,
            "open": open, "interrupted": applied.interrupted, "online": healthy, "serial": applied.state.serial,
        });
        writeln!(host.out, "{result:#}")?;
        return Ok(());
    }
    for (address, verb, error) in &applied.failed {
        let place = place(address).map(|place| format!(" ({place})"));
        host.say(format_args!(
            "error: {verb} {address}{}: {error}",
            place.unwrap_or_default()
        ))?;
        if let Some(help) = error.way_out() {
            host.say(format_args!("  help: {help}"))?;
        }
    }
    for operation in &applied.open {
        let (verb, address) = (operation.verb, &operation.address);
        host.say(format_args!(
            "open: what became of the {verb} of {address} is not known; the next apply settles it"
        ))?;
    }
    if plan.is_empty() {
        return Ok(());
    }
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
