//! How the machines of a pool are taken down, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use gosling_engine::{CallError, Fleet, State, Work};
use gosling_resource::{Address, Resource, Rollout, Unavailable, Value};

use crate::nest::{Nest, Told, address, all, machine, token};

/// Tells what the machines do, and writes down for which of them somebody waits.
struct Watcher {
    told: Arc<Told>,
    work: BTreeMap<Address, Work>,
    silent: BTreeSet<Address>,
}

#[async_trait]
impl Fleet for Watcher {
    async fn work(&self, machines: &[Address], _: &State) -> BTreeMap<Address, Work> {
        let known = machines
            .iter()
            .filter_map(|machine| self.work.get_key_value(machine));
        known.map(|(machine, work)| (machine.clone(), *work)).collect()
    }

    async fn online(&self, machine: &Address, state: &State) -> Result<(), CallError> {
        assert!(
            state.resources.contains_key(machine),
            "{machine} is in the state by then"
        );
        if self.silent.contains(machine) {
            return Err(CallError::failed("it is silent"));
        }
        self.told.0.lock().unwrap().push(format!("online {machine}"));
        Ok(())
    }
}

fn watched(work: &[(&str, Work)], silent: &[&str]) -> Nest {
    let mut nest = Nest::new();
    nest.fleet = Box::new(Watcher {
        told: Arc::clone(&nest.told),
        work: work
            .iter()
            .map(|(machine, work)| (address(machine), *work))
            .collect(),
        silent: silent.iter().map(|machine| address(machine)).collect(),
    });
    nest
}

const ONE: Rollout = Rollout {
    max_unavailable: Unavailable::Machines(1),
    drain_timeout: 3600,
    create_before_delete: false,
};

/// An egg whose machines have this attribute.
fn pool(egg: &str, machines: usize, rollout: Rollout, attribute: (&str, Value)) -> Vec<Resource> {
    let vms = (0..machines).map(|number| {
        let mut vm = machine(egg, number, "a", "debian", 8);
        vm.rollout = Some(rollout);
        vm.properties.insert(attribute.0.into(), attribute.1.clone());
        vm
    });
    std::iter::once(token(egg, "one", "project")).chain(vms).collect()
}

/// What happened, since the last time that somebody asked.
fn happened(nest: &Nest) -> Vec<String> {
    std::mem::take(&mut *nest.told.0.lock().unwrap())
}

/// Brings the pool up and then to what it is to be, and says what happened on the way.
async fn change(nest: &Nest, before: Vec<Resource>, after: Vec<Resource>) -> Vec<String> {
    nest.settle(&all(before)).await;
    happened(nest);
    nest.apply(&all(after)).await.unwrap();
    happened(nest)
}

#[tokio::test]
async fn a_machine_is_replaced_only_once_the_one_before_is_online() {
    let nest = watched(&[], &[]);
    let before = pool("app", 3, ONE, ("image", "old".into()));
    let after = pool("app", 3, ONE, ("image", "new".into()));
    assert_eq!(
        change(&nest, before, after).await,
        [
            "delete egg.app.vm[0]",
            "create egg.app.vm[0]",
            "online egg.app.vm[0]",
            "delete egg.app.vm[1]",
            "create egg.app.vm[1]",
            "online egg.app.vm[1]",
            "delete egg.app.vm[2]",
            "create egg.app.vm[2]",
        ]
    );
}

#[tokio::test]
async fn no_more_machines_are_out_of_service_than_the_pool_allows() {
    for (allowed, most) in [(Unavailable::Machines(2), 2), (Unavailable::Percent(50), 4)] {
        let rollout = Rollout {
            max_unavailable: allowed,
            ..ONE
        };
        for attribute in ["image", "memory"] {
            let mut nest = watched(&[], &[]);
            nest.parallelism = 20;
            let before = pool("app", 8, rollout, (attribute, "1".into()));
            let after = pool("app", 8, rollout, (attribute, "2".into()));
            let (mut down, mut peak) = (BTreeSet::new(), 0);
            for line in change(&nest, before, after).await {
                let (verb, machine) = line.split_once(' ').unwrap();
                match verb {
                    "delete" | "update" => down.insert(machine.to_owned()),
                    "online" => down.remove(machine),
                    _ => false,
                };
                peak = peak.max(down.len());
            }
            assert_eq!(peak, most, "{attribute} {allowed:?}");
        }
    }
}

