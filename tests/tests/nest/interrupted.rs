//! Ctrl-C, once and twice, and SIGTERM.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// Clones take two seconds.
const SLOW: &str = r#"{"proxmox": {"speed": {"clone": 2000}}}"#;
const CLONE: &str = "/clone";

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
    let output = stopped(child, &["stopping: what is under way may end", "Not all of it"]);
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
fn ctrl_c_twice_ends_at_once_and_names_what_is_open() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 4000}}}"#, 20);
    let expected = three(&lab);
    let mut child = begin(&lab, &["apply", "--yes"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "-INT");
    let output = stopped(
        child,
        &[
            "stopping at once",
            "open: what became of the create of egg.app.vm[",
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

#[test]
fn the_grace_is_no_longer_than_it_was_said_to_be() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 4000}}}"#, 20);
    let mut child = begin(&lab, &["apply", "--yes", "--grace", "1s"]);
    wait_for(&lab, &mut child, 0, "POST", CLONE);
    signal(&child, "-INT");
    stopped(child, &["open: what became of the create of egg.app.vm[0]"]);
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
