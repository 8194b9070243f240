//! What a person does by hand: import, state, unlock, graph, secret, --target, --replace.

use std::process::Stdio;

use crate::gosling::said;
use crate::lab::{Lab, whole};

fn refused(lab: &Lab, arguments: &[&str], words: &str) {
    let output = lab.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    assert!(said(&output).contains(words), "{}", said(&output));
}

/// The id that the state has for an address.
fn id(lab: &Lab, address: &str) -> String {
    let list = lab.green(&["state", "list"]);
    let line = list
        .lines()
        .find(|line| line.starts_with(&format!("{address} ")))
        .unwrap();
    line.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn what_was_forgotten_is_imported_again_and_nothing_is_made_anew() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let addresses = ["egg.app.hook[17]", "egg.app.vm[0]", "egg.app.runner"];
    let ids = addresses.map(|address| id(&lab, address));
    let there = lab.there();
    for address in addresses {
        assert!(lab.green(&["state", "rm", address]).contains("stays where it is"));
        refused(&lab, &["state", "rm", address], "is not in the state");
    }
    assert!(
        lab.green(&["state", "list"])
            .starts_with("the state has no resources")
    );
    refused(
        &lab,
        &["import", "egg.web.runner", "1"],
        "the Nest asks for no egg.web.runner",
    );
    refused(
        &lab,
        &["import", "egg.app.vm[0]", "pve1/7777"],
        "there is no proxmox_vm pve1/7777",
    );
    refused(
        &lab,
        &["import", "egg.app.vm[0]", "seven"],
        "`seven` is not a machine id",
    );
    for (address, id) in addresses.iter().zip(&ids).rev() {
        assert!(
            lab.green(&["import", address, id])
                .contains(&format!("{address} is now {id}"))
        );
        refused(&lab, &["import", address, id], "is in the state already");
    }
    assert_eq!(lab.there(), there, "an import changes nothing outside");
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("No changes") || plan.contains("0 to create"),
        "{plan}"
    );
    assert!(
        plan.contains("No changes") || plan.contains("0 to replace"),
        "{plan}"
    );
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    assert_eq!(addresses.map(|address| id(&lab, address)), ids);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["status"]);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn what_nobody_can_settle_any_more_is_given_up_by_name() {
    let lab = Lab::one();
    lab.fault(r#"{"method": "POST", "path": "*/clone", "kind": "lose_after"}"#);
    let output = lab.run(&["apply", "--yes"]);
    assert!(
        said(&output).contains("open: the outcome of the create of egg.app.vm[0]"),
        "{}",
        said(&output)
    );
    refused(&lab, &["state", "rm", "egg.app.runner"], "has not ended");
    refused(
        &lab,
        &["state", "abandon", "egg.app.runner"],
        "no operation of egg.app.runner is open",
    );
    refused(
        &lab,
        &["state", "abandon", "egg.app.vm[0]"],
        "gosling:one:egg.app.vm[0]:",
    );
    let said = lab.green(&["state", "abandon", "egg.app.vm[0]", "--yes"]);
    assert!(
        said.contains("possibly as pve1/5000") && said.contains("egg.app.vm[0] is given up"),
        "{said}"
    );
    assert!(lab.green(&["state", "list"]).contains("egg.app.runner"));
    // The machine that was given up is there all the same, and is not made a second time.
    refused(
        &lab,
        &["apply", "--yes"],
        "it already exists, as proxmox_vm pve1/5000",
    );
    lab.green(&["apply", "--yes", "--adopt"]);
    assert_eq!(id(&lab, "egg.app.vm[0]"), "pve1/5000");
    assert_eq!(lab.kinds()["vm"], 1);
    lab.stop();
}

#[test]
fn a_resource_is_given_another_address_and_the_states_before_are_kept() {
    let lab = Lab::one();
    assert!(
        lab.green(&["state", "history"])
            .contains("there is no earlier state")
    );
    lab.green(&["apply", "--yes"]);
    let changes = lab.changes();
    refused(
        &lab,
        &["state", "mv", "egg.app.vm[3]", "egg.app.vm[1]"],
        "egg.app.vm[3] is not in the state",
    );
    for (from, to, words) in [
        (
            "egg.nope.runner",
            "egg.app.runner",
            "egg.nope.runner is not in the state",
        ),
        ("egg.nope", "egg.app", "egg.nope is not in the state"),
        (
            "egg.app.vm[0]",
            "egg.app.runner",
            "egg.app.runner is the address of another kind",
        ),
        ("egg.app.runner", "egg.app.runner", "egg.app.runner is taken"),
        ("egg.app", "egg.app", "is taken"),
        (
            "egg.app",
            "egg.app.runner",
            "egg.app is a whole egg, and egg.app.runner is none",
        ),
        ("egg.app", "egg.web", "the Nest has no egg `web`"),
    ] {
        refused(&lab, &["state", "mv", from, to], words);
    }
    assert!(
        lab.green(&["state", "mv", "egg.app.vm[0]", "egg.app.vm[1]"])
            .contains("egg.app.vm[0] is egg.app.vm[1] now")
    );
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("1 to create") && plan.contains("1 to delete"),
        "{plan}"
    );
    lab.green(&["state", "mv", "egg.app.vm[1]", "egg.app.vm[0]"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    assert_eq!(lab.changes(), changes);
    let history = lab.green(&["state", "history"]);
    assert!(history.lines().count() >= 2, "{history}");
    assert!(history.contains("3 resources"), "{history}");
    let serials: Vec<u64> = history
        .lines()
        .filter_map(|line| line.strip_prefix("serial ")?.split(':').next()?.parse().ok())
        .collect();
    assert!(
        serials.windows(2).all(|pair| pair[0] > pair[1]),
        "the latest is first: {history}"
    );
    let shown = lab.green(&["state", "show", "egg.app.vm[0]"]);
    assert!(shown.contains("from: Eggs/app/config.fly:"), "{shown}");
    assert!(shown.contains("needs: egg.app.runner"), "{shown}");
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// The host name and the labels in what a machine was made with have the egg's name: they stay.
#[test]
fn an_egg_with_another_name_is_kept_by_state_mv_as_by_a_moved_block() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let there = lab.there().len();
    let parts = ["runner", "hook[17]", "vm[0]"];
    let ids = parts.map(|part| id(&lab, &format!("egg.app.{part}")));
    let text = lab
        .read("Eggs/app/config.fly")
        .replace("egg \"app\"", "egg \"web\"");
    std::fs::rename(lab.nest().join("Eggs/app"), lab.nest().join("Eggs/web")).unwrap();
    lab.write("Eggs/web/config.fly", &text);
    let said = lab.green(&["state", "mv", "egg.app", "egg.web"]);
    assert!(
        said.contains("egg.app is egg.web now, with 3 resources"),
        "{said}"
    );
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("0 to create") && plan.contains("0 to replace, 0 to delete"),
        "{plan}"
    );
    lab.green(&["apply", "--yes"]);
    assert_eq!(parts.map(|part| id(&lab, &format!("egg.web.{part}"))), ids);
    assert_eq!(lab.there().len(), there);
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("No changes") && !plan.contains("corrects"),
        "{plan}"
    );
    lab.green(&["status"]);
    lab.green(&["smoke", "web"]);
    // What is changed from now on replaces it as ever.
    lab.write(
        "Eggs/web/config.fly",
        &text.replace("runner {", "runner {\n    concurrent = 3"),
    );
    let plan = lab.green(&["plan"]);
    assert!(plan.contains("1 to replace"), "{plan}");
    // A move without anything to change outside is noted by an apply that changes nothing.
    lab.write("Eggs/web/config.fly", &text);
    lab.green(&["state", "mv", "egg.web.vm[0]", "egg.web.vm[1]"]);
    lab.green(&["state", "mv", "egg.web.vm[1]", "egg.web.vm[0]"]);
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("No changes")
            && plan.contains("not up to date about 1 resource: egg.web.vm[0] (names)."),
        "{plan}"
    );
    lab.green(&["apply", "--yes"]);
    assert!(!lab.green(&["plan"]).contains("corrects the state"));
    lab.stop();
}

