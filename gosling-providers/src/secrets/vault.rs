//! `vault://path/key`: the KV engine, version 2, of HashiCorp Vault or OpenBao. A place's last part is a key inside of
//! the secret at the path before it.

use std::collections::VecDeque;

use gosling_engine::fence::Unfenced;
use gosling_engine::{CallError, Fence, SecretError};
use gosling_resource::{Secret, SecretPrefix, SecretUri};
use serde_json::{Map, Value as Json, json};
use tokio::sync::Mutex;
use zeroize::Zeroize;

use super::{Backends, Description, refused, unreachable};
use crate::http::{Answer, Body, Client, Endpoint, Method, Request, segment};

/// How often a write is tried when others write to the same secret.
const TRIES: u32 = 5;
/// More folders than anyone lists.
const FOLDERS: usize = 1000;

/// Where Vault is and who we are there.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Its address, `https://vault.example.com:8200`, and whose certificate is believed there.
    pub endpoint: Endpoint,
    /// How to log in.
    pub login: VaultLogin,
    /// Where the KV engine is mounted: `secret`.
    pub mount: String,
    /// The namespace, in Vault Enterprise and OpenBao.
    pub namespace: Option<String>,
}

/// How to log in to Vault. What opens it lies in `env://` or `store://`.
#[derive(Debug, Clone)]
pub enum VaultLogin {
    /// With a token.
    Token(SecretUri),
    /// As a machine.
    Approle(Approle),
}

/// A role of Vault's AppRole.
#[derive(Debug, Clone)]
pub struct Approle {
    /// Its id, which is no secret.
    pub role_id: String,
    /// Where its secret id is kept.
    pub secret_id: SecretUri,
}

/// The backend.
#[derive(Debug)]
pub(super) struct Vault {
    client: Client,
    settings: VaultSettings,
    /// The token of a login by AppRole, until Vault takes it no longer.
    session: Mutex<Option<Secret>>,
}

/// One call to Vault.
#[derive(Clone)]
struct Call<'a> {
    method: Method,
    path: &'a str,
    body: Body,
    /// What confirms it, where it changes something.
    fence: &'a dyn Fence,
}

/// One version of a secret, as Vault gives it.
struct Version {
    data: Map<String, Json>,
    number: u64,
    created: Option<String>,
    /// When it goes, where an end was set.
    ends: Option<String>,
}

impl Drop for Version {
    fn drop(&mut self) {
        for value in self.data.values_mut() {
            if let Json::String(text) = value {
                text.zeroize();
            }
        }
    }
}

impl Vault {
    pub(super) fn new(settings: VaultSettings) -> Result<Self, CallError> {
        Ok(Self {
            client: Client::new(&settings.endpoint)?,
            settings,
            session: Mutex::new(None),
        })
    }

    pub(super) async fn read(&self, uri: &SecretUri, others: &Backends) -> Result<Secret, SecretError> {
        let version = self.version(uri, others).await?;
        let value = version.as_ref().and_then(|version| version.data.get(key(uri)));
        match value {
            Some(Json::String(text)) => Ok(Secret::new(text.clone())),
            // A number in Vault is as good as its text.
            Some(value @ (Json::Number(_) | Json::Bool(_))) => Ok(Secret::new(value.to_string())),
            Some(_) => Err(refused(uri, "the value there is not text")),
            None => Err(SecretError::Missing(uri.clone())),
        }
    }

    pub(super) async fn describe(
        &self,
        uri: &SecretUri,
        others: &Backends,
    ) -> Result<Description, SecretError> {
        let version = self.version(uri, others).await?;
        let version = version.filter(|version| version.data.contains_key(key(uri)));
        Ok(version.map_or_else(Description::default, |version| Description {
            present: true,
            version: Some(version.number.to_string()),
            updated: version.created.clone(),
            expires: version.ends.clone(),
        }))
    }

