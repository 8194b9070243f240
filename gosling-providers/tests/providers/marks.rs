//! The marker of what gosling made, and what people write around it.

use gosling_engine::{CallError, Known, Operation, Presence, Provider, Verb};
use gosling_providers::http::Method;
use gosling_resource::Value;
use serde_json::json;

use crate::gitlab::{self, call, create, gitlab, hook_properties, runner_properties, then};
use crate::proxmox::{
    changing, deleting, failure, making, properties, provider, quick, read, somebody, world,
};
use crate::world::{World, fault};

const VM: &str = "/nodes/pve1/qemu/5000/config";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_ours_whatever_people_write_into_its_notes() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    let first = provider.create(&world.cx(), &made).await.unwrap().properties;
    let marker = &made.marker;
    for notes in [
        format!("{marker}\n\nowner: Ada"),
        format!("# Runner\nring Ada before you touch `{marker}`!"),
    ] {
        somebody(&world, Method::Put, VM, &[("description", &notes)]).await;
        let seen = read(&world, &made, "pve1/5000", &properties()).await;
        assert_eq!(seen.map(|seen| seen.properties), Some(first.clone()), "{notes}");
        let mut wanted = properties();
        wanted.insert("tags".into(), vec!["other"].into());
        let update = changing(&made, Verb::Update, "pve1/5000", wanted);
        provider.update(&world.cx(), &update).await.unwrap();
        let config = somebody(&world, Method::Get, VM, &[]).await;
        assert_eq!(config["description"].as_str().unwrap().trim_end(), notes);
        let back = changing(&made, Verb::Update, "pve1/5000", properties());
        provider.update(&world.cx(), &back).await.unwrap();
    }
    provider
        .put_seed_away(&world.cx(), "pve1/5000", marker, "local")
        .await
        .unwrap();
    let images = world.alive("volume");
    assert!(
        !images.iter().any(|image| image.contains("gosling-lab-5000")),
        "{images:?}"
    );
    provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap();
    assert_eq!(read(&world, &made, "pve1/5000", &properties()).await, None);
}

#[tokio::test]
async fn what_people_write_into_a_runner_s_note_stays() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_runner", runner_properties());
    let first = gitlab.create(&world.cx(), &made).await.unwrap();
    let id = first.id.clone();
    let note = format!("owner: Ada\r\nmade by gosling\r\n{}\r\nring first", made.marker);
    call(
        &world,
        Method::Put,
        &format!("runners/{id}"),
        json!({ "maintenance_note": note }),
    )
    .await;
    assert_eq!(
        gitlab::read(&gitlab, &world, &made, &id).await,
        Some(first),
        "this is no drift"
    );
    let mut wanted = made.properties.clone();
    wanted.insert("maintenance_note".into(), Value::from("kept by gosling"));
    let update = then(Verb::Update, &made, &id, wanted);
    gitlab.update(&world.cx(), &update).await.unwrap();
    let (_, shown) = call(&world, Method::Get, &format!("runners/{id}"), json!(null)).await;
    let expected = format!("kept by gosling\nowner: Ada\nring first\n{}", made.marker);
    assert_eq!(shown["maintenance_note"], expected);
    // More than fits is refused before anything is sent.
    let long = format!("{}\n{}", "x".repeat(970), made.marker);
    call(
        &world,
        Method::Put,
        &format!("runners/{id}"),
        json!({ "maintenance_note": long }),
    )
    .await;
    let error = gitlab.update(&world.cx(), &update).await.unwrap_err();
    assert!(
        error.to_string().contains("with what people wrote in it"),
        "{error}"
    );
    gitlab
        .delete(
            &world.cx(),
            &then(Verb::Delete, &made, &id, made.properties.clone()),
        )
        .await
        .unwrap();
    assert_eq!(world.alive("runner"), Vec::<String>::new());
}

