//! The KV engine, version 2: secrets with versions, which are deleted softly or destroyed for good.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Answer, Ask, Vault, WORLD, missing, refuse};
use crate::Reply;
use crate::ledger::Ledger;

/// How many versions are kept unless the metadata say otherwise.
const KEPT: u64 = 10;

/// A secret: its versions and what holds for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Secret {
    versions: BTreeMap<u64, Version>,
    current: u64,
    created: Duration,
    updated: Duration,
    /// Whether every write has to say which version it replaces.
    cas_required: bool,
    max_versions: u64,
    custom: Option<Value>,
}

/// One version.
#[derive(Debug, Clone)]
struct Version {
    data: Map<String, Value>,
    created: Duration,
    deleted: Option<Duration>,
    destroyed: bool,
}

impl Version {
    const fn there(&self) -> bool {
        self.deleted.is_none() && !self.destroyed
    }
}

impl Secret {
    fn new(at: Duration) -> Self {
        Self {
            created: at,
            updated: at,
            ..Self::default()
        }
    }

    fn prune(&mut self) {
        let kept = if self.max_versions == 0 {
            KEPT
        } else {
            self.max_versions
        };
        while self.versions.len() as u64 > kept {
            self.versions.pop_first();
        }
    }
}

impl Vault {
    /// A call to the engine. `kind` is the part after the mount: `data`, `metadata`, `delete`, `undelete`, `destroy`.
    pub(super) fn kv(
        &mut self,
        method: &str,
        kind: &str,
        path: &str,
        ask: &Ask,
        ledger: &mut Ledger,
    ) -> Answer {
        match (method, kind) {
            ("LIST", "metadata") => self.list(path),
            (_, "data" | "metadata" | "delete" | "undelete" | "destroy") if path.is_empty() => missing(),
            ("GET", "data") => self.read(path, ask),
            ("POST" | "PUT", "data") => self.write(path, ask, ledger),
            ("PATCH", "data") => self.patch(path, ask, ledger),
            ("DELETE", "data") => self.delete(path, None, ask, ledger),
            ("POST" | "PUT", "delete") => self.delete(path, Some(versions(ask)?), ask, ledger),
            ("POST" | "PUT", "undelete") => self.undelete(path, &versions(ask)?, ask, ledger),
            ("POST" | "PUT", "destroy") => self.destroy(path, &versions(ask)?, ask, ledger),
            ("GET", "metadata") => self.read_metadata(path),
            ("POST" | "PUT", "metadata") => self.write_metadata(path, ask, ledger),
            ("DELETE", "metadata") => self.forget(path, ask, ledger),
            (_, "data" | "metadata" | "delete" | "undelete" | "destroy") => {
                refuse(405, "unsupported operation")
            }
            _ => {
                let reply = json!({
                    "errors": [],
                    "warnings": [format!(
                        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv {}' for this operation.",
                        if method == "GET" { "get" } else { "put" },
                    )],
                });
                Ok(Reply::json(404, &reply))
            }
        }
    }

    /// How the ledger calls a secret.
    fn id(&self, path: &str) -> String {
        format!("{}/{path}", self.world.mount)
    }

