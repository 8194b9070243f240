//! GitLab's runners and webhooks against the simulated GitLab, with every answer lost once.

use gosling_engine::{CallError, Known, Observed, Operation, Provider, Secrets, Verb};
use gosling_providers::gitlab::{Contact, Gitlab, GitlabSettings};
use gosling_providers::http::{Body, Client, Method, Request};
use gosling_resource::{Properties, Value};
use gosling_sandbox::{GitlabWorld, GroupWorld, ProjectWorld, Tier};
use serde_json::{Value as Json, json};

use crate::world::{World, fault, secret, uri};

const TOKEN_PLACE: &str = "store://gitlab/lab/app/runner-token";
const HOOK_PLACE: &str = "store://gitlab/lab/app/webhook-secret";

fn gitlab(world: &World) -> Gitlab {
    Gitlab::new(GitlabSettings {
        server: "lab".to_owned(),
        endpoint: world.endpoint(),
        token: uri("env://GITLAB_TOKEN"),
    })
    .unwrap()
}

fn runner_properties() -> Properties {
    Properties::from([
        ("server".to_owned(), Value::from("lab")),
        ("scope".to_owned(), Value::from("project")),
        ("project_id".to_owned(), Value::Int(17)),
        ("description".to_owned(), Value::from("gosling/app")),
        ("tags".to_owned(), Value::from(vec!["docker", "build"])),
        ("run_untagged".to_owned(), Value::from(false)),
        ("locked".to_owned(), Value::from(true)),
        ("access_level".to_owned(), Value::from("ref_protected")),
        ("maximum_timeout".to_owned(), Value::Int(3600)),
        ("paused".to_owned(), Value::from(false)),
        ("maintenance_note".to_owned(), Value::from("made by gosling")),
        ("token_secret".to_owned(), Value::Secret(uri(TOKEN_PLACE))),
    ])
}

fn hook_properties() -> Properties {
    Properties::from([
        ("server".to_owned(), Value::from("lab")),
        ("project_id".to_owned(), Value::Int(17)),
        (
            "url".to_owned(),
            Value::from("https://goose.example.com/hook/app"),
        ),
        ("events".to_owned(), Value::from(vec!["push", "job"])),
        ("name".to_owned(), Value::from("gosling app")),
        ("description".to_owned(), Value::from("tells MotherGoose")),
        ("enable_ssl_verification".to_owned(), Value::from(true)),
        ("secret".to_owned(), Value::Secret(uri(HOOK_PLACE))),
        ("generate_secret".to_owned(), Value::from(true)),
    ])
}

fn create(kind: &str, properties: Properties) -> Operation {
    let part = kind.trim_start_matches("gitlab_");
    let op = "a1b2c3d4e5f6a7b8".to_owned();
    Operation {
        marker: format!("gosling:lab:egg.app.{part}:{op}"),
        op,
        verb: Verb::Create,
        address: format!("egg.app.{part}").parse().unwrap(),
        kind: kind.to_owned(),
        provider: "lab".to_owned(),
        id: None,
        reserved: None,
        properties,
        prior: Properties::new(),
        again: false,
        tasks: Vec::new(),
    }
}

/// The operation that changes or deletes what `made` made.
fn then(verb: Verb, made: &Operation, id: &str, properties: Properties) -> Operation {
    Operation {
        op: "b1b2c3d4e5f6a7b8".to_owned(),
        verb,
        id: Some(id.to_owned()),
        prior: made.properties.clone(),
        properties,
        ..made.clone()
    }
}

fn again(operation: &Operation) -> Operation {
    Operation {
        again: true,
        ..operation.clone()
    }
}

async fn read(gitlab: &Gitlab, world: &World, made: &Operation, id: &str) -> Option<Observed> {
    let known = Known {
        kind: &made.kind,
        id,
        marker: &made.marker,
        properties: &made.properties,
    };
    gitlab.read(&world.cx(), &known).await.unwrap()
}

/// A call by somebody else: a person, or a machine.
async fn call(world: &World, method: Method, path: &str, body: Json) -> (u16, Json) {
    let client = Client::new(&world.endpoint()).unwrap();
    let request = Request::new(method, format!("/api/v4/{path}"))
        .header("private-token", secret(world.env("GITLAB_TOKEN")))
        .body(match body {
            Json::Null => Body::None,
            body => Body::Json(body),
        });
    let answer = client.send(&request).await.unwrap();
    (answer.status, answer.json().unwrap_or_default())
}

