//! Against the simulated GitLab.

use gosling_engine::RemoteStore;
use gosling_engine::fence::Unfenced;
use gosling_engine::store::{Store, StoreError};
use gosling_providers::http::{Answer, Body, Client, Method, Request};
use gosling_providers::state::{GitlabStateSettings, gitlab};
use serde_json::json;

use super::{assert_done, conduct, holder, race, work};
use crate::world::{World, fault, secret};

fn settings(world: &World) -> GitlabStateSettings {
    GitlabStateSettings {
        endpoint: world.endpoint(),
        project: 17,
        name: "lab".into(),
        token: secret(world.env("GITLAB_TOKEN")),
        kept: 2,
    }
}

fn store(world: &World) -> RemoteStore {
    gitlab(settings(world)).unwrap()
}

/// The calls to the state's API, as `POST /lab/lock`.
fn calls(world: &World) -> Vec<String> {
    let ledger = world.sandbox.ledger();
    let calls = ledger.calls().iter().filter_map(|call| {
        let (_, path) = call.path.split_once("/terraform/state")?;
        let path = path.split('?').next().unwrap_or_default();
        Some(format!("{} {path}", call.method))
    });
    calls.collect()
}

/// A call by somebody else with the same token.
async fn call(world: &World, method: Method, path: &str, body: Body) -> Answer {
    let client = Client::new(&world.endpoint()).unwrap();
    let request = Request::new(method, format!("/api/v4/projects/17/terraform/state/{path}"))
        .header("private-token", secret(world.env("GITLAB_TOKEN")))
        .body(body);
    client.send(&request, &Unfenced).await.unwrap()
}

