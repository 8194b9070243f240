//! `gosling smoke`

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;
use gosling_engine::Secrets;
use gosling_engine::fence::Unfenced;
use gosling_providers::gitlab::{Gitlab, Job, Pipeline};
use gosling_resource::Value;
use serde_json::json;

use super::status::{is_known, runner_of};
use crate::render::counted;
use crate::terminal::{Context, Exit};
use crate::terminal::{EngineArgs, Progress, open_session};
use crate::{Failure, Host};
use gosling_deploy::{NamedSecret, Reporter, Session, ago};

/// A representative job ends within this.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// So many projects of a group are tried.
const TRIED: usize = 20;

/// Run a pipeline and check that its job lands on an egg's runner
///
/// Reports which runner took the job, how long it waited and ran, and whether its log contains a secret of the Nest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gosling smoke app                a pipeline on the project's default branch
  gosling smoke app --ref main
  gosling smoke lint               an egg of a group: the first of its projects that can
  gosling smoke lint --project 51  this one

Exit codes: 0 the job ran on this egg's runner and was green, 1 it did not.")]
pub(crate) struct SmokeArgs {
    /// The egg
    #[arg(add = super::candidates::eggs())]
    egg: String,
    /// The branch or tag [default: the project's default branch]
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// The project, for an egg that serves a group [default: the first in which a pipeline can run]
    #[arg(long, value_name = "ID")]
    project: Option<i64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

pub(crate) fn cmd_smoke(host: &mut Host, context: Context, args: &SmokeArgs) -> Result<Exit, Failure> {
    let Some(mut session) = open_session(host, context, &args.engine)? else {
        return Ok(Exit::Problems);
    };
    crate::terminal::block_on(async {
        let (state, _) = session.at.peek().await?;
        is_known(&session, &state, &args.egg)?;
        let (_, held) = runner_of(&state, &args.egg).ok_or_else(|| {
            Failure::wrong_use(format!("no runner was created for `{}`", args.egg)).hint("gosling apply")
        })?;
        let own: i64 = held.id.parse().map_err(crate::terminal::failure)?;
        let tags = held
            .properties
            .get("tags")
            .map(Value::texts)
            .unwrap_or_default()
            .join(",");
        let gitlab = session.gitlab_of(held)?;
        let progress = Progress::of(session.notices());
        let serves = |name: &str| held.properties.get(name).and_then(Value::as_int);
        let place = match (args.project.or_else(|| serves("project_id")), serves("group_id")) {
            (Some(project), _) => Place::Project(project),
            (None, Some(group)) => Place::Group(group),
            (None, None) => {
                return Err(Failure::wrong_use(format!(
                    "it is not known which projects `{}` serves",
                    args.egg
                ))
                .hint("--project ID"));
            }
        };
        let work = run(
            &session,
            &gitlab,
            place,
            args.reference.as_deref(),
            &tags,
            &progress,
        );
        let (jobs, logs) = progress.show(host, None, work).await??;
        let leaked = leaked(&mut session, &logs).await?;
        report(host, args, own, &jobs, &leaked)
    })
}

/// Where a pipeline is to run.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In this project.
    Project(i64),
    /// In the first project of this group in which one can.
    Group(i64),
}

/// Starts a pipeline on a branch or tag, otherwise on the default branch.
async fn start(
    gitlab: &Gitlab,
    cx: &gosling_engine::Context<'_>,
    project: i64,
    reference: Option<&str>,
    tags: &str,
    progress: &Progress,
) -> Result<Pipeline, Failure> {
    let reference = match reference {
        Some(reference) => reference.to_owned(),
        None => {
            let seen = gitlab.project(cx, project).await.map_err(failed)?;
            seen.default_branch.ok_or_else(|| {
                Failure::wrong_use(format!("project {project} has no branch yet")).hint("--ref REF")
            })?
        }
    };
    // A `.gitlab-ci.yml` may take its job's tags from here: `tags: [$GOSLING_SMOKE_TAGS]`.
    let variables = [("GOSLING_SMOKE_TAGS".to_owned(), tags.to_owned())];
    let pipeline = gitlab
        .create_pipeline(cx, project, &reference, &variables)
        .await
        .map_err(failed)?;
    progress.say(format!(
        "pipeline {} on {reference} of project {project}",
        pipeline.id
    ));
    Ok(pipeline)
}

