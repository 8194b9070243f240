//! Whether a runner's machines are heard of, and what they do.

use std::collections::BTreeSet;

use gosling_engine::{CallError, Context};
use serde_json::Value as Json;

use super::Gitlab;
use super::pipelines::Job;
use super::session::{Errand, OURSELVES, Session};

/// When GitLab last heard of a runner, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contact {
    /// A short time ago.
    Online,
    /// Longer ago than two hours.
    Offline,
    /// Longer ago than a week.
    Stale,
    /// Never.
    NeverContacted,
}

impl Contact {
    fn read(word: &Json) -> Self {
        match word.as_str() {
            Some("online") => Self::Online,
            Some("offline") => Self::Offline,
            Some("stale") => Self::Stale,
            _ => Self::NeverContacted,
        }
    }
}

/// A runner and all its machines.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerStatus {
    /// The best that any of its machines has to say.
    pub contact: Contact,
    /// Whether it is told to take no jobs.
    pub paused: bool,
    /// When any machine was last heard of, as GitLab writes times.
    pub contacted_at: Option<String>,
    /// The machines that use its token, those heard of most recently first.
    pub managers: Vec<Manager>,
    /// The jobs that it is running.
    pub jobs: Vec<Job>,
}

/// A machine that uses a runner's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// What it calls itself: `s_1a2b3c`; empty where GitLab is too old to tell machines apart.
    pub system_id: String,
    /// When it was heard of.
    pub contact: Contact,
    /// When exactly, as GitLab writes times.
    pub contacted_at: Option<String>,
    /// Its gitlab-runner's version, once it asked for a job.
    pub version: Option<String>,
    /// The address from which it called.
    pub ip_address: Option<String>,
    /// Whether it is running a job.
    pub busy: bool,
}

impl Manager {
    fn read(shown: &Json) -> Self {
        let text = |name: &str| {
            shown[name]
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Self {
            system_id: text("system_id").unwrap_or_default(),
            contact: Contact::read(&shown["status"]),
            contacted_at: text("contacted_at"),
            version: text("version"),
            ip_address: text("ip_address"),
            busy: shown["job_execution_status"].as_str() == Some("active"),
        }
    }
}

/// What a machine that was made with this marker calls itself at GitLab: the first boot writes it for gitlab-runner, which
/// takes `s_` and twelve letters or digits. `None` for a machine that gosling did not make.
#[must_use]
pub fn system_id(marker: &str) -> Option<String> {
    let (_, op) = marker.rsplit_once(':')?;
    let op = op
        .get(..12)
        .filter(|op| op.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    Some(format!("s_{op}"))
}

fn errand(id: i64) -> Errand {
    Errand {
        doing: format!("looking at runner {id}"),
        of: format!("runner {id}"),
        needs: "the scope `api` (or `manage_runner`) and the role Maintainer",
    }
}

impl Session<'_> {
    /// The machines that use a runner's token; gosling's own look at a token does not count.
    pub(super) async fn managers(&self, id: i64) -> Result<Vec<Manager>, CallError> {
        let errand = errand(id);
        if let Some(shown) = self.list(&format!("runners/{id}/managers"), &errand).await? {
            let managers = shown.iter().map(Manager::read);
            let mut managers: Vec<_> = managers
                .filter(|manager| manager.system_id != OURSELVES)
                .collect();
            managers.sort_by(|one, other| other.contacted_at.cmp(&one.contacted_at));
            return Ok(managers);
        }
        // A GitLab that does not list them still says of the runner when the last one of them was heard of.
        let runner = self.there(&format!("runners/{id}"), &errand).await?;
        let heard = Some(Manager::read(&runner)).filter(|manager| manager.contacted_at.is_some());
        Ok(heard.into_iter().collect())
    }
}

impl Gitlab {
    /// The machines that use a runner's token, those heard of most recently first: one call.
    ///
    /// # Errors
    /// Any failed call; that the runner is not there, or not for this token.
    pub async fn managers(&self, cx: &Context<'_>, id: i64) -> Result<Vec<Manager>, CallError> {
        self.asking(cx).await?.managers(id).await
    }

    /// The numbers of all runners that the token may see and of which GitLab has heard lately: one call for a hundred.
    ///
    /// # Errors
    /// Any failed call.
    pub async fn online_runners(&self, cx: &Context<'_>) -> Result<BTreeSet<i64>, CallError> {
        let errand = Errand {
            doing: "listing the runners that are online".to_owned(),
            of: "the list of runners".to_owned(),
            needs: "the scope `api` or `read_api`",
        };
        let runners = self
            .asking(cx)
            .await?
            .all("runners?status=online", &errand)
            .await?;
        Ok(runners
            .iter()
            .filter_map(|runner| runner["id"].as_i64())
            .collect())
    }

    /// Whether a runner is heard of, by whom, and what it is running.
    ///
    /// # Errors
    /// Any failed call; that the runner is not there, or not for this token.
    pub async fn runner_status(&self, cx: &Context<'_>, id: i64) -> Result<RunnerStatus, CallError> {
        let session = self.asking(cx).await?;
        let shown = session.there(&format!("runners/{id}"), &errand(id)).await?;
        let managers = session.managers(id).await?;
        let jobs = session
            .all(&format!("runners/{id}/jobs?status=running"), &errand(id))
            .await?;
        let contact = managers.iter().map(|manager| manager.contact).min();
        // GitLab forgets machines that are silent for long, and the runner stays stale. One that is online without
        // any machine heard only gosling, which looked whether its token is good.
        let contact = contact.unwrap_or_else(|| match Contact::read(&shown["status"]) {
            Contact::Online => Contact::NeverContacted,
            other => other,
        });
        Ok(RunnerStatus {
            contact,
            paused: shown["paused"].as_bool() == Some(true),
            contacted_at: managers
                .iter()
                .filter_map(|manager| manager.contacted_at.clone())
                .max(),
            managers,
            jobs: jobs.iter().filter_map(Job::read).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_known_by_the_operation_that_made_it() {
        let id = system_id("gosling:lab:egg.app.vm[0]:abcdefghij234567");
        assert_eq!(id.as_deref(), Some("s_abcdefghij23"));
        for marker in [
            "",
            "gosling",
            "gosling:lab:egg.app.vm[0]:short",
            "a:ä12345678901234",
        ] {
            assert_eq!(system_id(marker), None, "{marker}");
        }
    }
}
