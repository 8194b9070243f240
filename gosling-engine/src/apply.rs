//! Carries out a plan: each operation after what it needs, so many at once, each with its intent on disk first.

mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use gosling_resource::{Address, Output, Properties, Rollout, Value};
use smol_str::SmolStr;
use tokio::sync::Mutex as AsyncMutex;

use crate::journal::Entry;
use crate::operation::{Operation, Verb};
use crate::order::{Step, Waits, order};
use crate::plan::{Action, Change, Plan};
use crate::provider::{CallError, Context};
use crate::recover;
use crate::refresh;
use crate::rollout::{Rollouts, Turn, Work};
use crate::run::{Queued, Run, RunError, RunNotes, Stop};
use crate::state::{Held, Intake, State};

pub use saved::{as_seen, corrections};

/// What came of a plan.
#[derive(Debug)]
pub struct Applied {
    /// The state as it is now; saved.
    pub state: State,
    /// What was done.
    pub done: Vec<(Address, Verb)>,
    /// What failed, and why.
    pub failed: Vec<(Address, Verb, CallError)>,
    /// What was left alone, and because of what.
    pub skipped: Vec<(Address, String)>,
    /// What was not begun, because a person stopped it.
    pub not_begun: Vec<(Address, Verb)>,
    /// Whether a person stopped it.
    pub interrupted: bool,
    /// Operations whose outcome is open.
    pub open: Vec<Operation>,
}

impl Applied {
    /// What comes of a plan in which there is nothing to do.
    #[must_use]
    pub fn nothing(state: State) -> Self {
        Self {
            state,
            done: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            not_begun: Vec::new(),
            interrupted: false,
            open: Vec::new(),
        }
    }
}

/// How many numbers are tried for one create, where others take them first.
const RESERVATIONS: u32 = 5;

/// What is reserved for the creates that are open, by provider.
fn reservations(open: &[Entry]) -> BTreeMap<SmolStr, Vec<String>> {
    let mut reserved: BTreeMap<SmolStr, Vec<String>> = BTreeMap::new();
    for Entry { operation, .. } in open {
        let of = reserved.entry(operation.provider.clone()).or_default();
        of.extend(operation.reserved.clone());
    }
    reserved
}

/// Why nothing is begun with a resource of which an earlier operation is open. A plan leaves it out; this holds for any.
fn not_ended(address: &Address) -> CallError {
    CallError::failed(format!("an earlier run's operation on {address} has not ended"))
        .help("plan and apply again")
}

/// How a step ended.
enum End {
    Done,
    Failed(CallError),
    Open(Box<Operation>, CallError),
}

