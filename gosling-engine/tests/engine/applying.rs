//! What apply does, and what it leaves alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use gosling_engine::{PlanOptions, Stop, recover};
use gosling_resource::Value;

use crate::nest::{Nest, actions, address, all, egg, machine, token};
use crate::world::Fault;

#[tokio::test]
async fn the_second_apply_does_nothing() {
    let nest = Nest::new();
    let wanted = all(egg("app", 2));
    nest.settle(&wanted).await;
    assert_eq!(nest.world.take_calls().len(), 3);
    let (saves, sent) = (nest.disk.saves(), nest.world.inner().sent);
    let (plan, applied) = nest.apply(&wanted).await.unwrap();
    assert!(plan.is_empty());
    assert_eq!((nest.disk.saves(), nest.world.inner().sent), (saves, sent));
    assert_eq!((applied.done.len(), applied.state.serial), (0, plan.serial));
}

#[tokio::test]
async fn only_what_changed_is_touched() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2).into_iter().chain(egg("lint", 1))))
        .await;
    nest.world.take_calls();
    let mut resources = egg("app", 2);
    resources[2] = machine("app", 1, "b", "debian", 8);
    nest.settle(&all(resources.into_iter().chain(egg("lint", 1))))
        .await;
    assert_eq!(nest.world.take_calls(), ["update egg.app.vm[1]"]);
}

#[tokio::test]
async fn what_is_needed_is_made_first_and_goes_last() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2))).await;
    assert_eq!(nest.world.take_calls()[0], "create egg.app.runner");
    let id = nest.world.inner().objects["100"].properties["token"].clone();
    assert_eq!(id, Value::from("t1"));
    nest.settle(&all([])).await;
    let calls = nest.world.take_calls();
    assert_eq!((calls.len(), calls[2].as_str()), (3, "delete egg.app.runner"));
}

#[tokio::test]
async fn a_replacement_takes_with_it_what_is_built_on_it() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    nest.world.take_calls();
    nest.settle(&all([
        token("app", "one", "group"),
        machine("app", 0, "a", "debian", 8),
    ]))
    .await;
    assert_eq!(
        nest.world.take_calls(),
        [
            "delete egg.app.vm[0]",
            "delete egg.app.runner",
            "create egg.app.runner",
            "create egg.app.vm[0]"
        ]
    );
}

#[tokio::test]
async fn what_is_no_longer_needed_goes_after_those_who_leave_it() {
    // The machine lived on the runner of `z`; from now on it needs none.
    let nest = Nest::new();
    let mut vm = machine("app", 0, "a", "debian", 8);
    vm.properties.remove("token");
    let mut before = vm.clone();
    before.depends_on.insert(address("egg.a.runner"));
    nest.settle(&all([token("a", "one", "project"), before])).await;
    nest.world.take_calls();
    vm.properties.insert("tags".into(), "b".into());
    nest.settle(&all([vm])).await;
    assert_eq!(
        nest.world.take_calls(),
        ["update egg.app.vm[0]", "delete egg.a.runner"]
    );
}

#[tokio::test]
async fn a_turned_dependency_leaves_a_state_that_holds_together() {
    let nest = Nest::new();
    let (a, b) = ("egg.a.runner", "egg.b.runner");
    let mut first = token("a", "one", "project");
    first.depends_on.insert(address(b));
    nest.settle(&all([first, token("b", "one", "project")])).await;
    let mut second = token("b", "two", "project");
    second.depends_on.insert(address(a));
    let wanted = all([token("a", "one", "project"), second]);
    let probe = |point| {
        nest.life.limit(point);
        nest.life.run(nest.apply(&wanted))
    };
    for point in 0..12 {
        probe(Some(point)).await;
    }
    nest.life.limit(None);
    nest.settle(&wanted).await;
}

#[tokio::test]
async fn a_rename_moves_and_replaces_nothing() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2))).await;
    nest.world.take_calls();
    let mut wanted = all(egg("web", 2));
    wanted.moved.push(("egg.app".into(), "egg.web".into()));
    let (plan, applied) = nest.apply(&wanted).await.unwrap();
    assert_eq!(plan.counts().moved, 3);
    // Only the token goes to its new place.
    assert_eq!(nest.world.take_calls(), ["update egg.web.runner"]);
    assert_eq!(applied.state.resources[&address("egg.web.vm[1]")].id, "101");
    let needs = &applied.state.resources[&address("egg.web.vm[1]")].depends_on;
    assert_eq!(needs.iter().collect::<Vec<_>>(), [&address("egg.web.runner")]);
    nest.settle(&wanted).await;
}

