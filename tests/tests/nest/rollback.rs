//! `gosling rollback` and `gosling apply --on-failure=rollback`: what was there before is there again.

use serde_json::Value;

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// What every object of the state is like, without what a resource made anew cannot have: its id and its marker.
pub(crate) fn like(lab: &Lab) -> Value {
    let state: Value = serde_json::from_str(&lab.read(".gosling/state.json")).unwrap();
    let mut resources = state["resources"].clone();
    for held in resources.as_object_mut().unwrap().values_mut() {
        let held = held.as_object_mut().unwrap();
        for name in ["id", "marker", "outputs"] {
            held.remove(name);
        }
        held["properties"].as_object_mut().unwrap().remove("runner");
    }
    resources
}

fn ids(lab: &Lab) -> Vec<String> {
    let mut ids: Vec<String> = lab.there().into_iter().map(|object| object.id).collect();
    ids.sort();
    ids
}

pub(crate) fn change(lab: &Lab, from: &str, to: &str) {
    let egg = lab.read("Eggs/app/config.fly");
    assert!(egg.contains(from), "{egg}");
    lab.write("Eggs/app/config.fly", &egg.replace(from, to));
}

#[test]
fn an_egg_that_was_changed_is_as_it_was_and_the_nest_still_asks_for_the_change() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let (before, there) = (like(&lab), ids(&lab));
    change(&lab, "cpu = 1", "cpu = 2");
    lab.green(&["apply", "--yes"]);
    assert_ne!(like(&lab), before);
    let changes = lab.changes();
    let look = lab.green(&["rollback", "--dry-run"]);
    assert!(look.contains("cpu") && look.contains("2 -> 1"), "{look}");
    assert!(look.contains("Secrets keep their present values"), "{look}");
    assert_eq!(lab.changes(), changes, "a look only reads");
    let said = lab.green(&["rollback", "--yes"]);
    assert!(
        said.contains("0 created, 1 changed, 0 replaced, 0 deleted"),
        "{said}"
    );
    assert!(said.contains("they still describe the newer form"), "{said}");
    assert_eq!((like(&lab), ids(&lab)), (before.clone(), there));
    let plan = lab.green(&["plan"]);
    assert!(plan.contains("1 -> 2"), "{plan}");
    // What a rollback did can be taken back like anything else.
    lab.green(&["rollback", "--yes"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    let history = lab.green(&["state", "history"]);
    assert!(history.contains("saved by `gosling rollback` of "), "{history}");
    lab.stop();
}

#[test]
fn what_was_deleted_is_made_anew_and_what_is_gone_is_said_first() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let before = like(&lab);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    let said = lab.green(&["rollback", "--yes"]);
    for words in [
        "egg.app.vm[0] is created again; lost for good: its disk with all that is on it",
        "egg.app.runner is created again; lost for good: its number, its token and its list of jobs",
        "egg.app is online",
        "the Nest asks for what is there now",
    ] {
        assert!(said.contains(words), "`{words}` is not in:\n{said}");
    }
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    // Its runner works with the new token, and the state knows the new number: nothing is left to do.
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["smoke", "app"]);
    lab.stop();
}

#[test]
fn back_to_a_serial_to_nothing_and_to_what_is_not_kept() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let said_ = said(&lab.run(&["rollback", "--to", "77", "--yes"]));
    assert!(said_.contains("the state with serial 77 is not kept"), "{said_}");
    assert!(said_.contains("gosling state history"), "{said_}");
    lab.green(&["rollback", "--to", "0", "--yes"]);
    assert_eq!(lab.there(), []);
    let output = lab.run(&["rollback"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("gosling rollback --dry-run"),
        "{}",
        said(&output)
    );
    lab.stop();
}

#[test]
fn what_was_taken_out_of_the_state_is_not_made_twice() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let there = ids(&lab);
    let serial = serial(&lab);
    lab.green(&["state", "rm", "egg.app.hook[17]"]);
    let said = lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert!(
        said.contains("egg.app.hook[17] was removed from the state since and still exists"),
        "{said}"
    );
    assert_eq!(ids(&lab), there);
    lab.stop();
}

pub(crate) fn serial(lab: &Lab) -> String {
    let state: Value = serde_json::from_str(&lab.read(".gosling/state.json")).unwrap();
    state["serial"].to_string()
}

/// A second egg beside the one, which needs three things more.
pub(crate) fn second(lab: &Lab) {
    let egg = lab.read("Eggs/app/config.fly");
    let egg = egg.replace("egg \"app\"", "egg \"docs\"").replace("17", "41");
    std::fs::create_dir_all(lab.nest().join("Eggs/docs")).unwrap();
    lab.write("Eggs/docs/config.fly", &egg);
}