/// Carries out a plan that was checked against this state under this lock, and saves what came of it. Partial success
/// is normal; the state always verifies. The operations of earlier runs that are `open` stay so: their resources are left
/// alone, and what was reserved for them is given to nobody else.
///
/// # Errors
/// Where the journal or the state could not be written: nothing was sent without its intent, and the next run
/// settles what is open.
pub async fn apply(run: &Run<'_>, plan: &Plan, state: State, open: &[Entry]) -> Result<Applied, RunError> {
    same_places(run, plan, &state).await?;
    let state = saved::begin(run, plan, state, open).await?;
    let busy: BTreeSet<&Address> = open.iter().map(|entry| &entry.operation.address).collect();
    let changes = &plan.changes;
    let (mut waits, wanted_by) = order(changes, &state);
    let mut undone: BTreeSet<Step> = waits.keys().copied().collect();
    let work = work(run, changes, &state).await;
    let mut rollouts = Rollouts::of(changes, &waits, work);
    let dead: BTreeSet<&Address> = changes
        .iter()
        .map(|change| &change.address)
        .filter(|address| rollouts.is_dead(address))
        .collect();
    let state = Mutex::new(Intake::of(state));
    let reserved = AsyncMutex::new(reservations(open));
    // Steps that may begin as far as others are concerned, machines without work first.
    let mut ready: BTreeSet<(u8, Step)> = BTreeSet::new();
    let first: Vec<Step> = waits
        .iter()
        .filter(|(_, needs)| needs.is_empty())
        .map(|(step, _)| *step)
        .collect();
    for step in first {
        waits.remove(&step);
        ready.insert((rollouts.rank(&changes[step.change()]), step));
    }
    // Those of them whose pool has no room for them now.
    let mut later: BTreeSet<(u8, Step)> = BTreeSet::new();
    // Machines that must be online before others are taken down.
    let mut watched = FuturesUnordered::new();
    let in_flight: Mutex<BTreeMap<String, Operation>> = Mutex::default();
    let mut running = FuturesUnordered::new();
    // Outcomes on their way to the disk.
    let mut writing = FuturesUnordered::new();
    let mut stop = run.stop.clone();
    let mut deadline: Option<tokio::time::Instant> = None;
    let mut applied = Applied::nothing(State::default());
    let mut fatal = None;
    loop {
        let wish = *stop.borrow_and_update();
        if wish != Stop::No {
            applied.interrupted = true;
            deadline.get_or_insert_with(|| tokio::time::Instant::now() + run.grace);
        }
        if wish == Stop::Now {
            break;
        }
        while deadline.is_none() && fatal.is_none() && running.len() < run.parallelism.max(1) {
            let Some((rank, step)) = ready.pop_first() else {
                break;
            };
            match rollouts.turn(step) {
                Turn::Now => {}
                Turn::Later => {
                    later.insert((rank, step));
                    continue;
                }
                Turn::Never(because) => {
                    leave(run, step, &because, changes, &mut applied);
                    skip(run, step, changes, &wanted_by, &mut waits, &mut applied);
                    continue;
                }
            }
            let change = &changes[step.change()];
            let (state, reserved, in_flight) = (&state, &reserved, &in_flight);
            let dead = dead.contains(&change.address);
            let busy = busy.contains(&change.address);
            running.push(async move {
                let ended = match busy {
                    true => Ok((End::Failed(not_ended(&change.address)), None)),
                    false => carry_out(run, step, change, dead, state, reserved, in_flight).await,
                };
                (step, ended)
            });
        }
        let watching = deadline.is_none() && fatal.is_none() && !watched.is_empty();
        if running.is_empty() && !watching {
            break;
        }
        let patience = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            // What ends makes room for what begins, whose intents then share a write with the outcomes.
            biased;
            Ok(()) = stop.changed() => continue,
            () = patience => break,
            Some(ended) = running.next() => ended,
            Some((step, online)) = watched.next(), if watching => {
                let step: Step = step;
                match online {
                    Ok(()) => rollouts.is_online(step),
                    Err(error) => {
                        let address = &changes[step.change()].address;
                        rollouts.failed(step, address, false);
                        applied.failed.push((address.clone(), verb(step, &changes[step.change()]), error));
                    }
                }
                ready.append(&mut later);
                continue;
            }
            Some(written) = writing.next() => {
                if let Err(error) = written {
                    fatal = Some(RunError::from(error));
                }
                continue;
            }
        };
        let (step, outcome) = ended;
        let address = &changes[step.change()].address;
        let verb = verb(step, &changes[step.change()]);
        let outcome = outcome.map(|(end, record)| {
            writing.extend(record.map(|record| run.journal.written(record)));
            end
        });
        match outcome {
            Ok(End::Done) => {
                undone.remove(&step);
                applied.done.push((address.clone(), verb));
                for next in wanted_by.get(&step).into_iter().flatten() {
                    if let Some(needs) = waits.get_mut(next) {
                        needs.remove(&step);
                        if needs.is_empty() {
                            waits.remove(next);
                            ready.insert((rollouts.rank(&changes[next.change()]), *next));
                        }
                    }
                }
                if rollouts.ended(step) {
                    let pool = pool(address, &lock(&state).state);
                    watched.push(async move { (step, run.fleet.online(address, &pool).await) });
                }
                ready.append(&mut later);
            }
            Ok(End::Failed(error)) => {
                rollouts.failed(step, address, true);
                ready.append(&mut later);
                skip(run, step, changes, &wanted_by, &mut waits, &mut applied);
                applied.failed.push((address.clone(), verb, error));
            }
            Ok(End::Open(operation, error)) => {
                rollouts.failed(step, address, false);
                ready.append(&mut later);
                skip(run, step, changes, &wanted_by, &mut waits, &mut applied);
                applied.failed.push((address.clone(), verb, error));
                applied.open.push(*operation);
            }
            Err(error) => fatal = Some(error),
        }
    }
    drop(running);
    drop(watched);
    if !applied.interrupted {
        // Their pool has no room for them any more, because of one that did not come back.
        for (_, step) in later {
            let because = applied.failed.first().map(|(address, ..)| address.clone());
            if let Some(because) = because {
                leave(run, step, &because, changes, &mut applied);
                skip(run, step, changes, &wanted_by, &mut waits, &mut applied);
            }
        }
    }
    while let Some(written) = writing.next().await {
        // A stop may cut short a write that others share: the state that is saved now holds their outcomes too.
        if let Err(error) = written
            && !applied.interrupted
        {
            fatal = Some(RunError::from(error));
        }
    }
    let still = in_flight.into_inner().unwrap_or_else(PoisonError::into_inner);
    let known: BTreeSet<String> = applied
        .open
        .iter()
        .map(|operation| operation.op.clone())
        .collect();
    applied.open.extend(
        still
            .into_values()
            .filter(|operation| !known.contains(&operation.op)),
    );
    if applied.interrupted {
        applied.not_begun = not_begun(&undone, changes, &applied);
    }
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner).state;
    if let Some(error) = fatal {
        return Err(error);
    }
    let mut ops = recover::ops(open);
    ops.extend(applied.open.iter().map(|operation| operation.op.clone()));
    applied.state = saved::end(run, state, &ops, plan, !applied.open.is_empty()).await?;
    Ok(applied)
}

