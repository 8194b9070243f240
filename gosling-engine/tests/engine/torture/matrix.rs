//! Killed at every point, for every kind of resource and everything that can be done to it, and once more while that
//! is recovered from; on every store.

use std::task::Poll;

use gosling_engine::{Applied, PlanOptions, RunError, State, recover};
use gosling_resource::{Resource, Resources};

use super::setting::{BACKENDS, Setting};
use super::table::{Table, Tally, of};
use crate::nest::{Nest, actions, address, all, hook, machine, token};
use crate::world::Fault;

/// The kinds as a Nest of these tests has them, each with the provider's kind that it is like.
const KINDS: [&str; 3] = ["gitlab_runner", "gitlab_hook", "proxmox_vm"];

/// What can be done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Create,
    Update,
    Replace,
    Delete,
    Move,
    MoveAndUpdate,
    Import,
    Forget,
    /// What was made anew in another form is as it was before.
    RollBack,
}

const DEEDS: [Deed; 9] = [
    Deed::Create,
    Deed::Update,
    Deed::Replace,
    Deed::Delete,
    Deed::Move,
    Deed::MoveAndUpdate,
    Deed::Import,
    Deed::Forget,
    Deed::RollBack,
];

/// A deed to a resource of one kind, with others of the other kinds beside it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) kind: &'static str,
    pub(crate) deed: Deed,
}

/// What there is for a deed beside the Nest.
enum Given {
    Nothing,
    /// What is imported.
    Id(String),
    /// What it is to be like again.
    Earlier(State),
}

/// Every kind with every deed.
pub(crate) fn cells() -> impl Iterator<Item = Cell> {
    KINDS
        .into_iter()
        .flat_map(|kind| DEEDS.map(|deed| Cell { kind, deed }))
}

/// One of each kind in an egg of this name; the one of this kind as its so-manieth version.
fn one_of_each(name: &str, kind: &str, version: Deed) -> Vec<Resource> {
    let (update, replace) = (
        matches!(version, Deed::Update | Deed::MoveAndUpdate),
        version == Deed::Replace,
    );
    let pick = |own: &str, yes: bool| yes && own == kind;
    let words = |own, yes, old: &'static str, new: &'static str| if pick(own, yes) { new } else { old };
    let disk = if pick("proxmox_vm", update) { 16 } else { 8 };
    vec![
        token(
            name,
            words("gitlab_runner", update, "one", "two"),
            words("gitlab_runner", replace, "project", "group"),
        ),
        hook(
            name,
            words("gitlab_hook", update, "https://a", "https://b"),
            if pick("gitlab_hook", replace) { 18 } else { 17 },
        ),
        machine(
            name,
            0,
            words("proxmox_vm", update, "a", "b"),
            words("proxmox_vm", replace, "debian", "alpine"),
            disk,
        ),
    ]
}

impl Cell {
    pub(crate) fn name(self) -> String {
        format!("{} {:?}", self.kind, self.deed)
    }

    /// What was there before, and what is wanted.
    fn history(self) -> (Resources, Resources) {
        let Self { kind, deed } = self;
        let own = match kind {
            "gitlab_runner" => "token",
            "gitlab_hook" => "hook",
            _ => "machine",
        };
        let whole = || one_of_each("app", kind, Deed::Create);
        // A machine cannot be without the runner that it is for.
        let without = || {
            let mut rest = whole();
            rest.retain(|resource| resource.kind != own && (own != "token" || resource.kind != "machine"));
            all(rest)
        };
        match deed {
            Deed::Create | Deed::Import => (without(), all(whole())),
            Deed::Update | Deed::Replace => (all(whole()), all(one_of_each("app", kind, deed))),
            Deed::RollBack => (all(one_of_each("app", kind, Deed::Replace)), all(whole())),
            Deed::Delete | Deed::Forget => (all(whole()), without()),
            Deed::Move | Deed::MoveAndUpdate => {
                let mut wanted = all(one_of_each("web", kind, deed));
                wanted.moved.push(("egg.app".into(), "egg.web".into()));
                (all(whole()), wanted)
            }
        }
    }

