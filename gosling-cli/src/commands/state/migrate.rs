//! `gosling state migrate`

use std::sync::Arc;

use clap::Args;
use fly_syntax::SourceFile;
use gosling_engine::fence::Unfenced;
use gosling_engine::migrate::{End, MigrateError, Outcome, announce, migrate};
use gosling_engine::store::Locked;

use crate::terminal::Exit;
use crate::terminal::{EngineArgs, Interrupts, begin, failure};
use crate::{Failure, Host};
use fly_workspace::check_files;
use fly_workspace::{load, read_bounded, refusal_message};
use gosling_deploy::{FOLDER, Reading, StateLocation, released};

const COMMAND: &str = "gosling state migrate";

/// Move the state to the place that the Nest names now
/// First put the new `state` block into nest.fly, then name the old place. The state is copied with its history,
/// secrets, audit and freeze, read back and compared. Then the old place is marked as moved, and gosling refuses to use
/// it. Nothing is deleted. If it is killed, run the same command again: it continues.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling state migrate --from local                 from the folder .gosling
  gosling state migrate --from local=old/.gosling    from another folder of the Nest
  git show HEAD:nest.fly > /tmp/old.fly
  gosling state migrate --from /tmp/old.fly          from where nest.fly said before")]
pub(crate) struct MigrateArgs {
    /// The old place: `local`, `local=FOLDER`, or a file with the old nest.fly
    #[arg(long, value_name = "PLACE")]
    from: String,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(super) async fn migrate_state(host: &mut Host, args: &MigrateArgs) -> Result<Exit, Failure> {
    let from = old_place(host, args).await?;
    let to = StateLocation::either(&host.environment, &args.engine.workspace(host)?).await?;
    let (old, new) = (from.store.place(), to.store.place());
    if old == new {
        return Err(
            Failure::wrong_use(format!("{new} is both the old and the new place of the state"))
                .hint("put the new `state` block into nest.fly first"),
        );
    }
    // What has moved already may keep a freeze that nobody can lift there.
    if from.is_worked_with().await? {
        from.may_be_edited().await?;
    }
    let interrupts = Interrupts::heard()?;
    // The new place goes first: from here on nobody begins anew there, however this ends.
    let locked: Arc<dyn Locked> = to.take(&host.environment, COMMAND).await?.into();
    let outcome = under_both(host, &interrupts, &from, &to, &locked).await;
    let Outcome::Moved(moved) = released(&*locked, outcome).await? else {
        host.done(format_args!(
            "the state has moved from {old} to {new} already: nothing is left to do"
        ))?;
        return Ok(Exit::Clean);
    };
    let what = format!("the state came here from {old}");
    to.note(&host.environment, COMMAND, what, &Unfenced).await?;
    let beside = moved
        .beside
        .iter()
        .map(|which| format!(", {}", which.file_name()));
    host.done(format_args!(
        "the state is now in {new}: {} resources, {} earlier states{}",
        moved.resources,
        moved.history,
        beside.collect::<String>()
    ))?;
    host.done(format_args!(
        "the copy in {old} is marked as moved; delete it once every checkout has the new `state` block"
    ))?;
    Ok(Exit::Clean)
}

/// Moves under both locks, of which the old place's is taken here.
async fn under_both(
    host: &mut Host,
    interrupts: &Interrupts,
    from: &StateLocation,
    to: &StateLocation,
    locked: &Arc<dyn Locked>,
) -> Result<Outcome, Failure> {
    let to_lease = interrupts.end_soon(begin(host, locked)).await?;
    let new = End {
        store: &*to.store,
        locked: &**locked,
        fence: &to_lease,
    };
    let announced = announce(&from.store.place(), new).await;
    announced.map_err(refusal)?;
    let there: Arc<dyn Locked> = from.take(&host.environment, COMMAND).await?.into();
    let moving = async {
        let from_lease = begin(host, &there).await?;
        let old = End {
            store: &*from.store,
            locked: &*there,
            fence: &from_lease,
        };
        migrate(&to.nest, old, new).await.map_err(refusal)
    };
    let outcome = interrupts.end_soon(moving).await;
    released(&*there, outcome).await
}

/// Where the state was before.
async fn old_place(host: &Host, args: &MigrateArgs) -> Result<StateLocation, Failure> {
    let mut workspace = args.engine.workspace(host)?;
    let folder = match args.from.split_once('=') {
        None if args.from == "local" => Some(FOLDER),
        Some(("local", folder)) => Some(folder),
        _ => None,
    };
    if let Some(folder) = folder {
        return Ok(StateLocation::in_folder(&host.environment, folder, &workspace)?);
    }
    let text = read_bounded(&host.path(&args.from)).map_err(|refusal| {
        Failure::wrong_use(format!("--from {}: {}", args.from, refusal_message(&refusal))).hint(
            "`local`, `local=FOLDER`, or a file with nest.fly as it was: `git show HEAD:nest.fly > FILE`",
        )
    })?;
    // It stands in the place of the file that says now where the state is.
    let blocks = &workspace.nest.checked.blocks;
    let block = blocks.iter().find(|block| block.name == "state");
    let variables = args.engine.variables.variables(host)?;
    let mut files = load(&workspace.root, &args.engine.variables.files(host)?);
    let file = files.files.iter_mut().find(|file| match block {
        Some(block) => file.id == block.header.file,
        None => &*file.path == "nest.fly",
    });
    let file = file.ok_or_else(|| Failure::wrong_use("the Nest has no nest.fly"))?;
    *file = SourceFile::from_bytes(file.id, Arc::clone(&file.path), text);
    workspace.nest = check_files(files, &variables);
    Ok(StateLocation::of(&host.environment, &workspace, Reading::Either).await?)
}

fn refusal(error: MigrateError) -> Failure {
    let hint = match &error {
        MigrateError::Open { .. } => {
            "`gosling apply` with the old `state` block recovers it; then move the state"
        }
        MigrateError::Already(_) => "put the `state` block in that says so",
        MigrateError::Nothing(_) => "is `--from` right? Where nothing was made yet there is nothing to move",
        MigrateError::Taken { .. } | MigrateError::Other { .. } => {
            "a state is moved to an empty place, or back to where it was: name another in `state`, or clear this one"
        }
        MigrateError::Differs { .. } => "nothing was changed at the old place; run it again",
        MigrateError::Store(_) | MigrateError::State(_) | MigrateError::Run(_) => {
            return match error {
                MigrateError::Store(error) => error.into(),
                other => failure(other),
            };
        }
    };
    failure(error).hint(hint)
}
