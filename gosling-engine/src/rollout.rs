//! How the machines of a pool are taken down: a few at a time, idle ones first, and the next ones only once those before
//! are back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use gosling_resource::{Address, Change as Effect, Kind, Part, Rollout, Value};
use serde::{Deserialize, Serialize};

use crate::order::{Step, Waits, reaches};
use crate::plan::{Action, Change, Plan};
use crate::provider::CallError;
use crate::state::State;

/// What is known of the machines' work, which their provider does not tell.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// How much work each of these machines has. One that is left out is not known.
    async fn work(&self, machines: &[Address], state: &State) -> BTreeMap<Address, Work>;

    /// Waits until a machine that was made, restarted or connected in another way takes jobs.
    ///
    /// # Errors
    /// Why it does not.
    async fn online(&self, machine: &Address, state: &State) -> Result<(), CallError>;

    /// Waits until a machine runs no job, for so long at most: a shutdown of it would end its jobs.
    ///
    /// # Errors
    /// Where nobody says whether it runs any.
    async fn idle(&self, _machine: &Address, _state: &State, _within: Duration) -> Result<(), CallError> {
        Ok(())
    }
}

/// How much work a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Nobody has heard of it, or not for hours: it runs no job.
    Dead,
    /// It waits for jobs.
    Idle,
    /// It runs jobs.
    Busy,
}

/// Nothing is known of any machine, and nobody waits for one.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

#[async_trait]
impl Fleet for Unwatched {
    async fn work(&self, _: &[Address], _: &State) -> BTreeMap<Address, Work> {
        BTreeMap::new()
    }

    async fn online(&self, _: &Address, _: &State) -> Result<(), CallError> {
        Ok(())
    }
}

/// What a plan does to the machines of one pool that are in service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRollout {
    /// The block: `egg.app`.
    pub block: String,
    /// Machines that are replaced.
    pub replaced: Vec<Address>,
    /// Machines that are changed in place and restarted.
    pub restarted: Vec<Address>,
    /// Machines that are deleted.
    pub deleted: Vec<Address>,
    /// How many are out of service at once.
    pub at_once: usize,
    /// Whether all that are replaced are out of service at once, because the runner record whose token they share is
    /// replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_runner: bool,
    /// How long their jobs may go on, in seconds.
    pub drain_timeout: u64,
    /// Whether a new machine is online before the old one is deleted.
    pub create_before_delete: bool,
    /// Whether one machine goes first, alone in the whole plan, because its connection to the network changes.
    pub one_first: bool,
}

/// What a change does to a machine in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TakeDown {
    Replace,
    Restart,
    Delete,
}

/// What a machine's user data has where its shutdown waits for its jobs: gitlab-runner's unit says so.
const DRAINS: &str = "KillSignal=SIGQUIT";

impl Change {
    /// Whether it takes a machine out of service whose shutdown would end its jobs: an earlier version made it.
    #[must_use]
    pub fn ends_jobs(&self) -> bool {
        let drains = |part: &Part| matches!(part, Part::Text(text) if text.contains(DRAINS));
        let drains = match self.prior.get("user_data") {
            Some(Value::Template(template)) => template.parts.iter().any(drains),
            _ => true,
        };
        self.take_down().is_some() && !drains
    }

    /// What it does to a machine in service; `None` where nothing is in service or nothing is done to it.
    fn take_down(&self) -> Option<TakeDown> {
        self.rollout?;
        match self.action {
            Action::Replace => Some(TakeDown::Replace),
            Action::Delete => Some(TakeDown::Delete),
            Action::Update if !self.because.is_empty() => Some(TakeDown::Restart),
            Action::Update | Action::Create | Action::NoOp => None,
        }
    }
}

impl Change {
    /// For the deletion of a machine that goes once its successor is online, the address of that one.
    pub(crate) fn successor(&self) -> Option<&Address> {
        let to = self.moved_from.as_ref()?;
        (self.action == Action::Delete && predecessor(to) == self.address).then_some(to)
    }
}

/// The address that a machine has from when its successor is begun until it is deleted.
pub(crate) fn predecessor(of: &Address) -> Address {
    Address {
        part: format!("{}_before", of.part).into(),
        ..of.clone()
    }
}

