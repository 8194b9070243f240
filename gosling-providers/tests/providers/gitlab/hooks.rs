//! Webhooks and their secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use gosling_engine::{CallError, Presence, Provider, Search, Verb};
use gosling_resource::Value;
use serde_json::json;

use super::*;
use crate::marks::presence;
use crate::world::{World, fault};

#[tokio::test]
async fn a_hook_is_made_read_changed_and_deleted() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_hook", hook_properties());
    let observed = gitlab.create(&world.cx(), &made).await.unwrap();
    assert_eq!(
        from_gitlab(&observed).properties,
        told(&made.properties, &HOOK_SILENT)
    );
    let (project, hook) = observed.id.split_once('/').unwrap();
    assert_eq!(project, "17");
    assert_eq!(world.alive("hook"), [format!("project/17/hook/{hook}")]);
    assert_eq!(
        read(&gitlab, &world, &made, &observed.id).await,
        Some(from_gitlab(&observed))
    );
    // 32 bytes in base64.
    let generated = world.value(HOOK_PLACE).await;
    assert_eq!(generated.len(), 43);

    let mut wanted = made.properties.clone();
    wanted.insert("events".into(), Value::from(vec!["pipeline"]));
    wanted.insert("url".into(), Value::from("https://goose.example.com/other/app"));
    let update = then(Verb::Update, &made, &observed.id, wanted.clone());
    let changed = gitlab.update(&world.cx(), &update).await.unwrap();
    assert_eq!(from_gitlab(&changed).properties, told(&wanted, &HOOK_SILENT));
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
            from_gitlab(&observed).properties,
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
async fn a_lost_answer_to_a_change_or_the_end_of_a_hook_is_made_good_by_sending_again() {
    for (kind, _) in LOSSES {
        let world = World::start().await;
        let gitlab = gitlab(&world);
        let made = create("gitlab_hook", hook_properties());
        let id = gitlab.create(&world.cx(), &made).await.unwrap().id;
        let lose = |method: &str| {
            world.sandbox.inject(fault(&json!({
                "method": method, "path": "*/hooks/*", "kind": kind,
                "code": (kind == "status_after").then_some(502),
            })));
        };
        let mut wanted = made.properties.clone();
        wanted.insert("events".into(), Value::from(vec!["pipeline"]));
        let update = then(Verb::Update, &made, &id, wanted.clone());
        lose("PUT");
        let error = gitlab.update(&world.cx(), &update).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown { .. }), "{kind}: {error}");
        let changed = gitlab.update(&world.cx(), &again(&update)).await.unwrap();
        assert_eq!(
            from_gitlab(&changed).properties,
            told(&wanted, &HOOK_SILENT),
            "{kind}"
        );
        let delete = then(Verb::Delete, &made, &id, wanted);
        lose("DELETE");
        // An answer without a body is whole even where its body was to be cut or spoilt.
        if let Err(error) = gitlab.delete(&world.cx(), &delete).await {
            assert!(matches!(error, CallError::Unknown { .. }), "{kind}: {error}");
        }
        gitlab.delete(&world.cx(), &again(&delete)).await.unwrap();
        assert_eq!(world.alive("hook"), Vec::<String>::new(), "{kind}");
    }
}

#[tokio::test]
async fn another_s_hook_is_neither_changed_nor_deleted() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_hook", hook_properties());
    let foreign = json!({ "url": "https://goose.example.com/another", "description": "by hand" });
    let (_, hook) = call(&world, Method::Post, "projects/17/hooks", foreign).await;
    let id = format!("17/{}", hook["id"]);
    let seen = presence(&gitlab, &world, &made, &id).await;
    assert!(matches!(seen, Presence::NotOurs(_)), "{seen:?}");
    let changes = world.changes();
    let delete = then(Verb::Delete, &made, &id, made.properties.clone());
    let update = then(Verb::Update, &made, &id, made.properties.clone());
    let deleted = gitlab.delete(&world.cx(), &delete).await.unwrap_err();
    let updated = gitlab.update(&world.cx(), &update).await.unwrap_err();
    for error in [deleted, updated] {
        assert!(error.to_string().contains("no longer has the marker"), "{error}");
    }
    assert_eq!(world.changes(), changes);
}

#[tokio::test]
async fn a_search_ends_at_one_time_and_lists_what_was_not_looked_at() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_hook", hook_properties());
    gitlab.create(&world.cx(), &made).await.unwrap();
    let slow = json!({"method": "GET", "path": "*/runners", "nth": "every", "kind": "delay", "ms": 60_000});
    world.sandbox.inject(fault(&slow));
    let (runner, hook) = (runner_properties(), hook_properties());
    let others: Vec<_> = (100..130)
        .map(|project| {
            let mut properties = runner.clone();
            properties.insert("project_id".into(), Value::Int(project));
            properties
        })
        .collect();
    let mut places = vec![("gitlab_hook", &hook)];
    places.extend(others.iter().map(|properties| ("gitlab_runner", properties)));
    let nest = made.marker.split(':').nth(1).unwrap();
    let search = Search {
        nest,
        places,
        known: BTreeSet::new(),
        markers: BTreeSet::new(),
        earlier: BTreeSet::new(),
        thorough: true,
        until: tokio::time::Instant::now() + Duration::from_secs(3),
    };
    let searched = gitlab.marked(&world.cx(), &search).await;
    assert_eq!(searched.marked.len(), 1, "what was found is kept: {searched:?}");
    let unseen: Vec<String> = (100..130)
        .map(|project| {
            format!("the runners of project {project}: the search of all places ended after 5 minutes")
        })
        .collect();
    assert_eq!(searched.unseen, unseen);
}
