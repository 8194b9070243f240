//! Machines as GitLab hears of them: who is waited for, who is counted, and what `status` says of them.

use serde_json::Value;

use crate::gosling::said;
use crate::lab::Lab;

fn ends(lab: &Lab, arguments: &[&str], code: i32) -> String {
    said(&lab.ended(arguments, code))
}

fn status(lab: &Lab, code: i32) -> Vec<Value> {
    let output = lab.run(&["status", "--json"]);
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["resources"].as_array().unwrap().clone()
}

/// Calls Proxmox VE as somebody else would.
fn by_hand(lab: &Lab, method: &str, path: &str) {
    let request = gosling_providers::http::Request::new(
        match method {
            "POST" => gosling_providers::http::Method::Post,
            _ => gosling_providers::http::Method::Delete,
        },
        format!("/api2/json{path}"),
    );
    let token = format!("PVEAPIToken=gosling@pve!ci={}", lab.environment["PROXMOX_TOKEN"]);
    let request = request.header("authorization", gosling_resource::Secret::new(token));
    let endpoint = gosling_providers::http::Endpoint {
        extra_ca: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..gosling_providers::http::Endpoint::new(lab.running.url())
    };
    let client = gosling_providers::http::Client::new(&endpoint).unwrap();
    let answer = lab
        .block_on(client.send(&request, &gosling_engine::fence::Unfenced))
        .unwrap();
    assert!(answer.is_success(), "{answer:?}");
}

/// GitLab hears of an idle machine once an hour, so that the first machine is silent while the second one comes up.
#[test]
fn a_pool_grows_while_its_idle_machines_are_silent() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.machines(2);
    let words = lab.green(&["apply", "--yes"]);
    assert!(
        words.contains("waiting for 1 machine to contact GitLab"),
        "{words}"
    );
    assert!(words.contains("egg.app is online"), "{words}");
    let words = lab.green(&["status"]);
    assert!(words.contains("2 machines online (0 busy)"), "{words}");
    // One that is replaced is another machine to GitLab, and the old one counts for nothing.
    lab.green(&["apply", "--yes", "--replace", "egg.app.vm[1]"]);
    let words = lab.green(&["status"]);
    assert!(words.contains("2 machines online (0 busy)"), "{words}");
    lab.machines(1);
    lab.green(&["apply", "--yes"]);
    let words = lab.green(&["status"]);
    assert!(words.contains("1 machine online (0 busy)"), "{words}");
    lab.stop();
}

#[test]
fn a_dead_machine_is_red_though_its_neighbour_is_online() {
    let lab = Lab::one();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let machines = status(&lab, 0);
    let machine = |index: usize| {
        let address = format!("egg.app.vm[{index}]");
        machines
            .iter()
            .find(|line| line["address"] == address.as_str())
            .unwrap()
            .clone()
    };
    assert_eq!(machine(0)["contact"], "online");
    assert_eq!(machine(1)["busy"], false);
    assert!(
        machine(1)["addresses"][0].as_str().unwrap().starts_with("10.77."),
        "{machines:?}"
    );
    let id = machine(1)["id"].as_str().unwrap().to_owned();
    let (node, vmid) = id.split_once('/').unwrap();
    by_hand(&lab, "POST", &format!("/nodes/{node}/qemu/{vmid}/status/stop"));
    let stopped = || lab.run(&["status"]).status.code() == Some(1);
    assert!((0..200).any(|_| stopped()), "the machine is off");
    let words = ends(&lab, &["status"], 1);
    assert!(
        words.contains(&format!("egg.app.vm[1]: stopped at {id}")),
        "{words}"
    );
    lab.stop();
}

#[test]
fn an_egg_that_has_nothing_is_red_and_one_that_is_misspelt_is_named() {
    let lab = Lab::one();
    let words = ends(&lab, &["status"], 1);
    assert!(
        words.contains("egg.app: nothing of it is created: `gosling apply`"),
        "{words}"
    );
    ends(&lab, &["status", "app"], 1);
    lab.green(&["apply", "--yes"]);
    lab.green(&["status", "app"]);
    lab.green(&["status", "egg.app"]);
    let egg = crate::lab::ONE;
    let egg = egg[egg.find("egg \"app\"").unwrap()..].replace("egg \"app\"", "egg \"extra\"");
    std::fs::create_dir_all(lab.nest().join("Eggs/extra")).unwrap();
    lab.write(
        "Eggs/extra/config.fly",
        &egg.replace("project_id = 17", "project_id = 41"),
    );
    let words = ends(&lab, &["status"], 1);
    assert!(words.contains("egg.extra: nothing of it is created"), "{words}");
    let words = ends(&lab, &["status", "extre"], 1);
    assert!(words.contains("no egg or eggsbucket `extre`"), "{words}");
    assert!(words.contains("did you mean `extra`?"), "{words}");
    // A machine that is asked for and not made is as red as one that is dead.
    lab.machines(2);
    let words = ends(&lab, &["status", "app"], 1);
    assert!(words.contains("egg.app.vm[1]: not created yet"), "{words}");
    lab.stop();
}