#[test]
fn what_a_provider_made_that_the_nest_names_no_more_is_refused_before_anything_is_touched() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let before = like(&lab);
    lab.green(&["destroy", "--yes"]);
    let named = lab.read("nest.fly");
    let without = &named[..named.find("provider \"proxmox\"").unwrap()];
    lab.write("nest.fly", without);
    std::fs::rename(lab.nest().join("Eggs"), lab.folder.path().join("Eggs")).unwrap();
    let calls = lab.calls();
    for arguments in [&["rollback", "--yes"][..], &["rollback", "--dry-run"]] {
        let output = lab.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        for words in [
            "egg.app.vm[0] was created by `proxmox`, which the Nest no longer has",
            "help: put the provider back, or go back with `--target` to what others made",
        ] {
            assert!(
                said(&output).contains(words),
                "`{words}` is not in:\n{}",
                said(&output)
            );
        }
    }
    assert_eq!(lab.calls(), calls, "nobody was asked");
    assert!(lab.green(&["lock"]).contains(" is free"));
    // The other way out: what others made.
    lab.green(&["rollback", "--target", "egg.app.runner", "--yes"]);
    assert_eq!(lab.kinds(), [("runner".to_owned(), 1)].into());
    // With the provider back all of it can be made again.
    lab.write("nest.fly", &named);
    std::fs::rename(lab.folder.path().join("Eggs"), lab.nest().join("Eggs")).unwrap();
    lab.green(&["apply", "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

#[test]
fn an_apply_that_fails_in_the_middle_leaves_what_was_there_before() {
    // Refused for good; the answer lost before and after it was carried out.
    let faults = [
        (
            r#""kind":"status","code":403"#,
            "POST",
            "/api2/json/nodes/*/qemu/*/clone",
        ),
        (
            r#""kind":"lose_before""#,
            "POST",
            "/api2/json/nodes/*/qemu/*/clone",
        ),
        (
            r#""kind":"lose_after""#,
            "POST",
            "/api2/json/nodes/*/qemu/*/clone",
        ),
        (
            r#""kind":"lose_after""#,
            "POST",
            "/api2/json/nodes/*/qemu/*/status/start",
        ),
        (r#""kind":"lose_after""#, "POST", "/api/v4/projects/*/hooks"),
    ];
    for (fault, method, path) in faults {
        let lab = Lab::one();
        lab.green(&["apply", "--yes"]);
        let (before, there) = (like(&lab), ids(&lab));
        second(&lab);
        change(&lab, "cpu = 1", "cpu = 2");
        let world = if path.contains("/v4/") {
            "gitlab"
        } else {
            "proxmox"
        };
        lab.fault(&format!(
            r#"{{"world":"{world}","method":"{method}","path":"{path}","nth":1,{fault}}}"#
        ));
        let output = lab.run(&["apply", "--yes", "--on-failure=rollback"]);
        let case = format!("{fault} of {method} {path}: {}", said(&output));
        assert_eq!(output.status.code(), Some(1), "{case}");
        assert!(said(&output).contains("Failed and undone: "), "{case}");
        assert_eq!((like(&lab), ids(&lab)), (before, there), "{case}");
        // The Nest still asks for it, and the next apply makes it.
        lab.green(&["apply", "--yes"]);
        assert_eq!(lab.there().len(), 2 * whole().values().sum::<usize>(), "{case}");
        lab.stop();
    }
}

#[test]
fn an_undoing_that_fails_too_says_both_and_how_to_go_on() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let (before, serial) = (like(&lab), serial(&lab));
    second(&lab);
    for (method, path, nth) in [
        ("POST", "/api2/json/nodes/*/qemu/*/clone", 1),
        ("DELETE", "/api/v4/runners/*", 1),
    ] {
        let world = if path.contains("/v4/") {
            "gitlab"
        } else {
            "proxmox"
        };
        lab.fault(&format!(
            r#"{{"world":"{world}","method":"{method}","path":"{path}","nth":{nth},"kind":"status","code":403}}"#
        ));
    }
    let output = lab.run(&["apply", "--yes", "--on-failure=rollback", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["failed"][0]["verb"], "create", "{result:#}");
    assert_eq!(result["rollback"]["failed"][0]["verb"], "delete", "{result:#}");
    lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

/// The machine after it has its VMID, and its disk is lost all the same.
#[test]
fn a_machine_that_was_replaced_under_its_own_number_is_not_restored() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let machine = |lab: &Lab| {
        lab.there()
            .into_iter()
            .find(|object| object.kind == "vm")
            .unwrap()
    };
    let before = machine(&lab);
    lab.green(&["apply", "--yes", "--replace", "egg.app.vm[0]"]);
    let after = machine(&lab);
    assert!(after.id == before.id && after.created != before.created);
    let shown = lab.green(&["rollback", "--to", "1", "--dry-run"]);
    let words = "egg.app.vm[0] was created again since and stays; lost for good: its disk";
    assert!(
        shown.contains("Not restored exactly:") && shown.contains(words),
        "{shown}"
    );
    let output = lab.ended(&["rollback", "--to", "999", "--dry-run"], 1);
    let words = crate::gosling::said(&output);
    assert!(
        words.contains("the oldest that is has serial 1, the newest "),
        "{words}"
    );
    lab.stop();
}
