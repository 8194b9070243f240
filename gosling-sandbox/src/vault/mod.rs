//! Simulated Vault: one KV v2 engine, a root-like token, and AppRole logins for tokens of the same power.

mod kv;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use self::kv::Secret;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::world::VaultWorld;
use crate::{Call, Reply, World, WorldName};

/// Vault's objects in the ledger.
const WORLD: WorldName = WorldName::Vault;
/// The one AppRole that can log in. Its secret id is the token of the sandbox.
const ROLE: &str = "gosling";
/// How long a login lasts.
const LEASE: Duration = Duration::from_secs(3600);

/// What comes of a call: an answer, or a refusal's status with its errors.
type Answer = Result<Reply, (u16, Vec<String>)>;

/// A Vault.
pub(crate) struct Vault {
    world: VaultWorld,
    token: String,
    dice: Dice,
    clock: Clock,
    /// By their path in the engine.
    secrets: BTreeMap<String, Secret>,
    /// Tokens that logins gave, with the time at which they end.
    logins: BTreeMap<String, Duration>,
}

/// A call, as its handler sees it.
struct Ask<'a> {
    /// Its number in the ledger.
    n: u64,
    at: Duration,
    body: Map<String, Value>,
    call: &'a Call,
}

impl Vault {
    /// A Vault that accepts this token, and the AppRole `gosling` with it as its secret id.
    pub(crate) fn new(world: &VaultWorld, token: &str, dice: Dice) -> Self {
        Self {
            world: world.clone(),
            token: token.to_owned(),
            dice,
            clock: Clock::new(),
            secrets: BTreeMap::new(),
            logins: BTreeMap::new(),
        }
    }

    /// Whether the call carries a token that is good for anything.
    fn known(&self, call: &Call) -> bool {
        let authorization = call.header("authorization").unwrap_or_default();
        let token = call
            .header("x-vault-token")
            .or_else(|| authorization.strip_prefix("Bearer "));
        token.is_some_and(|token| {
            token == self.token || self.logins.get(token).is_some_and(|&until| call.at < until)
        })
    }

    fn handle(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Answer {
        let parts = call.parts();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let body = match call.body.as_slice() {
            [] => Map::new(),
            body => match serde_json::from_slice(body) {
                Ok(Value::Object(body)) => body,
                Ok(_) => return refuse(400, "failed to parse JSON input: not an object"),
                Err(error) => return refuse(400, &format!("failed to parse JSON input: {error}")),
            },
        };
        let ask = Ask {
            n,
            at: call.at,
            body,
            call,
        };
        // The client's `LIST` is a method of its own; where proxies do not let it pass, it is a query.
        let listing = call
            .query
            .iter()
            .any(|(key, value)| key == "list" && value == "true");
        let method = match call.method.as_str() {
            "GET" if listing => "LIST",
            method => method,
        };
        match (method, parts.get(1..).unwrap_or_default()) {
            ("GET" | "HEAD", ["sys", "health"]) => Ok(self.health(call.at)),
            ("POST" | "PUT", ["auth", "approle", "login"]) => self.login(&ask),
            _ if !self.known(call) => refuse(403, "permission denied"),
            ("GET", ["auth", "token", "lookup-self"]) => Ok(self.lookup()),
            ("GET", ["sys", "internal", "ui", "mounts", mount @ ..]) => self.mount(&mount.join("/")),
            (method, path) => {
                let mount = self.world.mount.clone();
                let mount: Vec<_> = mount.split('/').filter(|part| !part.is_empty()).collect();
                let Some([kind, path @ ..]) = path.strip_prefix(mount.as_slice()) else {
                    let route = path.join("/");
                    return refuse(
                        404,
                        &format!("no handler for route \"{route}\". route entry not found."),
                    );
                };
                self.kv(method, kind, &path.join("/"), &ask, ledger)
            }
        }
    }

    fn health(&self, at: Duration) -> Reply {
        let health = json!({
            "initialized": true,
            "sealed": false,
            "standby": false,
            "performance_standby": false,
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "server_time_utc": self.clock.unix(at),
            "version": "1.20.0",
            "cluster_name": "vault-cluster-sandbox",
            "cluster_id": "5a0db0c5-0000-4000-8000-000000000000",
        });
        Reply::json(200, &health)
    }

    fn lookup(&mut self) -> Reply {
        let data = json!({
            "accessor": "sandbox",
            "creation_time": self.clock.unix(Duration::ZERO),
            "creation_ttl": 0,
            "display_name": "token",
            "expire_time": null,
            "explicit_max_ttl": 0,
            "meta": null,
            "num_uses": 0,
            "orphan": true,
            "path": "auth/token/create",
            "policies": ["gosling"],
            "ttl": 0,
            "type": "service",
        });
        self.wrap(&data)
    }

    fn mount(&mut self, path: &str) -> Answer {
        let mount = self.world.mount.trim_matches('/').to_owned();
        if path != mount && !path.starts_with(&format!("{mount}/")) {
            let reason = format!(
                "preflight capability check returned 403, please ensure client's policies grant access to path \"{path}/\""
            );
            return refuse(403, &reason);
        }
        let data = json!({
            "accessor": "kv_sandbox",
            "config": { "default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0 },
            "description": "",
            "local": false,
            "options": { "version": "2" },
            "path": format!("{mount}/"),
            "seal_wrap": false,
            "type": "kv",
        });
        Ok(self.wrap(&data))
    }

    fn login(&mut self, ask: &Ask) -> Answer {
        let text = |name: &str| ask.body.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("role_id").is_empty() {
            return refuse(400, "missing role_id");
        }
        if text("secret_id").is_empty() {
            return refuse(400, "missing secret_id");
        }
        if text("role_id") != ROLE || text("secret_id") != self.token {
            return refuse(400, "invalid role or secret ID");
        }
        let token = format!("hvs.{}", self.dice.word(24));
        self.logins.insert(token.clone(), ask.at + LEASE);
        let answer = json!({
            "request_id": self.dice.uuid(),
            "lease_id": "",
            "renewable": false,
            "lease_duration": 0,
            "data": null,
            "auth": {
                "client_token": token,
                "accessor": self.dice.word(24),
                "policies": ["default", "gosling"],
                "token_policies": ["default", "gosling"],
                "metadata": { "role_name": ROLE },
                "lease_duration": LEASE.as_secs(),
                "renewable": true,
                "entity_id": "",
                "token_type": "service",
                "orphan": true,
            },
        });
        Ok(Reply::json(200, &answer))
    }

    /// An answer's data in the envelope that every one of them has.
    fn wrap(&mut self, data: &Value) -> Reply {
        Reply::json(200, &self.envelope(data))
    }

    fn envelope(&mut self, data: &Value) -> Value {
        json!({
            "request_id": self.dice.uuid(),
            "lease_id": "",
            "renewable": false,
            "lease_duration": 0,
            "data": data,
            "wrap_info": null,
            "warnings": null,
            "auth": null,
        })
    }
}

/// A refusal with one error.
fn refuse(status: u16, error: &str) -> Answer {
    Err((status, vec![error.to_owned()]))
}

/// What is not there is refused without an error.
fn missing() -> Answer {
    Err((404, Vec::new()))
}

impl World for Vault {
    fn answer(&mut self, n: u64, call: &Call, ledger: &mut Ledger) -> Reply {
        let answer = self.handle(n, call, ledger);
        let reply =
            answer.unwrap_or_else(|(status, errors)| Reply::json(status, &json!({ "errors": errors })));
        reply.header("cache-control", "no-store")
    }

    fn pass(&mut self, _: Duration, _: &mut Ledger) {}
}