#[tokio::test]
async fn what_is_not_wanted_at_the_new_address_is_deleted_at_the_old_one() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2))).await;
    let mut wanted = all(egg("web", 1));
    wanted.moved.push(("egg.app".into(), "egg.web".into()));
    nest.settle(&wanted).await;
    assert_eq!(nest.world.inner().objects.len(), 2);
    let options = PlanOptions {
        destroy: true,
        ..PlanOptions::default()
    };
    let mut again = all(egg("site", 1));
    again.moved.push(("egg.web".into(), "egg.site".into()));
    nest.run(&again, &options, None).await.unwrap();
    assert_eq!(nest.world.inner().objects.len(), 0);
}

#[tokio::test]
async fn drift_is_shown_and_put_right() {
    let nest = Nest::new();
    let wanted = all(egg("app", 2));
    nest.settle(&wanted).await;
    nest.world.take_calls();
    {
        let mut inner = nest.world.inner();
        let vm = inner.objects.get_mut("100").unwrap();
        vm.properties.insert("tags".into(), "by hand".into());
        inner.objects.remove("101");
    }
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    let drift: Vec<(String, bool)> = plan
        .drift
        .iter()
        .map(|drift| (drift.address.to_string(), drift.gone))
        .collect();
    assert_eq!(
        drift,
        [("egg.app.vm[0]".into(), false), ("egg.app.vm[1]".into(), true)]
    );
    assert_eq!(actions(&plan), ["update egg.app.vm[0]", "create egg.app.vm[1]"]);
    nest.settle(&wanted).await;
    assert_eq!(nest.world.take_calls().len(), 2);
}

#[tokio::test]
async fn what_went_by_hand_and_is_not_wanted_leaves_the_state() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    nest.world.inner().objects.clear();
    nest.settle(&all([])).await;
}

#[tokio::test]
async fn a_number_that_came_back_does_not_stand_in_the_state_twice() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    // The machine goes by hand, its number is free, and its own successor cannot be made.
    nest.world.inner().objects.remove("100");
    nest.world.inner().refused.insert("egg.app.vm[0]".into());
    let wanted = || all(egg("app", 2));
    let (_, applied) = nest.apply(&wanted()).await.unwrap();
    assert_eq!(applied.failed.len(), 1);
    nest.judge(&applied.state).await;
    nest.world.inner().refused.clear();
    nest.settle(&wanted()).await;
}

#[tokio::test]
async fn what_changed_since_the_plan_stops_only_what_is_built_on_it() {
    let nest = Nest::new();
    let eggs = |tags| {
        [
            token("app", tags, "project"),
            machine("app", 0, tags, "debian", 8),
            token("lint", tags, "project"),
            machine("lint", 0, tags, "debian", 8),
        ]
    };
    nest.settle(&all(eggs("one"))).await;
    let wanted = all(eggs("two"));
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    nest.world.take_calls();
    let id = plan
        .changes
        .iter()
        .find(|change| change.address == address("egg.app.runner"))
        .unwrap()
        .id
        .clone()
        .unwrap();
    let by_hand = nest.world.inner().objects.get_mut(&id).map(|object| {
        object.properties.insert("description".into(), "by hand".into());
    });
    assert_eq!(by_hand, Some(()));
    let (_, applied) = nest
        .run(&wanted, &PlanOptions::default(), Some(plan))
        .await
        .unwrap();
    assert_eq!(
        nest.world.take_calls(),
        ["update egg.lint.runner", "update egg.lint.vm[0]"]
    );
    assert_eq!(
        applied.failed[0].2.to_string(),
        "egg.app.runner has changed since the plan was made: description"
    );
    assert_eq!(
        applied.skipped,
        [(address("egg.app.vm[0]"), "egg.app.runner".to_owned())]
    );
    nest.settle(&wanted).await;
}

