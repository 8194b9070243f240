//! Jobs as runners see them: asked for, told about, ended.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::{Ask, Gitlab};
use crate::Reply;
use crate::ledger::Ledger;

/// The commit that every pipeline is of.
pub(super) const SHA: &str = "5a0db0c5a0db0c5a0db0c5a0db0c5a0db0c5a0db";
/// What every job is called.
pub(super) const NAME: &str = "smoke";
/// How long a job may run, in seconds.
const TIMEOUT: i64 = 3600;

/// How a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Running,
    Success,
    Failed,
    Canceled,
}

impl Status {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    pub(super) fn running(self) -> bool {
        self == Self::Running
    }

    /// Whether nothing will come of the job anymore.
    pub(super) const fn over(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Canceled)
    }
}

/// A job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) project: u64,
    pub(super) pipeline: u64,
    pub(super) reference: String,
    pub(super) tags: Vec<String>,
    variables: Vec<(String, String)>,
    /// What the runner shows when it talks about the job.
    token: String,
    pub(super) status: Status,
    pub(super) failure_reason: Option<String>,
    pub(super) runner: Option<u64>,
    /// The machine that runs it; empty before.
    pub(super) system_id: String,
    pub(super) trace: Vec<u8>,
    pub(super) created: Duration,
    pub(super) started: Option<Duration>,
    pub(super) finished: Option<Duration>,
}

impl Job {
    pub(super) fn new(
        project: u64,
        pipeline: u64,
        reference: &str,
        tags: Vec<String>,
        variables: Vec<(String, String)>,
        token: String,
        at: Duration,
    ) -> Self {
        Self {
            project,
            pipeline,
            reference: reference.to_owned(),
            tags,
            variables,
            token,
            status: Status::Pending,
            failure_reason: None,
            runner: None,
            system_id: String::new(),
            trace: Vec::new(),
            created: at,
            started: None,
            finished: None,
        }
    }

    /// How long it has run; `None` before.
    pub(super) fn duration(&self, at: Duration) -> Option<Duration> {
        Some(self.finished.unwrap_or(at).saturating_sub(self.started?))
    }

    /// How long it has waited for a runner.
    pub(super) fn queued(&self, at: Duration) -> Duration {
        let end = self.started.or(self.finished).unwrap_or(at);
        end.saturating_sub(self.created)
    }

    pub(super) fn end(&mut self, status: Status, at: Duration) {
        self.status = status;
        self.finished = Some(at);
    }

    /// Protected refs are `main` and tags of the form `v*`.
    fn protected(&self) -> bool {
        self.reference == "main" || self.reference.starts_with('v')
    }
}

impl Gitlab {
    /// Whether a job waits for a runner like this one.
    pub(super) fn waits(&self, id: u64) -> bool {
        self.next_job(id).is_some()
    }

    /// The oldest job that waits for a runner like this one.
    fn next_job(&self, id: u64) -> Option<u64> {
        let runner = self.runners.get(&id).filter(|runner| !runner.settings.paused)?;
        let settings = &runner.settings;
        let mut jobs = self.jobs.iter();
        let (&job, _) = jobs.find(|(_, job)| {
            job.status == Status::Pending
                && (settings.run_untagged || !job.tags.is_empty())
                && job.tags.iter().all(|tag| settings.tags.contains(tag))
                && (!settings.protected || job.protected())
                && self.serves(runner, job.project)
        })?;
        Some(job)
    }

    /// The oldest job that waits for a runner like this one, given to it.
    pub(super) fn take_job(&mut self, id: u64, system_id: &str, at: Duration) -> Option<u64> {
        let job = self.next_job(id)?;
        let taken = self.jobs.get_mut(&job)?;
        taken.status = Status::Running;
        taken.runner = Some(id);
        system_id.clone_into(&mut taken.system_id);
        taken.started = Some(at);
        Some(job)
    }

    pub(super) fn request_job(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = self.own_runner(ask)?;
        let system_id = ask.given.text("system_id").unwrap_or("<legacy>").to_owned();
        let info = ask.given.value("info").cloned().unwrap_or_default();
        self.heard(id, &system_id, &info, ask.at);
        let Some(job) = self.take_job(id, &system_id, ask.at) else {
            return Ok(Reply::empty(204).header("x-gitlab-last-update", self.dice.word(32)));
        };
        ledger.changed(ask.n);
        let job = self.jobs.get(&job).map(|found| self.work(job, found));
        Ok(Reply::json(201, &job.unwrap_or_default()))
    }

