//! An operation that nobody can settle holds up its own resource and what needs it, and nothing else.

use gosling_engine::journal::{self, Record};
use gosling_engine::{Applied, CallError, Plan, PlanError, PlanOptions, State, StillOpen, recover};
use gosling_resource::{Resource, Resources};

use crate::nest::{Nest, actions, address, all, egg, machine, token};
use crate::world::Fault;

/// Lets a mutation to come be lost in this way, applies this, and lets the world be silent about its resource
/// from then on.
async fn left_open(nest: &Nest, wanted: &Resources, nth: usize, fault: Fault, at: &str) -> Applied {
    let number = nest.world.inner().sent + nth;
    nest.world.inner().faults.insert(number, fault);
    let (_, applied) = nest.apply(wanted).await.unwrap();
    let open: Vec<String> = applied.open.iter().map(|open| open.address.to_string()).collect();
    assert_eq!(open, [at]);
    nest.world.inner().away.insert(at.to_owned());
    nest.world.take_calls();
    applied
}

/// The state as it is saved, and the names and addresses of what is open.
fn saved(nest: &Nest) -> (State, Vec<(String, String)>) {
    let (state, open) = recover::read("lab", &nest.disk.snapshot()).unwrap();
    let open = open.iter().map(|entry| {
        let operation = &entry.operation;
        (operation.op.clone(), operation.address.to_string())
    });
    (state, open.collect())
}

/// The world speaks again: the next apply sets all right.
async fn settles(nest: &Nest, wanted: &Resources) {
    nest.world.inner().away.clear();
    nest.settle(wanted).await;
}

fn left_out(plan: &Plan) -> Vec<(String, String)> {
    let out = plan.changes.iter().filter_map(|change| {
        let because = change.left_out.as_ref()?;
        Some((change.address.to_string(), because.to_string()))
    });
    out.collect()
}

fn two(one: &str, other: &str) -> Vec<Resource> {
    egg(one, 1).into_iter().chain(egg(other, 1)).collect()
}

fn pairs<const N: usize>(texts: [(&str, &str); N]) -> Vec<(String, String)> {
    texts
        .map(|(one, other)| (one.to_owned(), other.to_owned()))
        .to_vec()
}

#[tokio::test]
async fn an_open_create_holds_up_what_needs_it_and_the_rest_goes_on() {
    let nest = Nest::new();
    left_open(&nest, &all(egg("app", 1)), 0, Fault::LoseAfter, "egg.app.runner").await;
    let (_, before) = saved(&nest);
    let wanted = all(two("app", "lint"));
    let (plan, applied) = nest.apply(&wanted).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["create egg.lint.runner", "create egg.lint.vm[0]"]
    );
    assert_eq!(
        left_out(&plan),
        pairs([
            ("egg.app.runner", "egg.app.runner"),
            ("egg.app.vm[0]", "egg.app.runner")
        ])
    );
    assert_eq!((applied.done.len(), applied.failed.len()), (2, 0));
    assert_eq!(plan.open[0].heard.as_deref(), Some("the node cannot be reached"));
    let (state, open) = saved(&nest);
    assert_eq!(open, before);
    assert!(state.under_way);
    assert_eq!(state.resources.len(), 2);
    settles(&nest, &wanted).await;
}

#[tokio::test]
async fn what_stays_open_costs_no_serial_and_no_room() {
    let nest = Nest::new();
    left_open(&nest, &all(egg("app", 1)), 0, Fault::LoseAfter, "egg.app.runner").await;
    let wanted = all(two("app", "lint"));
    nest.apply(&wanted).await.unwrap();
    nest.apply(&wanted).await.unwrap();
    let (state, _) = saved(&nest);
    let snapshot = nest.disk.snapshot();
    let (records, _) = journal::records(&snapshot.journal).unwrap();
    assert!(
        matches!(&records[..], [Record::Intent { .. }, Record::Unknown { .. }]),
        "{records:?}"
    );
    for _ in 0..3 {
        let (plan, applied) = nest.apply(&wanted).await.unwrap();
        assert!(plan.does_nothing() && !plan.is_empty());
        assert_eq!(applied.state.serial, state.serial);
    }
    assert_eq!(nest.disk.snapshot(), snapshot);
    // A plan that was made meanwhile is good for as long as nothing becomes of what is open.
    let mut more = two("app", "lint");
    more.extend(egg("web", 0));
    let more = all(more);
    let plan = nest.plan(&more, &PlanOptions::default()).await.unwrap();
    let (_, applied) = nest
        .run(&more, &PlanOptions::default(), Some(plan))
        .await
        .unwrap();
    assert_eq!((applied.done.len(), applied.failed.len()), (1, 0));
    settles(&nest, &more).await;
}

