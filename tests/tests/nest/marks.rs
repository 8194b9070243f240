//! What gosling made and no longer knows, or no longer recognises: markers by hand, orphans, adoption, imports, secrets.

use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;
use serde_json::{Value as Json, json};

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// A call that a person makes at a service.
pub(crate) fn by_hand(lab: &Lab, method: Method, path: &str, body: Json) -> Json {
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let (name, token, body) = match path.starts_with("/api2/") {
        true => {
            let token = format!("PVEAPIToken=root@pam!other={}", lab.environment["PROXMOX_TOKEN"]);
            let pairs = body.as_object().into_iter().flatten();
            let pairs = pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
            ("authorization", token, Body::Form(pairs.collect()))
        }
        false => (
            "private-token",
            lab.environment["GITLAB_TOKEN"].clone(),
            Body::Json(body),
        ),
    };
    let mut request = Request::new(method, path).header(name, Secret::new(token));
    if method != Method::Get {
        request = request.body(body);
    }
    let client = Client::new(&endpoint).unwrap();
    let answer = lab
        .block_on(client.send(&request, &gosling_engine::fence::Unfenced))
        .unwrap();
    assert!(answer.is_success(), "{answer:?}");
    answer.json().unwrap()
}

pub(crate) fn refused(lab: &Lab, arguments: &[&str], words: &[&str]) {
    let changes = lab.changes();
    let output = lab.run(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    for words in words {
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert_eq!(lab.changes(), changes, "{arguments:?}: {said}");
}

const VM: &str = "/api2/json/nodes/pve1/qemu/5000/config";

/// F1, F3, G1: notes are where people write.
#[test]
fn what_people_write_around_the_marker_changes_nothing_and_a_lost_marker_stops_the_plan() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let config = by_hand(&lab, Method::Get, VM, json!(null));
    let marker = config["data"]["description"]
        .as_str()
        .unwrap()
        .trim_end()
        .to_owned();
    by_hand(
        &lab,
        Method::Put,
        VM,
        json!({ "description": format!("{marker}\n\nowner: Ada") }),
    );
    let note = by_hand(&lab, Method::Get, "/api/v4/runners/1", json!(null));
    let note = format!("ring Ada first\n{}", note["maintenance_note"].as_str().unwrap());
    by_hand(
        &lab,
        Method::Put,
        "/api/v4/runners/1",
        json!({ "maintenance_note": note }),
    );
    assert!(lab.green(&["plan"]).contains("No changes"));
    assert_eq!(lab.kinds(), whole());

    by_hand(&lab, Method::Put, VM, json!({ "description": "owner: Ada" }));
    for command in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        refused(
            &lab,
            command,
            &[
                "the notes of pve1/5000 (`one-app-0`) no longer have the marker",
                &marker,
            ],
        );
    }
    by_hand(
        &lab,
        Method::Put,
        VM,
        json!({ "description": format!("owner: Ada ({marker})") }),
    );
    // A runner keeps its number: the note is put back, with what people wrote.
    by_hand(
        &lab,
        Method::Put,
        "/api/v4/runners/1",
        json!({ "maintenance_note": "do not touch, Ada" }),
    );
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("0 created, 1 changed, 0 replaced, 0 deleted"),
        "{said}"
    );
    let shown = by_hand(&lab, Method::Get, "/api/v4/runners/1", json!(null));
    let note = shown["maintenance_note"].as_str().unwrap();
    assert!(
        note.contains("do not touch, Ada") && note.contains("gosling:one:egg.app.runner:"),
        "{note}"
    );
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn what_another_nest_has_taken_is_left_and_forgotten_by_name_alone() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let theirs = "gosling:other:egg.web.runner:zzzzzzzzzzzzzzzz";
    let hooks = by_hand(&lab, Method::Get, "/api/v4/projects/17/hooks", json!(null));
    let hook = format!("/api/v4/projects/17/hooks/{}", hooks[0]["id"]);
    for (path, taken, address) in [
        (
            "/api/v4/runners/1",
            json!({ "maintenance_note": theirs }),
            "egg.app.runner",
        ),
        (
            &hook,
            json!({ "description": theirs, "url": hooks[0]["url"] }),
            "egg.app.hook[17]",
        ),
    ] {
        by_hand(&lab, Method::Put, path, taken);
        for command in [&["plan"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
            refused(
                &lab,
                command,
                &[theirs, "it is no longer this Nest's", "gosling state rm"],
            );
        }
        assert!(lab.green(&["state", "rm", address]).contains("stays where it is"));
    }
    lab.green(&["destroy", "--yes"]);
    let left = lab.kinds();
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["hook", "runner"]);
    lab.stop();
}

