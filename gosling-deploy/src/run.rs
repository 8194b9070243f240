//! One run under the lock: settle, plan, ask, apply, wait, and where it is to be, undo.

use std::sync::Arc;

use gosling_engine::audit::{Ending, Event};
use gosling_engine::journal::Entry;
use gosling_engine::store::Locked;
use gosling_engine::{Applied, Lease, Plan, PlanOptions, Recovered, Service, State, Tally};

use crate::adoption::would_be_made;
use crate::audited_run::AuditedRun;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::holder::holder;
use crate::lock::{begin, released};
use crate::operator::{Operator, Planned};
use crate::orphans::{Orphan, Orphans, free_address};
use crate::outcome::{Outcome, RunEnd, Undone};
use crate::preflight::Looked;
use crate::reporter::Reporter;
use crate::request::{OnFailure, RunKind, RunRequest};
use crate::session::Session;
use crate::stop::StopSignal;
use crate::text::counted;
use crate::watch::Jobs;
use crate::way_back::WayBack;

/// What the steps of a run share.
struct Steps<'a> {
    request: &'a RunRequest,
    lease: &'a Lease,
    stop: &'a StopSignal,
    reporter: &'a dyn Reporter,
    operator: &'a dyn Operator,
}

/// Carries out a request under the state's lock, which is given back however the work ends.
///
/// A request to stop is heard from before the lock is taken. What only reads ends at the first one; operations under
/// way get the grace of the request's tempo.
///
/// # Errors
/// Where the lock cannot be taken, a freeze holds, no plan can be made, or a store fails. What failed at a service is in
/// the outcome.
pub async fn run(
    session: &mut Session,
    environment: &Environment,
    request: &RunRequest,
    stop: &StopSignal,
    reporter: &dyn Reporter,
    operator: &dyn Operator,
) -> Result<RunEnd, Failure> {
    let at = session.at.clone();
    // Who is refused need not wait first.
    stop.end_soon(at.may_begin(request.during_freeze.as_deref()))
        .await?;
    let own_holder = || holder(environment, request.kind.command());
    let lock = at.lock_within(own_holder, request.lock_patience, stop, |message| {
        reporter.note(message);
    });
    let locked: Arc<dyn Locked> = stop.end_now(lock).await?.into();
    let work = async {
        let lease = stop
            .end_soon(begin(&locked, |message| reporter.note(message)))
            .await?;
        let steps = Steps {
            request,
            lease: &lease,
            stop,
            reporter,
            operator,
        };
        steps.work(session).await
    };
    let outcome = stop.end_now(work).await;
    released(&*locked, outcome).await
}

