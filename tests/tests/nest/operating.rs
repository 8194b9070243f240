//! What an operator reads and does day after day: plans of many machines, names, last lines, state and secrets by hand.

use gosling_providers::http::Method;
use serde_json::json;

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::marks::by_hand;

/// Standard output of a command that ends so.
fn out(lab: &Lab, arguments: &[&str], code: i32) -> String {
    let output = lab.ended(arguments, code);
    String::from_utf8(output.stdout).unwrap()
}

fn last(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// The one egg under another name, with its file.
fn renamed(lab: &Lab, name: &str) {
    let egg = lab.read("Eggs/app/config.fly");
    std::fs::remove_dir_all(lab.nest().join("Eggs/app")).unwrap();
    std::fs::create_dir_all(lab.nest().join("Eggs").join(name)).unwrap();
    let egg = egg.replace("egg \"app\"", &format!("egg \"{name}\""));
    lab.write(&format!("Eggs/{name}/config.fly"), &egg);
}

const GROUP: &str =
    r#"{"world":"gitlab","path":"/api/v4/groups/5/projects*","nth":1,"kind":"status","code":403}"#;

#[test]
fn a_group_whose_projects_cannot_be_listed_leaves_out_its_egg_and_nothing_else() {
    let lab = Lab::proxmox_lab();
    lab.fault(GROUP);
    let plan = out(&lab, &["plan"], 1);
    assert!(
        plan.contains("egg.lint.hook could not be read: the projects of group 5 cannot be listed: "),
        "{plan}"
    );
    assert!(
        plan.contains("egg.lint.runner is skipped because of egg.lint.hook"),
        "{plan}"
    );
    assert!(plan.contains("+ egg.app.runner"), "{plan}");
    lab.fault(GROUP);
    let applied = out(&lab, &["apply", "--yes"], 1);
    assert!(
        last(&applied).starts_with("Failed: egg.lint.hook could not be read"),
        "{applied}"
    );
    let list = out(&lab, &["state", "list"], 0);
    assert!(
        list.contains("egg.app.vm[0]") && !list.contains("egg.lint"),
        "{list}"
    );
    // Who asks for something else does not hear of it.
    lab.fault(GROUP);
    let plan = out(&lab, &["plan", "--target", "egg.app"], 0);
    assert!(plan.starts_with("No changes"), "{plan}");
    lab.fault(GROUP);
    let words = said(&lab.run(&["preflight"]));
    assert!(
        words.contains("warning: the projects of group 5 cannot be listed: "),
        "{words}"
    );
    assert!(words.contains("apply leaves egg.lint as it is"), "{words}");
    // What needs all of the Nest says why it has not.
    lab.fault(GROUP);
    let words = said(&lab.run(&["graph"]));
    assert!(words.contains("group 5"), "{words}");
    // What is there of the egg already stays, too.
    out(&lab, &["apply", "--yes"], 0);
    let before = lab.kinds();
    lab.write(
        "Eggs/lint/config.fly",
        &lab.read("Eggs/lint/config.fly")
            .replace("\"lint\"]", "\"lint\", \"fast\"]"),
    );
    lab.fault(GROUP);
    out(&lab, &["apply", "--yes"], 1);
    assert_eq!(lab.kinds(), before);
    // Whoever deletes everything need not know.
    out(&lab, &["destroy", "--yes"], 0);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn the_last_line_of_a_run_that_failed_names_the_failure() {
    let lab = Lab::one();
    lab.fault(r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/*/hooks","nth":1,"kind":"status","code":403}"#);
    let applied = out(&lab, &["apply", "--yes"], 1);
    assert!(
        last(&applied).starts_with("Failed: create egg.app.hook[17]: "),
        "{applied}"
    );
    assert!(
        last(&applied).contains("2 operations done, 1 resource left unchanged"),
        "{applied}"
    );
    lab.fault(r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/*/hooks","nth":1,"kind":"status","code":403}"#);
    let applied = out(&lab, &["apply", "--yes", "--on-failure=rollback"], 1);
    assert!(
        last(&applied).starts_with("Failed and undone: create egg.app.hook[17]: "),
        "{applied}"
    );
    let applied = out(&lab, &["apply", "--yes"], 0);
    assert!(last(&applied).starts_with("Done: 1 created"), "{applied}");
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn an_egg_with_a_new_name_is_offered_the_block_that_keeps_its_machines() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    renamed(&lab, "new-app");
    let words = lab.green(&["plan"]);
    assert!(
        words.contains("3 to create, 0 to change, 0 to replace, 3 to delete"),
        "{words}"
    );
    let hint = words
        .split("  moved {")
        .nth(1)
        .unwrap_or_else(|| panic!("{words}"));
    let (body, _) = hint.split_once("\n  }").unwrap();
    let block = format!("\nmoved {{{}\n}}\n", body.replace("\n    ", "\n  "));
    lab.write(
        "nest.fly",
        &format!("{}\n{block}", lab.read("nest.fly").trim_end()),
    );
    lab.green(&["fmt", "--check"]);
    let words = lab.green(&["plan"]);
    assert!(
        words.contains("0 to create, 0 to change, ") && words.contains("0 to delete, 3 to rename"),
        "{words}"
    );
    assert!(!words.contains("note: egg.app is deleted"), "{words}");
    lab.stop();
}

#[test]
fn another_egg_is_not_taken_for_one_with_a_new_name() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    renamed(&lab, "docs");
    lab.write(
        "Eggs/docs/config.fly",
        &lab.read("Eggs/docs/config.fly")
            .replace("project_id = 17", "project_id = 41"),
    );
    let words = lab.green(&["plan"]);
    assert!(
        words.contains("3 to create") && !words.contains("moved {"),
        "{words}"
    );
    lab.stop();
}

#[test]
fn many_equal_machines_are_shown_once() {
    let lab = Lab::one();
    lab.machines(12);
    let plan = out(&lab, &["plan"], 0);
    assert_eq!(plan.matches("\"debian-12-cloud\"").count(), 1, "{plan}");
    assert!(
        plan.contains("+ egg.app.vm[0..11] (12 machines) are created"),
        "{plan}"
    );
    assert!(plan.contains("\"one-app-0\" ... \"one-app-11\""), "{plan}");
    assert!(
        plan.contains("14 to create") && plan.contains("`--full` shows each by itself"),
        "{plan}"
    );
    let full = out(&lab, &["plan", "--full"], 0);
    assert!(
        full.contains("+ egg.app.vm[11] (proxmox_vm) is created"),
        "{full}"
    );
    assert!(!full.contains("`--full`"), "{full}");
    let document: serde_json::Value = serde_json::from_str(&out(&lab, &["plan", "--json"], 0)).unwrap();
    assert_eq!(document["plan"]["changes"].as_array().unwrap().len(), 14);
    lab.stop();
}

#[test]
fn whole_blocks_are_forgotten_after_a_list_of_what_is_in_them() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let refused = lab.run(&["state", "rm", "egg.app"]);
    let words = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{words}");
    for part in [
        "egg.app.hook[17]  gitlab_hook 17/",
        "egg.app.vm[0]  proxmox_vm pve1/5000",
        "forgets 3 resources",
        "--yes",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(out(&lab, &["state", "list"], 0).lines().count(), 3);
    let words = said(&lab.run(&["state", "rm", "egg.app*", "egg.nobody", "--yes"]));
    assert!(words.contains("egg.nobody is not in the state"), "{words}");
    // One resource that is named needs no question.
    out(&lab, &["state", "rm", "egg.app.hook[17]"], 0);
    let forgotten = out(&lab, &["state", "rm", "egg.app", "--yes"], 0);
    assert_eq!(forgotten.lines().count(), 2, "{forgotten}");
    let empty = lab.run(&["state", "list"]);
    assert_eq!(String::from_utf8_lossy(&empty.stdout), "");
    assert!(
        said(&empty).contains("the state has no resources"),
        "{}",
        said(&empty)
    );
    assert_eq!(lab.kinds(), whole(), "nothing was deleted");
    lab.stop();
}

#[test]
fn a_group_egg_is_tried_in_a_project_of_its_group_that_can_run_a_pipeline() {
    let lab = Lab::proxmox_lab_in(
        r#"{ "gitlab": { "projects": [
          { "id": 17, "path": "apps/app" }, { "id": 41, "path": "sites/docs" }, { "id": 42, "path": "sites/shop" },
          { "id": 51, "path": "platform/one", "group": 5 },
          { "id": 52, "path": "platform/two", "group": 5, "ci_tags": ["lint"] }
        ] } }"#,
    );
    lab.green(&["apply", "--yes"]);
    lab.fault(r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/51/pipeline","nth":1,"kind":"status","code":400}"#);
    let words = lab.green(&["smoke", "lint"]);
    assert!(
        words.contains("this runs in platform/two (52), `--project ID` names another"),
        "{words}"
    );
    assert!(words.contains("on this egg's runner"), "{words}");
    lab.stop();
}

