//! `--json`: one JSON document on standard output, and nothing beside it.

use serde_json::{Value, json};

use crate::gosling::said;
use crate::lab::Lab;

/// The one document of a command that ends well.
fn document(lab: &Lab, arguments: &[&str]) -> Value {
    let output = lab.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", said(&output)))
}

#[test]
fn every_json_form_is_one_document() {
    let lab = Lab::one();
    let nothing = lab.run(&["status", "--json"]);
    assert_eq!(
        nothing.status.code(),
        Some(1),
        "an egg that has nothing is not well"
    );
    let nothing: Value = serde_json::from_slice(&nothing.stdout).unwrap();
    assert_eq!(
        nothing,
        json!({
            "format": 1,
            "resources": [{ "address": "egg.app", "kind": null, "id": null, "state": "not_made" }],
        })
    );
    assert_eq!(
        document(&lab, &["state", "list", "--json"])["resources"],
        json!([])
    );
    assert_eq!(
        document(&lab, &["state", "history", "--json"])["earlier"],
        json!([])
    );
    let plan = document(
        &lab,
        &[
            "plan",
            "--json",
            "-o",
            "plan.json",
            "--report",
            "gitlab=report.json",
        ],
    );
    assert_eq!(plan["plan"]["changes"].as_array().unwrap().len(), 3);
    assert_eq!(plan, document(&lab, &["show", "plan.json", "--json"]));
    // A number is a number, and a text a text.
    let machine = &plan["plan"]["changes"][2];
    assert_eq!(
        (&machine["action"], &machine["properties"]["memory"]),
        (&json!("create"), &json!(1024))
    );
    let memory = machine["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "memory");
    let memory = memory.unwrap();
    assert_eq!(
        (&memory["before"], &memory["after"]),
        (&Value::Null, &json!(1024))
    );
    let report: Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    assert_eq!(report, json!({ "create": 3, "update": 0, "delete": 0 }));

    let applied = document(&lab, &["apply", "--json", "--yes"]);
    assert_eq!(applied["done"], 3);
    assert_eq!((&applied["failed"], &applied["open"]), (&json!([]), &json!([])));
    let again = document(&lab, &["apply", "--json", "--yes"]);
    assert_eq!(
        (&again["done"], &again["planned"]["create"]),
        (&json!(0), &json!(0))
    );

    let status = document(&lab, &["status", "--json"]);
    assert_eq!(status["resources"].as_array().unwrap().len(), 3, "{status}");
    let list = document(&lab, &["state", "list", "--json"]);
    let addresses: Vec<&str> = list["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["address"].as_str().unwrap())
        .collect();
    assert_eq!(addresses, ["egg.app.hook[17]", "egg.app.runner", "egg.app.vm[0]"]);
    assert_eq!(
        document(&lab, &["state", "show", "egg.app.vm[0]", "--json"])["resource"]["kind"],
        "proxmox_vm"
    );
    assert_eq!(
        document(&lab, &["show", "state", "--json"])["resources"]
            .as_object()
            .unwrap()
            .len(),
        3
    );
    let checked = document(&lab, &["secret", "check", "--json"]);
    assert!(
        checked["secrets"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["present"] == true),
        "{checked}"
    );
    let smoke = document(&lab, &["smoke", "app", "--json"]);
    assert!(smoke.is_object(), "{smoke}");

    let egg = lab.read("Eggs/app/config.fly");
    lab.write("Eggs/app/config.fly", &egg.replace("cpu = 1", "cpu = 2"));
    let drift = document(&lab, &["refresh", "--json"]);
    assert_eq!(drift["plan"]["drift"], json!([]));
    let arguments = [
        "plan",
        "--report",
        "gitlab=report.json",
        "--replace",
        "egg.app.hook[17]",
    ];
    lab.green(&arguments);
    let report: Value = serde_json::from_str(&lab.read("report.json")).unwrap();
    assert_eq!(report, json!({ "create": 1, "update": 1, "delete": 1 }));
    let gone = document(&lab, &["destroy", "--json", "--yes"]);
    assert_eq!(
        (&gone["done"], &gone["planned"]["delete"]),
        (&json!(3), &json!(3))
    );
    assert!(
        !document(&lab, &["state", "history", "--json"])["earlier"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn an_apply_that_fails_is_one_document_too() {
    let lab = Lab::one();
    let egg = lab.read("Eggs/app/config.fly");
    lab.write(
        "Eggs/app/config.fly",
        &egg.replace("debian-12-cloud", "debian-13-cloud"),
    );
    let output = lab.run(&["apply", "--json", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let refused: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&refused["done"], &refused["preflight"]["counts"]["failed"]),
        (&json!(0), &json!(1))
    );
    let output = lab.run(&["apply", "--json", "--yes", "--preflight=false"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let applied: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(applied["done"], 2);
    let failed = &applied["failed"][0];
    assert_eq!(
        (&failed["address"], &failed["outcome"]),
        (&json!("egg.app.vm[0]"), &json!("failed"))
    );
    assert!(
        failed["error"].as_str().unwrap().contains("debian-13-cloud"),
        "{applied}"
    );
    assert!(
        failed["help"].as_str().unwrap().contains("debian-12-cloud"),
        "{applied}"
    );
    assert!(
        failed["origin"]
            .as_str()
            .unwrap()
            .starts_with("Eggs/app/config.fly:"),
        "{applied}"
    );
    lab.stop();
}
