//! `gitlab_hook`: a webhook of a project, with a secret of its own.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gosling_engine::preflight::put_there;
use gosling_engine::{CallError, Context, Doubt, Known, Observed, Operation, Presence, SecretError, marker};
use gosling_resource::{Properties, Secret, SecretUri, Value};
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;

use super::session::{Errand, Session};
use super::{Gitlab, Whose, number, shown_text, text, told};

/// What a hook can be told of, with the field in which GitLab has it. What a Nest does not name is off.
const EVENTS: [(&str, &str); 14] = [
    ("push", "push_events"),
    ("tag_push", "tag_push_events"),
    ("merge_request", "merge_requests_events"),
    ("pipeline", "pipeline_events"),
    ("job", "job_events"),
    ("issue", "issues_events"),
    ("confidential_issue", "confidential_issues_events"),
    ("note", "note_events"),
    ("confidential_note", "confidential_note_events"),
    ("wiki_page", "wiki_page_events"),
    ("deployment", "deployment_events"),
    ("release", "releases_events"),
    ("feature_flag", "feature_flag_events"),
    ("resource_access_token", "resource_access_token_events"),
];

/// How many random bytes a generated secret has.
const BYTES: usize = 32;
const NEEDS: &str = "the scope `api` and the role Maintainer in the project";

/// The versions of secrets, by their places.
pub(super) type Versions = BTreeMap<SecretUri, String>;

/// Where a hook is: `17/3`, project and hook.
#[derive(Debug, Clone, Copy)]
struct Place {
    project: i64,
    hook: i64,
}

impl Place {
    fn parse(id: &str) -> Result<Self, CallError> {
        let (project, hook) = id.split_once('/').ok_or_else(|| {
            CallError::failed(format!(
                "`{id}` is not a webhook id; one looks like 17/3, project and hook"
            ))
        })?;
        Ok(Self {
            project: number(project)?,
            hook: number(hook)?,
        })
    }

    fn path(self) -> String {
        format!("projects/{}/hooks/{}", self.project, self.hook)
    }
}

/// The project of a hook, by its id.
pub(super) fn project_of(id: &str) -> Option<i64> {
    Place::parse(id).ok().map(|place| place.project)
}

/// Every hook of a project by its number; empty where the project cannot be seen. It tells as much of each as the hook
/// itself.
pub(super) async fn list(session: &Session<'_>, project: i64) -> Result<BTreeMap<i64, Json>, CallError> {
    let doing = errand("looking at the webhooks of", project);
    let hooks = session.list(&format!("projects/{project}/hooks"), &doing).await?;
    let hooks = hooks.into_iter().flatten();
    Ok(hooks
        .filter_map(|shown| Some((shown["id"].as_i64()?, shown)))
        .collect())
}

/// Reads a hook, from its project's list where it is in it and is ours.
pub(super) async fn read(
    session: &Session<'_>,
    known: &Known<'_>,
    listed: Option<&BTreeMap<i64, Json>>,
    versions: &Versions,
) -> Result<Presence, CallError> {
    let place = Place::parse(known.id)?;
    if let Some(wanted) = known.properties.get("project_id").and_then(Value::as_int)
        && wanted != place.project
    {
        let Place { project, hook } = place;
        return Ok(Presence::NotOurs(Doubt {
            message: format!(
                "webhook {hook} is one of project {project}, and the Nest asks for one of project {wanted}"
            ),
            help: format!("the id of one looks like {wanted}/3, project and hook"),
        }));
    }
    let decided = |shown: &Json| match whose(shown, place, known.marker, known.properties) {
        Whose::Ours => {
            let mut observed = observed(shown, place.project, known.marker, known.properties);
            let rotated = rotated(known.properties, versions);
            observed.properties.extend(rotated.into_iter().flatten());
            Presence::Here(observed)
        }
        Whose::NotOurs(doubt) => Presence::NotOurs(doubt),
    };
    if let Some(shown) = listed.and_then(|hooks| hooks.get(&place.hook))
        && is_ours(shown, known.marker, known.properties)
    {
        return Ok(decided(shown));
    }
    let doing = errand("looking at a webhook of", place.project);
    if let Some(found) = session.get(&place.path(), &doing).await? {
        return Ok(decided(&found));
    }
    // GitLab also answers so from a replica that lags behind, and to who has lost a right.
    let hooks = format!("projects/{}/hooks", place.project);
    if session.list(&hooks, &doing).await?.is_none() {
        return Ok(Presence::NotVisible(session.not_visible(&doing.of, NEEDS)));
    }
    session.pause().await;
    let found = session.get(&place.path(), &doing).await?;
    Ok(found.as_ref().map_or(Presence::Gone, decided))
}

