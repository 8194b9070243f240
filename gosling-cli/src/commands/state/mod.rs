//! `gosling state`, `gosling show`, `gosling unlock`

mod abandon;
mod forget;
mod migrate;
mod rename;
mod repair;
mod rotate;
mod transfer;
mod unlock;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use gosling_engine::journal::Entry;
use gosling_engine::{Held, Lease, Plan, State, recover};
use gosling_resource::Address;

pub(crate) use unlock::{UnlockArgs, cmd_unlock};

use self::abandon::AbandonArgs;
use self::forget::ForgetArgs;
use self::migrate::MigrateArgs;
use self::rename::RenameArgs;
use self::repair::RepairArgs;
use self::rotate::RotateArgs;
use self::transfer::{PullArgs, PushArgs};
use crate::render::{counted, plan as render, plan_json, unit};
use crate::terminal::{Context, Exit, block_on};
use crate::terminal::{EngineArgs, failure, under_lock};
use crate::{Failure, Host};
use gosling_deploy::{LARGEST, read_named};
use gosling_deploy::{StateLocation, holder};

/// What is said of a state that has nothing in it.
const EMPTY: &str = "the state has no resources";

/// Show the state, and correct it by hand
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state list                                every resource
  gosling state show egg.app.runner                 one of them
  gosling state mv 'egg.app.vm[1]' 'egg.app.vm[0]'  another address; nothing outside changes
  gosling state rm egg.app                          forget an egg without deleting anything
  gosling state history                             the states before this one
  gosling state abandon 'egg.app.vm[0]'             give up an operation that cannot be finished
  gosling state repair                              go on after the state or the journal was damaged or lost
  gosling state pull -o state.json                  the state as JSON
  gosling state push state.json                     that state in place of the present one
  gosling state migrate --from local                move it to where the `state` block says
  gosling state rotate                              encrypt it for the present recipients")]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// Every resource and its id
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        engine: EngineArgs,
    },
    /// One resource with everything known of it
    Show {
        /// Which: egg.app.runner
        #[arg(add = crate::commands::candidates::addresses())]
        address: Address,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        engine: EngineArgs,
    },
    Mv(RenameArgs),
    Rm(ForgetArgs),
    /// The states before this one, latest first
    History {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        engine: EngineArgs,
    },
    Abandon(AbandonArgs),
    Repair(RepairArgs),
    Pull(PullArgs),
    Push(PushArgs),
    Migrate(MigrateArgs),
    Rotate(RotateArgs),
}

/// Show a saved plan, or the state
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling show nest.plan           a plan as people read it
  gosling show nest.plan --json
  gosling show                     everything that was made")]
pub(crate) struct ShowArgs {
    /// A plan file; without it, or with the word `state`, the state
    what: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    detail: crate::commands::plan::DetailFlag,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_state(host: &mut Host, args: &StateArgs) -> Result<Exit, Failure> {
    block_on(async {
        match &args.command {
            StateCommand::List { json, engine } => list(host, &peek(host, engine).await?, *json),
            StateCommand::Show {
                address,
                json,
                engine,
            } => {
                let state = peek(host, engine).await?;
                let held = held(&state, address)?;
                show_one(host, address, held, *json)
            }
            StateCommand::Mv(args) => rename::rename(host, args).await,
            StateCommand::Rm(args) => forget::forget(host, args).await,
            StateCommand::History { json, engine } => history(host, engine, *json).await,
            StateCommand::Abandon(args) => abandon::abandon(host, args).await,
            StateCommand::Repair(args) => repair::repair(host, args).await,
            StateCommand::Pull(args) => transfer::pull(host, args).await,
            StateCommand::Push(args) => transfer::push(host, args).await,
            StateCommand::Rotate(args) => rotate::rotate(host, args).await,
            StateCommand::Migrate(args) => migrate::migrate_state(host, args).await,
        }
    })
}

pub(crate) fn cmd_show(host: &mut Host, context: Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let file = args.what.as_ref().filter(|what| what.as_os_str() != "state");
    let Some(file) = file else {
        return block_on(async {
            let state = peek(host, &args.engine).await?;
            if args.json {
                let resources = state.resources.iter();
                let resources: serde_json::Map<_, _> = resources
                    .map(|(address, held)| (address.to_string(), plan_json::held(held)))
                    .collect();
                host.document(serde_json::json!({ "serial": state.serial, "lineage": state.lineage, "resources": resources }))?;
                return Ok(Exit::Clean);
            }
            for (address, held) in &state.resources {
                show_one(host, address, held, false)?;
            }
            if state.resources.is_empty() {
                host.say(EMPTY)?;
                return Ok(Exit::Clean);
            }
            host.say(format_args!(
                "{}, serial {}",
                counted(state.resources.len(), "resource"),
                state.serial
            ))?;
            Ok(Exit::Clean)
        });
    };
    let path = host.path(file);
    let bytes = read_named(&path, LARGEST)?;
    let plan = Plan::from_bytes(&bytes);
    let plan = plan.map_err(|error| Failure::wrong_use(format!("{}: {error}", path.display())))?;
    crate::commands::plan::show(host, context, &plan, args.detail.detail(), args.json)?;
    Ok(Exit::Clean)
}

/// The state as it is, outcomes of the journal taken in.
async fn peek(host: &Host, engine: &EngineArgs) -> Result<State, Failure> {
    let at = StateLocation::find(&host.environment, &engine.workspace(host)?).await?;
    let (state, _) = at.peek().await?;
    Ok(state)
}

fn held<'s>(state: &'s State, address: &Address) -> Result<&'s Held, Failure> {
    state.resources.get(address).ok_or_else(|| {
        Failure::wrong_use(format!("{address} is not in the state"))
            .hint("`gosling state list` shows what is")
    })
}

