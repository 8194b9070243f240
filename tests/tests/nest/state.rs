//! The state as people handle it: looked at, carried elsewhere, put back, locked and taken over.

use std::os::unix::fs::PermissionsExt;

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// What `gosling` says where it must refuse.
fn refused(lab: &Lab, arguments: &[&str], words: &str) {
    let output = lab.run(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?}: {said}");
}

/// The Nest's `state` block is this.
fn state_block(lab: &Lab, block: &str) {
    let nest = lab.read("nest.fly");
    let begin = nest.find("\nstate {").unwrap_or(nest.len());
    lab.write("nest.fly", &format!("{}{block}", &nest[..begin]));
}

#[test]
fn a_state_is_pulled_edited_and_pushed_but_not_an_older_one_nor_anothers() {
    let lab = Lab::one();
    refused(&lab, &["state", "pull"], "there is no state");
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "pulled.json"]);
    let path = lab.nest().join("pulled.json");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let pulled = lab.read("pulled.json");
    assert_eq!(lab.run(&["state", "pull"]).stdout, pulled.as_bytes());
    assert!(lab.green(&["state", "push", "pulled.json"]).contains("the same"));

    let mut edited: serde_json::Value = serde_json::from_str(&pulled).unwrap();
    let serial = edited["serial"].as_u64().unwrap();
    edited["resources"]
        .as_object_mut()
        .unwrap()
        .remove("egg.app.hook[17]");
    lab.write("edited.json", &edited.to_string());
    let said = lab.green(&["state", "push", "edited.json"]);
    assert!(said.contains(&format!("as serial {}", serial + 1)), "{said}");
    assert!(!lab.green(&["state", "list"]).contains("hook"));

    refused(
        &lab,
        &["state", "push", "pulled.json"],
        "the state there is newer",
    );
    let mut foreign: serde_json::Value = serde_json::from_str(&pulled).unwrap();
    foreign["lineage"] = "another".into();
    lab.write("foreign.json", &foreign.to_string());
    refused(
        &lab,
        &["state", "push", "foreign.json"],
        "the state of another Nest",
    );
    lab.write(
        "broken.json",
        &pulled.replace("\"id\": \"", "\"id\": \"\" , \"was\": \""),
    );
    refused(&lab, &["state", "push", "broken.json"], "broken.json: ");

    lab.green(&["state", "push", "--force", "pulled.json"]);
    let audit = lab.read(".gosling/audit.jsonl");
    assert_eq!(audit.matches("gosling state push").count(), 2, "{audit}");
    lab.green(&["audit", "verify"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn nothing_is_pushed_or_moved_while_an_operation_is_open() {
    let lab = Lab::one();
    lab.fault(
        r#"{"world":"gitlab","method":"POST","path":"/api/v4/user/runners","nth":1,"kind":"lose_after"}"#,
    );
    let output = lab.run(&["apply", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let output = lab.run(&["state", "pull", "-o", "pulled.json"]);
    assert!(said(&output).contains("have not ended"), "{}", said(&output));
    refused(&lab, &["state", "push", "pulled.json"], "has not ended");
    state_block(
        &lab,
        "\nstate {\n  backend = \"local\"\n  path = \"elsewhere\"\n}\n",
    );
    refused(&lab, &["state", "migrate", "--from", "local"], "has not ended");
    state_block(&lab, "");
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn a_state_moves_with_its_secrets_and_an_old_checkout_is_told_where_it_went() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let listed = lab.green(&["state", "list"]);
    let secrets = lab.green(&["secret", "list", "store://"]);
    assert!(!secrets.is_empty());
    refused(
        &lab,
        &["state", "migrate", "--from", "local"],
        "is both the old and the new place",
    );
    refused(&lab, &["state", "migrate", "--from", "old.fly"], "no such file");
    lab.write("../old.fly", &lab.read("nest.fly"));
    state_block(
        &lab,
        "\nstate {\n  backend = \"local\"\n  path = \"elsewhere\"\n}\n",
    );
    refused(&lab, &["apply", "--yes"], "was not moved");
    let said = lab.green(&["state", "migrate", "--from", "../old.fly"]);
    assert!(
        said.contains("3 resources") && said.contains("secrets.age"),
        "{said}"
    );
    assert_eq!(lab.green(&["state", "list"]), listed);
    assert_eq!(lab.green(&["secret", "list", "store://"]), secrets);
    assert!(lab.green(&["plan"]).contains("No changes"));
    let again = lab.green(&["state", "migrate", "--from", "local"]);
    assert!(again.contains("nothing is left to do"), "{again}");

    state_block(&lab, "");
    let changes = lab.changes();
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["state", "list"],
        &["secret", "list", "store://"],
        &["state", "history"],
        &["state", "repair", "--yes"],
        &["lock"],
        &["freeze"],
        &["freeze", "--reason", "a release"],
        &["freeze", "--lift"],
        &["audit"],
        &["audit", "verify"],
    ] {
        refused(&lab, command, "elsewhere/state.json");
    }
    assert_eq!(lab.changes(), changes);
    // And back again, by the folder this time.
    lab.green(&["state", "migrate", "--from", "local=elsewhere"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_lock_in_a_folder_is_not_taken_from_a_living_process() {
    let lab = Lab::one_in("{}", 200);
    let said_free = lab.green(&["unlock"]);
    assert!(said_free.contains(" is free"), "{said_free}");
    let mut child = lab.spawn(&["apply", "--yes"]);
    let held = lab.nest().join(".gosling/lock");
    while !std::fs::read_to_string(&held).is_ok_and(|holder| holder.contains(&child.id().to_string())) {
        std::thread::yield_now();
    }
    let output = lab.run(&["unlock"]);
    assert!(said(&output).contains("gosling apply"), "{}", said(&output));
    assert!(said(&output).contains("--yes"), "{}", said(&output));
    refused(&lab, &["unlock", "--yes"], "is at work");
    refused(&lab, &["apply", "--yes"], "the state is locked by");
    assert!(child.wait().unwrap().success());
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}
