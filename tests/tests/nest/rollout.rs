//! Machines in service are taken down a few at a time, and no job on them is killed.

use gosling_engine::fence::Unfenced;
use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;
use gosling_sandbox::WorldName;
use serde_json::{Value, json};

use crate::gosling::said;
use crate::lab::Lab;

/// The one egg with so many machines, whose jobs take so many milliseconds, and these lines in it.
fn lab(machines: usize, job_ms: u64, lines: &str) -> Lab {
    let project = json!({ "id": 17, "path": "apps/app", "ci_tags": ["docker"] });
    let world = json!({ "gitlab": { "projects": [project], "job_ms": job_ms } });
    let lab = Lab::one_in(&world.to_string(), 0);
    lab.machines(machines);
    edit(&lab, "  runner {", &format!("{lines}\n  runner {{"));
    lab
}

fn edit(lab: &Lab, from: &str, to: &str) {
    let egg = lab.read("Eggs/app/config.fly");
    assert!(egg.contains(from), "{egg}");
    lab.write("Eggs/app/config.fly", &egg.replacen(from, to, 1));
}

/// A call that somebody makes by hand.
fn by_hand(lab: &Lab, method: Method, path: &str, body: Body) -> Value {
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let client = Client::new(&endpoint).unwrap();
    let (header, value) = match path.starts_with("/api/v4") {
        true => ("private-token", lab.environment["GITLAB_TOKEN"].clone()),
        false => (
            "authorization",
            format!("PVEAPIToken=gosling@pve!ci={}", lab.environment["PROXMOX_TOKEN"]),
        ),
    };
    let request = Request::new(method, path)
        .header(header, Secret::new(value))
        .body(body);
    let answer = lab.block_on(client.send(&request, &Unfenced)).unwrap();
    assert!(answer.is_success(), "{path}: {answer:?}");
    answer.json().unwrap_or_default()
}

/// Begins so many jobs, each on a machine of its own.
fn begin_jobs(lab: &Lab, jobs: usize) {
    for _ in 0..jobs {
        let body = Body::Json(json!({ "ref": "main" }));
        by_hand(lab, Method::Post, "/api/v4/projects/17/pipeline", body);
    }
    let running = by_hand(
        lab,
        Method::Get,
        "/api/v4/runners/1/jobs?status=running",
        Body::None,
    );
    assert_eq!(running.as_array().unwrap().len(), jobs, "{running:#}");
}

/// How often a call that ends so was made.
fn calls(lab: &Lab, end: &str) -> usize {
    let ledger = lab.running.ledger();
    ledger
        .calls()
        .iter()
        .filter(|call| call.path.ends_with(end))
        .count()
}

/// The fewest machines that were there at once, from the time when all of them first were.
fn fewest(lab: &Lab, machines: usize) -> usize {
    let ledger = lab.running.ledger();
    let objects = ledger.objects().iter();
    let vms = objects.filter(|object| object.kind == "vm" && object.world == WorldName::Proxmox);
    let mut steps: Vec<(u64, i64)> = vms
        .filter(|vm| vm.created.is_some())
        .flat_map(|vm| [vm.created.map(|n| (n, 1)), vm.deleted.map(|n| (n, -1))])
        .flatten()
        .collect();
    steps.sort_unstable();
    let mut there = 0;
    let mut counts = steps.into_iter().map(|(_, step)| {
        there += step;
        usize::try_from(there).unwrap()
    });
    assert!(counts.any(|count| count == machines));
    counts.min().unwrap_or(machines)
}

#[test]
fn no_job_is_killed_whatever_happens_to_its_machine() {
    let lab = lab(2, 1500, "  rollout {\n    max_unavailable = 2\n  }\n");
    lab.green(&["apply", "--yes"]);
    begin_jobs(&lab, 2);
    edit(
        &lab,
        "tags = [\"docker\"]",
        "tags = [\"docker\"]\n    image = \"alpine:3.20\"",
    );
    let text = lab.green(&["apply", "--yes"]);
    assert!(
        text.contains("egg.app: replaces 2 machines, 2 at a time"),
        "{text}"
    );
    begin_jobs(&lab, 2);
    edit(&lab, "memory = 1GiB", "memory = 2GiB");
    let text = lab.green(&["apply", "--yes"]);
    assert!(
        text.contains("egg.app: restarts 2 machines, 2 at a time"),
        "{text}"
    );
    assert!(
        text.contains("0 to create, 2 to change (2 with a restart)"),
        "{text}"
    );
    begin_jobs(&lab, 2);
    lab.machines(1);
    let text = lab.green(&["apply", "--yes"]);
    assert!(
        text.contains("is deleted, because `min_count` of egg.app is 1 now"),
        "{text}"
    );
    begin_jobs(&lab, 1);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.running.ledger().killed_jobs(), []);
    assert_eq!(calls(&lab, "/status/stop"), 0);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn jobs_are_killed_where_somebody_says_so_or_their_time_is_over() {
    for (lines, arguments) in [
        ("", &["destroy", "--yes", "--kill-jobs"][..]),
        (
            "  rollout {\n    drain_timeout = 1s\n  }\n",
            &["destroy", "--yes"],
        ),
        (
            "  rollout {\n    drain_timeout = 0s\n  }\n",
            &["destroy", "--yes"],
        ),
    ] {
        let lab = lab(1, 3_600_000, lines);
        lab.green(&["apply", "--yes"]);
        begin_jobs(&lab, 1);
        lab.green(arguments);
        assert_eq!(
            lab.running.ledger().killed_jobs().len(),
            1,
            "{arguments:?} {lines}"
        );
        assert_eq!(lab.there(), []);
        lab.stop();
    }
}