#[tokio::test]
async fn what_people_write_into_a_webhook_s_description_stays() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let made = create("gitlab_hook", hook_properties());
    let first = gitlab.create(&world.cx(), &made).await.unwrap();
    let path = format!("projects/17/hooks/{}", first.id.rsplit('/').next().unwrap());
    let text = format!("tells MotherGoose\n{} (Ada)", made.marker);
    call(
        &world,
        Method::Put,
        &path,
        json!({ "url": "https://goose.example.com/hook/app", "description": text }),
    )
    .await;
    assert_eq!(
        gitlab::read(&gitlab, &world, &made, &first.id).await,
        Some(gitlab::from_gitlab(&first))
    );
    let update = then(Verb::Update, &made, &first.id, made.properties.clone());
    gitlab.update(&world.cx(), &update).await.unwrap();
    let (_, shown) = call(&world, Method::Get, &path, json!(null)).await;
    assert_eq!(
        shown["description"],
        format!("tells MotherGoose\n(Ada)\n{}", made.marker)
    );
}

/// What the provider finds where something is known to be.
pub(crate) async fn presence(provider: &dyn Provider, world: &World, made: &Operation, id: &str) -> Presence {
    let known = Known {
        kind: &made.kind,
        id,
        marker: &made.marker,
        properties: &made.properties,
        outputs: &gosling_resource::Properties::new(),
    };
    provider.read(&world.cx(), &known).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_marker_was_taken_away_is_neither_gone_nor_deleted() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    provider.create(&world.cx(), &made).await.unwrap();
    somebody(&world, Method::Put, VM, &[("description", "owner: Ada")]).await;
    let Presence::NotOurs(doubt) = presence(&provider, &world, &made, "pve1/5000").await else {
        panic!("it is there, without its marker");
    };
    assert!(
        doubt
            .message
            .starts_with("the notes of pve1/5000 (`app-0`) no longer have the marker"),
        "{doubt:?}"
    );
    assert!(
        doubt.help.contains(&made.marker) && doubt.help.contains("gosling state rm"),
        "{doubt:?}"
    );
    let changes = world.changes();
    let error = provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, CallError::Failed { .. }) && error.to_string() == doubt.message,
        "{error}"
    );
    assert_eq!(world.changes(), changes, "it was not even stopped");
    // The number of another machine of gosling's: the first one is gone.
    let other = making("bbbbbbbbbbbbbbbb", "pve1/5000", properties());
    somebody(&world, Method::Put, VM, &[("description", &other.marker)]).await;
    assert_eq!(
        presence(&provider, &world, &made, "pve1/5000").await,
        Presence::Gone
    );
    provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap();
    let left = presence(&provider, &world, &other, "pve1/5000").await;
    assert!(
        matches!(left, Presence::Here(_)),
        "another's is left alone: {left:?}"
    );
    // The number of a machine of another Nest: nobody can say what became of this one.
    let theirs = "gosling:other:egg.app.vm[0]:cccccccccccccccc";
    somebody(&world, Method::Put, VM, &[("description", theirs)]).await;
    let Presence::NotOurs(doubt) = presence(&provider, &world, &made, "pve1/5000").await else {
        panic!("another Nest's is neither gone nor ours");
    };
    assert!(
        doubt.message.contains(theirs) && doubt.help.contains("gosling state rm"),
        "{doubt:?}"
    );
    let error = provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap_err();
    assert_eq!(failure(&error).0, doubt.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_machine_is_not_stopped_before_its_deletion_is_refused() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    provider.create(&world.cx(), &made).await.unwrap();
    somebody(&world, Method::Put, VM, &[("protection", "1")]).await;
    let changes = world.changes();
    let error = provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap_err();
    assert_eq!(failure(&error).0, "pve1/5000 is protected in Proxmox VE");
    assert_eq!(world.changes(), changes);
    somebody(&world, Method::Put, VM, &[("protection", "0")]).await;
    provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_runner_or_webhook_that_lost_its_marker_gets_it_back_in_place() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    for (kind, properties, text) in [
        ("gitlab_runner", runner_properties(), "maintenance_note"),
        ("gitlab_hook", hook_properties(), "description"),
    ] {
        let made = create(kind, properties);
        let id = gitlab.create(&world.cx(), &made).await.unwrap().id;
        let path = match id.split_once('/') {
            Some((project, hook)) => format!("projects/{project}/hooks/{hook}"),
            None => format!("runners/{id}"),
        };
        let (_, before) = call(&world, Method::Get, &path, json!(null)).await;
        let by_hand = json!({ text: "do not touch, Ada", "url": before["url"] });
        call(&world, Method::Put, &path, by_hand).await;
        let Presence::Here(seen) = presence(&gitlab, &world, &made, &id).await else {
            panic!("{kind} {id} is still the same");
        };
        assert_eq!(seen.properties[text], Value::from(""), "this is what is put back");
        gitlab
            .update(
                &world.cx(),
                &then(Verb::Update, &made, &id, made.properties.clone()),
            )
            .await
            .unwrap();
        let (_, shown) = call(&world, Method::Get, &path, json!(null)).await;
        let asked = made.properties[text].as_text().unwrap();
        assert_eq!(
            shown[text],
            format!("{asked}\ndo not touch, Ada\n{}", made.marker)
        );

        // Another Nest's: reported, not touched.
        let theirs = json!({ text: "gosling:other:egg.app.runner:zzzzzzzz", "url": before["url"] });
        call(&world, Method::Put, &path, theirs).await;
        let Presence::NotOurs(doubt) = presence(&gitlab, &world, &made, &id).await else {
            panic!("{kind} {id} is another Nest's");
        };
        assert!(
            doubt.message.ends_with(
                "another Nest, gosling:other:egg.app.runner:zzzzzzzz: it is no longer this Nest's"
            ),
            "{doubt:?}"
        );
        let error = gitlab
            .delete(
                &world.cx(),
                &then(Verb::Delete, &made, &id, made.properties.clone()),
            )
            .await
            .unwrap_err();
        assert!(matches!(error, CallError::Failed { .. }), "{error:?}");
        assert_eq!(failure(&error), (doubt.message.as_str(), doubt.help.as_str()));
        let (status, _) = call(&world, Method::Get, &path, json!(null)).await;
        assert_eq!(status, 200);
    }
}

