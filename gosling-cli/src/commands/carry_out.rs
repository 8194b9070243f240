//! One run under the lock: settle, plan, ask, apply, wait, and where it is to be, undo.

use std::io::Write;
use std::sync::Arc;

use gosling_engine::audit::{Ending, Event};
use gosling_engine::journal::Entry;
use gosling_engine::store::Locked;
use gosling_engine::{Applied, Lease, Plan, PlanOptions, Recovered, State, Stop};

use super::job::{Job, OnFailure, Purpose};
use super::outcome::{Outcome, Undone};
use super::plan::show;
use super::{Context, Exit};
use crate::engine::{EngineArgs, Interrupts, Progress, begin, lock_within, open_session};
use crate::render::plan::Detail;
use crate::render::{counted, moved, preflight, rollout};
use crate::{Failure, Host, questions};
use gosling_deploy::{
    AuditedRun, Looked, Session, Tempo, Unseen, WayBack, free_address, released, would_be_made,
};

/// What a run is told and tells while it works.
pub(super) struct Under<'a> {
    lease: &'a Lease,
    pub(super) progress: Progress,
    tempo: Tempo,
    pub(super) interrupts: &'a Interrupts,
}

pub(super) fn carry_out(
    host: &mut Host,
    context: Context,
    engine: &EngineArgs,
    job: Job<'_>,
) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, engine)? else {
        return Ok(Exit::Problems);
    };
    session.set_aside = job.skip_unreachable;
    session.accept_clusters(job.accept_clusters)?;
    if !job.run.yes && !host.interactive && !job.purpose.is_saved_plan() {
        return Err(nobody_to_ask(&mut session, &job));
    }
    let tempo = Tempo {
        parallelism: job.run.parallelism,
        grace: job.run.grace,
        kill_jobs: job.run.kill_jobs,
    };
    let runtime = super::runtime()?;
    let command = job.purpose.command();
    let at = session.at.clone();
    let (patience, excuse) = (job.run.wait, job.run.during_freeze.clone());
    runtime.block_on(async {
        // From before the lock is taken until it is given back, so that no signal leaves it behind.
        let interrupts = Interrupts::heard()?;
        // Who is refused need not wait first.
        interrupts.end_soon(at.may_begin(excuse.as_deref())).await?;
        let lock = lock_within(host, &at, command, patience, &interrupts);
        let locked: Arc<dyn Locked> = interrupts.end_now(lock).await?.into();
        let work = async {
            let lease = interrupts.end_soon(begin(host, &locked)).await?;
            let under = Under {
                lease: &lease,
                progress: Progress::of(session.notices()),
                tempo,
                interrupts: &interrupts,
            };
            work(host, context, &mut session, &under, job).await
        };
        let outcome = interrupts.end_now(work).await;
        released(&*locked, outcome).await
    })
}

/// Why a run is refused that would have to ask where nobody is: what is wrong with its arguments, else that.
fn nobody_to_ask(session: &mut Session, job: &Job<'_>) -> Failure {
    let arguments: Result<(), Failure> = super::block_on(async {
        match &job.purpose {
            Purpose::Rollback(to) => {
                let (state, open) = session.at.peek().await?;
                let goal = session.at.goal(&state, *to).await?;
                session
                    .plan_back(&goal, (&state, &open), &job.options, false)
                    .await?;
            }
            Purpose::Orphans(names) => {
                session.all_orphans(None).await?.chosen(names)?;
            }
            Purpose::Apply { .. } | Purpose::Destroy => {
                session.plan_unseen(&job.options, Unseen::Next).await?;
            }
        }
        Ok(())
    });
    let (word, look) = (job.purpose.word(), job.purpose.look());
    arguments.err().unwrap_or_else(|| {
        Failure::wrong_use(format!(
            "`gosling {word}` asks before it changes anything, and standard input is not a terminal"
        ))
        .hint(format!(
            "`gosling {word} --yes` in a pipeline, after a look at `{look}`"
        ))
    })
}

