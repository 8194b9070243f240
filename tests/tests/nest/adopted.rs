//! What gosling made and the state does not know is taken in as what it is, and as nothing better than it is.

use gosling_providers::http::Method;
use serde_json::{Value as Json, json};

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::marks::{by_hand, refused};

/// The egg `app` as `web`, with this in the Nest.
fn renamed(lab: &Lab, more: &str) {
    let egg = lab.read("Eggs/app/config.fly");
    std::fs::rename(lab.nest().join("Eggs/app"), lab.nest().join("Eggs/web")).unwrap();
    lab.write("Eggs/web/config.fly", &egg.replace("egg \"app\"", "egg \"web\""));
    lab.write("nest.fly", &format!("{}{more}", lab.read("nest.fly")));
}

const MOVED: &str = "\nmoved {\n  from = egg.app\n  to = egg.web\n}\n";
const PARTS: [&str; 3] = ["vm[0]", "hook[17]", "runner"];

/// The state forgets all of an egg; the secrets stay.
fn forget(lab: &Lab, egg: &str) {
    for part in PARTS {
        lab.green(&["state", "rm", &format!("egg.{egg}.{part}")]);
    }
}

/// A state that knows nothing: apply stops, and what is there is taken over, not created a second time.
fn found_again(lab: &Lab) {
    let there = lab.there().len();
    refused(
        lab,
        &["apply", "--yes"],
        &["it already exists", "gosling apply --adopt"],
    );
    let said = lab.green(&["apply", "--yes", "--adopt"]);
    for part in PARTS {
        assert!(
            said.contains(&format!("is taken over as egg.web.{part}")),
            "{said}"
        );
    }
    assert!(
        said.contains("0 created") || said.contains("No changes"),
        "{said}"
    );
    assert!(!said.contains("replaces"), "{said}");
    assert_eq!(lab.there().len(), there);
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["plan"]).contains("No changes"));
}

/// An operator's walk, A1: a marker keeps the address of its creation.
#[test]
fn what_was_renamed_and_forgotten_is_taken_over_and_not_created_again() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    renamed(&lab, MOVED);
    lab.green(&["apply", "--yes"]);
    forget(&lab, "web");
    found_again(&lab);
    forget(&lab, "web");
    let said = lab.green(&["orphans", "--adopt", "all", "--yes"]);
    assert!(said.contains("is taken over as egg.web.runner"), "{said}");
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

#[test]
fn what_is_forgotten_before_its_rename_is_applied_is_taken_over_at_its_new_address() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    forget(&lab, "app");
    renamed(&lab, MOVED);
    let there = lab.there().len();
    refused(&lab, &["apply", "--yes"], &["it already exists"]);
    lab.green(&["apply", "--yes", "--adopt"]);
    assert_eq!(lab.there().len(), there);
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

#[test]
fn what_was_given_another_address_by_hand_is_taken_over_by_what_it_is_called() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    renamed(&lab, "");
    for part in PARTS {
        lab.green(&[
            "state",
            "mv",
            &format!("egg.app.{part}"),
            &format!("egg.web.{part}"),
        ]);
    }
    lab.green(&["apply", "--yes"]);
    forget(&lab, "web");
    found_again(&lab);
    lab.stop();
}

/// An attack, H3: a clone that was given up has booted without user data, or not at all.
#[test]
fn a_machine_whose_creation_did_not_end_is_replaced_when_it_is_adopted() {
    let lab = Lab::one();
    lab.fault(r#"{"method": "POST", "path": "*/clone", "kind": "lose_after"}"#);
    lab.run(&["apply", "--yes"]);
    lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    let adopted = lab.green(&["apply", "--yes", "--adopt"]);
    assert!(
        adopted.contains("egg.app.vm[0]: the creation of pve1/5000 did not end: apply replaces it"),
        "{adopted}"
    );
    assert!(
        adopted.contains("0 created, 0 changed, 1 replaced, 0 deleted"),
        "{adopted}"
    );
    // Neither the image of the first attempt nor that of the second is left.
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["plan"]).contains("No changes"));
    let status = lab.green(&["status"]);
    assert!(status.contains("1 machine online"), "{status}");
    lab.stop();
}