#[tokio::test]
async fn one_answer_of_not_found_is_not_gone() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    for (kind, properties) in [
        ("gitlab_runner", runner_properties()),
        ("gitlab_hook", hook_properties()),
    ] {
        let made = create(kind, properties);
        let id = gitlab.create(&world.cx(), &made).await.unwrap().id;
        let (path, list) = match id.split_once('/') {
            Some((_, hook)) => (
                format!("/api/v4/projects/17/hooks/{hook}"),
                "/api/v4/projects/17/hooks",
            ),
            None => (format!("/api/v4/runners/{id}"), "/api/v4/projects/17/runners"),
        };
        let not_found = |path: &str| json!({ "method": "GET", "path": path, "kind": "status", "code": 404 });
        world.sandbox.inject(fault(&not_found(&path)));
        let seen = presence(&gitlab, &world, &made, &id).await;
        assert!(matches!(seen, Presence::Here(_)), "{kind}: {seen:?}");
        // The project with all that is in it.
        world.sandbox.inject(fault(&not_found(&path)));
        world.sandbox.inject(fault(&not_found(list)));
        let Presence::NotVisible(doubt) = presence(&gitlab, &world, &made, &id).await else {
            panic!("{kind}: nobody can say that it is gone");
        };
        assert!(
            doubt.message.contains("project 17 is not there, or the token"),
            "{doubt:?}"
        );
        gitlab
            .delete(
                &world.cx(),
                &then(Verb::Delete, &made, &id, made.properties.clone()),
            )
            .await
            .unwrap();
        assert_eq!(presence(&gitlab, &world, &made, &id).await, Presence::Gone);
    }
}