/// Looks whether each service that the plan changes is the one in which its resources were created: a plan that was saved,
/// or made without a look, does not know.
async fn same_places(run: &Run<'_>, plan: &Plan, state: &State) -> Result<(), RunError> {
    let acting = plan.changes.iter().filter(|change| change.action != Action::NoOp);
    let labels: BTreeSet<&SmolStr> = acting.map(|change| &change.provider).collect();
    let cx = Context::reading(run.secrets);
    for (label, provider) in run.providers.iter().filter(|(label, _)| labels.contains(label)) {
        let own = state.resources.values().filter(|held| held.provider == *label);
        let own: Vec<_> = own.map(refresh::known).collect();
        let same = provider.same_place(&cx, &own).await;
        same.map_err(|error| RunError::OtherPlace(Box::new(error)))?;
    }
    Ok(())
}

fn verb(step: Step, change: &Change) -> Verb {
    match (step, change.action) {
        (Step::Delete(_), _) => Verb::Delete,
        (Step::Put(_), Action::Update) => Verb::Update,
        (Step::Put(_), _) => Verb::Create,
    }
}

/// What of the steps that are not done neither failed, nor was left out, nor is open.
fn not_begun(undone: &BTreeSet<Step>, changes: &[Change], applied: &Applied) -> Vec<(Address, Verb)> {
    let failed = applied.failed.iter().map(|(address, ..)| address);
    let skipped = applied.skipped.iter().map(|(address, _)| address);
    let open = applied.open.iter().map(|operation| &operation.address);
    let known: BTreeSet<&Address> = failed.chain(skipped).chain(open).collect();
    let steps = undone.iter().map(|step| (step, &changes[step.change()]));
    let steps = steps.filter(|(_, change)| !known.contains(&change.address));
    steps
        .map(|(step, change)| (change.address.clone(), verb(*step, change)))
        .collect()
}

/// How much work the machines have that the plan takes down; nobody is asked where it takes down none.
async fn work(run: &Run<'_>, changes: &[Change], state: &State) -> BTreeMap<Address, Work> {
    let machines: Vec<Address> = crate::rollout::pools(changes)
        .into_iter()
        .flat_map(|pool| [pool.replaced, pool.restarted, pool.deleted].concat())
        .collect();
    match machines.is_empty() {
        true => BTreeMap::new(),
        false => run.fleet.work(&machines, state).await,
    }
}

/// The resources of a machine's block.
fn pool(machine: &Address, state: &State) -> State {
    let block = machine.block();
    let resources = state
        .resources
        .iter()
        .filter(|(address, _)| address.block() == block);
    State {
        lineage: state.lineage.clone(),
        resources: resources
            .map(|(address, held)| (address.clone(), held.clone()))
            .collect(),
        ..State::default()
    }
}

/// Leaves a step out of this run because of what happened to another.
fn leave(run: &Run<'_>, step: Step, because: &Address, changes: &[Change], applied: &mut Applied) {
    let address = &changes[step.change()].address;
    if address != because && !applied.skipped.iter().any(|(skipped, _)| skipped == address) {
        let because = because.to_string();
        run.events.skipped(address, &because);
        applied.skipped.push((address.clone(), because));
    }
}

