//! `gitlab_runner`: a runner record, whose token is shown once and must not be lost.

use gosling_engine::{CallError, Context, Doubt, Known, Observed, Operation, Presence, marker};
use gosling_resource::{Properties, SecretUri, Value};
use serde_json::{Map, Value as Json, json};

use super::session::{Errand, Session};
use super::{Gitlab, Whose, number, shown_text, token, told};

/// The longest maintenance note, in characters.
const NOTE: usize = 1024;
/// How many tags a runner may have, and one is needed to find it again.
const TAGS: usize = 49;

/// Where a runner belongs: whose jobs it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Project(i64),
    Group(i64),
    Instance,
}

impl Scope {
    /// The scope that properties ask for.
    pub(super) fn of(properties: &Properties) -> Result<Self, CallError> {
        let id = |name| properties.get(name).and_then(Value::as_int);
        let scope = properties.get("scope").and_then(Value::as_text);
        match (scope, id("project_id"), id("group_id")) {
            (Some("project") | None, Some(id), None) => Ok(Self::Project(id)),
            (Some("group") | None, None, Some(id)) => Ok(Self::Group(id)),
            (Some("instance"), None, None) => Ok(Self::Instance),
            _ => Err(CallError::failed(
                "a runner needs either a project_id or a group_id",
            )),
        }
    }

    /// Whether a runner belongs here.
    fn has(self, shown: &Json) -> bool {
        let is = |kind: &str| shown["runner_type"].as_str() == Some(kind);
        let among = |list: &str, id: i64| {
            let mut all = shown[list].as_array().into_iter().flatten();
            all.any(|entry| entry["id"].as_i64() == Some(id))
        };
        match self {
            Self::Project(id) => is("project_type") && among("projects", id),
            Self::Group(id) => is("group_type") && among("groups", id),
            Self::Instance => is("instance_type"),
        }
    }

    /// `project 17`, for words.
    pub(super) fn words(self) -> String {
        match self {
            Self::Project(id) => format!("project {id}"),
            Self::Group(id) => format!("group {id}"),
            Self::Instance => "the whole server".to_owned(),
        }
    }

    /// What a token needs to make a runner here.
    fn needs(self) -> &'static str {
        match self {
            Self::Project(_) => "the scope `create_runner` (or `api`) and the role Maintainer in the project",
            Self::Group(_) => "the scope `create_runner` (or `api`) and the role Owner in the group",
            Self::Instance => "the scope `create_runner` (or `api`) of an administrator",
        }
    }

    /// The path that lists its runners, with its query begun.
    pub(super) fn list(self) -> String {
        match self {
            Self::Project(id) => format!("projects/{id}/runners?type=project_type"),
            Self::Group(id) => format!("groups/{id}/runners?type=group_type"),
            Self::Instance => "runners/all?type=instance_type".to_owned(),
        }
    }

    /// What a create says of it.
    fn fields(self) -> Map<String, Json> {
        let (kind, place) = match self {
            Self::Project(id) => ("project_type", Some(("project_id", id))),
            Self::Group(id) => ("group_type", Some(("group_id", id))),
            Self::Instance => ("instance_type", None),
        };
        let mut fields = Map::from_iter([("runner_type".to_owned(), json!(kind))]);
        fields.extend(place.map(|(name, id)| (name.to_owned(), json!(id))));
        fields
    }
}

/// An operation on a runner, with what its properties say.
struct Runner<'a> {
    session: &'a Session<'a>,
    cx: &'a Context<'a>,
    operation: &'a Operation,
    scope: Scope,
    token_secret: &'a SecretUri,
}

