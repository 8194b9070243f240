//! `gosling apply` as a process against the simulated services: what it makes, and what is left when it is killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::gosling::said;
use crate::lab::{Lab, whole};

#[test]
fn the_example_is_applied_comes_online_and_goes_without_a_trace() {
    let lab = Lab::proxmox_lab();
    lab.green(&["plan"]);
    assert_eq!(lab.changes(), 0, "a plan only reads");
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains("Done: 13 create"), "{said}");
    assert!(said.contains("egg.app is online"), "{said}");
    let expected = [("hook", 5), ("runner", 4), ("vm", 4)];
    let expected: BTreeMap<String, usize> = expected.map(|(kind, count)| (kind.to_owned(), count)).into();
    assert_eq!(lab.kinds(), expected);
    lab.green(&["status"]);
    lab.green(&["smoke", "app"]);
    let changes = lab.changes();
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains("No changes"), "{said}");
    assert_eq!(lab.changes(), changes, "the second apply changes nothing");
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_plan_is_the_same_twice_and_says_by_its_exit_code_that_something_is_pending() {
    let lab = Lab::one();
    let arguments = ["plan", "--json", "--detailed-exitcode"];
    let (first, second) = (lab.run(&arguments), lab.run(&arguments));
    assert_eq!(first.status.code(), Some(2), "{}", said(&first));
    assert_eq!(first.stdout, second.stdout);
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.run(&arguments).status.code(), Some(0));
    lab.stop();
}

/// Most templates have a drive on which Proxmox VE itself keeps user-data. A machine must not boot with two of them: it
/// would read the first.
#[test]
fn f3_a_template_with_a_drive_of_its_own_for_cloud_init_becomes_a_runner() {
    for drive in ["ide0", "ide2"] {
        let world = format!(
            r#"{{"proxmox": {{"templates": [
                {{"vmid": 9000, "name": "debian-12-cloud", "node": "pve1", "cloud_init": "{drive}"}}
            ]}}}}"#
        );
        let lab = Lab::one_in(&world, 0);
        let said = lab.green(&["apply", "--yes"]);
        assert!(said.contains("egg.app is online"), "{drive}: {said}");
        assert_eq!(lab.running.silent(), [], "{drive}");
        lab.green(&["smoke", "app"]);
        assert!(lab.green(&["plan"]).contains("No changes"), "{drive}");
        lab.green(&["destroy", "--yes"]);
        assert_eq!(lab.there(), []);
        lab.stop();
    }
}