/// Attack F8 and F9: what is there already is not created a second time, but taken over.
#[test]
fn what_the_state_does_not_know_is_not_created_twice_and_can_be_adopted() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    assert!(
        lab.green(&["orphans"])
            .contains("everything of the Nest one is in its state")
    );
    for address in ["egg.app.vm[0]", "egg.app.hook[17]", "egg.app.runner"] {
        lab.green(&["state", "rm", address]);
    }
    let there = [
        "proxmox_vm pve1/5000 (`one-app-0`)",
        "gitlab_runner 1",
        "gitlab_hook 17/",
    ];
    refused(&lab, &["apply", "--yes"], &there);
    refused(
        &lab,
        &["apply", "--yes"],
        &["it already exists", "gosling apply --adopt"],
    );
    refused(&lab, &["preflight"], &["it already exists"]);
    refused(&lab, &["orphans"], &there);
    let output = lab.run(&["orphans", "--json"]);
    let listed: Json = serde_json::from_slice(&output.stdout).unwrap();
    let addresses = listed["orphans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|orphan| orphan["address"].as_str().unwrap());
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_unstable();
    assert_eq!(addresses, ["egg.app.hook[17]", "egg.app.runner", "egg.app.vm[0]"]);

    let there = lab.there();
    let said = lab.green(&["orphans", "--adopt", "egg.app.runner", "--yes"]);
    assert!(
        said.contains("gitlab_runner 1") && said.contains("is taken over as egg.app.runner"),
        "{said}"
    );
    assert!(!said.contains("warning"), "its token is in its place: {said}");
    assert_eq!(lab.there(), there);
    let said = lab.green(&["apply", "--yes", "--adopt"]);
    assert!(said.contains("is taken over as egg.app.vm[0]"), "{said}");
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["plan"]).contains("No changes"));
    assert!(lab.green(&["orphans"]).contains("everything of the Nest"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// The preflight can be skipped; the search for what exists already cannot.
#[test]
fn without_the_preflight_nothing_is_created_a_second_time_either() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let there = lab.there();
    for address in ["egg.app.vm[0]", "egg.app.hook[17]", "egg.app.runner"] {
        lab.green(&["state", "rm", address]);
        for arguments in [&["apply", "--yes", "--preflight=false"][..], &["apply", "--yes"]] {
            let output = lab.run(arguments);
            let words = said(&output);
            assert_eq!(output.status.code(), Some(1), "{words}");
            assert!(words.contains("it already exists"), "{words}");
            assert!(!words.contains("skips these checks"), "{words}");
            assert_eq!(lab.there(), there);
        }
    }
    lab.green(&["apply", "--yes", "--preflight=false", "--adopt"]);
    assert_eq!(lab.there(), there);
    lab.stop();
}

/// F1: no way to list what carries the marker, and to delete it.
#[test]
fn an_orphan_is_deleted_and_its_twin_in_the_state_is_not() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "rm", "egg.app.vm[0]"]);
    let notes = |value: &str| {
        let path = "/api2/json/nodes/pve1/qemu/5000/config";
        by_hand(&lab, Method::Put, path, json!({ "description": value }));
    };
    let config = by_hand(
        &lab,
        Method::Get,
        "/api2/json/nodes/pve1/qemu/5000/config",
        json!({}),
    );
    let marked = config["data"]["description"].as_str().unwrap().to_owned();
    // Without its marker it is nobody's, and another is created.
    notes("somebody's");
    lab.green(&["apply", "--yes"]);
    notes(&marked);
    assert_eq!(lab.kinds()["vm"], 2);
    refused(
        &lab,
        &["orphans"],
        &["proxmox_vm pve1/5000", "made as egg.app.vm[0]"],
    );
    refused(
        &lab,
        &["orphans", "--delete", "pve1/7000", "--yes"],
        &["`pve1/7000` is not an orphan"],
    );
    refused(
        &lab,
        &["orphans", "--adopt", "pve1/5000", "--yes"],
        &["egg.app.vm[0] is in the state already"],
    );
    refused(
        &lab,
        &["orphans", "--delete", "all"],
        &["asks before it changes anything"],
    );
    refused(
        &lab,
        &["orphans", "--delete", "7000", "--yes"],
        &["`7000` is not an orphan"],
    );
    // By its VMID, and by its id at the same time.
    lab.green(&["orphans", "--delete", "5000", "pve1/5000", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    assert!(
        lab.green(&["state", "list"]).contains("pve1/5001")
            || lab.green(&["state", "list"]).contains("/5001")
    );
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

/// F9, G5, G20: what an import may not take, and what it does not know.
#[test]
fn an_import_refuses_what_is_not_this_egg_s() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let other = by_hand(
        &lab,
        Method::Post,
        "/api/v4/user/runners",
        json!({ "runner_type": "project_type", "project_id": 41, "tag_list": ["x"] }),
    );
    let other = other["id"].to_string();
    lab.green(&["state", "mv", "egg.app.vm[0]", "egg.app.vm[1]"]);
    refused(
        &lab,
        &["import", "egg.app.vm[0]", "pve1/5000"],
        &[
            "pve1/5000 is in the state already, as egg.app.vm[1]",
            "gosling state mv",
        ],
    );
    lab.green(&["state", "mv", "egg.app.vm[1]", "egg.app.vm[0]"]);
    refused(
        &lab,
        &["state", "mv", "egg.app.runner", "egg.app.vm[7]"],
        &["is the address of another kind"],
    );
    refused(
        &lab,
        &["state", "mv", "egg.app.runner", "egg.other.runner"],
        &["the Nest has no egg `other`"],
    );
    for address in ["egg.app.vm[0]", "egg.app.runner"] {
        lab.green(&["state", "rm", address]);
    }
    refused(
        &lab,
        &["import", "egg.app.vm[0]", "pve1/9000"],
        &["pve1/9000 is a template, and not a machine"],
    );
    refused(
        &lab,
        &["import", "egg.app.runner", &other],
        &["does not belong to project 17"],
    );
    // The token of a dead predecessor is in its place: the import says so, and the next apply makes a new one.
    let made = json!({ "runner_type": "project_type", "project_id": 17, "tag_list": ["docker"] });
    let own = by_hand(&lab, Method::Post, "/api/v4/user/runners", made)["id"].to_string();
    let said = lab.green(&["import", "egg.app.runner", &own]);
    assert!(
        said.contains(&format!("the token of runner {own} is not at store://")),
        "{said}"
    );
    let plan = lab.green(&["plan"]);
    assert!(plan.contains("token_secret"), "{plan}");
    lab.stop();
}

/// F12, G17: a rotated webhook secret reaches GitLab, a token is looked at, and what is left over can be removed.
#[test]
fn secrets_reach_their_service_and_leave_with_what_needed_them() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let listed = lab.green(&["secret", "list", "store://"]);
    let place = |name: &str| {
        listed
            .lines()
            .find(|line| line.ends_with(name))
            .unwrap()
            .to_owned()
    };
    let (secret, token) = (place("webhook-secret"), place("runner-token"));
    let rotated = lab.give(&["secret", "rotate", &secret], "a-new-webhook-secret");
    assert!(
        rotated.status.success() && said(&rotated).contains("`gosling apply` gives it to GitLab"),
        "{}",
        said(&rotated)
    );
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("1 to change") && plan.contains("secret  version 1 -> version 2"),
        "{plan}"
    );
    assert!(!plan.contains("Changed outside gosling"), "{plan}");
    let applied = lab.green(&["apply", "--yes"]);
    assert!(
        applied.contains("0 created, 1 changed, 0 replaced, 0 deleted"),
        "{applied}"
    );
    assert!(lab.green(&["plan"]).contains("No changes"));

    let wrong = lab.give(&["secret", "rotate", &token], "glrt-not-a-token-of-this-one");
    assert!(!wrong.status.success(), "{}", said(&wrong));
    assert!(
        said(&wrong).contains("this is not the token of runner 1 (egg.app.runner)"),
        "{}",
        said(&wrong)
    );
    refused(
        &lab,
        &["secret", "rm", &token],
        &["egg.app.runner needs store://"],
    );
    lab.green(&["destroy", "--yes"]);
    std::fs::remove_dir_all(lab.nest().join("Eggs")).unwrap();
    let checked = lab.green(&["secret", "check"]);
    assert!(
        checked.contains(&format!("`gosling secret rm {token}` removes it")),
        "{checked}"
    );
    for uri in [&secret, &token] {
        lab.green(&["secret", "rm", uri]);
        refused(&lab, &["secret", "rm", uri], &["there is no secret at"]);
    }
    assert_eq!(lab.green(&["secret", "list", "store://"]), "");
    lab.stop();
}

