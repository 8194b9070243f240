//! Sessions of other people's crates, `gitlab` and Collabora's `gitlab-runner`, which know nothing of the sandbox. They
//! are built apart, in `tests/stand-in-runner`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use gosling_sandbox::Running;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{export, sandbox, wire};

/// A program of `tests/stand-in-runner`, if somebody has built it and says where. In CI somebody does.
fn program(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("GOSLING_STAND_IN_RUNNER").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: GOSLING_STAND_IN_RUNNER does not say where tests/stand-in-runner was built");
    }
    Some(found?.with_file_name(name))
}

/// The body of GitLab's answer to a call with the token.
async fn text(running: &Running, method: &str, path: &str, body: &Value) -> String {
    let token = export(running, "GITLAB_TOKEN");
    let body = body.to_string();
    let request = format!(
        "{method} /api/v4{path} HTTP/1.1\r\nhost: gitlab\r\nprivate-token: {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = wire::exchange(running, &request).await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn send(running: &Running, method: &str, path: &str, body: &Value) -> Value {
    let answer = text(running, method, path, body).await;
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_others_wrote_takes_a_job() {
    let Some(program) = program("stand-in-runner") else {
        return;
    };
    let running = sandbox("[]").await;
    let runner = json!({ "runner_type": "project_type", "project_id": 17, "tag_list": ["lab"] });
    let runner = send(&running, "POST", "/user/runners", &runner).await;
    let folder = tempfile::tempdir().unwrap();
    let (ca, config) = (folder.path().join("ca.pem"), folder.path().join("config.toml"));
    std::fs::write(&ca, running.ca_pem()).unwrap();
    let toml = format!(
        "[[runners]]\nurl = \"{}\"\ntoken = {}\n",
        running.url(),
        runner["token"]
    );
    std::fs::write(&config, toml).unwrap();
    let variables = json!([{ "key": "GOSLING_SMOKE_TAGS", "value": "lab" }]);
    let pipeline = json!({ "ref": "main", "variables": variables });
    let pipeline = send(&running, "POST", "/projects/17/pipeline", &pipeline).await;

    let mut stand_in = Command::new(program)
        .args(["run", "--jobs", "1", "--config"])
        .arg(&config)
        .env("SSL_CERT_FILE", &ca)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(120), stand_in.wait()).await;
    assert!(ended.expect("the job does not end").unwrap().success());

    let jobs = format!("/projects/17/pipelines/{}/jobs", pipeline["id"]);
    let job = send(&running, "GET", &jobs, &Value::Null).await[0].clone();
    assert_eq!(
        (&job["status"], &job["runner"]["id"]),
        (&json!("success"), &runner["id"])
    );
    let trace = text(
        &running,
        "GET",
        &format!("/projects/17/jobs/{}/trace", job["id"]),
        &Value::Null,
    )
    .await;
    assert!(
        trace.contains("$ echo it runs") && trace.contains("Script: done"),
        "{trace}"
    );
    let shown = send(
        &running,
        "GET",
        &format!("/runners/{}", runner["id"]),
        &Value::Null,
    )
    .await;
    assert_eq!(
        (&shown["status"], &shown["revision"]),
        (&json!("online"), &json!("stand-in"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_others_wrote_makes_runners_hooks_and_a_pipeline() {
    let Some(program) = program("gitlab-session") else {
        return;
    };
    let running = sandbox("[]").await;
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), running.ca_pem()).unwrap();
    let session = Command::new(program)
        .arg(running.url().trim_start_matches("https://"))
        .arg(export(&running, "GITLAB_TOKEN"))
        .env("SSL_CERT_FILE", ca.path())
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(120), session).await;
    let output = output.expect("the session does not end").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\n");
    let ledger = running.ledger();
    let made = ledger.objects().iter().filter(|object| object.created.is_some());
    assert_eq!(made.clone().count(), 46, "45 runners and a hook");
    assert!(made.clone().all(|object| object.deleted.is_some()));
}