/// The runner whose token is kept, as GitLab itself sees it.
async fn owner(world: &World, place: &str) -> Option<i64> {
    let body = json!({ "token": world.value(place).await, "system_id": "a-machine" });
    let (status, shown) = call(world, Method::Post, "runners/verify", body).await;
    (status == 200).then(|| shown["id"].as_i64().unwrap())
}

/// The properties that GitLab tells back of what was asked for.
fn told(properties: &Properties, silent: &[&str]) -> Properties {
    let told = properties
        .iter()
        .filter(|(name, _)| !silent.contains(&name.as_str()));
    told.map(|(name, value)| (name.clone(), value.clone())).collect()
}

const RUNNER_SILENT: [&str; 4] = ["server", "scope", "project_id", "token_secret"];
const HOOK_SILENT: [&str; 4] = ["server", "project_id", "secret", "generate_secret"];

#[tokio::test]
async fn a_runner_is_made_read_changed_and_deleted() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    assert_eq!(observed.properties, told(&made.properties, &RUNNER_SILENT));
    assert_eq!(observed.outputs["id"].as_int().unwrap().to_string(), observed.id);
    assert_eq!(world.alive("runner"), std::slice::from_ref(&observed.id));
    assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), observed.id);
    assert_eq!(
        read(&gitlab, &world, &made, &observed.id).await,
        Some(observed.clone())
    );
    // In GitLab the marker is there from the first call, and the operation's tag is gone after the last.
    let ledger = world.sandbox.ledger();
    let object = ledger
        .objects()
        .iter()
        .find(|object| object.kind == "runner")
        .unwrap();
    assert!(object.marker.contains(&made.marker), "{}", object.marker);
    let (_, shown) = call(
        &world,
        Method::Get,
        &format!("runners/{}", observed.id),
        Json::Null,
    )
    .await;
    assert_eq!(shown["tag_list"], json!(["build", "docker"]));
    assert_eq!(
        shown["maintenance_note"],
        json!(format!("made by gosling\n{}", made.marker))
    );

    let mut wanted = made.properties.clone();
    wanted.insert("tags".to_owned(), Value::from(vec!["other"]));
    wanted.insert("paused".to_owned(), Value::from(true));
    wanted.remove("maximum_timeout");
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    let token = world.value(TOKEN_PLACE).await;
    let changed = gitlab.update(&world.cx(), &update).await.unwrap();
    wanted.insert("maximum_timeout".to_owned(), Value::Null);
    assert_eq!(changed.properties, told(&wanted, &RUNNER_SILENT));
    assert_eq!(world.value(TOKEN_PLACE).await, token);
    let changes = world.changes();
    gitlab.update(&world.cx(), &again(&update)).await.unwrap();
    assert_eq!(world.changes(), changes);

    let delete = then(Verb::Delete, &made, &observed.id, made.properties.clone());
    gitlab.delete(&world.cx(), &delete).await.unwrap();
    assert_eq!(world.alive("runner"), Vec::<String>::new());
    gitlab.delete(&world.cx(), &again(&delete)).await.unwrap();
    assert_eq!(read(&gitlab, &world, &made, &observed.id).await, None);
}

#[tokio::test]
async fn what_carries_another_marker_is_another_s() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    let other = Operation {
        marker: "gosling:other:egg.app.runner:ffff".to_owned(),
        ..made.clone()
    };
    assert_eq!(read(&gitlab, &world, &other, &observed.id).await, None);
    let changes = world.changes();
    let delete = then(Verb::Delete, &other, &observed.id, made.properties.clone());
    gitlab.delete(&world.cx(), &delete).await.unwrap();
    let update = then(Verb::Update, &other, &observed.id, made.properties.clone());
    let error = gitlab.update(&world.cx(), &update).await.unwrap_err();
    assert!(error.to_string().contains("no longer this Nest's"), "{error}");
    assert_eq!(world.changes(), changes);
    assert_eq!(world.alive("runner"), [observed.id]);
}

/// Every way in which the answer to a mutation can be lost.
const LOSSES: [(&str, bool); 5] = [
    ("lose_before", false),
    ("lose_after", true),
    ("truncate", true),
    ("bad_json", true),
    ("status_after", true),
];

