//! `gosling status`

mod fleet;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::Args;
use gosling_engine::{Held, State};
use gosling_resource::Address;
use serde_json::{Value as Json, json};

use self::fleet::{Fleet, Line};
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, open_session};
use crate::{Failure, Host};
use gosling_deploy::Session;

const RUNNER: &str = "gitlab_runner";
const MACHINE: &str = "proxmox_vm";
/// How many calls that only look are under way at once.
const AT_ONCE: usize = 10;

/// Show whether runners are online, what they do, and how their machines and webhooks are
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling status            every egg
  gosling status app        one of them
  gosling status --json

Exit codes: 0 every machine is there and online, 1 one is not, or an egg has nothing yet.")]
pub(crate) struct StatusArgs {
    /// Only this egg or eggsbucket
    #[arg(add = super::candidates::eggs())]
    egg: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_status(host: &mut Host, context: Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let Some(session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        let (state, open) = session.at.peek().await?;
        if let Some(egg) = &args.egg {
            is_known(&session, &state, egg)?;
        }
        let wanted = |address: &Address| {
            args.egg
                .as_deref()
                .is_none_or(|egg| address.owner == egg || address.is_within(egg))
        };
        for entry in &open {
            let operation = &entry.operation;
            let words = format!(
                "{}: an earlier run's {} has not ended; `gosling apply` recovers it",
                operation.address, operation.verb
            );
            host.say(words)?;
        }
        let held: Vec<_> = state
            .resources
            .iter()
            .filter(|(address, _)| wanted(address))
            .collect();
        let fleet = Fleet::of(&session, &state, &held).await?;
        let mut lines: Vec<Line> = held
            .into_iter()
            .map(|(address, held)| fleet.line(address, held))
            .collect();
        lines.extend(missing(&session, &state, wanted));
        lines.sort_by(|one, other| one.address.cmp(&other.address));
        if args.json {
            let list: Vec<&Json> = lines.iter().map(|line| &line.json).collect();
            host.document(json!({ "resources": list }))?;
        } else {
            for line in &lines {
                if let Some(words) = &line.words {
                    writeln!(host.out, "{}: {words}", line.address)?;
                }
                for doubt in &line.wrong {
                    writeln!(host.out, "  error: {}\n  help: {}", doubt.message, doubt.help)?;
                }
            }
        }
        if let Some(warning) = session.at.audit_warning(state.serial > 0).await? {
            host.say(warning)?;
        }
        if state.resources.is_empty() {
            host.say("the state has no resources: `gosling apply` creates what the Nest asks for")?;
        }
        let healthy = open.is_empty() && lines.iter().all(|line| line.good);
        Ok(if healthy { Exit::Clean } else { Exit::Problems })
    })
}

/// What the Nest asks for and nobody has made yet, as far as that is known without asking anybody: runners and machines,
/// and an egg of which there is nothing at all in one line.
fn missing(session: &Session, state: &State, wanted: impl Fn(&Address) -> bool) -> Vec<Line> {
    let asked = session.asked_for();
    let absent = asked.into_iter().filter(|(address, kind)| {
        matches!(*kind, RUNNER | MACHINE) && wanted(address) && !state.resources.contains_key(address)
    });
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for (address, kind) in absent {
        let block = address.block();
        let begun = state.resources.keys().any(|other| other.block() == block);
        let name = if begun { address.to_string() } else { block };
        let words = match begun {
            true => "not created yet: `gosling apply`",
            false => "nothing of it is created: `gosling apply`",
        };
        lines.entry(name.clone()).or_insert_with(|| Line {
            words: Some(words.to_owned()),
            wrong: Vec::new(),
            json: json!({ "address": name, "kind": begun.then_some(kind), "id": null, "state": "not_made" }),
            address: name,
            good: false,
        });
    }
    lines.into_values().collect()
}

/// So many eggs are listed where another one was asked for.
const LISTED: usize = 10;

/// Fails where neither the Nest nor the state has an egg of this name.
pub(super) fn is_known(session: &Session, state: &State, egg: &str) -> Result<(), Failure> {
    let owners: BTreeSet<String> = session
        .blocks()
        .into_iter()
        .chain(state.resources.keys().map(Address::block))
        .collect();
    let label = |block: &str| block.split_once('.').map_or(block, |(_, label)| label).to_owned();
    let held = state.resources.keys().any(|address| address.is_within(egg));
    if held || owners.iter().any(|block| block == egg || label(block) == egg) {
        return Ok(());
    }
    let failure = Failure::wrong_use(format!("the Nest has no egg or eggsbucket `{egg}`"));
    let near = owners.iter().map(|block| label(block));
    let near = near.map(|label| (strsim::jaro_winkler(&label, egg), label));
    let near = near.filter(|(likeness, _)| *likeness > 0.8);
    Err(match near.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((_, label)) => failure.hint(format!("did you mean `{label}`?")),
        None if owners.is_empty() => failure,
        None => {
            let all: Vec<String> = owners.iter().map(|block| label(block)).collect();
            let more = match all.len() > LISTED {
                true => ", ...",
                false => "",
            };
            failure.hint(format!(
                "there are: {}{more}",
                all[..all.len().min(LISTED)].join(", ")
            ))
        }
    })
}

/// The runner's record of an egg.
pub(crate) fn runner_of<'s>(state: &'s State, egg: &str) -> Option<(&'s Address, &'s Held)> {
    let mut runners = state
        .resources
        .iter()
        .filter(|(_, held)| held.kind == "gitlab_runner");
    runners.find(|(address, _)| address.owner == egg || address.block() == egg)
}
