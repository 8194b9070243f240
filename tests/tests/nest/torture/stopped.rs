//! SIGSTOP while a call waits for its answer, the lock taken over, another run, SIGCONT: counted at the services, whoever
//! continues changes nothing any more.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::killed::{AT_GITLAB, IN_S3, Place, Setting};
use super::table::{Table, Tally, of};
use super::{each, goes_well, judge};
use crate::gosling::said;
use crate::lab::Lab;
use crate::versitygw::Storage;

/// A lease that is short, so that a take-over is.
const LEASE_MS: &str = "300";
/// An answer is so late that the process is certainly stopped before it comes.
const LATE_MS: usize = 400;

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status();
    assert!(sent.unwrap().success(), "{name}");
}

/// The calls since this one that would change something at a service other than the state's.
fn changing(lab: &Lab, since: usize) -> Vec<String> {
    let ledger = lab.running.ledger();
    let calls = ledger.calls().iter().skip(since);
    let changing = calls.filter(|call| {
        let asks = call.path.ends_with("/runners/verify") || call.path.ends_with("/agent/ping");
        call.method != "GET" && !call.path.contains("/terraform/state/") && !asks
    });
    changing
        .map(|call| format!("{} {}", call.method, call.path))
        .collect()
}

/// Starts a command and stops it when it waits for the answer to its so-manieth call. `None`: it ended before.
fn stop_at(lab: &Lab, arguments: &[&str], call: usize) -> Option<Child> {
    let until = lab.calls() + call;
    lab.fault(&format!(
        r#"{{"path":"/api*","nth":{call},"kind":"delay","ms":{LATE_MS}}}"#
    ));
    let mut child = lab.spawn(arguments);
    let begun = Instant::now();
    while lab.calls() < until {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        let hangs = begun.elapsed() > Duration::from_secs(600);
        assert!(!hangs, "{arguments:?} hangs and makes no {call} calls");
        std::thread::sleep(Duration::from_micros(500));
    }
    signal(&child, "STOP");
    Some(child)
}

fn stopped(setting: Setting, stride: usize, least: usize) {
    let Setting {
        name,
        place,
        expected,
    } = setting;
    let place = || -> Place {
        let mut place = place();
        let environment = &mut place.lab.environment;
        environment.insert("GOSLING_LEASE_MS".to_owned(), LEASE_MS.to_owned());
        place
    };
    // One at a time: nothing else is on its way while one call waits.
    let arguments = ["apply", "--yes", "--parallelism=1"];
    let counted = place();
    counted.lab.green(&arguments);
    let calls = counted.lab.calls();
    counted.lab.stop();
    let points: Vec<usize> = (1..=calls).step_by(stride).collect();
    let tally = each(&points, |at| {
        let place = place();
        let lab = &place.lab;
        let mut tally = Tally::default();
        let Some(mut child) = stop_at(lab, &arguments, *at) else {
            place.lab.stop();
            return tally;
        };
        let other: fn(&mut Tally) -> &mut usize = |tally| &mut tally.other;
        // Where it was stopped before it had the lock, or after it gave it back, there is nothing to take over.
        goes_well(lab, &["unlock", "--yes"], &mut tally, |tally| &mut tally.stuck);
        goes_well(lab, &arguments, &mut tally, other);
        let since = lab.calls();
        signal(&child, "CONT");
        let output = {
            child.wait().unwrap();
            lab.run(&["plan"])
        };
        for call in changing(lab, since) {
            tally.found(other, || {
                format!("sent after the take-over: {call}; {}", said(&output))
            });
        }
        tally.add(judge(lab, &expected()), String::new);
        place.lab.stop();
        let mut placed = Tally::default();
        placed.add(tally, || format!("{name}: stopped at call {at}"));
        placed
    });
    let mut table = Table::new(format!(
        "{name}: stopped at every call, and continued after a take-over"
    ));
    table.line(format!("apply, {calls} calls"), tally);
    table.clean(least);
}

#[test]
fn torture_a_stopped_process_with_its_state_at_gitlab_changes_nothing_after_a_take_over() {
    stopped(AT_GITLAB, of(1, 19), of(50, 3));
}

#[test]
fn torture_a_stopped_process_with_its_state_in_s3_changes_nothing_after_a_take_over() {
    if Storage::start().is_none() {
        Table::new("stopped, state in S3: skipped, there is no versitygw").clean(0);
        return;
    }
    stopped(IN_S3, of(1, 19), of(40, 2));
}