/// All that is done under the lock: settle, plan, ask, apply, wait, and where it is to be, undo.
async fn work(
    host: &mut Host,
    context: Context,
    session: &mut Session,
    under: &Under<'_>,
    job: Job<'_>,
) -> Result<Exit, Failure> {
    let progress = &under.progress;
    session.at.may_begin(job.run.during_freeze.as_deref()).await?;
    session.at.note_cut_off(under.lease).await?;
    let settled = settle(host, session, under).await?;
    let open = settled.entries();
    let mut state = session.with_new_names(settled.state).await?;
    let known = state.resources.len();
    let mut outcome = Outcome {
        open: settled.open,
        ..Outcome::default()
    };
    let plan = match job.purpose {
        Purpose::Apply {
            file: Some(ref plan), ..
        } => {
            session.may_apply(plan, &state, &open)?;
            (**plan).clone()
        }
        Purpose::Apply {
            file: None, adopt, ..
        } => {
            let plan = session.plan_from(&state, &open, &job.options, job.refresh);
            let plan = progress.look(host, under.interrupts, plan).await??;
            match adopt {
                true => adopted(host, session, under, &job, plan, (&mut state, &open)).await?,
                false => plan,
            }
        }
        Purpose::Destroy => {
            let plan = session.plan_from(&state, &open, &job.options, job.refresh);
            progress.look(host, under.interrupts, plan).await??
        }
        Purpose::Orphans(ref names) => unasked(host, session, names, (&mut state, &open)).await?,
        Purpose::Rollback(to) => {
            let goal = session.at.goal(&state, to).await?;
            let way = session.plan_back(&goal, (&state, &open), &job.options, job.refresh);
            let way = progress.look(host, under.interrupts, way).await??;
            outcome.back = Some((goal.serial, way.limits));
            if !job.run.json {
                super::rollback::show(host, context, &goal, &way.plan, outcome.limits(), job.detail)?;
            }
            way.plan
        }
    };
    if !job.run.json && outcome.back.is_none() {
        show(host, context, &plan, job.detail, false)?;
    }
    if matches!(job.purpose, Purpose::Apply { .. }) {
        for hint in moved::hints(&plan) {
            host.say(hint)?;
        }
    }
    if let (Purpose::Apply { .. }, Some(note)) = (&job.purpose, session.without_effect()) {
        host.say(note)?;
    }
    if let Some(words) = session.at.begins_anew(&plan) {
        host.say(words)?;
    }
    let jobs = session.jobs(&plan, &state, job.run.kill_jobs);
    let jobs = progress.look(host, under.interrupts, jobs).await?;
    if !job.run.json {
        for line in rollout::lines(&plan, &jobs) {
            writeln!(host.out, "{line}")?;
        }
        host.out.flush()?;
    }
    let mut account = None;
    let took_over = matches!(job.purpose, Purpose::Apply { .. }) && state.resources.len() > known;
    let changes = !plan.does_nothing() || took_over;
    if changes {
        if job.run.preflight && !can_be_done(host, session, &plan, under, job.run.json).await? {
            return Ok(Exit::Problems);
        }
        let question = match rollout::busy(&plan, &jobs) {
            0 => job.purpose.question().to_owned(),
            busy => format!("{} Machines with running jobs: {busy}.", job.purpose.question()),
        };
        // Somebody has looked at a saved plan; a person who is there is asked all the same.
        let asks = host.interactive || !job.purpose.is_saved_plan();
        if !job.run.yes && asks && !agreed(host, &question, under)? {
            host.done("nothing was changed")?;
            return Ok(Exit::Problems);
        }
    }
    if changes || !plan.corrections.is_empty() {
        let began = Event::Began {
            epoch: under.lease.locked().epoch(),
            serial: state.serial,
            plan: Some(plan.digest()),
            planned: Some(plan.counts()),
            during_freeze: job.run.during_freeze.clone(),
        };
        account = Some(AuditedRun::begin(&session.at, under.lease, began).await?);
        if took_over {
            let saved = gosling_engine::recover::save(&**under.lease.locked(), state).await;
            state = saved.map_err(crate::engine::failure)?;
        }
    }
    let carried = carry(
        host,
        context,
        session,
        under,
        &job,
        &plan,
        (state, &open),
        &mut outcome,
    )
    .await;
    if let Some(account) = account {
        let (result, serial, done, failed) = match &carried {
            Ok(applied) => {
                let (serial, ending) = outcome.ending(applied);
                (ending, Some(serial), applied.done.len(), applied.failed.len())
            }
            Err(failure) if failure.is_interrupted() => (Ending::Interrupted, None, 0, 0),
            Err(_) => (Ending::Failed, None, 0, 0),
        };
        let told = account.end(result, serial, done, failed).await;
        // What went wrong first is what to tell.
        if carried.is_ok() {
            told?;
        }
    }
    let applied = carried?;
    let whole = matches!(job.purpose, Purpose::Destroy) && job.options.targets.is_empty();
    if whole && applied.failed.is_empty() && !applied.interrupted && outcome.open.is_empty() {
        let left = session.left_behind(&plan, &applied.state);
        // Who stops this has deleted all the same.
        outcome.left = progress
            .look(host, under.interrupts, left)
            .await
            .unwrap_or_default();
        outcome.kept = session.kept_secrets(&plan).await;
    }
    let failed = !applied.failed.is_empty()
        || !outcome.silent.is_empty()
        || plan.is_partial()
        || !outcome.left.all.is_empty()
        || !outcome.open.is_empty();
    outcome.report(host, &plan, &applied, job.run.json)?;
    if matches!(job.purpose, Purpose::Rollback(_)) && !failed {
        super::rollback::still_asked(host, session, under, &applied.state).await?;
    }
    Ok(if applied.interrupted || outcome.undo_was_interrupted() {
        Exit::Interrupted
    } else if failed {
        Exit::Problems
    } else {
        Exit::Clean
    })
}