#[tokio::test]
async fn what_an_open_create_has_reserved_is_given_to_nobody_else() {
    for fault in [Fault::LoseBefore, Fault::LoseAfter] {
        let nest = Nest::new();
        left_open(&nest, &all(egg("app", 1)), 1, fault, "egg.app.vm[0]").await;
        let wanted = all(two("app", "lint"));
        let (plan, applied) = nest.apply(&wanted).await.unwrap();
        assert_eq!(
            actions(&plan),
            ["create egg.lint.runner", "create egg.lint.vm[0]"]
        );
        assert_eq!(applied.state.resources[&address("egg.lint.vm[0]")].id, "101");
        nest.world.inner().away.clear();
        nest.settle(&wanted).await;
        let (state, _) = saved(&nest);
        assert_eq!(state.resources[&address("egg.app.vm[0]")].id, "100");
    }
}

#[tokio::test]
async fn the_name_of_an_open_create_is_given_to_nobody_else() {
    let named = |egg: &str| {
        let mut vm = machine(egg, 0, "a", "debian", 8);
        vm.properties.insert("name".into(), "lab-0".into());
        [token(egg, "one", "project"), vm]
    };
    let nest = Nest::new();
    left_open(&nest, &all(named("app")), 1, Fault::LoseAfter, "egg.app.vm[0]").await;
    let (plan, _) = nest.apply(&all(named("web"))).await.unwrap();
    assert_eq!(actions(&plan), ["create egg.web.runner"]);
    assert_eq!(
        left_out(&plan),
        pairs([
            ("egg.app.runner", "egg.app.vm[0]"),
            ("egg.web.vm[0]", "egg.app.vm[0]")
        ])
    );
    settles(&nest, &all(named("web"))).await;
}

#[tokio::test]
async fn destroy_leaves_an_open_create_and_what_it_needs_and_deletes_the_rest() {
    let nest = Nest::new();
    nest.settle(&all(egg("lint", 1))).await;
    left_open(
        &nest,
        &all(two("app", "lint")),
        1,
        Fault::LoseAfter,
        "egg.app.vm[0]",
    )
    .await;
    let (plan, applied) = nest.apply(&all([])).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["delete egg.lint.runner", "delete egg.lint.vm[0]"]
    );
    assert_eq!(left_out(&plan), pairs([("egg.app.runner", "egg.app.vm[0]")]));
    assert_eq!(applied.failed.len(), 0);
    settles(&nest, &all([])).await;
    assert_eq!(nest.world.inner().objects.len(), 0);
}

#[tokio::test]
async fn an_open_update_and_an_open_delete_leave_their_resource_as_it_is() {
    let nest = Nest::new();
    nest.settle(&all(two("app", "lint"))).await;
    let changed = |lint: &str| {
        let mut wanted = vec![
            token("app", "one", "project"),
            machine("app", 0, "b", "debian", 8),
            token("lint", lint, "project"),
        ];
        wanted.push(machine("lint", 0, "a", "debian", 8));
        all(wanted)
    };
    left_open(&nest, &changed("one"), 0, Fault::LoseBefore, "egg.app.vm[0]").await;
    let (plan, applied) = nest.apply(&changed("two")).await.unwrap();
    assert_eq!(actions(&plan), ["update egg.lint.runner"]);
    assert_eq!(applied.failed.len(), 0);
    // Neither is it deleted meanwhile, nor what it needs.
    let (plan, _) = nest.apply(&all(egg("lint", 0))).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["update egg.lint.runner", "delete egg.lint.vm[0]"]
    );
    nest.world.inner().away.clear();
    nest.settle(&all(egg("app", 1))).await;

    left_open(&nest, &all(egg("app", 0)), 0, Fault::LoseBefore, "egg.app.vm[0]").await;
    let (plan, _) = nest.apply(&all(egg("web", 0))).await.unwrap();
    assert_eq!(actions(&plan), ["create egg.web.runner"]);
    settles(&nest, &all(egg("web", 0))).await;
}

#[tokio::test]
async fn a_target_that_needs_nothing_open_is_applied() {
    let nest = Nest::new();
    left_open(&nest, &all(egg("app", 1)), 1, Fault::LoseAfter, "egg.app.vm[0]").await;
    let wanted = all(two("app", "lint"));
    let only = |target: &str| PlanOptions {
        targets: vec![target.to_owned()],
        ..PlanOptions::default()
    };
    let (plan, _) = nest.run(&wanted, &only("egg.app.vm[0]"), None).await.unwrap();
    assert_eq!(actions(&plan), Vec::<String>::new());
    let (plan, applied) = nest.run(&wanted, &only("egg.lint.runner"), None).await.unwrap();
    assert_eq!(actions(&plan), ["create egg.lint.runner"]);
    assert_eq!(applied.done.len(), 1);
    settles(&nest, &wanted).await;
}