/// The secret of a hook as an attribute that differs, where GitLab was given an earlier version of it.
fn rotated(known: &Properties, versions: &Versions) -> Option<[(SmolStr, Value); 2]> {
    let given = known.get("secret_version").and_then(Value::as_text)?;
    let now = versions.get(known.get("secret").and_then(Value::as_secret)?)?;
    (now != given).then(|| {
        [
            ("secret".into(), format!("version {given}").into()),
            ("stored_version".into(), now.as_str().into()),
        ]
    })
}

/// Whose a hook is: by its marker, else by its address, in which the egg's name stands.
fn whose(shown: &Json, place: Place, marker: &str, known: &Properties) -> Whose {
    if is_ours(shown, marker, known) {
        return Whose::Ours;
    }
    let Place { project, hook } = place;
    let fits = shown["url"].as_str() == Some(text(known, "url"));
    super::whose(
        &format!("webhook {hook} of project {project}"),
        description(shown),
        marker,
        fits,
    )
}

impl Gitlab {
    pub(super) async fn create_hook(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
    ) -> Result<Observed, CallError> {
        let earlier = |error: CallError| match operation.again {
            true => error.after_changes(),
            false => error,
        };
        let project = project(&operation.properties).map_err(earlier)?;
        let session = self.session(cx, &operation.properties).await.map_err(earlier)?;
        let found = match operation.again {
            true => find(&session, cx, operation, project).await.map_err(earlier)?,
            false => None,
        };
        let present = found.as_ref().map_or("", |(_, description)| description);
        let version = version(cx, operation).await;
        let fields = fields(cx, operation, present).await.map_err(earlier)?;
        let doing = errand("making a webhook for", project);
        let shown = match found {
            Some((hook, _)) => {
                let path = Place { project, hook }.path();
                let shown = session.put(&path, &fields, &doing).await;
                shown.map_err(CallError::after_changes)?
            }
            None => {
                session
                    .post(&format!("projects/{project}/hooks"), &fields, &doing)
                    .await?
            }
        };
        if shown["id"].as_i64().is_none() {
            return Err(CallError::unknown(
                "GitLab created a webhook, but its answer has no id",
            ));
        }
        Ok(given(cx, &shown, project, operation, version).await)
    }

    pub(super) async fn update_hook(
        &self,
        cx: &Context<'_>,
        operation: &Operation,
    ) -> Result<Observed, CallError> {
        let place = Place::parse(operation.id.as_deref().unwrap_or_default())?;
        let session = self.session(cx, &operation.properties).await?;
        let doing = errand("changing a webhook of", place.project);
        let found = session.get(&place.path(), &doing).await?;
        let found = found.ok_or_else(|| {
            let Place { project, hook } = place;
            let message = format!("webhook {hook} of project {project} is gone");
            CallError::failed(message).help("run plan again: it plans a new one")
        })?;
        // An update that was sent before may have changed what it is known by, where that is the address.
        if let Whose::NotOurs(Doubt { message, help }) =
            whose(&found, place, &operation.marker, &operation.prior)
            && !matches!(
                whose(&found, place, &operation.marker, &operation.properties),
                Whose::Ours
            )
        {
            return Err(CallError::failed(message).help(help));
        }
        let version = version(cx, operation).await;
        let fields = fields(cx, operation, description(&found)).await?;
        let shown = session.put(&place.path(), &fields, &doing).await?;
        Ok(given(cx, &shown, place.project, operation, version).await)
    }

