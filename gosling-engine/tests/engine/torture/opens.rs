//! An operation that nobody can settle for now, while others are carried out around it: killed at every point, nothing of
//! it is lost, and nothing of it is there twice once it can be settled.

use gosling_engine::recover;
use gosling_resource::Resources;

use super::drive::Cut;
use super::setting::{BACKENDS, FOLDER, Setting};
use super::table::{Table, Tally, of};
use crate::nest::{Nest, all, egg, machine, token};
use crate::world::Fault;

/// What is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    name: &'static str,
    /// What is there before, and what is being brought about when it happens.
    before: fn() -> Resources,
    begun: fn() -> Resources,
    /// The mutation of which nothing is heard, and its resource.
    nth: usize,
    at: &'static str,
}

const OPENINGS: [Opening; 4] = [
    Opening {
        name: "create of a token",
        before: || all(egg("lint", 1)),
        begun: || all(egg("lint", 1).into_iter().chain(egg("app", 1))),
        nth: 0,
        at: "egg.app.runner",
    },
    Opening {
        name: "create of a machine",
        before: || all(egg("lint", 1)),
        begun: || all(egg("lint", 1).into_iter().chain(egg("app", 1))),
        nth: 1,
        at: "egg.app.vm[0]",
    },
    Opening {
        name: "update of a machine",
        before: || all(egg("lint", 1).into_iter().chain(egg("app", 1))),
        begun: || {
            let app = [
                token("app", "one", "project"),
                machine("app", 0, "b", "debian", 8),
            ];
            all(egg("lint", 1).into_iter().chain(app))
        },
        nth: 0,
        at: "egg.app.vm[0]",
    },
    Opening {
        name: "delete of a machine",
        before: || all(egg("lint", 1).into_iter().chain(egg("app", 1))),
        begun: || all(egg("lint", 1).into_iter().chain(egg("app", 0))),
        nth: 0,
        at: "egg.app.vm[0]",
    },
];

/// Something is made, changed and deleted around it; of its own egg all is asked for.
fn around() -> Resources {
    let mut wanted = egg("app", 1);
    wanted.extend([
        token("lint", "two", "project"),
        machine("lint", 1, "a", "debian", 8),
    ]);
    wanted.extend(egg("web", 1));
    all(wanted)
}

impl Opening {
    /// A Nest in which it is open, and the name of the operation.
    async fn nest(self, setting: &Setting, fault: Fault) -> (Nest, String) {
        let mut nest = Nest::set(setting);
        nest.parallelism = 1;
        nest.settle(&(self.before)()).await;
        let sent = nest.world.inner().sent;
        nest.world.inner().faults.insert(sent + self.nth, fault);
        let (_, applied) = nest.apply(&(self.begun)()).await.unwrap();
        assert_eq!(applied.open.len(), 1, "{}", self.name);
        assert_eq!(applied.open[0].address.to_string(), self.at);
        nest.world.inner().away.insert(self.at.to_owned());
        let op = applied.open[0].op.clone();
        (nest, op)
    }

    /// Dies after so many points of a run, and of those after it, and says what is wrong then and in the end.
    async fn killed(
        self,
        setting: &Setting,
        fault: Fault,
        deaths: &[usize],
        cut: Option<Cut>,
    ) -> (Tally, bool) {
        let (nest, op) = self.nest(setting, fault).await;
        let wanted = around();
        let mut tally = Tally::default();
        let mut died = false;
        let is_open = async |tally: &mut Tally| {
            let read = recover::read("lab", &nest.store.peek().await.unwrap());
            let open = read.map(|(_, open)| open).unwrap_or_default();
            let own = open.iter().filter(|entry| entry.operation.op == op);
            let others = open
                .iter()
                .filter(|entry| entry.operation.op != op && entry.operation.address.to_string() == self.at);
            if (own.count(), others.count()) != (1, 0) {
                tally.found(
                    |tally| &mut tally.other,
                    || format!("{op} is not open as it was: {open:?}"),
                );
            }
        };
        for death in deaths {
            nest.life.limit(Some(*death));
            died = nest.life.run(nest.apply(&wanted)).await.is_none();
            nest.life.limit(None);
            if let Some(cut) = cut {
                nest.drive.cut(cut);
            }
            is_open(&mut tally).await;
        }
        // Nothing but what is open is left to do.
        match nest.apply(&wanted).await {
            Ok((_, applied)) if applied.failed.is_empty() && applied.skipped.is_empty() => {}
            other => tally.found(|tally| &mut tally.other, || format!("{other:?}")),
        }
        is_open(&mut tally).await;
        nest.world.inner().away.clear();
        tally.add(nest.finish(&wanted).await, || "settled".to_owned());
        (tally, died)
    }

    /// Every so-manieth point, once and twice.
    pub(super) async fn everywhere(
        self,
        setting: &Setting,
        (stride, strides): (usize, usize),
        cut: Option<Cut>,
    ) -> Tally {
        let mut sum = Tally::default();
        for fault in [Fault::LoseBefore, Fault::LoseAfter] {
            for first in (0..).step_by(stride) {
                let (tally, died) = self.killed(setting, fault, &[first], cut).await;
                let place = |second: &str| format!("{}, {fault:?}, killed at {first}{second}", self.name);
                sum.add(tally, || place(""));
                if !died {
                    break;
                }
                for second in (first % strides..).step_by(strides) {
                    let (tally, died) = self.killed(setting, fault, &[first, second], cut).await;
                    if !died {
                        break;
                    }
                    sum.add(tally, || place(&format!(" and {second}")));
                }
            }
        }
        sum
    }
}

/// What is open, however much is done around it.
pub(super) async fn around_what_is_open(setting: &Setting) -> Tally {
    let mut sum = Tally::default();
    for opening in OPENINGS {
        sum.add(
            opening.everywhere(setting, of((1, 1000), (4, 1000)), None).await,
            String::new,
        );
    }
    sum
}

#[tokio::test]
async fn torture_killed_around_an_operation_that_stays_open() {
    let mut table = Table::new("killed around an operation that stays open");
    for backend in BACKENDS {
        let setting = Setting::on(*backend);
        let strides = of(
            (1, 1),
            match backend.name {
                "memory" => (5, 31),
                _ => (19, 97),
            },
        );
        for opening in OPENINGS {
            let tally = opening.everywhere(&setting, strides, None).await;
            table.line(format!("{}: {}", backend.name, opening.name), tally);
        }
    }
    table.clean(of(5000, 60));
}

#[tokio::test]
async fn torture_power_cut_around_an_operation_that_stays_open() {
    let mut table = Table::new("power cut around an operation that stays open");
    let setting = Setting::on(FOLDER);
    for opening in OPENINGS {
        for cut in [Cut::Nothing, Cut::All, Cut::Some(1), Cut::Some(2)] {
            let tally = opening
                .everywhere(&setting, of((1, 11), (37, 97)), Some(cut))
                .await;
            table.line(format!("{}, {cut:?}", opening.name), tally);
        }
    }
    table.clean(of(2000, 40));
}