/// Looks at GitLab: how often a wait of so many eggs asks.
#[test]
fn many_silent_eggs_share_one_list_and_are_asked_for_ever_more_seldom() {
    let lab = Lab::one_in(r#"{"gitlab": {"machines_reach": false}}"#, 0);
    let egg = lab.read("Eggs/app/config.fly");
    let health = "  health_check {\n    online_within = 4s\n  }\n\n  runner {";
    let egg = egg.replace("  runner {", health);
    lab.write("Eggs/app/config.fly", &egg);
    for (number, project) in ["17", "41", "42", "51", "52"].iter().enumerate().skip(1) {
        let folder = format!("Eggs/app{number}");
        std::fs::create_dir_all(lab.nest().join(&folder)).unwrap();
        let egg = egg.replace("egg \"app\"", &format!("egg \"app{number}\""));
        let egg = egg.replace("project_id = 17", &format!("project_id = {project}"));
        lab.write(&format!("{folder}/config.fly"), &egg);
    }
    ends(&lab, &["apply", "--yes"], 1);
    let ledger = lab.running.ledger();
    let asked = |end: &str| {
        let calls = ledger.calls().iter();
        calls
            .filter(|call| call.method == "GET" && call.path.contains(end))
            .count()
    };
    let (lists, managers) = (asked("/api/v4/runners?"), asked("/managers"));
    assert!((2..=6).contains(&lists), "{lists} lists");
    // By the last look at the latest, each was asked for by itself.
    assert!((5..=15).contains(&managers), "{managers} calls for managers");
    lab.stop();
}

/// A node that does not answer, and that the cluster's list shows as it was: every call to it ends with 595.
fn node_away(lab: &Lab, node: &str) {
    lab.fault(&format!(
        r#"{{"world":"proxmox","path":"/api2/json/nodes/{node}/*","nth":"every","kind":"status","code":595}}"#
    ));
}

fn node_of(lab: &Lab, address: &str) -> String {
    let shown: Value = serde_json::from_str(&lab.read(".gosling/state.json")).unwrap();
    let id = shown["resources"][address]["id"].as_str().unwrap();
    id.split('/').next().unwrap().to_owned()
}

#[test]
fn a_project_that_refuses_leaves_the_other_eggs_alone() {
    let lab = Lab::one();
    let egg = lab
        .read("Eggs/app/config.fly")
        .replace("egg \"app\"", "egg \"docs\"");
    std::fs::create_dir_all(lab.nest().join("Eggs/docs")).unwrap();
    lab.write(
        "Eggs/docs/config.fly",
        &egg.replace("project_id = 17", "project_id = 41"),
    );
    lab.green(&["apply", "--yes"]);
    lab.fault(
        r#"{"world":"gitlab","path":"/api/v4/projects/41/hooks*","nth":"every","kind":"status","code":403}"#,
    );
    lab.machines(2);
    let words = ends(&lab, &["plan"], 1);
    assert!(words.contains("Skipped:"), "{words}");
    assert!(words.contains("egg.docs.hook[41] could not be read: "), "{words}");
    assert!(words.contains("1 to create"), "{words}");
    ends(&lab, &["apply", "--yes"], 1);
    assert_eq!(lab.kinds()["vm"], 3);
    // What can be reached is deleted, the hook stays.
    ends(&lab, &["destroy", "--yes"], 1);
    assert_eq!(
        lab.kinds().into_iter().collect::<Vec<_>>(),
        [("hook".to_owned(), 1)]
    );
    lab.stop();
}

/// The cluster calls it online, and every call to it ends without an answer.
#[test]
fn nothing_is_created_on_a_node_that_cannot_be_reached() {
    let refuses = r#"{"proxmox": {"nodes": [
        {"name": "pve1"}, {"name": "pve2", "refuses": 595}, {"name": "pve3"}
    ]}}"#;
    for preflight in ["--preflight=true", "--preflight=false"] {
        let lab = Lab::one_in(refuses, 0);
        lab.machines(4);
        let words = ends(&lab, &["apply", "--yes", preflight], 0);
        let warned = words.contains("the cluster calls pve2 online");
        assert_eq!(warned, preflight == "--preflight=true", "{words}");
        let list = lab.green(&["state", "list"]);
        assert!(list.contains("pve1/") && list.contains("pve3/"), "{list}");
        assert!(!list.contains("pve2/"), "{list}");
        lab.stop();
    }
}

