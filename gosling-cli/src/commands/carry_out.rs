//! A run on a terminal: shows its plan, asks, and shows what came of it.

use std::fmt::Write;

use async_trait::async_trait;
use gosling_deploy::{Jobs, Operator, Planned, Reporter, RunEnd, RunKind, RunRequest, Session, Unseen};
use gosling_engine::{Outcome, Plan, Service};

use super::run_args::commands;
use crate::render::plan::{self as plan_text, Detail};
use crate::render::{counted, moved, outcome, preflight, rollout, way_back};
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Interrupts, Progress, open_session_or_stop};
use crate::{Failure, Host};

/// What a command says of its run beside the request.
pub(super) struct Shown<'a> {
    /// The clusters that are believed whatever they are.
    pub(super) accept_clusters: &'a [String],
    /// Whether what would be deleted and cannot be reached is kept for later instead.
    pub(super) skip_unreachable: bool,
    /// How much of the plan is shown.
    pub(super) detail: Detail,
    /// Whether standard output is one JSON document.
    pub(super) json: bool,
}

pub(super) fn carry_out(
    host: &mut Host,
    context: Context,
    engine: &EngineArgs,
    request: &RunRequest,
    shown: &Shown<'_>,
) -> Result<Exit, Failure> {
    // From before anything is read until the lock is given back, so that no signal leaves it behind.
    let interrupts = Interrupts::heard()?;
    let Some(mut session) = open_session_or_stop(host, context, engine, &interrupts)? else {
        return Ok(Exit::Problems);
    };
    session.set_aside = shown.skip_unreachable;
    session.accept_clusters(shown.accept_clusters)?;
    if request.ask && !host.interactive {
        return Err(nobody_to_ask(&mut session, request, &interrupts));
    }
    crate::terminal::runtime()?.block_on(async {
        let progress = Progress::of(session.notices());
        let terminal = Terminal {
            progress: &progress,
            context,
            shown,
            kind: &request.kind,
        };
        let environment = host.environment.clone();
        let run = gosling_deploy::run(
            &mut session,
            &environment,
            request,
            &interrupts,
            &progress,
            &terminal,
        );
        let end = progress.show(host, Some(&interrupts), run).await??;
        finish(host, end, shown.json)
    })
}

/// Why a run is refused that would have to ask where nobody is: what is wrong with its arguments, else that.
fn nobody_to_ask(session: &mut Session, request: &RunRequest, interrupts: &Interrupts) -> Failure {
    let options = &request.options;
    let look = async {
        match &request.kind {
            RunKind::Rollback(to) => {
                let (state, open) = session.at.peek().await?;
                let goal = session.at.goal(&state, *to).await?;
                session.plan_back(&goal, (&state, &open), options, false).await?;
            }
            RunKind::DeleteOrphans(names) => {
                session.all_orphans(None).await?.chosen(names)?;
            }
            RunKind::Apply { .. } | RunKind::Destroy => {
                session.plan_unseen(options, Unseen::Next).await?;
            }
        }
        Ok(())
    };
    let arguments: Result<(), Failure> = crate::terminal::block_on(interrupts.end_soon(look));
    let (command, look) = commands(&request.kind);
    arguments.err().unwrap_or_else(|| {
        Failure::wrong_use(format!(
            "`gosling {command}` asks before it changes anything, and standard input is not a terminal"
        ))
        .hint(format!(
            "`gosling {command} --yes` in a pipeline, after a look at `{look}`"
        ))
    })
}

/// Shows how a run ended.
fn finish(host: &mut Host, end: RunEnd, json: bool) -> Result<Exit, Failure> {
    match end {
        RunEnd::Unfit { plan, services } => {
            if json {
                let looked = preflight::json(&services);
                let result = serde_json::json!({ "planned": plan.counts(), "done": 0, "preflight": looked });
                host.document(result)?;
            }
            let mut findings = services.iter().flat_map(|service| &service.findings);
            let skippable = findings.any(|finding| finding.outcome == Outcome::Failed && !finding.always);
            host.done(format_args!(
                "nothing was changed: {} failed{}",
                counted(preflight::tally(&services).failed, "check"),
                match skippable {
                    true => "; `--preflight=false` skips these checks",
                    false => "",
                }
            ))?;
            Ok(Exit::Problems)
        }
        RunEnd::Declined => {
            host.done("nothing was changed")?;
            Ok(Exit::Problems)
        }
        RunEnd::Finished(outcome) => {
            outcome::report(host, &outcome, json)?;
            if let Some(agree) = &outcome.files_agree {
                way_back::report_files(host, agree)?;
            }
            Ok(if outcome.was_interrupted() {
                Exit::Interrupted
            } else if outcome.has_failed() {
                Exit::Problems
            } else {
                Exit::Clean
            })
        }
    }
}

/// A person at a terminal, or a log.
struct Terminal<'a> {
    progress: &'a Progress,
    context: Context,
    shown: &'a Shown<'a>,
    kind: &'a RunKind,
}

#[async_trait]
impl Operator for Terminal<'_> {
    fn planned(&self, planned: Planned<'_>) {
        let (look, detail) = (self.context.out, self.shown.detail);
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = match planned {
            _ if self.shown.json => Ok(()),
            Planned::Forward(plan) => plan_text::write(plan, look, detail, &mut text),
            Planned::Back { plan, goal, limits } => {
                let detail = match self.kind {
                    RunKind::Rollback(_) => detail,
                    _ => Detail::Summary,
                };
                way_back::write(goal, plan, limits, look, detail, &mut text)
            }
        };
        self.progress.print(String::from_utf8_lossy(&text).into_owned());
        if let (RunKind::Apply { .. }, Planned::Forward(plan)) = (self.kind, planned) {
            for hint in moved::hints(plan) {
                self.progress.note(hint);
            }
        }
    }

    fn jobs(&self, plan: &Plan, jobs: &Jobs) {
        if !self.shown.json {
            let mut text = String::new();
            for line in rollout::lines(plan, jobs) {
                let _ = writeln!(text, "{line}");
            }
            self.progress.print(text);
        }
    }

    fn checked(&self, services: &[Service]) {
        for message in preflight::wrong(services) {
            self.progress.note(message);
        }
    }

    async fn confirm(&self, plan: &Plan, jobs: &Jobs) -> bool {
        let question = match self.kind {
            RunKind::Destroy | RunKind::DeleteOrphans(_) => "Delete all of these?",
            RunKind::Apply { .. } | RunKind::Rollback(_) => "Apply these changes?",
        };
        let question = match rollout::busy(plan, jobs) {
            0 => question.to_owned(),
            busy => format!("{question} Machines with running jobs: {busy}."),
        };
        self.progress.ask(question).await
    }
}