#[test]
fn the_image_with_the_token_is_put_away_once_the_runner_is_online() {
    let lab = Lab::one();
    let seeds = |lab: &Lab| {
        lab.there()
            .iter()
            .filter(|object| object.kind == "volume")
            .count()
    };
    // The image cannot be taken out: that is no reason to call the machine ill, but it is said, and tried again.
    lab.fault(r#"{"method": "PUT", "path": "*/config", "nth": 2, "kind": "status", "code": 403}"#);
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("could not be deleted") && said.contains("the next apply tries it again"),
        "{said}"
    );
    assert_eq!(seeds(&lab), 1);
    assert!(lab.read(".gosling/state.json").contains("\"seed\""));
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("No changes") && said.contains("egg.app is online"),
        "{said}"
    );
    assert_eq!(seeds(&lab), 0);
    assert!(!lab.read(".gosling/state.json").contains("\"seed\""));
    let changes = lab.changes();
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.changes(), changes);
    lab.green(&["smoke", "app"]);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn one_egg_changed_changes_only_its_own_and_drift_is_put_right() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let egg = lab.read("Eggs/app/config.fly");
    lab.write("Eggs/app/config.fly", &egg.replace("cpu = 1", "cpu = 2"));
    let said = lab.green(&["plan"]);
    assert!(
        said.contains("is changed in place and restarted, because of cpu"),
        "{said}"
    );
    let restarts = |lab: &Lab| {
        let ledger = lab.running.ledger();
        let starts = ledger
            .calls()
            .iter()
            .filter(|call| call.path.ends_with("/status/start"));
        starts.count()
    };
    assert_eq!(restarts(&lab), 1);
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("0 created, 1 changed, 0 replaced, 0 deleted"),
        "{said}"
    );
    // Proxmox VE takes in another number of processors with the next start only.
    assert_eq!(restarts(&lab), 2);
    assert!(said.contains("egg.app is online"), "{said}");
    lab.write("Eggs/app/config.fly", &egg);
    // To the state, the machine has two processors; the Nest asks for one again.
    let said = lab.green(&["refresh"]);
    assert!(said.contains("cpu  2 -> 1"), "{said}");
    lab.green(&["apply", "--yes"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn what_is_gone_is_made_anew_or_forgotten() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let first = lab.read(".gosling/state.json");
    lab.green(&["destroy", "--yes"]);
    // As if another hand had deleted everything: the state knows of what is not there any more, and nothing else of the
    // run that deleted it.
    lab.write(".gosling/state.json", &first);
    for entry in std::fs::read_dir(lab.nest().join(".gosling")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("state.json.") || name.starts_with("audit") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let said = lab.green(&["plan"]);
    assert!(
        said.contains("egg.app.vm[0] is gone") && said.contains("3 to create"),
        "{said}"
    );
    std::fs::remove_dir_all(lab.nest().join("Eggs")).unwrap();
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains("apply forgets it"), "{said}");
    assert!(
        lab.green(&["state", "list"])
            .starts_with("the state has no resources")
    );
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_renamed_egg_is_moved_and_nothing_is_made_anew() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let egg = lab
        .read("Eggs/app/config.fly")
        .replace("egg \"app\"", "egg \"web\"");
    std::fs::remove_dir_all(lab.nest().join("Eggs/app")).unwrap();
    std::fs::create_dir_all(lab.nest().join("Eggs/web")).unwrap();
    let moved = "\nmoved {\n  from = egg.app\n  to = egg.web\n}\n";
    lab.write("Eggs/web/config.fly", &egg);
    lab.write("nest.fly", &(lab.read("nest.fly") + moved));
    let ids: Vec<String> = lab.there().into_iter().map(|object| object.id).collect();
    let said = lab.green(&["apply", "--yes"]);
    assert!(
        said.contains("0 created") && said.contains("0 replaced, 0 deleted"),
        "{said}"
    );
    let now: Vec<String> = lab.there().into_iter().map(|object| object.id).collect();
    assert_eq!(ids, now);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_plan_file_is_applied_exactly_or_not_at_all() {
    let lab = Lab::one();
    lab.green(&["plan", "-o", "plan.json"]);
    let plan = lab.read("plan.json");
    lab.write("edited.json", &plan.replace("\"one/app\"", "\"two/app\""));
    let refused = |file: &str, why: &str| {
        let calls = lab.changes();
        let output = lab.run(&["apply", file, "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
        assert_eq!(lab.changes(), calls, "nothing is changed by a refused plan");
    };
    refused("edited.json", "was changed after it was made");
    lab.green(&["apply", "plan.json", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    refused("plan.json", "stale");
    lab.green(&["plan", "--destroy", "-o", "gone.json"]);
    let egg = lab.read("Eggs/app/config.fly");
    lab.write("Eggs/app/config.fly", &egg.replace("cpu = 1", "cpu = 2"));
    refused("gone.json", "the Nest has changed");
    lab.stop();
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let lab = Lab::one();
    let output = lab.run(&["apply"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("--yes"), "{}", said(&output));
    assert_eq!(lab.calls(), 0);
    lab.stop();
}

#[test]
fn two_applies_at_once_do_not_meet() {
    let lab = Lab::one();
    let mut first = lab.spawn(&["apply", "--yes"]);
    let begun = Instant::now();
    while lab.calls() == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the first apply does nothing"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    let second = lab.run(&["apply", "--yes"]);
    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    assert!(said(&second).contains("locked by"), "{}", said(&second));
    assert!(said(&second).contains("gosling apply"), "{}", said(&second));
    assert!(first.wait().unwrap().success());
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}
