//! `gosling state mv`

use clap::Args;
use gosling_engine::State;
use gosling_engine::journal::Entry;
use gosling_resource::Address;

use super::{change, held};
use crate::render::counted;
use crate::terminal::EngineArgs;
use crate::terminal::Exit;
use crate::{Failure, Host};
use gosling_deploy::StateLocation;

const COMMAND: &str = "gosling state mv";

/// Give a resource, or all of a block, another address: apply keeps it, as with a `moved` block
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state mv 'egg.app.vm[1]' 'egg.app.vm[0]'
  gosling state mv egg.app egg.web                  everything of an egg")]
pub(crate) struct RenameArgs {
    /// As it is: egg.app.runner, egg.app
    #[arg(add = crate::commands::candidates::targets())]
    from: String,
    /// As it will be
    #[arg(add = crate::commands::candidates::targets())]
    to: String,
    #[command(flatten)]
    engine: EngineArgs,
}

/// A resource's address before, and the one that it gets.
type Pair = (Address, Address);

pub(super) async fn rename(host: &mut Host, args: &RenameArgs) -> Result<Exit, Failure> {
    let RenameArgs { from, to, engine } = args;
    let workspace = engine.workspace(host)?;
    let at = StateLocation::find(&host.environment, &workspace).await?;
    let (state, _) = at.peek().await?;
    let meant = pairs(&state, from, to)?;
    for (_, to) in &meant {
        gosling_deploy::has_block(&workspace, to)?;
    }
    let words = match from.parse::<Address>() {
        Ok(_) => format!("{from} is {to} now"),
        Err(_) => format!("{from} is {to} now, with {}", counted(meant.len(), "resource")),
    };
    let concerned = |entry: &Entry| {
        let address = &entry.operation.address;
        meant
            .iter()
            .any(|(from, to)| address == from || address == to || entry.needs(from))
    };
    change(host, engine, COMMAND, &words, concerned, |state| {
        for (from, to) in pairs(state, from, to)? {
            if state.resources.contains_key(&to) {
                return Err(Failure::wrong_use(format!("{to} is taken")));
            }
            state.rename(&from, &to);
        }
        Ok(())
    })
    .await
}

/// An address that a resource may get: a number in it is one that gosling would write.
fn new_address(text: &str) -> Result<Address, Failure> {
    let address = text.parse::<Address>();
    let address = address.map_err(|error| Failure::wrong_use(error.to_string()))?;
    let key = address.key.as_deref().unwrap_or_default();
    let is_number = key.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+'));
    let written = match address.part.as_str() {
        "vm" => key.parse::<u32>().map(|number| number.to_string()).ok(),
        _ => key.parse::<i64>().map(|number| number.to_string()).ok(),
    };
    if is_number && (key.starts_with('-') || written.as_deref() != Some(key)) {
        return Err(Failure::wrong_use(format!(
            "`{text}` is no address: `{key}` is no number of a resource"
        )));
    }
    Ok(address)
}

/// What gets which address; all of it is in the state.
fn pairs(state: &State, from: &str, to: &str) -> Result<Vec<Pair>, Failure> {
    if let Ok(from) = from.parse::<Address>() {
        let kind = &held(state, &from)?.kind;
        let to = new_address(to)?;
        if from.part != to.part {
            return Err(Failure::wrong_use(format!(
                "{from} is a {kind}, and {to} is the address of another kind"
            ))
            .hint(format!("its new address ends with `{}` too", from.part)));
        }
        return Ok(vec![(from, to)]);
    }
    let of_block = state.resources.keys().filter(|address| address.block() == from);
    let of_block: Vec<&Address> = of_block.collect();
    let Some(first) = of_block.first() else {
        return Err(Failure::wrong_use(format!("{from} is not in the state"))
            .hint("`gosling state list` shows what is"));
    };
    let kind = &first.owner_kind;
    let owner = to.strip_prefix(&format!("{kind}."));
    let owner = owner.filter(|owner| !owner.is_empty() && !owner.contains(['.', '[']));
    let owner = owner.ok_or_else(|| {
        Failure::wrong_use(format!("{from} is a whole {kind}, and {to} is none"))
            .hint(format!("write its new name as `{kind}.NAME`"))
    })?;
    let pair = |address: &&Address| {
        let to = Address {
            owner: owner.into(),
            ..(*address).clone()
        };
        ((*address).clone(), to)
    };
    Ok(of_block.iter().map(pair).collect())
}
