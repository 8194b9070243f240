#![allow(clippy::unwrap_used, clippy::panic)]

mod faithful;
mod machines;

use std::time::Duration;

use serde_json::{Value, json};

use super::Gitlab;
use crate::call::pairs;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::world::{GitlabWorld, Tier};
use crate::{Boot, Call, Reply, World as _, WorldName};

const TOKEN: &str = "glpat-sandbox";

struct Client {
    gitlab: Gitlab,
    ledger: Ledger,
    at: Duration,
    headers: Vec<(String, String)>,
}

impl Client {
    fn new(world: &GitlabWorld) -> Self {
        Self {
            gitlab: Gitlab::new(world, TOKEN, Dice::new(7)),
            ledger: Ledger::default(),
            at: Duration::ZERO,
            headers: vec![("private-token".to_owned(), TOKEN.to_owned())],
        }
    }

    /// Sends a call; what follows a `?` in the path is its query.
    fn raw(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = self.headers.clone();
        headers.push(("content-type".to_owned(), kind.to_owned()));
        headers.push(("host".to_owned(), "gitlab.test:8443".to_owned()));
        let call = Call {
            method: method.to_owned(),
            path: format!("/api/v4{path}"),
            query: pairs(query),
            headers,
            body: body.to_vec(),
            at: self.at,
        };
        self.gitlab.pass(self.at, &mut self.ledger);
        let n = self.ledger.begin(WorldName::Gitlab, method, path);
        let reply = self.gitlab.answer(n, &call, &mut self.ledger);
        self.ledger.answered(n, reply.status);
        reply
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let reply = self.raw(method, path, "application/json", &body);
        (
            reply.status,
            serde_json::from_slice(&reply.body).unwrap_or_default(),
        )
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.send("GET", path, &Value::Null)
    }

    fn changes(&self) -> bool {
        self.ledger.calls().last().unwrap().changes
    }

    /// A runner of project 17 for jobs with these tags: its number and token.
    fn runner(&mut self, tags: &str) -> (u64, String) {
        let runner = json!({
            "runner_type": "project_type", "project_id": 17, "description": "gosling/app",
            "maintenance_note": "made by gosling", "tag_list": tags, "run_untagged": false,
        });
        let (status, made) = self.send("POST", "/user/runners", &runner);
        assert_eq!(status, 201, "{made}");
        (
            made["id"].as_u64().unwrap(),
            made["token"].as_str().unwrap().to_owned(),
        )
    }

