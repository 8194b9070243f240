//! Runner records and their tokens.

use std::sync::atomic::{AtomicU32, Ordering};

use gosling_engine::fence::Unfenced;
use gosling_engine::{CallError, Context, Fence, Operation, Presence, Provider, SecretError, Secrets, Verb};
use gosling_providers::gitlab::Contact;
use gosling_providers::secrets::Backends;
use gosling_resource::{Secret, SecretUri, Value};
use gosling_sandbox::{GitlabWorld, Tier};
use serde_json::{Value as Json, json};

use super::*;
use crate::marks::presence;
use crate::world::{World, fault, secret, uri};

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
    wanted.insert("tags".into(), Value::from(vec!["other"]));
    wanted.insert("paused".into(), Value::from(true));
    wanted.remove("maximum_timeout");
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    let token = world.value(TOKEN_PLACE).await;
    let changed = gitlab.update(&world.cx(), &update).await.unwrap();
    wanted.insert("maximum_timeout".into(), Value::Null);
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
    let seen = presence(&gitlab, &world, &other, &observed.id).await;
    assert!(matches!(seen, Presence::NotOurs(_)), "{seen:?}");
    let changes = world.changes();
    let delete = then(Verb::Delete, &other, &observed.id, made.properties.clone());
    let update = then(Verb::Update, &other, &observed.id, made.properties.clone());
    let deleted = gitlab.delete(&world.cx(), &delete).await.unwrap_err();
    let updated = gitlab.update(&world.cx(), &update).await.unwrap_err();
    for error in [deleted, updated] {
        assert!(
            error.to_string().contains("the marker of another Nest"),
            "{error}"
        );
    }
    assert_eq!(world.changes(), changes);
    assert_eq!(world.alive("runner"), [observed.id]);
}

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
            // A look whether the token is good leaves no machine behind.
            assert_eq!(calls, Vec::<(&str, &str)>::new(), "{what}");
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
        .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"), &Unfenced)
        .await
        .unwrap();
    let second = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert!(second.id != first.id);
    assert_eq!(world.alive("runner"), std::slice::from_ref(&second.id));
    // A machine uses it: the record stays, and has a new token.
    poll(&world, TOKEN_PLACE).await;
    assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), second.id);
    let before = world.value(TOKEN_PLACE).await;
    world
        .secrets
        .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"), &Unfenced)
        .await
        .unwrap();
    let third = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
    assert_eq!(third.id, second.id);
    assert!(world.value(TOKEN_PLACE).await != before);
    assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), second.id);
}

#[tokio::test]
async fn a_gitlab_that_lists_no_machines_is_asked_for_the_runner_s_last_contact() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    world.sandbox.inject(fault(&json!({
        "method": "GET", "path": "*/managers", "nth": "every", "kind": "status", "code": 404,
    })));
    let made = create("gitlab_runner", runner_properties());
    let first = gitlab.create(&world.cx(), &made).await.unwrap();
    let status = gitlab
        .runner_status(&world.cx(), first.outputs["id"].as_int().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (status.contact, status.managers.len()),
        (Contact::NeverContacted, 0)
    );
    for used in [false, true] {
        world
            .secrets
            .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"), &Unfenced)
            .await
            .unwrap();
        let observed = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
        assert!(observed.id != first.id);
        assert_eq!(
            world.alive("runner"),
            std::slice::from_ref(&observed.id),
            "used: {used}"
        );
        assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), observed.id);
        poll(&world, TOKEN_PLACE).await;
        let status = gitlab
            .runner_status(&world.cx(), observed.outputs["id"].as_int().unwrap())
            .await
            .unwrap();
        assert_eq!((status.contact, status.managers.len()), (Contact::Online, 1));
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_leaves_no_runner() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let mut properties = runner_properties();
    properties.insert("token_secret".into(), Value::Secret(uri("env://READ_ONLY")));
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
        .write(
            &uri(TOKEN_PLACE),
            &secret(kept["token"].as_str().unwrap()),
            &Unfenced,
        )
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
    wanted.insert("token_secret".into(), Value::Secret(uri(place)));
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    gitlab.update(&world.cx(), &update).await.unwrap();
    assert_eq!(world.value(place).await, token);
    // The token is lost at both places: then it is reset.
    for lost in [place, TOKEN_PLACE] {
        world
            .secrets
            .write(&uri(lost), &secret("glrt-of-nobody"), &Unfenced)
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
        wanted.insert("paused".into(), Value::from(true));
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
async fn what_a_nest_does_not_name_is_no_drift() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let mut properties = runner_properties();
    for name in [
        "description",
        "run_untagged",
        "locked",
        "access_level",
        "maximum_timeout",
        "paused",
    ] {
        properties.remove(name);
    }
    properties.insert("maintenance_note".into(), Value::from(""));
    properties.insert("tags".into(), Value::List(Vec::new()));
    let made = create("gitlab_runner", properties.clone());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    let expected = [
        ("tags", Value::List(Vec::new())),
        ("maximum_timeout", Value::Null),
        ("maintenance_note", Value::from("")),
    ];
    assert_eq!(
        observed.properties,
        expected.map(|(name, value)| (name.into(), value)).into()
    );
    // Somebody changes what the Nest leaves to GitLab, and what it does not.
    let by_hand = json!({ "paused": true, "maximum_timeout": 7200 });
    call(&world, Method::Put, &format!("runners/{}", observed.id), by_hand).await;
    let seen = read(&gitlab, &world, &made, &observed.id).await.unwrap();
    assert_eq!(seen.properties["maximum_timeout"], Value::Int(7200));
    assert_eq!(seen.properties.get("paused"), None);
    let update = then(Verb::Update, &made, &observed.id, properties);
    let updated = gitlab.update(&world.cx(), &update).await.unwrap();
    assert_eq!(updated.properties["maximum_timeout"], Value::Null);
}

