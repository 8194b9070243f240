//! The API's envelope: the token, `data`, and errors in the reason phrase.

use std::time::Duration;

use gosling_engine::Fence;
use gosling_engine::fence::Unfenced;
use gosling_resource::Secret;
use serde_json::Value;
use tokio::time::sleep;

use super::reached::{Reached, node_in};
use super::sign::Sign;
use super::trouble::{Kind, Trouble};
use super::wanted::Config;
use crate::http::{Answer, Body, Client, Method, Request, SendError, Upload, backoff};

/// How often a call is made that finds a lock taken; the pauses add up to some 20 s.
const LOCK_ATTEMPTS: u32 = 7;
/// A NoCloud image is small, but it may go over a slow line.
const UPLOAD: Duration = Duration::from_secs(300);
/// A call may wait for locks and hot-plugging before it answers.
const CHANGE: Duration = Duration::from_secs(120);

/// The API as one token sees it.
pub(super) struct Api<'a> {
    pub(super) client: &'a Client,
    /// `gosling@pve!ci`.
    pub(super) token_id: &'a str,
    /// The whole header.
    pub(super) authorization: Secret,
    /// Confirms each change right before it is sent.
    pub(super) fence: &'a dyn Fence,
    /// The signs of the machine that the operation is about. A machine without any of them is not changed; where there
    /// are none, nothing is compared.
    pub(super) signs: Vec<Sign<'a>>,
    /// Which nodes have answered.
    pub(super) reached: &'a Reached,
}

/// A form's pair.
pub(super) fn pair(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

impl Api<'_> {
    pub(super) async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.get_with(path, &[]).await
    }

    pub(super) async fn get_with(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
        let mut request = Request::get(format!("/api2/json{path}"));
        for (name, value) in query {
            request = request.query(*name, *value);
        }
        match self.send(request, &Unfenced).await? {
            // Taken for a fact, it would mean that nothing is there or that nothing runs.
            Value::Null => Err(Trouble::unknown(format!(
                "Proxmox VE answered `GET {path}` with no data"
            ))),
            data => Ok(data),
        }
    }

    /// Asks with a POST, which changes nothing.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, Trouble> {
        let request = Request::new(Method::Post, format!("/api2/json{path}"));
        self.send(request, &Unfenced).await
    }

    pub(super) async fn post(&self, path: &str, form: &[(String, String)]) -> Result<Value, Trouble> {
        self.change(Method::Post, path, form).await
    }

    pub(super) async fn put(&self, path: &str, form: &[(String, String)]) -> Result<Value, Trouble> {
        self.change(Method::Put, path, form).await
    }

    pub(super) async fn delete(&self, path: &str, query: &[(String, String)]) -> Result<Value, Trouble> {
        self.change(Method::Delete, path, query).await
    }

    /// Compares, right before a change, whether the machine at this path is still the one that is meant: numbers come
    /// back, and another holder may have made a machine with this one.
    async fn compare(&self, path: &str) -> Result<(), Trouble> {
        let Some((id, guest)) = guest_of(path).filter(|_| !self.signs.is_empty()) else {
            return Ok(());
        };
        let data = self
            .get_with(&format!("{guest}/config"), &[("current", "1")])
            .await?;
        let config = Config::of(&data);
        match self.signs.iter().any(|sign| sign.is_on(&config)) {
            true => Ok(()),
            false => Err(Trouble::refused(format!(
                "{id} is another machine now: gosling does not change it"
            ))
            .help("`gosling plan` shows what is there")),
        }
    }

    /// Sends a change. Where it says that a lock was taken, it did nothing, and is sent again a little later.
    async fn change(&self, method: Method, path: &str, pairs: &[(String, String)]) -> Result<Value, Trouble> {
        let mut attempt = 0;
        loop {
            let mut request = Request::new(method, format!("/api2/json{path}")).timeout(CHANGE);
            match method {
                // A DELETE with a body is a 501.
                Method::Get | Method::Delete => request.query = pairs.to_vec(),
                Method::Post | Method::Put => request.body = Body::Form(pairs.to_vec()),
            }
            self.compare(path).await?;
            let result = self.send(request, self.fence).await;
            attempt += 1;
            match result {
                Err(trouble) if trouble.is_lock() && attempt < LOCK_ATTEMPTS => {
                    sleep(backoff(attempt + 1)).await;
                }
                result => return result,
            }
        }
    }

    /// Uploads a file to a storage that takes `content`: the UPID of the task.
    pub(super) async fn upload(
        &self,
        node: &str,
        storage: &str,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Value, Trouble> {
        let file = Upload {
            field: "filename".to_owned(),
            name: name.to_owned(),
            bytes,
        };
        let fields = vec![pair("content", "iso")];
        let path = format!("/api2/json/nodes/{node}/storage/{storage}/upload");
        let request = Request::new(Method::Post, path)
            .body(Body::Multipart { fields, file })
            .timeout(UPLOAD);
        self.send(request, self.fence).await
    }

    async fn send(&self, request: Request, fence: &dyn Fence) -> Result<Value, Trouble> {
        let request = request.header("authorization", self.authorization.clone());
        let answer = self.client.send(&request, fence).await.map_err(unanswered)?;
        self.reached
            .note(&request.path, !matches!(answer.status, 595 | 596 | 599));
        if !answer.is_success() {
            return Err(self.refused(&request.path, &answer));
        }
        let mut body = answer.json()?;
        match body.get_mut("data") {
            Some(data) => Ok(data.take()),
            None => Err(
                Trouble::unknown(format!("{}: the answer has no `data`", self.client.host()))
                    .help("does the endpoint lead to Proxmox VE?"),
            ),
        }
    }

    /// What an answer that is no success says of a call to this path.
    fn refused(&self, path: &str, answer: &Answer) -> Trouble {
        let host = self.client.host();
        let node = node_of(path);
        let words = words(answer);
        match answer.status {
            401 if words.ends_with("access expired") => {
                Trouble::refused(format!("{host}: the token `{}` has ended: {words}", self.token_id)).help(
                    "give it a later end (Datacenter > Permissions > API Tokens), or make a new one and put it where `token` says",
                )
            }
            401 => Trouble::refused(format!(
                "{host}: the token `{}` is refused: {words}",
                self.token_id
            ))
            .help("compare `token_id` and the secret of `token` with Datacenter > Permissions > API Tokens"),
            403 if answer.is_page() => Trouble::refused(format!(
                "something in front of {host} refused the call with a web page: {words}"
            ))
            .help("is a proxy or a web filter in between? The token was not checked"),
            403 => {
                Trouble::refused(format!("{host}: {words}")).help(missing_privilege(self.token_id, &words))
            }
            500 if !words.is_empty() => Trouble::died(format!("{host}: {words}")),
            595 => Trouble::from(answer.refusal(format!("{host}: {node} cannot be reached: {words}")))
                .help("is the node up? Its machines are left as they are; `--replace ADDRESS` makes one on another node, and deletes the old one when its node is back"),
            300..=399 => {
                let to = answer.redirect().unwrap_or_else(|| "nowhere".to_owned());
                Trouble::from(answer.refusal(format!("{host}: {} {words}: it leads to {to}", answer.status)))
                    .help("is that a login page in front of Proxmox VE? Then let gosling's calls pass it")
            }
            596 | 599 => Trouble::from(answer.refusal(format!("{host}: no answer from {node} in time"))),
            status => Trouble::from(answer.refusal(format!("{host}: {status} {words}"))),
        }
    }
}