/// Whether a change of these attributes may cut a resource of the kind off while it runs.
pub(crate) fn reconnects<'a>(kind: &Kind, attributes: impl IntoIterator<Item = &'a str>) -> bool {
    let attribute = |name| kind.attribute(name).map(|attribute| attribute.change);
    attributes
        .into_iter()
        .any(|name| attribute(name) == Some(Effect::Reconnect))
}

/// What a plan does to each pool.
pub(crate) fn pools(changes: &[Change]) -> Vec<PoolRollout> {
    let mut pools: BTreeMap<String, PoolRollout> = BTreeMap::new();
    for change in changes {
        let (Some(take_down), Some(rollout)) = (change.take_down(), change.rollout) else {
            continue;
        };
        let block = change.address.block();
        let pool = pools.entry(block.clone()).or_insert_with(|| PoolRollout {
            at_once: rollout.max_unavailable.of(size(changes, change)),
            block,
            replaced: Vec::new(),
            restarted: Vec::new(),
            deleted: Vec::new(),
            drain_timeout: rollout.drain_timeout,
            create_before_delete: rollout.create_before_delete,
            with_runner: false,
            one_first: false,
        });
        pool.one_first |= change.reconnects;
        pool.with_runner |= shares_what_is_replaced(changes, change);
        let list = match take_down {
            TakeDown::Replace => &mut pool.replaced,
            TakeDown::Restart => &mut pool.restarted,
            TakeDown::Delete if change.successor().is_some() => &mut pool.replaced,
            TakeDown::Delete => &mut pool.deleted,
        };
        list.push(change.successor().unwrap_or(&change.address).clone());
    }
    for pool in pools.values_mut().filter(|pool| pool.with_runner) {
        pool.at_once = pool.at_once.max(pool.replaced.len());
        // The old one goes with its runner, before the new one can be created.
        pool.create_before_delete = false;
    }
    pools.into_values().collect()
}

/// Whether a machine that is replaced needs something that is replaced too: see [`entangled`].
fn shares_what_is_replaced(changes: &[Change], change: &Change) -> bool {
    let new = match change.successor() {
        Some(new) => changes.iter().find(|other| other.address == *new),
        None => (change.action == Action::Replace).then_some(change),
    };
    let mut needs = new.into_iter().flat_map(|new| &new.needs);
    needs.any(|need| {
        let mut others = changes.iter();
        others.any(|other| other.address == *need && other.action == Action::Replace)
    })
}

impl Plan {
    /// What it does to the machines of each pool that are in service, with the pools that it touches alone.
    #[must_use]
    pub fn rollouts(&self) -> Vec<PoolRollout> {
        pools(&self.changes)
    }
}

/// How many machines a change's pool has, by the plan.
fn size(changes: &[Change], of: &Change) -> usize {
    let of_pool = |change: &&Change| {
        change.action != Action::Delete
            && change.kind == of.kind
            && change.address.block() == of.address.block()
    };
    changes.iter().filter(of_pool).count()
}

/// Whose turn it is, while a plan is carried out.
pub(crate) struct Rollouts {
    pools: BTreeMap<String, Pool>,
    waves: BTreeMap<Wave, WaveState>,
    /// By the number of their changes.
    members: BTreeMap<usize, Member>,
    /// The members by the steps with which they begin.
    begins: BTreeMap<Step, usize>,
    /// The members by the steps with which they end.
    ends: BTreeMap<Step, usize>,
    /// The members that go once another machine is online, by the step that makes that one.
    after: BTreeMap<Step, usize>,
    /// How much work machines had when the run began.
    work: BTreeMap<Address, Work>,
}

/// Changes of one kind, of whichever pool: what goes wrong with one goes wrong with the others. A provider, what is done,
/// and to which attributes.
type Wave = (String, TakeDown, Vec<String>);

struct Pool {
    at_once: usize,
    /// The changes that have a machine out of service.
    down: BTreeSet<usize>,
}