    /// Everything that a runner has to know to run a job.
    fn work(&self, id: u64, job: &Job) -> Value {
        let path = self
            .project_by_number(job.project)
            .map_or("", |project| &project.path);
        let url = format!("{}/{path}.git", self.origin);
        let own = [
            ("CI", "true".to_owned()),
            ("GITLAB_CI", "true".to_owned()),
            ("CI_JOB_ID", id.to_string()),
            ("CI_JOB_NAME", NAME.to_owned()),
            ("CI_PIPELINE_ID", job.pipeline.to_string()),
            ("CI_PROJECT_ID", job.project.to_string()),
            ("CI_PROJECT_PATH", path.to_owned()),
            ("CI_COMMIT_REF_NAME", job.reference.clone()),
            ("CI_COMMIT_SHA", SHA.to_owned()),
        ];
        let variable =
            |key: &str, value: &str| json!({ "key": key, "value": value, "public": true, "masked": false });
        let variables = own.iter().map(|(key, value)| variable(key, value));
        let variables: Vec<_> = variables
            .chain(job.variables.iter().map(|(key, value)| variable(key, value)))
            .collect();
        let timeout = job
            .runner
            .and_then(|id| self.runners.get(&id)?.settings.maximum_timeout)
            .map_or(TIMEOUT, |most| most.min(TIMEOUT));
        json!({
            "id": id,
            "token": job.token,
            "allow_git_fetch": true,
            "job_info": {
                "id": id,
                "name": NAME,
                "stage": "test",
                "project_id": job.project,
                "project_name": path,
                "time_in_queue_seconds": job.queued(Duration::ZERO).as_secs(),
                "project_jobs_running_on_instance_runners_count": "0",
            },
            "git_info": {
                "repo_url": url,
                "ref": job.reference,
                "sha": SHA,
                "before_sha": "0000000000000000000000000000000000000000",
                "ref_type": "branch",
                "refspecs": [format!("+refs/heads/{0}:refs/remotes/origin/{0}", job.reference)],
                "depth": 20,
                "protected": job.protected(),
            },
            "runner_info": { "timeout": timeout, "runner_session_url": null },
            "inputs": [],
            "variables": variables,
            "steps": [{
                "name": "script",
                "script": ["echo it runs"],
                "timeout": timeout,
                "when": "on_success",
                "allow_failure": false,
            }],
            "hooks": [],
            "image": { "name": "alpine:3", "entrypoint": null, "executor_opts": {}, "ports": [], "pull_policy": null },
            "services": [],
            "artifacts": [],
            "cache": [],
            "credentials": [],
            "dependencies": [],
            "features": { "trace_sections": true, "failure_reasons": ["unknown_failure", "script_failure"] },
        })
    }

    /// The job of a runner's call. Every such call is a sign of life of the machine, too.
    fn own_job(&mut self, ask: &Ask) -> Result<u64, Failure> {
        let id = ask.given.number("id");
        let token = ask.call.header("job-token").or_else(|| ask.given.text("token"));
        let known = self.jobs.get(&id).filter(|job| Some(job.token.as_str()) == token);
        let job = known.ok_or_else(|| Failure::forbidden(""))?;
        if let Some(runner) = job.runner {
            let system_id = job.system_id.clone();
            self.heard(runner, &system_id, &Value::Null, ask.at);
        }
        Ok(id)
    }

    pub(super) fn update_job(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = self.own_job(ask)?;
        let job = self.jobs.get_mut(&id).ok_or_else(|| Failure::missing(""))?;
        if job.status != Status::Running {
            return Ok(ended(job.status));
        }
        let status = match ask.given.text("state") {
            Some("success") => Status::Success,
            Some("failed") => Status::Failed,
            Some("running") | None => {
                return Ok(told(200, job.status));
            }
            Some(_) => return Err(Failure::bad("Unknown status")),
        };
        job.end(status, ask.at);
        if status == Status::Failed {
            let reason = ask.given.text("failure_reason").unwrap_or("unknown_failure");
            job.failure_reason = Some(reason.to_owned());
        }
        ledger.changed(ask.n);
        Ok(told(200, status))
    }

    pub(super) fn append_trace(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = self.own_job(ask)?;
        let job = self.jobs.get_mut(&id).ok_or_else(|| Failure::missing(""))?;
        if job.status != Status::Running {
            return Ok(ended(job.status));
        }
        let Some(range) = ask.call.header("content-range") else {
            return Err(Failure::Error(400, "400 Missing header Content-Range".to_owned()));
        };
        let start = range
            .split_once('-')
            .and_then(|(start, _)| start.trim().parse().ok());
        if start != Some(job.trace.len()) {
            let reply = Reply::json(416, &json!({ "error": "416 Range Not Satisfiable" }));
            return Ok(reply.header("range", format!("0-{}", job.trace.len())));
        }
        job.trace.extend_from_slice(&ask.call.body);
        ledger.changed(ask.n);
        let reply = told(202, job.status).header("range", format!("0-{}", job.trace.len()));
        Ok(reply.header("x-gitlab-trace-update-interval", "3"))
    }
}

/// The answer to a runner that talks of a job that runs.
fn told(status: u16, job: Status) -> Reply {
    Reply {
        content_type: "text/plain",
        body: status.to_string().into_bytes(),
        ..Reply::empty(status).header("job-status", job.word())
    }
}

/// The answer to a runner that talks of a job that does not run anymore.
fn ended(job: Status) -> Reply {
    let reply = Reply::json(403, &json!({ "message": "403 Forbidden  - Job is not running" }));
    reply.header("job-status", job.word())
}