/// The machine that a change is about, as its id and its path. A template that is cloned is not changed.
fn guest_of(path: &str) -> Option<(String, String)> {
    let mut parts = path.strip_prefix("/nodes/")?.split('/');
    let (node, sort, vmid) = (parts.next()?, parts.next()?, parts.next()?);
    let is_changed = sort == "qemu" && parts.next() != Some("clone");
    is_changed.then(|| (format!("{node}/{vmid}"), format!("/nodes/{node}/qemu/{vmid}")))
}

/// The node that a call is for, as words: one that answers for a node which cannot be reached does not name it.
fn node_of(path: &str) -> String {
    node_in(path).map_or_else(|| "a node".to_owned(), |node| format!("the node {node}"))
}

/// What went wrong in the words of Proxmox VE: of single parameters, else of the reason phrase, else of the body.
fn words(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if let Some(errors) = body.get("errors").and_then(Value::as_object) {
        let error = |(name, words): (&String, &Value)| {
            format!("`{name}`: {}", words.as_str().unwrap_or_default().trim())
        };
        return errors.iter().map(error).collect::<Vec<_>>().join("; ");
    }
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
    let usual = matches!(answer.reason.as_str(), "" | "Internal Server Error" | "Forbidden");
    let words = if usual && !message.is_empty() {
        message
    } else {
        &answer.reason
    };
    words.trim().to_owned()
}

/// `Permission check failed (/vms/9000, VM.Clone)` as a thing to do.
fn missing_privilege(token_id: &str, words: &str) -> String {
    let inside = words.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let named = inside.and_then(|(inside, _)| inside.split_once(','));
    let role = "docs/guides/proxmox-and-gitlab.md lists all that it needs";
    match named {
        Some((place, privilege)) => format!(
            "give `{token_id}` the privilege `{}` on `{}`; {role}",
            privilege.trim(),
            place.trim()
        ),
        None => format!("give `{token_id}` what is missing; {role}"),
    }
}

fn unanswered(error: SendError) -> Trouble {
    Trouble {
        kind: if error.sent { Kind::Unknown } else { Kind::Refused },
        message: error.message,
        help: error.help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_privilege_that_is_missing_is_named() {
        let help = missing_privilege("a@pve!b", "Permission check failed (/vms/9000, VM.Clone)");
        assert!(
            help.starts_with("give `a@pve!b` the privilege `VM.Clone` on `/vms/9000`;"),
            "{help}"
        );
    }

    #[test]
    fn a_change_is_about_a_machine_unless_it_clones_it_or_is_about_a_file() {
        let id = |path: &str| guest_of(path).map(|(id, _)| id);
        let machine = "/nodes/pve1/qemu/5000";
        for rest in ["", "/config", "/status/stop", "/firewall/rules/0"] {
            assert_eq!(
                id(&format!("{machine}{rest}")).as_deref(),
                Some("pve1/5000"),
                "{rest}"
            );
        }
        for path in [
            "/nodes/pve1/qemu",
            "/nodes/pve1/qemu/9000/clone",
            "/nodes/pve1/storage/local/upload",
            "/cluster/resources",
        ] {
            assert_eq!(id(path), None, "{path}");
        }
    }

    #[test]
    fn words_come_from_wherever_they_are() {
        let answer = |reason: &str, body: &str| Answer {
            status: 500,
            reason: reason.to_owned(),
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        };
        assert_eq!(
            words(&answer("storage 'x' does not exist", "{\"data\":null}")),
            "storage 'x' does not exist"
        );
        assert_eq!(
            words(&answer("Internal Server Error", "{\"message\":\"late\\n\"}")),
            "late"
        );
        let parameters =
            "{\"errors\":{\"newid\":\"too small\\n\"},\"message\":\"Parameter verification failed.\"}";
        assert_eq!(
            words(&answer("Parameter verification failed.", parameters)),
            "`newid`: too small"
        );
    }
}