#[tokio::test]
async fn after_a_machine_that_does_not_come_back_no_other_is_taken_down_for_the_same() {
    let nest = watched(&[], &["egg.app.vm[0]"]);
    let both = |image: &str| {
        let eggs = ["app", "web"].into_iter();
        let mut all: Vec<_> = eggs
            .flat_map(|egg| pool(egg, 2, ONE, ("image", image.into())))
            .collect();
        // Another change of another machine has nothing to do with it.
        all.extend(pool("lint", 1, ONE, ("memory", image.into())));
        all
    };
    nest.settle(&all(both("old"))).await;
    happened(&nest);
    let (_, applied) = nest.apply(&all(both("new"))).await.unwrap();
    let failed: Vec<_> = applied
        .failed
        .iter()
        .map(|(address, _, error)| (address.to_string(), error.to_string()))
        .collect();
    assert_eq!(failed, [("egg.app.vm[0]".to_owned(), "it is silent".to_owned())]);
    let lines = happened(&nest);
    assert!(!lines.contains(&"delete egg.app.vm[1]".to_owned()), "{lines:#?}");
    assert!(
        lines.contains(&"skip egg.app.vm[1] for egg.app.vm[0]".to_owned()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"update egg.lint.vm[0]".to_owned()), "{lines:#?}");
    // The next run goes on where this one ended.
    let (plan, _) = nest.apply(&all(both("new"))).await.unwrap();
    assert!(
        plan.counts().replace > 0 && plan.counts().create == 0,
        "{:?}",
        plan.counts()
    );
}

#[tokio::test]
async fn machines_whose_runner_record_is_replaced_go_all_at_once() {
    let nest = watched(&[], &[]);
    let before = pool("app", 2, ONE, ("image", "debian".into()));
    let mut after = before.clone();
    after[0] = token("app", "one", "group");
    let mut lines = change(&nest, before, after).await;
    lines.retain(|line| !line.starts_with("online"));
    // They are independent of each other.
    lines[4..].sort_unstable();
    assert_eq!(
        lines,
        [
            "delete egg.app.vm[0]",
            "delete egg.app.vm[1]",
            "delete egg.app.runner",
            "create egg.app.runner",
            "create egg.app.vm[0]",
            "create egg.app.vm[1]",
        ]
    );
}

#[tokio::test]
async fn a_change_of_the_network_goes_to_one_machine_first_in_the_whole_nest() {
    let both = |bridge: &str| -> Vec<Resource> {
        let two = Rollout {
            max_unavailable: Unavailable::Machines(2),
            ..ONE
        };
        let eggs = ["app", "web"].into_iter();
        eggs.flat_map(|egg| pool(egg, 2, two, ("bridge", bridge.into())))
            .collect()
    };
    let nest = watched(&[], &[]);
    let lines = change(&nest, both("vmbr0"), both("vmbr1")).await;
    assert_eq!(lines[..2], ["update egg.app.vm[0]", "online egg.app.vm[0]"]);
    assert_eq!(lines.iter().filter(|line| line.starts_with("update")).count(), 4);

    let nest = watched(&[], &["egg.app.vm[0]"]);
    let lines = change(&nest, both("vmbr0"), both("vmbr9")).await;
    let updates: Vec<_> = lines.iter().filter(|line| line.starts_with("update")).collect();
    assert_eq!(updates, ["update egg.app.vm[0]"], "the others keep their network");
}

#[tokio::test]
async fn machines_without_work_go_first() {
    let work = [
        ("egg.app.vm[0]", Work::Busy),
        ("egg.app.vm[1]", Work::Idle),
        ("egg.app.vm[2]", Work::Dead),
    ];
    let nest = watched(&work, &[]);
    let before = pool("app", 3, ONE, ("image", "old".into()));
    let after = pool("app", 3, ONE, ("image", "new".into()));
    let mut lines = change(&nest, before, after).await;
    lines.retain(|line| line.starts_with("delete"));
    assert_eq!(
        lines,
        [
            "delete egg.app.vm[2]",
            "delete egg.app.vm[1]",
            "delete egg.app.vm[0]"
        ]
    );
    let mut nest = watched(&work, &[]);
    nest.parallelism = 1;
    let lines = change(&nest, pool("app", 3, ONE, ("image", "old".into())), Vec::new()).await;
    assert_eq!(
        lines[..3],
        [
            "delete egg.app.vm[2]",
            "delete egg.app.vm[1]",
            "delete egg.app.vm[0]"
        ]
    );
}

