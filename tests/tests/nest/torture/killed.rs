//! SIGKILL after every call: of an apply, of a destroy, of a rollback; to the services and to where the state is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::table::{Table, Tally, of};
use super::wire::Wire;
use super::{each, goes_well, judge, let_go};
use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::rollback::{change, like, second, serial};
use crate::versitygw::{SECRET_KEY, Storage};

/// A lab, and the storage that its state is in.
pub(super) struct Place {
    pub(super) lab: Lab,
    bucket: Option<(Wire, Storage)>,
}

impl From<Lab> for Place {
    fn from(lab: Lab) -> Self {
        Self { lab, bucket: None }
    }
}

/// Whose calls are counted.
#[derive(Clone, Copy)]
enum To {
    Services,
    Bucket,
}

impl Place {
    fn wire(&self) -> &Wire {
        &self.bucket.as_ref().unwrap().0
    }

    fn calls(&self, to: To) -> usize {
        match to {
            To::Services => self.lab.calls(),
            To::Bucket => self.wire().calls(),
        }
    }

    /// Kills it when so many calls of it were carried out; the last of them is not answered. Whether it was in time.
    fn kill_after(&self, to: To, arguments: &[&str], calls: usize) -> bool {
        let until = self.lab.calls() + calls;
        match to {
            To::Services => self
                .lab
                .fault(&format!(r#"{{"path":"/api*","nth":{calls},"kind":"hang"}}"#)),
            To::Bucket => self.wire().cut(calls),
        }
        let is_time = || match to {
            To::Services => self.lab.calls() >= until,
            To::Bucket => self.wire().is_cut(),
        };
        let mut child = self.lab.spawn(arguments);
        let begun = Instant::now();
        while !is_time() && child.try_wait().unwrap().is_none() {
            let hangs = begun.elapsed() > Duration::from_secs(600);
            assert!(!hangs, "{arguments:?} hangs and makes no {calls} calls");
            std::thread::sleep(Duration::from_micros(500));
        }
        // It may have ended just now, with any code; a process that was killed has none.
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }
}

/// A Nest and what is there when all of it is there.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) place: fn() -> Place,
    pub(super) expected: fn() -> BTreeMap<String, usize>,
}

const ONE: Setting = Setting {
    name: "one egg",
    place: || Lab::one().into(),
    expected: whole,
};

fn with_state(lab: &Lab, state: &str) {
    lab.write(
        "nest.fly",
        &format!("{}\nstate {{\n{state}}}\n", lab.read("nest.fly")),
    );
}

/// Its state, its journal, its lock and its secrets are at GitLab too.
pub(super) const AT_GITLAB: Setting = Setting {
    name: "one egg, state at GitLab",
    place: || {
        let lab = Lab::one();
        with_state(&lab, "  backend = \"gitlab\"\n  project_id = 17\n");
        lab.into()
    },
    expected: whole,
};

/// All of these are in a bucket of a real storage.
pub(super) const IN_S3: Setting = Setting {
    name: "one egg, state in S3",
    place: || {
        let mut lab = Lab::one();
        let storage = Storage::start().unwrap();
        let wire = Wire::to(storage.port);
        let state = format!(
            "  backend = \"s3\"\n  bucket = \"states\"\n  endpoint = \"http://127.0.0.1:{}\"\n  path_style = true\n  \
             access_key = \"gosling-test\"\n  secret_key = \"env://STATE_SECRET_KEY\"\n",
            wire.port
        );
        with_state(&lab, &state);
        lab.environment
            .insert("STATE_SECRET_KEY".to_owned(), SECRET_KEY.to_owned());
        Place {
            lab,
            bucket: Some((wire, storage)),
        }
    },
    expected: whole,
};

const EXAMPLE: Setting = Setting {
    name: "proxmox-lab",
    place: || Lab::proxmox_lab().into(),
    expected: || {
        let kinds = [("hook", 5), ("runner", 4), ("vm", 4)];
        kinds.map(|(kind, count)| (kind.to_owned(), count)).into()
    },
};

/// The one egg and a second one.
const TWO: Setting = Setting {
    name: "one egg, and a second",
    place: || Lab::one().into(),
    expected: || {
        whole()
            .into_iter()
            .map(|(kind, count)| (kind, 2 * count))
            .collect()
    },
};

/// A command that is killed.
#[derive(Clone, Copy)]
struct Deed {
    name: &'static str,
    /// Brings about what it begins with, and says its arguments.
    begin: fn(&Lab) -> Vec<String>,
    /// How it ends when it is not killed.
    code: i32,
    /// What is asked for after it was killed, before all is judged.
    again: fn(&Lab, &[&str], &mut Tally),
}

const APPLY: Deed = Deed {
    name: "apply",
    begin: |_| ["apply", "--yes"].map(str::to_owned).to_vec(),
    code: 0,
    again: |_, _, _| {},
};

const DESTROY: Deed = Deed {
    name: "destroy",
    begin: |lab| {
        lab.green(&["apply", "--yes"]);
        ["destroy", "--yes"].map(str::to_owned).to_vec()
    },
    ..APPLY
};

/// What a rollback has to bring back, beside the Nest.
const BEFORE: &str = "../before.json";

/// Back from two eggs to one, and to what that was like.
const ROLLBACK: Deed = Deed {
    name: "rollback",
    begin: |lab| {
        lab.green(&["apply", "--yes"]);
        lab.write(BEFORE, &like(lab).to_string());
        let serial = serial(lab);
        second(lab);
        change(lab, "cpu = 1", "cpu = 2");
        lab.green(&["apply", "--yes"]);
        ["rollback", "--to", &serial, "--yes"].map(str::to_owned).to_vec()
    },
    code: 0,
    again: |lab, arguments, tally| {
        let other: fn(&mut Tally) -> &mut usize = |tally| &mut tally.other;
        if goes_well(lab, arguments, tally, other) {
            let (is, was) = (like(lab).to_string(), lab.read(BEFORE));
            if is != was {
                tally.found(other, || format!("not as it was, {was}, but {is}"));
            }
            if lab.kinds() != whole() {
                tally.found(|tally| &mut tally.orphans, || format!("{:?}", lab.kinds()));
            }
        }
    },
};

/// The second egg's machine is refused, and all of it is undone.
const UNDONE: Deed = Deed {
    name: "apply --on-failure=rollback",
    begin: |lab| {
        lab.green(&["apply", "--yes"]);
        second(lab);
        change(lab, "cpu = 1", "cpu = 2");
        lab.fault(
            r#"{"world":"proxmox","method":"POST","path":"/api2/json/nodes/*/qemu/*/clone","nth":1,"kind":"status","code":403}"#,
        );
        ["apply", "--yes", "--on-failure=rollback"]
            .map(str::to_owned)
            .to_vec()
    },
    code: 1,
    // Killed before it was refused, it is refused and undone only now.
    again: |lab, arguments, _| {
        lab.run(arguments);
    },
};

/// After every so-manieth call, and with another death in what comes after every so-manieth.
#[derive(Clone, Copy)]
struct Strides(usize, Option<usize>);

fn killed(table: &mut Table, setting: Setting, deed: Deed, to: To, strides: Strides) {
    let Setting {
        name,
        place,
        expected,
    } = setting;
    let expected = expected();
    let counted = place();
    let arguments = (deed.begin)(&counted.lab);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let before = counted.calls(to);
    let output = counted.lab.run(&arguments);
    assert_eq!(output.status.code(), Some(deed.code), "{}", said(&output));
    let calls = counted.calls(to) - before;
    counted.lab.stop();
    assert!(calls > 8, "{calls} calls are too few for {arguments:?}");
    let to_whom = match to {
        To::Services => "calls",
        To::Bucket => "calls to the storage",
    };
    for twice in [false, true] {
        let stride = if twice { strides.1 } else { Some(strides.0) };
        let Some(stride) = stride else { continue };
        let points: Vec<usize> = (1..=calls).step_by(stride).collect();
        let in_time = AtomicUsize::new(0);
        let tally = each(&points, |at| {
            let place = place();
            let lab = &place.lab;
            let arguments = (deed.begin)(lab);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            // Another one for each, all over what is left to do.
            let second = 1 + at * 7 % (calls - at).max(8);
            let mut tally = Tally::default();
            // How often a wait looks is not always the same: it may have ended before, and the fault is still to come.
            let mut died = place.kill_after(to, &arguments, *at);
            if died {
                in_time.fetch_add(1, Ordering::Relaxed);
            }
            if died && twice {
                let_go(lab, &mut tally);
                // What is left to do may be done with fewer calls.
                died = place.kill_after(to, &arguments, second);
            }
            if died {
                let_go(lab, &mut tally);
                (deed.again)(lab, &arguments, &mut tally);
                tally.add(judge(lab, &expected), String::new);
            }
            place.lab.stop();
            let mut placed = Tally::default();
            placed.add(tally, || match twice {
                false => format!("{name}: {} killed after call {at}", deed.name),
                true => format!(
                    "{name}: {} killed after call {at}, and {second} of the next",
                    deed.name
                ),
            });
            placed
        });
        let in_time = in_time.into_inner();
        let enough = in_time * 10 >= points.len() * 8;
        assert!(enough, "only {in_time} of {} were killed in time", points.len());
        let times = if twice { "twice" } else { "once" };
        table.line(format!("{}, {calls} {to_whom}, {times}", deed.name), tally);
    }
}

fn table(setting: Setting, what: &str) -> Table {
    Table::new(format!("{}: {what}", setting.name))
}

#[test]
fn torture_a_process_killed_after_any_call_is_finished_by_the_next() {
    let mut table = table(ONE, "killed after every call");
    for deed in [APPLY, DESTROY] {
        let strides = of(Strides(1, Some(1)), Strides(7, Some(31)));
        killed(&mut table, ONE, deed, To::Services, strides);
    }
    table.clean(of(130, 6));
}

#[test]
fn torture_a_process_with_its_state_at_gitlab_killed_after_any_call_is_finished_by_the_next() {
    let mut table = table(AT_GITLAB, "killed after every call");
    for deed in [APPLY, DESTROY] {
        let strides = of(Strides(1, Some(3)), Strides(23, None));
        killed(&mut table, AT_GITLAB, deed, To::Services, strides);
    }
    table.clean(of(180, 4));
}

#[test]
fn torture_a_process_with_its_state_in_s3_killed_after_any_call_is_finished_by_the_next() {
    // Without the program it says what is skipped, and so does the table of all tables.
    if Storage::start().is_none() {
        table(IN_S3, "skipped, there is no versitygw").clean(0);
        return;
    }
    let mut table = table(IN_S3, "killed after every call");
    for deed in [APPLY, DESTROY] {
        let strides = of(Strides(1, None), Strides(23, None));
        killed(&mut table, IN_S3, deed, To::Services, strides);
        let strides = of(Strides(1, Some(2)), Strides(11, None));
        killed(&mut table, IN_S3, deed, To::Bucket, strides);
    }
    table.clean(of(220, 8));
}

#[test]
fn torture_the_example_killed_after_any_call_is_finished_by_the_next() {
    let mut table = table(EXAMPLE, "killed after every call");
    for deed in [APPLY, DESTROY] {
        let strides = of(Strides(1, Some(7)), Strides(11, None));
        killed(&mut table, EXAMPLE, deed, To::Services, strides);
    }
    table.clean(of(280, 12));
}

#[test]
fn torture_a_rollback_killed_after_any_call_is_finished_by_the_next() {
    let mut table = table(TWO, "rollback killed after every call");
    let strides = of(Strides(1, Some(1)), Strides(11, Some(37)));
    killed(&mut table, TWO, ROLLBACK, To::Services, strides);
    let strides = of(Strides(1, None), Strides(29, None));
    killed(&mut table, TWO, UNDONE, To::Services, strides);
    table.clean(of(150, 6));
}
