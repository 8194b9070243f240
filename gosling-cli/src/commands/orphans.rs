//! `gosling orphans`

use std::io::Write;

use clap::Args;
use gosling_engine::recover;
use serde_json::json;

use super::carry_out::{Shown, carry_out};
use super::run_args::RunArgs;
use crate::render::counted;
use crate::render::plan::Detail;
use crate::terminal::{Context, Exit, block_on};
use crate::terminal::{EngineArgs, failure, open_session, under_lock};
use crate::{Failure, Host, questions};
use gosling_deploy::{Orphan, Orphans, RunKind, Session, asked_as, holder};

/// Find what was made for this Nest and is not in its state
///
/// Looks for this Nest's marker in the notes of machines, runner records and webhooks, wherever the Nest, its state or
/// an earlier state has anything; and for images that a run left in a storage.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling orphans                              list them
  gosling orphans --adopt 'egg.app.vm[0]'      take one into the state
  gosling orphans --delete pve1/5003           delete one; its VMID, 5003, is enough
  gosling orphans --delete all --yes           in a pipeline

Exit codes: 0 there are none, or all is done; 1 there are some, or it failed.")]
pub(crate) struct OrphansArgs {
    /// Take these into the state: by id, VMID or address, or `all`
    #[arg(long, value_name = "WHICH", num_args = 1.., conflicts_with = "delete")]
    adopt: Vec<String>,
    /// Delete these: by id, VMID or address, or `all`
    #[arg(long, value_name = "WHICH", num_args = 1..)]
    delete: Vec<String>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_orphans(host: &mut Host, context: Context, args: &OrphansArgs) -> Result<Exit, Failure> {
    if !args.delete.is_empty() {
        let kind = RunKind::DeleteOrphans(args.delete.clone());
        let options = gosling_engine::PlanOptions::default();
        let request = args.run.request(host, kind, options, true);
        let shown = Shown {
            accept_clusters: &[],
            skip_unreachable: false,
            detail: Detail::Summary,
            json: args.run.json,
        };
        return match carry_out(host, context, &args.engine, &request, &shown)? {
            Exit::Clean => delete_files(host, context, args),
            other => Ok(other),
        };
    }
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    block_on(async {
        if args.adopt.is_empty() {
            let found = session.all_orphans(None).await?;
            return list(host, &session, &found, args.run.json);
        }
        session.at.may_begin(args.run.during_freeze.as_deref()).await?;
        let (at, who) = (session.at.clone(), holder(&host.environment, "gosling orphans"));
        under_lock(host, &at, &who, async |host, lease| {
            let locked = &**lease.locked();
            let snapshot = locked.load().await?;
            let (state, open) = at.read(&snapshot)?;
            // What an open operation has made so far looks like what nobody knows of.
            if let Some(entry) = open.first() {
                return Err(gosling_deploy::still_open(entry).into());
            }
            let found = session.all_orphans(Some((&state, &open))).await?;
            let mut chosen = found.chosen(&args.adopt)?;
            // Images are no resources: there is nothing to take in.
            chosen.retain(|orphan| orphan.marked.address.is_some());
            let wanted = session.all_wanted().await?;
            for orphan in &chosen {
                let Some(address) = asked_as(&wanted, orphan) else {
                    return Err(
                        Failure::wrong_use(format!("the Nest asks for no {}", orphan.words()))
                            .hint(format!("gosling orphans --delete {}", orphan.marked.id)),
                    );
                };
                if state.resources.contains_key(address) {
                    return Err(Failure::wrong_use(format!("{address} is in the state already"))
                        .hint(format!("gosling orphans --delete {}", orphan.marked.id)));
                }
            }
            let serial = state.serial;
            let (state, said) = session.adopt(&wanted, state, &chosen).await?;
            for words in &said {
                host.done(words)?;
            }
            if !args.run.yes && !questions::agreed(host, "Add this to the state?")? {
                host.done("nothing was changed")?;
                return Ok(Exit::Problems);
            }
            at.may_begin(args.run.during_freeze.as_deref()).await?;
            at.note_by_hand(&host.environment, "gosling orphans", serial, lease)
                .await?;
            let settled = recover::settle(locked, state, &recover::ops(&open)).await;
            settled.map_err(failure)?;
            host.done("done; `gosling plan` shows what apply would change")?;
            Ok(Exit::Clean)
        })
        .await
    })
}

/// Deletes the images that runs left behind: they are no resources, and nothing is made with them.
fn delete_files(host: &mut Host, context: Context, args: &OrphansArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    block_on(async {
        let (at, who) = (session.at.clone(), holder(&host.environment, "gosling orphans"));
        under_lock(host, &at, &who, async |host, lease| {
            let locked = &**lease.locked();
            let snapshot = locked.load().await?;
            let (state, open) = at.read(&snapshot)?;
            let found = session.all_orphans(Some((&state, &open))).await?;
            let is_named = |orphan: &&Orphan| {
                args.delete
                    .iter()
                    .any(|name| name == "all" || orphan.is_named(name))
            };
            let files = found.all.iter().filter(|orphan| orphan.marked.address.is_none());
            let files: Vec<&Orphan> = files.filter(is_named).collect();
            if files.is_empty() {
                return Ok(Exit::Clean);
            }
            for file in &files {
                host.done(file.words())?;
            }
            if !args.run.yes && !questions::agreed(host, "Delete these images?")? {
                host.done("they were left")?;
                return Ok(Exit::Problems);
            }
            at.may_begin(args.run.during_freeze.as_deref()).await?;
            at.note(
                &host.environment,
                "gosling orphans",
                format!(
                    "{} that runs left behind are deleted",
                    counted(files.len(), "image")
                ),
                lease,
            )
            .await?;
            for file in files {
                let Some(proxmox) = session.proxmox(&file.provider) else {
                    continue;
                };
                let removed = proxmox
                    .remove_leftover(&session.changing(lease), &file.marked.id)
                    .await;
                removed?;
            }
            Ok(Exit::Clean)
        })
        .await
    })
}

fn list(host: &mut Host, session: &Session, found: &Orphans, as_json: bool) -> Result<Exit, Failure> {
    let exit = if found.all.is_empty() && found.unseen.is_empty() {
        Exit::Clean
    } else {
        Exit::Problems
    };
    if as_json {
        let all = found.all.iter().map(Orphan::as_json);
        let begun = found.begun.iter().map(Orphan::as_json);
        let shown = json!({ "orphans": all.collect::<Vec<_>>(), "begun": begun.collect::<Vec<_>>(),
                            "unseen": found.unseen });
        host.document(shown)?;
        return Ok(exit);
    }
    for orphan in &found.all {
        let made = match (&orphan.copy_of, &orphan.marked.address) {
            (Some(address), _) => format!("a copy of {address}"),
            (None, Some(address)) => format!("made as {address}"),
            (None, None) => "an image that a run left behind".to_owned(),
        };
        writeln!(host.out, "{} at {}: {made}", orphan.words(), orphan.provider)?;
    }
    for orphan in &found.begun {
        host.say(format_args!(
            "{} belongs to an operation that has not ended: `gosling apply` recovers it",
            orphan.words()
        ))?;
    }
    for words in &found.unseen {
        host.say(format_args!("not searched: {words}"))?;
    }
    if found.all.is_empty() && !found.unseen.is_empty() {
        host.say("nothing was found in the places that were searched")?;
    } else if found.all.is_empty() {
        host.say(format_args!(
            "everything of the Nest {} is in its state",
            session.name()
        ))?;
    } else {
        let (are, them) = match found.all.len() {
            1 => ("is", "it"),
            _ => ("are", "them"),
        };
        host.say(format_args!(
            "{} {are} outside of the state: `gosling orphans --adopt all` takes {them} in, `--delete all` deletes {them}",
            counted(found.all.len(), "thing")
        ))?;
    }
    Ok(exit)
}
