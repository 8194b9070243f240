//! Calls to one GitLab with one token: pages, and what a refusal means in words.

use std::time::Duration;

use gosling_engine::fence::Unfenced;
use gosling_engine::{CallError, Doubt, Fence};
use gosling_resource::{Secret, SecretUri, harmless};
use serde_json::{Value as Json, json};

use crate::http::{Answer, Body, Client, Listing, Method, Request};

/// How gosling calls itself when it looks whether a runner's token is good: GitLab takes it for a machine.
pub(super) const OURSELVES: &str = "gosling";
/// The largest page that GitLab gives.
const PAGE: u32 = 100;
/// More pages than any list has: a server that never ends its list is not believed.
const PAGES: usize = 10_000;
/// How long is waited before what was just made must be in a list.
const GRACE: Duration = Duration::from_secs(1);
/// How much of GitLab's own words is repeated.
const WORDS: usize = 500;

/// What a call is for, so that its failure can be told.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    /// `making a runner for project 17`.
    pub(super) doing: String,
    /// What may not be there: `project 17`.
    pub(super) of: String,
    /// What a token needs for it.
    pub(super) needs: &'static str,
}

/// Somebody with a token at a server.
pub(super) struct Session<'a> {
    client: Client,
    server: String,
    token: Secret,
    place: SecretUri,
    /// Confirms each change right before it is sent.
    fence: &'a dyn Fence,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        client: Client,
        server: &str,
        token: Secret,
        place: &SecretUri,
        fence: &'a dyn Fence,
    ) -> Self {
        Self {
            client,
            server: server.to_owned(),
            token,
            place: place.clone(),
            fence,
        }
    }

    /// The host that is called.
    pub(super) fn host(&self) -> &str {
        self.client.host()
    }

    /// What is at a path; `None` where nothing is, or nothing that the token may see.
    pub(super) async fn get(&self, path: &str, errand: &Errand) -> Result<Option<Json>, CallError> {
        let answer = self.read(path).await?;
        match answer.status {
            404 => Ok(None),
            _ => match self.said(&answer, errand).map_err(nothing_changed)? {
                Json::Null => Err(self.nonsense(errand)),
                said => Ok(Some(said)),
            },
        }
    }

    /// What has to be at a path.
    pub(super) async fn there(&self, path: &str, errand: &Errand) -> Result<Json, CallError> {
        let answer = self.read(path).await?;
        self.said(&answer, errand).map_err(nothing_changed)
    }

    /// A text that is at a path, such as a job's log.
    pub(super) async fn words(&self, path: &str, errand: &Errand) -> Result<String, CallError> {
        let answer = self.read(path).await?;
        if answer.is_success() {
            Ok(harmless(&String::from_utf8_lossy(&answer.body)))
        } else {
            Err(nothing_changed(self.refusal(&answer, errand)))
        }
    }

    /// A list with all of its pages.
    pub(super) async fn all(&self, path: &str, errand: &Errand) -> Result<Vec<Json>, CallError> {
        let list = self.list(path, errand).await?;
        list.ok_or_else(|| self.missing(errand))
    }

    /// The same; `None` where there is no such list.
    pub(super) async fn list(&self, path: &str, errand: &Errand) -> Result<Option<Vec<Json>>, CallError> {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let mut page = match query {
            "" => format!("per_page={PAGE}"),
            query => format!("{query}&per_page={PAGE}"),
        };
        let mut items = Vec::new();
        let mut listing = Listing::default();
        for number in 0..PAGES {
            let answer = self.read(&format!("{bare}?{page}")).await?;
            listing.page(self.client.host(), answer.body.len())?;
            if answer.status == 404 && number == 0 {
                return Ok(None);
            }
            match self.said(&answer, errand).map_err(nothing_changed)? {
                Json::Array(more) => items.extend(more),
                _ => return Err(self.nonsense(errand)),
            }
            match next(answer.header("link").unwrap_or_default()) {
                None => return Ok(Some(items)),
                Some(next) if next == page => break,
                Some(next) => page = next,
            }
        }
        Err(self.nonsense(errand))
    }

    /// Makes something.
    pub(super) async fn post(&self, path: &str, body: &Json, errand: &Errand) -> Result<Json, CallError> {
        let answer = self.change(Method::Post, path, Body::Json(body.clone())).await?;
        self.said(&answer, errand)
    }

    /// Changes something.
    pub(super) async fn put(&self, path: &str, body: &Json, errand: &Errand) -> Result<Json, CallError> {
        let answer = self.change(Method::Put, path, Body::Json(body.clone())).await?;
        self.said(&answer, errand)
    }

    /// Deletes something. What is gone is deleted.
    pub(super) async fn delete(&self, path: &str, errand: &Errand) -> Result<(), CallError> {
        let answer = self.change(Method::Delete, path, Body::None).await?;
        match answer.status {
            404 => Ok(()),
            // Of what is gone GitLab may also say that one has no right to it.
            403 if self.get(path, errand).await?.is_none() => Ok(()),
            _ if answer.is_success() => Ok(()),
            _ => Err(self.refusal(&answer, errand)),
        }
    }

    /// The runner whose token this is. GitLab takes whoever asks for one of the runner's machines, so gosling says
    /// who it is, and takes its leave.
    pub(super) async fn owner_of(&self, token: &Secret) -> Result<Option<i64>, CallError> {
        let errand = Errand {
            doing: "looking whether a runner's token is good".to_owned(),
            of: "the runner".to_owned(),
            needs: "",
        };
        let body = || Body::Json(json!({ "token": token.expose(), "system_id": OURSELVES }));
        let verify = Request::new(Method::Post, path("runners/verify")).body(body());
        let answer = self
            .client
            .send(&verify, &Unfenced)
            .await
            .map_err(|error| nothing_changed(error.into()))?;
        if answer.status == 403 {
            return Ok(None);
        }
        let said = self.said(&answer, &errand).map_err(nothing_changed)?;
        let leave = Request::new(Method::Delete, path("runners/managers")).body(body());
        // A machine that is not there shows in lists for a week, and harms nobody.
        let _ = self.client.send(&leave, &Unfenced).await;
        said["id"]
            .as_i64()
            .map(Some)
            .ok_or_else(|| self.nonsense(&errand))
    }

    /// Waits until what was made just now must be in a list.
    pub(super) async fn pause(&self) {
        tokio::time::sleep(GRACE).await;
    }

    async fn read(&self, path: &str) -> Result<Answer, CallError> {
        let sent = self.change(Method::Get, path, Body::None).await;
        sent.map_err(nothing_changed)
    }

    async fn change(&self, method: Method, to: &str, body: Body) -> Result<Answer, CallError> {
        let request = Request::new(method, path(to))
            .header("private-token", self.token.clone())
            .body(body);
        Ok(self.client.send(&request, self.fence).await?)
    }

    /// The JSON of an answer that is a success.
    fn said(&self, answer: &Answer, errand: &Errand) -> Result<Json, CallError> {
        if answer.is_success() {
            answer.json()
        } else {
            Err(self.refusal(answer, errand))
        }
    }

    /// What a refusal means, and what to do about it.
    fn refusal(&self, answer: &Answer, errand: &Errand) -> CallError {
        let Self { server, place, .. } = self;
        let Errand { doing, needs, .. } = errand;
        let said = words(answer);
        match answer.status {
            401 => {
                let message = format!("GitLab {server} does not take the token at {place}: {said}");
                let help = format!(
                    "it is wrong, was revoked or has expired: make a new one with {needs}, and put it there"
                );
                answer.refusal(message).help(help)
            }
            403 if answer.is_page() => {
                let message =
                    format!("something in front of GitLab {server} refused {doing} with a web page: {said}");
                answer
                    .refusal(message)
                    .help("is a proxy or a web filter in between? The token was not checked")
            }
            403 => {
                let message = format!("GitLab {server} does not allow {doing}: {said}");
                let mut help = format!("the token at {place} needs {needs}");
                // GitLab says which scopes are missing, where one is.
                if !said.contains("insufficient_scope") {
                    help.push_str(
                        "; if it has the scope, look at the role of its account, and whether the project is archived",
                    );
                }
                answer.refusal(message).help(help)
            }
            404 => self.missing(errand),
            429 => {
                let message = format!("GitLab {server} refused {doing} after too many calls");
                let help = match answer.asked_pause() {
                    Some(pause) => format!(
                        "nothing was done; it takes calls again in {} minutes: run it again then",
                        pause.as_secs().div_ceil(60)
                    ),
                    None => "nothing was done; run it again later, with a smaller `--parallelism`".to_owned(),
                };
                answer.refusal(message).help(help)
            }
            _ if said.contains("Maximum number of") => {
                let message = format!("GitLab {server} has no room for {doing}: {said}");
                answer.refusal(message).help(
                    "delete runners that nobody uses; GitLab Free takes 50 for each project and group, and one \
                     runner serves any number of machines",
                )
            }
            status => {
                let message = format!("GitLab {server}, {doing}: {said}");
                match status {
                    300..400 => answer.refusal(message).help(match answer.redirect() {
                        Some(to) => format!(
                            "it leads to {to}: where that is a login page, let gosling's calls pass it; where GitLab has moved, write that address"
                        ),
                        None => "GitLab has moved: write the address that it has now".to_owned(),
                    }),
                    _ => answer.refusal(message),
                }
            }
        }
    }

    /// GitLab does not tell what is not there from what one may not see.
    fn missing(&self, errand: &Errand) -> CallError {
        let Self { server, place, .. } = self;
        let Errand { of, needs, .. } = errand;
        let message =
            format!("GitLab {server}: {of}: not there, or the token at {place} has no right to see it");
        CallError::failed(message).help(format!("check the number; the token needs {needs}"))
    }

    /// A place whose very list is not there: nobody can say whether what was in it still is.
    pub(super) fn not_visible(&self, of: &str, needs: &str) -> Doubt {
        let Self { server, place, .. } = self;
        Doubt {
            message: format!("GitLab {server}: {of} is not there, or the token at {place} cannot see it"),
            help: format!(
                "the token needs {needs}; if {of} was deleted, `gosling state rm` forgets what was in it"
            ),
        }
    }

    fn nonsense(&self, errand: &Errand) -> CallError {
        let (server, doing) = (&self.server, &errand.doing);
        CallError::failed(format!("GitLab {server}, {doing}: its answer cannot be read"))
            .help("is there a proxy or a login page in front of the API?")
    }
}

