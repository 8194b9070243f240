//! Whole processes of `gosling` killed, and whole calls lost, against the simulated services; judged by their ledger.
//! The ordinary tests try some of it, `just torture` all.

#[path = "../../../gosling-engine/tests/engine/torture/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::table::{Table, Tally, of};
use crate::gosling::said;
use crate::lab::{Lab, whole};

/// How many labs there are at once: they wait more than they work.
const AT_ONCE: usize = 4;

/// A Nest and what is there when all of it is there.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    lab: fn() -> Lab,
    expected: fn() -> BTreeMap<String, usize>,
}

const ONE: Setting = Setting {
    name: "one egg",
    lab: Lab::one,
    expected: whole,
};

/// Its state, its journal, its lock and its secrets are at GitLab too.
const AT_GITLAB: Setting = Setting {
    name: "one egg, state at GitLab",
    lab: || {
        let lab = Lab::one();
        let state = "\nstate {\n  backend = \"gitlab\"\n  project_id = 17\n}\n";
        lab.write("nest.fly", &(lab.read("nest.fly") + state));
        lab
    },
    expected: whole,
};

const EXAMPLE: Setting = Setting {
    name: "proxmox-lab",
    lab: Lab::proxmox_lab,
    expected: || {
        let kinds = [("hook", 5), ("runner", 4), ("vm", 4)];
        kinds.map(|(kind, count)| (kind.to_owned(), count)).into()
    },
};

