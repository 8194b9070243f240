//! What is said of a runner and its machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;
use super::runners::{Runner, Scope, Settings};
use super::{Ask, Gitlab};
use crate::Reply;
use crate::ledger::Ledger;

/// After this long without a contact a runner is stale: seven days.
const STALE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Gitlab {
    /// The status of something that was made and last heard of at these times.
    fn status(&self, created: Duration, contacted: Option<Duration>, at: Duration) -> &'static str {
        match contacted {
            None if at.saturating_sub(created) > STALE => "stale",
            None => "never_contacted",
            Some(contacted) => match at.saturating_sub(contacted) {
                silence if silence <= Duration::from_secs(self.world.online_seconds) => "online",
                silence if silence <= STALE => "offline",
                _ => "stale",
            },
        }
    }

    pub(super) fn runner_status(&self, runner: &Runner, at: Duration) -> &'static str {
        self.status(runner.created, runner.contacted(), at)
    }

    pub(super) fn runner_managers(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let id = ask.given.number("id");
        let runner = self.runner(id)?;
        let managers = runner.managers.iter().rev().map(|manager| {
            let info = |name: &str| manager.info.get(name).cloned().unwrap_or_default();
            json!({
                "id": manager.id,
                "system_id": manager.system_id,
                "version": info("version"),
                "revision": info("revision"),
                "platform": info("platform"),
                "architecture": info("architecture"),
                "created_at": self.clock.date(manager.created),
                "contacted_at": self.clock.date(manager.contacted),
                "ip_address": "127.0.0.1",
                "status": self.status(manager.created, Some(manager.contacted), ask.at),
                "job_execution_status": self.busy(id, Some(&manager.system_id)),
            })
        });
        let managers: Vec<_> = managers.collect();
        Ok(Reply::json(200, &json!(managers)))
    }

    /// What lists say of a runner.
    pub(super) fn runner_json(&self, id: u64, runner: &Runner, at: Duration) -> Value {
        let status = self.runner_status(runner, at);
        let Settings {
            description, paused, ..
        } = &runner.settings;
        json!({
            "id": id,
            "description": description,
            "ip_address": runner.contacted().map(|_| "127.0.0.1"),
            "active": !paused,
            "paused": paused,
            "is_shared": runner.scope == Scope::Instance,
            "runner_type": runner.scope.word(),
            "name": runner.contacted().map(|_| "gitlab-runner"),
            "online": match status { "never_contacted" => None, status => Some(status == "online") },
            "created_by": { "id": 1, "username": "gosling", "name": "gosling", "state": "active" },
            "created_at": self.clock.date(runner.created),
            "status": status,
            "job_execution_status": self.busy(id, None),
        })
    }

    /// What is said of one runner.
    pub(super) fn details(&self, id: u64, runner: &Runner, ask: &Ask) -> Value {
        let mut shown = self.runner_json(id, runner, ask.at);
        let settings = &runner.settings;
        let manager = runner.managers.iter().max_by_key(|manager| manager.contacted);
        for name in ["version", "revision", "platform", "architecture"] {
            shown[name] = manager
                .and_then(|manager| manager.info.get(name))
                .cloned()
                .unwrap_or_default();
        }
        shown["tag_list"] = json!(settings.tags);
        shown["run_untagged"] = json!(settings.run_untagged);
        shown["locked"] = json!(settings.locked);
        shown["maximum_timeout"] = json!(settings.maximum_timeout);
        shown["access_level"] = json!(if settings.protected {
            "ref_protected"
        } else {
            "not_protected"
        });
        shown["contacted_at"] = json!(runner.contacted().map(|contacted| self.clock.date(contacted)));
        shown["maintenance_note"] = json!(settings.maintenance_note);
        let (mut projects, mut groups) = (Vec::new(), Vec::new());
        match &runner.scope {
            Scope::Instance => {}
            Scope::Group(group) => groups.extend(self.group_by_number(*group)),
            Scope::Projects(own) => projects.extend(own.iter().filter_map(|id| self.project_by_number(*id))),
        }
        if ask.given.flag("include_projects") != Some(false) {
            shown["projects"] = projects
                .into_iter()
                .map(|project| self.project_json(project))
                .collect();
        }
        let group = |group: &crate::world::GroupWorld| {
            let mut shown = self.group_json(group);
            if let Some(fields) = shown.as_object_mut() {
                fields.retain(|name, _| ["id", "web_url", "name"].contains(&name.as_str()));
            }
            shown
        };
        shown["groups"] = groups.into_iter().map(group).collect();
        shown
    }

    /// Whether a runner, or one machine of it, is running a job.
    fn busy(&self, id: u64, system_id: Option<&str>) -> &'static str {
        let mut jobs = self.jobs.values();
        let busy = jobs.any(|job| {
            job.runner == Some(id)
                && job.status.running()
                && system_id.is_none_or(|system_id| job.system_id == system_id)
        });
        if busy { "active" } else { "idle" }
    }
}
