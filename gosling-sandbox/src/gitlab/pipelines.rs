//! Pipelines as users see them. Each has one job, which asks for the tags that it is to be tried with.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, page};
use super::jobs::{Job, Status};
use super::{Ask, Gitlab};
use crate::Reply;
use crate::ledger::Ledger;

/// The variable that says which tags the job of a pipeline has, with commas, where the world file does not.
const TAGS: &str = "GOSLING_SMOKE_TAGS";

/// A pipeline. Its status is its job's.
#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    project: u64,
    reference: String,
    created: Duration,
    source: &'static str,
    job: u64,
}

/// The branches and tags that every project has.
fn is_there(reference: &str) -> bool {
    let name = ["refs/heads/", "refs/tags/"]
        .into_iter()
        .find_map(|prefix| reference.strip_prefix(prefix))
        .unwrap_or(reference);
    matches!(name, "main" | "develop") || name.starts_with('v')
}

impl Gitlab {
    pub(super) fn create_pipeline(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.run(ask, "api", ledger)
    }

    /// Any personal token is a trigger token here, and nothing else is.
    pub(super) fn trigger_pipeline(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        if ask.given.text("token") != Some(self.token.as_str()) {
            return Err(Failure::missing(""));
        }
        self.run(ask, "trigger", ledger)
    }

    fn run(&mut self, ask: &Ask, source: &'static str, ledger: &mut Ledger) -> Answer {
        let reference = ask.given.text("ref").unwrap_or_default().to_owned();
        // Of branches and tags there are those that are protected.
        if !is_there(&reference) {
            return Err(Failure::invalid("base", "Reference not found"));
        }
        let project = self.project(ask)?;
        let variables = ask.given.pairs("variables");
        let asked = variables
            .iter()
            .find(|(key, _)| key == TAGS)
            .map(|(_, tags)| tags.split(','));
        let tags = match asked {
            Some(tags) => {
                let tags = tags.map(str::trim).filter(|tag| !tag.is_empty());
                tags.map(str::to_owned).collect()
            }
            None => project.ci_tags.clone(),
        };
        let (project, id, job) = (project.id, self.number(), self.number());
        let token = format!("glcbt-{}", self.dice.word(20));
        let new = Job::new(project, id, &reference, tags, variables, token, ask.at);
        self.jobs.insert(job, new);
        let pipeline = Pipeline {
            project,
            reference,
            created: ask.at,
            source,
            job,
        };
        self.pipelines.insert(id, pipeline.clone());
        ledger.changed(ask.n);
        Ok(Reply::json(201, &self.pipeline_json(id, &pipeline, ask.at)))
    }

    /// The pipeline of the call's path.
    fn pipeline(&self, ask: &Ask) -> Result<(u64, &Pipeline), Failure> {
        let (project, id) = (self.project(ask)?.id, ask.given.number("pipeline_id"));
        let pipeline = self
            .pipelines
            .get(&id)
            .filter(|pipeline| pipeline.project == project);
        Ok((id, pipeline.ok_or_else(|| Failure::missing(""))?))
    }

    /// The job of the call's path.
    fn job(&self, ask: &Ask) -> Result<(u64, &Job), Failure> {
        let (project, id) = (self.project(ask)?.id, ask.given.number("job_id"));
        let job = self.jobs.get(&id).filter(|job| job.project == project);
        Ok((id, job.ok_or_else(|| Failure::missing(""))?))
    }

    pub(super) fn list_pipelines(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let project = self.project(ask)?.id;
        let own = self
            .pipelines
            .iter()
            .rev()
            .filter(|(_, pipeline)| pipeline.project == project);
        let own: Vec<_> = own
            .map(|(&id, pipeline)| self.pipeline_json(id, pipeline, ask.at))
            .collect();
        page(ask, &own)
    }

    pub(super) fn show_pipeline(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let (id, pipeline) = self.pipeline(ask)?;
        Ok(Reply::json(200, &self.pipeline_json(id, pipeline, ask.at)))
    }

    pub(super) fn cancel_pipeline(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let (id, pipeline) = self.pipeline(ask)?;
        let pipeline = pipeline.clone();
        if let Some(job) = self.jobs.get_mut(&pipeline.job)
            && !job.status.over()
        {
            job.end(Status::Canceled, ask.at);
            ledger.changed(ask.n);
        }
        Ok(Reply::json(200, &self.pipeline_json(id, &pipeline, ask.at)))
    }

    pub(super) fn pipeline_jobs(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let (_, pipeline) = self.pipeline(ask)?;
        let job = self
            .jobs
            .get(&pipeline.job)
            .map(|job| self.job_json(pipeline.job, job, ask.at));
        page(ask, job.as_slice())
    }

    pub(super) fn show_job(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let (id, job) = self.job(ask)?;
        Ok(Reply::json(200, &self.job_json(id, job, ask.at)))
    }

    pub(super) fn show_trace(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let (_, job) = self.job(ask)?;
        Ok(Reply {
            content_type: "text/plain",
            body: job.trace.clone(),
            ..Reply::empty(200)
        })
    }

    fn pipeline_json(&self, id: u64, pipeline: &Pipeline, at: Duration) -> Value {
        let job = self.jobs.get(&pipeline.job);
        let date = |time: Option<Duration>| time.map(|time| self.clock.date(time));
        let started = job.and_then(|job| job.started);
        let finished = job.and_then(|job| job.finished);
        let path = self
            .project_by_number(pipeline.project)
            .map_or("", |project| &project.path);
        json!({
            "id": id,
            "iid": id,
            "project_id": pipeline.project,
            "sha": super::jobs::SHA,
            "ref": pipeline.reference,
            "status": job.map_or("failed", |job| job.status.word()),
            "source": pipeline.source,
            "created_at": self.clock.date(pipeline.created),
            "updated_at": self.clock.date(finished.or(started).unwrap_or(pipeline.created)),
            "started_at": date(started),
            "finished_at": date(finished),
            "duration": job.and_then(|job| job.duration(at)).map(|duration| duration.as_secs()),
            "queued_duration": job.map(|job| job.queued(at).as_secs()),
            "web_url": format!("{}/{path}/-/pipelines/{id}", self.origin),
        })
    }

    /// What is said of a job.
    pub(super) fn job_json(&self, id: u64, job: &Job, at: Duration) -> Value {
        let date = |time: Option<Duration>| time.map(|time| self.clock.date(time));
        let runner = job.runner.map(|id| {
            let runner = self.runners.get(&id);
            json!({ "id": id, "description": runner.map(|runner| &runner.settings.description) })
        });
        let manager = job.runner.map(|_| json!({ "system_id": job.system_id }));
        let path = self
            .project_by_number(job.project)
            .map_or("", |project| &project.path);
        json!({
            "id": id,
            "name": super::jobs::NAME,
            "stage": "test",
            "status": job.status.word(),
            "ref": job.reference,
            "tag": false,
            "allow_failure": false,
            "tag_list": job.tags,
            "created_at": self.clock.date(job.created),
            "started_at": date(job.started),
            "finished_at": date(job.finished),
            "duration": job.duration(at).map(|duration| duration.as_secs_f64()),
            "queued_duration": job.queued(at).as_secs_f64(),
            "failure_reason": job.failure_reason,
            "runner": runner,
            "runner_manager": manager,
            "pipeline": { "id": job.pipeline, "project_id": job.project, "ref": job.reference },
            "project": { "id": job.project, "path_with_namespace": path },
            "web_url": format!("{}/{path}/-/jobs/{id}", self.origin),
        })
    }
}