#[tokio::test]
async fn a_lost_answer_while_a_runner_is_made_leaves_one_runner_and_its_token() {
    // The mutations of a create: the record, and the tag that goes.
    for (method, path) in [("POST", "/api/v4/user/runners"), ("PUT", "/api/v4/runners/*")] {
        for (kind, executed) in LOSSES {
            let what = format!("{kind} of {method} {path}");
            let world = World::start().await;
            let gitlab = gitlab(&world);
            let made = create("gitlab_runner", runner_properties());
            world.sandbox.inject(fault(&json!({
                "method": method, "path": path, "kind": kind,
                "code": (kind == "status_after").then_some(502),
            })));
            let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
            assert!(matches!(error, CallError::Unknown { .. }), "{what}: {error}");
            let expected = usize::from(executed || method == "PUT");
            assert_eq!(world.alive("runner").len(), expected, "{what}");
            let observed = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
            assert_eq!(
                world.alive("runner"),
                std::slice::from_ref(&observed.id),
                "{what}"
            );
            assert_eq!(
                owner(&world, TOKEN_PLACE).await.unwrap().to_string(),
                observed.id,
                "{what}"
            );
            assert_eq!(
                observed.properties,
                told(&made.properties, &RUNNER_SILENT),
                "{what}"
            );
            let (_, shown) = call(
                &world,
                Method::Get,
                &format!("runners/{}", observed.id),
                Json::Null,
            )
            .await;
            assert_eq!(shown["tag_list"], json!(["build", "docker"]), "{what}");
            // Once more changes nothing, and the token stays.
            let (changes, token) = (world.changes(), world.value(TOKEN_PLACE).await);
            let same = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
            assert_eq!(
                (same, world.value(TOKEN_PLACE).await),
                (observed, token),
                "{what}"
            );
            let taken_leave = world.sandbox.ledger();
            let calls = taken_leave
                .calls()
                .iter()
                .filter(|call| call.changes)
                .skip(changes);
            let calls: Vec<_> = calls
                .map(|call| (call.method.as_str(), call.path.as_str()))
                .collect();
            assert_eq!(calls, [("DELETE", "/api/v4/runners/managers")], "{what}");
        }
    }
}

#[tokio::test]
async fn a_lost_token_is_made_anew_without_cutting_machines_off_that_run() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let first = gitlab.create(&world.cx(), &made).await.unwrap();
    // Nobody ever used it: a new record takes its place.
    world
        .secrets
        .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"))
        .await
        .unwrap();
    let second = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert!(second.id != first.id);
    assert_eq!(world.alive("runner"), std::slice::from_ref(&second.id));
    // A machine uses it (this one): the record stays, and has a new token.
    assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), second.id);
    let before = world.value(TOKEN_PLACE).await;
    world
        .secrets
        .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"))
        .await
        .unwrap();
    let third = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert_eq!(third.id, second.id);
    assert!(world.value(TOKEN_PLACE).await != before);
    assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), second.id);
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_leaves_no_runner() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let mut properties = runner_properties();
    properties.insert("token_secret".to_owned(), Value::Secret(uri("env://READ_ONLY")));
    let made = create("gitlab_runner", properties);
    let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
    assert!(matches!(error, CallError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("can only be read"), "{error}");
    let ledger = world.sandbox.ledger();
    assert_eq!(
        ledger
            .objects()
            .iter()
            .filter(|object| object.kind == "runner")
            .count(),
        1
    );
    assert_eq!(world.alive("runner"), Vec::<String>::new());
}

#[tokio::test]
async fn of_several_runners_the_one_with_the_kept_token_stays_and_none_is_deleted() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let body = json!({
        "runner_type": "project_type", "project_id": 17, "description": "gosling/app",
        "maintenance_note": made.marker, "tag_list": [format!("gosling-op-{}", made.op)],
    });
    let (_, other) = call(&world, Method::Post, "user/runners", body).await;
    let (_, kept) = call(
        &world,
        Method::Post,
        "user/runners",
        json!({
            "runner_type": "project_type", "project_id": 17, "description": "renamed by hand",
            "maintenance_note": made.marker, "tag_list": [format!("gosling-op-{}", made.op)],
        }),
    )
    .await;
    world
        .secrets
        .write(&uri(TOKEN_PLACE), &secret(kept["token"].as_str().unwrap()))
        .await
        .unwrap();
    let observed = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert_eq!(observed.id, kept["id"].to_string());
    assert_eq!(
        world.alive("runner"),
        [other["id"].to_string(), kept["id"].to_string()]
    );
    let told = world.told.0.lock().unwrap().join("\n");
    assert!(
        told.contains("several runners") && told.contains(&other["id"].to_string()),
        "{told}"
    );
}