/// Reads a runner. No list of GitLab's tells its note or its tags.
pub(super) async fn read(session: &Session<'_>, known: &Known<'_>) -> Result<Presence, CallError> {
    let (path, errand) = (runner_path(known.id)?, reading(known.id));
    let found = match session.get(&path, &errand).await? {
        Some(found) => found,
        // GitLab also answers so from a replica that lags behind, and to who has lost a right.
        None => {
            let Ok(scope) = Scope::of(known.properties) else {
                return Ok(Presence::Gone);
            };
            if session.list(&scope.list(), &listing(scope)).await?.is_none() {
                return Ok(Presence::NotVisible(
                    session.not_visible(&scope.words(), scope.needs()),
                ));
            }
            session.pause().await;
            match session.get(&path, &errand).await? {
                Some(found) => found,
                None => return Ok(Presence::Gone),
            }
        }
    };
    Ok(match whose(&found, known.id, known.marker, known.properties) {
        Whose::Ours => Presence::Here(observed(&found, known.marker, known.properties)),
        Whose::NotOurs(doubt) => Presence::NotOurs(doubt),
    })
}

/// Whose a runner is: by its marker, else by its description; one that is imported, by where it belongs.
fn whose(shown: &Json, id: &str, marker: &str, known: &Properties) -> Whose {
    if let (true, Ok(scope)) = (marker.is_empty(), Scope::of(known))
        && !scope.has(shown)
    {
        return Whose::NotOurs(Doubt {
            message: format!("runner {id} does not belong to {}", scope.words()),
            help: "check its id: a Nest imports only runners of the project or group that its egg names"
                .to_owned(),
        });
    }
    let description = shown["description"].as_str().unwrap_or_default();
    let fits = description == super::text(known, "description");
    super::whose(&format!("runner {id}"), note(shown), marker, fits)
}

impl Gitlab {
    pub(super) async fn create_runner(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
    ) -> Result<Observed, CallError> {
        let session = self.session(cx, &operation.properties).await;
        let session = session.map_err(|error| maybe(operation, error))?;
        let runner = Runner::new(&session, cx, operation).map_err(|error| maybe(operation, error))?;
        let found = match operation.again {
            true => runner.find().await.map_err(CallError::after_changes)?,
            false => None,
        };
        let id = match found {
            Some(id) => runner.mend(id).await?,
            None => runner.make().await?,
        };
        runner.finish(id, None).await.map_err(CallError::after_changes)
    }

    pub(super) async fn update_runner(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
    ) -> Result<Observed, CallError> {
        let session = self.session(cx, &operation.properties).await?;
        let runner = Runner::new(&session, cx, operation)?;
        let id = number(operation.id.as_deref().unwrap_or_default())?;
        let found = session
            .get(&format!("runners/{id}"), &reading(&id.to_string()))
            .await?;
        let found = found.ok_or_else(|| {
            CallError::failed(format!("runner {id} is gone")).help("run plan again: it plans a new one")
        })?;
        if let Whose::NotOurs(Doubt { message, help }) =
            whose(&found, &id.to_string(), &operation.marker, &operation.prior)
        {
            return Err(CallError::failed(message).help(help));
        }
        let note = runner.note(note(&found))?;
        if operation.prior.get("token_secret") != operation.properties.get("token_secret") {
            runner.move_token(id).await?;
            return runner
                .finish(id, Some(note))
                .await
                .map_err(CallError::after_changes);
        }
        runner.finish(id, Some(note)).await
    }

    pub(super) async fn delete_runner(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
    ) -> Result<(), CallError> {
        let session = self.session(cx, &operation.properties).await?;
        let id = number(operation.id.as_deref().unwrap_or_default())?;
        let (path, errand) = (format!("runners/{id}"), deleting(id));
        match session.get(&path, &errand).await? {
            None => Ok(()),
            Some(shown) => match whose(&shown, &id.to_string(), &operation.marker, &operation.properties) {
                Whose::Ours => session.delete(&path, &errand).await,
                Whose::NotOurs(Doubt { message, help }) => Err(CallError::failed(message).help(help)),
            },
        }
    }
}

