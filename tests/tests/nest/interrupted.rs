//! Ctrl-C, once and twice, SIGTERM and SIGHUP.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::rollback::{like, second, serial};
use crate::shared_state::AT_GITLAB;

/// Clones take two seconds.
const SLOW: &str = r#"{"proxmox": {"speed": {"clone": 2000}}}"#;
const CLONE: &str = "/clone";

/// Clones and stops take long enough to press a key.
const SLOW_BOTH_WAYS: &str = r#"{"proxmox": {"speed": {"clone": 1500, "stop": 1500}}}"#;

/// Begins it, with what it says to people in a file, and waits until it has said this.
fn begin_and_hear(lab: &Lab, arguments: &[&str], words: &str) -> (Child, PathBuf) {
    let file = lab.folder.path().join("said");
    let mut command = lab.command(arguments);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(File::create(&file).unwrap())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !std::fs::read_to_string(&file).unwrap().contains(words) {
        assert!(
            child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60),
            "it does not say `{words}` but:\n{}",
            std::fs::read_to_string(&file).unwrap()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    (child, file)
}

/// The process whose words go to this file has ended with 130, and says this.
fn stopped_saying(mut child: Child, file: &Path, words: &str) {
    let status = child.wait().unwrap();
    let heard = std::fs::read_to_string(file).unwrap();
    assert_eq!(status.code(), Some(130), "{heard}");
    assert!(heard.contains(words), "`{words}` is not in:\n{heard}");
}

/// Nobody holds the lock.
fn free(lab: &Lab) {
    let lock = lab.green(&["lock"]);
    assert!(lock.contains(" is free"), "{lock}");
}

fn begin(lab: &Lab, arguments: &[&str]) -> Child {
    let mut command = lab.command(arguments);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a call of this method to a path with this end has come, after the first `from` calls.
fn wait_for(lab: &Lab, child: &mut Child, from: usize, method: &str, end: &str) {
    let begun = Instant::now();
    loop {
        let ledger = lab.running.ledger();
        let mut calls = ledger.calls().iter().skip(from);
        if calls.any(|call| call.method == method && call.path.ends_with(end)) {
            return;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ends without {method} {end}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no {method} {end} comes"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: &Child, name: &str) {
    let mut kill = Command::new("kill");
    let status = kill.args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The process has ended with 130, and says this.
fn stopped(child: Child, words: &[&str]) -> Output {
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    for word in words {
        assert!(
            said(&output).contains(word),
            "`{word}` is not in:\n{}",
            said(&output)
        );
    }
    output
}

/// The next apply ends it: all is there once, works, and goes.
fn ended_by_the_next(lab: Lab, expected: &BTreeMap<String, usize>) {
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), *expected, "{:#?}", lab.there());
    lab.green(&["status"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// Three machines instead of one.
fn three(lab: &Lab) -> BTreeMap<String, usize> {
    lab.machines(3);
    let mut expected = whole();
    expected.insert("vm".to_owned(), 3);
    expected
}

fn once(name: &str) {
    let lab = Lab::one_in(SLOW, 20);
    let expected = three(&lab);
    let mut child = begin(&lab, &["apply", "--yes", "--parallelism", "1"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, name);
    let output = stopped(
        child,
        &[
            "stopping: running operations may finish",
            "done: create egg.app.",
            "not begun: create egg.app.vm[",
            " operations done, 0 open, 2 not begun; the next apply continues.",
        ],
    );
    assert!(!said(&output).contains("open:"), "{}", said(&output));
    let kinds = lab.kinds();
    assert_eq!(
        (kinds["vm"], kinds["volume"]),
        (1, 1),
        "what was under way is there, and nothing after it"
    );
    let list = lab.green(&["state", "list"]);
    assert_eq!(list.matches("egg.app.vm[").count(), 1, "{list}");
    ended_by_the_next(lab, &expected);
}

#[test]
fn ctrl_c_once_lets_what_is_under_way_end() {
    once("-INT");
}

#[test]
fn sigterm_is_as_ctrl_c_once() {
    once("-TERM");
}

#[test]
fn a_terminal_that_is_closed_is_as_ctrl_c_once() {
    once("-HUP");
}

#[test]
fn who_is_started_to_outlive_its_terminal_goes_on() {
    let lab = Lab::one_in(SLOW, 0);
    let command = lab.command(&["apply", "--yes"]);
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(lab.nest())
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, "-HUP");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn ctrl_c_while_the_state_is_first_read_ends_with_words() {
    let lab = Lab::one_in("{}", 500);
    lab.write("nest.fly", &(lab.read("nest.fly") + AT_GITLAB));
    for (arguments, name) in [
        (&["apply", "--yes"][..], "-INT"),
        (&["destroy", "--yes"], "-TERM"),
        (&["rollback", "--yes"], "-HUP"),
        (&["apply"], "-INT"),
    ] {
        let calls = lab.calls();
        let mut child = begin(&lab, arguments);
        wait_for(&lab, &mut child, calls, "GET", "");
        signal(&child, name);
        stopped(child, &["stopped"]);
    }
    free(&lab);
    lab.stop();
}

/// Nobody reads what it says any more: it goes on, and gives its lock back.
#[test]
fn an_apply_that_cannot_say_anything_gives_its_lock_back() {
    let lab = Lab::one_in("{}", 100);
    lab.write("nest.fly", &(lab.read("nest.fly") + AT_GITLAB));
    let mut child = begin(&lab, &["apply", "--yes"]);
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    free(&lab);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}

#[test]
fn ctrl_c_twice_ends_at_once_and_names_what_is_open() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 4000}}}"#, 20);
    let expected = three(&lab);
    let mut child = begin(&lab, &["apply", "--yes"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal_times(&child, 2);
    let output = stopped(
        child,
        &[
            "stopping immediately",
            "done: create egg.app.",
            "open: the outcome of the create of egg.app.vm[",
        ],
    );
    assert!(
        !lab.running
            .ledger()
            .calls()
            .iter()
            .any(|call| call.path.ends_with("/status/start")),
        "{}",
        said(&output)
    );
    assert!(lab.green(&["state", "list"]).contains("egg.app.runner"));
    assert!(
        lab.green(&["plan"]).contains("egg.app.vm["),
        "what is open is shown"
    );
    ended_by_the_next(lab, &expected);
}

/// G23: the last words had numbers alone.
#[test]
fn what_was_not_begun_is_named_up_to_ten() {
    let lab = Lab::one_in(SLOW, 20);
    lab.machines(14);
    let mut child = begin(&lab, &["apply", "--yes", "--parallelism", "1"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, "-INT");
    let output = stopped(child, &[" open, 13 not begun; the next apply continues."]);
    let text = said(&output);
    let line = text.lines().find(|line| line.starts_with("not begun: ")).unwrap();
    assert_eq!(line.matches("create egg.app.vm[").count(), 10, "{line}");
    assert!(line.ends_with(" and 3 more"), "{line}");
    let from = lab.calls();
    let mut child = begin(&lab, &["apply", "--yes", "--json", "--parallelism", "1"]);
    wait_for(&lab, &mut child, from, "POST", CLONE);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["not_begun"].as_array().unwrap().len(), 12, "{document}");
    assert_eq!(document["not_begun"][0]["verb"], "create", "{document}");
    lab.stop();
}

#[test]
fn the_grace_is_no_longer_than_it_was_said_to_be() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 4000}}}"#, 20);
    let mut child = begin(&lab, &["apply", "--yes", "--grace", "1s"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, "-INT");
    stopped(child, &["open: the outcome of the create of egg.app.vm[0]"]);
    ended_by_the_next(lab, &whole());
}

#[test]
fn ctrl_c_while_an_earlier_run_is_settled() {
    let lab = Lab::one_in(SLOW, 20);
    let expected = three(&lab);
    let mut child = begin(&lab, &["apply", "--yes"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    child.kill().unwrap();
    child.wait().unwrap();
    let calls = lab.calls();
    let child = begin(&lab, &["apply", "--yes"]);
    let begun = Instant::now();
    while lab.calls() < calls + 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is settled");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal(&child, "-INT");
    stopped(child, &["stopp"]);
    ended_by_the_next(lab, &expected);
}

#[test]
fn ctrl_c_ends_what_only_reads() {
    let lab = Lab::one_in("{}", 150);
    lab.green(&["apply", "--yes"]);
    let changes = lab.changes();
    for arguments in [&["plan"][..], &["refresh"], &["apply", "--yes"]] {
        let calls = lab.calls();
        let mut child = begin(&lab, arguments);
        wait_for(&lab, &mut child, calls, "GET", "");
        signal(&child, "-INT");
        stopped(child, &["stopped"]);
    }
    assert_eq!(lab.changes(), changes);
    ended_by_the_next(lab, &whole());
}

#[test]
fn ctrl_c_while_machines_boot() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"boot": 4000}}}"#, 0);
    let mut child = begin(&lab, &["apply", "--yes"]);
    wait_for(&lab, &mut child, 0, "POST", "/status/start");
    let begun = Instant::now();
    while !lab
        .run(&["state", "list"])
        .stdout
        .windows(15)
        .any(|text| text == b"egg.app.vm[0]  ")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the machine is not made"
        );
    }
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    stopped(child, &["stopped waiting"]);
    let mut expected = whole();
    expected.insert("volume".to_owned(), 1);
    assert_eq!(lab.kinds(), expected);
    std::thread::sleep(Duration::from_secs(4));
    ended_by_the_next(lab, &whole());
}

