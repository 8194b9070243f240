//! `--json`: one JSON document on standard output, and nothing beside it.

use std::process::Stdio;

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

/// Of these docs/json.md says that they print what they are asked for, or have no JSON form.
const WITHOUT_FORMAT: [&str; 6] = ["audit", "completions", "demo", "eval", "schema", "state pull"];

/// All commands, by their manual pages.
fn commands(lab: &Lab) -> Vec<String> {
    lab.green(&["man", "pages"]);
    let pages = std::fs::read_dir(lab.nest().join("pages")).unwrap();
    let names = pages.filter_map(|page| {
        let name = page.unwrap().file_name().into_string().unwrap();
        let name = name
            .strip_prefix("gosling-")?
            .strip_suffix(".1")?
            .replace('-', " ");
        Some(name)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn every_command_has_the_format_in_its_document() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "state.copy"]);
    let runs: &[(&[&str], i32)] = &[
        (&["validate"], 0),
        (&["fmt"], 0),
        (&["fix"], 0),
        (&["init", "../other", "--provider", "proxmox"], 0),
        (&["explain", "egg"], 0),
        (&["graph"], 0),
        (&["render", "app"], 0),
        (&["render", "app", "config.toml"], 0),
        (&["plan"], 0),
        (&["preflight"], 0),
        (&["preflight", "--role"], 0),
        (&["apply", "--yes"], 0),
        (&["refresh"], 0),
        (&["status"], 0),
        (&["smoke", "app"], 0),
        (&["orphans"], 0),
        (&["show"], 0),
        (&["state", "list"], 0),
        (&["state", "show", "egg.app.runner"], 0),
        (&["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"], 0),
        (&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"], 0),
        (&["state", "history"], 0),
        (&["state", "push", "state.copy", "--force"], 0),
        (&["state", "repair"], 0),
        (&["state", "rotate"], 0),
        (&["state", "abandon", "egg.app.runner"], 1),
        (&["state", "migrate", "--from", "local"], 1),
        (&["state", "rm", "egg.none"], 1),
        (&["secret", "check"], 0),
        (&["secret", "list"], 0),
        (&["secret", "set", "store://a/b"], 1),
        (&["secret", "rotate", "store://a/b"], 1),
        (&["secret", "rm", "store://a/b"], 1),
        (&["import", "egg.app.runner", "1"], 1),
        (&["lock"], 0),
        (&["unlock"], 0),
        (&["freeze"], 0),
        (&["audit", "verify"], 0),
        (&["rollback", "--to", "0", "--dry-run"], 0),
        (&["destroy", "--yes"], 0),
        (&["add", "egg", "api"], 2),
        (&["add", "eggsbucket", "api"], 2),
        (&["add", "job", "nightly"], 2),
        (&["man", "pages"], 0),
        (&["version"], 0),
    ];
    // It runs until it is stopped.
    let mut sandbox = lab
        .command(&["sandbox", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = serde_json::Deserializer::from_reader(sandbox.stdout.take().unwrap());
    let document: Value = out.into_iter().next().unwrap().unwrap();
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    assert_eq!(document["format"], 1, "{document}");
    let mut seen: Vec<&str> = vec!["sandbox"];
    seen.extend(WITHOUT_FORMAT);
    let all = commands(&lab);
    for (arguments, code) in runs {
        let line = arguments.join(" ");
        let own = all
            .iter()
            .filter(|name| line == **name || line.starts_with(&format!("{name} ")));
        seen.push(own.max_by_key(|name| name.len()).unwrap());
        let output = lab.run(&[arguments, &["--json"][..]].concat());
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{line}: {error}: {}", said(&output)));
        assert_eq!(document["format"], 1, "{line}: {document}");
        if output.status.code() != Some(*code) {
            panic!("{line}: {}", said(&output));
        }
    }
    let is_group = |name: &String| all.iter().any(|other| other.starts_with(&format!("{name} ")));
    let left: Vec<&String> = all
        .iter()
        .filter(|name| !seen.contains(&name.as_str()) && !is_group(name))
        .collect();
    assert_eq!(left, Vec::<&String>::new());
    lab.stop();
}

#[test]
fn help_and_version_are_text_and_nothing_else() {
    let lab = Lab::one();
    for arguments in [
        &["--version", "--json"][..],
        &["--help", "--json"],
        &["--json", "plan", "--help"],
    ] {
        let output = lab.ended(arguments, 0);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("gosling") && !text.contains("\"exit\""), "{text}");
    }
    lab.stop();
}
