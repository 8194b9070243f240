//! Simulated GitLab: who asks, what for, and what there is.

mod answer;
#[cfg(test)]
mod contract;
mod given;
mod hooks;
mod jobs;
pub(crate) mod machines;
mod parameters;
mod pipelines;
mod projects;
mod routes;
mod runners;
mod shown;
mod terraform;
#[cfg(test)]
mod tests;
mod user_data;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use self::answer::{Answer, Failure, reply};
use self::given::Given;
use self::hooks::{Hook, HookOwner};
use self::jobs::Job;
use self::machines::Machine;
use self::pipelines::Pipeline;
use self::routes::{Access, ROUTES, Route};
use self::runners::Runner;
use self::terraform::State;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::world::GitlabWorld;
use crate::{Call, Reply, World, WorldName};

/// GitLab's objects in the ledger.
const WORLD: WorldName = WorldName::Gitlab;

/// The number of the role Maintainer.
const MAINTAINER: u64 = 40;
/// The number of the role Owner.
const OWNER: u64 = 50;

/// A GitLab, with the machines that run its runners.
pub(crate) struct Gitlab {
    world: GitlabWorld,
    token: String,
    /// The address under which the last client called: every GitLab thinks that it is the only one it has.
    origin: String,
    dice: Dice,
    clock: Clock,
    runners: BTreeMap<u64, Runner>,
    hooks: BTreeMap<(HookOwner, u64), Hook>,
    pipelines: BTreeMap<u64, Pipeline>,
    jobs: BTreeMap<u64, Job>,
    states: BTreeMap<(u64, String), State>,
    machines: Vec<Machine>,
    silent: Vec<(String, String)>,
    /// The number that the next object of any kind gets: an id that belongs to two kinds hides mistakes.
    next: u64,
    /// The minute of the last call with the token, and how many calls it has seen.
    minute: (u64, u32),
}

/// A call, as its handler sees it.
struct Ask<'a> {
    /// Its number in the ledger.
    n: u64,
    at: Duration,
    given: Given,
    call: &'a Call,
}

impl Gitlab {
    /// A GitLab that accepts this one personal access token, with the scopes `api` and `create_runner`.
    pub(crate) fn new(world: &GitlabWorld, token: &str, dice: Dice) -> Self {
        Self {
            world: world.clone(),
            token: token.to_owned(),
            origin: "https://gitlab.invalid".to_owned(),
            dice,
            clock: Clock::new(),
            runners: BTreeMap::new(),
            hooks: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            jobs: BTreeMap::new(),
            states: BTreeMap::new(),
            machines: Vec::new(),
            silent: Vec::new(),
            next: 1,
            minute: (0, 0),
        }
    }

    /// A number that nothing has yet.
    const fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Whether the call carries the token, in any of the ways in which GitLab takes it: as a password of HTTP only where
    /// Terraform's clients know no other.
    fn known(&self, call: &Call) -> bool {
        let authorization = call.header("authorization").unwrap_or_default();
        let terraform = call.path.contains("/terraform/state/");
        let basic = authorization.strip_prefix("Basic ").filter(|_| terraform);
        let basic = basic.and_then(|text| {
            let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
            Some(text.split_once(':')?.1.to_owned())
        });
        let token = call
            .header("private-token")
            .or_else(|| authorization.strip_prefix("Bearer "))
            .or_else(|| {
                let mut query = call.query.iter();
                let given = query.find(|(key, _)| matches!(key.as_str(), "private_token" | "access_token"));
                given.map(|(_, token)| token.as_str())
            })
            .or(basic.as_deref());
        token == Some(self.token.as_str())
    }

    /// Counts a call against the limit. The refusal says only every other time when to come back, as proxies before
    /// a GitLab do.
    fn limited(&mut self, call: &Call) -> Option<Reply> {
        let limit = self.world.rate_limit?;
        let now = self.clock.unix(call.at);
        if self.minute.0 != now / 60 {
            self.minute = (now / 60, 0);
        }
        self.minute.1 += 1;
        if self.minute.1 <= limit {
            return None;
        }
        let reset = (now / 60 + 1) * 60;
        let reply = Reply {
            content_type: "text/plain",
            body: b"Retry later\n".to_vec(),
            ..Reply::empty(429)
        };
        let reply = reply
            .header("ratelimit-limit", limit.to_string())
            .header("ratelimit-remaining", "0")
            .header("ratelimit-reset", reset.to_string());
        Some(match self.dice.happens(50) {
            true => reply.header("retry-after", (reset - now).to_string()),
            false => reply,
        })
    }

