//! Random histories against a model that knows only what is wanted.
//!
//! They write, remove and rename eggs (with a `moved` block or by `state mv`), import what was made by hand or forgotten,
//! forget what the Nest still asks for, make things anew, apply a part of the Nest, and do so many things at once; things
//! are changed and deleted by hand and numbers are taken by others; processes die once or twice, also in an import;
//! answers are lost; disks are full, and the power goes. No pattern is left out.

use std::cell::Cell;
use std::collections::BTreeMap;

use gosling_engine::{PlanOptions, recover};
use gosling_resource::{Address, Resource, Resources};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::nest::{Nest, all, hook, machine, token};
use crate::torture::drive::Cut;
use crate::torture::setting::{BACKENDS, Setting};
use crate::torture::table::{Table, Tally, full, of};
use crate::world::Fault;

/// What an egg is like; its name is the key in the model.
#[derive(Debug, Clone)]
struct Egg {
    machines: usize,
    description: u8,
    scope: u8,
    tags: u8,
    image: u8,
    disk: u8,
    url: u8,
    project: u8,
}

/// What happens between two looks at the world.
#[derive(Debug, Clone)]
enum Step {
    /// An egg is written, anew or as another.
    Write(usize, Egg),
    /// An egg is removed.
    Remove(usize),
    /// An egg gets another name.
    Rename(usize, usize),
    /// Somebody changes or deletes a thing by hand.
    Drift(usize, bool),
    /// Apply, as it should go.
    Apply,
    /// Apply, killed after so many points.
    Kill(usize),
    /// Apply, with something wrong with its so-manieth mutation.
    Lose(usize, Fault),
    /// Apply, with a disk that fails after so many writes; the folder's never does.
    FullDisk(usize),
    /// Apply, killed after so many points, and the next, after so many.
    KillTwice(usize, usize),
    /// Apply, and the power goes after so many points.
    PowerCut(usize, Cut),
    /// Apply one egg and what it needs, perhaps killed after so many points.
    Target(usize, Option<usize>),
    /// Apply, with one egg made anew.
    Anew(usize),
    /// An egg gets another name, and `state mv` says so.
    Mv(usize, usize),
    /// `state rm` of a resource, perhaps killed after so many points.
    Forget(usize, Option<usize>),
    /// Somebody made a resource by hand, or what was forgotten is taken back; import, perhaps killed.
    Import(usize, bool, Option<usize>),
    /// Somebody else makes a machine.
    Intrude,
    /// From now on, so many things at once.
    AtOnce(usize),
}

const NAMES: [&str; 4] = ["app", "lint", "web", "site"];

fn an_egg() -> impl Strategy<Value = Egg> {
    let hook = (0..2_u8, 0..2_u8);
    (0..3_usize, 0..2_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..3_u8, hook).prop_map(
        |(machines, description, scope, tags, image, disk, (url, project))| Egg {
            machines,
            description,
            scope,
            tags,
            image,
            disk,
            url,
            project,
        },
    )
}

/// Perhaps a death after so many points.
fn a_death() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(0..20_usize)
}

fn a_cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        Just(Cut::Nothing),
        Just(Cut::All),
        any::<u64>().prop_map(Cut::Some)
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    let name = 0..NAMES.len();
    let fault = prop_oneof![
        Just(Fault::LoseBefore),
        Just(Fault::LoseAfter),
        Just(Fault::Refuse)
    ];
    prop_oneof![
        4 => (name.clone(), an_egg()).prop_map(|(name, egg)| Step::Write(name, egg)),
        2 => name.clone().prop_map(Step::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Mv(from, to)),
        1 => (name.clone(), a_death()).prop_map(|(name, death)| Step::Target(name, death)),
        1 => name.prop_map(Step::Anew),
        1 => (0..12_usize, a_death()).prop_map(|(which, death)| Step::Forget(which, death)),
        2 => (0..12_usize, any::<bool>(), a_death()).prop_map(|(which, back, death)| Step::Import(which, back, death)),
        2 => (0..60_usize, 0..40_usize).prop_map(|(first, second)| Step::KillTwice(first, second)),
        2 => (0..120_usize, a_cut()).prop_map(|(points, cut)| Step::PowerCut(points, cut)),
        1 => Just(Step::Intrude),
        1 => (1..11_usize).prop_map(Step::AtOnce),
        2 => (0..8_usize, any::<bool>()).prop_map(|(which, gone)| Step::Drift(which, gone)),
        2 => Just(Step::Apply),
        4 => (0..60_usize).prop_map(Step::Kill),
        2 => (0..8_usize, fault).prop_map(|(number, fault)| Step::Lose(number, fault)),
        1 => (0..20_usize).prop_map(Step::FullDisk),
    ]
}

