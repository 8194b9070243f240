//! What each call to GitLab takes of a token: a scope, and a role of its user. `preflight` compares it with what the
//! token has, `preflight --role` prints it.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{Action, Change};
use gosling_resource::{Properties, SecretUri, Value};

use super::kinds::{HOOK, RUNNER};
use super::runner::Scope;

/// The scope that allows all there is.
pub(super) const ALL: &str = "api";

/// A call, as GitLab's documentation writes it, and the least scope that allows it.
type Route = (&'static str, &'static str, &'static str);

/// Every call that carries a token of ours for a resource.
const ROUTES: &[Route] = &[
    ("POST", "/user/runners", "create_runner"),
    // To find what an earlier attempt made.
    ("GET", "/projects/{id}/runners", "read_api"),
    ("GET", "/groups/{id}/runners", "read_api"),
    ("GET", "/runners/all", "read_api"),
    ("GET", "/runners/{id}", "manage_runner"),
    ("PUT", "/runners/{id}", "manage_runner"),
    ("DELETE", "/runners/{id}", "manage_runner"),
    ("GET", "/runners/{id}/managers", "manage_runner"),
    (
        "POST",
        "/runners/{id}/reset_authentication_token",
        "manage_runner",
    ),
    ("GET", "/projects/{id}/hooks", ALL),
    ("POST", "/projects/{id}/hooks", ALL),
    ("GET", "/projects/{id}/hooks/{hook_id}", ALL),
    ("PUT", "/projects/{id}/hooks/{hook_id}", ALL),
    ("DELETE", "/projects/{id}/hooks/{hook_id}", ALL),
];

fn scope_of(method: &str, path: &str) -> Option<&'static str> {
    let route = ROUTES
        .iter()
        .find(|(its, path_, _)| *its == method && *path_ == path);
    route.map(|(_, _, scope)| *scope)
}

/// Where somebody has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Project(i64),
    Group(i64),
    /// The whole server, for administrators.
    Server,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Server => f.write_str("the server"),
        }
    }
}

/// GitLab's number of the role Maintainer.
pub(super) const MAINTAINER: i64 = 40;
/// And of Owner.
pub(super) const OWNER: i64 = 50;

/// A role in words.
pub(super) fn role(level: i64) -> &'static str {
    match level {
        OWNER.. => "Owner",
        MAINTAINER.. => "Maintainer",
        30.. => "Developer",
        20.. => "Reporter",
        10.. => "Guest",
        _ => "none",
    }
}

/// What the changes of one token take of it.
#[derive(Default)]
pub(super) struct Rights<'a> {
    pub(super) scopes: BTreeSet<&'static str>,
    /// The role that is needed at each place, and the first change that needs it: a deletion only where nothing else does.
    pub(super) roles: BTreeMap<Place, (i64, &'a Change)>,
    /// How many runners are made at each place.
    pub(super) made: BTreeMap<Place, usize>,
}

impl<'a> Rights<'a> {
    fn call(&mut self, method: &str, path: &str) {
        self.scopes.extend(scope_of(method, path));
    }

    fn place(&mut self, place: Place, level: i64, change: &'a Change) {
        let known = self.roles.entry(place).or_insert((level, change));
        known.0 = known.0.max(level);
        if known.1.action == Action::Delete {
            known.1 = change;
        }
    }

    fn add(&mut self, change: &'a Change, properties: &Properties, makes: bool) {
        if change.kind == RUNNER {
            let Ok(scope) = Scope::of(properties) else { return };
            let (place, level, list) = match scope {
                Scope::Project(id) => (Place::Project(id), MAINTAINER, "/projects/{id}/runners"),
                Scope::Group(id) => (Place::Group(id), OWNER, "/groups/{id}/runners"),
                Scope::Instance => (Place::Server, OWNER, "/runners/all"),
            };
            self.place(place, level, change);
            self.call("GET", "/runners/{id}");
            self.call("DELETE", "/runners/{id}");
            if makes {
                *self.made.entry(place).or_default() += 1;
                self.call("POST", "/user/runners");
                self.call("GET", list);
                self.call("PUT", "/runners/{id}");
                self.call("GET", "/runners/{id}/managers");
                self.call("POST", "/runners/{id}/reset_authentication_token");
            } else if change.action == Action::Update {
                self.call("PUT", "/runners/{id}");
                self.call("POST", "/runners/{id}/reset_authentication_token");
            }
        } else if change.kind == HOOK {
            if let Some(id) = properties.get("project_id").and_then(Value::as_int) {
                self.place(Place::Project(id), MAINTAINER, change);
            }
            self.call("GET", "/projects/{id}/hooks");
            self.call("POST", "/projects/{id}/hooks");
        }
    }

    /// The least scopes: with the one that allows all, no other is needed.
    pub(super) fn least(&self) -> Vec<&'static str> {
        match self.scopes.contains(ALL) {
            true => vec![ALL],
            false => self.scopes.iter().copied().collect(),
        }
    }

    /// Which of the scopes a token has not.
    pub(super) fn missing(&self, held: &[&str]) -> Vec<&'static str> {
        let has = |scope: &str| held.contains(&scope) || held.contains(&ALL);
        let least = self.least();
        least.into_iter().filter(|scope| !has(scope)).collect()
    }
}

/// What changes take of each token; `own` is the token of those that name none.
pub(super) fn rights<'a>(changes: &[&'a Change], own: &SecretUri) -> BTreeMap<SecretUri, Rights<'a>> {
    let mut all: BTreeMap<SecretUri, Rights<'a>> = BTreeMap::new();
    for &change in changes {
        let mut add = |properties: &Properties, makes| {
            let token = properties.get("api_token").and_then(Value::as_secret);
            let rights = all.entry(token.unwrap_or(own).clone()).or_default();
            rights.add(change, properties, makes);
        };
        match change.action {
            Action::NoOp => {}
            Action::Create => add(&change.properties, true),
            Action::Update => add(&change.properties, false),
            Action::Delete => add(&change.prior, false),
            Action::Replace => {
                add(&change.prior, false);
                add(&change.properties, true);
            }
        }
    }
    all
}
