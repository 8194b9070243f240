//! Random histories against a model that knows only what is wanted.

use std::collections::BTreeMap;

use gosling_resource::{Resource, Resources};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::nest::{Nest, all, machine, token};
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
    /// Apply, with a disk that fails after so many writes.
    FullDisk(usize),
}

const NAMES: [&str; 4] = ["app", "lint", "web", "site"];

fn an_egg() -> impl Strategy<Value = Egg> {
    (0..3_usize, 0..2_u8, 0..2_u8, 0..2_u8, 0..2_u8, 0..3_u8).prop_map(
        |(machines, description, scope, tags, image, disk)| Egg {
            machines,
            description,
            scope,
            tags,
            image,
            disk,
        },
    )
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
        2 => (name.clone(), name).prop_map(|(from, to)| Step::Rename(from, to)),
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
            let vms = (0..egg.machines).map(move |number| {
                let (tags, image) = (format!("t{}", egg.tags), format!("i{}", egg.image));
                machine(name, number, &tags, &image, 8 + i64::from(egg.disk))
            });
            std::iter::once(runner).chain(vms).collect::<Vec<Resource>>()
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

async fn play(steps: Vec<Step>) {
    let nest = Nest::new();
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
            Step::Drift(which, gone) => {
                let mut inner = nest.world.inner();
                if let Some(id) = inner.objects.keys().nth(which).cloned() {
                    if gone {
                        inner.objects.remove(&id);
                    } else if let Some(object) = inner.objects.get_mut(&id) {
                        let name = if object.kind == "token" {
                            "description"
                        } else {
                            "tags"
                        };
                        object.properties.insert(name.into(), "by hand".into());
                    }
                }
            }
            Step::Apply => nest.settle(&model.wanted()).await,
            Step::Kill(points) => {
                nest.life.limit(Some(points));
                let _ = nest.life.run(nest.apply(&model.wanted())).await;
                nest.life.limit(None);
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
    assert_eq!(nest.world.inner().objects.len(), 0);
}

/// The same histories in every ordinary run; with `POLAR_GOSLING_TORTURE` many more, and others each time.
fn configuration() -> ProptestConfig {
    let torture = std::env::var_os("POLAR_GOSLING_TORTURE").is_some();
    ProptestConfig {
        cases: if torture { 5000 } else { 400 },
        rng_seed: if torture {
            RngSeed::Random
        } else {
            RngSeed::Fixed(21)
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn after_a_clean_apply_the_world_holds_exactly_what_is_wanted(
        steps in prop::collection::vec(a_step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(play(steps));
    }
}