/// The plan once what it would make twice is taken over.
async fn adopted(
    host: &mut Host,
    session: &mut Session,
    under: &Under<'_>,
    job: &Job<'_>,
    plan: Plan,
    (state, open): (&mut State, &[Entry]),
) -> Result<Plan, Failure> {
    let found = under
        .progress
        .look(host, under.interrupts, session.already_there(&plan))
        .await?;
    let moves = session.moves();
    let twice = found
        .all
        .into_iter()
        .filter(|orphan| would_be_made(&plan, orphan, &moves).is_some());
    let twice: Vec<_> = twice.collect();
    if twice.is_empty() {
        return Ok(plan);
    }
    let wanted = session.wanted().await?;
    let (with, said) = session.adopt(&wanted, state.clone(), &twice).await?;
    for words in said {
        host.done(words)?;
    }
    *state = with;
    let plan = session.plan_from(state, open, &job.options, job.refresh);
    Ok(under.progress.look(host, under.interrupts, plan).await??)
}

/// The plan that deletes what is not in the state: it is taken in first, so that its deletion is one like any other.
async fn unasked(
    host: &mut Host,
    session: &mut Session,
    names: &[String],
    (state, open): (&mut State, &[Entry]),
) -> Result<Plan, Failure> {
    // What an open operation has made so far looks like what nobody knows of.
    none_open(open)?;
    let found = session.all_orphans(Some((state, open))).await?;
    let chosen = found.chosen(names)?;
    let mut targets = Vec::new();
    for orphan in &chosen {
        // Files are no resources, and are deleted when all else is.
        if orphan.marked.address.is_none() {
            continue;
        }
        let address = free_address(state, orphan).ok_or_else(|| {
            Failure::wrong_use(format!(
                "{} has no address under which it could be deleted",
                orphan.words()
            ))
        })?;
        host.say(format_args!("{} is {address}", orphan.words()))?;
        state.adopt_unasked(address.clone(), &orphan.provider, &orphan.marked);
        targets.push(address.to_string());
    }
    let options = PlanOptions {
        targets,
        destroy: true,
        ..PlanOptions::default()
    };
    let only_files = options.targets.is_empty();
    let mut plan = session.plan_from(state, &[], &options, !only_files).await?;
    if only_files {
        // Without a target, everything would be one.
        plan.changes.clear();
    }
    Ok(plan)
}