#[tokio::test]
async fn a_runner_is_found_behind_many_others() {
    let world = World::with(GitlabWorld {
        tier: Tier::Premium,
        ..GitlabWorld::default()
    })
    .await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let first = gitlab.create(&world.cx(), &made).await.unwrap();
    for number in 0..105 {
        let body = json!({ "runner_type": "project_type", "project_id": 17, "description": format!("other {number}") });
        assert_eq!(call(&world, Method::Post, "user/runners", body).await.0, 201);
    }
    let found = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert_eq!(found.id, first.id);
    assert_eq!(world.alive("runner").len(), 106);
}

#[tokio::test]
async fn a_token_moves_with_its_place_and_is_reset_only_when_lost() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    let token = world.value(TOKEN_PLACE).await;
    let place = "store://elsewhere/token";
    let mut wanted = made.properties.clone();
    wanted.insert("token_secret".to_owned(), Value::Secret(uri(place)));
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    gitlab.update(&world.cx(), &update).await.unwrap();
    assert_eq!(world.value(place).await, token);
    // The token is lost at both places: then it is reset.
    for lost in [place, TOKEN_PLACE] {
        world
            .secrets
            .write(&uri(lost), &secret("glrt-of-nobody"))
            .await
            .unwrap();
    }
    world.sandbox.inject(fault(&json!({
        "method": "POST", "path": "*/reset_authentication_token", "kind": "lose_after",
    })));
    let error = gitlab.update(&world.cx(), &update).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    gitlab.update(&world.cx(), &again(&update)).await.unwrap();
    assert_eq!(owner(&world, place).await.unwrap().to_string(), observed.id);
    assert_eq!(world.alive("runner"), [observed.id]);
}

#[tokio::test]
async fn a_lost_answer_to_an_update_or_a_delete_is_made_good_by_sending_again() {
    for (kind, _) in LOSSES {
        let world = World::start().await;
        let gitlab = gitlab(&world);
        let made = create("gitlab_runner", runner_properties());
        let id = gitlab.create(&world.cx(), &made).await.unwrap().id;
        let lose = |method: &str| {
            world.sandbox.inject(fault(&json!({
                "method": method, "path": "/api/v4/runners/*", "kind": kind,
                "code": (kind == "status_after").then_some(502),
            })));
        };
        let mut wanted = made.properties.clone();
        wanted.insert("paused".to_owned(), Value::from(true));
        let update = then(Verb::Update, &made, &id, wanted);
        lose("PUT");
        let error = gitlab.update(&world.cx(), &update).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown { .. }), "{kind}: {error}");
        let changed = gitlab.update(&world.cx(), &again(&update)).await.unwrap();
        assert_eq!(changed.properties["paused"], Value::from(true));
        let delete = then(Verb::Delete, &made, &id, made.properties.clone());
        lose("DELETE");
        // An answer without a body is whole even where its body was to be cut or spoilt.
        if let Err(error) = gitlab.delete(&world.cx(), &delete).await {
            assert!(matches!(error, CallError::Unknown { .. }), "{kind}: {error}");
        }
        gitlab.delete(&world.cx(), &again(&delete)).await.unwrap();
        assert_eq!(world.alive("runner"), Vec::<String>::new(), "{kind}");
    }
}

#[tokio::test]
async fn a_hook_is_made_read_changed_and_deleted() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_hook", hook_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    assert_eq!(observed.properties, told(&made.properties, &HOOK_SILENT));
    let (project, hook) = observed.id.split_once('/').unwrap();
    assert_eq!(project, "17");
    assert_eq!(world.alive("hook"), [format!("project/17/hook/{hook}")]);
    assert_eq!(
        read(&gitlab, &world, &made, &observed.id).await,
        Some(observed.clone())
    );
    // 32 bytes in base64.
    let generated = world.value(HOOK_PLACE).await;
    assert_eq!(generated.len(), 43);

    let mut wanted = made.properties.clone();
    wanted.insert("events".to_owned(), Value::from(vec!["pipeline"]));
    wanted.insert(
        "url".to_owned(),
        Value::from("https://goose.example.com/other/app"),
    );
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    let changed = gitlab.update(&world.cx(), &update).await.unwrap();
    assert_eq!(changed.properties, told(&wanted, &HOOK_SILENT));
    assert_eq!(world.value(HOOK_PLACE).await, generated);

    let delete = then(Verb::Delete, &made, &observed.id, wanted);
    gitlab.delete(&world.cx(), &delete).await.unwrap();
    gitlab.delete(&world.cx(), &again(&delete)).await.unwrap();
    assert_eq!(world.alive("hook"), Vec::<String>::new());
    assert_eq!(read(&gitlab, &world, &made, &observed.id).await, None);
}

