//! Runners: made by users, used by machines. One runner is one token; the machines that use it are its managers.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Failure, page};
use super::given::Given;
use super::projects::seen;
use super::{Ask, Gitlab, WORLD};
use crate::Reply;
use crate::ledger::Ledger;

/// How long notes and descriptions may be, in characters.
const NOTE: usize = 1024;
/// How many tags a runner may have.
const TAGS: usize = 50;
/// The shortest job timeout, in seconds.
const SHORTEST: i64 = 600;

/// What a runner runs the jobs of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    Instance,
    Group(u64),
    /// The first one is the one that it was made for.
    Projects(Vec<u64>),
}

impl Scope {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Instance => "instance_type",
            Self::Group(_) => "group_type",
            Self::Projects(_) => "project_type",
        }
    }

    /// The digit in the runner's token.
    const fn digit(&self) -> u8 {
        match self {
            Self::Instance => 1,
            Self::Group(_) => 2,
            Self::Projects(_) => 3,
        }
    }
}

/// What a user can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) description: String,
    pub(super) maintenance_note: Option<String>,
    pub(super) paused: bool,
    pub(super) locked: bool,
    pub(super) protected: bool,
    pub(super) run_untagged: bool,
    pub(super) tags: Vec<String>,
    pub(super) maximum_timeout: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: String::new(),
            maintenance_note: None,
            paused: false,
            locked: false,
            protected: false,
            run_untagged: true,
            tags: Vec::new(),
            maximum_timeout: None,
        }
    }
}

impl Settings {
    /// Takes over what a call gives.
    fn set(&mut self, given: &Given) {
        if let Some(text) = given.text("description") {
            text.clone_into(&mut self.description);
        }
        if given.value("maintenance_note").is_some() {
            self.maintenance_note = given.text("maintenance_note").map(str::to_owned);
        }
        if let Some(active) = given.flag("active") {
            self.paused = !active;
        }
        self.paused = given.flag("paused").unwrap_or(self.paused);
        self.locked = given.flag("locked").unwrap_or(self.locked);
        self.run_untagged = given.flag("run_untagged").unwrap_or(self.run_untagged);
        if let Some(level) = given.text("access_level") {
            self.protected = level == "ref_protected";
        }
        if let Some(mut tags) = given.list("tag_list") {
            // Tags are a set: in which order they were sent is forgotten.
            tags.sort();
            tags.dedup();
            self.tags = tags;
        }
        if given.value("maximum_timeout").is_some() {
            self.maximum_timeout = given.integer("maximum_timeout");
        }
    }

    /// What is wrong: fields with their complaints.
    fn complaints(&self) -> Vec<(&'static str, String)> {
        let mut complaints = Vec::new();
        let too_long = format!("is too long (maximum is {NOTE} characters)");
        if self
            .maintenance_note
            .as_ref()
            .is_some_and(|note| note.chars().count() > NOTE)
        {
            complaints.push(("maintenance_note", too_long.clone()));
        }
        if self.description.chars().count() > NOTE {
            complaints.push(("description", too_long));
        }
        if self.tags.is_empty() && !self.run_untagged {
            let complaint = "can not be empty when runner is not allowed to pick untagged jobs";
            complaints.push(("tags_list", complaint.to_owned()));
        }
        if self.tags.len() > TAGS {
            let complaint = format!("Too many tags specified. Please limit the number of tags to {TAGS}");
            complaints.push(("tags_list", complaint));
        }
        if self.maximum_timeout.is_some_and(|timeout| timeout < SHORTEST) {
            complaints.push(("maximum_timeout", "needs to be at least 10 minutes".to_owned()));
        }
        complaints
    }
}

/// A machine that uses a runner's token.
#[derive(Debug, Clone)]
pub(super) struct Manager {
    pub(super) id: u64,
    pub(super) system_id: String,
    pub(super) created: Duration,
    pub(super) contacted: Duration,
    pub(super) info: Value,
}

/// A runner.
#[derive(Debug, Clone)]
pub(super) struct Runner {
    pub(super) scope: Scope,
    pub(super) settings: Settings,
    pub(super) token: String,
    pub(super) created: Duration,
    pub(super) managers: Vec<Manager>,
}

impl Runner {
    pub(super) fn contacted(&self) -> Option<Duration> {
        self.managers.iter().map(|manager| manager.contacted).max()
    }
}