/// Tries all cases, some at once, and sums up.
fn each<T: Sync>(cases: &[T], one: impl Fn(&T) -> Tally + Sync) -> Tally {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tally = one(case);
                    sum.lock().unwrap().add(tally, String::new);
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

/// A command that must go well now.
fn goes_well(lab: &Lab, arguments: &[&str], tally: &mut Tally, which: fn(&mut Tally) -> &mut usize) -> bool {
    let output = lab.run(arguments);
    let well = output.status.code() == Some(0);
    if !well {
        let said = said(&output);
        let stuck: fn(&mut Tally) -> &mut usize = |tally| &mut tally.stuck;
        let which = if said.contains("locked by") { stuck } else { which };
        tally.found(which, || format!("{arguments:?}: {said}"));
    }
    well
}

/// What is there, against what is to be there.
fn compare(lab: &Lab, expected: &BTreeMap<String, usize>, tally: &mut Tally) {
    let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in lab.there() {
        // An image is put away once its machine is online.
        if object.kind != "volume" {
            there.entry(object.kind).or_default().push(object.name);
        }
    }
    for kind in expected.keys().filter(|kind| *kind != "volume") {
        there.entry(kind.clone()).or_default();
    }
    for (kind, mut names) in there {
        let wanted = expected.get(&kind).copied().unwrap_or(0);
        let words = || format!("{kind}: {names:?}, where {wanted} are wanted");
        if names.len() < wanted {
            tally.found(|tally| &mut tally.other, words);
        } else if names.len() > wanted {
            let words = words();
            names.sort();
            let which: fn(&mut Tally) -> &mut usize = match names.windows(2).any(|two| two[0] == two[1]) {
                true => |tally| &mut tally.duplicates,
                false => |tally| &mut tally.orphans,
            };
            tally.found(which, || words);
        }
    }
}

/// After whatever happened: the next apply makes everything as it is wanted, every runner works with its token, and a
/// destroy leaves nothing.
fn judge(lab: &Lab, expected: &BTreeMap<String, usize>) -> Tally {
    let mut tally = Tally {
        cases: 1,
        ..Tally::default()
    };
    let lost: fn(&mut Tally) -> &mut usize = |tally| &mut tally.lost;
    let other: fn(&mut Tally) -> &mut usize = |tally| &mut tally.other;
    // The lock of a state that machines share outlives its process: somebody sees that it is dead, and takes it over.
    if lab.read("nest.fly").contains("backend =") {
        goes_well(lab, &["unlock", "--yes"], &mut tally, |tally| &mut tally.stuck);
    }
    if !goes_well(lab, &["apply", "--yes"], &mut tally, other) {
        return tally;
    }
    compare(lab, expected, &mut tally);
    // The token in the store is the one that the machine works with, and the one that GitLab knows.
    goes_well(lab, &["status"], &mut tally, lost);
    goes_well(lab, &["smoke", "app"], &mut tally, lost);
    let output = lab.run(&["plan", "--detailed-exitcode"]);
    if output.status.code() != Some(0) {
        tally.found(other, || format!("still pending: {}", said(&output)));
    }
    goes_well(lab, &["destroy", "--yes"], &mut tally, other);
    for object in lab.there() {
        tally.found(|tally| &mut tally.orphans, || format!("{object:?} is left"));
    }
    tally
}

/// Kills it when so many calls of it were executed; the last of them is not answered. Whether it was in time.
fn kill_after(lab: &Lab, arguments: &[&str], calls: usize) -> bool {
    lab.fault(&format!(r#"{{"path":"/api*","nth":{calls},"kind":"hang"}}"#));
    let before = lab.calls();
    let mut child = lab.spawn(arguments);
    let begun = Instant::now();
    while lab.calls() < before + calls && child.try_wait().unwrap().is_none() {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{arguments:?} hangs after {} calls",
            lab.calls()
        );
        std::thread::sleep(Duration::from_micros(300));
    }
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

/// How many calls a command makes when nothing happens to it.
fn calls_of(lab: &Lab, arguments: &[&str]) -> usize {
    let before = lab.calls();
    lab.green(arguments);
    lab.calls() - before
}

fn killed_after_every_call(setting: Setting, stride: usize) -> Table {
    let mut table = Table::new("killed after every call");
    let Setting { name, lab, expected } = setting;
    let expected = expected();
    let counted = lab();
    let applies = calls_of(&counted, &["apply", "--yes"]);
    let destroys = calls_of(&counted, &["destroy", "--yes"]);
    counted.stop();
    for (command, calls) in [("apply", applies), ("destroy", destroys)] {
        assert!(calls > 8, "{calls} calls are too few for {command}");
        let points: Vec<usize> = (1..=calls).step_by(stride).collect();
        let in_time = AtomicUsize::new(0);
        let tally = each(&points, |at| {
            let lab = lab();
            if command == "destroy" {
                lab.green(&["apply", "--yes"]);
            }
            let mut tally = Tally::default();
            // How often a wait looks is not always the same: it may have ended before, and the fault is still to come.
            if !kill_after(&lab, &[command, "--yes"], *at) {
                lab.stop();
                return tally;
            }
            in_time.fetch_add(1, Ordering::Relaxed);
            tally.add(judge(&lab, &expected), || {
                format!("{name}: {command} killed after call {at}")
            });
            lab.stop();
            tally
        });
        let in_time = in_time.into_inner();
        assert!(
            in_time * 10 >= points.len() * 8,
            "only {in_time} of {} were killed in time",
            points.len()
        );
        table.line(format!("{name}: {command}, {calls} calls"), tally);
    }
    table
}

#[test]
fn torture_a_process_killed_after_any_call_is_finished_by_the_next() {
    killed_after_every_call(ONE, of(1, 11)).clean(of(40, 5));
}

#[test]
fn torture_a_process_with_its_state_at_gitlab_killed_after_any_call_is_finished_by_the_next() {
    killed_after_every_call(AT_GITLAB, of(3, 31)).clean(of(20, 3));
}

#[test]
fn torture_the_example_killed_after_any_call_is_finished_by_the_next() {
    killed_after_every_call(EXAMPLE, of(1, 41)).clean(of(150, 4));
}

/// What can become of a call that changes something, as the sandbox's faults tell it.
fn outcomes() -> Vec<String> {
    let plain = ["lose_before", "lose_after", "truncate", "bad_json", "hang"];
    let plain = plain.map(|kind| format!(r#""kind":"{kind}""#));
    // The same status may come from what stands before the service, or after the service has done it.
    let statuses = [408, 409, 429, 500, 502, 503, 596, 599]
        .into_iter()
        .flat_map(|code| ["status", "status_after"].map(|kind| format!(r#""kind":"{kind}","code":{code}"#)));
    plain.into_iter().chain(statuses).collect()
}

/// How many calls of each method that changes things a command makes, of each service.
fn changing(lab: &Lab, arguments: &[&str]) -> BTreeMap<(String, String), usize> {
    let before = lab.calls();
    lab.green(arguments);
    let mut calls = BTreeMap::new();
    for call in lab.running.ledger().calls().iter().skip(before) {
        if call.method != "GET" {
            let world = call.path.split('/').nth(1).map_or("gitlab", |root| match root {
                "api2" => "proxmox",
                _ => "gitlab",
            });
            *calls.entry((world.to_owned(), call.method.clone())).or_default() += 1;
        }
    }
    calls
}

#[test]
fn torture_whatever_becomes_of_a_call_the_next_apply_sets_all_right() {
    let counted = Lab::one();
    let commands = ["apply", "destroy"].map(|command| (command, changing(&counted, &[command, "--yes"])));
    counted.stop();
    let mut all = Vec::new();
    for (command, calls) in &commands {
        for ((world, method), count) in calls {
            for nth in 1..=*count {
                for outcome in outcomes() {
                    let fault = format!(
                        r#"{{"world":"{world}","method":"{method}","path":"*","nth":{nth},{outcome}}}"#
                    );
                    all.push((*command, fault));
                }
            }
        }
    }
    assert!(all.len() > 200, "{commands:?}");
    // Another outcome for each call of each command: 21 outcomes, and 17 shares no divisor with them.
    let cases: Vec<&(&str, String)> = all.iter().step_by(of(1, 17)).collect();
    let mut table = Table::new("outcomes on the wire");
    for command in ["apply", "destroy"] {
        let cases: Vec<_> = cases.iter().filter(|case| case.0 == command).collect();
        let tally = each(&cases, |(command, fault)| {
            let lab = Lab::one();
            if *command == "destroy" {
                lab.green(&["apply", "--yes"]);
            }
            lab.fault(fault);
            let first = lab.run(&[command, "--yes"]);
            let mut tally = Tally::default();
            tally.add(judge(&lab, &whole()), || {
                format!("{command} {fault}: {}", said(&first))
            });
            lab.stop();
            tally
        });
        table.line(command, tally);
    }
    table.clean(of(200, 10));
}