/// Carries the plan out, waits until the runners are online, and where it is to be, undoes all of it.
#[allow(clippy::too_many_arguments)]
async fn carry(
    host: &mut Host,
    context: Context,
    session: &Session,
    under: &Under<'_>,
    job: &Job<'_>,
    plan: &Plan,
    (state, open): (State, &[Entry]),
    outcome: &mut Outcome,
) -> Result<Applied, Failure> {
    let Under {
        progress, interrupts, ..
    } = under;
    let before = gosling_engine::apply::as_seen(plan, &state);
    let contacts = session.contacts(plan, &state);
    let contacts = progress.look(host, interrupts, contacts).await?;
    let mut applied = if plan.does_nothing() && plan.corrections.is_empty() {
        Applied::nothing(state)
    } else {
        let (on, wish) = ((state, open), interrupts.requests());
        let work = session.apply(under.lease, plan, on, progress, under.tempo, wish);
        progress.show(host, Some(interrupts), work).await??
    };
    if applied.failed.is_empty() && !applied.interrupted && !matches!(job.purpose, Purpose::Destroy) {
        let work = session.wait_until_online(plan, &applied.state, &contacts, progress);
        match progress.look(host, interrupts, work).await {
            Ok(health) => {
                let health = health?;
                outcome.silent = health.silent;
                let work = session.put_seeds_away(under.lease, applied.state, &health.online, progress);
                applied.state = progress.look(host, interrupts, work).await??;
            }
            Err(failure) if failure.is_interrupted() => {
                applied.interrupted = true;
                host.say("stopped waiting; the next apply waits for them again")?;
            }
            Err(other) => return Err(other),
        }
    }
    let failed = !applied.failed.is_empty() || !outcome.silent.is_empty();
    let undo = matches!(
        job.purpose,
        Purpose::Apply {
            on_failure: OnFailure::Rollback,
            ..
        }
    );
    if undo && failed && applied.interrupted {
        let stopped = Failure::interrupted("stopped before that was begun".to_owned());
        outcome.undone = Some(Err(stopped));
    } else if undo && failed && !plan.does_nothing() {
        let to_settle = !applied.open.is_empty();
        let undone = undo_all(host, context, session, under, &before, to_settle, job.run.json).await;
        outcome.undone = Some(undone);
    }
    Ok(applied)
}

/// Settles what earlier runs left open, as far as that can be, and says what cannot.
async fn settle(host: &mut Host, session: &Session, under: &Under<'_>) -> Result<Recovered, Failure> {
    let Under {
        progress,
        interrupts,
        tempo,
        ..
    } = under;
    let snapshot = under.lease.locked().load().await?;
    let (known, open) = session.at.read(&snapshot)?;
    let mut account = None;
    if !open.is_empty() {
        let began = Event::Began {
            epoch: under.lease.locked().epoch(),
            serial: known.serial,
            plan: None,
            planned: None,
            during_freeze: None,
        };
        account = Some(AuditedRun::begin(&session.at, under.lease, began).await?);
    }
    let work = session.settle(under.lease, progress, *tempo, interrupts.requests());
    let settled = progress.show(host, Some(interrupts), work).await?;
    if let Some(account) = account {
        match &settled {
            Ok(settled) => {
                let ending = if settled.open.is_empty() {
                    Ending::Done
                } else {
                    Ending::Unknown
                };
                let serial = Some(settled.state.serial);
                account.end(ending, serial, settled.settled, 0).await?;
            }
            Err(failure) if failure.is_interrupted() => account.end(Ending::Interrupted, None, 0, 0).await?,
            Err(_) => account.end(Ending::Unknown, None, 0, 0).await?,
        }
    }
    let settled = settled?;
    if interrupts.is_requested() {
        return Err(Failure::interrupted(
            "stopped before anything new was begun".to_owned(),
        ));
    }
    if settled.settled > 0 {
        host.done(format_args!(
            "recovered {} that earlier runs left open",
            counted(settled.settled, "operation")
        ))?;
    }
    Ok(settled)
}

