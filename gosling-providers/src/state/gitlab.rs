//! GitLab's Terraform states as a place for ours: versions that are numbered, and a lock.
//!
//! Each commit is one version: the head, and with it the blob that it names. A blob's name is the version that brought
//! it. GitLab takes no number twice, and while the state is locked it takes nothing without the lock's id: whoever
//! lost the lock is refused by the server itself. What lies beside the state is a state of its own each.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::remote::{Blob, Commit, OwnLock, PutError, Service};
use gosling_engine::store::{Beside, Holder, StoreError, Version};
use gosling_resource::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{LONGEST, patience, unanswered};
use crate::http::{Answer, Body, Client, Endpoint, Method, Request, SendError, segment};

/// How often a call that can be repeated is sent at most.
const ATTEMPTS: u32 = 4;

/// Where a state is in GitLab, and how it is reached.
#[derive(Debug, Clone)]
pub struct GitlabStateSettings {
    /// GitLab itself: `https://gitlab.example.com`.
    pub endpoint: Endpoint,
    /// The project's number.
    pub project: u64,
    /// The state's name inside the project.
    pub name: String,
    /// A token with the scope `api` and the role Maintainer.
    pub token: Secret,
    /// How many earlier states are kept.
    pub kept: usize,
}

/// One state of a project.
pub(super) struct GitlabState {
    client: Client,
    project: u64,
    name: String,
    token: Secret,
}

/// A version of a state: GitLab wants JSON with a number.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    serial: u64,
    /// The head, as text, so that it is read back to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// What came with it, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
}

/// A lock as GitLab tells of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct LockInfo {
    #[serde(rename = "ID")]
    id: Option<String>,
    who: Option<String>,
    created: Option<String>,
    operation: Option<String>,
    info: Option<String>,
}

impl LockInfo {
    /// Who that is: one of ours says so itself; of a Terraform GitLab knows the user.
    fn holder(self) -> Holder {
        let ours = self.info.and_then(|info| serde_json::from_str(&info).ok());
        ours.unwrap_or_else(|| Holder {
            user: self.who.unwrap_or_else(|| "somebody".to_owned()),
            host: "gitlab".to_owned(),
            pid: 0,
            since: self.created.unwrap_or_default(),
            command: self.operation.unwrap_or_default(),
            pipeline: None,
        })
    }
}

fn number(version: Option<&Version>) -> Result<u64, StoreError> {
    let number = version.map_or(Ok(0), |version| version.0.parse());
    number.map_err(|error| StoreError::Io {
        what: "cannot read the number of a version of the state".to_owned(),
        why: std::io::Error::other(error),
    })
}

impl GitlabState {
    pub(super) fn new(settings: GitlabStateSettings) -> Result<Self, StoreError> {
        let GitlabStateSettings {
            endpoint,
            project,
            name,
            token,
            kept: _,
        } = settings;
        let client = Client::new(&endpoint).map_err(|error| unanswered("reach the state's GitLab", error))?;
        if name.is_empty() || name.contains('/') {
            return Err(StoreError::Refused {
                what: format!("`{name}` cannot be the name of a state in GitLab"),
                help: "set `state.name` to a word without `/`".to_owned(),
            });
        }
        Ok(Self {
            client,
            project,
            name,
            token,
        })
    }

    /// The name of the state that holds what lies beside ours.
    fn beside_name(&self, which: Beside) -> String {
        let file = which.file_name();
        let word = file.split_once('.').map_or(&*file, |(word, _)| word);
        format!("{}_{word}", self.name)
    }

    fn request(&self, method: Method, name: &str, rest: &str) -> Request {
        let path = format!(
            "/api/v4/projects/{}/terraform/state/{}{rest}",
            self.project,
            segment(name)
        );
        Request::new(method, path).header("private-token", self.token.clone())
    }

    async fn send(&self, what: &str, request: &Request) -> Result<Answer, StoreError> {
        let sent = self.client.send(request, &Unfenced).await;
        sent.map_err(|error| unanswered(&self.words(what), error))
    }