    /// Changes one key and leaves the others as they are: the write names the version that it replaces, and is done
    /// anew where somebody else was faster.
    pub(super) async fn write(
        &self,
        uri: &SecretUri,
        value: &Secret,
        fence: &dyn Fence,
        others: &Backends,
    ) -> Result<(), SecretError> {
        let (path, key) = (uri.path(), key(uri));
        let path = self.path("data", path);
        for _ in 0..TRIES {
            let answer = self.get(uri.as_str(), &path, others).await?;
            // A version that was deleted still counts, and has no data.
            let (cas, mut data) = match answer.status {
                200 | 404 => {
                    let data = body(&answer);
                    let cas = data["data"]["metadata"]["version"].as_u64().unwrap_or(0);
                    (cas, data["data"]["data"].as_object().cloned().unwrap_or_default())
                }
                _ => return Err(self.refusal(uri.as_str(), &answer)),
            };
            data.insert(key.to_owned(), json!(value.expose()));
            let body = json!({ "options": { "cas": cas }, "data": data });
            let write = Call {
                method: Method::Post,
                path: &path,
                body: Body::Json(body),
                fence,
            };
            match self.call(uri.as_str(), write, others).await {
                Ok(answer) if answer.is_success() => {
                    return self.read_back(uri, value, others).await;
                }
                Ok(answer) if answer.status == 400 && errors(&answer).contains("check-and-set") => {}
                Ok(answer) => return Err(self.refusal(uri.as_str(), &answer)),
                // The answer may be lost and the value there all the same.
                Err(error) => {
                    return match self.read_back(uri, value, others).await {
                        Ok(()) => Ok(()),
                        Err(_) => Err(error),
                    };
                }
            }
        }
        Err(unreachable(uri, "others keep writing there"))
    }

    /// Takes one key away and leaves the others as they are; the last one goes with its secret. Vault keeps the versions
    /// of before in its history.
    pub(super) async fn remove(
        &self,
        uri: &SecretUri,
        fence: &dyn Fence,
        others: &Backends,
    ) -> Result<(), SecretError> {
        let (path, key) = (uri.path(), key(uri));
        let path = self.path("data", path);
        for _ in 0..TRIES {
            let Some(mut version) = self.version(uri, others).await? else {
                return Err(SecretError::Missing(uri.clone()));
            };
            if version.data.remove(key).is_none() {
                return Err(SecretError::Missing(uri.clone()));
            }
            let (method, body) = if version.data.is_empty() {
                (Method::Delete, Body::None)
            } else {
                let data = std::mem::take(&mut version.data);
                let body = json!({ "options": { "cas": version.number }, "data": data });
                (Method::Post, Body::Json(body))
            };
            let call = Call {
                method,
                path: &path,
                body,
                fence,
            };
            let answer = self.call(uri.as_str(), call, others).await?;
            match answer {
                answer if answer.is_success() => return Ok(()),
                answer if answer.status == 400 && errors(&answer).contains("check-and-set") => {}
                answer => return Err(self.refusal(uri.as_str(), &answer)),
            }
        }
        Err(unreachable(uri, "others keep writing there"))
    }

    async fn read_back(&self, uri: &SecretUri, value: &Secret, others: &Backends) -> Result<(), SecretError> {
        if self.read(uri, others).await?.expose() == value.expose() {
            Ok(())
        } else {
            Err(unreachable(uri, "what was written is not what is read back"))
        }
    }

    /// Asks Vault for our rights where it tells them, and otherwise reads: a token that cannot read the place cannot
    /// write to it in a way that we could believe.
    pub(super) async fn writable(&self, uri: &SecretUri, others: &Backends) -> Result<(), SecretError> {
        let (path, key) = (uri.path(), key(uri));
        let asked = format!("{}/data/{path}", self.settings.mount.trim_matches('/'));
        let body_of = Body::Json(json!({ "paths": [asked] }));
        let ask = Call {
            method: Method::Post,
            path: "/v1/sys/capabilities-self",
            body: body_of,
            fence: &Unfenced,
        };
        let answer = self.call(uri.as_str(), ask, others).await?;
        if answer.is_success() {
            let said = body(&answer);
            let missing = missing_rights(&said, &asked);
            if !missing.is_empty() {
                let missing = missing.join(", no ");
                return Err(refused(
                    uri,
                    format!("the policy of Vault allows no {missing} on {asked}"),
                ));
            }
        }
        // The engine may not be there, whatever the policy says; and a key cannot be put into what is no secret.
        match self
            .version(uri, others)
            .await?
            .and_then(|mut version| version.data.remove(key))
        {
            Some(Json::Object(_) | Json::Array(_)) => Err(refused(uri, "the value there is not text")),
            _ => Ok(()),
        }
    }