#[test]
fn a_machine_that_cannot_be_shut_down_is_not_stopped_without_a_word() {
    let lab = lab(1, 1000, "");
    lab.green(&["apply", "--yes"]);
    lab.fault(r#"{"method": "POST", "path": "*/status/shutdown", "kind": "status", "code": 500}"#);
    let output = lab.run(&["destroy", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(lab.kinds()["vm"], 1);
    lab.green(&["destroy", "--yes", "--kill-jobs"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// A machine without the unit that waits for its jobs.
#[test]
fn the_jobs_of_a_machine_of_an_earlier_version_are_waited_for_at_gitlab() {
    let lab = lab(1, 2000, "");
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "state.json"]);
    let state = lab.read("state.json");
    assert!(state.contains("KillSignal=SIGQUIT"));
    lab.write(
        "state.json",
        &state.replace("KillSignal=SIGQUIT", "KillSignal=SIGTERM"),
    );
    lab.green(&["state", "push", "state.json"]);
    let waits = "egg.app.vm[0]: an earlier gosling created it, so its shutdown ends its jobs: apply waits until GitLab \
                 shows none, for 1h at most";
    let plan = lab.green(&["plan", "--destroy"]);
    assert!(plan.contains(waits), "{plan}");
    // Nobody says whether it runs a job.
    lab.fault(
        r#"{"method": "GET", "path": "*/runners/1/managers", "nth": "every", "kind": "status", "code": 403}"#,
    );
    let words = said(&lab.ended(&["destroy", "--yes"], 1));
    assert!(
        words.contains("GitLab does not say whether it runs any")
            && words.contains("`--kill-jobs` stops it anyway"),
        "{words}"
    );
    assert_eq!(lab.kinds()["vm"], 1);
    lab.end_faults();
    begin_jobs(&lab, 1);
    let text = lab.green(&["destroy", "--yes"]);
    assert!(
        text.contains("egg.app.vm[0]: waiting until GitLab shows no running job of it"),
        "{text}"
    );
    assert_eq!(lab.running.ledger().killed_jobs(), []);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_pool_goes_on_working_while_its_machines_are_replaced() {
    for (lines, fewest_of) in [
        ("", 2),
        ("  rollout {\n    create_before_delete = true\n  }\n", 3),
    ] {
        let lab = lab(3, 1000, lines);
        lab.green(&["apply", "--yes"]);
        edit(
            &lab,
            "tags = [\"docker\"]",
            "tags = [\"docker\"]\n    concurrent = 2",
        );
        lab.green(&["apply", "--yes"]);
        assert_eq!(fewest(&lab, 3), fewest_of, "{lines}");
        assert_eq!(lab.kinds()["vm"], 3);
        assert!(lab.green(&["plan"]).contains("No changes"));
        lab.stop();
    }
}

#[test]
fn a_plan_shows_which_lines_of_a_machines_configuration_change() {
    let lab = lab(2, 1000, "");
    lab.green(&["apply", "--yes"]);
    edit(
        &lab,
        "tags = [\"docker\"]",
        "tags = [\"docker\"]\n    image = \"alpine:3.20\"",
    );
    let text = lab.green(&["plan"]);
    assert!(
        text.contains("        - image = \"alpine:3\"\n        + image = \"alpine:3.20\"\n"),
        "{text}"
    );
    assert!(
        text.contains("        the same lines as in egg.app.vm[0]\n"),
        "{text}"
    );
    let json: Value = serde_json::from_slice(&lab.run(&["plan", "--json"]).stdout).unwrap();
    assert_eq!(json["plan"]["rollouts"][0]["at_once"], 1);
    assert_eq!(
        json["plan"]["rollouts"][0]["replaced"],
        json!(["egg.app.vm[0]", "egg.app.vm[1]"])
    );
    lab.stop();
}

#[test]
fn what_somebody_else_left_pending_restarts_no_machine() {
    let lab = lab(1, 1000, "");
    lab.green(&["apply", "--yes"]);
    let vm = lab
        .there()
        .into_iter()
        .find(|object| object.kind == "vm")
        .unwrap();
    let list = by_hand(
        &lab,
        Method::Get,
        "/api2/json/cluster/resources?type=vm",
        Body::None,
    );
    let vmid: u64 = vm.id.parse().unwrap();
    let own = |entry: &&Value| entry["vmid"] == vmid;
    let node = list["data"].as_array().unwrap().iter().find(own).unwrap()["node"].clone();
    let path = format!(
        "/api2/json/nodes/{}/qemu/{}/config",
        node.as_str().unwrap(),
        vm.id
    );
    let form = |pairs: [(&str, &str); 2]| {
        Body::Form(
            pairs
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
        )
    };
    by_hand(
        &lab,
        Method::Put,
        &path,
        form([("memory", "4096"), ("tags", "other")]),
    );
    let text = lab.green(&["apply", "--yes"]);
    assert!(text.contains("egg.app.vm[0]"), "{text}");
    assert_eq!(calls(&lab, "/status/shutdown"), 0, "{text}");
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

#[test]
fn what_would_cut_a_machine_off_or_keep_it_down_is_refused_before_anything_is_changed() {
    let lab = lab(1, 1000, "");
    lab.green(&["apply", "--yes"]);
    let changes = lab.changes();
    for (from, to, words) in [
        (
            "pool = \"ci\"",
            "pool = \"ci\"\n    bridge = \"vmbr9\"",
            "there is no bridge or vnet `vmbr9` on",
        ),
        (
            "cpu = 1",
            "cpu = 100",
            "CPUs, and would not start a machine with 100",
        ),
        (
            "memory = 1GiB",
            "memory = 900GiB",
            "of memory, and the machine would have 900 GiB",
        ),
    ] {
        let egg = lab.read("Eggs/app/config.fly");
        edit(&lab, from, to);
        let output = lab.run(&["apply", "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
        assert_eq!(lab.changes(), changes);
        lab.write("Eggs/app/config.fly", &egg);
    }
    lab.stop();
}

#[test]
fn a_machine_gets_what_render_prints() {
    let lab = lab(2, 1000, "");
    let calls = lab.calls();
    let config = lab.green(&["render", "app", "config.toml", "--machine", "1"]);
    for line in [
        "name = \"one-app-1\"",
        "executor = \"docker\"",
        "token = \"${store://",
    ] {
        assert!(config.contains(&format!("\n{line}")), "{config}");
    }
    let all = lab.green(&["render", "egg.app"]);
    for words in [
        "==> egg.app.vm[0] user-data <==\n#cloud-config\n",
        "==> egg.app.vm[0] config.toml <==",
        "has no network-config",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
    let json: Value = serde_json::from_slice(&lab.run(&["render", "app", "--json"]).stdout).unwrap();
    assert_eq!(
        (json["address"].as_str(), &json["network_config"]),
        (Some("egg.app.vm[0]"), &Value::Null)
    );
    for (arguments, words) in [
        (&["render", "apq"][..], "the Nest has no egg `apq` with machines"),
        (
            &["render", "app", "--machine", "2"],
            "`--machine` counts from 0 to 1",
        ),
    ] {
        let output = lab.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
    assert_eq!(lab.calls(), calls, "it asks nobody");
    lab.stop();
}

#[test]
fn a_plan_says_what_is_written_and_has_no_effect_in_this_release() {
    let lab = lab(1, 1000, "");
    let words = "note: no server runs this Nest; until one does, `pruning` and `max_count` in UF/config.fly have no effect";
    assert!(lab.green(&["plan"]).contains(words));
    assert!(lab.green(&["apply", "--yes"]).contains(words));
    lab.stop();
}

/// The token of the machines ends with their runner record, so that none can wait for another.
#[test]
fn a_plan_says_that_machines_go_all_at_once_with_their_runner() {
    for more in ["", "  rollout {\n    create_before_delete = true\n  }\n"] {
        let lab = lab(3, 0, more);
        lab.green(&["apply", "--yes"]);
        let text = lab.green(&["apply", "--yes", "--replace", "egg.app.runner"]);
        let words =
            "egg.app: replaces 3 machines, all at once, because their runner is replaced; running jobs have";
        assert!(text.contains(words), "{text}");
        assert_eq!(fewest(&lab, 3), 0);
        lab.stop();
    }
}

#[test]
fn a_rolling_change_waits_at_its_end_for_its_last_machine_alone() {
    let lab = lab(3, 0, "");
    lab.green(&["apply", "--yes"]);
    let text = lab.green(&["apply", "--yes", "--replace", "egg.app.vm"]);
    assert!(text.contains("replaces 3 machines, 1 at a time"), "{text}");
    assert!(text.contains("waiting for 1 machine to contact GitLab"), "{text}");
    assert!(!text.contains("waiting for 3 machines"), "{text}");
    lab.stop();
}