#[tokio::test]
async fn a_group_s_and_a_server_s_runner_are_found_again_too() {
    for (scope, group) in [("group", Some(5)), ("instance", None)] {
        let world = World::start().await;
        let gitlab = gitlab(&world);
        let mut properties = runner_properties();
        properties.remove("project_id");
        properties.insert("scope".into(), Value::from(scope));
        properties.insert("group_id".into(), Value::from(group));
        let made = create("gitlab_runner", properties);
        world.sandbox.inject(fault(&json!({
            "method": "POST", "path": "/api/v4/user/runners", "kind": "lose_after",
        })));
        let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown { .. }), "{scope}: {error}");
        let observed = gitlab.create(&world.cx(), &again(&made)).await.unwrap();
        assert_eq!(
            world.alive("runner"),
            std::slice::from_ref(&observed.id),
            "{scope}"
        );
        assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), observed.id);
        let (_, shown) = call(
            &world,
            Method::Get,
            &format!("runners/{}", observed.id),
            Json::Null,
        )
        .await;
        assert_eq!(shown["runner_type"], json!(format!("{scope}_type")));
    }
}

#[tokio::test]
async fn a_crash_inside_of_a_recovery_is_recovered_from() {
    // The record is there without its token. The recovery deletes it and makes another one, and each call of that is
    // lost in turn; or a machine uses the record, and its token is reset.
    for (method, path, used) in [
        ("DELETE", "/api/v4/runners/*", false),
        ("POST", "/api/v4/user/runners", false),
        ("PUT", "/api/v4/runners/*", false),
        ("POST", "*/reset_authentication_token", true),
        ("PUT", "/api/v4/runners/*", true),
    ] {
        for kind in ["lose_before", "lose_after", "truncate", "status_after"] {
            let what = format!("{kind} of {method} {path}, used: {used}");
            let world = World::start().await;
            let gitlab = gitlab(&world);
            let made = create("gitlab_runner", runner_properties());
            gitlab.create(&world.cx(), &made).await.unwrap();
            if used {
                poll(&world, TOKEN_PLACE).await;
            }
            world
                .secrets
                .write(&uri(TOKEN_PLACE), &secret("glrt-of-nobody"), &Unfenced)
                .await
                .unwrap();
            world.sandbox.inject(fault(&json!({
                "method": method, "path": path, "kind": kind,
                "code": (kind == "status_after").then_some(502),
            })));
            // The answer to a delete has no body that could be cut.
            let result = gitlab.create(&world.cx(), &again(&made)).await;
            if method != "DELETE" || kind != "truncate" {
                assert!(
                    matches!(result, Err(CallError::Unknown { .. })),
                    "{what}: {result:?}"
                );
            }
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
        }
    }
}

/// A backend that is gone for so many writes.
struct Failing<'a> {
    inner: &'a Backends,
    left: AtomicU32,
}

#[async_trait::async_trait]
impl Secrets for Failing<'_> {
    async fn read(&self, uri: &SecretUri) -> Result<Secret, SecretError> {
        self.inner.read(uri).await
    }

    async fn write(&self, uri: &SecretUri, value: &Secret, fence: &dyn Fence) -> Result<(), SecretError> {
        let fewer = |left: u32| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
            .is_ok()
        {
            let why = "the disk is full".to_owned();
            return Err(SecretError::Unreachable {
                place: uri.to_string(),
                why,
            });
        }
        self.inner.write(uri, value, fence).await
    }

    async fn writable(&self, uri: &SecretUri) -> Result<(), SecretError> {
        self.inner.writable(uri).await
    }
}

#[tokio::test]
async fn a_backend_that_fails_at_the_worst_moment_leaves_one_runner_in_the_end() {
    for lose_the_clean_up in [false, true] {
        let world = World::start().await;
        let gitlab = gitlab(&world);
        let secrets = Failing {
            inner: &world.secrets,
            left: AtomicU32::new(1),
        };
        let cx = Context {
            secrets: &secrets,
            ..world.cx()
        };
        if lose_the_clean_up {
            world.sandbox.inject(fault(&json!({
                "method": "DELETE", "path": "/api/v4/runners/*", "kind": "lose_before",
            })));
        }
        let made = create("gitlab_runner", runner_properties());
        let error = gitlab.create(&cx, &made).await.unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
        // What was made is gone again, or it is not known whether it is.
        let open = matches!(error, CallError::Unknown { .. });
        assert_eq!(
            (open, world.alive("runner").len()),
            (lose_the_clean_up, usize::from(lose_the_clean_up))
        );
        let observed = gitlab.create(&cx, &again(&made)).await.unwrap();
        assert_eq!(world.alive("runner"), std::slice::from_ref(&observed.id));
        assert_eq!(owner(&world, TOKEN_PLACE).await.unwrap().to_string(), observed.id);
    }
}