    /// Keys under a path: `a`, and `b/` for what has more under it.
    fn list(&mut self, path: &str) -> Answer {
        let folder = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut keys: Vec<_> = self
            .secrets
            .keys()
            .filter_map(|key| key.strip_prefix(&folder))
            .map(|rest| match rest.split_once('/') {
                Some((first, _)) => format!("{first}/"),
                None => rest.to_owned(),
            })
            .collect();
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return missing();
        }
        Ok(self.wrap(&json!({ "keys": keys })))
    }

    fn version_json(&self, number: u64, version: &Version, custom: Option<&Value>) -> Value {
        let mut shown = self.times(version);
        shown["version"] = json!(number);
        shown["custom_metadata"] = json!(custom);
        shown
    }

    fn times(&self, version: &Version) -> Value {
        json!({
            "created_time": self.clock.date(version.created),
            "deletion_time": version.deleted.map_or_else(String::new, |at| self.clock.date(at)),
            "destroyed": version.destroyed,
        })
    }

    fn read(&mut self, path: &str, ask: &Ask) -> Answer {
        let Some(secret) = self.secrets.get(path) else {
            return missing();
        };
        let asked = ask.call.query.iter().find(|(key, _)| key == "version");
        let number = match asked.map(|(_, value)| value.parse()) {
            None | Some(Ok(0)) => secret.current,
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                return refuse(
                    400,
                    "Field validation failed: error converting input for field \"version\"",
                );
            }
        };
        let Some(version) = secret.versions.get(&number) else {
            return missing();
        };
        let metadata = self.version_json(number, version, secret.custom.as_ref());
        let data = version.there().then_some(&version.data);
        let body = json!({ "data": data, "metadata": metadata });
        // What was deleted is a 404 that still tells of it.
        let status = if version.there() { 200 } else { 404 };
        Ok(Reply::json(status, &self.envelope(&body)))
    }

    fn write(&mut self, path: &str, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let Some(data) = ask.body.get("data").and_then(Value::as_object) else {
            return refuse(400, "no data provided");
        };
        self.put(path, data.clone(), ask, ledger)
    }

    /// Changes some of the keys; null takes one away.
    fn patch(&mut self, path: &str, ask: &Ask, ledger: &mut Ledger) -> Answer {
        if ask.call.header("content-type") != Some("application/merge-patch+json") {
            return refuse(415, "Content-Type must be application/merge-patch+json");
        }
        let secret = self.secrets.get(path);
        let current = secret.and_then(|secret| secret.versions.get(&secret.current));
        let Some(current) = current.filter(|version| version.there()) else {
            return missing();
        };
        let mut data = current.data.clone();
        let Some(changes) = ask.body.get("data").and_then(Value::as_object) else {
            return refuse(400, "no data provided");
        };
        for (key, value) in changes {
            if value.is_null() {
                data.remove(key);
            } else {
                data.insert(key.clone(), value.clone());
            }
        }
        self.put(path, data, ask, ledger)
    }

    fn put(&mut self, path: &str, data: Map<String, Value>, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let secret = self.secrets.get(path);
        let current = secret.map_or(0, |secret| secret.current);
        let cas = ask.body.get("options").and_then(|options| options.get("cas"));
        match cas {
            None if secret.is_some_and(|secret| secret.cas_required) => {
                return refuse(400, "check-and-set parameter required for this call");
            }
            None => {}
            // A secret whose newest version is deleted may be written as if it had never been there.
            Some(cas) => match number(cas) {
                Some(0) if secret.is_none_or(|secret| secret.current == 0) => {}
                Some(version) if version == current => {}
                Some(_) => {
                    return refuse(400, "check-and-set parameter did not match the current version");
                }
                None => return refuse(400, "error parsing check-and-set parameter"),
            },
        }
        if current == 0 {
            ledger.created(Some(ask.n), WORLD, "secret", &self.id(path), path, "");
        } else {
            ledger.changed(ask.n);
        }
        let secret = self
            .secrets
            .entry(path.to_owned())
            .or_insert_with(|| Secret::new(ask.at));
        let version = Version {
            data,
            created: ask.at,
            deleted: None,
            destroyed: false,
        };
        secret.current += 1;
        secret.updated = ask.at;
        let (number, custom) = (secret.current, secret.custom.clone());
        secret.versions.insert(number, version.clone());
        secret.prune();
        let shown = self.version_json(number, &version, custom.as_ref());
        Ok(self.wrap(&shown))
    }

    /// Deletes versions, the current one if none are named, in a way that can be undone.
    fn delete(&mut self, path: &str, numbers: Option<Vec<u64>>, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let Some(secret) = self.secrets.get_mut(path) else {
            return Ok(Reply::empty(204));
        };
        for number in numbers.unwrap_or_else(|| vec![secret.current]) {
            if let Some(version) = secret.versions.get_mut(&number).filter(|version| version.there()) {
                version.deleted = Some(ask.at);
                ledger.changed(ask.n);
            }
        }
        Ok(Reply::empty(204))
    }

    fn undelete(&mut self, path: &str, numbers: &[u64], ask: &Ask, ledger: &mut Ledger) -> Answer {
        let versions = self.secrets.get_mut(path).map(|secret| &mut secret.versions);
        for (number, version) in versions.into_iter().flatten() {
            if numbers.contains(number) && version.deleted.take().is_some() {
                ledger.changed(ask.n);
            }
        }
        Ok(Reply::empty(204))
    }

    fn destroy(&mut self, path: &str, numbers: &[u64], ask: &Ask, ledger: &mut Ledger) -> Answer {
        let versions = self.secrets.get_mut(path).map(|secret| &mut secret.versions);
        for (number, version) in versions.into_iter().flatten() {
            if numbers.contains(number) && !version.destroyed {
                version.destroyed = true;
                version.data.clear();
                ledger.changed(ask.n);
            }
        }
        Ok(Reply::empty(204))
    }

    fn read_metadata(&mut self, path: &str) -> Answer {
        let Some(secret) = self.secrets.get(path) else {
            return missing();
        };
        let versions = secret.versions.iter();
        let versions: Map<_, _> = versions
            .map(|(number, version)| (number.to_string(), self.times(version)))
            .collect();
        let data = json!({
            "cas_required": secret.cas_required,
            "created_time": self.clock.date(secret.created),
            "current_version": secret.current,
            "custom_metadata": secret.custom,
            "delete_version_after": "0s",
            "max_versions": secret.max_versions,
            "oldest_version": secret.versions.keys().next().copied().unwrap_or(0),
            "updated_time": self.clock.date(secret.updated),
            "versions": versions,
        });
        Ok(self.wrap(&data))
    }

    fn write_metadata(&mut self, path: &str, ask: &Ask, ledger: &mut Ledger) -> Answer {
        let custom = ask.body.get("custom_metadata");
        let flat = |value: &Value| {
            value
                .as_object()
                .is_some_and(|fields| fields.values().all(Value::is_string))
        };
        if custom.is_some_and(|custom| !custom.is_null() && !flat(custom)) {
            return refuse(400, "custom_metadata: values must be strings");
        }
        let secret = self
            .secrets
            .entry(path.to_owned())
            .or_insert_with(|| Secret::new(ask.at));
        if let Some(required) = ask.body.get("cas_required").and_then(Value::as_bool) {
            secret.cas_required = required;
        }
        if let Some(most) = ask.body.get("max_versions").and_then(number) {
            secret.max_versions = most;
            secret.prune();
        }
        if let Some(custom) = custom {
            secret.custom = Some(custom.clone()).filter(|custom| !custom.is_null());
        }
        ledger.changed(ask.n);
        Ok(Reply::empty(204))
    }

    /// Deletes a secret with everything that was ever in it.
    fn forget(&mut self, path: &str, ask: &Ask, ledger: &mut Ledger) -> Answer {
        if self.secrets.remove(path).is_some() {
            ledger.deleted(ask.n, WORLD, "secret", &self.id(path));
        }
        Ok(Reply::empty(204))
    }
}

/// A number, which Vault also takes as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The versions that a call names.
fn versions(ask: &Ask) -> Result<Vec<u64>, (u16, Vec<String>)> {
    let named = ask.body.get("versions").and_then(Value::as_array);
    let named: Vec<_> = named.into_iter().flatten().filter_map(number).collect();
    if named.is_empty() {
        return Err((400, vec!["no version number provided".to_owned()]));
    }
    Ok(named)
}