/// Takes everything out of the waiting that needs a step that did not succeed.
fn skip(
    run: &Run<'_>,
    step: Step,
    changes: &[Change],
    wanted_by: &BTreeMap<Step, Vec<Step>>,
    waits: &mut Waits,
    applied: &mut Applied,
) {
    let failed = step.change();
    let because = changes[failed].address.to_string();
    let mut next = vec![step];
    while let Some(step) = next.pop() {
        for other in wanted_by.get(&step).into_iter().flatten() {
            if waits.remove(other).is_some() {
                let address = &changes[other.change()].address;
                // A replacement has two steps and is one resource; what failed itself is not skipped as well.
                let told = applied.skipped.iter().any(|(skipped, _)| skipped == address);
                if other.change() != failed && !told {
                    run.events.skipped(address, &because);
                    applied.skipped.push((address.clone(), because.clone()));
                }
                next.push(*other);
            }
        }
    }
}

/// One step, from the last look at what is there to the record of what came of it, where anything was sent.
async fn carry_out(
    run: &Run<'_>,
    step: Step,
    change: &Change,
    dead: bool,
    state: &Mutex<Intake>,
    reserved: &AsyncMutex<BTreeMap<SmolStr, Vec<String>>>,
    in_flight: &Mutex<BTreeMap<String, Operation>>,
) -> Result<(End, Option<Queued>), RunError> {
    let time = Duration::from_secs(change.rollout.unwrap_or_default().drain_timeout);
    let stops = matches!(verb(step, change), Verb::Delete | Verb::Update) && change.ends_jobs();
    if stops && !dead && !run.kill_jobs && !time.is_zero() {
        let pool = pool(&change.address, &lock(state).state);
        if let Err(error) = run.fleet.idle(&change.address, &pool, time).await {
            return Ok((End::Failed(error), None));
        }
    }
    let mut attempt = 0;
    loop {
        let mut operation = match prepare(run, step, change, state, reserved).await? {
            Ok(operation) => operation,
            Err(end) => return Ok((end, None)),
        };
        if dead && operation.verb == Verb::Delete {
            operation.rollout = operation.rollout.map(Rollout::at_once);
        }
        let depends_on: Vec<String> = change.needs.iter().map(ToString::to_string).collect();
        run.journal
            .write(&recover::intent(run, &operation, &depends_on))
            .await?;
        lock(in_flight).insert(operation.op.clone(), operation.clone());
        let (outcome, record) = run.carry_out(&operation, &depends_on, state).await?;
        lock(in_flight).remove(&operation.op);
        attempt += 1;
        let end = match outcome {
            Ok(()) => End::Done,
            Err(CallError::Failed { .. }) if attempt < RESERVATIONS && is_taken(run, &operation).await => {
                run.journal.written(record).await?;
                continue;
            }
            Err(error @ CallError::Failed { .. }) => End::Failed(error),
            Err(error @ CallError::Unknown { .. }) => End::Open(Box::new(operation), error),
        };
        return Ok((end, Some(record)));
    }
}

/// Whether a create failed because somebody else was faster: two runs may choose the same free number.
async fn is_taken(run: &Run<'_>, operation: &Operation) -> bool {
    let Some(provider) = run.providers.get(&operation.provider) else {
        return false;
    };
    let notes = RunNotes { run };
    let cx = Context {
        secrets: run.secrets,
        notes: &notes,
        fence: run.fence,
    };
    operation.verb == Verb::Create && operation.reserved.is_some() && provider.is_taken(&cx, operation).await
}