/// Refuses to go on while an operation is open.
fn none_open(open: &[Entry]) -> Result<(), Failure> {
    match open.first() {
        None => Ok(()),
        Some(entry) => Err(super::has_not_ended(entry)),
    }
}

/// Looks whether the plan can be carried out, and says what is in the way.
async fn can_be_done(
    host: &mut Host,
    session: &Session,
    plan: &Plan,
    under: &Under<'_>,
    json: bool,
) -> Result<bool, Failure> {
    let looked = session.preflight(plan, Looked::Changed);
    let services = under.progress.look(host, under.interrupts, looked).await?;
    for words in preflight::wrong(&services) {
        host.say(words)?;
    }
    if preflight::tally(&services).failed == 0 {
        return Ok(true);
    }
    if json {
        let looked = preflight::json(&services);
        let result = serde_json::json!({ "planned": plan.counts(), "done": 0, "preflight": looked });
        host.document(result)?;
    }
    host.done(format_args!(
        "nothing was changed: {} failed; `--preflight=false` skips these checks",
        counted(preflight::tally(&services).failed, "check")
    ))?;
    Ok(false)
}

/// Goes back to what was there before this apply. What is open is settled first: only what is known can be undone.
async fn undo_all(
    host: &mut Host,
    context: Context,
    session: &Session,
    under: &Under<'_>,
    before: &State,
    to_settle: bool,
    json: bool,
) -> Result<Undone, Failure> {
    let Under {
        progress,
        interrupts,
        tempo,
        lease,
    } = under;
    host.say("undoing this run")?;
    let mut still = Vec::new();
    let (state, open) = if to_settle {
        let settled = settle(host, session, under).await?;
        let open = settled.entries();
        still = settled.open;
        (settled.state, open)
    } else {
        let snapshot = lease.locked().load().await?;
        session.at.read(&snapshot)?
    };
    let options = PlanOptions::default();
    let way = session.plan_back(before, (&state, &open), &options, true);
    let WayBack { plan, limits } = progress.look(host, interrupts, way).await??;
    if !json {
        super::rollback::show(host, context, before, &plan, &limits, Detail::Summary)?;
    }
    let work = session.apply(
        lease,
        &plan,
        (state, &open),
        progress,
        *tempo,
        interrupts.requests(),
    );
    let applied = progress.show(host, Some(interrupts), work).await??;
    Ok(Undone {
        plan,
        limits,
        applied,
        open: still,
    })
}

/// Asks whether to go on. Nothing is under way, so that Ctrl-C may end the process once the lock
/// is given back, and a second one on the spot.
fn agreed(host: &mut Host, question: &str, under: &Under<'_>) -> Result<bool, Failure> {
    let locked = Arc::clone(under.lease.locked());
    let mut stop = under.interrupts.requests();
    let watch = tokio::spawn(async move {
        if stop.wait_for(|stop| *stop != Stop::No).await.is_ok() {
            tokio::select! {
                // Where this fails the lock stays, and names its holder to the next.
                _ = locked.release() => {}
                _ = stop.wait_for(|stop| *stop == Stop::Now) => {}
            }
            let _ = writeln!(std::io::stderr(), "\nnothing was changed");
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
    let answer = questions::agreed(host, question);
    watch.abort();
    answer
}
