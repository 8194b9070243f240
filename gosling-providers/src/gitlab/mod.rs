//! GitLab: runner records and webhooks, and what it tells of projects, runners and jobs.

mod hook;
mod kinds;
mod pipelines;
mod preflight;
mod projects;
mod runner;
mod scopes;
mod search;
mod session;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use gosling_engine::{
    Action, CallError, Change, Context, Doubt, Finding, Known, Observed, Operation, Presence, Provider,
    Search, Searched, each, marker,
};
use gosling_resource::{Kind, Properties, Secret, SecretUri, Value};
use serde_json::Value as Json;

use self::kinds::{HOOK, KINDS, RUNNER};
use self::session::Session;
use crate::http::{Client, Endpoint};

pub use self::pipelines::{Job, Pipeline};
pub use self::projects::{Metadata, Project};
pub use self::status::{Contact, Manager, RunnerStatus, system_id};

/// How a GitLab server is reached.
#[derive(Debug, Clone)]
pub struct GitlabSettings {
    /// What the Nest calls it; resources name it as their provider.
    pub server: String,
    /// Its address without `/api/v4`, `https://gitlab.example.com`, and whose certificate is believed there.
    pub endpoint: Endpoint,
    /// Where the token for its API is kept; a resource's own `api_token` goes before it.
    pub token: SecretUri,
}

/// A GitLab server. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Gitlab {
    settings: Arc<GitlabSettings>,
    client: Client,
    /// Where the token is kept that is used where no resource names another.
    token: SecretUri,
}

impl Gitlab {
    /// A server that is called when something is asked of it, not before.
    ///
    /// # Errors
    /// [`CallError::Failed`] where the address or the certificate cannot be used.
    pub fn new(settings: GitlabSettings) -> Result<Self, CallError> {
        let client = Client::new(&settings.endpoint)?;
        Ok(Self {
            client,
            token: settings.token.clone(),
            settings: Arc::new(settings),
        })
    }

    /// The same server by another token: an egg's own `api_token`.
    #[must_use]
    pub fn with_token(&self, token: &SecretUri) -> Self {
        Self {
            token: token.clone(),
            ..self.clone()
        }
    }

    /// The runner to which a token belongs; `None` where GitLab does not know the token.
    ///
    /// # Errors
    /// Where GitLab could not be asked.
    pub async fn runner_of(&self, cx: &Context<'_>, token: &Secret) -> Result<Option<i64>, CallError> {
        self.asking(cx).await?.owner_of(token).await
    }

    /// Where the token is that these properties name, or the server's.
    fn token_of<'a>(&'a self, properties: &'a Properties) -> &'a SecretUri {
        let own = properties.get("api_token").and_then(Value::as_secret);
        own.unwrap_or(&self.token)
    }

    /// A session with the token that these properties name, or the server's.
    async fn session<'a>(&self, cx: &Context<'a>, properties: &Properties) -> Result<Session<'a>, CallError> {
        let place = self.token_of(properties);
        let token = cx.secrets.read(place).await?;
        Ok(Session::new(
            self.client.clone(),
            &self.settings.server,
            token,
            place,
            cx.fence,
        ))
    }

    /// A session with the server's token.
    async fn asking<'a>(&self, cx: &Context<'a>) -> Result<Session<'a>, CallError> {
        self.session(cx, &Properties::new()).await
    }
}

#[async_trait]
impl Provider for Gitlab {
    fn kinds(&self) -> &'static [&'static Kind] {
        &KINDS
    }

    fn account(&self) -> String {
        self.settings.endpoint.base.trim_end_matches('/').to_owned()
    }

    async fn read(&self, cx: &Context<'_>, resource: &Known<'_>) -> Result<Presence, CallError> {
        let versions = versions(cx, &[*resource]).await;
        read(
            &self.session(cx, resource.properties).await?,
            resource,
            None,
            &versions,
        )
        .await
    }

    /// A list of a project's webhooks tells all of each. Of runners there is no such list.
    async fn read_all(
        &self,
        cx: &Context<'_>,
        resources: &[Known<'_>],
        parallelism: usize,
    ) -> Vec<Result<Presence, CallError>> {
        let mut sessions: BTreeMap<&SecretUri, Result<Session<'_>, CallError>> = BTreeMap::new();
        for resource in resources {
            let place = self.token_of(resource.properties);
            if !sessions.contains_key(place) {
                sessions.insert(place, self.session(cx, resource.properties).await);
            }
        }
        // Which hooks of a project are seen with which token.
        let mut together: BTreeMap<(i64, &SecretUri), Vec<usize>> = BTreeMap::new();
        for (number, resource) in resources
            .iter()
            .enumerate()
            .filter(|(_, known)| known.kind == HOOK)
        {
            if let Some(project) = hook::project_of(resource.id) {
                let token = self.token_of(resource.properties);
                together.entry((project, token)).or_default().push(number);
            }
        }
        together.retain(|_, hooks| hooks.len() > 1);
        let lists = together.keys().map(|(project, token)| async {
            match &sessions[*token] {
                Ok(session) => hook::list(session, *project).await,
                Err(error) => Err(error.clone()),
            }
        });
        let lists = each(lists, parallelism).await;
        let listed: BTreeMap<_, _> = together.keys().zip(&lists).collect();
        let versions = &versions(cx, resources).await;
        let reads = resources.iter().map(|resource| {
            let project = hook::project_of(resource.id).filter(|_| resource.kind == HOOK);
            let key = project.map(|project| (project, self.token_of(resource.properties)));
            let list = key.and_then(|key| listed.get(&key).copied());
            let session = &sessions[self.token_of(resource.properties)];
            async move {
                match (session, list) {
                    (Err(error), _) | (_, Some(Err(error))) => Err(error.clone()),
                    (Ok(session), Some(Ok(list))) => read(session, resource, Some(list), versions).await,
                    (Ok(session), None) => read(session, resource, None, versions).await,
                }
            }
        });
        each(reads, parallelism).await
    }

    async fn create(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        match operation.kind.as_str() {
            RUNNER => self.create_runner(cx, operation).await,
            HOOK => self.create_hook(cx, operation).await,
            other => Err(unknown_kind(other)),
        }
    }

    async fn update(&self, cx: &Context<'_>, operation: &Operation) -> Result<Observed, CallError> {
        match operation.kind.as_str() {
            RUNNER => self.update_runner(cx, operation).await,
            HOOK => self.update_hook(cx, operation).await,
            other => Err(unknown_kind(other)),
        }
    }

    async fn delete(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        match operation.kind.as_str() {
            RUNNER => self.delete_runner(cx, operation).await,
            HOOK => self.delete_hook(cx, operation).await,
            other => Err(unknown_kind(other)),
        }
    }

    async fn marked(&self, cx: &Context<'_>, search: &Search<'_>) -> Searched {
        self.search(cx, search).await
    }

    async fn preflight(&self, cx: &Context<'_>, changes: &[&Change]) -> Vec<Finding> {
        let changing = changes.iter().filter(|change| change.action != Action::NoOp);
        let changing: Vec<&Change> = changing.copied().collect();
        self.look(cx, &changing).await
    }

    async fn rights(&self, _: &Context<'_>, changes: &[&Change]) -> String {
        self.least(changes)
    }
}

