//! A state that several machines share, at GitLab, the simulated one, and in a bucket.

use std::path::PathBuf;
use std::process::Output;

use crate::gosling::said;
use crate::lab::{Lab, copy, whole};
use crate::versitygw::{SECRET_KEY, Storage};

/// What makes GitLab keep the state.
pub(crate) const AT_GITLAB: &str = "\nstate {\n  backend = \"gitlab\"\n  project_id = 17\n}\n";

/// One egg whose state is at GitLab, and every answer so many milliseconds late.
fn lab(latency: u64) -> Lab {
    let lab = Lab::one_in("{}", latency);
    lab.write("nest.fly", &(lab.read("nest.fly") + AT_GITLAB));
    lab
}

/// Another checkout of the Nest, as on another machine, with nothing of gosling's own in it.
fn checkout(lab: &Lab, name: &str) -> PathBuf {
    let folder = lab.folder.path().join(name);
    copy(&lab.nest(), &folder);
    let own = folder.join(".gosling");
    if own.exists() {
        std::fs::remove_dir_all(own).unwrap();
    }
    folder
}

fn run_in(lab: &Lab, folder: &PathBuf, arguments: &[&str]) -> Output {
    lab.command(arguments).current_dir(folder).output().unwrap()
}

fn green_in(lab: &Lab, folder: &PathBuf, arguments: &[&str]) -> String {
    let output = run_in(lab, folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Calls so far that changed the state at GitLab.
fn state_changes(lab: &Lab) -> usize {
    let ledger = lab.running.ledger();
    let calls = ledger.calls().iter();
    calls
        .filter(|call| call.changes && call.path.contains("/terraform/state/"))
        .count()
}

#[test]
fn where_nothing_was_ever_saved_at_a_service_it_is_said_before_all_is_made_anew() {
    let words = "there is no state in ";
    let folder = Lab::one();
    assert!(
        !folder.green(&["plan"]).contains(words),
        "a folder is where it always is"
    );
    folder.stop();
    let lab = lab(0);
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains(words) && plan.contains("`gosling state migrate` moves it"),
        "{plan}"
    );
    assert!(lab.green(&["apply", "--yes"]).contains(words));
    lab.green(&["destroy", "--yes"]);
    let plan = lab.green(&["plan"]);
    assert!(!plan.contains(words), "there is one by now: {plan}");
    lab.stop();
}

#[test]
fn a_whole_life_with_the_state_at_gitlab() {
    whole_life(lab(0));
}

#[test]
fn a_whole_life_with_the_state_in_a_bucket() {
    let Some(storage) = Storage::start() else { return };
    let mut lab = Lab::one();
    let state = format!(
        "\nstate {{\n  backend = \"s3\"\n  bucket = \"states\"\n  endpoint = \"http://127.0.0.1:{}\"\n  path_style = true\n  access_key = \"gosling-test\"\n  secret_key = \"env://STATE_KEY\"\n}}\n",
        storage.port
    );
    lab.write("nest.fly", &(lab.read("nest.fly") + &state));
    let refused = lab.run(&["plan"]);
    assert!(said(&refused).contains("env://STATE_KEY"), "{}", said(&refused));
    lab.environment
        .insert("STATE_KEY".to_owned(), SECRET_KEY.to_owned());
    whole_life(lab);
}

fn whole_life(lab: Lab) {
    lab.green(&["plan"]);
    assert_eq!(lab.changes(), 0, "a plan only reads");
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains("Done: 3 created"), "{said}");
    assert_eq!(lab.kinds(), whole());
    assert!(!lab.nest().join(".gosling").exists(), "all is at the service");
    let made: Vec<String> = lab.there().into_iter().map(|object| object.id).collect();
    assert!(lab.green(&["apply", "--yes"]).contains("No changes"));
    let secrets = lab.green(&["secret", "list", "store://"]);
    assert!(secrets.contains("store://"), "{secrets}");
    // Another machine knows all that, and the secrets too.
    let other = checkout(&lab, "other");
    assert!(green_in(&lab, &other, &["plan"]).contains("No changes"));
    assert_eq!(green_in(&lab, &other, &["secret", "list", "store://"]), secrets);
    green_in(
        &lab,
        &other,
        &["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"],
    );
    assert!(lab.green(&["state", "list"]).contains("egg.app.hook[18]"));
    lab.green(&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"]);
    assert!(lab.green(&["state", "history"]).lines().count() >= 3);
    assert!(lab.green(&["unlock"]).contains(" is free"));
    let now: Vec<String> = lab.there().into_iter().map(|object| object.id).collect();
    assert_eq!(now, made);
    green_in(&lab, &other, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn what_opens_the_state_does_not_lie_beside_it() {
    let lab = Lab::one();
    let nest = lab.read("nest.fly");
    let state = AT_GITLAB.replace("17\n", "17\n  token = \"store://gitlab/state\"\n");
    lab.write("nest.fly", &(nest.clone() + &state));
    let output = lab.run(&["plan"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("is needed to open it"),
        "{}",
        said(&output)
    );
    let elsewhere = AT_GITLAB.replace("17\n", "17\n  server = \"git.example.org\"\n");
    lab.write("nest.fly", &(nest + &elsewhere));
    let output = lab.run(&["state", "list"]);
    assert!(
        said(&output).contains("no token for the state at git.example.org"),
        "{}",
        said(&output)
    );
    assert_eq!(lab.calls(), 0);
    lab.stop();
}

#[test]
fn a_second_machine_is_told_who_is_at_work_and_may_take_over() {
    let lab = lab(150);
    let other = checkout(&lab, "other");
    let first = lab
        .command(&["apply", "--yes"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while state_changes(&lab) < 3 {
        std::thread::yield_now();
    }
    let who = format!("process {}", first.id());
    let refused = run_in(&lab, &other, &["apply", "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    for words in [
        "the state is locked by",
        &who,
        "`gosling apply`",
        "gosling unlock",
    ] {
        assert!(said(&refused).contains(words), "{words}: {}", said(&refused));
    }
    // Nobody is there to be asked.
    let asked = run_in(&lab, &other, &["unlock"]);
    assert_eq!(asked.status.code(), Some(1), "{}", said(&asked));
    assert!(
        said(&asked).contains(&who) && said(&asked).contains("--yes"),
        "{}",
        said(&asked)
    );
    let taken = green_in(&lab, &other, &["unlock", "--yes"]);
    assert!(taken.contains(&who) && taken.contains("taken over"), "{taken}");
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(1), "{}", said(&first));
    assert!(said(&first).contains("was taken over by"), "{}", said(&first));
    green_in(&lab, &other, &["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_lock_whose_holder_was_killed_is_taken_over_and_what_it_began_is_settled() {
    let lab = lab(100);
    let other = checkout(&lab, "other");
    let mut first = lab.spawn(&["apply", "--yes"]);
    while lab.there().is_empty() {
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let refused = run_in(&lab, &other, &["apply", "--yes"]);
    assert!(
        said(&refused).contains("the state is locked by"),
        "{}",
        said(&refused)
    );
    green_in(&lab, &other, &["unlock", "--yes"]);
    green_in(&lab, &other, &["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    green_in(&lab, &other, &["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn killed_on_the_way_a_state_arrives_at_gitlab_and_comes_back() {
    let lab = Lab::one_in("{}", 20);
    lab.green(&["apply", "--yes"]);
    let listed = lab.green(&["state", "list"]);
    let secrets = lab.green(&["secret", "list", "store://"]);
    let nest = lab.read("nest.fly");
    lab.write("nest.fly", &(nest.clone() + AT_GITLAB));
    let mut kills = 0;
    for changes in [1, 2, 3, 5, 7] {
        let before = state_changes(&lab);
        let mut moving = lab.spawn(&["state", "migrate", "--from", "local"]);
        while state_changes(&lab) < before + changes && moving.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if moving.try_wait().unwrap().is_none() {
            moving.kill().unwrap();
            kills += 1;
        }
        moving.wait().unwrap();
        // Whoever comes now works with a whole state or with none.
        let output = lab.run(&["plan"]);
        let text = said(&output);
        assert!(
            text.contains("has not ended") || text.contains("No changes") || text.contains("was not moved"),
            "{text}"
        );
        lab.green(&["unlock", "--yes"]);
    }
    assert!(kills >= 3, "only {kills} kills");
    lab.green(&["state", "migrate", "--from", "local"]);
    assert_eq!(lab.green(&["state", "list"]), listed);
    assert_eq!(lab.green(&["secret", "list", "store://"]), secrets);
    assert!(lab.green(&["plan"]).contains("No changes"));
    // An old checkout is told, and may not work at the old place.
    lab.write("../new.fly", &lab.read("nest.fly"));
    lab.write("nest.fly", &nest);
    let output = lab.run(&["apply", "--yes"]);
    assert!(said(&output).contains("it has moved to"), "{}", said(&output));
    lab.green(&["state", "migrate", "--from", "../new.fly"]);
    assert_eq!(lab.green(&["state", "list"]), listed);
    assert_eq!(lab.green(&["secret", "list", "store://"]), secrets);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}
