//! A pipeline that is run to see whether its jobs land on a runner: what `gosling smoke` needs.

use gosling_engine::{CallError, Context};
use serde_json::{Value as Json, json};

use super::Gitlab;
use super::session::Errand;

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its number.
    pub id: i64,
    /// `created`, `pending`, `running`, `success`, `failed`, `canceled`...
    pub status: String,
    /// Where a browser finds it.
    pub web_url: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Its name in `.gitlab-ci.yml`.
    pub name: String,
    /// `created`, `pending`, `running`, `success`, `failed`, `canceled`, `skipped`, `manual`...
    pub status: String,
    /// The tags that a runner needs to take it.
    pub tags: Vec<String>,
    /// The runner that took it.
    pub runner: Option<i64>,
    /// The machine of the runner that took it, where GitLab tells.
    pub system_id: Option<String>,
    /// How many seconds it waited for a runner, or has waited.
    pub queued_seconds: Option<f64>,
    /// How many seconds it ran, or has run.
    pub seconds: Option<f64>,
    /// Why it failed: `script_failure`, `stuck_or_timeout_failure`...
    pub failure_reason: Option<String>,
    /// Where a browser finds it.
    pub web_url: String,
}

impl Job {
    pub(super) fn read(shown: &Json) -> Option<Self> {
        let text = |name: &str| shown[name].as_str().map(str::to_owned);
        let tags = shown["tag_list"].as_array().into_iter().flatten();
        Some(Self {
            id: shown["id"].as_i64()?,
            name: text("name").unwrap_or_default(),
            status: text("status").unwrap_or_default(),
            tags: tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect(),
            runner: shown["runner"]["id"].as_i64(),
            system_id: shown["runner_manager"]["system_id"].as_str().map(str::to_owned),
            queued_seconds: shown["queued_duration"].as_f64(),
            seconds: shown["duration"].as_f64(),
            failure_reason: text("failure_reason"),
            web_url: text("web_url").unwrap_or_default(),
        })
    }
}

fn pipeline(shown: &Json) -> Result<Pipeline, CallError> {
    let text = |name: &str| shown[name].as_str().unwrap_or_default().to_owned();
    let id = shown["id"].as_i64();
    let id = id.ok_or_else(|| CallError::unknown("GitLab created a pipeline, but its answer has no id"))?;
    Ok(Pipeline {
        id,
        status: text("status"),
        web_url: text("web_url"),
    })
}

fn errand(doing: &str, project: i64) -> Errand {
    Errand {
        doing: format!("{doing} project {project}"),
        of: format!("project {project}, or what was asked for in it"),
        needs: "the scope `api` and the role Developer in the project",
    }
}

impl Gitlab {
    /// Runs a new pipeline of a project on a branch or tag, with these variables.
    ///
    /// # Errors
    /// Any failed call; that GitLab finds no such reference, or no job to run.
    pub async fn create_pipeline(
        &self,
        cx: &Context<'_>,
        project: i64,
        reference: &str,
        variables: &[(String, String)],
    ) -> Result<Pipeline, CallError> {
        let variables = variables
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": value }));
        let body = json!({ "ref": reference, "variables": variables.collect::<Vec<_>>() });
        let path = format!("projects/{project}/pipeline");
        let session = self.asking(cx).await?;
        let shown = session
            .post(&path, &body, &errand("running a pipeline of", project))
            .await?;
        pipeline(&shown)
    }

    /// A pipeline as it is now.
    ///
    /// # Errors
    /// Any failed call; that it is not there.
    pub async fn pipeline(&self, cx: &Context<'_>, project: i64, id: i64) -> Result<Pipeline, CallError> {
        let path = format!("projects/{project}/pipelines/{id}");
        let session = self.asking(cx).await?;
        pipeline(
            &session
                .there(&path, &errand("looking at a pipeline of", project))
                .await?,
        )
    }

    /// Stops a pipeline that nobody waits for any longer.
    ///
    /// # Errors
    /// Any failed call; that it is not there.
    pub async fn cancel_pipeline(&self, cx: &Context<'_>, project: i64, id: i64) -> Result<(), CallError> {
        let path = format!("projects/{project}/pipelines/{id}/cancel");
        let session = self.asking(cx).await?;
        session
            .post(&path, &json!({}), &errand("stopping a pipeline of", project))
            .await?;
        Ok(())
    }

    /// The jobs of a pipeline as they are now.
    ///
    /// # Errors
    /// Any failed call; that the pipeline is not there.
    pub async fn pipeline_jobs(
        &self,
        cx: &Context<'_>,
        project: i64,
        id: i64,
    ) -> Result<Vec<Job>, CallError> {
        let path = format!("projects/{project}/pipelines/{id}/jobs");
        let session = self.asking(cx).await?;
        let shown = session
            .all(&path, &errand("listing the jobs of", project))
            .await?;
        Ok(shown.iter().filter_map(Job::read).collect())
    }

    /// What a job has written until now.
    ///
    /// # Errors
    /// Any failed call; that the job is not there.
    pub async fn job_trace(&self, cx: &Context<'_>, project: i64, job: i64) -> Result<String, CallError> {
        let path = format!("projects/{project}/jobs/{job}/trace");
        let session = self.asking(cx).await?;
        session
            .words(&path, &errand("reading a job's log of", project))
            .await
    }
}