impl Gitlab {
    pub(super) fn runner(&self, id: u64) -> Result<&Runner, Failure> {
        self.runners.get(&id).ok_or_else(|| Failure::missing(""))
    }

    /// The runner that a token is the token of.
    pub(super) fn runner_by_token(&self, token: &str) -> Option<u64> {
        let mut runners = self.runners.iter();
        runners
            .find(|(_, runner)| runner.token == token)
            .map(|(&id, _)| id)
    }

    /// The runner whose token a call of its own carries.
    pub(super) fn own_runner(&self, ask: &Ask) -> Result<u64, Failure> {
        let token = ask.given.text("token").unwrap_or_default();
        self.runner_by_token(token).ok_or_else(|| Failure::forbidden(""))
    }

    /// A machine makes itself heard.
    pub(super) fn heard(&mut self, id: u64, system_id: &str, info: &Value, at: Duration) {
        let Some(runner) = self.runners.get_mut(&id) else {
            return;
        };
        let mut managers = runner.managers.iter_mut();
        if let Some(manager) = managers.find(|manager| manager.system_id == system_id) {
            manager.contacted = at;
            if info.is_object() {
                manager.info = info.clone();
            }
            return;
        }
        let manager = Manager {
            id: self.next,
            system_id: system_id.to_owned(),
            created: at,
            contacted: at,
            info: info.clone(),
        };
        self.next += 1;
        runner.managers.push(manager);
    }

    fn new_runner_token(&mut self, scope: &Scope) -> String {
        format!("glrt-t{}_{}", scope.digit(), self.dice.word(20))
    }

    /// Whether a runner runs the jobs of a project.
    pub(super) fn serves(&self, runner: &Runner, project: u64) -> bool {
        match &runner.scope {
            Scope::Instance => true,
            Scope::Projects(projects) => projects.contains(&project),
            Scope::Group(group) => {
                let own = self.project_by_number(project).and_then(|project| project.group);
                own.is_some_and(|own| self.within(own, *group))
            }
        }
    }