#[tokio::test]
async fn a_lost_answer_while_a_hook_is_made_leaves_one_hook_with_the_kept_secret() {
    for (kind, executed) in LOSSES {
        let world = World::start().await;
        let gitlab = gitlab(&world);
        let made = create("gitlab_hook", hook_properties());
        // A hook of somebody else to the same address is not ours.
        let foreign = json!({ "url": "https://goose.example.com/hook/app", "description": "by hand" });
        call(&world, Method::Post, "projects/17/hooks", foreign).await;
        world.sandbox.inject(fault(&json!({
            "method": "POST", "path": "*/hooks", "kind": kind,
            "code": (kind == "status_after").then_some(502),
        })));
        let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown { .. }), "{kind}: {error}");
        assert_eq!(world.alive("hook").len(), 1 + usize::from(executed), "{kind}");
        let generated = world.value(HOOK_PLACE).await;
        let observed = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
        assert_eq!(world.alive("hook").len(), 2, "{kind}");
        assert_eq!(
            observed.properties,
            told(&made.properties, &HOOK_SILENT),
            "{kind}"
        );
        assert_eq!(world.value(HOOK_PLACE).await, generated, "{kind}");
    }
}

#[tokio::test]
async fn a_hook_s_secret_that_nobody_made_is_asked_for() {
    let world = World::start().await;
    let mut properties = hook_properties();
    properties.remove("generate_secret");
    let made = create("gitlab_hook", properties);
    let error = gitlab(&world).create(&world.cx(), &made).await.unwrap_err();
    assert!(matches!(error, CallError::Failed { .. }), "{error}");
    assert!(error.to_string().contains(HOOK_PLACE), "{error}");
    assert!(error.way_out().unwrap().contains("gosling secret set"));
    assert_eq!(world.alive("hook"), Vec::<String>::new());
}

#[tokio::test]
async fn every_refusal_says_what_and_a_way_out() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let refused = async |change: &[(&str, Value)]| {
        let mut properties = runner_properties();
        properties.extend(
            change
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let error = gitlab
            .create(&world.cx(), &create("gitlab_runner", properties))
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Failed { .. }), "{error}");
        format!("{error} | {}", error.way_out().unwrap_or_default())
    };
    let words = refused(&[("api_token", Value::Secret(uri("env://VAULT_TOKEN")))]).await;
    assert!(
        words.contains("does not take the token at env://VAULT_TOKEN: 401"),
        "{words}"
    );
    assert!(words.contains("has expired"), "{words}");
    let words = refused(&[("project_id", Value::Int(999))]).await;
    assert!(
        words.contains("403") && words.contains("create_runner"),
        "{words}"
    );
    let words = refused(&[("maximum_timeout", Value::Int(5))]).await;
    assert!(words.contains("needs to be at least 10 minutes"), "{words}");
    let words = refused(&[("tags", Value::List(Vec::new()))]).await;
    assert!(words.contains("run_untagged = true"), "{words}");
    let words = refused(&[("maintenance_note", Value::from("x".repeat(1024)))]).await;
    assert!(words.contains("too long"), "{words}");
    let words = refused(&[("api_token", Value::Secret(uri("env://NOT_SET")))]).await;
    assert!(words.contains("there is no secret at env://NOT_SET"), "{words}");

    let mut properties = hook_properties();
    properties.insert("project_id".to_owned(), Value::Int(999));
    let error = gitlab
        .create(&world.cx(), &create("gitlab_hook", properties))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("project 999: not there, or the token"),
        "{error}"
    );

    for number in 0..50 {
        let body = json!({ "runner_type": "project_type", "project_id": 17, "description": format!("other {number}") });
        assert_eq!(call(&world, Method::Post, "user/runners", body).await.0, 201);
    }
    let words = refused(&[]).await;
    assert!(
        words.contains("Maximum number of") && words.contains("GitLab Free takes 50"),
        "{words}"
    );
    // No secret in any of it.
    assert!(!words.contains(world.env("GITLAB_TOKEN")));
}