    pub(super) async fn delete_hook(&self, cx: &Context<'_>, operation: &Operation) -> Result<(), CallError> {
        let place = Place::parse(operation.id.as_deref().unwrap_or_default())?;
        let session = self.session(cx, &operation.properties).await?;
        let doing = errand("deleting a webhook of", place.project);
        match session.get(&place.path(), &doing).await? {
            None => Ok(()),
            Some(shown) => match whose(&shown, place, &operation.marker, &operation.properties) {
                Whose::Ours => session.delete(&place.path(), &doing).await,
                Whose::NotOurs(Doubt { message, help }) => Err(CallError::failed(message).help(help)),
            },
        }
    }
}

fn errand(doing: &str, project: i64) -> Errand {
    Errand {
        doing: format!("{doing} project {project}"),
        of: format!("project {project}"),
        needs: NEEDS,
    }
}

pub(super) fn project(properties: &Properties) -> Result<i64, CallError> {
    let project = properties.get("project_id").and_then(Value::as_int);
    project.ok_or_else(|| CallError::failed("a webhook needs a project_id"))
}

/// Whether a hook carries our marker. A GitLab before 16.11 has no descriptions: there its address tells, which holds
/// the egg's name.
fn is_ours(shown: &Json, marker: &str, properties: &Properties) -> bool {
    match shown.get("description") {
        None => shown["url"].as_str() == Some(text(properties, "url")),
        Some(_) => marker::is_in(description(shown), marker),
    }
}

fn description(shown: &Json) -> &str {
    shown["description"].as_str().unwrap_or_default()
}

/// The hook that an earlier attempt made, and its description. Two lists have to agree before none is believed.
async fn find(
    session: &Session<'_>,
    cx: &Context<'_>,
    operation: &Operation,
    project: i64,
) -> Result<Option<(i64, String)>, CallError> {
    let doing = errand("looking for webhooks of", project);
    for attempt in 0..2 {
        if attempt > 0 {
            session.pause().await;
        }
        let hooks = session.all(&format!("projects/{project}/hooks"), &doing).await?;
        let ours = hooks
            .iter()
            .filter(|shown| is_ours(shown, &operation.marker, &operation.properties));
        let ours = ours.filter_map(|shown| Some((shown["id"].as_i64()?, description(shown).to_owned())));
        let mut ours: Vec<_> = ours.collect();
        ours.sort_unstable();
        let Some(((first, text), others)) = ours.split_first() else {
            continue;
        };
        if !others.is_empty() {
            let others: Vec<_> = others.iter().map(|(id, _)| id.to_string()).collect();
            let words = format!(
                "several webhooks carry this operation's marker: {first} is kept; look at {} and delete what nobody uses",
                others.join(", ")
            );
            cx.notes.progress(&operation.op, &words);
        }
        return Ok(Some((*first, text.clone())));
    }
    Ok(None)
}

/// What a create and an update both say; what people wrote into the present description stays in it.
async fn fields(cx: &Context<'_>, operation: &Operation, present: &str) -> Result<Json, CallError> {
    let properties = &operation.properties;
    let mut fields = Map::from_iter([
        ("url".to_owned(), json!(text(properties, "url"))),
        (
            "description".to_owned(),
            json!(marker::updated(
                present,
                text(&operation.prior, "description"),
                text(properties, "description"),
                &operation.marker,
            )),
        ),
    ]);
    if let Some(name) = properties.get("name").and_then(Value::as_text) {
        fields.insert("name".to_owned(), json!(name));
    }
    if let Some(verify) = properties.get("enable_ssl_verification").and_then(Value::as_bool) {
        fields.insert("enable_ssl_verification".to_owned(), json!(verify));
    }
    if let Some(events) = properties.get("events") {
        let events = events.texts();
        if let Some(event) = events
            .iter()
            .find(|event| !EVENTS.iter().any(|(word, _)| word == *event))
        {
            return Err(CallError::failed(format!(
                "GitLab has no webhook event `{event}`"
            )));
        }
        fields.extend(
            EVENTS
                .iter()
                .map(|(word, field)| ((*field).to_owned(), json!(events.contains(word)))),
        );
    }
    if let Some(secret) = secret(cx, properties).await? {
        fields.insert("token".to_owned(), json!(secret.expose()));
    }
    Ok(Json::Object(fields))
}