    /// The resource that is imported or forgotten.
    fn subject(self) -> Resource {
        let (before, after) = self.history();
        let (more, less) = if before.len() > after.len() {
            (before, after)
        } else {
            (after, before)
        };
        let mut all = more
            .iter()
            .filter(|resource| less.get(&resource.address).is_none());
        // A machine that goes with its runner comes after it.
        all.next().unwrap().clone()
    }

    async fn nest(self, setting: &Setting) -> (Nest, Resources, Given, Tally) {
        let nest = Nest::set(setting);
        let (before, after) = self.history();
        let mut tally = Tally::default();
        let mut given = Given::Nothing;
        if self.deed == Deed::RollBack {
            tally.add(nest.finish(&after).await, String::new);
            let (state, _) = recover::read("lab", &nest.store.peek().await.unwrap()).unwrap();
            given = Given::Earlier(state);
        }
        tally.add(nest.finish(&before).await, String::new);
        if self.deed == Deed::Import {
            given = Given::Id(nest.by_hand(&self.subject()).await);
        }
        (nest, after, given, Tally { cases: 0, ..tally })
    }

    /// The commands that do the deed.
    async fn carry_out(self, nest: &Nest, wanted: &Resources, given: &Given) -> Result<Applied, RunError> {
        match (self.deed, given) {
            (Deed::RollBack, Given::Earlier(goal)) => return nest.roll_back(goal).await,
            (Deed::Import, Given::Id(id)) => {
                nest.import(&self.subject(), id).await?;
            }
            (Deed::Forget, _) => {
                let addresses = match self.kind {
                    "gitlab_runner" => vec!["egg.app.runner", "egg.app.vm[0]"],
                    "gitlab_hook" => vec!["egg.app.hook"],
                    _ => vec!["egg.app.vm[0]"],
                };
                for text in addresses {
                    nest.forget(&address(text)).await?;
                }
            }
            _ => {}
        }
        nest.apply(wanted).await.map(|(_, applied)| applied)
    }

    /// Carries the deed out, once more after each death, and says what is wrong after the last. `between` is told how
    /// many deaths there were.
    pub(crate) async fn killed(
        self,
        setting: &Setting,
        deaths: &[usize],
        between: impl Fn(&Nest, usize),
    ) -> (Tally, bool) {
        let (nest, wanted, given, mut tally) = self.nest(setting).await;
        let mut died = false;
        for (death, number) in deaths.iter().zip(1..) {
            nest.life.limit(Some(*death));
            let ended = nest.life.run(self.carry_out(&nest, &wanted, &given)).await;
            nest.life.limit(None);
            died = ended.is_none();
            between(&nest, number);
        }
        if matches!(self.deed, Deed::Import | Deed::Forget | Deed::RollBack)
            && let Err(error) = self.carry_out(&nest, &wanted, &given).await
        {
            tally.found(|tally| &mut tally.other, || error.to_string());
        }
        // What a rollback left undone would be done below.
        if self.deed == Deed::RollBack {
            let left = nest
                .plan(&wanted, &PlanOptions::default())
                .await
                .map(|plan| actions(&plan));
            if !matches!(&left, Ok(left) if left.is_empty()) {
                tally.found(|tally| &mut tally.other, || format!("not rolled back: {left:?}"));
            }
        }
        tally.add(nest.finish(&wanted).await, String::new);
        (tally, died)
    }

    /// Each mutation of the first run, with this wrong about it.
    pub(crate) async fn lost(self, setting: &Setting, fault: Fault) -> Tally {
        let mut sum = Tally::default();
        for number in 0.. {
            let (nest, wanted, given, mut tally) = self.nest(setting).await;
            let sent = nest.world.inner().sent;
            nest.world.inner().faults = [(sent + number, fault)].into();
            // What was not done is done by the next; what it says was done must be.
            if let Ok(applied) = self.carry_out(&nest, &wanted, &given).await
                && applied.failed.is_empty()
            {
                tally.add(nest.compare(&applied.state).await, || "at once".to_owned());
            }
            nest.world.inner().faults.clear();
            if nest.world.inner().sent <= sent + number {
                break;
            }
            if let Err(error) = self.carry_out(&nest, &wanted, &given).await {
                tally.found(|tally| &mut tally.other, || error.to_string());
            }
            tally.add(nest.finish(&wanted).await, String::new);
            sum.add(tally, || format!("{}: {fault:?} of {number}", self.name()));
        }
        sum
    }