#[tokio::test]
async fn too_many_calls_are_an_open_outcome_for_a_mutation() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    world.sandbox.inject(fault(&json!({
        "method": "POST", "path": "/api/v4/user/runners", "kind": "status", "code": 429,
    })));
    let made = create("gitlab_runner", runner_properties());
    let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    assert!(error.to_string().contains("too many calls"), "{error}");
    // It was sent once.
    let ledger = world.sandbox.ledger();
    assert_eq!(
        ledger.calls().iter().filter(|call| call.method == "POST").count(),
        1
    );
}

#[tokio::test]
async fn a_group_s_projects_are_found_on_every_page_and_below_it() {
    let mut given = GitlabWorld::default();
    given.groups.push(GroupWorld {
        id: 6,
        path: "platform/deep".to_owned(),
        parent: Some(5),
    });
    given.projects.extend((1000..1150).map(|id| ProjectWorld {
        id,
        path: format!("platform/deep/p{id}"),
        group: Some(6),
        ci_tags: Vec::new(),
        was: Vec::new(),
    }));
    let world = World::with(given).await;
    let gitlab = gitlab(&world);
    let projects = gitlab.group_projects(&world.cx(), 5).await.unwrap();
    let ids: Vec<_> = projects.iter().map(|project| project.id).collect();
    assert_eq!(ids, [51, 52].into_iter().chain(1000..1150).collect::<Vec<_>>());
    assert_eq!(projects[0].path, "platform/api");
    let error = gitlab.group_projects(&world.cx(), 77).await.unwrap_err();
    assert!(
        error.to_string().contains("group 77: not there, or the token"),
        "{error}"
    );
    assert_eq!(
        gitlab
            .project(&world.cx(), 17)
            .await
            .unwrap()
            .default_branch
            .as_deref(),
        Some("main")
    );
    let metadata = gitlab.metadata(&world.cx()).await.unwrap();
    assert_eq!(
        (metadata.version.as_str(), metadata.enterprise),
        ("18.5.0", false)
    );
}

#[tokio::test]
async fn a_runner_s_machines_and_jobs_are_seen() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    let id = observed.outputs["id"].as_int().unwrap();
    // That gosling looks at the token brings nobody online.
    gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    let status = gitlab.runner_status(&world.cx(), id).await.unwrap();
    assert_eq!(
        (status.contact, status.managers.len(), status.paused),
        (Contact::NeverContacted, 0, false)
    );

    let variables = [("GOSLING_SMOKE_TAGS".to_owned(), "docker".to_owned())];
    let pipeline = gitlab
        .create_pipeline(&world.cx(), 17, "main", &variables)
        .await
        .unwrap();
    let jobs = gitlab.pipeline_jobs(&world.cx(), 17, pipeline.id).await.unwrap();
    assert_eq!(
        (jobs.len(), jobs[0].runner, jobs[0].status.as_str()),
        (1, None, "pending")
    );
    assert_eq!(jobs[0].tags, ["docker"]);
    let body = json!({ "token": world.value(TOKEN_PLACE).await, "system_id": "s_1", "info": { "version": "18.5.0" } });
    let (taken, job) = call(&world, Method::Post, "jobs/request", body).await;
    assert_eq!(taken, 201);
    let status = gitlab.runner_status(&world.cx(), id).await.unwrap();
    assert_eq!(status.contact, Contact::Online);
    let manager = &status.managers[0];
    assert_eq!(
        (
            manager.system_id.as_str(),
            manager.version.as_deref(),
            manager.busy
        ),
        ("s_1", Some("18.5.0"), true)
    );
    assert_eq!(
        status.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [jobs[0].id]
    );
    let jobs = gitlab.pipeline_jobs(&world.cx(), 17, pipeline.id).await.unwrap();
    assert_eq!(
        (jobs[0].runner, jobs[0].system_id.as_deref()),
        (Some(id), Some("s_1"))
    );

    let body = json!({ "token": job["token"], "state": "success" });
    call(&world, Method::Put, &format!("jobs/{}", jobs[0].id), body).await;
    assert_eq!(
        gitlab
            .pipeline(&world.cx(), 17, pipeline.id)
            .await
            .unwrap()
            .status,
        "success"
    );
    assert_eq!(gitlab.job_trace(&world.cx(), 17, jobs[0].id).await.unwrap(), "");
    gitlab
        .cancel_pipeline(&world.cx(), 17, pipeline.id)
        .await
        .unwrap();
    let error = gitlab.runner_status(&world.cx(), 9999).await.unwrap_err();
    assert!(error.to_string().contains("runner 9999: not there"), "{error}");
}
