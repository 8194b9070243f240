//! GitLab's runners and webhooks against the simulated GitLab, with every answer lost once.

mod hooks;
mod questions;
mod runners;

use gosling_engine::fence::Unfenced;
use gosling_engine::{Known, Observed, Operation, Provider, Verb};
use gosling_providers::gitlab::{Gitlab, GitlabSettings};
use gosling_providers::http::{Body, Client, Method, Request};
use gosling_resource::{Properties, Value};
use serde_json::{Value as Json, json};

use crate::world::{World, secret, uri};

pub(super) const TOKEN_PLACE: &str = "store://gitlab/lab/app/runner-token";
pub(super) const HOOK_PLACE: &str = "store://gitlab/lab/app/webhook-secret";

pub(super) fn gitlab(world: &World) -> Gitlab {
    Gitlab::new(GitlabSettings {
        server: "lab".to_owned(),
        endpoint: world.endpoint(),
        token: uri("env://GITLAB_TOKEN"),
    })
    .unwrap()
}

pub(super) fn runner_properties() -> Properties {
    Properties::from([
        ("server".into(), Value::from("lab")),
        ("scope".into(), Value::from("project")),
        ("project_id".into(), Value::Int(17)),
        ("description".into(), Value::from("gosling/app")),
        ("tags".into(), Value::from(vec!["docker", "build"])),
        ("run_untagged".into(), Value::from(false)),
        ("locked".into(), Value::from(true)),
        ("access_level".into(), Value::from("ref_protected")),
        ("maximum_timeout".into(), Value::Int(3600)),
        ("paused".into(), Value::from(false)),
        ("maintenance_note".into(), Value::from("made by gosling")),
        ("token_secret".into(), Value::Secret(uri(TOKEN_PLACE))),
    ])
}

pub(super) fn hook_properties() -> Properties {
    Properties::from([
        ("server".into(), Value::from("lab")),
        ("project_id".into(), Value::Int(17)),
        ("url".into(), Value::from("https://goose.example.com/hook/app")),
        ("events".into(), Value::from(vec!["push", "job"])),
        ("name".into(), Value::from("gosling app")),
        ("description".into(), Value::from("tells MotherGoose")),
        ("enable_ssl_verification".into(), Value::from(true)),
        ("secret".into(), Value::Secret(uri(HOOK_PLACE))),
        ("generate_secret".into(), Value::from(true)),
    ])
}

pub(super) fn create(kind: &str, properties: Properties) -> Operation {
    let part = kind.trim_start_matches("gitlab_");
    let op = "a1b2c3d4e5f6a7b8".to_owned();
    Operation {
        marker: format!("gosling:lab:egg.app.{part}:{op}"),
        op,
        verb: Verb::Create,
        address: format!("egg.app.{part}").parse().unwrap(),
        kind: kind.into(),
        provider: "lab".into(),
        id: None,
        reserved: None,
        properties,
        given: Properties::new(),
        prior: Properties::new(),
        rollout: None,
        place: None,
        again: false,
        tasks: Vec::new(),
    }
}

/// The operation that changes or deletes what `made` made.
pub(super) fn then(verb: Verb, made: &Operation, id: &str, properties: Properties) -> Operation {
    Operation {
        op: "b1b2c3d4e5f6a7b8".to_owned(),
        verb,
        id: Some(id.to_owned()),
        prior: made.properties.clone(),
        properties,
        ..made.clone()
    }
}

pub(super) fn again(operation: &Operation) -> Operation {
    Operation {
        again: true,
        ..operation.clone()
    }
}

pub(super) async fn read(gitlab: &Gitlab, world: &World, made: &Operation, id: &str) -> Option<Observed> {
    let known = Known {
        kind: &made.kind,
        id,
        marker: &made.marker,
        properties: &made.properties,
        outputs: &Properties::new(),
    };
    gitlab.read(&world.cx(), &known).await.unwrap().decided().unwrap()
}

/// A call by somebody else: a person, or a machine.
pub(super) async fn call(world: &World, method: Method, path: &str, body: Json) -> (u16, Json) {
    let client = Client::new(&world.endpoint()).unwrap();
    let request = Request::new(method, format!("/api/v4/{path}"))
        .header("private-token", secret(world.env("GITLAB_TOKEN")))
        .body(match body {
            Json::Null => Body::None,
            body => Body::Json(body),
        });
    let answer = client.send(&request, &Unfenced).await.unwrap();
    (answer.status, answer.json().unwrap_or_default())
}

/// The runner whose token is kept, as GitLab itself sees it.
pub(super) async fn owner(world: &World, place: &str) -> Option<i64> {
    let body = json!({ "token": world.value(place).await, "system_id": "a-machine" });
    let (status, shown) = call(world, Method::Post, "runners/verify", body).await;
    (status == 200).then(|| shown["id"].as_i64().unwrap())
}

/// A machine asks for a job with the token that is kept: only then does GitLab count it as a contact.
pub(super) async fn poll(world: &World, place: &str) {
    let body = json!({ "token": world.value(place).await, "system_id": "s_0123456789ab" });
    let (status, shown) = call(world, Method::Post, "jobs/request", body).await;
    assert!(matches!(status, 201 | 204), "{status}: {shown}");
}

/// Without the version of its secret, which comes from the secret's store and not from GitLab.
pub(super) fn from_gitlab(observed: &Observed) -> Observed {
    let mut observed = observed.clone();
    assert_eq!(
        observed.properties.remove("secret_version"),
        Some(Value::from("1"))
    );
    observed
}

/// The properties that GitLab tells back of what was asked for.
pub(super) fn told(properties: &Properties, silent: &[&str]) -> Properties {
    let told = properties
        .iter()
        .filter(|(name, _)| !silent.contains(&name.as_str()));
    told.map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(super) const RUNNER_SILENT: [&str; 4] = ["server", "scope", "project_id", "token_secret"];
pub(super) const HOOK_SILENT: [&str; 4] = ["server", "project_id", "secret", "generate_secret"];

/// Every way in which the answer to a mutation can be lost.
pub(super) const LOSSES: [(&str, bool); 5] = [
    ("lose_before", false),
    ("lose_after", true),
    ("truncate", true),
    ("bad_json", true),
    ("status_after", true),
];
