//! Where third-party clients found differences between the sandbox and GitLab.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::{Client, TOKEN, default, header};
use crate::world::GitlabWorld;

const STATE: &str = "/projects/17/terraform/state/lab";

fn lock(id: &str) -> Value {
    json!({
        "ID": id, "Operation": "apply", "Info": "", "Who": "me@host", "Version": "1",
        "Created": "2026-01-01T00:00:00Z", "Path": "",
    })
}

#[test]
fn f6_a_runner_that_only_verified_its_token_was_never_heard_of() {
    let mut client = default();
    let (id, token) = client.runner("linux");
    let asked = json!({ "token": token, "system_id": "s_1" });
    assert_eq!(client.send("POST", "/runners/verify", &asked).0, 200);
    let (_, shown) = client.get(&format!("/runners/{id}"));
    assert_eq!(
        (&shown["status"], &shown["contacted_at"]),
        (&json!("never_contacted"), &Value::Null)
    );
    assert_eq!(client.get(&format!("/runners/{id}/managers")).1, json!([]));
    assert_eq!(client.send("POST", "/jobs/request", &asked).0, 204);
    assert_eq!(client.get(&format!("/runners/{id}")).1["status"], "online");
}

#[test]
fn the_latest_version_of_a_state_is_the_one_with_the_highest_number() {
    let mut client = default();
    for serial in [4, 7, 5] {
        assert_eq!(client.send("POST", STATE, &json!({ "serial": serial })).0, 200);
    }
    assert_eq!(client.get(STATE).1["serial"], 7);
    assert_eq!(
        client
            .send("DELETE", &format!("{STATE}/versions/7"), &Value::Null)
            .0,
        204
    );
    assert_eq!(client.get(STATE).1["serial"], 5);
}

#[test]
fn f7_a_state_is_its_holders() {
    let mut client = default();
    let path = STATE;
    assert_eq!(client.get(path).0, 404, "nobody has made it");
    assert_eq!(
        client
            .send("POST", &format!("{path}/lock"), &json!({ "ID": "a" }))
            .1["error"],
        "Operation is missing, Info is missing, Who is missing, Version is missing, Created is missing, Path is missing"
    );
    assert_eq!(client.send("POST", &format!("{path}/lock"), &lock("a")).0, 200);
    assert_eq!(client.get(path).0, 204, "it has no version yet");
    let (status, holder) = client.send("POST", &format!("{path}/lock"), &lock("b"));
    assert_eq!(
        (status, &holder["ID"], &holder["Operation"]),
        (409, &json!("a"), &json!("apply"))
    );
    let state = json!({ "serial": 4, "resources": [] });
    assert_eq!(client.send("POST", path, &state).0, 500);
    assert_eq!(client.send("POST", &format!("{path}?ID=b"), &state).0, 500);
    assert_eq!(client.send("POST", &format!("{path}?ID=a"), &state).0, 200);
    assert_eq!(client.get(path), (200, state.clone()));
    assert_eq!(client.get(&format!("{path}/versions/4")), (200, state.clone()));
    assert_eq!(client.send("DELETE", path, &Value::Null).0, 200);
    assert_eq!(client.get(path).0, 200, "a locked state is not deleted");
    let unlock = |client: &mut Client, id: &str| {
        let path = format!("{path}/lock?ID={id}");
        client.send("DELETE", &path, &Value::Null)
    };
    assert_eq!(unlock(&mut client, "b"), (409, Value::Null));
    assert_eq!(unlock(&mut client, "a").0, 200);
    assert_eq!(unlock(&mut client, "a"), (409, Value::Null), "nobody has it now");
    assert_eq!(
        client.send("DELETE", &format!("{path}/lock"), &Value::Null).0,
        200
    );
    assert_eq!(client.send("POST", &format!("{path}?ID=a"), &state).0, 500);
    assert_eq!(client.send("DELETE", path, &Value::Null).0, 200);
    assert_eq!(client.get(path).0, 404);
    assert_eq!(client.send("DELETE", path, &Value::Null).0, 404);
}