/// The version of the secret that is about to be given. It is asked for before the value is read: where the secret is
/// changed between the two, the next look sees an earlier version, and the value is given again.
async fn version(cx: &Context<'_>, operation: &Operation) -> Option<String> {
    let place = operation.properties.get("secret").and_then(Value::as_secret)?;
    cx.secrets.versions(&[place.clone()].into()).await.remove(place)
}

/// A hook as it is now, with the version of the secret that it was given; where there was none yet, of the one that was
/// made.
async fn given(
    cx: &Context<'_>,
    shown: &Json,
    project: i64,
    operation: &Operation,
    before: Option<String>,
) -> Observed {
    let version = match before {
        Some(version) => Some(version),
        None => version(cx, operation).await,
    };
    let mut observed = observed(shown, project, &operation.marker, &operation.properties);
    observed
        .properties
        .extend(version.map(|version| ("secret_version".into(), version.into())));
    observed
}

/// Held while a secret is generated: the webhooks of one egg share a secret and are created at once, and only the first
/// may generate it.
static GENERATING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The secret of the hook: the one in its place, or a new one that is there before GitLab hears of it.
async fn secret(cx: &Context<'_>, properties: &Properties) -> Result<Option<Secret>, CallError> {
    let Some(place) = properties.get("secret").and_then(Value::as_secret) else {
        return Ok(None);
    };
    let generate = properties.get("generate_secret").and_then(Value::as_bool) == Some(true);
    let _alone = match generate {
        true => Some(GENERATING.lock().await),
        false => None,
    };
    match cx.secrets.read(place).await {
        Ok(secret) => return Ok(Some(secret)),
        Err(SecretError::Missing(_)) if generate => {}
        Err(error @ SecretError::Missing(_)) => {
            return Err(CallError::from(error).help(put_there(place)));
        }
        Err(error) => return Err(error.into()),
    }
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| CallError::failed(format!("the system gives no random numbers: {error}")))?;
    let secret = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
    cx.secrets.write(place, &secret, cx.fence).await?;
    if cx.secrets.read(place).await?.expose() == secret.expose() {
        Ok(Some(secret))
    } else {
        Err(CallError::failed(format!(
            "the webhook's secret was written to {place}, and something else is there"
        )))
    }
}

/// What GitLab says of a hook, in the words of the kind. `known` decides the order of the events.
fn observed(shown: &Json, project: i64, marker: &str, known: &Properties) -> Observed {
    let text = |name: &str| shown[name].as_str();
    let order = known.get("events").map(Value::texts).unwrap_or_default();
    let on = EVENTS
        .iter()
        .filter(|(_, field)| shown[*field].as_bool() == Some(true));
    let mut events: Vec<&str> = on.map(|(word, _)| *word).collect();
    events.sort_by_key(|event| {
        order
            .iter()
            .position(|known| known == event)
            .unwrap_or(order.len())
    });
    let wanted = super::text(known, "description");
    let description = text("description").map(|text| shown_text(text, marker, wanted));
    let seen = [
        ("url", Value::from(text("url"))),
        ("events", Value::from(events)),
        (
            "enable_ssl_verification",
            Value::from(shown["enable_ssl_verification"].as_bool()),
        ),
        ("name", Value::from(text("name"))),
        ("description", Value::from(description)),
    ];
    let mut properties = told(known, seen);
    // What an old GitLab does not know of has not changed.
    properties.retain(|name, _| {
        !matches!(name.as_str(), "name" | "description") || shown.get(name.as_str()).is_some()
    });
    let hook = shown["id"].as_i64().unwrap_or_default();
    Observed {
        id: format!("{project}/{hook}"),
        properties,
        outputs: [("id".into(), Value::Int(hook))].into(),
    }
}