#[derive(Default)]
struct WaveState {
    /// Whether the first goes alone.
    canary: bool,
    /// How many are not begun.
    waiting: usize,
    /// How many are begun and not over.
    begun: usize,
    /// Whether one is back in service.
    proven: bool,
    /// The first that did not come back.
    failed: Option<Address>,
}

struct Member {
    block: String,
    wave: Wave,
    /// Whether the machine goes only once a new one is online, and that this one is by now.
    new_is_online: Option<bool>,
}

/// Whether a step may begin.
pub(crate) enum Turn {
    Now,
    Later,
    /// Not in this run, because of what happened to this one.
    Never(Address),
}

impl Rollouts {
    /// Of a plan whose steps wait for each other like this.
    pub(crate) fn of(changes: &[Change], waits: &Waits, work: BTreeMap<Address, Work>) -> Self {
        let mut rollouts = Self {
            pools: BTreeMap::new(),
            waves: BTreeMap::new(),
            members: BTreeMap::new(),
            begins: BTreeMap::new(),
            ends: BTreeMap::new(),
            after: BTreeMap::new(),
            work,
        };
        let numbers = changes.iter().enumerate();
        let numbers: BTreeMap<&Address, usize> =
            numbers.map(|(index, change)| (&change.address, index)).collect();
        for (index, change) in changes.iter().enumerate() {
            let (Some(take_down), Some(rollout)) = (change.take_down(), change.rollout) else {
                continue;
            };
            let successor = change.successor().and_then(|of| numbers.get(of).copied());
            let (begin, end) = match (take_down, successor) {
                // Whoever wants fewer machines wants them gone. Each waits for its own jobs.
                (TakeDown::Delete, None) => continue,
                // The new one takes the turn, and the old one gives it back.
                (TakeDown::Delete, Some(new)) => (Step::Put(new), Step::Delete(index)),
                (TakeDown::Replace, _) => (Step::Delete(index), Step::Put(index)),
                (TakeDown::Restart, _) => (Step::Put(index), Step::Put(index)),
            };
            // Where the old one must go first for another reason, there is no choice.
            if !reaches(waits, end, begin) || entangled(changes, waits, change, end) {
                continue;
            }
            let wave = (change.provider.to_string(), take_down, reasons(change));
            let state = rollouts.waves.entry(wave.clone()).or_default();
            state.canary |= change.reconnects;
            state.waiting += 1;
            let block = change.address.block();
            rollouts.pools.entry(block.clone()).or_insert_with(|| Pool {
                at_once: rollout.max_unavailable.of(size(changes, change)),
                down: BTreeSet::new(),
            });
            rollouts.begins.insert(begin, index);
            rollouts.ends.insert(end, index);
            if successor.is_some() {
                rollouts.after.insert(begin, index);
            }
            let member = Member {
                block,
                wave,
                new_is_online: successor.map(|_| false),
            };
            rollouts.members.insert(index, member);
        }
        rollouts
    }

    /// How early the step of a change is best begun: machines without work go first.
    pub(crate) fn rank(&self, change: &Change) -> u8 {
        match self.work.get(&change.address) {
            Some(Work::Dead) => 0,
            Some(Work::Idle) | None => 1,
            Some(Work::Busy) => 2,
        }
    }

    /// Whether nobody has heard of a machine for hours, so that there are no jobs to wait for.
    pub(crate) fn is_dead(&self, machine: &Address) -> bool {
        self.work.get(machine) == Some(&Work::Dead)
    }

    /// Whether a step may begin now; if so, it counts as begun.
    pub(crate) fn turn(&mut self, step: Step) -> Turn {
        let waits_for_new = |index| self.members.get(index)?.new_is_online;
        if self.ends.get(&step).and_then(waits_for_new) == Some(false) {
            return Turn::Later;
        }
        let Some((index, member)) = self
            .begins
            .get(&step)
            .and_then(|index| Some((index, self.members.get(index)?)))
        else {
            return Turn::Now;
        };
        let (Some(pool), Some(wave)) = (
            self.pools.get_mut(&member.block),
            self.waves.get_mut(&member.wave),
        ) else {
            return Turn::Now;
        };
        if let Some(failed) = &wave.failed {
            return Turn::Never(failed.clone());
        }
        let alone = wave.canary && !wave.proven && wave.begun > 0;
        if alone || pool.down.len() >= pool.at_once {
            return Turn::Later;
        }
        pool.down.insert(*index);
        wave.waiting -= 1;
        wave.begun += 1;
        Turn::Now
    }