    fn boot(&mut self, user_data: &str) {
        let boot = Boot {
            machine: "qemu/101".to_owned(),
            user_data: Some(user_data.as_bytes().to_vec()),
            instance: None,
        };
        self.gitlab.booted(&boot, self.at, &mut self.ledger);
    }
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut headers = reply.headers.iter();
    headers
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn default() -> Client {
    Client::new(&GitlabWorld::default())
}

#[test]
fn nothing_is_said_to_who_has_no_token() {
    let mut client = default();
    client.headers.clear();
    assert_eq!(
        client.get("/version"),
        (401, json!({ "message": "401 Unauthorized" }))
    );
    client.headers = vec![("authorization".to_owned(), format!("Bearer {TOKEN}"))];
    assert_eq!(client.get("/version").1["version"], "18.5.0");
    assert_eq!(client.get("/nothing"), (404, json!({ "error": "404 Not Found" })));
}

#[test]
fn a_runner_lives_and_dies() {
    let mut client = default();
    let (id, token) = client.runner("linux,docker");
    assert!(token.starts_with("glrt-t3_"), "{token}");
    let (_, shown) = client.get(&format!("/runners/{id}"));
    assert_eq!(shown["status"], "never_contacted");
    assert_eq!(shown["online"], Value::Null);
    assert_eq!(shown["tag_list"], json!(["docker", "linux"]));
    assert_eq!(shown["projects"][0]["path_with_namespace"], "apps/app");
    assert!(!shown.to_string().contains(&token));

    let path = format!("/runners/{id}");
    let (status, shown) = client.send("PUT", &path, &json!({ "paused": true, "description": "other" }));
    assert_eq!(
        (status, &shown["paused"], &shown["active"]),
        (200, &json!(true), &json!(false))
    );
    assert!(client.changes());
    client.send("PUT", &path, &json!({ "paused": true }));
    assert!(!client.changes(), "an update that changes nothing is no change");

    let (status, reset) = client.send(
        "POST",
        &format!("{path}/reset_authentication_token"),
        &Value::Null,
    );
    assert_eq!(status, 201);
    assert_ne!(reset["token"], json!(token));
    assert_eq!(
        client
            .send("POST", "/runners/verify", &json!({ "token": token }))
            .0,
        403
    );
    let verified = client.send(
        "POST",
        "/runners/verify",
        &json!({ "token": reset["token"], "system_id": "s_1" }),
    );
    assert_eq!((verified.0, &verified.1["id"]), (200, &json!(id)));
    assert_eq!(client.get(&path).1["status"], "never_contacted");
    let ask = json!({ "token": reset["token"], "system_id": "s_1" });
    assert_eq!(client.send("POST", "/jobs/request", &ask).0, 204);
    assert_eq!(client.get(&path).1["status"], "online");
    client.at += Duration::from_secs(2 * 3600 + 1);
    assert_eq!(client.get(&path).1["status"], "offline");
    client.at += Duration::from_secs(7 * 24 * 3600);
    assert_eq!(client.get(&path).1["status"], "stale");
    assert_eq!(client.get(&format!("{path}/managers")).1[0]["system_id"], "s_1");

    assert_eq!(client.send("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(client.get(&path), (404, json!({ "message": "404 Not found" })));
    let object = &client.ledger.objects()[0];
    assert_eq!(object.marker, "made by gosling gosling/app docker linux");
    assert_eq!((object.name.as_str(), object.created), ("other", Some(1)));
    assert!(object.deleted.is_some());
}

#[test]
fn what_a_runner_may_not_be_is_said_in_gitlabs_words() {
    let mut client = default();
    let mut refused = |body: Value| {
        let (status, refusal) = client.send("POST", "/user/runners", &body);
        assert!(!client.changes());
        (status, refusal)
    };
    let error = |text: &str| (400, json!({ "error": text }));
    let message = |status, text: &str| (status, json!({ "message": text }));
    assert_eq!(
        refused(json!({})),
        error("runner_type is missing, runner_type does not have a valid value")
    );
    assert_eq!(
        refused(json!({ "runner_type": "mine" })),
        error("runner_type does not have a valid value")
    );
    assert_eq!(
        refused(json!({ "runner_type": "group_type" })),
        error("group_id is missing")
    );
    let project = |field: &str, value: Value| {
        let mut runner = json!({ "runner_type": "project_type", "project_id": 17 });
        runner[field] = value;
        runner
    };
    assert_eq!(
        refused(project("paused", json!("maybe"))),
        error("paused is invalid")
    );
    assert_eq!(
        refused(project("project_id", json!(999))),
        message(403, "403 Forbidden - Insufficient permissions")
    );
    assert_eq!(
        refused(project("maximum_timeout", json!(60))),
        message(
            400,
            "400 Bad request - Maximum timeout needs to be at least 10 minutes"
        )
    );
    assert_eq!(
        refused(project("run_untagged", json!(false))),
        message(
            400,
            "400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs"
        )
    );
    assert_eq!(
        refused(project("maintenance_note", json!("x".repeat(1025)))),
        message(
            400,
            "400 Bad request - Maintenance note is too long (maximum is 1024 characters)"
        )
    );
    let gone = client.send("POST", "/runners", &json!({ "token": "GR1348941" }));
    assert_eq!(gone.0, 410);
}

#[test]
fn forms_say_the_same_as_json() {
    let mut client = default();
    let form = b"runner_type=project_type&project_id=17&tag_list[]=a%20b&tag_list[]=c&locked=1";
    let reply = client.raw("POST", "/user/runners", "application/x-www-form-urlencoded", form);
    assert_eq!(reply.status, 201);
    let (_, shown) = client.get("/runners/1");
    assert_eq!(
        (&shown["tag_list"], &shown["locked"]),
        (&json!(["a b", "c"]), &json!(true))
    );
}

#[test]
fn fifty_runners_are_enough_without_a_licence() {
    let mut client = default();
    for _ in 0..50 {
        client.runner("a");
    }
    let more = json!({ "runner_type": "project_type", "project_id": 17 });
    let (status, refused) = client.send("POST", "/user/runners", &more);
    let words = "400 Bad request - Runner projects base Maximum number of ci registered project runners (50) exceeded";
    assert_eq!((status, refused), (400, json!({ "message": words })));
    let elsewhere = json!({ "runner_type": "project_type", "project_id": 41 });
    assert_eq!(client.send("POST", "/user/runners", &elsewhere).0, 201);
}

#[test]
fn lists_come_in_pages_that_lead_to_each_other() {
    let mut client = default();
    for index in 0..5 {
        client.runner(if index % 2 == 0 { "even,all" } else { "odd,all" });
    }
    let reply = client.raw(
        "GET",
        "/projects/apps%2Fapp/runners?tag_list=all&per_page=2",
        "",
        b"",
    );
    let items: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(items.as_array().unwrap().len(), 2);
    assert_eq!(header(&reply, "x-total"), Some("5"));
    assert_eq!(header(&reply, "x-next-page"), Some("2"));
    let next = "<https://gitlab.test:8443/api/v4/projects/apps%2Fapp/runners?page=2&per_page=2&tag_list=all>; rel=\"next\"";
    assert!(header(&reply, "link").unwrap().starts_with(next));
    let reply = client.raw(
        "GET",
        "/projects/17/runners?tag_list=all&per_page=2&page=3",
        "",
        b"",
    );
    assert_eq!(header(&reply, "x-next-page"), Some(""));
    assert!(!header(&reply, "link").unwrap().contains("next"));
    let (_, even) = client.get("/runners?tag_list=even,all");
    assert_eq!(even.as_array().unwrap().len(), 3);
    assert_eq!(client.get("/projects/41/runners").1, json!([]));
    assert_eq!(
        client.get("/runners?status=sleeping"),
        (400, json!({ "error": "status does not have a valid value" }))
    );
}

#[test]
fn a_hook_never_tells_its_token() {
    let mut client = default();
    let hook = json!({ "url": "https://goose.test/app", "token": "s3cret", "job_events": true });
    let (status, made) = client.send("POST", "/projects/17/hooks", &hook);
    assert_eq!(
        (status, &made["job_events"], &made["push_events"]),
        (201, &json!(true), &json!(true))
    );
    let path = format!("/projects/17/hooks/{}", made["id"]);
    let (_, shown) = client.get(&path);
    assert_eq!(shown, made);
    assert!(!shown.to_string().contains("s3cret"));
    client.send("PUT", &path, &json!({ "push_events": true }));
    assert!(!client.changes());
    client.send("PUT", &path, &json!({ "token": "another" }));
    assert!(client.changes(), "another token is a change that nobody can see");
    assert_eq!(
        client.send("POST", "/projects/17/hooks", &json!({ "url": "ftp://x" })),
        (422, json!({ "error": "Invalid url given" }))
    );
    assert_eq!(client.send("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(client.send("DELETE", &path, &Value::Null).0, 404);
    let object = &client.ledger.objects()[0];
    assert_eq!(object.id, "project/17/hook/1");
    assert_eq!(object.marker, "https://goose.test/app");
}

#[test]
fn group_hooks_need_a_licence() {
    let hook = json!({ "url": "https://goose.test/app" });
    let mut free = default();
    assert_eq!(
        free.send("POST", "/groups/5/hooks", &hook),
        (404, json!({ "error": "404 Not Found" }))
    );
    let mut premium = Client::new(&GitlabWorld {
        tier: Tier::Premium,
        ..GitlabWorld::default()
    });
    let (status, made) = premium.send("POST", "/groups/platform/hooks", &hook);
    assert_eq!((status, &made["group_id"]), (201, &json!(5)));
}

#[test]
fn a_group_has_the_projects_of_its_subgroups_on_demand() {
    let mut world = GitlabWorld::default();
    let mut deep = world.groups[0].clone();
    (deep.id, deep.path, deep.parent) = (6, "platform/deep".to_owned(), Some(5));
    world.groups.push(deep);
    let mut inner = world.projects[0].clone();
    (inner.id, inner.path, inner.group) = (61, "platform/deep/inner".to_owned(), Some(6));
    world.projects.push(inner);
    let mut client = Client::new(&world);
    let ids = |projects: &Value| -> Vec<_> {
        let projects = projects.as_array().unwrap().iter();
        projects.map(|project| project["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(&client.get("/groups/5/projects?sort=asc").1), [51, 52]);
    assert_eq!(
        ids(&client.get("/groups/platform/projects?include_subgroups=true").1),
        [61, 52, 51]
    );
    assert_eq!(
        client.get("/projects/99"),
        (404, json!({ "message": "404 Project Not Found" }))
    );

    let runner = json!({ "runner_type": "group_type", "group_id": 5, "run_untagged": true });
    client.send("POST", "/user/runners", &runner);
    assert_eq!(client.get("/projects/61/runners").1.as_array().unwrap().len(), 1);
    assert_eq!(client.get("/projects/17/runners").1.as_array().unwrap().len(), 0);
}

#[test]
fn a_runner_of_flesh_takes_a_job() {
    let mut client = default();
    let (id, token) = client.runner("linux,big");
    let run =
        |tags: &str| json!({ "ref": "main", "variables": [{ "key": "GOSLING_SMOKE_TAGS", "value": tags }] });
    let (status, pipeline) = client.send("POST", "/projects/17/pipeline", &run("linux,windows"));
    assert_eq!((status, &pipeline["status"]), (201, &json!("pending")));
    let ask = json!({ "token": token, "system_id": "r_1", "info": { "version": "18.0" } });
    assert_eq!(client.send("POST", "/jobs/request", &ask).0, 204);
    let (_, pipeline) = client.send("POST", "/projects/17/pipeline", &run("big"));
    let (status, job) = client.send("POST", "/jobs/request", &ask);
    assert_eq!(status, 201);
    assert_eq!(client.send("POST", "/jobs/request", &ask).0, 204);
    assert_eq!(
        client.send("POST", "/jobs/request", &json!({ "token": "no" })).0,
        403
    );

    let path = format!("/jobs/{}", job["id"]);
    let key = ("job-token".to_owned(), job["token"].as_str().unwrap().to_owned());
    client.headers.push(key);
    let reply = client.raw("PATCH", &format!("{path}/trace"), "text/plain", b"hello");
    assert_eq!(reply.status, 400);
    client
        .headers
        .push(("content-range".to_owned(), "0-4".to_owned()));
    let reply = client.raw("PATCH", &format!("{path}/trace"), "text/plain", b"hello");
    assert_eq!((reply.status, header(&reply, "range")), (202, Some("0-5")));
    assert_eq!(header(&reply, "job-status"), Some("running"));
    let reply = client.raw("PATCH", &format!("{path}/trace"), "text/plain", b"hello");
    assert_eq!((reply.status, header(&reply, "range")), (416, Some("0-5")));
    client.at += Duration::from_secs(3);
    let end = json!({ "token": job["token"], "state": "success" });
    assert_eq!(client.send("PUT", &path, &end).0, 200);
    assert_eq!(client.send("PUT", &path, &end).0, 403);

    let (_, shown) = client.get(&format!("/projects/17/pipelines/{}/jobs", pipeline["id"]));
    assert_eq!(shown[0]["status"], "success");
    assert_eq!(
        shown[0]["runner"],
        json!({ "id": id, "description": "gosling/app" })
    );
    assert_eq!(shown[0]["duration"], 3.0);
    let trace = client.raw("GET", &format!("/projects/17/jobs/{}/trace", job["id"]), "", b"");
    assert_eq!(trace.body, b"hello");
}

#[test]
fn too_many_calls_have_to_wait() {
    let mut client = Client::new(&GitlabWorld {
        rate_limit: Some(10),
        ..GitlabWorld::default()
    });
    let replies: Vec<_> = (0..40).map(|_| client.raw("GET", "/version", "", b"")).collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert_eq!(refused.len(), 30);
    let told = refused
        .iter()
        .filter(|reply| header(reply, "retry-after").is_some())
        .count();
    assert!(
        (1..30).contains(&told),
        "{told} of 30 refusals say when to come back"
    );
    client.at += Duration::from_secs(60);
    assert_eq!(client.get("/version").0, 200);
}

#[test]
fn what_was_renamed_sends_its_readers_on_and_its_writers_away() {
    let mut world = GitlabWorld::default();
    let mut projects = world.projects.iter_mut();
    let app = projects.find(|project| project.path == "apps/app").unwrap();
    app.was = vec!["old/app".to_owned()];
    let mut client = Client::new(&world);
    let reply = client.raw("GET", "/projects/old%2Fapp/hooks", "", b"");
    assert_eq!(reply.status, 301);
    assert_eq!(
        header(&reply, "location"),
        Some("https://gitlab.test:8443/api/v4/projects/17/hooks")
    );
    let (status, _) = client.send(
        "POST",
        "/projects/old%2Fapp/hooks",
        &json!({ "url": "https://goose.test" }),
    );
    assert_eq!(status, 405);
    assert!(!client.changes());
}

#[test]
fn what_is_there_for_another_verb_is_not_allowed() {
    let mut client = default();
    assert_eq!(
        client.send("PATCH", "/projects/17/hooks", &json!({})),
        (405, json!({ "error": "405 Not Allowed" }))
    );
}

#[test]
fn the_ledger_tells_no_token() {
    let mut ledger = Ledger::default();
    ledger.begin(
        WorldName::Gitlab,
        "DELETE",
        "/api/v4/runners?a=1&token=glrt-canary",
    );
    assert_eq!(ledger.calls()[0].path, "/api/v4/runners?a=1&token=...");
}

#[test]
fn a_project_that_refuses_answers_no_call_about_it() {
    for (status, words, listed) in [
        (403, "403 Forbidden", true),
        (404, "404 Project Not Found", false),
    ] {
        let mut world = GitlabWorld::default();
        for project in world.projects.iter_mut().filter(|project| project.id == 17) {
            project.refuses = Some(status);
        }
        let mut client = Client::new(&world);
        for path in ["/projects/17", "/projects/17/hooks", "/projects/apps%2Fapp"] {
            assert_eq!(client.get(path), (status, json!({ "message": words })), "{path}");
        }
        let runner = json!({ "runner_type": "project_type", "project_id": 17 });
        assert_eq!(client.send("POST", "/user/runners", &runner).0, 403);
        assert_eq!(client.get("/projects/41").0, 200);
        let all = client.get("/projects?per_page=100").1;
        let ids = all
            .as_array()
            .unwrap()
            .iter()
            .map(|project| project["id"].as_u64());
        assert_eq!(ids.flatten().any(|id| id == 17), listed);
    }
}