#[test]
fn a_machine_is_not_made_with_a_token_that_is_dead() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    assert!(lab.green(&["preflight"]).contains("0 failed"));
    by_hand(
        &lab,
        Method::Post,
        "/api/v4/runners/1/reset_authentication_token",
        json!({}),
    );
    lab.machines(2);
    let words = out(&lab, &["preflight"], 1);
    for part in [
        "egg.app.vm[1]",
        "is not that of runner 1: GitLab does not know it",
        "--replace egg.app.runner",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    let changes = lab.changes();
    let applied = lab.run(&["apply", "--yes"]);
    assert_eq!(applied.status.code(), Some(1), "{}", said(&applied));
    assert_eq!(lab.changes(), changes, "{}", said(&applied));
    lab.green(&["apply", "--yes", "--replace", "egg.app.runner"]);
    assert_eq!(lab.kinds()["vm"], 2);
    lab.stop();
}

#[test]
fn destroy_says_what_of_the_nest_is_left_and_which_secrets_stay() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["state", "rm", "egg.app.vm[0]"]);
    // The look before anything is made needs no refresh.
    let changes = lab.changes();
    let applied = lab.run(&["apply", "--yes", "--refresh=false"]);
    assert_eq!(applied.status.code(), Some(1), "{}", said(&applied));
    assert!(
        said(&applied).contains("it already exists, as proxmox_vm pve1/5000"),
        "{}",
        said(&applied)
    );
    assert_eq!(lab.changes(), changes);
    let destroyed = lab.run(&["destroy", "--yes"]);
    let words = said(&destroyed);
    assert_eq!(destroyed.status.code(), Some(1), "{words}");
    assert!(
        words.contains("Left: 1 thing with this Nest's marker, not in its state: proxmox_vm pve1/5000"),
        "{words}"
    );
    assert!(
        words.contains("2 secrets of what is deleted are kept: store://"),
        "{words}"
    );
    lab.green(&["orphans", "--delete", "all", "--yes"]);
    let destroyed = lab.green(&["destroy", "--yes"]);
    assert!(!destroyed.contains("Left:"), "{destroyed}");
    assert_eq!(lab.there(), []);
    let list = out(&lab, &["secret", "list"], 0);
    let token = list.lines().find(|uri| uri.ends_with("/runner-token")).unwrap();
    out(&lab, &["secret", "rm", token], 0);
    assert!(!out(&lab, &["secret", "list"], 0).contains(token));
    lab.stop();
}

