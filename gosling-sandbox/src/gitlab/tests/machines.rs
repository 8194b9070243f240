//! From user-data to a job.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, default};

/// User-data of a machine that runs a runner with this token.
fn cloud_config(token: &str) -> String {
    format!(
        r#"#cloud-config
write_files:
  - path: /etc/gitlab-runner/config.toml
    permissions: "0600"
    content: |
      concurrent = 2
      [[runners]]
        name = "app"
        url = "https://gitlab.lab.example.com"
        token = "{token}"
        executor = "docker"
        limit = 1
        [runners.docker]
          image = "alpine:3"
runcmd:
  - [systemctl, enable, --now, gitlab-runner.service]
"#
    )
}

#[test]
fn a_machine_that_boots_goes_online_and_takes_its_job() {
    let mut client = default();
    let (id, token) = client.runner("linux");
    let run = json!({ "ref": "main", "variables": [{ "key": "GOSLING_SMOKE_TAGS", "value": "linux" }] });
    let first = client.send("POST", "/projects/17/pipeline", &run).1["id"].clone();
    let second = client.send("POST", "/projects/17/pipeline", &run).1["id"].clone();
    client.boot(&cloud_config(&token));
    assert_eq!(client.gitlab.silent(), []);
    let (_, shown) = client.get(&format!("/runners/{id}"));
    assert_eq!(
        (&shown["status"], &shown["job_execution_status"]),
        (&json!("online"), &json!("active"))
    );
    let status = |client: &mut Client, pipeline: &Value| {
        client.get(&format!("/projects/17/pipelines/{pipeline}")).1["status"].clone()
    };
    assert_eq!(
        (status(&mut client, &first), status(&mut client, &second)),
        (json!("running"), json!("pending"))
    );
    client.at += Duration::from_secs(1);
    assert_eq!(
        (status(&mut client, &first), status(&mut client, &second)),
        (json!("success"), json!("running"))
    );
    client.at += Duration::from_secs(1);
    assert_eq!(status(&mut client, &second), json!("success"));
    let (_, jobs) = client.get(&format!("/runners/{id}/jobs?sort=asc"));
    assert_eq!(jobs.as_array().unwrap().len(), 2);
    let trace = client.raw(
        "GET",
        &format!("/projects/17/jobs/{}/trace", jobs[0]["id"]),
        "",
        b"",
    );
    assert!(trace.body.ends_with(b"Job succeeded\n"));

    client.at += Duration::from_secs(3 * 3600);
    assert_eq!(client.get(&format!("/runners/{id}")).1["status"], "online");
    client.gitlab.stopped("qemu/101", client.at, &mut client.ledger);
    client.at += Duration::from_secs(3 * 3600);
    assert_eq!(client.get(&format!("/runners/{id}")).1["status"], "offline");
}

#[test]
fn a_machine_says_why_it_is_silent() {
    let mut client = default();
    let (_, token) = client.runner("linux");
    let good = cloud_config(&token);
    let mut reason = |user_data: &str| {
        client.boot(user_data);
        let silent = client.gitlab.silent();
        assert_eq!(silent.len(), 1, "{user_data}");
        silent[0].1.clone()
    };
    assert_eq!(
        reason(&good.replace("#cloud-config", "# cloud-config")),
        "the user-data begins with `# cloud-config`, which cloud-init does not know"
    );
    assert_eq!(
        reason(&good.replace("0600", "0644")),
        "/etc/gitlab-runner/config.toml holds a token and has the permissions 0644, not 0600"
    );
    assert_eq!(
        reason(&good.replace("    permissions: \"0600\"\n", "")),
        "/etc/gitlab-runner/config.toml holds a token and has the permissions 0644, not 0600"
    );
    assert_eq!(
        reason(&good.replace("config.toml", "config.tml")),
        "the user-data writes no /etc/gitlab-runner/config.toml"
    );
    assert_eq!(
        reason(&good.replace(&token, "glrt-another")),
        "GitLab refuses the token of the runner `app`"
    );
    assert_eq!(
        reason(&good.replace("gitlab-runner.service", "docker.service")),
        "nothing starts gitlab-runner: no command of the user-data does, and no package of it is installed"
    );
    assert_eq!(
        reason(&good.replace("alpine:3", "")),
        "/etc/gitlab-runner/config.toml: the runner `app` has no docker image"
    );
    assert!(
        reason(&good.replace("limit = 1", "limit = "))
            .starts_with("/etc/gitlab-runner/config.toml is not valid")
    );
    assert!(reason(&good.replace("runcmd:", "runcmd: }")).starts_with("the cloud-config is not valid"));
    client.boot(&good);
    assert_eq!(client.gitlab.silent(), []);
}

#[test]
fn user_data_comes_in_all_of_cloud_inits_wrappings() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use std::io::Write as _;

    let mut client = default();
    let (_, token) = client.runner("linux");
    let plain = cloud_config(&token);
    let toml = plain
        .split("    content: |\n")
        .nth(1)
        .unwrap()
        .split("runcmd")
        .next()
        .unwrap();
    let toml = toml.replace("\n      ", "\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(toml.trim_start().as_bytes()).unwrap();
    let packed = STANDARD.encode(gzip.finish().unwrap());
    let script = STANDARD
        .encode("#!/bin/sh\nset -e\nexec gitlab-runner run --config /etc/gitlab-runner/config.toml\n");
    let wrapped = format!(
        "#cloud-config\nwrite_files:\n- {{path: /etc/gitlab-runner/config.toml, permissions: '0600', encoding: gz+b64, \
         content: {packed}}}\n- {{path: /opt/start, encoding: b64, content: {script}}}\nruncmd:\n- /opt/start\n"
    );
    client.boot(&wrapped);
    assert_eq!(client.gitlab.silent(), []);
    let mime = format!(
        "Content-Type: multipart/mixed; boundary=\"==x==\"\nMIME-Version: 1.0\n\n--==x==\n\
         Content-Type: text/cloud-config\n\n{plain}\n--==x==--\n"
    );
    client.boot(&mime);
    assert_eq!(client.gitlab.silent(), []);
    client.boot(&mime.replace("systemctl", "echo"));
    assert_eq!(client.gitlab.silent().len(), 1);
}