/// The model: eggs by name, and the moves that the Nest tells.
#[derive(Debug, Default)]
struct Model {
    eggs: BTreeMap<usize, Egg>,
    moved: Vec<(usize, usize)>,
}

impl Model {
    fn wanted(&self) -> Resources {
        let eggs = self.eggs.iter().flat_map(|(name, egg)| {
            let name = NAMES[*name];
            let runner = token(name, &format!("d{}", egg.description), &format!("s{}", egg.scope));
            let hook = hook(name, &format!("https://{}", egg.url), 17 + i64::from(egg.project));
            let vms = (0..egg.machines).map(move |number| {
                let (tags, image) = (format!("t{}", egg.tags), format!("i{}", egg.image));
                machine(name, number, &tags, &image, 8 + i64::from(egg.disk))
            });
            [runner, hook].into_iter().chain(vms).collect::<Vec<Resource>>()
        });
        let mut wanted = all(eggs);
        let text = |name: usize| format!("egg.{}", NAMES[name]);
        wanted.moved = self
            .moved
            .iter()
            .map(|(from, to)| (text(*from), text(*to)))
            .collect();
        wanted
    }

    /// The language wants what is moved to to be there; what is written anew under an old name was not moved.
    fn tidy(&mut self) {
        let eggs = &self.eggs;
        self.moved
            .retain(|(from, to)| !eggs.contains_key(from) && eggs.contains_key(to));
    }
}

/// Lets the process die after so many points, if it is to.
async fn perhaps_killed<T>(nest: &Nest, death: Option<usize>, work: impl Future<Output = T>) {
    nest.life.limit(death);
    let _ = nest.life.run(work).await;
    nest.life.limit(None);
}

async fn import(nest: &Nest, wanted: &Resources, which: usize, back: bool, death: Option<usize>) {
    let Some(resource) = wanted.iter().nth(which) else {
        return;
    };
    let (state, open) = recover::read("lab", &nest.store.peek().await.unwrap()).unwrap();
    if !open.is_empty() || state.resources.contains_key(&resource.address) {
        return;
    }
    let forgotten = {
        let inner = nest.world.inner();
        let mut forgotten = inner.disowned.iter().filter(|_| back);
        let like = |id: &&String| {
            let object = inner.objects.get(*id);
            let held = state.resources.values().any(|held| held.id == **id);
            !held && object.is_some_and(|object| object.kind == resource.kind)
        };
        forgotten.find(like).cloned()
    };
    let id = match forgotten {
        Some(id) => {
            nest.take_back(&id, resource).await;
            id
        }
        None => nest.by_hand(resource).await,
    };
    perhaps_killed(nest, death, nest.import(resource, &id)).await;
}