#[tokio::test]
async fn gitlab_keeps_a_state() {
    let world = World::start().await;
    let store = store(&world);
    assert!(
        store.place().starts_with("the state `lab` of project 17 at "),
        "{}",
        store.place()
    );
    conduct(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_race_in_gitlab_one_gets_the_lock() {
    let world = World::start().await;
    race(&store(&world)).await;
}

#[tokio::test]
async fn every_commit_is_one_call_and_old_versions_are_removed() {
    let world = World::start().await;
    let store = store(&world);
    work(&store).await.unwrap();
    let before = calls(&world).len();
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.append(b"one").await.unwrap();
    locked.append(b"two").await.unwrap();
    let new = calls(&world).split_off(before);
    let posts = new.iter().filter(|call| *call == "POST /lab").count();
    // The lock's head and two pieces.
    assert_eq!(posts, 3, "{new:?}");
    locked.cut(&[]).await.unwrap();
    locked.release().await.unwrap();
    for times in 2..5 {
        work(&store).await.unwrap();
        assert_done(&store, times).await;
    }
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.release().await.unwrap();
    let latest = call(&world, Method::Get, "lab", Body::None).await.json().unwrap();
    let latest = latest["serial"].as_u64().unwrap();
    let mut there = Vec::new();
    for serial in 1..=latest {
        let version = format!("lab/versions/{serial}");
        if call(&world, Method::Get, &version, Body::None).await.status == 200 {
            there.push(serial);
        }
    }
    // The state, two before it, the head of the lock and that of its release.
    assert_eq!(there.len(), 5, "{there:?} of {latest}");
}

#[tokio::test]
async fn whatever_is_lost_of_a_call_the_work_goes_on() {
    let patterns = [
        ("POST", "*/terraform/state/lab", "POST /lab"),
        ("POST", "*/terraform/state/lab/lock", "POST /lab/lock"),
        ("DELETE", "*/terraform/state/lab/lock", "DELETE /lab/lock"),
        (
            "DELETE",
            "*/terraform/state/lab/versions/*",
            "DELETE /lab/versions",
        ),
        ("GET", "*/terraform/state/lab*", "GET /lab"),
    ];
    let mut hits = 0;
    for kind in ["lose_before", "lose_after", "truncate"] {
        let world = World::start().await;
        let store = store(&world);
        let mut times = 3;
        for _ in 0..times {
            work(&store).await.unwrap();
        }
        for (method, path, start) in patterns {
            let before = calls(&world).len();
            work(&store).await.unwrap();
            times += 1;
            let all = calls(&world).split_off(before);
            let count = all.iter().filter(|call| match start {
                "POST /lab" => *call == start,
                _ => call.starts_with(start),
            });
            let count = count.count();
            assert!(count > 0, "{start}: {all:?}");
            for nth in 1..=count {
                let injected = json!({"method": method, "path": path, "nth": nth, "kind": kind});
                world.sandbox.inject(fault(&injected));
                let done = work(&store).await;
                done.unwrap_or_else(|error| panic!("{injected}: {error}"));
                times += 1;
                assert_done(&store, times).await;
                hits += 1;
            }
        }
    }
    assert!(hits >= 60, "{hits}");
}

#[tokio::test]
async fn a_lock_that_was_broken_in_gitlab_stops_its_holder() {
    let world = World::start().await;
    let store = store(&world);
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.append(b"begun").await.unwrap();
    assert_eq!(
        call(&world, Method::Delete, "lab/lock", Body::None).await.status,
        200
    );
    let error = locked.append(b"late").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lock was taken over by another process; nothing more is written under the old one"
    );
    // Whoever broke it may go on without `gosling unlock`.
    let next = store.lock(&holder("grace")).await.unwrap();
    assert_eq!(next.epoch(), 2);
    assert_eq!(next.load().await.unwrap().journal, b"begun");
}

/// A holder that was stopped, whose lock was broken and given back by the next, asks whether it still has it. A write that
/// it had sent before must stay refused meanwhile.
#[tokio::test]
async fn asking_for_a_broken_lock_does_not_take_it_again() {
    let world = World::start().await;
    let store = store(&world);
    let locked = store.lock(&holder("ada")).await.unwrap();
    locked.append(b"begun").await.unwrap();
    let id = {
        let ledger = world.sandbox.ledger();
        let mut writes = ledger.calls().iter().rev();
        let id = writes.find_map(|call| call.path.split_once("state/lab?ID=").map(|(_, id)| id.to_owned()));
        id.unwrap()
    };
    call(&world, Method::Delete, "lab/lock", Body::None).await;
    // The question's own lock stays as long as it can.
    let lost = json!({"method": "DELETE", "path": "*/lab/lock", "nth": "every", "kind": "lose_before"});
    world.sandbox.inject(fault(&lost));
    assert!(locked.confirm().await.is_err());
    let late = Body::Json(json!({ "serial": 1000, "head": "late" }));
    let answer = call(&world, Method::Post, &format!("lab?ID={id}"), late).await;
    assert_eq!(answer.status, 500);
}

/// GitLab answers 500 to who writes without the lock that is held; the simulated one says 409.
#[tokio::test]
async fn a_500_for_a_lost_lock_is_told_from_one_for_trouble() {
    for broken in [false, true] {
        let world = World::start().await;
        let store = store(&world);
        let locked = store.lock(&holder("ada")).await.unwrap();
        if broken {
            call(&world, Method::Delete, "lab/lock", Body::None).await;
        }
        let trouble = json!({"method": "POST", "path": "*/state/lab", "kind": "status", "code": 500});
        world.sandbox.inject(fault(&trouble));
        let outcome = locked.append(b"one").await;
        if broken {
            assert!(matches!(outcome, Err(StoreError::TakenOver(None))), "{outcome:?}");
            assert_eq!(store.peek().await.unwrap().journal, b"");
            store.lock(&holder("grace")).await.unwrap();
        } else {
            outcome.unwrap();
            assert_eq!(locked.load().await.unwrap().journal, b"one");
        }
    }
}

#[tokio::test]
async fn a_terraform_in_the_same_place_is_named_and_left_alone() {
    let world = World::start().await;
    let store = store(&world);
    let lock = json!({
        "ID": "of-terraform", "Operation": "OperationTypeApply", "Info": "", "Who": "ada@laptop",
        "Version": "1.11.0", "Created": "2026-01-01T00:00:00Z", "Path": "",
    });
    call(&world, Method::Post, "lab/lock", Body::Json(lock)).await;
    match store.lock(&holder("grace")).await.err().unwrap() {
        StoreError::Locked(Some(by)) => assert_eq!(by.command, "OperationTypeApply"),
        other => panic!("{other}"),
    }
    call(&world, Method::Delete, "lab/lock", Body::None).await;
    let state = json!({"version": 4, "serial": 3, "lineage": "x", "outputs": {}, "resources": []});
    call(&world, Method::Post, "lab", Body::Json(state)).await;
    for error in [
        store.peek().await.err().unwrap(),
        store.lock(&holder("grace")).await.err().unwrap(),
    ] {
        assert!(
            error.to_string().ends_with("was not written by gosling"),
            "{error}"
        );
        assert!(error.way_out().unwrap().contains("`state.name`"), "{error:?}");
    }
    // The lock was given back.
    let state = json!({"version": 4, "serial": 4, "lineage": "x", "outputs": {}, "resources": []});
    let answer = call(&world, Method::Post, "lab", Body::Json(state)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_the_project_or_the_token_is_said() {
    let world = World::start().await;
    let refused = async |settings: GitlabStateSettings| {
        let error = gitlab(settings)
            .unwrap()
            .lock(&holder("ada"))
            .await
            .err()
            .unwrap();
        let help = error.way_out().unwrap_or_default().to_owned();
        (error.to_string(), help)
    };
    let (said, help) = refused(GitlabStateSettings {
        project: 4711,
        ..settings(&world)
    })
    .await;
    assert!(
        said.starts_with("cannot lock the state `lab` of project 4711 at ")
            && said.ends_with("GitLab says 404 404 Project Not Found"),
        "{said}"
    );
    assert!(help.contains("state.project_id"), "{help}");
    let (said, help) = refused(GitlabStateSettings {
        token: secret("glpat-wrong"),
        ..settings(&world)
    })
    .await;
    assert!(said.contains("GitLab says 401"), "{said}");
    assert!(help.contains("`api`"), "{help}");
    let wrong = gitlab(GitlabStateSettings {
        name: "a/b".into(),
        ..settings(&world)
    });
    assert_eq!(
        wrong.err().unwrap().to_string(),
        "`a/b` cannot be the name of a state in GitLab"
    );
}
