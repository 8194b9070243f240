//! Killed anywhere, any answer lost: the next run leaves no orphan, no duplicate and no lost token.

use gosling_engine::RunError;
use gosling_resource::Resources;

use crate::nest::{Nest, all, egg, machine, token};
use crate::torture::table::of;
use crate::world::Fault;

/// What was there, and what is wanted next.
fn histories() -> Vec<(&'static str, Resources, Resources)> {
    let nothing = || all([]);
    let first = || all(egg("app", 2));
    let renamed = || {
        let mut wanted = all(egg("web", 2));
        wanted.moved.push(("egg.app".into(), "egg.web".into()));
        wanted
    };
    let updated = || {
        all([
            token("app", "two", "project"),
            machine("app", 0, "b", "debian", 16),
            machine("app", 1, "b", "debian", 8),
        ])
    };
    let replaced = || {
        all([
            token("app", "one", "group"),
            machine("app", 0, "a", "alpine", 8),
            machine("app", 1, "a", "debian", 4),
        ])
    };
    vec![
        ("create", nothing(), first()),
        ("update", first(), updated()),
        ("replace", first(), replaced()),
        ("delete", first(), nothing()),
        ("move", first(), renamed()),
        (
            "grow and shrink",
            first(),
            all(egg("app", 1).into_iter().chain(egg("lint", 1))),
        ),
    ]
}

async fn nest(before: &Resources) -> Nest {
    let nest = Nest::new();
    nest.settle(before).await;
    nest
}

#[tokio::test]
async fn killed_at_every_point_the_next_run_sets_all_right() {
    for (name, before, after) in histories() {
        let counted = nest(&before).await;
        counted.life.limit(None);
        counted.apply(&after).await.unwrap();
        let points = counted.life.passed();
        assert!(points >= 6, "{name}: {points}");
        for point in 0..points {
            let nest = nest(&before).await;
            nest.life.limit(Some(point));
            let ended = nest.life.run(nest.apply(&after)).await;
            assert!(ended.is_none(), "{name}: alive after point {point}");
            nest.life.limit(None);
            nest.settle(&after).await;
        }
    }
}

#[tokio::test]
async fn killed_again_while_it_recovers_nothing_is_lost_either() {
    for (name, before, after) in histories() {
        let mut second_deaths = 0;
        for first in 0.. {
            let probe = nest(&before).await;
            probe.life.limit(Some(first));
            if probe.life.run(probe.apply(&after)).await.is_some() {
                break;
            }
            for second in (0..24).step_by(of(2, 6)) {
                let nest = nest(&before).await;
                nest.life.limit(Some(first));
                let ended = nest.life.run(nest.apply(&after)).await;
                assert!(ended.is_none(), "{name}: alive after point {first}");
                nest.life.limit(Some(second));
                let ended = nest.life.run(nest.apply(&after)).await;
                nest.life.limit(None);
                nest.settle(&after).await;
                if ended.is_some() {
                    break;
                }
                second_deaths += 1;
            }
        }
        assert!(second_deaths >= 4, "{name}: {second_deaths}");
    }
}

#[tokio::test]
async fn killed_at_every_point_and_the_nest_emptied_meanwhile() {
    for (name, before, after) in histories() {
        for point in 0.. {
            let nest = nest(&before).await;
            nest.life.limit(Some(point));
            let ended = nest.life.run(nest.apply(&after)).await;
            nest.life.limit(None);
            nest.settle(&all([])).await;
            assert_eq!(nest.world.inner().objects.len(), 0, "{name}, point {point}");
            if ended.is_some() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn whatever_is_lost_of_a_mutation_the_next_run_sets_all_right() {
    for (name, before, after) in histories() {
        for fault in [Fault::LoseBefore, Fault::LoseAfter, Fault::Refuse] {
            for number in 0..64 {
                let nest = nest(&before).await;
                let sent = nest.world.inner().sent;
                nest.world.inner().faults.insert(sent + number, fault);
                let (_, applied) = nest.apply(&after).await.unwrap();
                if nest.world.inner().sent <= sent + number {
                    assert!(number > 1 || name == "move", "{name}: nothing was hit");
                    break;
                }
                assert_eq!(applied.failed.len(), 1, "{name}: {fault:?} of {number}");
                assert_eq!(applied.open.len(), usize::from(fault != Fault::Refuse));
                applied.state.verify().unwrap();
                nest.settle(&after).await;
            }
        }
    }
}

#[tokio::test]
async fn a_disk_that_fails_stops_the_run_and_nothing_is_lost() {
    for (name, before, after) in histories() {
        for writes in 0.. {
            let nest = nest(&before).await;
            nest.disk.good_writes(Some(writes));
            let outcome = nest.apply(&after).await;
            nest.disk.good_writes(None);
            nest.settle(&after).await;
            match outcome {
                Ok(_) => {
                    assert!(writes > 1, "{name}");
                    break;
                }
                Err(error) => assert!(matches!(error, RunError::Store(_)), "{name}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn after_a_write_that_failed_nothing_is_sent_even_if_the_next_would_go_well() {
    let nest = Nest::new();
    nest.disk.fail_once();
    let outcome = nest
        .apply(&all(egg("app", 1).into_iter().chain(egg("lint", 1))))
        .await;
    assert!(matches!(outcome, Err(RunError::Store(_))));
    assert_eq!(nest.world.take_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn an_open_operation_of_a_provider_that_is_gone_stays_open_and_says_so() {
    let mut nest = Nest::new();
    nest.world.inner().faults.insert(0, Fault::LoseAfter);
    let wanted = all(egg("app", 0));
    assert_eq!(nest.apply(&wanted).await.unwrap().1.open.len(), 1);
    let world = nest.providers.remove("world").unwrap();
    let (plan, _) = nest.apply(&all([])).await.unwrap();
    let heard = plan.open[0].heard.as_deref();
    assert_eq!(heard, Some("the Nest no longer has its provider `world`"));
    nest.providers.insert("world".into(), world);
    nest.settle(&wanted).await;
}