    /// Another takes the lock over while the first only waits to write, and the first goes on then.
    pub(crate) async fn overtaken(self, setting: &Setting) -> Tally {
        let mut sum = Tally::default();
        for write in 0.. {
            let (mut nest, wanted, given, mut tally) = self.nest(setting).await;
            // What is on its way to the API when the lock is taken over arrives: nobody can call it back.
            nest.parallelism = 1;
            nest.gate.limit(Some(write));
            let mut first = std::pin::pin!(self.carry_out(&nest, &wanted, &given));
            let waits = nest.gate.run(first.as_mut()).await.is_none();
            nest.gate.limit(None);
            if !waits {
                break;
            }
            tally.add(nest.finish(&wanted).await, || "the second".to_owned());
            // It is refused, or had nothing more to write.
            let _ = first.await;
            tally.add(nest.finish(&wanted).await, || "the first went on".to_owned());
            sum.add(tally, || format!("{} overtaken at write {write}", self.name()));
        }
        sum
    }

    /// The process is stopped at every so-manieth point of its run, another takes the lock over and finishes, and the
    /// first continues: it changes nothing any more.
    pub(crate) async fn stopped(self, setting: &Setting, stride: usize) -> Tally {
        let mut sum = Tally::default();
        for point in (0..).step_by(stride) {
            let (mut nest, wanted, given, mut tally) = self.nest(setting).await;
            // Of several at once, one could be on the wire while another is stopped.
            nest.parallelism = 1;
            nest.life.limit(Some(point));
            let mut first = std::pin::pin!(self.carry_out(&nest, &wanted, &given));
            let stopped = nest.life.run(first.as_mut()).await.is_none();
            nest.life.limit(None);
            if !stopped {
                break;
            }
            tally.add(nest.finish(&wanted).await, || "the second".to_owned());
            nest.world.take_calls();
            // It is refused, or had nothing more to do.
            let _ = first.await;
            for call in nest.world.take_calls() {
                tally.found(
                    |tally| &mut tally.other,
                    || format!("sent after the take-over: {call}"),
                );
            }
            // Stopped while it took its lock, it hears of its epoch only now.
            nest.epochs.lock().unwrap().sort_unstable();
            tally.add(nest.finish(&wanted).await, || "the first continued".to_owned());
            sum.add(tally, || format!("{} stopped at point {point}", self.name()));
        }
        sum
    }

    /// Each mutation of the run is on its way when another run takes the lock over, and arrives before that one settles
    /// anything, or when it has finished. The second finds by its marker what the first has made; what comes later still
    /// is known by its marker, and is one thing at most. Says also how much came late.
    pub(crate) async fn on_the_wire(self, setting: &Setting, is_late: bool) -> (Tally, usize) {
        let (mut sum, mut all_late) = (Tally::default(), 0);
        for nth in 0.. {
            let (mut nest, wanted, given, mut tally) = self.nest(setting).await;
            nest.parallelism = 1;
            let number = nest.world.inner().sent + nth;
            nest.world.wire.send_replace(Some(number));
            let mut first = std::pin::pin!(self.carry_out(&nest, &wanted, &given));
            let is_sent = std::future::poll_fn(|cx| match nest.world.inner().on_the_wire {
                Some(_) => Poll::Ready(()),
                None => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            });
            tokio::select! {
                biased;
                _ = first.as_mut() => break,
                () = is_sent => {}
            }
            if is_late {
                tally.add(nest.finish(&wanted).await, || "the second".to_owned());
            } else if let Err(error) = nest.take_over().await {
                tally.found(|tally| &mut tally.stuck, || error.to_string());
            }
            nest.world.wire.send_replace(None);
            // It is refused as soon as it writes what came of the call.
            let _ = first.await;
            nest.epochs.lock().unwrap().sort_unstable();
            if is_late {
                let late = nest.came_late(&wanted).await;
                all_late += late;
                if late > 1 {
                    tally.found(
                        |tally| &mut tally.duplicates,
                        || format!("{late} things came late"),
                    );
                }
            }
            tally.add(nest.finish(&wanted).await, || "the next".to_owned());
            sum.add(tally, || format!("{} with call {nth} on the wire", self.name()));
        }
        (sum, all_late)
    }