    pub(super) fn create_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let given = &ask.given;
        let number = |name| match given.value(name) {
            None => Err(Failure::Error(400, format!("{name} is missing"))),
            Some(_) => Ok(given.number(name)),
        };
        let denied = || Failure::forbidden("Insufficient permissions");
        let scope = match given.text("runner_type") {
            Some("group_type") => {
                let group = number("group_id")?;
                self.group_by_number(group).ok_or_else(denied)?;
                Scope::Group(group)
            }
            Some("project_type") => {
                let project = number("project_id")?;
                let known = self.project_by_number(project).ok_or_else(denied)?;
                seen(known).map_err(|_| denied())?;
                Scope::Projects(vec![project])
            }
            _ if self.world.admin => Scope::Instance,
            _ => return Err(denied()),
        };
        let mut settings = Settings::default();
        settings.set(given);
        let complaints: Vec<_> = settings
            .complaints()
            .into_iter()
            .map(|(field, complaint)| format!("{} {complaint}", human(field)))
            .chain(self.too_many(&scope))
            .collect();
        if !complaints.is_empty() {
            return Err(Failure::bad(&complaints.join(" and ")));
        }
        let (id, token) = (self.number(), self.new_runner_token(&scope));
        let note = settings.maintenance_note.as_deref().unwrap_or_default();
        let marker = format!("{note} {} {}", settings.description, settings.tags.join(" "));
        ledger.created(
            Some(ask.n),
            WORLD,
            "runner",
            &id.to_string(),
            &settings.description,
            marker.trim(),
        );
        let made = json!({ "id": id, "token": token, "token_expires_at": null });
        let runner = Runner {
            scope,
            settings,
            token,
            created: ask.at,
            managers: Vec::new(),
        };
        self.runners.insert(id, runner);
        Ok(Reply::json(201, &made))
    }

    /// What GitLab says when a project or group has as many runners as it may have.
    fn too_many(&self, scope: &Scope) -> Option<String> {
        let most = if self.premium() { 1000 } else { 50 };
        let same = self
            .runners
            .values()
            .filter(|runner| runner.scope == *scope)
            .count();
        let (field, kind) = match scope {
            Scope::Instance => return None,
            Scope::Group(_) => ("Runner namespaces base", "group"),
            Scope::Projects(_) => ("Runner projects base", "project"),
        };
        let complaint =
            || format!("{field} Maximum number of ci registered {kind} runners ({most}) exceeded");
        (same >= most).then(complaint)
    }

    /// The runners that a call asks for, out of those that it may see.
    fn filtered(&self, ask: &Ask, seen: impl Fn(&Runner) -> bool) -> Answer {
        let given = &ask.given;
        let tags = given.list("tag_list").unwrap_or_default();
        let has_status = |runner: &Runner, status: &str| match status {
            "paused" => runner.settings.paused,
            "active" => !runner.settings.paused,
            status => self.runner_status(runner, ask.at) == status,
        };
        let has_scope = |runner: &Runner, scope: &str| match scope {
            "specific" => runner.scope != Scope::Instance,
            "shared" => runner.scope == Scope::Instance,
            "instance_type" | "group_type" | "project_type" => runner.scope.word() == scope,
            status => has_status(runner, status),
        };
        let runners = self.runners.iter().filter(|(_, runner)| {
            seen(runner)
                && given.text("type").is_none_or(|kind| runner.scope.word() == kind)
                && given
                    .text("status")
                    .is_none_or(|status| has_status(runner, status))
                && given.text("scope").is_none_or(|scope| has_scope(runner, scope))
                && given
                    .flag("paused")
                    .is_none_or(|paused| runner.settings.paused == paused)
                && tags.iter().all(|tag| runner.settings.tags.contains(tag))
        });
        let runners: Vec<_> = runners
            .map(|(&id, runner)| self.runner_json(id, runner, ask.at))
            .collect();
        page(ask, &runners)
    }

    pub(super) fn list_runners(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.filtered(ask, |runner| runner.scope != Scope::Instance)
    }

    pub(super) fn list_all_runners(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        if !self.world.admin {
            return Err(Failure::forbidden(""));
        }
        self.filtered(ask, |_| true)
    }

    pub(super) fn project_runners(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let project = self.project(ask)?.id;
        self.filtered(ask, |runner| self.serves(runner, project))
    }

    pub(super) fn group_runners(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let group = self.group(ask)?.id;
        self.filtered(ask, |runner| match runner.scope {
            Scope::Instance => true,
            // A group sees its own runners, and those of the groups above it.
            Scope::Group(own) => self.within(group, own),
            Scope::Projects(_) => false,
        })
    }

    pub(super) fn show_runner(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let id = ask.given.number("id");
        let runner = self.runner(id)?;
        Ok(Reply::json(200, &self.details(id, runner, ask)))
    }

    pub(super) fn update_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        const FIELDS: [&str; 9] = [
            "description",
            "active",
            "paused",
            "tag_list",
            "run_untagged",
            "locked",
            "access_level",
            "maximum_timeout",
            "maintenance_note",
        ];
        let id = ask.given.number("id");
        let given = |name: &str| ask.given.value(name).is_some();
        if !FIELDS.into_iter().any(given) {
            let complaint = "are missing, at least one parameter must be provided";
            return Err(Failure::Error(400, format!("{} {complaint}", FIELDS.join(", "))));
        }
        if given("active") && given("paused") {
            return Err(Failure::Error(
                400,
                "active, paused are mutually exclusive".to_owned(),
            ));
        }
        let before = &self.runner(id)?.settings;
        let mut after = before.clone();
        after.set(&ask.given);
        if let Some((field, complaint)) = after.complaints().first() {
            return Err(Failure::invalid(field, complaint));
        }
        if after != *before {
            ledger.renamed(ask.n, WORLD, "runner", &id.to_string(), &after.description);
        }
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.settings = after;
        }
        let runner = self.runner(id)?;
        Ok(Reply::json(200, &self.details(id, runner, ask)))
    }

    pub(super) fn delete_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = ask.given.number("id");
        let several = matches!(&self.runner(id)?.scope, Scope::Projects(projects) if projects.len() > 1);
        if several && !self.world.admin {
            return Err(Failure::forbidden("Runner associated with more than one project"));
        }
        self.remove_runner(id, ask.n, ledger);
        Ok(Reply::empty(204))
    }

    fn remove_runner(&mut self, id: u64, n: u64, ledger: &mut Ledger) {
        self.runners.remove(&id);
        ledger.deleted(n, WORLD, "runner", &id.to_string());
    }

    pub(super) fn runner_jobs(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let id = ask.given.number("id");
        self.runner(id)?;
        let (system_id, status) = (ask.given.text("system_id"), ask.given.text("status"));
        let jobs = self.jobs.iter().filter(|(_, job)| {
            job.runner == Some(id)
                && system_id.is_none_or(|system_id| job.system_id == system_id)
                && status.is_none_or(|status| job.status.word() == status)
        });
        let mut jobs: Vec<_> = jobs.map(|(&id, job)| self.job_json(id, job, ask.at)).collect();
        if ask.given.text("sort") != Some("asc") {
            jobs.reverse();
        }
        page(ask, &jobs)
    }

    pub(super) fn reset_token(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.renew(ask.given.number("id"), ask, ledger)
    }

    pub(super) fn reset_own_token(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        self.renew(self.own_runner(ask)?, ask, ledger)
    }

    fn renew(&mut self, id: u64, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let scope = self.runner(id)?.scope.clone();
        let token = self.new_runner_token(&scope);
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.token.clone_from(&token);
        }
        ledger.changed(ask.n);
        Ok(Reply::json(
            201,
            &json!({ "token": token, "token_expires_at": null }),
        ))
    }

    /// Registration tokens are gone.
    pub(super) fn register_runner(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        Err(Failure::Message(
            410,
            json!("410 Gone - runner registration disallowed"),
        ))
    }

    pub(super) fn unregister_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = self.own_runner(ask)?;
        self.remove_runner(id, ask.n, ledger);
        Ok(Reply::empty(204))
    }

    pub(super) fn unregister_manager(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let id = self.own_runner(ask)?;
        let system_id = ask.given.text("system_id").unwrap_or_default();
        let runner = self.runners.get_mut(&id).ok_or_else(|| Failure::missing(""))?;
        let before = runner.managers.len();
        runner.managers.retain(|manager| manager.system_id != system_id);
        if runner.managers.len() == before {
            return Err(Failure::missing("Runner manager"));
        }
        ledger.changed(ask.n);
        Ok(Reply::empty(204))
    }

    /// A token that is good. It is no contact: a runner that was made here is heard of when it asks for jobs.
    pub(super) fn verify_runner(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let id = self.own_runner(ask)?;
        let token = ask.given.text("token");
        Ok(Reply::json(
            200,
            &json!({ "id": id, "token": token, "token_expires_at": null }),
        ))
    }

    pub(super) fn assign_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let (project, id) = (self.project(ask)?.id, ask.given.number("runner_id"));
        let admin = self.world.admin;
        let runner = self.runners.get_mut(&id).ok_or_else(|| Failure::missing(""))?;
        match &mut runner.scope {
            Scope::Group(_) => return Err(Failure::forbidden("Runner is a group runner")),
            Scope::Projects(_) if runner.settings.locked && !admin => {
                return Err(Failure::forbidden("Runner is locked"));
            }
            Scope::Projects(projects) if projects.contains(&project) => {
                return Err(Failure::invalid("runner_id", "has already been taken"));
            }
            Scope::Projects(projects) => projects.push(project),
            Scope::Instance => return Err(Failure::forbidden("Runner is an instance runner")),
        }
        ledger.changed(ask.n);
        let runner = self.runner(id)?;
        Ok(Reply::json(201, &self.runner_json(id, runner, ask.at)))
    }

    pub(super) fn unassign_runner(&mut self, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let (project, id) = (self.project(ask)?.id, ask.given.number("runner_id"));
        let runner = self
            .runners
            .get_mut(&id)
            .ok_or_else(|| Failure::missing("Runner"))?;
        match &mut runner.scope {
            Scope::Projects(projects) if projects.contains(&project) => {
                if projects.len() == 1 {
                    let reason =
                        "Only one project associated with the runner. Please remove the runner instead";
                    return Err(Failure::forbidden(reason));
                }
                projects.retain(|own| *own != project);
            }
            _ => return Err(Failure::missing("Runner")),
        }
        ledger.changed(ask.n);
        Ok(Reply::empty(204))
    }
}

/// A field's name as a sentence begins with it.
fn human(field: &str) -> String {
    let mut words = field.replace('_', " ");
    words.get_mut(..1).map(str::make_ascii_uppercase);
    words
}
