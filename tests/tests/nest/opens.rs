//! A create on a node that died in the middle of it: everything else is planned and applied around it.

use std::path::Path;

use gosling_engine::journal::{self, Record};
use serde_json::Value;

use crate::gosling::said;
use crate::lab::{Lab, whole};

fn ends(lab: &Lab, arguments: &[&str], code: i32) -> String {
    said(&lab.ended(arguments, code))
}

fn document(lab: &Lab, arguments: &[&str], code: i32) -> Value {
    let output = lab.ended(arguments, code);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The operations whose intents are in the journal: their names, addresses and what they have reserved.
fn intents(folder: &Path) -> Vec<(String, String, Option<String>)> {
    let bytes = std::fs::read(folder.join(".gosling/journal")).unwrap();
    let (records, _) = journal::records(&bytes).unwrap();
    let intents = records.into_iter().filter_map(|record| match record {
        Record::Intent { operation, .. } => {
            Some((operation.op, operation.address.to_string(), operation.reserved))
        }
        _ => None,
    });
    intents.collect()
}

/// Another egg of the project 41.
fn add(lab: &Lab, name: &str) {
    let egg = lab.read("Eggs/app/config.fly");
    let egg = egg
        .replace("egg \"app\"", &format!("egg \"{name}\""))
        .replace("project_id = 17", "project_id = 41");
    std::fs::create_dir_all(lab.nest().join(format!("Eggs/{name}"))).unwrap();
    lab.write(&format!("Eggs/{name}/config.fly"), &egg);
}

/// A lab whose one machine was being made when its node died.
fn died_in_the_middle() -> Lab {
    let lab = Lab::one();
    lab.fault(r#"{"world":"proxmox","method":"POST","path":"*/clone","kind":"lose_after"}"#);
    let words = ends(&lab, &["apply", "--yes"], 1);
    assert!(
        words.contains("open: the outcome of the create of egg.app.vm[0] is unknown"),
        "{words}"
    );
    let (_, _, reserved) = intents(&lab.nest()).pop().unwrap();
    let (node, _) = reserved.as_deref().unwrap().split_once('/').unwrap();
    lab.fault(&format!(
        r#"{{"world":"proxmox","path":"/api2/json/nodes/{node}/*","nth":"every","kind":"status","code":595}}"#
    ));
    lab
}

#[test]
fn a_create_on_a_dead_node_holds_up_itself_and_nothing_else() {
    let lab = died_in_the_middle();
    let before = intents(&lab.nest());
    add(&lab, "docs");
    let words = ends(&lab, &["plan"], 0);
    assert!(
        words.contains("! an earlier run's create of egg.app.vm[0] has not ended")
            && words.contains("it is left out until apply has recovered it")
            && words.contains("+ egg.docs.vm[0]")
            && !words.contains("+ egg.app.vm[0]"),
        "{words}"
    );
    let words = ends(&lab, &["apply", "--yes"], 1);
    assert!(
        words.contains("error: the outcome of an earlier create of egg.app.vm[0] is still unknown: ")
            && words.contains("`gosling state abandon 'egg.app.vm[0]'` gives it up")
            && words.contains("Done: 3 created, 0 changed, 0 replaced, 0 deleted."),
        "{words}"
    );
    assert_eq!(intents(&lab.nest()), before);
    // Nor does it hold up one target, a plan without a look, or a saved plan.
    lab.machines(1);
    let config = lab.read("Eggs/docs/config.fly");
    lab.write(
        "Eggs/docs/config.fly",
        &config.replace("tags = [\"docker\"]", "tags = [\"docker\", \"new\"]"),
    );
    let words = ends(&lab, &["apply", "--yes", "--target", "egg.docs.runner"], 1);
    assert!(words.contains("1 changed"), "{words}");
    lab.write("Eggs/docs/config.fly", &config);
    let words = ends(&lab, &["apply", "--yes", "--refresh=false"], 1);
    assert!(words.contains("1 changed"), "{words}");
    let again = document(&lab, &["apply", "--yes", "--json"], 1);
    assert_eq!(again["still_open"][0]["address"], "egg.app.vm[0]");
    assert_eq!(
        again["still_open"][0]["abandon"],
        "gosling state abandon 'egg.app.vm[0]'"
    );
    lab.write(
        "Eggs/docs/config.fly",
        &config.replace("tags = [\"docker\"]", "tags = [\"docker\", \"new\"]"),
    );
    lab.green(&["plan", "-o", "saved.json"]);
    let words = ends(&lab, &["apply", "--yes", "saved.json"], 1);
    assert!(words.contains("1 changed"), "{words}");
    // What is moved or forgotten by hand, where it has nothing to do with it.
    let words = ends(&lab, &["state", "rm", "egg.app.runner"], 1);
    assert!(words.contains("has not ended"), "{words}");
    lab.green(&["state", "mv", "egg.docs.hook[41]", "egg.docs.hook[42]"]);
    lab.green(&["state", "mv", "egg.docs.hook[42]", "egg.docs.hook[41]"]);
    assert_eq!(intents(&lab.nest()), before);
    // The node is back.
    lab.end_faults();
    let words = ends(&lab, &["apply", "--yes"], 0);
    assert!(words.contains("recovered 1 operation"), "{words}");
    let two = whole()
        .into_iter()
        .map(|(kind, count)| (kind, 2 * count))
        .collect();
    assert_eq!(lab.kinds(), two);
    assert_eq!(std::fs::read(lab.nest().join(".gosling/journal")).unwrap(), b"");
    lab.green(&["plan", "--detailed-exitcode"]);
    lab.green(&["smoke", "app"]);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn destroy_and_rollback_leave_a_create_on_a_dead_node_and_what_it_needs() {
    let lab = died_in_the_middle();
    add(&lab, "docs");
    ends(&lab, &["apply", "--yes"], 1);
    let words = ends(&lab, &["rollback", "--yes"], 1);
    assert!(words.contains("is still unknown"), "{words}");
    assert!(words.contains("- egg.docs.vm[0]"), "{words}");
    ends(&lab, &["apply", "--yes"], 1);
    let words = ends(&lab, &["destroy", "--yes"], 1);
    assert!(
        words.contains("egg.app.runner is skipped because of egg.app.vm[0]")
            && words.contains("`gosling state abandon 'egg.app.vm[0]'` gives it up"),
        "{words}"
    );
    let list = lab.green(&["state", "list"]);
    assert!(
        list.contains("egg.app.runner") && !list.contains("egg.docs"),
        "{list}"
    );
    assert_eq!(intents(&lab.nest()).len(), 1);
    lab.end_faults();
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// What an open create has made is no orphan, and the network address that it may have is given to no other machine.
#[test]
fn what_an_open_create_has_made_belongs_to_it() {
    let lab = Lab::one();
    let address = |file: &str, last: u8| {
        let text = lab.read(file);
        let line = "template = \"debian-12-cloud\"\n";
        let at = text.find(line).unwrap() + line.len();
        let end = at + text[at..].find("    pool").unwrap();
        let lines = format!("    address = [\"10.0.0.{last}/24\"]\n    gateway = \"10.0.0.1\"\n");
        lab.write(file, &format!("{}{lines}{}", &text[..at], &text[end..]));
    };
    address("Eggs/app/config.fly", 21);
    lab.fault(r#"{"world":"proxmox","method":"POST","path":"*/clone","kind":"lose_after"}"#);
    ends(&lab, &["apply", "--yes"], 1);
    let words = ends(&lab, &["orphans"], 0);
    assert!(
        words.contains(
            "(`one-app-0`) belongs to an operation that has not ended: `gosling apply` recovers it"
        ),
        "{words}"
    );
    let found = document(&lab, &["orphans", "--json"], 0);
    assert_eq!(found["orphans"], serde_json::json!([]));
    assert_eq!(found["begun"][0]["address"], "egg.app.vm[0]");
    add(&lab, "docs");
    address("Eggs/app/config.fly", 22);
    let plan = ends(&lab, &["plan"], 0);
    assert!(
        plan.contains("egg.docs.vm[0] is skipped because of egg.app.vm[0]")
            && !plan.contains("+ egg.docs.vm[0]"),
        "{plan}"
    );
    address("Eggs/docs/config.fly", 23);
    let plan = ends(&lab, &["plan"], 0);
    assert!(plan.contains("+ egg.docs.vm[0]"), "{plan}");
    lab.stop();
}

#[test]
fn what_is_given_up_is_planned_again_and_what_it_made_is_found() {
    let lab = died_in_the_middle();
    ends(&lab, &["apply", "--yes"], 1);
    lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    lab.end_faults();
    let words = ends(&lab, &["apply", "--yes"], 1);
    assert!(words.contains("--adopt"), "{words}");
    lab.green(&["apply", "--yes", "--adopt"]);
    let kinds = lab.kinds();
    assert_eq!((kinds["vm"], kinds["runner"]), (1, 1));
    lab.stop();
}