    /// Sends a call that does the same when it comes twice, until there is an answer that means something.
    async fn again(&self, what: &str, request: &Request) -> Result<Answer, StoreError> {
        let mut pause = Duration::from_millis(200);
        for _ in 1..ATTEMPTS {
            match self.client.send(request, &Unfenced).await {
                Ok(answer) if !matches!(answer.status, 408 | 500..) => return Ok(answer),
                Err(SendError {
                    sent: false,
                    passing: false,
                    ..
                }) => break,
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.send(what, request).await
    }

    fn words(&self, what: &str) -> String {
        format!("{what} {}", self.place())
    }

    fn refusal(&self, what: &str, answer: &Answer) -> StoreError {
        let said = serde_json::from_slice::<Json>(&answer.body).unwrap_or_default();
        let said = ["message", "error", "error_description"]
            .into_iter()
            .find_map(|field| said.get(field))
            .map_or_else(
                || answer.reason.clone(),
                |said| said.as_str().map_or_else(|| said.to_string(), str::to_owned),
            );
        let what = format!(
            "cannot {}: GitLab says {} {said}",
            self.words(what),
            answer.status
        );
        let help = match answer.status {
            401 => "the token is wrong, expired or revoked: make a new one with the scope `api`",
            403 => "the token needs the scope `api` and the role Maintainer in this project",
            404 => {
                "is `state.project_id` right, does the token see the project, and are its Terraform states enabled?"
            }
            413 => {
                "an administrator of GitLab can raise the limit of Terraform states \
                 (max_terraform_state_size_bytes)"
            }
            _ => {
                return StoreError::Io {
                    what,
                    why: std::io::Error::other("nothing else is known"),
                };
            }
        };
        StoreError::Refused {
            what,
            help: help.to_owned(),
        }
    }

    /// A version, or the latest; `None` where there is none.
    async fn read(&self, name: &str, rest: &str) -> Result<Option<Saved>, StoreError> {
        let request = self.request(Method::Get, name, rest);
        let request = request.longest(LONGEST).timeout(patience(LONGEST));
        let answer = self.again("read", &request).await?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map(Some)
                .map_err(|error| StoreError::Refused {
                    what: format!(
                        "cannot {}: it was not written by gosling: {error}",
                        self.words("read")
                    ),
                    help: "is it a state of Terraform? Set `state.name` to another name".to_owned(),
                }),
            204 => Ok(None),
            404 if !is_of_project(&answer) => Ok(None),
            _ => Err(self.refusal("read", &answer)),
        }
    }

    /// Writes one version, once.
    async fn write(&self, name: &str, saved: &Saved, lock: Option<&str>) -> Result<Version, PutError> {
        let bytes = serde_json::to_vec(saved).map_err(|error| {
            PutError::Refused(StoreError::Io {
                what: "cannot write the state".to_owned(),
                why: error.into(),
            })
        })?;
        let mut request = self.request(Method::Post, name, "");
        if let Some(lock) = lock {
            request = request.query("ID", lock);
        }
        let request = request.timeout(patience(bytes.len())).body(Body::Bytes {
            content_type: "application/json",
            bytes,
        });
        let answer = match self.client.send(&request, &Unfenced).await {
            Ok(answer) => answer,
            Err(
                error @ SendError {
                    sent: false,
                    passing: false,
                    ..
                },
            ) => {
                return Err(PutError::Refused(unanswered(&self.words("write"), error)));
            }
            Err(error) => return Err(PutError::Unknown(unanswered(&self.words("write"), error))),
        };
        match (answer.status, lock) {
            (200..=299, _) => Ok(Version(saved.serial.to_string())),
            (409 | 423, None) => Err(PutError::Changed),
            // Whoever has the lock no more is refused so, or GitLab says that something went wrong in it. So may a proxy.
            (409 | 423 | 500, Some(lock)) => match self.holds(lock).await {
                Ok(false) => Err(PutError::Refused(StoreError::TakenOver(None))),
                Ok(true) => Err(PutError::Unknown(self.refusal("write", &answer))),
                Err(error) => Err(PutError::Unknown(error)),
            },
            // A number that is taken is told by 400 or 422, as is much else: what is there decides.
            (400 | 422 | 408 | 500.., _) => Err(PutError::Unknown(self.refusal("write", &answer))),
            _ => Err(PutError::Refused(self.refusal("write", &answer))),
        }
    }

    /// Asks for the lock under this id.
    async fn ask_for_lock(&self, id: &str, info: &str) -> Result<Asked, StoreError> {
        let body = json!({
            "ID": id, "Operation": "gosling", "Info": info, "Who": "gosling",
            "Version": env!("CARGO_PKG_VERSION"), "Created": "", "Path": "",
        });
        let request = self
            .request(Method::Post, &self.name, "/lock")
            .body(Body::Json(body));
        let answer = self.again("lock", &request).await?;
        match answer.status {
            200..=299 => Ok(Asked::Taken),
            409 | 423 => {
                let mut info: LockInfo = serde_json::from_slice(&answer.body).unwrap_or_default();
                let holder_id = info.id.take();
                // An earlier attempt of ours got it, and its answer was lost.
                Ok(if holder_id.as_deref() == Some(id) {
                    Asked::Taken
                } else {
                    Asked::Anothers {
                        id: holder_id,
                        holder: Box::new(info.holder()),
                    }
                })
            }
            _ => Err(self.refusal("lock", &answer)),
        }
    }

    /// Whether the lock of this id is still the state's. It is asked for under an id of its own: under the same one, a
    /// lock that was broken would be taken again, and GitLab would accept a write that was sent under it before.
    async fn holds(&self, id: &str) -> Result<bool, StoreError> {
        let own = format!("{id}-asked");
        match self.ask_for_lock(&own, "").await? {
            Asked::Anothers { id: holder, .. } => Ok(holder.as_deref() == Some(id)),
            // It was nobody's: somebody had broken it.
            Asked::Taken => self.unlock(&own).await.map(|()| false),
        }
    }
}

/// Whose a lock is that was asked for.
enum Asked {
    /// Ours, now.
    Taken,
    /// Somebody else's.
    Anothers {
        /// The id of that lock, where GitLab names one.
        id: Option<String>,
        /// Who that is.
        holder: Box<Holder>,
    },
}

/// Whether it is the project that is not there, not the state.
fn is_of_project(answer: &Answer) -> bool {
    String::from_utf8_lossy(&answer.body).contains("Project")
}

#[async_trait]
impl Service for GitlabState {
    fn place(&self) -> String {
        format!(
            "the state `{}` of project {} at {}",
            self.name,
            self.project,
            self.client.host()
        )
    }