    fn handle(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Answer {
        if let Some(host) = call.header("host") {
            self.origin = format!("https://{host}");
        }
        let parts = call.parts();
        let under = parts.get(2..).filter(|_| parts[0] == "api" && parts[1] == "v4");
        let routes = under.into_iter().flat_map(|parts| {
            let found = |route: &'static Route| Some((route, route.variables(parts)?));
            ROUTES.iter().filter_map(found)
        });
        let mut routes = routes.peekable();
        let known = routes.peek().is_some();
        // What can be got can be asked about.
        let method = if call.method == "HEAD" {
            "GET"
        } else {
            &call.method
        };
        let Some((route, variables)) = routes.find(|(route, _)| route.method == method) else {
            return Err(match known {
                true => Failure::Error(405, "405 Not Allowed".to_owned()),
                false => Failure::no_route(),
            });
        };
        if route.access == Access::Token {
            if !self.known(call) {
                return Err(Failure::unauthorized());
            }
            if let Some(refusal) = self.limited(call) {
                return Ok(refusal);
            }
            self.permit(route)?;
        }
        let mut given = Given::read(call)?;
        for (name, value) in variables {
            given.path(name, value);
        }
        given.check(route.parameters)?;
        let ask = Ask {
            n,
            at: call.at,
            given,
            call,
        };
        (route.handler)(self, &ask, ledger)
    }

    /// Fails unless the token has a scope that allows the call, and its user a role that does.
    fn permit(&self, route: &Route) -> Result<(), Failure> {
        let (get, path) = (route.method == "GET", route.path);
        let one = path.starts_with("/runners/{id}");
        let enough = self.world.token.scopes.iter().any(|scope| match scope.as_str() {
            "api" => true,
            "read_api" => get,
            "read_user" => get && matches!(path, "/metadata" | "/version" | "/user"),
            "create_runner" => path == "/user/runners",
            "manage_runner" => one,
            _ => false,
        });
        // Every token may look at itself.
        if !enough && path != "/personal_access_tokens/self" {
            return Err(Failure::Error(403, "insufficient_scope".to_owned()));
        }
        let low = self.world.token.role.is_some_and(|role| role < MAINTAINER);
        match low && !get && !self.world.admin {
            true => Err(Failure::forbidden("")),
            false => Ok(()),
        }
    }

    fn member(&mut self, ask: &Ask, _: &mut Ledger) -> Answer {
        self.group(ask)?;
        match self.world.token.role.unwrap_or(OWNER) {
            role if ask.given.integer("user_id") == Some(1) && role > 0 => {
                let member =
                    json!({ "id": 1, "username": "gosling", "state": "active", "access_level": role });
                Ok(Reply::json(200, &member))
            }
            _ => Err(Failure::missing("")),
        }
    }

    fn version(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let version = json!({ "version": self.world.version, "revision": "5a0dbox0000" });
        Ok(Reply::json(200, &version))
    }

    fn metadata(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let metadata = json!({
            "version": self.world.version,
            "revision": "5a0dbox0000",
            "kas": { "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null },
            "enterprise": self.premium(),
        });
        Ok(Reply::json(200, &metadata))
    }

    fn user(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let mut user = json!({
            "id": 1,
            "username": "gosling",
            "name": "gosling",
            "state": "active",
            "locked": false,
            "bot": true,
            "web_url": format!("{}/gosling", self.origin),
        });
        if self.world.admin {
            user["is_admin"] = json!(true);
        }
        Ok(Reply::json(200, &user))
    }

    fn own_token(&mut self, _: &Ask, _: &mut Ledger) -> Answer {
        let token = json!({
            "id": 1,
            "name": "gosling",
            "revoked": false,
            "created_at": self.clock.date(Duration::ZERO),
            "scopes": self.world.token.scopes,
            "user_id": 1,
            "active": true,
            "expires_at": self.world.token.expires_at,
        });
        Ok(Reply::json(200, &token))
    }
}

impl World for Gitlab {
    fn answer(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Reply {
        reply(self.handle(n, call, ledger))
            .header("x-request-id", format!("sandbox-{n}"))
            .header(
                "x-gitlab-meta",
                format!(r#"{{"correlation_id":"sandbox-{n}","version":"1"}}"#),
            )
    }

    fn pass(&mut self, at: Duration, _: &mut Ledger) {
        self.proceed(at);
    }
}