#[test]
fn a_machine_whose_creation_did_not_end_is_replaced_when_it_is_imported() {
    let lab = Lab::one();
    lab.fault(r#"{"method": "POST", "path": "*/clone", "kind": "lose_after"}"#);
    lab.run(&["apply", "--yes"]);
    lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    let imported = lab.green(&["import", "egg.app.vm[0]", "pve1/5000"]);
    assert!(imported.contains("did not end: apply replaces it"), "{imported}");
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("1 to replace") && plan.contains("because of user_data"),
        "{plan}"
    );
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

/// A walk, A3: what was taken out of the state and is back is needed by what needed it.
#[test]
fn a_runner_that_is_imported_again_is_needed_by_its_machines_again() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "rm", "egg.app.runner"]);
    let machine = |lab: &Lab| lab.green(&["state", "show", "egg.app.vm[0]"]);
    assert!(!machine(&lab).contains("needs: egg.app.runner"));
    lab.green(&["import", "egg.app.runner", "1"]);
    assert!(
        machine(&lab).contains("needs: egg.app.runner"),
        "{}",
        machine(&lab)
    );
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

/// A state of an earlier version, whose import lost what needs the runner.
#[test]
fn lost_dependencies_are_put_back_by_an_apply_that_changes_nothing_else() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "state.json"]);
    let mut state: Json = serde_json::from_str(&lab.read("state.json")).unwrap();
    let needs = &mut state["resources"]["egg.app.vm[0]"]["depends_on"];
    assert_eq!(needs, &json!(["egg.app.runner"]));
    *needs = json!([]);
    lab.write("state.json", &state.to_string());
    let pushed = lab.green(&["state", "push", "state.json"]);
    assert!(pushed.contains("does not match its digest"), "{pushed}");
    let machine = |lab: &Lab| lab.green(&["state", "show", "egg.app.vm[0]"]);
    assert!(!machine(&lab).contains("needs:"));
    let words =
        "Apply corrects the state, which is not up to date about 1 resource: egg.app.vm[0] (dependencies).";
    let plan = lab.green(&["plan", "--detailed-exitcode"]);
    assert!(plan.contains(words) && plan.contains("No changes"), "{plan}");
    let changes = lab.changes();
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains(words), "{said}");
    assert_eq!(lab.changes(), changes);
    assert!(machine(&lab).contains("needs: egg.app.runner"), "{said}");
    let plan = lab.green(&["plan"]);
    assert!(!plan.contains(words), "{plan}");
    assert!(lab.green(&["audit", "verify"]).contains("lines"));
    lab.stop();
}

/// A walk, A5: a new token is not in the machines that have the old one.
#[test]
fn machines_with_a_lost_token_are_replaced_by_the_apply_that_makes_a_new_one() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    std::fs::remove_dir_all(lab.nest().join(".gosling")).unwrap();
    let adopted = lab.green(&["apply", "--yes", "--adopt"]);
    for words in [
        "warning: egg.app.runner: the token of runner 1 is not at store://",
        "warning: egg.app.vm[0]: it uses the token of egg.app.runner that is lost: apply replaces it",
        "1 replaced, 0 deleted",
    ] {
        assert!(adopted.contains(words), "{adopted}");
    }
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["plan"]).contains("No changes"));
    assert!(!lab.green(&["secret", "check"]).contains("missing"));

    std::fs::remove_dir_all(lab.nest().join(".gosling")).unwrap();
    let machine = lab
        .there()
        .into_iter()
        .find(|object| object.kind == "vm")
        .unwrap()
        .id;
    lab.green(&["import", "egg.app.runner", "1"]);
    let imported = lab.run(&["import", "egg.app.vm[0]", &format!("pve1/{machine}")]);
    assert!(
        said(&imported).contains("uses the token of egg.app.runner that is lost"),
        "{}",
        said(&imported)
    );
    lab.stop();
}

const THEIRS: &str = "/api2/json/nodes/pve1/qemu/100/config";