impl<'a> Runner<'a> {
    /// What can be known to be wrong before anything is sent is refused here.
    fn new(
        session: &'a Session<'a>,
        cx: &'a Context<'a>,
        operation: &'a Operation,
    ) -> Result<Self, CallError> {
        let properties = &operation.properties;
        let token_secret = properties.get("token_secret").and_then(Value::as_secret);
        let runner = Self {
            session,
            cx,
            operation,
            scope: Scope::of(properties)?,
            token_secret: token_secret
                .ok_or_else(|| CallError::failed("a runner needs a place for its token (`token_secret`)"))?,
        };
        let tags = runner.tags();
        if tags.len() > TAGS {
            return Err(CallError::failed(format!(
                "a runner can have {TAGS} tags at most"
            )));
        }
        let untagged = properties.get("run_untagged").and_then(Value::as_bool);
        if tags.is_empty() && untagged == Some(false) {
            return Err(CallError::failed(
                "a runner without tags that runs no untagged jobs has none to run",
            )
            .help("give it tags, or set run_untagged = true"));
        }
        runner.note("")?;
        Ok(runner)
    }

    fn text(&self, name: &str) -> &'a str {
        super::text(&self.operation.properties, name)
    }

    fn tags(&self) -> Vec<&'a str> {
        self.operation
            .properties
            .get("tags")
            .map(Value::texts)
            .unwrap_or_default()
    }

    /// The maintenance note: what the Nest asks for, what people wrote into the present one, and the marker.
    fn note(&self, present: &str) -> Result<String, CallError> {
        let before = self
            .operation
            .prior
            .get("maintenance_note")
            .and_then(Value::as_text);
        let (before, now) = (before.unwrap_or_default(), self.text("maintenance_note"));
        let note = marker::updated(present, before, now, &self.operation.marker);
        match note.chars().count() {
            0..=NOTE => Ok(note),
            _ if present.is_empty() => Err(CallError::failed(format!(
                "the maintenance note is too long: with gosling's own line it can have {NOTE} characters"
            ))),
            long => Err(CallError::failed(format!(
                "the maintenance note would have {long} characters with what people wrote in it, and can have {NOTE}"
            ))
            .help("shorten it in GitLab")),
        }
    }

    /// The tag that it carries until its token is safe.
    fn op_tag(&self) -> String {
        format!("gosling-op-{}", self.operation.op)
    }

    /// What a create and an update both say.
    fn fields(&self) -> Map<String, Json> {
        let properties = &self.operation.properties;
        let mut fields = Map::from_iter([("tag_list".to_owned(), json!(self.tags()))]);
        for name in ["description", "access_level"] {
            if let Some(text) = properties.get(name).and_then(Value::as_text) {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        for name in ["run_untagged", "locked", "paused"] {
            if let Some(truth) = properties.get(name).and_then(Value::as_bool) {
                fields.insert(name.to_owned(), json!(truth));
            }
        }
        // No limit is a limit too: one that was taken away has to go.
        let timeout = properties.get("maximum_timeout").and_then(Value::as_int);
        fields.insert("maximum_timeout".to_owned(), json!(timeout));
        fields
    }

    fn making(&self) -> Errand {
        Errand {
            doing: format!("making a runner for {}", self.scope.words()),
            of: self.scope.words(),
            needs: self.scope.needs(),
        }
    }

    /// Makes the record and keeps its token.
    async fn make(&self) -> Result<i64, CallError> {
        let mut fields = self.fields();
        fields.extend(self.scope.fields());
        fields.insert("maintenance_note".to_owned(), json!(self.note("")?));
        // An empty timeout is no field of a create.
        fields.retain(|_, value| !value.is_null());
        let tags = self.tags().into_iter().map(str::to_owned).chain([self.op_tag()]);
        fields.insert("tag_list".to_owned(), tags.collect());
        let made = self
            .session
            .post("user/runners", &Json::Object(fields), &self.making())
            .await?;
        let (Some(id), Some(value)) = (made["id"].as_i64(), token(&made)) else {
            return Err(CallError::unknown(
                "GitLab created a runner, but its answer has no id and token",
            ));
        };
        match self.keep(&value).await {
            Ok(()) => Ok(id),
            // Nobody has its token, and nobody ever had it: better no runner than one that cannot run.
            Err(error) => match self.session.delete(&format!("runners/{id}"), &deleting(id)).await {
                Ok(()) => Err(error),
                Err(_) => Err(error.after_changes()),
            },
        }
    }

    /// Puts the token in its place and looks whether it is there.
    async fn keep(&self, value: &gosling_resource::Secret) -> Result<(), CallError> {
        let place = self.token_secret;
        self.cx.secrets.write(place, value, self.cx.fence).await?;
        let kept = self.cx.secrets.read(place).await?;
        if kept.expose() == value.expose() {
            Ok(())
        } else {
            Err(CallError::failed(format!(
                "the runner's token was written to {place}, and something else is there"
            )))
        }
    }

    /// The record that an earlier attempt made. Two lists have to agree before none is believed.
    async fn find(&self) -> Result<Option<i64>, CallError> {
        for attempt in 0..2 {
            if attempt > 0 {
                self.session.pause().await;
            }
            let found = self.carriers().await?;
            if let Some(chosen) = self.choose(&found).await? {
                return Ok(Some(chosen));
            }
        }
        Ok(None)
    }

    /// Every record that carries our marker, the oldest first.
    async fn carriers(&self) -> Result<Vec<i64>, CallError> {
        let errand = self.making();
        let (list, tag) = (self.scope.list(), self.op_tag());
        let mut found = Vec::new();
        let tagged = self
            .session
            .all(&format!("{list}&tag_list={tag}"), &errand)
            .await?;
        // The tag is gone once the token is safe; the description is not.
        let described = self.session.all(&list, &errand).await?;
        let described = described
            .into_iter()
            .filter(|shown| shown["description"].as_str().unwrap_or_default() == self.text("description"));
        for shown in tagged.into_iter().chain(described) {
            let Some(id) = shown["id"].as_i64().filter(|id| !found.contains(id)) else {
                continue;
            };
            let details = self.session.get(&format!("runners/{id}"), &errand).await?;
            if details.is_some_and(|shown| marker::is_in(note(&shown), &self.operation.marker)) {
                found.push(id);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The one to keep: the oldest whose token is safe, or else the oldest. The others are told of and left alone.
    async fn choose(&self, found: &[i64]) -> Result<Option<i64>, CallError> {
        let [first, others @ ..] = found else {
            return Ok(None);
        };
        if others.is_empty() {
            return Ok(Some(*first));
        }
        let kept = self.kept().await?;
        let chosen = kept.filter(|kept| found.contains(kept)).unwrap_or(*first);
        let others: Vec<_> = found
            .iter()
            .filter(|&&id| id != chosen)
            .map(i64::to_string)
            .collect();
        let words = format!(
            "several runners carry this operation's marker: {chosen} is kept; look at {} and delete what nobody uses",
            others.join(", ")
        );
        self.cx.notes.progress(&self.operation.op, &words);
        Ok(Some(chosen))
    }

    /// Whose token is in its place, if GitLab knows it.
    async fn kept(&self) -> Result<Option<i64>, CallError> {
        let value = match self.cx.secrets.read(self.token_secret).await {
            Ok(value) => value,
            Err(gosling_engine::SecretError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        self.session.owner_of(&value).await
    }

    /// Gives a record that was found its token back, where that was lost. The result is the record to go on with.
    async fn mend(&self, id: i64) -> Result<i64, CallError> {
        let lost = self.kept().await.map_err(CallError::after_changes)? != Some(id);
        if !lost {
            return Ok(id);
        }
        let managers = self
            .session
            .managers(id)
            .await
            .map_err(CallError::after_changes)?;
        if managers.is_empty() {
            // No machine has the token: a new record leaves nothing of the old one behind.
            let deleted = self.session.delete(&format!("runners/{id}"), &deleting(id)).await;
            deleted.map_err(CallError::after_changes)?;
            return self.make().await;
        }
        self.reset(id).await?;
        Ok(id)
    }

    /// Makes a new token for a record and keeps it. Whatever used the old one is cut off.
    async fn reset(&self, id: i64) -> Result<(), CallError> {
        let errand = Errand {
            doing: format!("resetting the token of runner {id}"),
            of: format!("runner {id}"),
            needs: self.scope.needs(),
        };
        let path = format!("runners/{id}/reset_authentication_token");
        let reset = self.session.post(&path, &json!({}), &errand).await;
        let reset = reset.map_err(CallError::after_changes)?;
        let Some(value) = token(&reset) else {
            return Err(CallError::unknown(format!(
                "GitLab's answer lacks the new token of runner {id}"
            )));
        };
        self.keep(&value).await.map_err(CallError::after_changes)
    }

    /// Brings the token to the place where it is wanted now.
    async fn move_token(&self, id: i64) -> Result<(), CallError> {
        if self.kept().await? == Some(id) {
            return Ok(());
        }
        if let Some(before) = self
            .operation
            .prior
            .get("token_secret")
            .and_then(Value::as_secret)
            && let Ok(value) = self.cx.secrets.read(before).await
            && self.session.owner_of(&value).await? == Some(id)
        {
            return self.keep(&value).await;
        }
        self.reset(id).await
    }

    /// Makes the record what it is to be, without the tag of the operation, and with this note; without one, it keeps
    /// that with which it was made. Sending it twice does no harm.
    async fn finish(&self, id: i64, note: Option<String>) -> Result<Observed, CallError> {
        let errand = Errand {
            doing: format!("changing runner {id}"),
            of: format!("runner {id}"),
            needs: "the scope `api` (or `manage_runner`) and the role Maintainer",
        };
        let mut fields = self.fields();
        fields.extend(note.map(|note| ("maintenance_note".to_owned(), json!(note))));
        let shown = self
            .session
            .put(&format!("runners/{id}"), &Json::Object(fields), &errand)
            .await?;
        Ok(observed(
            &shown,
            &self.operation.marker,
            &self.operation.properties,
        ))
    }
}

/// A failure of a create that may be the second attempt: then the first one may have made something.
fn maybe(operation: &Operation, error: CallError) -> CallError {
    if operation.again {
        error.after_changes()
    } else {
        error
    }
}

fn runner_path(id: &str) -> Result<String, CallError> {
    Ok(format!("runners/{}", number(id)?))
}

fn reading(id: &str) -> Errand {
    Errand {
        doing: format!("looking at runner {id}"),
        of: format!("runner {id}"),
        needs: "the scope `api` (or `manage_runner`) and the role Maintainer",
    }
}

pub(super) fn listing(scope: Scope) -> Errand {
    Errand {
        doing: format!("listing the runners of {}", scope.words()),
        of: scope.words(),
        needs: scope.needs(),
    }
}

fn deleting(id: i64) -> Errand {
    Errand {
        doing: format!("deleting runner {id}"),
        of: format!("runner {id}"),
        needs: "the scope `api` (or `manage_runner`) and the role Maintainer",
    }
}

fn note(shown: &Json) -> &str {
    shown["maintenance_note"].as_str().unwrap_or_default()
}

/// What GitLab says of a runner, in the words of the kind. `known` decides the order of the tags, which GitLab forgets.
fn observed(shown: &Json, marker: &str, known: &Properties) -> Observed {
    let text = |name: &str| Value::from(shown[name].as_str());
    let truth = |name: &str| Value::from(shown[name].as_bool());
    let tags = shown["tag_list"].as_array().into_iter().flatten();
    let mut tags: Vec<&str> = tags.filter_map(Json::as_str).collect();
    let order = known.get("tags").map(Value::texts).unwrap_or_default();
    let place = |tag: &str| {
        order
            .iter()
            .position(|known| *known == tag)
            .unwrap_or(order.len())
    };
    tags.sort_by_key(|tag| (place(tag), *tag));
    let seen = [
        ("description", text("description")),
        ("tags", Value::from(tags)),
        ("run_untagged", truth("run_untagged")),
        ("locked", truth("locked")),
        ("access_level", text("access_level")),
        ("maximum_timeout", Value::from(shown["maximum_timeout"].as_i64())),
        ("paused", truth("paused")),
        (
            "maintenance_note",
            shown_text(note(shown), marker, super::text(known, "maintenance_note")).into(),
        ),
    ];
    let id = shown["id"].as_i64().unwrap_or_default();
    Observed {
        id: id.to_string(),
        properties: told(known, seen),
        outputs: [("id".into(), Value::Int(id))].into(),
    }
}