#[test]
fn f7_a_version_has_a_number_that_no_other_has() {
    let mut client = default();
    let state = json!({ "serial": 4 });
    assert_eq!(client.send("POST", STATE, &state).0, 200);
    for refused in [
        &b"{\"serial\": 4}"[..],
        b"{\"version\": 4}",
        b"no JSON",
        b"{\"serial\": \"x\"}",
    ] {
        let reply = client.raw("POST", STATE, "application/json", refused);
        assert_eq!(reply.status, 422, "{}", String::from_utf8_lossy(refused));
        assert!(!client.changes());
    }
    assert_eq!(client.get(STATE), (200, state));
}

#[test]
fn f7_who_unlocks_a_state_that_nobody_knows_makes_it() {
    let mut client = default();
    assert_eq!(
        client
            .send("DELETE", &format!("{STATE}/lock?ID=a"), &Value::Null)
            .0,
        200
    );
    assert_eq!(client.get(STATE).0, 204);
}

#[test]
fn f18_a_hook_does_not_lead_into_the_local_network_unless_the_world_lets_it() {
    let local = [
        "http://192.168.1.5/",
        "http://10.0.0.1:8080/hook",
        "https://localhost/",
        "http://127.0.0.1:9999",
        "http://[::1]/",
        "http://user:word@172.16.0.9/",
        "http://[fd00::5]:80/",
    ];
    let mut closed = default();
    let mut open = Client::new(&GitlabWorld {
        local_hooks: true,
        ..GitlabWorld::default()
    });
    for url in local {
        let hook = json!({ "url": url });
        let refused = (422, json!({ "error": "Invalid url given" }));
        assert_eq!(closed.send("POST", "/projects/17/hooks", &hook), refused, "{url}");
        assert_eq!(open.send("POST", "/projects/17/hooks", &hook).0, 201, "{url}");
    }
    let hook = json!({ "url": "https://192.0.2.5/hook" });
    assert_eq!(closed.send("POST", "/projects/17/hooks", &hook).0, 201);
}

#[test]
fn f19_a_pipeline_runs_for_what_there_is() {
    let mut client = default();
    let mut run = |reference: &str| {
        let (status, _) = client.send("POST", "/projects/17/pipeline", &json!({ "ref": reference }));
        status
    };
    assert_eq!(
        ["main", "refs/heads/develop", "v1.0", "no-such-branch", ""].map(&mut run),
        [201, 201, 201, 400, 400]
    );
}

#[test]
fn f19_a_token_is_good_in_the_query_and_as_a_password_only_for_terraform() {
    let mut client = default();
    client.headers.clear();
    assert_eq!(client.get(&format!("/version?private_token={TOKEN}")).0, 200);
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("gosling:{TOKEN}"))
    };
    client.headers = vec![("authorization".to_owned(), format!("Basic {basic}"))];
    assert_eq!(client.get("/projects/17").0, 401);
    assert_eq!(client.get(STATE).0, 404);
    client.headers = vec![("private-token".to_owned(), TOKEN.to_owned())];
    assert_eq!(client.send("HEAD", "/projects/17", &Value::Null).0, 200);
}

#[test]
fn f20_the_namespace_of_a_project_has_a_number() {
    let mut client = default();
    for project in [17, 51] {
        let (_, shown) = client.get(&format!("/projects/{project}"));
        assert!(shown["namespace"]["id"].is_u64(), "{shown}");
    }
}

#[test]
fn all_projects_are_listed_in_pages() {
    let mut client = default();
    let reply = client.raw("GET", "/projects?per_page=2&order_by=id&sort=asc", "", b"");
    assert_eq!(header(&reply, "x-total"), Some("6"));
    let projects: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((&projects[0]["id"], &projects[1]["id"]), (&json!(1), &json!(17)));
    let found = client.get("/projects?search=shop&membership=true&simple=true").1;
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["path_with_namespace"]),
        (1, &json!("sites/shop"))
    );
}