    /// The place of every key of every secret under a folder, folder by folder.
    pub(super) async fn list(
        &self,
        under: &SecretPrefix,
        others: &Backends,
    ) -> Result<Vec<String>, SecretError> {
        let at = &under.to_string();
        let top = under.folder().to_owned();
        let inside = |folder: &str, name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let mut places = Vec::new();
        let mut folders = VecDeque::from([top.clone()]);
        // The place itself may be a secret and a folder at once.
        let mut secrets: VecDeque<String> = Some(top).filter(|top| !top.is_empty()).into_iter().collect();
        let mut seen = 0;
        while let Some(folder) = folders.pop_front() {
            seen += 1;
            if seen > FOLDERS {
                return Err(refused(
                    at,
                    format!("there are more than {FOLDERS} folders: name a smaller one"),
                ));
            }
            let path = format!("{}?list=true", self.path("metadata", &folder));
            let answer = self.get(at, &path, others).await?;
            if answer.status == 404 {
                continue;
            }
            if !answer.is_success() {
                return Err(self.refusal(at, &answer));
            }
            let said = body(&answer);
            let keys = said["data"]["keys"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Json::as_str);
            for key in keys {
                match key.strip_suffix('/') {
                    Some(name) => folders.push_back(inside(&folder, name)),
                    None => secrets.push_back(inside(&folder, key)),
                }
            }
        }
        for secret in secrets {
            if let Some(version) = self.version_at(at, self.path("data", &secret), others).await? {
                let keys = version.data.keys();
                places.extend(keys.map(|key| format!("{secret}/{key}")));
            }
        }
        places.sort();
        Ok(places)
    }

    /// The version of the secret that a place means; `None` where there is none or it was deleted.
    async fn version(&self, uri: &SecretUri, others: &Backends) -> Result<Option<Version>, SecretError> {
        let mut path = self.path("data", uri.path());
        if let Some(version) = uri.version() {
            let number: u64 = version
                .parse()
                .map_err(|_| refused(uri, "a version in Vault is a number: `?version=3`"))?;
            path.push_str(&format!("?version={number}"));
        }
        self.version_at(uri.as_str(), path, others).await
    }

    async fn version_at(
        &self,
        at: &str,
        path: String,
        others: &Backends,
    ) -> Result<Option<Version>, SecretError> {
        let answer = self.get(at, &path, others).await?;
        match answer.status {
            // With words of an error it is the engine that is missing, not the secret.
            404 if body(&answer)["errors"].as_array().is_none_or(Vec::is_empty) => Ok(None),
            _ if answer.is_success() => {
                let mut said = body(&answer);
                let mut data = said["data"].take();
                let text = |value: &Json| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
                match data["data"].take() {
                    Json::Object(secret) => Ok(Some(Version {
                        data: secret,
                        number: data["metadata"]["version"].as_u64().unwrap_or_default(),
                        created: text(&data["metadata"]["created_time"]),
                        ends: text(&data["metadata"]["deletion_time"]),
                    })),
                    Json::Null => Ok(None),
                    _ => Err(unreachable(
                        at,
                        "Vault's answer cannot be read: is the engine KV version 2?",
                    )),
                }
            }
            _ => Err(self.refusal(at, &answer)),
        }
    }

    fn path(&self, kind: &str, path: &str) -> String {
        let mount = self.settings.mount.trim_matches('/').split('/');
        let segments = mount
            .chain([kind])
            .chain(path.split('/'))
            .filter(|part| !part.is_empty());
        let segments: Vec<_> = segments.map(segment).collect();
        format!("/v1/{}", segments.join("/"))
    }

    async fn get(&self, at: &str, path: &str, others: &Backends) -> Result<Answer, SecretError> {
        let read = Call {
            method: Method::Get,
            path,
            body: Body::None,
            fence: &Unfenced,
        };
        self.call(at, read, others).await
    }

    /// Calls with a token. One that came of a login and has ended is renewed by another login, once.
    async fn call(&self, at: &str, call: Call<'_>, others: &Backends) -> Result<Answer, SecretError> {
        let (token, fresh) = self.token(at, others).await?;
        let answer = self.send(at, call.clone(), Some(token)).await?;
        if answer.status != 403 || fresh {
            return Ok(answer);
        }
        *self.session.lock().await = None;
        let (token, _) = self.token(at, others).await?;
        self.send(at, call, Some(token)).await
    }