/// The operation of a step, after the last look at what is there; or how the step ends without one.
async fn prepare(
    run: &Run<'_>,
    step: Step,
    change: &Change,
    state: &Mutex<Intake>,
    reserved: &AsyncMutex<BTreeMap<SmolStr, Vec<String>>>,
) -> Result<Result<Operation, End>, RunError> {
    let op = crate::run::new_op()?;
    let verb = verb(step, change);
    let held = lock(state).state.resources.get(&change.address).cloned();
    let mut operation = Operation {
        marker: crate::marker::new(run.nest, &change.address, &op),
        op,
        verb,
        address: change.address.clone(),
        kind: change.kind.clone(),
        provider: change.provider.clone(),
        id: None,
        reserved: None,
        properties: with_outputs(&change.properties, &lock(state).state),
        given: change.given.clone(),
        prior: match verb {
            Verb::Create => Properties::new(),
            Verb::Update | Verb::Delete => change.prior.clone(),
        },
        rollout: change.rollout,
        place: None,
        again: false,
        tasks: Vec::new(),
    };
    if verb != Verb::Delete
        && let Some((of, name)) = operation.properties.values().find_map(unknown_output)
    {
        let words = format!("{} needs `{name}` of {of}, which has none", change.address);
        return Ok(Err(End::Failed(CallError::failed(words))));
    }
    if verb == Verb::Create {
        match reserve(run, &mut operation, reserved).await {
            Ok(()) => {}
            Err(error) => return Ok(Err(End::Failed(error))),
        }
    } else {
        let Some(held) = held else {
            return Ok(Err(if verb == Verb::Delete {
                End::Done
            } else {
                End::Failed(CallError::failed(format!(
                    "{} is not in the state any more",
                    change.address
                )))
            }));
        };
        match unchanged(run, change, &held).await? {
            Look::AsPlanned => {}
            Look::Gone if verb == Verb::Delete => {
                lock(state).state.resources.remove(&change.address);
                return Ok(Err(End::Done));
            }
            Look::Gone => {
                let words = format!("{} is gone since the plan was made", change.address);
                return Ok(Err(End::Failed(
                    CallError::failed(words).help("plan and apply again"),
                )));
            }
            Look::Different(names) => {
                let words = format!("{} has changed since the plan was made: {names}", change.address);
                return Ok(Err(End::Failed(
                    CallError::failed(words).help("plan and apply again"),
                )));
            }
            Look::Unreadable(error) => return Ok(Err(End::Failed(error))),
        }
        operation.id = Some(held.id.clone());
        operation.marker.clone_from(&held.marker);
        if verb == Verb::Delete {
            operation.kind.clone_from(&held.kind);
            operation.provider.clone_from(&held.provider);
            operation.properties.clone_from(&held.properties);
        }
    }
    let at = operation.id.as_deref().or(operation.reserved.as_deref());
    if let (Some(at), Some(provider)) = (at, run.providers.get(&operation.provider)) {
        operation.place = provider.place(&Context::reading(run.secrets), at).await;
    }
    Ok(Ok(operation))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the provider what to reserve, one at a time for each provider, so that no two get the same.
async fn reserve(
    run: &Run<'_>,
    operation: &mut Operation,
    reserved: &AsyncMutex<BTreeMap<SmolStr, Vec<String>>>,
) -> Result<(), CallError> {
    let Some(provider) = run.providers.get(&operation.provider) else {
        return Err(CallError::failed(format!(
            "the Nest has no provider `{}`",
            operation.provider
        )));
    };
    let notes = RunNotes { run };
    let cx = Context {
        secrets: run.secrets,
        notes: &notes,
        fence: run.fence,
    };
    let mut reserved = reserved.lock().await;
    let taken = reserved.entry(operation.provider.clone()).or_default();
    let chosen = provider
        .reserve(&cx, &operation.kind, &operation.properties, taken)
        .await?;
    taken.extend(chosen.clone());
    operation.reserved = chosen;
    Ok(())
}

/// What a last look before an operation shows.
enum Look {
    AsPlanned,
    Gone,
    Different(String),
    Unreadable(CallError),
}

async fn unchanged(run: &Run<'_>, change: &Change, held: &Held) -> Result<Look, RunError> {
    let observed = match refresh::read(&change.address, held, run.providers, run.secrets).await {
        Ok(observed) => observed,
        Err(RunError::Unreadable { error, .. }) => return Ok(Look::Unreadable(*error)),
        Err(other) => return Err(other),
    };
    let Some(observed) = observed else {
        return Ok(Look::Gone);
    };
    let differing = refresh::differences(&change.prior, &observed.properties);
    if differing.is_empty() {
        return Ok(Look::AsPlanned);
    }
    let names: Vec<&str> = differing
        .iter()
        .map(|attribute| attribute.name.as_str())
        .collect();
    Ok(Look::Different(names.join(", ")))
}

/// The properties with every output in them that is known by now.
#[must_use]
pub fn with_outputs(properties: &Properties, state: &State) -> Properties {
    let filled = properties
        .iter()
        .map(|(name, value)| (name.clone(), filled(value, state)));
    filled.collect()
}

fn filled(value: &Value, state: &State) -> Value {
    match value {
        Value::Output(wanted) => {
            let Output { of, name } = &**wanted;
            let output = state.resources.get(of).and_then(|held| held.outputs.get(name));
            output.cloned().unwrap_or_else(|| value.clone())
        }
        Value::List(values) => Value::List(values.iter().map(|value| filled(value, state)).collect()),
        Value::Map(values) => Value::Map(
            values
                .iter()
                .map(|(name, value)| (name.clone(), filled(value, state)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The first output in a value that is still not known.
fn unknown_output(value: &Value) -> Option<(&Address, &str)> {
    match value {
        Value::Output(output) => Some((&output.of, &output.name)),
        Value::List(values) => values.iter().find_map(unknown_output),
        Value::Map(values) => values.values().find_map(unknown_output),
        _ => None,
    }
}
