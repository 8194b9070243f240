//! What is asked of GitLab without changing anything, and how it refuses.

use std::collections::BTreeSet;

use gosling_engine::{CallError, Provider};
use gosling_providers::gitlab::Contact;
use gosling_resource::Value;
use gosling_sandbox::{GitlabWorld, GroupWorld, ProjectWorld};
use serde_json::json;

use super::*;
use crate::world::{World, fault, uri};

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
        refuses: None,
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
#[tokio::test]
async fn every_refusal_says_what_and_a_way_out() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let refused = async |change: &[(&str, Value)]| {
        let mut properties = runner_properties();
        properties.extend(change.iter().map(|(name, value)| ((*name).into(), value.clone())));
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
    properties.insert("project_id".into(), Value::Int(999));
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
async fn too_many_calls_are_a_definite_no_and_say_for_how_long() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    let busy = |wait: &str| {
        fault(&json!({
            "method": "POST", "path": "/api/v4/user/runners", "kind": "status", "code": 429,
            "headers": [["retry-after", wait]],
        }))
    };
    let made = create("gitlab_runner", runner_properties());
    // Longer than a call waits: it was sent once, and nothing is open.
    world.sandbox.inject(busy("3600"));
    let error = gitlab.create(&world.cx(), &made).await.unwrap_err();
    assert!(matches!(error, CallError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("too many calls"), "{error}");
    assert!(error.way_out().unwrap().contains("in 60 minutes"), "{error:?}");
    let posts = || {
        let ledger = world.sandbox.ledger();
        ledger.calls().iter().filter(|call| call.method == "POST").count()
    };
    assert_eq!(posts(), 1);
    // Shorter: it is sent again, and made once.
    world.sandbox.inject(busy("0"));
    gitlab.create(&world.cx(), &made).await.unwrap();
    assert_eq!(posts(), 3);
}

#[tokio::test]
async fn what_a_kind_promises_is_what_a_read_tells() {
    let world = World::start().await;
    let gitlab = gitlab(&world);
    for (kind, properties) in [
        ("gitlab_runner", runner_properties()),
        ("gitlab_hook", hook_properties()),
    ] {
        let kind = *gitlab.kinds().iter().find(|known| known.name == kind).unwrap();
        let made = create(kind.name, properties);
        let mut observed = gitlab.create(&world.cx(), &made).await.unwrap();
        if kind.name == "gitlab_hook" {
            observed = from_gitlab(&observed);
        }
        let told: BTreeSet<_> = observed.properties.keys().map(|name| name.as_str()).collect();
        let promised = kind.attributes.iter().filter(|attribute| attribute.observed);
        assert_eq!(told, promised.map(|attribute| attribute.name).collect());
        for name in made.properties.keys() {
            assert!(
                kind.attribute(name).is_some(),
                "{name} is no attribute of {}",
                kind.name
            );
        }
    }
}