/// Somebody else's machine, pve1/100.
fn theirs(lab: &Lab) {
    let machine = json!({ "vmid": "100", "name": "theirs", "memory": "512", "scsi0": "local-lvm:4" });
    by_hand(lab, Method::Post, "/api2/json/nodes/pve1/qemu", machine);
}

/// An attack, H2: import, and then apply or destroy, deleted what somebody else had made.
#[test]
fn what_was_imported_is_never_deleted() {
    let lab = Lab::one();
    theirs(&lab);
    let imported = lab.green(&["import", "egg.app.vm[0]", "pve1/100"]);
    assert!(
        imported.contains("leaves pve1/100 where it is. `gosling state rm 'egg.app.vm[0]'` forgets it"),
        "{imported}"
    );
    let destroyed = lab.green(&["destroy", "--yes"]);
    assert!(
        destroyed.contains("Left outside") && destroyed.contains("[pve1/100]"),
        "{destroyed}"
    );
    assert_eq!(
        by_hand(&lab, Method::Get, THEIRS, json!(null))["data"]["name"],
        "theirs"
    );
    assert!(
        lab.green(&["state", "list"])
            .contains("the state has no resources")
    );

    lab.green(&["import", "egg.app.vm[0]", "pve1/100"]);
    let applied = lab.green(&["apply", "--yes"]);
    assert!(
        applied.contains("3 created, 0 changed, 0 replaced, 0 deleted"),
        "{applied}"
    );
    assert_eq!(
        by_hand(&lab, Method::Get, THEIRS, json!(null))["data"]["name"],
        "theirs"
    );
    assert!(lab.green(&["plan"]).contains("No changes: everything matches"));
    lab.stop();
}

/// An attack, H1: an entry without a marker deleted anybody's machine.
#[test]
fn a_state_that_somebody_wrote_deletes_nothing_without_a_marker() {
    let lab = Lab::one();
    theirs(&lab);
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "pull", "-o", "forged.json"]);
    let mut state: Json = serde_json::from_str(&lab.read("forged.json")).unwrap();
    let mut machine = state["resources"]["egg.app.vm[0]"].clone();
    machine["id"] = "pve1/100".into();
    machine["marker"] = "".into();
    machine["properties"]["name"] = json!({ "text": "theirs" });
    state["resources"]["egg.zz.vm[0]"] = machine;
    state["serial"] = (state["serial"].as_u64().unwrap() + 1).into();
    lab.write("forged.json", &state.to_string());
    lab.green(&["state", "push", "forged.json"]);
    lab.green(&["apply", "--yes"]);
    assert_eq!(
        by_hand(&lab, Method::Get, THEIRS, json!(null))["data"]["name"],
        "theirs"
    );
    assert!(!lab.green(&["state", "list"]).contains("egg.zz"));
    lab.stop();
}

/// An attack, M1 and M2: an image with a token in it is this Nest's to delete, and no other's.
#[test]
fn an_image_that_a_run_left_is_this_nest_s_and_goes_with_the_machine_that_gets_its_number() {
    let lab = Lab::one();
    lab.fault(r#"{"method": "POST", "path": "*/upload", "kind": "lose_after"}"#);
    lab.run(&["apply", "--yes"]);
    lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    let image = lab
        .there()
        .into_iter()
        .find(|object| object.kind == "volume")
        .unwrap()
        .id;
    assert!(image.contains("gosling-one-5000-"), "{image}");
    refused(&lab, &["orphans"], &[&image, "an image that a run left behind"]);

    // Another Nest on the same cluster, with the same numbers.
    let (text, state) = (lab.read("nest.fly"), lab.nest().join(".gosling"));
    lab.write("nest.fly", &text.replace("name = \"one\"", "name = \"two\""));
    std::fs::rename(&state, lab.nest().join("kept")).unwrap();
    lab.green(&["orphans"]);
    std::fs::remove_dir_all(&state).ok();
    std::fs::rename(lab.nest().join("kept"), &state).unwrap();
    lab.write("nest.fly", &text);

    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    assert!(
        lab.green(&["orphans"])
            .contains("everything of the Nest one is in its state")
    );
    lab.stop();
}