#[test]
fn what_a_command_did_is_on_standard_output() {
    let lab = Lab::one();
    assert!(out(&lab, &["plan", "-o", "plan.json"], 0).contains("plan.json: `gosling apply "));
    lab.green(&["apply", "--yes"]);
    let set = lab.give(&["secret", "set", "store://app/password"], "hunter2-hunter2");
    assert_eq!(
        String::from_utf8_lossy(&set.stdout),
        "store://app/password is set\n"
    );
    let checked = out(&lab, &["secret", "check"], 0);
    assert!(
        checked.contains("store://app/password: neither the Nest nor its state needs it"),
        "{checked}"
    );
    assert!(out(&lab, &["secret", "rm", "store://app/password"], 0).contains("is removed"));
    lab.machines(2);
    assert!(out(&lab, &["state", "mv", "egg.app.vm[0]", "egg.app.vm[1]"], 0).contains("egg.app.vm[1] now"));
    assert!(out(&lab, &["unlock", "--yes"], 0).contains("epoch"));
    let refreshed = out(&lab, &["refresh"], 0);
    assert!(
        refreshed.starts_with("nothing has changed outside gosling"),
        "{refreshed}"
    );
    lab.stop();
}

#[test]
fn a_star_in_a_target_means_all_that_fit() {
    let lab = Lab::proxmox_lab();
    let plan = out(&lab, &["plan", "--target", "egg.*.runner"], 0);
    assert!(
        plan.contains("+ egg.lint.runner") && plan.contains("+ egg.app.runner"),
        "{plan}"
    );
    assert!(!plan.contains(".vm["), "{plan}");
    let plan = out(&lab, &["plan", "--target", "egg.a*"], 0);
    assert!(
        plan.contains("+ egg.app.vm[0") && !plan.contains("egg.lint"),
        "{plan}"
    );
    let words = said(&lab.run(&["plan", "--target", "egg.z*"]));
    assert!(
        words.contains("`egg.z*` is neither in the Nest nor in the state"),
        "{words}"
    );
    lab.stop();
}