impl Steps<'_> {
    /// All that is done under the lock.
    async fn work(&self, session: &mut Session) -> Result<RunEnd, Failure> {
        let Self {
            request,
            reporter,
            operator,
            ..
        } = self;
        session.at.may_begin(request.during_freeze.as_deref()).await?;
        let has_state = session.peeked.as_ref().is_some_and(|(state, _)| state.serial > 0);
        if let Some(warning) = session.at.audit_warning(has_state).await? {
            reporter.note(warning);
        }
        session.at.note_cut_off(self.lease).await?;
        let settled = self.settle(session).await?;
        let open = settled.entries();
        let mut state = session.with_new_names(settled.state).await?;
        let known = state.resources.len();
        let (plan, back) = self.plan(session, &mut state, &open).await?;
        if let RunKind::Apply { .. } = request.kind
            && let Some(note) = session.without_effect()
        {
            reporter.note(note);
        }
        if let Some(warning) = session.at.fresh_start_warning(&plan) {
            reporter.note(warning);
        }
        let jobs = session.jobs(&plan, &state, request.tempo.kill_jobs);
        let jobs = self.read(jobs).await?;
        operator.jobs(&plan, &jobs);
        let took_over = matches!(request.kind, RunKind::Apply { .. }) && state.resources.len() > known;
        let changes = !plan.does_nothing() || took_over;
        if changes {
            if let Some(services) = self.unfit(session, &plan).await? {
                let plan = Box::new(plan);
                return Ok(RunEnd::Unfit { plan, services });
            }
            if request.ask && !self.agreed(&plan, &jobs).await? {
                return Ok(RunEnd::Declined);
            }
        }
        let mut audited = None;
        if changes || !plan.corrections.is_empty() {
            // A freeze may have been set while the plan was made or the question was open.
            session.at.may_begin(request.during_freeze.as_deref()).await?;
            let began = Event::Began {
                epoch: self.lease.locked().epoch(),
                serial: state.serial,
                plan: Some(plan.digest()),
                planned: Some(plan.counts()),
                during_freeze: request.during_freeze.clone(),
            };
            audited = Some(AuditedRun::begin(&session.at, self.lease, began).await?);
            if took_over {
                let saved = gosling_engine::recover::save(&**self.lease.locked(), state).await;
                state = saved.map_err(Failure::from_error)?;
            }
        }
        let mut outcome = Outcome {
            applied: Applied::nothing(State::default()),
            plan,
            back,
            open: settled.open,
            silent: Vec::new(),
            left: Orphans::default(),
            kept: Vec::new(),
            undone: None,
            files_agree: None,
        };
        let carried = self.carry_out(session, (state, &open), &mut outcome).await;
        if let Some(audited) = audited {
            let (result, serial, done, failed) = match &carried {
                Ok(()) => {
                    let (serial, ending) = outcome.ending();
                    let applied = &outcome.applied;
                    (ending, Some(serial), applied.done.len(), applied.failed.len())
                }
                Err(failure) if failure.is_interrupted() => (Ending::Interrupted, None, 0, 0),
                Err(_) => (Ending::Failed, None, 0, 0),
            };
            let written = audited.end(result, serial, done, failed).await;
            // What went wrong first is what to report.
            if carried.is_ok() {
                written?;
            }
        }
        carried?;
        self.look_after(session, &mut outcome).await;
        Ok(RunEnd::Finished(Box::new(outcome)))
    }

    /// Work that only reads: the first request to stop ends it.
    async fn read<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.stop.end_soon(async { Ok(work.await) }).await
    }

    /// The plan, and for a rollback the serial that it goes back to with what does not come back.
    async fn plan(
        &self,
        session: &mut Session,
        state: &mut State,
        open: &[Entry],
    ) -> Result<(Plan, Option<(u64, Vec<gosling_engine::rollback::Limit>)>), Failure> {
        let Self {
            request, operator, ..
        } = self;
        let plan = match &request.kind {
            RunKind::Apply {
                saved_plan: Some(plan),
                ..
            } => {
                session.may_apply(plan, state, open)?;
                (**plan).clone()
            }
            RunKind::Apply {
                saved_plan: None,
                adopt,
                ..
            } => {
                let plan = session.plan_from(state, open, &request.options, request.refresh);
                let plan = self.read(plan).await??;
                match adopt {
                    true => self.adopted(session, plan, (state, open)).await?,
                    false => plan,
                }
            }
            RunKind::Destroy => {
                let plan = session.plan_from(state, open, &request.options, request.refresh);
                self.read(plan).await??
            }
            RunKind::DeleteOrphans(names) => self.unasked(session, names, (state, open)).await?,
            RunKind::Rollback(to) => {
                let goal = session.at.goal(state, *to).await?;
                let way = session.plan_back(&goal, (state, open), &request.options, request.refresh);
                let WayBack { plan, limits } = self.read(way).await??;
                operator.planned(Planned::Back {
                    plan: &plan,
                    goal: &goal,
                    limits: &limits,
                });
                return Ok((plan, Some((goal.serial, limits))));
            }
        };
        operator.planned(Planned::Forward(&plan));
        Ok((plan, None))
    }

    /// The plan once what it would make twice is taken over.
    async fn adopted(
        &self,
        session: &mut Session,
        plan: Plan,
        (state, open): (&mut State, &[Entry]),
    ) -> Result<Plan, Failure> {
        let found = self.read(session.already_there(&plan)).await?;
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
        let (with, messages) = session.adopt(&wanted, state.clone(), &twice).await?;
        for message in messages {
            self.reporter.done(message);
        }
        *state = with;
        let plan = session.plan_from(state, open, &self.request.options, self.request.refresh);
        self.read(plan).await?
    }

    /// The plan that deletes what is not in the state: it is taken in first, so that its deletion is one like any other.
    async fn unasked(
        &self,
        session: &mut Session,
        names: &[String],
        (state, open): (&mut State, &[Entry]),
    ) -> Result<Plan, Failure> {
        // What an open operation has made so far looks like what nobody knows of.
        if let Some(entry) = open.first() {
            return Err(still_open(entry));
        }
        let found = session.all_orphans(Some((state, open))).await?;
        let mut targets = Vec::new();
        for orphan in found.chosen(names)? {
            // Files are no resources, and are deleted when all else is.
            if orphan.marked.address.is_none() {
                continue;
            }
            let address = free_address(state, &orphan).ok_or_else(|| no_address(&orphan))?;
            self.reporter.note(format!("{} is {address}", orphan.words()));
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

    /// What each service answered, where the plan cannot be carried out. What exists is never created a second time, also
    /// where the other checks are skipped.
    async fn unfit(&self, session: &Session, plan: &Plan) -> Result<Option<Vec<Service>>, Failure> {
        let looked = match self.request.preflight {
            true => Looked::Changed,
            false => Looked::OnlyTwice,
        };
        let services = self.read(session.preflight(plan, looked)).await?;
        self.operator.checked(&services);
        let findings = services.iter().flat_map(|service| &service.findings);
        Ok((Tally::of(findings).failed > 0).then_some(services))
    }

    /// Whether the operator agrees. Nothing is under way, so that a request to stop ends the run on the spot.
    async fn agreed(&self, plan: &Plan, jobs: &Jobs) -> Result<bool, Failure> {
        match self.read(self.operator.confirm(plan, jobs)).await {
            Err(failure) if failure.is_interrupted() => {
                Err(Failure::Interrupted("nothing was changed".to_owned()))
            }
            answer => answer,
        }
    }

    /// Carries the plan out, waits until the runners are online, and where it is to be, undoes all of it.
    async fn carry_out(
        &self,
        session: &Session,
        (state, open): (State, &[Entry]),
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let Self {
            request, reporter, ..
        } = self;
        let plan = &outcome.plan;
        let before = gosling_engine::apply::as_seen(plan, &state);
        let contacts = self.read(session.contacts(plan, &state)).await?;
        let mut applied = if plan.does_nothing() && plan.corrections.is_empty() {
            Applied::nothing(state)
        } else {
            let requests = self.stop.requests();
            session
                .apply(
                    self.lease,
                    plan,
                    (state, open),
                    *reporter,
                    request.tempo,
                    requests,
                )
                .await?
        };
        let destroys = matches!(request.kind, RunKind::Destroy);
        if applied.failed.is_empty() && !applied.interrupted && !destroys {
            let work = session.wait_until_online(plan, &applied.state, &contacts, *reporter);
            match self.read(work).await {
                Ok(health) => {
                    let health = health?;
                    outcome.silent = health.silent;
                    let work = session.put_seeds_away(self.lease, applied.state, &health.online, *reporter);
                    applied.state = self.read(work).await??;
                }
                Err(failure) if failure.is_interrupted() => {
                    applied.interrupted = true;
                    reporter.note("stopped waiting; the next apply waits for them again".to_owned());
                }
                Err(other) => return Err(other),
            }
        }
        let failed = !applied.failed.is_empty() || !outcome.silent.is_empty();
        let undo = matches!(
            request.kind,
            RunKind::Apply {
                on_failure: OnFailure::Rollback,
                ..
            }
        );
        if undo && failed && applied.interrupted {
            let stopped = Failure::Interrupted("stopped before that was begun".to_owned());
            outcome.undone = Some(Err(stopped));
        } else if undo && failed && !plan.does_nothing() {
            let to_settle = !applied.open.is_empty();
            outcome.undone = Some(self.undo(session, &before, to_settle).await);
        }
        outcome.applied = applied;
        Ok(())
    }

    /// Settles what earlier runs left open, as far as that can be, and says what cannot.
    async fn settle(&self, session: &Session) -> Result<Recovered, Failure> {
        let snapshot = self.lease.locked().load().await?;
        let (known, open) = session.at.read(&snapshot)?;
        let mut audited = None;
        if !open.is_empty() {
            let began = Event::Began {
                epoch: self.lease.locked().epoch(),
                serial: known.serial,
                plan: None,
                planned: None,
                during_freeze: None,
            };
            audited = Some(AuditedRun::begin(&session.at, self.lease, began).await?);
        }
        let requests = self.stop.requests();
        let settled = session
            .settle(self.lease, self.reporter, self.request.tempo, requests)
            .await;
        if let Some(audited) = audited {
            match &settled {
                Ok(settled) => {
                    let ending = match settled.open.is_empty() {
                        true => Ending::Done,
                        false => Ending::Unknown,
                    };
                    let serial = Some(settled.state.serial);
                    audited.end(ending, serial, settled.settled, 0).await?;
                }
                Err(failure) if failure.is_interrupted() => {
                    audited.end(Ending::Interrupted, None, 0, 0).await?;
                }
                Err(_) => audited.end(Ending::Unknown, None, 0, 0).await?,
            }
        }
        let settled = settled?;
        if self.stop.is_requested() {
            return Err(Failure::Interrupted(
                "stopped before anything new was begun".to_owned(),
            ));
        }
        if settled.settled > 0 {
            self.reporter.done(format!(
                "recovered {} that earlier runs left open",
                counted(settled.settled, "operation")
            ));
        }
        Ok(settled)
    }

    /// Goes back to what was there before this apply. What is open is settled first: only what is known can be undone.
    async fn undo(&self, session: &Session, before: &State, to_settle: bool) -> Result<Undone, Failure> {
        self.reporter.note("undoing this run".to_owned());
        let mut still = Vec::new();
        let (state, open) = if to_settle {
            let settled = self.settle(session).await?;
            let open = settled.entries();
            still = settled.open;
            (settled.state, open)
        } else {
            let snapshot = self.lease.locked().load().await?;
            session.at.read(&snapshot)?
        };
        let options = PlanOptions::default();
        let way = session.plan_back(before, (&state, &open), &options, true);
        let WayBack { plan, limits } = self.read(way).await??;
        self.operator.planned(Planned::Back {
            plan: &plan,
            goal: before,
            limits: &limits,
        });
        let (tempo, requests) = (self.request.tempo, self.stop.requests());
        let applied = session
            .apply(self.lease, &plan, (state, &open), self.reporter, tempo, requests)
            .await?;
        Ok(Undone {
            plan,
            limits,
            applied,
            open: still,
        })
    }

    /// What is worth knowing once all is done. Whoever stops this has changed everything all the same.
    async fn look_after(&self, session: &mut Session, outcome: &mut Outcome) {
        let (applied, options) = (&outcome.applied, &self.request.options);
        let whole = matches!(self.request.kind, RunKind::Destroy) && options.targets.is_empty();
        if whole && applied.failed.is_empty() && !applied.interrupted && outcome.open.is_empty() {
            let left = session.left_behind(&outcome.plan, &applied.state);
            outcome.left = self.read(left).await.unwrap_or_default();
            outcome.kept = session.kept_secrets(&outcome.plan).await;
        }
        if matches!(self.request.kind, RunKind::Rollback(_)) && !outcome.has_failed() {
            let options = PlanOptions::default();
            let plan = session.plan_from(&outcome.applied.state, &[], &options, false);
            let agree = self.read(plan).await.and_then(|plan| Ok(plan?.is_empty()));
            outcome.files_agree = Some(agree);
        }
    }
}

/// Why something is refused while an operation of an earlier run is open.
#[must_use]
pub fn still_open(entry: &Entry) -> Failure {
    let (verb, address) = (entry.operation.verb, &entry.operation.address);
    Failure::new(format!("an earlier run's {verb} of {address} has not ended"))
        .help("`gosling apply` recovers it; then try again")
}

fn no_address(orphan: &Orphan) -> Failure {
    Failure::new(format!(
        "{} has no address under which it could be deleted",
        orphan.words()
    ))
}