fn list(host: &mut Host, state: &State, json: bool) -> Result<Exit, Failure> {
    if json {
        let list: Vec<_> = state
            .resources
            .iter()
            .map(|(address, held)| serde_json::json!({ "address": address, "kind": held.kind, "provider": held.provider, "id": held.id }))
            .collect();
        host.document(serde_json::json!({ "resources": list }))?;
        return Ok(Exit::Clean);
    }
    let width = state
        .resources
        .keys()
        .map(|address| address.to_string().len())
        .max()
        .unwrap_or(0);
    for (address, held) in &state.resources {
        let address = address.to_string();
        writeln!(host.out, "{address:width$}  {} {}", held.kind, held.id)?;
    }
    if state.resources.is_empty() {
        host.say(EMPTY)?;
    }
    Ok(Exit::Clean)
}

fn show_one(host: &mut Host, address: &Address, held: &Held, json: bool) -> Result<Exit, Failure> {
    if json {
        host.document(serde_json::json!({ "address": address, "resource": plan_json::held(held) }))?;
        return Ok(Exit::Clean);
    }
    writeln!(host.out, "{address} ({}) at {}", held.kind, held.provider)?;
    writeln!(host.out, "  id: {}", held.id)?;
    if let Some(origin) = &held.origin {
        writeln!(host.out, "  from: {origin}")?;
    }
    for (name, value) in &held.properties {
        writeln!(
            host.out,
            "  {name} = {}",
            render::shown(value, unit(&held.kind, name))
        )?;
    }
    let needs: BTreeSet<String> = held.depends_on.iter().map(ToString::to_string).collect();
    if !needs.is_empty() {
        writeln!(
            host.out,
            "  needs: {}",
            needs.into_iter().collect::<Vec<_>>().join(", ")
        )?;
    }
    Ok(Exit::Clean)
}

/// Changes the state under its lock, unless an open operation is `concerned`.
async fn change(
    host: &mut Host,
    engine: &EngineArgs,
    command: &str,
    words: &str,
    concerned: impl Fn(&Entry) -> bool,
    change: impl FnOnce(&mut State) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let at = StateLocation::find(&host.environment, &engine.workspace(host)?).await?;
    // A state that is missing or old is not changed by hand: that would make it look like the latest.
    at.peek().await?;
    let work = async |host: &mut Host, lease: &Lease, mut state: State, open: &[Entry]| {
        change(&mut state)?;
        at.note_by_hand(&host.environment, command, state.serial, lease)
            .await?;
        let settled = recover::settle(&**lease.locked(), state, &recover::ops(open)).await;
        settled.map_err(failure)?;
        host.done(words)?;
        Ok(Exit::Clean)
    };
    settled(host, &at, command, concerned, work).await
}

/// Work on the state under its lock. An open operation that is `concerned` goes first: `gosling apply` recovers it.
async fn settled<T>(
    host: &mut Host,
    at: &StateLocation,
    command: &str,
    concerned: impl Fn(&Entry) -> bool,
    work: impl AsyncFnOnce(&mut Host, &Lease, State, &[Entry]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let who = holder(&host.environment, command);
    at.may_be_edited().await?;
    under_lock(host, at, &who, async |host, lease| {
        let snapshot = lease.locked().load().await?;
        let (state, open) = at.read(&snapshot)?;
        match open.iter().find(|entry| concerned(entry)) {
            None => work(host, lease, state, &open).await,
            Some(entry) => Err(gosling_deploy::still_open(entry).into()),
        }
    })
    .await
}

/// What rollback can go back to.
async fn history(host: &mut Host, engine: &EngineArgs, json: bool) -> Result<Exit, Failure> {
    let at = StateLocation::find(&host.environment, &engine.workspace(host)?).await?;
    at.has_not_moved().await?;
    let present = at.look().await.ok();
    let (earlier, damaged) = at.kept().await?;
    if damaged > 0 {
        host.say(format_args!("{} cannot be read", counted(damaged, "more state")))?;
    }
    if json {
        let line = |state: &State| {
            let written = state.written.as_ref();
            serde_json::json!({
                "serial": state.serial, "epoch": state.epoch, "resources": state.resources.len(),
                "since": written.map(|written| &written.since), "by": written.map(|written| &written.by),
                "command": written.map(|written| &written.command),
            })
        };
        let list: Vec<_> = earlier.iter().map(line).collect();
        let serial = present.as_ref().map(|(state, _, _)| state.serial);
        host.document(serde_json::json!({ "present": serial, "earlier": list }))?;
        return Ok(Exit::Clean);
    }
    for state in &earlier {
        let written = match &state.written {
            Some(written) => format!("`{}` of {}, {}", written.command, written.by, written.since),
            None => format!("under lock {}", state.epoch),
        };
        writeln!(
            host.out,
            "serial {}: {}, saved by {written}",
            state.serial,
            counted(state.resources.len(), "resource"),
        )?;
    }
    if earlier.is_empty() {
        host.say("there is no earlier state")?;
    } else {
        match present {
            Some((present, _, None)) => host.say(format_args!(
                "the present one has serial {}; `gosling rollback --to SERIAL` goes back to another",
                present.serial
            ))?,
            _ => host.say(
                "the present one is damaged, old or missing: `gosling plan` says what is wrong with it",
            )?,
        }
    }
    Ok(Exit::Clean)
}
