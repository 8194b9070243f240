//! Every outcome of every call that changes something.

use std::collections::BTreeMap;

use super::table::{Table, Tally, of};
use super::{each, judge};
use crate::gosling::said;
use crate::lab::{Lab, whole};

/// What can become of a call that changes something, as the sandbox's faults tell it.
fn outcomes() -> Vec<String> {
    let plain = ["lose_before", "lose_after", "truncate", "bad_json", "hang"];
    let plain = plain.map(|kind| format!(r#""kind":"{kind}""#));
    // The same status may come from what stands before the service, or after the service has done it.
    let statuses = [408, 409, 500, 502, 503, 596, 599]
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
    // Another outcome for each call of each command: 19 outcomes, and 17 shares no divisor with them.
    let cases: Vec<&(&str, String)> = all.iter().step_by(of(1, 17)).collect();
    let mut table = Table::new("one egg, every outcome of every call that changes something");
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