    async fn head(&self) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let Some(saved) = self.read(&self.name, "").await? else {
            return Ok(None);
        };
        let head = saved.head.ok_or_else(|| StoreError::Refused {
            what: format!("{} was not written by gosling", self.place()),
            help: "is it a state of Terraform? Set `state.name` to another name".to_owned(),
        })?;
        Ok(Some((head.into_bytes(), Version(saved.serial.to_string()))))
    }

    fn blob_name(&self, after: Option<&Version>, _: Blob, _: u64) -> Result<String, StoreError> {
        Ok((number(after)? + 1).to_string())
    }

    async fn commit(&self, commit: Commit<'_>) -> Result<Version, PutError> {
        let saved = Saved {
            serial: number(commit.expected).map_err(PutError::Refused)? + 1,
            head: Some(String::from_utf8_lossy(commit.head).into_owned()),
            blob: commit.blob.map(|(_, bytes)| BASE64_STANDARD.encode(bytes)),
        };
        self.write(&self.name, &saved, Some(commit.lock)).await
    }

    async fn blob(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let saved = self.read(&self.name, &format!("/versions/{name}")).await?;
        let blob = saved.and_then(|saved| saved.blob);
        let bytes = blob.map(|blob| BASE64_STANDARD.decode(blob)).transpose();
        bytes.map_err(|error| StoreError::Io {
            what: format!("version {name} of {} is damaged", self.place()),
            why: std::io::Error::other(error),
        })
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let request = self.request(Method::Delete, &self.name, &format!("/versions/{name}"));
        let answer = self.again("delete a version of", &request).await?;
        match answer.status {
            200..=299 => Ok(()),
            404 if !is_of_project(&answer) => Ok(()),
            _ => Err(self.refusal("delete a version of", &answer)),
        }
    }

    async fn beside(&self, which: Beside) -> Result<Option<(Vec<u8>, Version)>, StoreError> {
        let name = self.beside_name(which);
        let Some(saved) = self.read(&name, "").await? else {
            return Ok(None);
        };
        let bytes = BASE64_STANDARD.decode(saved.blob.unwrap_or_default());
        let bytes = bytes.map_err(|error| StoreError::Io {
            what: format!("{name} of project {} is damaged", self.project),
            why: std::io::Error::other(error),
        })?;
        Ok(Some((bytes, Version(saved.serial.to_string()))))
    }

    /// Numbers that are free again would let a latecomer write behind the latest version, unseen: here none is deleted.
    async fn put_beside(
        &self,
        which: Beside,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Version, PutError> {
        let saved = Saved {
            serial: number(expected).map_err(PutError::Refused)? + 1,
            head: None,
            blob: Some(BASE64_STANDARD.encode(bytes)),
        };
        self.write(&self.beside_name(which), &saved, None).await
    }

    fn head_name(&self, version: &Version) -> Option<String> {
        Some(version.0.clone())
    }

    async fn lock(&self, id: &str, holder: &Holder, force: bool) -> Result<OwnLock, StoreError> {
        let info = serde_json::to_string(holder).map_err(|error| StoreError::Io {
            what: "cannot say who takes the lock".to_owned(),
            why: error.into(),
        })?;
        if force {
            let request = self.request(Method::Delete, &self.name, "/lock");
            let answer = self.again("unlock", &request).await?;
            if !answer.is_success() && (answer.status != 404 || is_of_project(&answer)) {
                return Err(self.refusal("unlock", &answer));
            }
        }
        Ok(match self.ask_for_lock(id, &info).await? {
            Asked::Taken => OwnLock::Taken,
            Asked::Anothers { holder, .. } => OwnLock::Held(Some(holder)),
        })
    }

    /// Asks for the lock: that is answered by the database that writes, never by a replica that lags.
    async fn holds(&self, id: &str) -> Result<Option<bool>, StoreError> {
        Self::holds(self, id).await.map(Some)
    }

    async fn unlock(&self, id: &str) -> Result<(), StoreError> {
        let request = self.request(Method::Delete, &self.name, "/lock").query("ID", id);
        let answer = self.again("unlock", &request).await?;
        match answer.status {
            // 409: it is another's by now, and there is nothing to give back.
            200..=299 | 409 | 423 => Ok(()),
            404 if !is_of_project(&answer) => Ok(()),
            _ => Err(self.refusal("unlock", &answer)),
        }
    }
}