/// G19: a freeze lets nobody change the state by hand either.
#[test]
fn a_freeze_stops_changes_of_the_state_by_hand() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "state.copy"]);
    let secrets = lab.green(&["secret", "list", "store://"]);
    let token = secrets.lines().next().unwrap().to_owned();
    lab.green(&["freeze", "--reason", "a release"]);
    for command in [
        &["state", "rm", "egg.app.vm[0]"][..],
        &["state", "mv", "egg.app.vm[0]", "egg.app.vm[1]"],
        &["import", "egg.app.vm[0]", "pve1/5000"],
        &["orphans", "--adopt", "all", "--yes"],
        &["orphans", "--delete", "all", "--yes"],
        &["state", "push", "state.copy"],
        &["state", "rotate"],
        &["state", "abandon", "egg.app.vm[0]", "--yes"],
        &["state", "repair", "--yes"],
        &["secret", "set", "store://new/key"],
        &["secret", "rotate", &token],
        &["secret", "rm", &token, "--force"],
    ] {
        refused(&lab, command, &["a release", "`gosling freeze --lift` ends it"]);
    }
    let nest = lab.read("nest.fly");
    let elsewhere = "\nstate {\n  backend = \"local\"\n  path = \"elsewhere\"\n}\n";
    lab.write("nest.fly", &format!("{nest}{elsewhere}"));
    refused(&lab, &["state", "migrate", "--from", "local"], &["a release"]);
    lab.write("nest.fly", &nest);
    assert_eq!(lab.green(&["secret", "list", "store://"]), secrets);
    lab.green(&["freeze", "--lift"]);
    lab.green(&["state", "rm", "egg.app.vm[0]"]);
    lab.stop();
}