#[test]
fn a_lock_is_taken_over_only_when_nobody_holds_it() {
    let lab = Lab::one_in("{}", 300);
    assert!(lab.green(&["unlock"]).contains(" is free"));
    let mut command = lab.command(&["apply", "--yes"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while lab.calls() == 0 {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the apply ended without a call"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    refused(
        &lab,
        &["unlock"],
        "standard input is not a terminal, so gosling cannot ask whether that holder is gone",
    );
    for (arguments, words) in [
        (&["unlock"][..], "is held by"),
        // A lock in a folder ends with its process, and this one is alive.
        (&["unlock", "--yes"], "is at work"),
        (&["state", "rm", "egg.app.runner"], "locked by"),
        (&["destroy", "--yes"], "locked by"),
    ] {
        refused(&lab, arguments, words);
        refused(&lab, arguments, &format!("{}", child.id()));
    }
    // What only looks does not wait.
    lab.green(&["state", "list"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        lab.green(&["unlock"]).contains(" is free"),
        "a lock ends with its process"
    );
    refused(&lab, &["state", "rm", "egg.app.runner"], "");
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn the_graph_is_drawn_in_both_formats() {
    let lab = Lab::one();
    let dot = lab.green(&["graph"]);
    assert!(dot.starts_with("digraph nest {") && dot.ends_with("}\n"), "{dot}");
    assert!(dot.contains("\"egg.app.runner\" -> \"egg.app.vm[0]\""), "{dot}");
    let mermaid = lab.green(&["graph", "--format", "mermaid"]);
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    let node = |address: &str| {
        let line = mermaid
            .lines()
            .find(|line| line.contains(&format!("[\"{address}<br/>")))
            .unwrap();
        line.trim().split('[').next().unwrap().to_owned()
    };
    let arrow = format!("  {} --> {}\n", node("egg.app.runner"), node("egg.app.vm[0]"));
    assert!(mermaid.contains(&arrow), "{mermaid}");
    assert_eq!(lab.calls(), 0);
    lab.stop();
}

#[test]
fn secrets_are_set_checked_listed_and_rotated() {
    let lab = Lab::one();
    let set = lab.give(&["secret", "set", "store://app/key"], "first-value\n");
    assert!(
        set.status.success() && said(&set).contains("store://app/key is set"),
        "{}",
        said(&set)
    );
    lab.give(&["secret", "set", "store://apple/key"], "another");
    assert_eq!(
        lab.green(&["secret", "list", "store://"]),
        "store://app/key\nstore://apple/key\n"
    );
    assert_eq!(lab.green(&["secret", "list", "store://app"]), "store://app/key\n");
    let checked = lab.green(&["secret", "check", "store://app/key"]);
    assert!(
        checked.starts_with("store://app/key: there, version 1, written "),
        "{checked}"
    );
    let rotated = lab.give(&["secret", "rotate", "store://app/key"], "second-value");
    assert!(rotated.status.success(), "{}", said(&rotated));
    let checked = lab.green(&["secret", "check", "store://app/key", "env://GITLAB_TOKEN"]);
    assert!(checked.contains("store://app/key: there, version 2"), "{checked}");
    assert!(checked.contains("env://GITLAB_TOKEN: there"), "{checked}");
    refused(
        &lab,
        &["secret", "check", "store://app/none"],
        "store://app/none: missing",
    );
    // The secrets that the Nest names: two tokens are there, the runner's and the webhook's are written by apply.
    assert!(!lab.green(&["secret", "check"]).contains("missing"));
    for (arguments, input, words) in [
        (
            ["secret", "rotate", "store://app/key"],
            "second-value",
            "already has this value",
        ),
        (
            ["secret", "rotate", "store://app/none"],
            "value",
            "there is no secret at store://app/none",
        ),
        (
            ["secret", "set", "store://app/key"],
            "",
            "there is no value on standard input",
        ),
        (
            ["secret", "set", "env://APP_KEY"],
            "value",
            "which gosling only reads",
        ),
    ] {
        let output = lab.give(&arguments, input);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
        assert!(!said(&output).contains("second-value"), "{}", said(&output));
    }
    lab.green(&["apply", "--yes"]);
    lab.green(&["secret", "check"]);
    assert_eq!(lab.green(&["secret", "list", "store://"]).lines().count(), 4);
    lab.stop();
}

#[test]
fn one_part_of_the_nest_is_applied_and_one_is_made_anew() {
    let lab = Lab::one();
    let egg = lab
        .read("Eggs/app/config.fly")
        .replace("egg \"app\"", "egg \"web\"");
    std::fs::create_dir_all(lab.nest().join("Eggs/web")).unwrap();
    lab.write(
        "Eggs/web/config.fly",
        &egg.replace("project_id = 17", "project_id = 41"),
    );
    lab.green(&["apply", "--yes", "--target", "egg.web"]);
    assert_eq!(lab.kinds(), whole());
    let list = lab.green(&["state", "list"]);
    assert!(
        list.contains("egg.web.vm[0]") && !list.contains("egg.app"),
        "{list}"
    );
    // A machine needs its runner, but no webhook.
    lab.green(&["apply", "--yes", "--target", "egg.app.vm[0]"]);
    let list = lab.green(&["state", "list"]);
    assert!(
        list.contains("egg.app.vm[0]") && list.contains("egg.app.runner"),
        "{list}"
    );
    assert!(!list.contains("egg.app.hook"), "{list}");
    lab.green(&["apply", "--yes"]);
    let twice = whole()
        .into_iter()
        .map(|(kind, count)| (kind, 2 * count))
        .collect();
    assert_eq!(lab.kinds(), twice);

    let (runner, machine) = (id(&lab, "egg.app.runner"), lab.there());
    let said = lab.green(&["apply", "--yes", "--replace", "egg.app.vm[0]"]);
    assert!(
        said.contains("0 created, 0 changed, 1 replaced, 0 deleted"),
        "{said}"
    );
    assert_eq!(id(&lab, "egg.app.runner"), runner);
    assert_eq!(lab.kinds(), twice);
    assert_ne!(lab.there(), machine);
    assert!(lab.green(&["plan"]).contains("No changes"));
    refused(
        &lab,
        &["apply", "--yes", "--target", "egg.nothing"],
        "egg.nothing",
    );
    refused(
        &lab,
        &["apply", "--yes", "--replace", "egg.nothing"],
        "egg.nothing",
    );
    lab.green(&["status"]);
    lab.green(&["destroy", "--yes", "--target", "egg.app"]);
    assert_eq!(lab.kinds(), whole());
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_number_that_no_resource_can_have_is_no_address() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    for to in [
        "egg.app.vm[-1]",
        "egg.app.vm[00]",
        "egg.app.vm[+1]",
        "egg.app.vm[99999999999]",
        "egg.app.hook[99999999999999999999]",
        "egg.app.vm[1x]",
    ] {
        refused(&lab, &["state", "mv", "egg.app.vm[0]", to], "is no address");
    }
    lab.green(&["state", "mv", "egg.app.vm[0]", "egg.app.vm[7]"]);
    lab.green(&["state", "mv", "egg.app.vm[7]", "egg.app.vm[0]"]);
    lab.stop();
}

#[test]
fn a_folder_in_the_place_of_a_file_of_the_state_is_named_with_what_to_do() {
    let lab = Lab::one();
    for name in ["lock", "freeze.json"] {
        let folder = lab.nest().join(".gosling").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        refused(&lab, &["apply", "--yes"], "help: ");
        std::fs::remove_dir(&folder).unwrap();
    }
    lab.write(".gosling/freeze.json", "{");
    refused(
        &lab,
        &["apply", "--yes"],
        "help: ask who froze; `gosling freeze --lift`",
    );
    lab.green(&["freeze", "--lift"]);
    lab.green(&["apply", "--yes"]);
    lab.stop();
}

#[test]
fn an_import_from_an_unknown_node_says_what_to_do() {
    let lab = Lab::one();
    refused(&lab, &["import", "egg.app.vm[0]", "nowhere/100"], "help: ");
    lab.stop();
}

#[test]
fn a_plan_of_another_state_says_that_there_is_none_here() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.machines(2);
    lab.green(&["plan", "-o", "../x.plan"]);
    std::fs::remove_dir_all(lab.nest().join(".gosling")).unwrap();
    refused(&lab, &["apply", "../x.plan", "--yes"], "there is no state here");
    lab.stop();
}
