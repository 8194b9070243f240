//! The marker of what gosling made, and what people write around it.

use gosling_engine::{Provider, Verb};
use gosling_providers::http::Method;
use gosling_resource::Value;
use serde_json::json;

use crate::gitlab::{self, call, create, gitlab, hook_properties, runner_properties, then};
use crate::proxmox::{changing, deleting, making, properties, provider, quick, read, somebody, world};
use crate::world::World;

const VM: &str = "/nodes/pve1/qemu/5000/config";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_ours_whatever_people_write_into_its_notes() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    let first = provider.create(&world.cx(), &made).await.unwrap();
    let marker = &made.marker;
    for notes in [
        format!("{marker}\n\nowner: Ada"),
        format!("# Runner\nring Ada before you touch `{marker}`!"),
    ] {
        somebody(&world, Method::Put, VM, &[("description", &notes)]).await;
        let seen = read(&world, &made, "pve1/5000", &properties()).await;
        assert_eq!(seen.as_ref(), Some(&first), "{notes}");
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
        !images.iter().any(|image| image.contains("gosling-5000")),
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
        Some(first.clone())
    );
    let update = then(Verb::Update, &made, &first.id, made.properties.clone());
    gitlab.update(&world.cx(), &update).await.unwrap();
    let (_, shown) = call(&world, Method::Get, &path, json!(null)).await;
    assert_eq!(
        shown["description"],
        format!("tells MotherGoose\n(Ada)\n{}", made.marker)
    );
}