fn path(path: &str) -> String {
    format!("/api/v4/{path}")
}

/// A call that only reads changed nothing, however it failed.
fn nothing_changed(error: CallError) -> CallError {
    match error {
        CallError::Unknown { message, help } => CallError::Failed { message, help },
        failed => failed,
    }
}

/// The query of the next page. Only the query: the server may call itself by another name than we call it.
fn next(links: &str) -> Option<String> {
    links.split(',').find_map(|link| {
        let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
        let (_, query) = address.split_once('?')?;
        rest.contains("rel=\"next\"").then(|| query.to_owned())
    })
}

/// What GitLab says of a refusal, in whichever of its shapes, on one line.
fn words(answer: &Answer) -> String {
    let status = answer.status;
    let body = serde_json::from_slice(&answer.body).unwrap_or(Json::Null);
    let mut said: Vec<String> = Vec::new();
    match &body["message"] {
        Json::String(text) => said.push(text.clone()),
        Json::Object(fields) => {
            for (field, complaints) in fields {
                let field = match field.as_str() {
                    "base" => String::new(),
                    field => format!("{} ", field.replace('_', " ")),
                };
                let complaints: Vec<_> = match complaints {
                    Json::Array(complaints) => complaints.iter().collect(),
                    complaint => vec![complaint],
                };
                said.extend(
                    complaints
                        .into_iter()
                        .map(|complaint| format!("{field}{}", plain(complaint))),
                );
            }
        }
        Json::Array(texts) => said.extend(texts.iter().map(plain)),
        _ => {}
    }
    said.extend(
        ["error", "error_description"]
            .iter()
            .filter_map(|name| body[*name].as_str().map(str::to_owned)),
    );
    let said = said.join("; ");
    let said: String = said
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(WORDS)
        .collect();
    match said.as_str() {
        "" => format!("{status} {}", answer.reason),
        said if said.starts_with(&status.to_string()) => said.to_owned(),
        said => format!("{status} {said}"),
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_where_we_ask() {
        let links = "<https://git.internal/api/v4/projects/1/hooks?page=1&per_page=2>; rel=\"first\", \
                     <https://git.internal/api/v4/projects/1/hooks?id=1&page=3&per_page=2>; rel=\"next\"";
        assert_eq!(next(links).as_deref(), Some("id=1&page=3&per_page=2"));
        assert_eq!(next("<https://x/y?page=1>; rel=\"first\""), None);
        assert_eq!(next(""), None);
    }

    #[test]
    fn every_shape_of_an_error_is_one_line() {
        let said = |status: u16, body: &str| {
            words(&Answer {
                status,
                reason: "Words".to_owned(),
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            })
        };
        assert_eq!(said(401, r#"{"message":"401 Unauthorized"}"#), "401 Unauthorized");
        assert_eq!(
            said(
                400,
                r#"{"message":{"maximum_timeout":["needs to be more","is bad"],"base":["No"]}}"#
            ),
            "400 No; maximum timeout needs to be more; maximum timeout is bad"
        );
        assert_eq!(
            said(
                403,
                r#"{"error":"insufficient_scope","error_description":"needs api"}"#
            ),
            "403 insufficient_scope; needs api"
        );
        assert_eq!(said(400, r#"{"message":["one\ntwo"]}"#), "400 one two");
        assert_eq!(said(502, "<html>"), "502 Words");
    }
}