const BEFORE_DELETE: Rollout = Rollout {
    create_before_delete: true,
    ..ONE
};

#[tokio::test]
async fn a_new_machine_can_be_online_before_the_old_one_is_deleted() {
    let nest = watched(&[], &[]);
    let before = pool("app", 2, BEFORE_DELETE, ("image", "old".into()));
    let after = pool("app", 2, BEFORE_DELETE, ("image", "new".into()));
    assert_eq!(
        change(&nest, before, after.clone()).await,
        [
            "create egg.app.vm[0]",
            "online egg.app.vm[0]",
            "delete egg.app.vm_before[0]",
            "create egg.app.vm[1]",
            "online egg.app.vm[1]",
            "delete egg.app.vm_before[1]",
        ]
    );
    let (plan, _) = nest.apply(&all(after)).await.unwrap();
    assert!(plan.is_empty());
}

#[tokio::test]
async fn an_old_machine_stays_where_its_successor_is_silent_and_goes_in_a_later_run() {
    let mut nest = watched(&[], &["egg.app.vm[0]"]);
    let before = pool("app", 1, BEFORE_DELETE, ("image", "old".into()));
    let after = pool("app", 1, BEFORE_DELETE, ("image", "new".into()));
    assert_eq!(
        change(&nest, before, after.clone()).await,
        [
            "create egg.app.vm[0]",
            "skip egg.app.vm_before[0] for egg.app.vm[0]",
        ]
    );
    assert_eq!(
        nest.world.inner().objects.len(),
        3,
        "the record and both machines"
    );
    nest.fleet = Box::new(gosling_engine::Unwatched);
    nest.apply(&all(after.clone())).await.unwrap();
    assert_eq!(happened(&nest), ["delete egg.app.vm_before[0]"]);
    let (plan, _) = nest.apply(&all(after)).await.unwrap();
    assert!(plan.is_empty());
}

#[tokio::test]
async fn a_new_machine_cannot_come_first_where_its_runner_record_is_replaced() {
    let nest = watched(&[], &[]);
    let before = pool("app", 1, BEFORE_DELETE, ("image", "debian".into()));
    let mut after = before.clone();
    after[0] = token("app", "one", "group");
    let lines = change(&nest, before, after).await;
    assert_eq!(
        lines,
        [
            "delete egg.app.vm_before[0]",
            "delete egg.app.runner",
            "create egg.app.runner",
            "create egg.app.vm[0]",
        ]
    );
}

#[tokio::test]
async fn settings_of_a_pool_are_known_without_touching_its_machines() {
    let nest = watched(&[], &[]);
    let before = pool("app", 1, ONE, ("image", "debian".into()));
    nest.settle(&all(before)).await;
    happened(&nest);
    let later = Rollout {
        drain_timeout: 60,
        ..ONE
    };
    let after = pool("app", 1, later, ("image", "debian".into()));
    let (plan, applied) = nest.apply(&all(after)).await.unwrap();
    assert!(plan.is_empty() && happened(&nest).is_empty());
    assert_eq!(
        applied.state.resources[&address("egg.app.vm[0]")].rollout,
        Some(later)
    );
}

#[tokio::test]
async fn a_plan_says_what_it_does_to_each_pool() {
    let nest = watched(&[], &[]);
    let mut before = pool("app", 4, ONE, ("image", "old".into()));
    before.extend(pool("web", 3, ONE, ("memory", "1".into())));
    nest.settle(&all(before)).await;
    let quarter = Rollout {
        max_unavailable: Unavailable::Percent(50),
        ..ONE
    };
    let mut after = pool("app", 4, quarter, ("image", "new".into()));
    after.extend(pool("web", 2, ONE, ("memory", "2".into())));
    let plan = nest
        .plan(&all(after), &gosling_engine::PlanOptions::default())
        .await
        .unwrap();
    let told: Vec<_> = plan
        .rollouts()
        .into_iter()
        .map(|pool| {
            (
                pool.block,
                pool.replaced.len(),
                pool.restarted.len(),
                pool.deleted.len(),
                pool.at_once,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("egg.app".to_owned(), 4, 0, 0, 2),
            ("egg.web".to_owned(), 0, 2, 1, 1)
        ]
    );
}