/// F13, G6: a protected machine is told of before anything is stopped.
#[test]
fn a_protected_machine_is_told_of_before_anything_is_changed() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(&lab, Method::Put, VM, json!({ "protection": "1" }));
    for command in [
        &["destroy", "--yes"][..],
        &["apply", "--yes", "--replace", "egg.app.vm[0]"],
    ] {
        refused(&lab, command, &["pve1/5000 is protected in Proxmox VE"]);
    }
    lab.stop();
}

/// G11: one variable for two clusters would make each machine in the wrong one.
#[test]
fn one_variable_does_not_lead_two_clusters_to_one_address() {
    let lab = Lab::one();
    let text = lab.read("nest.fly");
    let second = "\nprovider \"proxmox\" \"dc2\" {\n  endpoint = \"https://dc2.example.com:8006\"\n  token_id = \"gosling@pve!ci\"\n  token = \"env://PROXMOX_TOKEN\"\n}\n";
    lab.write("nest.fly", &format!("{text}{second}"));
    refused(
        &lab,
        &["plan"],
        &[
            "GOSLING_ENDPOINT_PROXMOX would lead `proxmox` and `proxmox.dc2` to one address",
            "GOSLING_ENDPOINT_PROXMOX_DC2",
        ],
    );
    lab.stop();
}

/// F15: of two runs that choose one number, the slower one takes another.
#[test]
fn a_number_that_is_taken_meanwhile_costs_no_run() {
    let lab = Lab::one();
    lab.fault(r#"{"method": "GET", "path": "*/cluster/nextid", "kind": "delay", "ms": 1500}"#);
    let mut apply = lab.spawn(&["apply", "--yes", "--preflight=false"]);
    // While it waits for an answer about 5000, somebody else makes a machine with that number.
    while !lab
        .running
        .ledger()
        .calls()
        .iter()
        .any(|call| call.path.contains("nextid"))
    {
        assert!(apply.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    by_hand(
        &lab,
        Method::Post,
        "/api2/json/nodes/pve1/qemu",
        json!({ "vmid": "5000", "name": "theirs", "memory": "512" }),
    );
    assert!(apply.wait().unwrap().success());
    let list = lab.green(&["state", "list"]);
    assert!(list.contains("/5001"), "{list}");
    lab.stop();
}

/// G10: a new host name of the same server does not make everything anew.
#[test]
fn a_server_with_a_new_name_keeps_its_runners_and_webhooks() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    for file in ["nest.fly", "Eggs/app/config.fly"] {
        lab.write(
            file,
            &lab.read(file).replace("gitlab.example.com", "git.example.org"),
        );
    }
    let before: Vec<_> = lab
        .there()
        .into_iter()
        .filter(|object| object.kind != "vm")
        .collect();
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("0 created, 2 changed, 1 replaced, 0 deleted"),
        "{said}"
    );
    let after: Vec<_> = lab
        .there()
        .into_iter()
        .filter(|object| object.kind != "vm")
        .collect();
    let ids = |objects: &[gosling_sandbox::Object]| {
        objects.iter().map(|object| object.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&after), ids(&before));
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_stored_token_whose_runner_was_deleted_is_reported_with_the_way_out() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let checked = lab.green(&["secret", "check"]);
    assert!(!checked.contains("not the token"), "{checked}");
    by_hand(&lab, Method::Delete, "/api/v4/runners/1", json!(null));
    let output = lab.run(&["secret", "check"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("this is not the token of runner 1 (egg.app.runner): GitLab does not know it"),
        "{said}"
    );
    assert!(said.contains("gosling apply --replace egg.app.runner"), "{said}");
    lab.stop();
}
