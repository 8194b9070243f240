//! Whole processes of `gosling` killed, and whole calls lost, against the simulated services; judged by their ledger.
//! The ordinary tests try some of it, `just torture` all.

mod killed;
mod outcomes;
mod stopped;
#[path = "../../../../gosling-engine/tests/engine/torture/table.rs"]
pub(crate) mod table;
mod wire;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::table::{Tally, of};
use crate::gosling::said;
use crate::lab::Lab;

/// How many labs there are at once: nine tenths of a case are waiting, for a machine to start or a job to end.
fn at_once() -> usize {
    of(12, 6)
}

/// Tries all cases, some at once, and sums up.
fn each<T: Sync>(cases: &[T], one: impl Fn(&T) -> Tally + Sync) -> Tally {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..at_once() {
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

/// The lock of a state that machines share outlives its process: somebody sees that it is dead, and takes it over.
fn let_go(lab: &Lab, tally: &mut Tally) {
    if lab.read("nest.fly").contains("backend =") {
        goes_well(lab, &["unlock", "--yes"], tally, |tally| &mut tally.stuck);
    }
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
    let_go(lab, &mut tally);
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