async fn play(backend: usize, steps: Vec<Step>) {
    let mut nest = Nest::set(&Setting::on(BACKENDS[backend]));
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Write(name, egg) => {
                model.eggs.insert(name, egg);
                model.tidy();
            }
            Step::Remove(name) => {
                model.eggs.remove(&name);
                model.tidy();
            }
            Step::Rename(from, to) => {
                if !model.eggs.contains_key(&to)
                    && let Some(egg) = model.eggs.remove(&from)
                {
                    model.eggs.insert(to, egg);
                    for moved in &mut model.moved {
                        if moved.1 == from {
                            moved.1 = to;
                        }
                    }
                    model.moved.push((from, to));
                    model.tidy();
                }
            }
            Step::Mv(from, to) => {
                if !model.eggs.contains_key(&to)
                    && let Some(egg) = model.eggs.remove(&from)
                {
                    model.eggs.insert(to, egg);
                    model.tidy();
                    let (from, to) = (format!("egg.{}.", NAMES[from]), format!("egg.{}.", NAMES[to]));
                    // Where it is refused, the old is deleted and the new one made.
                    let moved = nest.edit(|state| {
                        let all: Vec<Address> = state.resources.keys().cloned().collect();
                        for address in all {
                            let text = address.to_string();
                            if let Some(rest) = text.strip_prefix(&from) {
                                let new = format!("{to}{rest}").parse().unwrap();
                                if !state.resources.contains_key(&new) {
                                    state.rename(&address, &new);
                                }
                            }
                        }
                    });
                    moved.await.unwrap();
                }
            }
            Step::Forget(which, death) => {
                let address = model
                    .wanted()
                    .iter()
                    .nth(which)
                    .map(|resource| resource.address.clone());
                if let Some(address) = address {
                    perhaps_killed(&nest, death, nest.forget(&address)).await;
                }
            }
            Step::Import(which, back, death) => {
                import(&nest, &model.wanted(), which, back, death).await;
            }
            Step::Intrude => nest.world.inner().intrude(),
            Step::AtOnce(number) => nest.parallelism = number,
            Step::KillTwice(first, second) => {
                for points in [first, second] {
                    perhaps_killed(&nest, Some(points), nest.apply(&model.wanted())).await;
                }
            }
            Step::PowerCut(points, cut) => {
                perhaps_killed(&nest, Some(points), nest.apply(&model.wanted())).await;
                nest.drive.cut(cut);
            }
            Step::Target(name, death) => {
                if model.eggs.contains_key(&name) {
                    let options = PlanOptions {
                        targets: vec![format!("egg.{}", NAMES[name])],
                        ..PlanOptions::default()
                    };
                    let wanted = model.wanted();
                    perhaps_killed(&nest, death, nest.run(&wanted, &options, None)).await;
                }
            }
            Step::Anew(name) => {
                if model.eggs.contains_key(&name) {
                    let options = PlanOptions {
                        replace: vec![format!("egg.{}", NAMES[name])],
                        ..PlanOptions::default()
                    };
                    nest.run(&model.wanted(), &options, None).await.unwrap();
                }
            }
            Step::Drift(which, gone) => {
                let mut inner = nest.world.inner();
                let mut own = inner.objects.keys().filter(|id| !inner.foreign.contains_key(*id));
                let id = own.nth(which).cloned();
                if let Some(id) = id {
                    if gone {
                        inner.objects.remove(&id);
                    } else if let Some(object) = inner.objects.get_mut(&id) {
                        let name = match object.kind.as_str() {
                            "token" => "description",
                            "hook" => "url",
                            _ => "tags",
                        };
                        object.properties.insert(name.into(), "by hand".into());
                    }
                }
            }
            Step::Apply => nest.settle(&model.wanted()).await,
            Step::Kill(points) => {
                perhaps_killed(&nest, Some(points), nest.apply(&model.wanted())).await;
            }
            Step::Lose(number, fault) => {
                let sent = nest.world.inner().sent;
                nest.world.inner().faults = [(sent + number, fault)].into();
                let _ = nest.apply(&model.wanted()).await;
                nest.world.inner().faults.clear();
            }
            Step::FullDisk(writes) => {
                nest.disk.good_writes(Some(writes));
                let _ = nest.apply(&model.wanted()).await;
                nest.disk.good_writes(None);
            }
        }
    }
    nest.settle(&model.wanted()).await;
    model.eggs.clear();
    model.moved.clear();
    nest.settle(&model.wanted()).await;
    let inner = nest.world.inner();
    let own = inner
        .objects
        .keys()
        .filter(|id| !inner.foreign.contains_key(*id) && !inner.disowned.contains(*id));
    assert_eq!(own.count(), 0);
}

/// The same histories in every ordinary run; with `POLAR_GOSLING_TORTURE` many more, and others each time.
fn configuration() -> ProptestConfig {
    ProptestConfig {
        cases: of(5000, 300),
        rng_seed: if full() {
            RngSeed::Random
        } else {
            RngSeed::Fixed(21)
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn torture_after_any_history_the_world_holds_exactly_what_is_wanted() {
    let mut runner = TestRunner::new(configuration());
    // Most of them in memory, which is quickest.
    let backend = prop_oneof![3 => Just(0), 1 => 0..BACKENDS.len()];
    let histories = (backend, prop::collection::vec(a_step(), 1..24));
    let (played, steps) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&histories, |(backend, history)| {
        played.set(played.get() + 1);
        steps.set(steps.get() + history.len());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(play(backend, history));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    // Each was judged after every clean apply; what is not as it must be ends the test above.
    let mut table = Table::new("random histories");
    let cases = played.get();
    table.line(
        format!("{} steps", steps.get()),
        Tally {
            cases,
            ..Tally::default()
        },
    );
    table.clean(usize::try_from(configuration().cases).unwrap());
}