/// `--replace` does nothing for a create that has not ended.
#[test]
fn a_create_on_a_lost_node_names_how_to_give_it_up_and_another_node_is_chosen() {
    let lab = Lab::one();
    lab.fault(r#"{"world":"proxmox","method":"POST","path":"/api2/json/nodes/pve1/*","nth":"every","kind":"status","code":595}"#);
    let words = ends(&lab, &["apply", "--yes"], 1);
    let way_out =
        "`gosling state abandon 'egg.app.vm[0]'` gives it up, and the next apply chooses another node";
    assert!(words.contains(way_out), "{words}");
    assert!(!words.contains("--replace"), "{words}");
    node_away(&lab, "pve1");
    lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    ends(&lab, &["apply", "--yes"], 0);
    assert_ne!(node_of(&lab, "egg.app.vm[0]"), "pve1");
    lab.stop();
}

#[test]
fn a_project_that_refuses_does_not_hold_up_the_deletion_of_the_rest() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.fault(r#"{"world":"gitlab","path":"/api/v4/projects/17*","nth":"every","kind":"status","code":403}"#);
    let words = ends(&lab, &["destroy", "--yes", "--skip-unreachable"], 0);
    assert!(words.contains("egg.app.hook[17] is kept as"), "{words}");
    assert_eq!(
        lab.kinds().into_iter().collect::<Vec<_>>(),
        [("hook".to_owned(), 1)]
    );
    lab.stop();
}

#[test]
fn a_machine_on_a_dead_node_is_replaced_elsewhere_and_kept_to_be_deleted_later() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let node = node_of(&lab, "egg.app.vm[0]");
    node_away(&lab, &node);
    let words = ends(&lab, &["plan"], 1);
    let named = format!(": the node {node} cannot be reached: ");
    assert!(words.contains("egg.app.vm[0] could not be read: "), "{words}");
    assert!(words.contains("--replace"), "{words}");
    for command in [
        &["plan"][..],
        &["refresh"],
        &["status"],
        &["orphans"],
        &["apply", "--yes"],
    ] {
        let words = ends(&lab, command, 1);
        assert!(words.contains(&named), "{command:?}: {words}");
    }
    for other in ["pve1", "pve2", "pve3"] {
        node_away(&lab, other);
    }
    lab.machines(2);
    let words = said(&lab.run(&["preflight"]));
    assert!(
        words.contains("no node can be reached: pve1, pve2, pve3"),
        "preflight: {words}"
    );
    lab.machines(1);
    lab.end_faults();
    node_away(&lab, &node);
    let words = ends(&lab, &["plan", "--replace", "egg.app.vm[0]"], 0);
    assert!(
        words.contains("egg.app.vm[0] is kept as egg.app.vm-aside["),
        "{words}"
    );
    assert!(words.contains("1 to create"), "{words}");
    // Without the other machine, all the rest goes.
    let words = ends(&lab, &["destroy", "--yes", "--skip-unreachable"], 0);
    assert!(
        words.contains("egg.app.vm[0] is kept as egg.app.vm-aside["),
        "{words}"
    );
    assert_eq!(lab.kinds()["vm"], 1, "the machine on the dead node");
    assert!(
        !lab.kinds().contains_key("runner"),
        "its token is worth nothing any more"
    );
    let list = lab.green(&["state", "list"]);
    assert!(list.contains("egg.app.vm-aside["), "{list}");
    lab.stop();
}

#[test]
fn a_machine_that_was_set_aside_is_deleted_for_that_reason() {
    let lab = Lab::one();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let node = node_of(&lab, "egg.app.vm[0]");
    node_away(&lab, &node);
    lab.run(&["apply", "--yes", "--replace", "egg.app.vm[0]"]);
    lab.end_faults();
    let words = ends(&lab, &["plan"], 0);
    let reason = "deleted, because it was replaced, or a destroy skipped it, while it could not be reached";
    assert!(words.contains(reason) && !words.contains("min_count"), "{words}");
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds()["vm"], 2);
    lab.stop();
}

/// GitLab answers alike of what is not there and of what a token may not see; its list tells.
#[test]
fn a_runner_that_is_gone_is_gone_for_a_plan_and_for_the_status() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    crate::marks::by_hand(
        &lab,
        gosling_providers::http::Method::Delete,
        "/api/v4/runners/1",
        serde_json::json!({}),
    );
    let words = ends(&lab, &["plan"], 0);
    assert!(words.contains("egg.app.runner is gone"), "{words}");
    let words = ends(&lab, &["status"], 1);
    assert!(
        words.contains("egg.app.runner: is gone (1); `gosling apply` creates it again"),
        "{words}"
    );
    let runner = status(&lab, 1);
    let runner = runner
        .iter()
        .find(|line| line["address"] == "egg.app.runner")
        .unwrap();
    assert_eq!(
        (&runner["state"], runner.get("error")),
        (&Value::from("gone"), None)
    );
    lab.stop();
}
