//! `gosling lock`, `gosling freeze`, `gosling audit`: what a team needs that deploys from several places.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use gosling_engine::audit::{self, Ending, Event, Gap, Line};
use gosling_engine::fence::Unfenced;
use gosling_engine::freeze::{self, Freeze};

use crate::render::counted;
use crate::terminal::Exit;
use crate::terminal::{EngineArgs, failure};
use crate::{Failure, Host};
use gosling_deploy::{StateLocation, at, holder, now};

/// Show who holds the lock of the state, since when, and from which pipeline
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling lock
  gosling lock --json
  gosling apply --yes --wait=10m   wait for the current holder
  gosling unlock                   take it over from a holder that is gone")]
pub(crate) struct LockArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Stop all changes for a while
///
/// During a freeze, no command changes a resource, a secret or the state; plan still works.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling freeze                                   whether there is one
  gosling freeze --reason \"release week\"           until somebody lifts it
  gosling freeze --reason \"maintenance\" --for 4h   ends by itself
  gosling freeze --lift
  gosling apply --during-freeze \"fix for the outage\"")]
pub(crate) struct FreezeArgs {
    /// The reason, shown to everybody who is refused
    #[arg(long, value_parser = super::run_args::reason)]
    reason: Option<String>,
    /// How long: 4h, 2d [default: until it is lifted]
    #[arg(long = "for", value_name = "TIME", value_parser = some_time, requires = "reason")]
    length: Option<Duration>,
    /// End the freeze
    #[arg(long, conflicts_with = "reason")]
    lift: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// How long a freeze holds.
fn some_time(text: &str) -> Result<Duration, String> {
    match super::run_args::time(text)? {
        Duration::ZERO => Err("a freeze of no length would end at once: write 4h, 2d".to_owned()),
        length => Ok(length),
    }
}

/// Show who changed what, or verify that log
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  gosling audit                      the last 20 lines
  gosling audit -n 100 --json
  gosling audit verify               find a line that was changed, removed or moved
  gosling audit verify --head DIGEST and whether lines after this one were cut off

Exit codes: 0 done, 1 the log does not hold, or wrong use."
)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    /// How many lines, from the last
    #[arg(short, value_name = "N", default_value_t = 20)]
    number: usize,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Verify that no line was changed, removed or moved, and print the last line's digest
    Verify {
        /// A digest that you saved earlier: its line must still be there
        #[arg(long, value_name = "DIGEST")]
        head: Option<String>,
        #[command(flatten)]
        engine: EngineArgs,
    },
}

pub(crate) fn cmd_lock(host: &mut Host, args: &LockArgs) -> Result<Exit, Failure> {
    crate::terminal::block_on(async {
        let at = StateLocation::as_stored(&host.environment, &args.engine.workspace(host)?).await?;
        at.has_not_moved().await?;
        let holder = at.store.held_by().await?;
        if args.json {
            host.document(serde_json::json!({ "holder": holder }))?;
            return Ok(Exit::Clean);
        }
        match holder {
            Some(holder) => writeln!(host.out, "held by {holder}")?,
            None => writeln!(host.out, "the lock of {} is free", at.store.place())?,
        }
        Ok(Exit::Clean)
    })
}

pub(crate) fn cmd_freeze(host: &mut Host, args: &FreezeArgs) -> Result<Exit, Failure> {
    const COMMAND: &str = "gosling freeze";
    const LIFTED: &str = "the freeze is lifted";
    crate::terminal::block_on(async {
        let place = StateLocation::as_stored(&host.environment, &args.engine.workspace(host)?).await?;
        place.has_not_moved().await?;
        if args.lift || args.reason.is_some() {
            place.is_of_this_nest().await?;
        }
        // One that cannot be read is lifted and replaced too.
        let before = place.frozen().await;
        let lifted = args.lift && !matches!(before, Ok(None));
        if lifted {
            place
                .note(&host.environment, COMMAND, LIFTED.to_owned(), &Unfenced)
                .await?;
            freeze::write(&*place.store, None).await?;
        } else if let Some(reason) = &args.reason {
            let who = holder(&host.environment, COMMAND);
            let freeze = Freeze {
                by: format!("{}@{}", who.user, who.host),
                since: now(),
                reason: reason.clone(),
                until: args.length.map(at),
            };
            place
                .note(&host.environment, COMMAND, freeze.to_string(), &Unfenced)
                .await?;
            freeze::write(&*place.store, Some(&freeze)).await?;
            if let Ok(Some(before)) = before {
                host.say(format_args!("this replaces an earlier freeze: {before}"))?;
            }
            if let Some(holder) = place.store.held_by().await? {
                host.say(format_args!(
                    "{holder} holds the lock: what has begun there goes on, and what has not is refused"
                ))?;
            }
        }
        let freeze = place.frozen().await?;
        if args.json {
            host.document(serde_json::json!({ "freeze": freeze }))?;
            return Ok(Exit::Clean);
        }
        match freeze {
            Some(freeze) => writeln!(host.out, "{freeze}")?,
            None if lifted => writeln!(host.out, "{LIFTED}")?,
            None => writeln!(host.out, "there is no freeze")?,
        }
        Ok(Exit::Clean)
    })
}

