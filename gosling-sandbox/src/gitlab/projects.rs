//! Projects and groups. The world file says which there are; no call makes any.

use serde_json::{Value, json};

use super::answer::{Answer, Failure, page};
use super::{Ask, Gitlab, MAINTAINER};
use crate::Reply;
use crate::ledger::Ledger;
use crate::world::{GroupWorld, ProjectWorld, Tier};

impl Gitlab {
    /// Whether what needs a licence is there.
    pub(super) fn premium(&self) -> bool {
        self.world.tier == Tier::Premium
    }

    /// The project of the call's path, by number or path. One that was renamed answers only to reading calls under
    /// its old path, and only with its number.
    pub(super) fn project(&self, ask: &Ask) -> Result<&ProjectWorld, Failure> {
        let id = ask.given.text("id").unwrap_or_default();
        let is = |path: &str| path.eq_ignore_ascii_case(id);
        let mut projects = self.world.projects.iter();
        if let Some(project) = projects.find(|project| is(&project.path) || project.id.to_string() == id) {
            return seen(project);
        }
        let mut projects = self.world.projects.iter();
        match projects.find(|project| project.was.iter().any(|path| is(path))) {
            Some(project) if ask.call.method == "GET" => {
                // The variable is the third part of the path: `/api/v4/projects/{id}`.
                let rest: Vec<_> = ask.call.path.split('/').skip(5).collect();
                let rest: String = rest.into_iter().flat_map(|part| ["/", part]).collect();
                let address = format!("{}/api/v4/projects/{}{rest}", self.origin, project.id);
                Err(Failure::Moved(address))
            }
            Some(_) => {
                let message = "405 Method Not Allowed - Non GET methods are not allowed for moved projects";
                Err(Failure::Message(405, json!(message)))
            }
            None => Err(Failure::missing("Project")),
        }
    }

    /// The group of the call's path, by number or path.
    pub(super) fn group(&self, ask: &Ask) -> Result<&GroupWorld, Failure> {
        let id = ask.given.text("id").unwrap_or_default();
        let mut groups = self.world.groups.iter();
        groups
            .find(|group| group.path.eq_ignore_ascii_case(id) || group.id.to_string() == id)
            .ok_or_else(|| Failure::missing("Group"))
    }

    /// A project by its number.
    pub(super) fn project_by_number(&self, id: u64) -> Option<&ProjectWorld> {
        self.world.projects.iter().find(|project| project.id == id)
    }

    /// A group by its number.
    pub(super) fn group_by_number(&self, id: u64) -> Option<&GroupWorld> {
        self.world.groups.iter().find(|group| group.id == id)
    }

    /// Whether a group is another one or lies somewhere under it.
    pub(super) fn within(&self, group: u64, ancestor: u64) -> bool {
        let mut here = Some(group);
        // A world file may hold a circle: more steps than there are groups lead nowhere new.
        for _ in 0..=self.world.groups.len() {
            match here {
                Some(id) if id == ancestor => return true,
                Some(id) => here = self.group_by_number(id).and_then(|group| group.parent),
                None => return false,
            }
        }
        false
    }

    pub(super) fn show_project(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let project = self.project(ask)?;
        Ok(Reply::json(200, &self.project_json(project)))
    }

    pub(super) fn show_group(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let group = self.group(ask)?;
        let mut shown = self.group_json(group);
        if ask.given.flag("with_projects") != Some(false) {
            let projects = self
                .world
                .projects
                .iter()
                .filter(|project| project.group == Some(group.id));
            shown["projects"] = projects.map(|project| self.project_json(project)).collect();
        }
        Ok(Reply::json(200, &shown))
    }

    /// All projects: the token is a member of each.
    pub(super) fn list_projects(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.projects(ask, |_| true)
    }

    pub(super) fn group_projects(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        let group = self.group(ask)?.id;
        let subgroups = ask.given.flag("include_subgroups") == Some(true);
        self.projects(ask, |project| match project.group {
            Some(own) => own == group || (subgroups && self.within(own, group)),
            None => false,
        })
    }

    /// The projects that a call asks for, out of these.
    fn projects(&self, ask: &Ask, these: impl Fn(&ProjectWorld) -> bool) -> Answer {
        let given = &ask.given;
        let search = given.text("search").unwrap_or_default().to_lowercase();
        let hidden = given.flag("archived") == Some(true) || given.flag("active") == Some(false);
        let mut projects: Vec<_> = self
            .world
            .projects
            .iter()
            .filter(|project| these(project) && project.refuses != Some(404))
            .filter(|project| project.path.to_lowercase().contains(&search) && !hidden)
            .filter(|_| {
                given
                    .text("visibility")
                    .is_none_or(|visibility| visibility == "private")
            })
            .collect();
        match given.text("order_by") {
            Some("name" | "path") => projects.sort_by(|one, other| one.path.cmp(&other.path)),
            // All of them are as old as their numbers.
            _ => projects.sort_by_key(|project| project.id),
        }
        if given.text("sort") != Some("asc") {
            projects.reverse();
        }
        let projects: Vec<_> = projects
            .into_iter()
            .map(|project| self.project_json(project))
            .collect();
        page(ask, &projects)
    }

    /// What every mention of a project says.
    pub(super) fn project_json(&self, project: &ProjectWorld) -> Value {
        let name = project.path.rsplit('/').next().unwrap_or_default();
        let namespace = project
            .path
            .rsplit_once('/')
            .map_or("", |(namespace, _)| namespace);
        // A namespace that is none of the world's groups has a number all the same.
        let namespace_id = project.group.unwrap_or_else(|| 1_000_000 + project.id);
        let created = self.clock.date(std::time::Duration::ZERO);
        json!({
            "id": project.id,
            "description": null,
            "name": name,
            "name_with_namespace": project.path.replace('/', " / "),
            "path": name,
            "path_with_namespace": project.path,
            "created_at": created,
            "default_branch": "main",
            "topics": [],
            "web_url": format!("{}/{}", self.origin, project.path),
            "http_url_to_repo": format!("{}/{}.git", self.origin, project.path),
            "ssh_url_to_repo": format!("git@gitlab.invalid:{}.git", project.path),
            "last_activity_at": created,
            "visibility": "private",
            "namespace": {
                "id": namespace_id,
                "name": namespace,
                "path": namespace,
                "kind": "group",
                "full_path": namespace,
            },
            "archived": false,
            "empty_repo": false,
            "jobs_enabled": true,
            "builds_access_level": "enabled",
            "shared_runners_enabled": true,
            "group_runners_enabled": true,
            "permissions": { "project_access": { "access_level": self.world.token.role.unwrap_or(MAINTAINER), "notification_level": 3 }, "group_access": null },
        })
    }

    /// What every mention of a group says.
    pub(super) fn group_json(&self, group: &GroupWorld) -> Value {
        let name = group.path.rsplit('/').next().unwrap_or_default();
        json!({
            "id": group.id,
            "web_url": format!("{}/groups/{}", self.origin, group.path),
            "name": name,
            "path": name,
            "description": "",
            "visibility": "private",
            "full_name": group.path.replace('/', " / "),
            "full_path": group.path,
            "parent_id": group.parent,
            "created_at": self.clock.date(std::time::Duration::ZERO),
        })
    }
}

/// A project, unless the world has it refuse.
pub(super) fn seen(project: &ProjectWorld) -> Result<&ProjectWorld, Failure> {
    match project.refuses {
        None => Ok(project),
        Some(403) => Err(Failure::forbidden("")),
        Some(_) => Err(Failure::missing("Project")),
    }
}