    async fn send(&self, at: &str, call: Call<'_>, token: Option<Secret>) -> Result<Answer, SecretError> {
        let Call {
            method,
            path,
            body,
            fence,
        } = call;
        let mut request = Request::new(method, path).body(body);
        request
            .headers
            .extend(token.map(|token| ("x-vault-token", token)));
        if let Some(namespace) = &self.settings.namespace {
            request = request.header("x-vault-namespace", Secret::new(namespace.clone()));
        }
        let sent = self.client.send(&request, fence).await;
        sent.map_err(|error| match error.help {
            Some(help) => unreachable(at, format!("{}; {help}", error.message)),
            None => unreachable(at, error.message),
        })
    }

    /// The token to call with, and whether a new login would bring no better one.
    async fn token(&self, at: &str, others: &Backends) -> Result<(Secret, bool), SecretError> {
        let approle = match &self.settings.login {
            VaultLogin::Token(place) => return Ok((others.credential(place).await?, true)),
            VaultLogin::Approle(approle) => approle,
        };
        // Held while the login lasts: many secrets at once need one login.
        let mut session = self.session.lock().await;
        if let Some(token) = session.as_ref() {
            return Ok((token.clone(), false));
        }
        let secret_id = others.credential(&approle.secret_id).await?;
        let login = json!({ "role_id": approle.role_id, "secret_id": secret_id.expose() });
        let login = Call {
            method: Method::Post,
            path: "/v1/auth/approle/login",
            body: Body::Json(login),
            fence: &Unfenced,
        };
        let answer = self.send(at, login, None).await?;
        let token = body(&answer)["auth"]["client_token"]
            .as_str()
            .map(|token| Secret::new(token.to_owned()));
        match token {
            Some(token) if answer.is_success() => {
                *session = Some(token.clone());
                Ok((token, true))
            }
            _ => {
                let (role, said) = (&approle.role_id, errors(&answer));
                let place = &approle.secret_id;
                let why = format!(
                    "Vault refuses the login of role {role}: {said}; is the secret id at {place} good?"
                );
                Err(refused(at, why))
            }
        }
    }

    fn refusal(&self, at: &str, answer: &Answer) -> SecretError {
        let (host, said) = (self.client.host(), errors(answer));
        match answer.status {
            403 => refused(
                at,
                format!(
                    "Vault at {host} says {said}: the token is wrong or has ended, or its policy does not allow the path"
                ),
            ),
            404 => refused(
                at,
                format!(
                    "Vault at {host} says {said}: is a KV engine of version 2 mounted at {}?",
                    self.settings.mount
                ),
            ),
            400 | 401 | 405 | 412 | 422 => refused(at, format!("Vault at {host} says {said}")),
            503 => unreachable(at, format!("Vault at {host} is sealed or starting: {said}")),
            _ => unreachable(at, format!("Vault at {host} says {said}")),
        }
    }
}

/// The key of a place. The URIs of Vault have one.
fn key(uri: &SecretUri) -> &str {
    uri.key().unwrap_or_default()
}

/// What the policies do not allow of what a write needs, as Vault tells of a path.
fn missing_rights(said: &Json, path: &str) -> Vec<&'static str> {
    let rights = said["data"][path]
        .as_array()
        .or_else(|| said["data"]["capabilities"].as_array());
    let has = |wanted: &str| rights.is_some_and(|rights| rights.iter().any(|right| right == wanted));
    let needed = ["create", "update", "read"].into_iter();
    needed.filter(|right| !has(right) && !has("root")).collect()
}

/// The JSON of an answer, or null. What it was made of may hold values: errors of reading it are never shown.
fn body(answer: &Answer) -> Json {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The status and Vault's errors on one line.
fn errors(answer: &Answer) -> String {
    let said = body(answer);
    let said = said["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str);
    let said: Vec<_> = said.flat_map(str::split_whitespace).collect();
    match said.as_slice() {
        [] => format!("{} {}", answer.status, answer.reason),
        said => format!(
            "{} {}",
            answer.status,
            said.join(" ").chars().take(300).collect::<String>()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_does_not_allow_is_named() {
        let path = "secret/data/ci/gitlab";
        let rights = |rights: &[&str]| missing_rights(&json!({ "data": { path: rights } }), path);
        assert_eq!(rights(&["root"]), [""; 0]);
        assert_eq!(rights(&["create", "read", "update", "list"]), [""; 0]);
        assert_eq!(rights(&["read", "list"]), ["create", "update"]);
        assert_eq!(rights(&["deny"]), ["create", "update", "read"]);
    }
}