    /// Every so-manieth point of the first run.
    pub(crate) async fn once(
        self,
        setting: &Setting,
        stride: usize,
        between: impl Fn(&Nest, usize) + Copy,
    ) -> Tally {
        let mut once = Tally::default();
        for first in (0..).step_by(stride) {
            let (tally, died) = self.killed(setting, &[first], between).await;
            if !died {
                break;
            }
            once.add(tally, || format!("{} killed at {first}", self.name()));
        }
        once
    }

    /// Every so-manieth point of the first run, each with every so-manieth point of the second.
    pub(crate) async fn twice(
        self,
        setting: &Setting,
        (stride, strides): (usize, usize),
        between: impl Fn(&Nest, usize) + Copy,
    ) -> Tally {
        let mut twice = Tally::default();
        for first in (0..).step_by(stride) {
            // Another beginning for each, so that all are met in the end.
            for second in (first % strides..).step_by(strides) {
                let (tally, died) = self.killed(setting, &[first, second], between).await;
                if !died {
                    break;
                }
                twice.add(tally, || {
                    format!("{} killed at {first} and {second}", self.name())
                });
            }
            let (_, died) = self.killed(setting, &[first], between).await;
            if !died {
                break;
            }
        }
        twice
    }
}

#[tokio::test]
async fn torture_killed_at_every_point_of_every_deed_to_every_kind() {
    let mut table = Table::new("killed at every point");
    for backend in BACKENDS {
        let setting = Setting::on(*backend);
        let (stride, strides) = of(
            (1, 1),
            match backend.name {
                "memory" => (2, 5),
                _ => (7, 17),
            },
        );
        for cell in cells() {
            let once = cell.once(&setting, stride, |_, _| {}).await;
            assert!(once.cases > 1, "{}: only {} points", cell.name(), once.cases);
            let twice = cell.twice(&setting, (stride, strides), |_, _| {}).await;
            let name = format!("{}: {}", backend.name, cell.name());
            table.line(format!("{name}, once"), once);
            table.line(format!("{name}, twice"), twice);
        }
    }
    table.clean(of(10_000, 1000));
}

#[tokio::test]
async fn torture_a_call_on_the_wire_while_the_lock_is_taken_over_is_found_by_its_marker() {
    let mut table = Table::new("a call on the wire during a take-over");
    let mut all_late = 0;
    for backend in BACKENDS.iter().filter(|backend| !backend.on_disk) {
        for cell in cells() {
            for (is_late, when) in [(false, "before it is settled"), (true, "after that")] {
                let (tally, late) = cell.on_the_wire(&Setting::on(*backend), is_late).await;
                all_late += late;
                table.line(
                    format!("{}: {}, arrives {when}", backend.name, cell.name()),
                    tally,
                );
            }
        }
    }
    assert!(all_late > 0, "nothing ever comes late");
    table.clean(100);
}

#[tokio::test]
async fn torture_killed_and_its_number_taken_by_another_meanwhile() {
    let mut table = Table::new("killed, and the number taken");
    for deed in DEEDS.into_iter().filter(|deed| *deed != Deed::Import) {
        let cell = Cell {
            kind: "proxmox_vm",
            deed,
        };
        let intrude = |nest: &Nest, _| nest.world.inner().intrude();
        let setting = Setting::default();
        let once = cell.once(&setting, 1, intrude).await;
        let twice = cell.twice(&setting, of((1, 1), (2, 7)), intrude).await;
        table.line(format!("{}, once", cell.name()), once);
        table.line(format!("{}, twice", cell.name()), twice);
    }
    table.clean(of(1000, 150));
}

#[tokio::test]
async fn torture_whatever_is_lost_of_every_deed_to_every_kind() {
    let mut table = Table::new("lost answers");
    for cell in cells() {
        let mut tally = Tally::default();
        for fault in [Fault::LoseBefore, Fault::LoseAfter, Fault::Refuse, Fault::Intrude] {
            tally.add(cell.lost(&Setting::default(), fault).await, String::new);
        }
        table.line(cell.name(), tally);
    }
    table.clean(60);
}