#[test]
fn ctrl_c_ends_the_waiting_for_a_lock_and_leaves_its_holder_alone() {
    let lab = Lab::one_in(SLOW, 0);
    let mut holder = begin(&lab, &["apply", "--yes"]);
    wait_for(&lab, &mut holder, 0, "POST", CLONE);
    let (child, said) = begin_and_hear(&lab, &["apply", "--yes", "--wait"], "waiting: ");
    let begun = Instant::now();
    signal(&child, "-INT");
    stopped_saying(child, &said, "stopped before anything was begun");
    // It does not wait on: the ten minutes of `--wait` are not over, nor is the holder done.
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(lab.green(&["lock"]).contains("held by"));
    let output = holder.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", crate::gosling::said(&output));
    free(&lab);
    let audit = lab.read(".gosling/audit.jsonl");
    assert_eq!(audit.matches("\"event\":\"began\"").count(), 1, "{audit}");
    ended_by_the_next(lab, &whole());
}

#[test]
fn ctrl_c_while_a_service_gives_the_lock_leaves_no_lock_behind() {
    let lab = Lab::one_in("{}", 200);
    lab.write("nest.fly", &(lab.read("nest.fly") + AT_GITLAB));
    let own = [
        &["apply", "--yes"][..],
        &["apply", "--yes", "--wait"],
        &["rollback", "--to", "0", "--yes"],
    ];
    for arguments in own {
        let calls = lab.calls();
        let mut child = begin(&lab, arguments);
        wait_for(&lab, &mut child, calls, "POST", "/lock");
        signal(&child, "-INT");
        stopped(child, &["stopped before anything was begun"]);
        free(&lab);
        assert_eq!(lab.there(), []);
    }
    ended_by_the_next(lab, &whole());
}