#[tokio::test]
async fn a_failure_stops_only_what_needs_it() {
    let nest = Nest::new();
    nest.world.inner().refused.insert("egg.app.runner".into());
    let wanted = all(egg("app", 2).into_iter().chain(egg("lint", 1)));
    let (_, applied) = nest.apply(&wanted).await.unwrap();
    assert_eq!(
        (applied.done.len(), applied.failed.len(), applied.skipped.len()),
        (2, 1, 2)
    );
    assert_eq!((applied.interrupted, applied.open.len()), (false, 0));
    nest.world.inner().refused.clear();
    nest.settle(&wanted).await;
}

#[tokio::test]
async fn an_output_that_nobody_gives_is_said_before_anything_is_sent() {
    let nest = Nest::new();
    let mut vm = machine("app", 0, "a", "debian", 8);
    let of = address("egg.app.runner");
    vm.properties.insert("token".into(), Value::output(of, "colour"));
    let (_, applied) = nest
        .apply(&all([token("app", "one", "project"), vm]))
        .await
        .unwrap();
    assert_eq!(nest.world.take_calls(), ["create egg.app.runner"]);
    assert_eq!(
        applied.failed[0].2.to_string(),
        "egg.app.vm[0] needs `colour` of egg.app.runner, which has none"
    );
}

#[tokio::test]
async fn so_many_at_once_and_no_more() {
    for parallelism in [1, 3, 10] {
        let mut nest = Nest::new();
        nest.parallelism = parallelism;
        nest.settle(&all((0..8).flat_map(|n| egg(&format!("e{n}"), 2))))
            .await;
        assert_eq!(nest.world.inner().most_in_flight, parallelism);
    }
}

#[tokio::test]
async fn a_first_stop_lets_what_is_in_flight_end_and_starts_nothing_new() {
    let nest = Nest::new();
    let wanted = all(egg("app", 4));
    nest.world.held.send_replace(true);
    let stopping = async {
        while nest.world.inner().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        nest.stop.send_replace(Stop::Soon);
        tokio::task::yield_now().await;
        nest.world.held.send_replace(false);
    };
    let (outcome, ()) = tokio::join!(nest.apply(&wanted), stopping);
    let (_, applied) = outcome.unwrap();
    assert_eq!(
        (applied.done.len(), applied.interrupted, applied.open.len()),
        (1, true, 0)
    );
    assert_eq!(nest.world.take_calls(), ["create egg.app.runner"]);
    nest.judge(&applied.state).await;
    assert_eq!(nest.disk.snapshot().journal, b"");
    nest.stop.send_replace(Stop::No);
    nest.settle(&wanted).await;
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_grace_stays_open_and_so_does_all_after_a_second_stop() {
    for second in [false, true] {
        let nest = Nest::new();
        let wanted = all(egg("app", 1).into_iter().chain(egg("lint", 1)));
        nest.world.held.send_replace(true);
        let waits = AtomicUsize::new(0);
        let stopping = async {
            while nest.world.inner().in_flight < 2 {
                waits.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            nest.stop.send_replace(Stop::Soon);
            if second {
                tokio::task::yield_now().await;
                nest.stop.send_replace(Stop::Now);
            }
        };
        let began = tokio::time::Instant::now();
        let (outcome, ()) = tokio::join!(nest.apply(&wanted), stopping);
        let (_, applied) = outcome.unwrap();
        assert_eq!(began.elapsed().as_secs(), if second { 0 } else { 25 });
        assert_eq!(
            (applied.done.len(), applied.interrupted, applied.open.len()),
            (0, true, 2)
        );
        let (_, open) = recover::read("lab", &nest.disk.snapshot()).unwrap();
        assert_eq!(open.len(), 2);
        nest.stop.send_replace(Stop::No);
        nest.world.held.send_replace(false);
        nest.settle(&wanted).await;
    }
}

#[tokio::test]
async fn a_person_may_stop_the_settling_too() {
    let nest = Nest::new();
    nest.world.inner().faults.insert(0, Fault::LoseAfter);
    let wanted = all(egg("app", 1));
    nest.apply(&wanted).await.unwrap();
    nest.world.held.send_replace(true);
    let stopping = async {
        while nest.world.inner().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        nest.stop.send_replace(Stop::Now);
    };
    let (outcome, ()) = tokio::join!(nest.apply(&wanted), stopping);
    assert!(matches!(outcome, Err(gosling_engine::RunError::Stopped)));
    nest.stop.send_replace(Stop::No);
    nest.world.held.send_replace(false);
    nest.settle(&wanted).await;
}