pub(crate) fn cmd_audit(host: &mut Host, args: &AuditArgs) -> Result<Exit, Failure> {
    crate::terminal::block_on(async {
        let engine = match &args.command {
            Some(AuditCommand::Verify { engine, .. }) => engine,
            None => &args.engine,
        };
        let place = StateLocation::as_stored(&host.environment, &engine.workspace(host)?).await?;
        place.has_not_moved().await?;
        let bytes = audit::read(&*place.store).await;
        let bytes = bytes?;
        if let Some(AuditCommand::Verify { head, .. }) = &args.command {
            let verified = audit::verify(&bytes, head.as_deref()).map_err(failure)?;
            if verified.lines == 0 && place.store.peek().await?.state.is_some() {
                let gap = Gap::Missing(place.store.place());
                return Err(failure(&gap).hint(gap.way_out()));
            }
            let cut = match verified.first {
                1 => String::new(),
                first => format!("; lines before {first} were cut off"),
            };
            if host.asked.json {
                host.document(serde_json::json!({
                    "lines": verified.lines, "first": verified.first, "head": verified.head.to_string(),
                }))?;
                return Ok(Exit::Clean);
            }
            writeln!(
                host.out,
                "{} lines verified{cut}\nhead {}",
                verified.lines, verified.head
            )?;
            return Ok(Exit::Clean);
        }
        let lines = audit::lines(&bytes);
        let last = &lines[lines.len().saturating_sub(args.number)..];
        for line in last {
            if host.asked.json {
                let text = serde_json::to_string(line).map_err(failure)?;
                writeln!(host.out, "{text}")?;
            } else {
                writeln!(host.out, "{}", gosling_resource::on_one_line(&format_line(line)))?;
            }
        }
        if lines.is_empty() {
            host.say("nothing was changed yet")?;
        }
        Ok(Exit::Clean)
    })
}

/// A line for people.
fn format_line(line: &Line) -> String {
    let what = match &line.event {
        Event::Began {
            serial,
            planned,
            during_freeze,
            ..
        } => {
            let planned = planned.map_or_else(
                || "recovers what earlier runs left open".to_owned(),
                |planned| {
                    format!(
                        "begins: {} to create, {} to change, {} to replace, {} to delete",
                        planned.create, planned.update, planned.replace, planned.delete
                    )
                },
            );
            let freeze = during_freeze
                .as_ref()
                .map(|why| format!(", during a freeze: {why}"));
            format!("{planned}, from serial {serial}{}", freeze.unwrap_or_default())
        }
        Event::Ended {
            result,
            serial,
            done,
            failed,
        } => {
            let result = match result {
                Ending::Done => "done",
                Ending::Failed => "failed",
                Ending::RolledBack => "failed and undone",
                Ending::Interrupted => "interrupted",
                Ending::Unknown => "open: the outcome of some operations is unknown",
                Ending::CutOff => "an earlier run was cut off before it recorded its end",
            };
            let serial = serial
                .map(|serial| format!(", serial {serial}"))
                .unwrap_or_default();
            format!(
                "{result} ({}, {failed} failed{serial})",
                counted(*done, "operation")
            )
        }
        Event::Noted { what } => what.clone(),
    };
    let pipeline = line.pipeline.as_ref().map(|pipeline| format!(" in {pipeline}"));
    format!(
        "{} {} {} `{}`{}: {what}",
        line.number,
        line.at,
        line.by,
        line.command,
        pipeline.unwrap_or_default()
    )
}