#[test]
fn ctrl_c_while_a_state_is_changed_by_hand_leaves_no_lock_behind() {
    let lab = Lab::one_in("{}", 200);
    lab.write("nest.fly", &(lab.read("nest.fly") + AT_GITLAB));
    lab.green(&["apply", "--yes"]);
    let calls = lab.calls();
    let mut child = begin(&lab, &["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"]);
    wait_for(&lab, &mut child, calls, "POST", "/lock");
    signal(&child, "-INT");
    stopped(child, &["stopped"]);
    free(&lab);
    ended_by_the_next(lab, &whole());
}

/// A second egg, whose webhook GitLab refuses. Returns how many calls there have been.
fn the_second_will_fail(lab: &Lab) -> usize {
    second(lab);
    lab.fault(r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/*/hooks","nth":1,"kind":"status","code":403}"#);
    lab.calls()
}

/// An apply that fails once the second egg's machine is there, and is undone; it is stopped while that machine is.
fn while_undoing(signals: usize) {
    let lab = Lab::one_in(SLOW_BOTH_WAYS, 0);
    lab.green(&["apply", "--yes"]);
    let (before, serial) = (like(&lab), serial(&lab));
    let calls = the_second_will_fail(&lab);
    let mut child = begin(&lab, &["apply", "--yes", "--on-failure=rollback"]);
    wait_for(&lab, &mut child, calls, "POST", "/status/shutdown");
    signal_times(&child, signals);
    let output = stopped(
        child,
        &[
            "undoing this run",
            "Not all of it is undone",
            &format!("gosling rollback --to {serial}"),
        ],
    );
    cut_short(&lab, &output, signals, "egg.docs.vm[0]");
    lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

fn signal_times(child: &Child, signals: usize) {
    signal(child, "-INT");
    for _ in 1..signals {
        // Two that come before the first was heard are one.
        std::thread::sleep(Duration::from_millis(700));
        signal(child, "-INT");
    }
}

/// After one signal the machine that was being deleted is gone and nothing is open; after two that delete is. The lock
/// is free either way, and what the machine needs is there still.
fn cut_short(lab: &Lab, output: &Output, signals: usize, machine: &str) {
    let open = format!("open: the outcome of the delete of {machine} is unknown");
    assert_eq!(said(output).contains(&open), signals > 1, "{}", said(output));
    let list = lab.green(&["state", "list"]);
    assert_eq!(list.contains(machine), signals > 1, "{list}");
    assert!(list.contains(&machine.replace("vm[0]", "runner")), "{list}");
    free(lab);
}

#[test]
fn ctrl_c_once_while_an_apply_is_undone() {
    while_undoing(1);
}

#[test]
fn ctrl_c_twice_while_an_apply_is_undone() {
    while_undoing(2);
}

#[test]
fn ctrl_c_while_an_undo_is_planned_begins_nothing_of_it() {
    let lab = Lab::one_in("{}", 100);
    lab.green(&["apply", "--yes"]);
    let (before, serial) = (like(&lab), serial(&lab));
    the_second_will_fail(&lab);
    let (child, heard) = begin_and_hear(
        &lab,
        &["apply", "--yes", "--on-failure=rollback"],
        "undoing this run",
    );
    signal(&child, "-INT");
    stopped_saying(child, &heard, "it could not be undone: stopped");
    free(&lab);
    assert!(lab.green(&["state", "list"]).contains("egg.docs.vm[0]"));
    lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

#[test]
fn an_apply_that_fails_and_is_stopped_is_not_undone_and_says_so() {
    let lab = Lab::one_in(SLOW_BOTH_WAYS, 0);
    lab.green(&["apply", "--yes"]);
    let (before, serial) = (like(&lab), serial(&lab));
    let calls = the_second_will_fail(&lab);
    let mut child = begin(&lab, &["apply", "--yes", "--on-failure=rollback"]);
    wait_for(&lab, &mut child, calls, "POST", "/hooks");
    wait_for(&lab, &mut child, calls, "POST", CLONE);
    signal(&child, "-INT");
    stopped(
        child,
        &["It is not undone", &format!("gosling rollback --to {serial}")],
    );
    free(&lab);
    lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

/// A rollback that takes the second egg away is stopped while its machine goes.
fn while_going_back(signals: usize) {
    let lab = Lab::one_in(SLOW_BOTH_WAYS, 0);
    lab.green(&["apply", "--yes"]);
    let (before, serial) = (like(&lab), serial(&lab));
    second(&lab);
    lab.green(&["apply", "--yes"]);
    let calls = lab.calls();
    let mut child = begin(&lab, &["rollback", "--to", &serial, "--yes"]);
    wait_for(&lab, &mut child, calls, "POST", "/status/shutdown");
    signal_times(&child, signals);
    let output = stopped(child, &["stopping", "Stopped: "]);
    cut_short(&lab, &output, signals, "egg.docs.vm[0]");
    lab.green(&["rollback", "--to", &serial, "--yes"]);
    assert_eq!((like(&lab), lab.kinds()), (before, whole()));
    lab.stop();
}

#[test]
fn ctrl_c_once_while_going_back() {
    while_going_back(1);
}

#[test]
fn ctrl_c_twice_while_going_back() {
    while_going_back(2);
}

#[test]
fn ctrl_c_while_the_way_back_is_planned() {
    let lab = Lab::one_in("{}", 150);
    lab.green(&["apply", "--yes"]);
    let changes = lab.changes();
    for arguments in [
        &["rollback", "--to", "0", "--yes"][..],
        &["rollback", "--to", "0", "--dry-run"],
    ] {
        let calls = lab.calls();
        let mut child = begin(&lab, arguments);
        wait_for(&lab, &mut child, calls, "GET", "");
        signal(&child, "-INT");
        stopped(child, &["stopped"]);
        free(&lab);
    }
    assert_eq!(lab.changes(), changes);
    ended_by_the_next(lab, &whole());
}