    /// A step has ended well. Whether somebody has to wait now until its machine is online before others may go on;
    /// [`Rollouts::is_online`] tells when it is.
    pub(crate) fn ended(&mut self, step: Step) -> bool {
        if self.after.contains_key(&step) {
            return true;
        }
        let Some(&index) = self.ends.get(&step) else {
            return false;
        };
        let Some(member) = self.members.get(&index) else {
            return false;
        };
        // What follows an old machine is the next new one, which need not wait for more.
        let gone = member.new_is_online.is_some();
        let waiting = self.waves.get(&member.wave).is_some_and(|wave| wave.waiting > 0);
        let pool = self.pools.get(&member.block);
        let full = pool.is_some_and(|pool| self.in_pool(&member.block) > pool.down.len());
        if !gone && (waiting || full) {
            return true;
        }
        self.give_back(index, true);
        false
    }

    /// How many members of a pool are not over.
    fn in_pool(&self, block: &str) -> usize {
        self.members
            .values()
            .filter(|member| member.block == block)
            .count()
    }

    /// The machine that a step made or changed is online.
    pub(crate) fn is_online(&mut self, step: Step) {
        if let Some(index) = self.after.get(&step) {
            if let Some(member) = self.members.get_mut(index) {
                member.new_is_online = Some(true);
            }
        } else if let Some(&index) = self.ends.get(&step) {
            self.give_back(index, true);
        }
    }

    /// A step did nothing, or nobody knows what it did. Where a machine may be out of service because of it, no other is
    /// taken down for the same reason.
    pub(crate) fn failed(&mut self, step: Step, address: &Address, in_service: bool) {
        let ends = [&self.begins, &self.ends];
        let Some(&index) = ends.iter().find_map(|steps| steps.get(&step)) else {
            return;
        };
        if in_service && matches!(step, Step::Delete(_)) {
            return self.give_back(index, false);
        }
        let wave = self
            .members
            .get(&index)
            .and_then(|member| self.waves.get_mut(&member.wave));
        if let Some(wave) = wave {
            wave.failed.get_or_insert_with(|| address.clone());
        }
    }

    /// A member is over, and its place in the pool is free.
    fn give_back(&mut self, index: usize, proven: bool) {
        let Some(member) = self.members.remove(&index) else {
            return;
        };
        if let Some(pool) = self.pools.get_mut(&member.block) {
            pool.down.remove(&index);
        }
        if let Some(wave) = self.waves.get_mut(&member.wave) {
            wave.begun = wave.begun.saturating_sub(1);
            wave.proven |= proven;
        }
    }
}

/// For what a machine is taken down.
fn reasons(change: &Change) -> Vec<String> {
    let mut reasons = change.because.clone();
    reasons.extend(
        change
            .attributes
            .iter()
            .map(|attribute| attribute.name.to_string()),
    );
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

/// Whether a machine of a pool can come back only after another of the pool has gone, as where the runner record that
/// they share is replaced: then they all go at once.
fn entangled(changes: &[Change], waits: &Waits, of: &Change, end: Step) -> bool {
    let others = changes.iter().enumerate().filter(|(other, change)| {
        *other != end.change() && change.rollout.is_some() && change.address.block() == of.address.block()
    });
    let mut deletes = others.map(|(other, _)| Step::Delete(other));
    deletes.any(|delete| waits.contains_key(&delete) && reaches(waits, end, delete))
}

/// The settings of a machine's pool: those that are asked for now, or else those that it was made with.
pub(crate) fn settings(
    wanted: &gosling_resource::Resources,
    address: &Address,
    held: Option<Rollout>,
) -> Option<Rollout> {
    let mut pool = wanted.iter().filter(|resource| {
        resource.address.block() == address.block() && resource.address.part == address.part
    });
    pool.find_map(|resource| resource.rollout).or(held)
}