#[test]
fn a_deletion_on_the_way_back_is_not_said_to_be_the_nests_wish() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let back = out(&lab, &["rollback", "--to", "0", "--dry-run"], 0);
    for address in ["egg.app.hook[17]", "egg.app.runner", "egg.app.vm[0]"] {
        let line = back.lines().find(|line| line.contains(address)).unwrap();
        assert!(
            line.contains("is deleted, because it is in the state and not in that of serial 0  ["),
            "{back}"
        );
    }
    lab.stop();
}

/// What is wrong with an argument is said before it is said that nobody can be asked.
#[test]
fn arguments_are_checked_before_anybody_is_asked() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    for (command, words) in [
        (
            &["rollback", "--to", "99"][..],
            "the state with serial 99 is not kept",
        ),
        (&["rollback", "--to", "0", "--target", "egg.none"], "`egg.none`"),
        (&["apply", "--target", "egg.none"], "`egg.none`"),
        (&["apply", "--replace", "egg.none.vm[0]"], "`egg.none.vm[0]`"),
        (
            &["apply", "--accept-cluster", "none"],
            "the Nest has no such Proxmox VE provider",
        ),
        (&["destroy", "--target", "egg.none"], "`egg.none`"),
        (
            &["orphans", "--delete", "pve1/7000"],
            "`pve1/7000` is not an orphan of this Nest",
        ),
        (&["apply"], "standard input is not a terminal"),
        (&["rollback", "--to", "0"], "standard input is not a terminal"),
    ] {
        let words_of = said(&lab.ended(command, 1));
        assert!(words_of.contains(words), "{command:?}: {words_of}");
        let complains = words_of.contains("not a terminal");
        assert_eq!(
            complains,
            words.contains("not a terminal"),
            "{command:?}: {words_of}"
        );
    }
    lab.stop();
}

/// Where the state is gone without a trace, what it knew of says that apply will refuse.
#[test]
fn a_plan_without_a_state_says_that_apply_will_refuse_what_is_there_already() {
    let lab = Lab::one();
    let first = said(&lab.ended(&["plan"], 0));
    assert!(!first.contains("apply would refuse"), "{first}");
    lab.green(&["apply", "--yes"]);
    std::fs::remove_dir_all(lab.nest().join(".gosling")).unwrap();
    let plan = said(&lab.ended(&["plan"], 0));
    let words = "warning: apply would refuse this: egg.app.vm[0]: it already exists, as proxmox_vm pve1/5000 (`one-app-0`), and is not in the state";
    assert!(
        plan.contains(words) && plan.matches("gosling apply --adopt").count() == 1,
        "{plan}"
    );
    lab.ended(&["apply", "--yes"], 1);
    lab.stop();
}

#[test]
fn a_saved_plan_needs_nobody_to_agree_to_it_where_nobody_is() {
    let lab = Lab::one();
    let refused = lab.run(&["apply"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    lab.green(&["plan", "-o", "nest.plan"]);
    lab.green(&["apply", "nest.plan"]);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn a_saved_plan_is_neither_narrowed_nor_widened() {
    let lab = Lab::one();
    lab.green(&["plan", "-o", "../x.plan"]);
    let before = lab.calls();
    for (option, command) in [
        (&["--target", "egg.app.runner"][..], "apply"),
        (&["--replace", "egg.app.vm[0]"], "apply"),
        (&["--refresh=false"], "apply"),
        (&["--accept-cluster", "proxmox"], "apply"),
        (&["--adopt"], "apply"),
        (&["--target", "egg.app.runner"], "preflight"),
        (&["--destroy"], "preflight"),
    ] {
        let output = lab.ended(&[&[command, "../x.plan"], option].concat(), 1);
        let text = said(&output);
        assert!(text.contains(option[0].split('=').next().unwrap()), "{text}");
    }
    // Values that are not those of the plan are refused where the plan is compared with the Nest.
    lab.write("../other.vars", "");
    for option in [&["--var", "other=1"][..], &["--var-file", "../other.vars"]] {
        lab.ended(&[&["apply", "../x.plan", "--yes"], option].concat(), 1);
    }
    assert_eq!((lab.changes(), lab.calls()), (0, before));
    lab.green(&["apply", "../x.plan", "--yes", "--full", "--parallelism", "2"]);
    assert_eq!(lab.kinds(), crate::lab::whole());
    lab.stop();
}