/// Starts a pipeline in the first project of a group in which that can be done, and returns it and the project.
async fn start_in_group(
    gitlab: &Gitlab,
    cx: &gosling_engine::Context<'_>,
    group: i64,
    reference: Option<&str>,
    tags: &str,
    progress: &Progress,
) -> Result<(i64, Pipeline), Failure> {
    let projects = gitlab.group_projects(cx, group).await.map_err(failed)?;
    let mut refused = Vec::new();
    for project in projects.iter().take(TRIED) {
        match start(gitlab, cx, project.id, reference, tags, progress).await {
            Ok(pipeline) => {
                progress.say(format!(
                    "note: group {group} has {}; this runs in {} ({}), `--project ID` names another",
                    counted(projects.len(), "project"),
                    project.path,
                    project.id
                ));
                return Ok((project.id, pipeline));
            }
            Err(failure) => refused.push(format!("{} ({}): {failure}", project.path, project.id)),
        }
    }
    Err(Failure::wrong_use(match refused.is_empty() {
        true => format!("group {group} has no project, and a pipeline runs in one"),
        false => format!("no pipeline can run in group {group}: {}", refused.join("; ")),
    })
    .hint("`--project ID` names a project that has a `.gitlab-ci.yml`"))
}

fn failed(error: gosling_engine::CallError) -> Failure {
    error.into()
}

/// Runs a pipeline to its end and reads its jobs' logs.
async fn run(
    session: &Session,
    gitlab: &Gitlab,
    place: Place,
    reference: Option<&str>,
    tags: &str,
    progress: &Progress,
) -> Result<(Vec<Job>, Vec<String>), Failure> {
    // A person asked for this pipeline, and nothing of the state is changed by it.
    let cx = session.changing(&Unfenced);
    let (project, pipeline) = match place {
        Place::Project(project) => {
            let pipeline = start(gitlab, &cx, project, reference, tags, progress).await?;
            (project, pipeline)
        }
        Place::Group(group) => start_in_group(gitlab, &cx, group, reference, tags, progress).await?,
    };
    let began = Instant::now();
    let ended = |status: &str| matches!(status, "success" | "failed" | "canceled" | "skipped" | "manual");
    loop {
        let seen = gitlab.pipeline(&cx, project, pipeline.id).await.map_err(failed)?;
        if ended(&seen.status) {
            break;
        }
        if began.elapsed() > LONGEST {
            gitlab
                .cancel_pipeline(&cx, project, pipeline.id)
                .await
                .map_err(failed)?;
            progress.say(format!(
                "the pipeline was stopped: it had not ended after {}",
                ago(LONGEST)
            ));
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let jobs = gitlab
        .pipeline_jobs(&cx, project, pipeline.id)
        .await
        .map_err(failed)?;
    let mut logs = Vec::new();
    for job in &jobs {
        logs.push(gitlab.job_trace(&cx, project, job.id).await.map_err(failed)?);
    }
    Ok((jobs, logs))
}

/// The secrets of the Nest whose values stand in a log.
async fn leaked(session: &mut Session, logs: &[String]) -> Result<Vec<String>, Failure> {
    let mut leaked = Vec::new();
    for NamedSecret { uri, .. } in session.named_secrets().await? {
        let Ok(value) = session.secrets.read(&uri).await else {
            continue;
        };
        // A short value would be found by chance.
        if value.expose().len() >= 8 && logs.iter().any(|log| log.contains(value.expose())) {
            leaked.push(uri.to_string());
        }
    }
    Ok(leaked)
}

fn report(
    host: &mut Host,
    args: &SmokeArgs,
    own: i64,
    jobs: &[Job],
    leaked: &[String],
) -> Result<Exit, Failure> {
    let landed = jobs.iter().any(|job| job.runner == Some(own));
    let green = jobs
        .iter()
        .filter(|job| job.runner == Some(own))
        .all(|job| job.status == "success");
    if args.json {
        let list: Vec<_> = jobs
            .iter()
            .map(|job| {
                json!({ "id": job.id, "name": job.name, "status": job.status, "runner": job.runner,
                        "queued_seconds": job.queued_seconds, "seconds": job.seconds, "failure_reason": job.failure_reason })
            })
            .collect();
        let result = json!({ "egg": args.egg, "runner": own, "landed": landed, "green": green, "jobs": list, "secrets_in_log": leaked });
        host.document(result)?;
    } else {
        for job in jobs {
            let place = match job.runner {
                Some(runner) if runner == own => format!("on this egg's runner {runner}"),
                Some(runner) => format!("on runner {runner}, which is another one"),
                None => "on no runner".to_owned(),
            };
            let (waited, ran) = (job.queued_seconds.unwrap_or(0.0), job.seconds.unwrap_or(0.0));
            let why = job
                .failure_reason
                .as_deref()
                .map(|why| format!(" ({why})"))
                .unwrap_or_default();
            writeln!(
                host.out,
                "job {} `{}`: {}{why} {place}; waited {waited:.1} s, ran {ran:.1} s",
                job.id, job.name, job.status
            )?;
        }
        for uri in leaked {
            writeln!(
                host.out,
                "error: the value of {uri} is in a job's log: rotate it, and mask it in GitLab"
            )?;
        }
        if !landed {
            host.say("help: a job runs only on a runner that has all of the job's tags; `gosling status` says whether it is online")?;
        }
    }
    Ok(if landed && green && leaked.is_empty() {
        Exit::Clean
    } else {
        Exit::Problems
    })
}