#[tokio::test]
async fn a_rename_waits_for_what_is_open_on_its_resources() {
    for (nth, at) in [(0, "egg.app.runner"), (1, "egg.app.vm[0]")] {
        for fault in [Fault::LoseBefore, Fault::LoseAfter] {
            let nest = Nest::new();
            nest.settle(&all(egg("app", 2))).await;
            let changed = all([
                token("app", "two", "project"),
                machine("app", 0, "b", "debian", 8),
                machine("app", 1, "a", "debian", 8),
            ]);
            let mut nest = nest;
            nest.parallelism = 1;
            left_open(&nest, &changed, nth, fault, at).await;
            let mut renamed = all(egg("web", 2).into_iter().chain(egg("lint", 0)));
            renamed.moved.push(("egg.app".into(), "egg.web".into()));
            let (plan, applied) = nest.apply(&renamed).await.unwrap();
            assert_eq!(actions(&plan), ["create egg.lint.runner"], "{at}");
            assert_eq!(applied.failed.len(), 0);
            settles(&nest, &renamed).await;
        }
    }
}

#[tokio::test]
async fn a_create_that_is_open_is_not_made_again_under_a_new_name() {
    let nest = Nest::new();
    left_open(&nest, &all(egg("app", 1)), 1, Fault::LoseAfter, "egg.app.vm[0]").await;
    let mut renamed = all(egg("web", 1));
    renamed.moved.push(("egg.app".into(), "egg.web".into()));
    let (plan, _) = nest.apply(&renamed).await.unwrap();
    assert_eq!(actions(&plan), Vec::<String>::new());
    settles(&nest, &renamed).await;
}

#[tokio::test]
async fn a_plan_of_before_is_refused_and_what_it_does_to_an_open_resource_is_not_begun() {
    let nest = Nest::new();
    let wanted = all(egg("app", 0));
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    left_open(&nest, &wanted, 0, Fault::LoseAfter, "egg.app.runner").await;
    let (state, entries) = recover::read("lab", &nest.disk.snapshot()).unwrap();
    let accounts = nest.accounts();
    let bound = gosling_engine::Bound {
        tool: "1.2.3",
        state: &state,
        nest_digest: "nest",
        variables_digest: "variables",
        accounts: &accounts,
        open: &entries,
    };
    let mut of_now = plan.clone();
    (of_now.lineage, of_now.serial) = (state.lineage.clone(), state.serial);
    of_now.state_digest = state.digest();
    let refused = of_now.check(&bound).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a run left a create of egg.app.runner open since the plan was made: plan again"
    );
    assert!(matches!(refused, PlanError::OtherOpen(_)));
    of_now.open = recover::shown(&entries);
    assert_eq!(of_now.check(&bound), Ok(()));
    // The last line of defence: whatever the plan says, no second operation is begun.
    let (_, applied) = nest
        .run(&wanted, &PlanOptions::default(), Some(of_now))
        .await
        .unwrap();
    assert!(
        matches!(&applied.failed[..], [(_, _, CallError::Failed { message, .. })]
            if message == "an earlier run's operation on egg.app.runner has not ended"),
        "{:?}",
        applied.failed
    );
    assert_eq!(nest.world.take_calls(), Vec::<String>::new());
    settles(&nest, &wanted).await;
}

#[tokio::test]
async fn going_back_leaves_out_what_is_open() {
    let nest = Nest::new();
    nest.settle(&all(egg("lint", 0))).await;
    let (goal, _) = saved(&nest);
    let wanted = all(two("app", "lint"));
    left_open(&nest, &wanted, 1, Fault::LoseAfter, "egg.lint.vm[0]").await;
    let applied = nest.roll_back(&goal).await.unwrap();
    assert_eq!(applied.failed.len(), 0);
    let (state, open) = saved(&nest);
    let have: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
    assert_eq!((have, open.len()), (vec!["egg.lint.runner".to_owned()], 1));
    settles(&nest, &all(egg("lint", 0))).await;
}

#[tokio::test]
async fn what_to_do_about_an_open_operation_is_said() {
    let nest = Nest::new();
    left_open(&nest, &all(egg("app", 0)), 0, Fault::LoseAfter, "egg.app.runner").await;
    let (_, entries) = recover::read("lab", &nest.disk.snapshot()).unwrap();
    let still = StillOpen {
        entry: entries[0].clone(),
        help: Some("start pve2".into()),
    };
    assert_eq!(
        still.to_string(),
        "the outcome of an earlier create of egg.app.runner is still unknown: the answer was lost"
    );
}