/// The versions of the webhooks' secrets.
async fn versions(cx: &Context<'_>, resources: &[Known<'_>]) -> hook::Versions {
    let hooks = resources.iter().filter(|known| known.kind == HOOK);
    let places = hooks.filter_map(|known| known.properties.get("secret")?.as_secret().cloned());
    let places: BTreeSet<SecretUri> = places.collect();
    match places.is_empty() {
        true => hook::Versions::new(),
        false => cx.secrets.versions(&places).await,
    }
}

/// Reads a resource, a hook from its project's list where there is one.
async fn read(
    session: &Session<'_>,
    resource: &Known<'_>,
    hooks: Option<&BTreeMap<i64, Json>>,
    versions: &hook::Versions,
) -> Result<Presence, CallError> {
    match resource.kind {
        RUNNER => runner::read(session, resource).await,
        HOOK => hook::read(session, resource, hooks, versions).await,
        other => Err(unknown_kind(other)),
    }
}

fn unknown_kind(kind: &str) -> CallError {
    CallError::failed(format!("GitLab makes no `{kind}`"))
}

/// What is told of a resource, by name, without what would look like a change and is none: an attribute that a Nest does
/// not name is GitLab's own affair, and empty is as good as absent.
fn told<const N: usize>(known: &Properties, seen: [(&str, Value); N]) -> Properties {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::List(values) => values.is_empty(),
        _ => false,
    };
    let told = seen.into_iter().filter_map(|(name, value)| {
        let known = known.get(name).filter(|known| **known != Value::Null);
        let value = match known {
            Some(known) if empty(known) && empty(&value) => known.clone(),
            Some(_) => value,
            None if ALWAYS_SET.contains(&name) && !empty(&value) => value,
            None if ALWAYS_SET.contains(&name) => Value::Null,
            None => return None,
        };
        Some((name.into(), value))
    });
    told.collect()
}

/// What every update sets, also where a Nest does not name it: what somebody else puts there is taken away again.
const ALWAYS_SET: [&str; 4] = ["tags", "maximum_timeout", "maintenance_note", "url"];

/// Whose something is that an id leads to.
enum Whose {
    /// The resource's: it carries the marker, or the marker was taken away and everything else fits. GitLab gives an id
    /// once.
    Ours,
    /// Somebody else's, or nobody can say.
    NotOurs(Doubt),
}

/// Whose something is, by the text in which the marker stands. `fits`: all else about it is as the state knows it.
fn whose(thing: &str, text: &str, wanted: &str, fits: bool) -> Whose {
    if marker::is_in(text, wanted) {
        return Whose::Ours;
    }
    if let Some(doubt) = Doubt::of_another_nest(thing, text, wanted) {
        return Whose::NotOurs(doubt);
    }
    let message = match marker::all_in(text).next() {
        Some(other) => format!(
            "{thing} carries the marker of another resource of this Nest, {}",
            other.text
        ),
        None if fits => return Whose::Ours,
        None => format!(
            "{thing} no longer has the marker by which gosling recognises it, and looks like another one"
        ),
    };
    Whose::NotOurs(Doubt {
        message,
        help: format!(
            "if it is still this Nest's, put this line back: {wanted}; if not, `gosling state rm` forgets it"
        ),
    })
}

/// What a text shows of what the Nest asks for: without the marker, nothing, so that the whole of it is written again.
fn shown_text<'w>(text: &str, marker: &str, wanted: &'w str) -> &'w str {
    match marker::is_in(text, marker) {
        true => marker::shown(text, wanted),
        false => "",
    }
}

/// An attribute's text, empty where it has none.
fn text<'a>(properties: &'a Properties, name: &str) -> &'a str {
    properties.get(name).and_then(Value::as_text).unwrap_or_default()
}

/// The number in an id.
fn number(id: &str) -> Result<i64, CallError> {
    id.parse()
        .map_err(|_| CallError::failed(format!("`{id}` is not a GitLab id: it should be a number")))
}

/// The token in an answer that shows one.
fn token(answer: &Json) -> Option<Secret> {
    let token = answer["token"].as_str().filter(|token| !token.is_empty())?;
    Some(Secret::new(token.to_owned()))
}
