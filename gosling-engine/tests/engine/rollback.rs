//! The way back to an earlier state.

use std::collections::BTreeMap;

use gosling_engine::rollback::{self, Why};
use gosling_engine::store::Store;
use gosling_engine::{Action, Held, Plan, PlanOptions, State, recover};
use gosling_resource::{Properties, Value};

use crate::nest::{Nest, actions, address, all, egg, machine, token};

impl Nest {
    /// All states that are kept, the present one first.
    async fn states(&self) -> Vec<State> {
        let (present, _) = recover::read("lab", &self.disk.snapshot()).unwrap();
        let mut states = vec![present];
        let history = self.disk.history().await.unwrap();
        states.extend(history.iter().map(|bytes| State::from_bytes(bytes).unwrap()));
        states
    }

    fn present(&self) -> State {
        recover::read("lab", &self.disk.snapshot()).unwrap().0
    }

    async fn plan_back(&self, goal: &State) -> (Plan, Vec<Why>) {
        let present = self.present();
        let back = rollback::back(goal, &present, &BTreeMap::new());
        let options = PlanOptions::default();
        let plan = self
            .plan_from(&back.wanted, &options, &present, &[])
            .await
            .unwrap();
        let kind = |name: &str| gosling_engine::run::kind_of(&self.providers, name);
        let mut limits = back.limits;
        limits.extend(rollback::limits(goal, &plan.changes, kind));
        (plan, limits.into_iter().map(|limit| limit.why).collect())
    }

    /// Goes back, and all is as it was then.
    async fn go_back(&self, goal: &State) -> Vec<Why> {
        let (plan, limits) = self.plan_back(goal).await;
        let (_, applied) = self
            .run(&all([]), &PlanOptions::default(), Some(plan))
            .await
            .unwrap();
        assert_eq!((&applied.failed, &applied.skipped), (&vec![], &vec![]));
        let (again, _) = self.plan_back(goal).await;
        assert_eq!(actions(&again), Vec::<String>::new(), "after it went back");
        limits
    }
}

fn like(state: &State) -> BTreeMap<String, Properties> {
    let mut all = BTreeMap::new();
    for (address, held) in &state.resources {
        let mut properties = held.properties.clone();
        // The runner's number is another one where the runner was made anew.
        properties.remove("token");
        all.insert(address.to_string(), properties);
    }
    all
}

#[tokio::test]
async fn what_was_changed_in_place_is_changed_back() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2))).await;
    let before = nest.present();
    let mut resources = egg("app", 2);
    resources[2] = machine("app", 1, "b", "debian", 8);
    nest.settle(&all(resources)).await;
    nest.world.take_calls();
    let goal = rollback::goal(&nest.states().await, None).unwrap();
    assert_eq!(goal.serial, before.serial);
    assert_eq!(nest.go_back(&goal).await, []);
    assert_eq!(nest.world.take_calls(), ["update egg.app.vm[1]"]);
    assert_eq!(like(&nest.present()), like(&before));
}

#[tokio::test]
async fn what_was_made_goes_and_what_was_deleted_is_made_anew_and_said_to_be() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    let before = nest.present();
    nest.settle(&all(egg("web", 1))).await;
    nest.world.take_calls();
    let limits = nest.go_back(&before).await;
    let lost = |lost: &str| Why::MadeAnew { lost: lost.into() };
    assert_eq!(limits, [lost("its token"), lost("its disk")]);
    let now = nest.present();
    assert_eq!(like(&now), like(&before));
    // The machine was made with the number of the new runner, not with that of the one that is gone.
    let (runner, vm) = (address("egg.app.runner"), address("egg.app.vm[0]"));
    assert_ne!(now.resources[&runner].id, before.resources[&runner].id);
    let id = Value::from(now.resources[&runner].id.as_str());
    assert_eq!(now.resources[&vm].properties["token"], id);
}

#[tokio::test]
async fn a_disk_that_grew_and_what_counts_only_at_the_start_are_told() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    let before = nest.present();
    nest.settle(&all([
        token("app", "one", "project"),
        machine("app", 0, "a", "debian", 16),
    ]))
    .await;
    let (plan, limits) = nest.plan_back(&before).await;
    assert_eq!(actions(&plan), ["replace egg.app.vm[0]"]);
    let shrinks = Why::Shrinks {
        attribute: "disk".into(),
        now: 16,
        then: 8,
    };
    let lost = Why::MadeAnew {
        lost: "its disk".into(),
    };
    assert_eq!(limits, [shrinks, lost]);

    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    let before = nest.present();
    let mut vm = machine("app", 0, "b", "debian", 8);
    vm.properties.insert("nodes".into(), vec!["pve2"].into());
    nest.settle(&all([token("app", "one", "project"), vm])).await;
    let (_, limits) = nest.plan_back(&before).await;
    let attribute = "nodes".into();
    assert_eq!(limits, [Why::OnlyAtCreation { attribute }]);
}

#[tokio::test]
async fn a_rename_is_taken_back_and_nothing_is_made_anew() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 2))).await;
    let before = nest.present();
    let mut wanted = all(egg("web", 2));
    wanted.moved.push(("egg.app".into(), "egg.web".into()));
    nest.settle(&wanted).await;
    nest.world.take_calls();
    assert_eq!(nest.go_back(&before).await, []);
    // Only the token goes back to its place.
    assert_eq!(nest.world.take_calls(), ["update egg.app.runner"]);
    let ids = |state: &State| -> Vec<String> {
        let all = state.resources.values();
        all.map(|held: &Held| held.id.clone()).collect()
    };
    assert_eq!(ids(&nest.present()), ids(&before));
}

#[tokio::test]
async fn what_others_made_or_took_away_is_left_alone() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    let mut before = nest.present();
    // To the earlier state, a runner is not there that somebody imported since.
    let runner = address("egg.app.runner");
    let vm = address("egg.app.vm[0]");
    before.forget(&runner);
    before.forget(&vm);
    let mut now = nest.present();
    now.resources.get_mut(&vm).unwrap().marker.clear();
    let back = rollback::back(&before, &now, &BTreeMap::new());
    let why: Vec<_> = back.limits.into_iter().map(|limit| limit.why).collect();
    assert_eq!(why, [Why::Imported, Why::NeededBy { by: vm.clone() }]);
    assert_eq!(back.wanted.len(), 2, "neither is deleted");

    // And the other way round: taken out of the state since, and still there.
    let whole = nest.present();
    let mut now = whole.clone();
    now.forget(&runner);
    let still = [(runner.clone(), whole.resources[&runner].clone())].into();
    let back = rollback::back(&whole, &now, &still);
    let id = whole.resources[&runner].id.clone();
    assert_eq!(back.limits[0].why, Why::Forgotten { id });
    assert!(back.wanted.get(&runner).is_none(), "no second one is made");
    let wanted = back.wanted.get(&vm).unwrap();
    assert!(wanted.needs().is_empty(), "its number stays what it was");
    back.wanted.check().unwrap();
}

#[tokio::test]
async fn which_state_is_meant() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    nest.settle(&all(egg("app", 3))).await;
    // A run that changes nothing is no step.
    nest.settle(&all(egg("app", 3))).await;
    let states = nest.states().await;
    let goal = |to| rollback::goal(&states, to);
    assert_eq!(goal(None).unwrap().resources.len(), 2);
    assert_eq!(goal(Some(0)).unwrap().resources.len(), 0);
    let first = states.last().unwrap();
    assert_eq!(goal(Some(first.serial)).unwrap(), *first);
    for (to, words) in [
        (states[0].serial, "nothing to go back from"),
        (77, "not kept: the oldest that is has serial 1, the newest "),
    ] {
        let error = goal(Some(to)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // Before the first run there was nothing; where that is not known any more, it is said.
    let only = &states[states.len() - 1..];
    assert_eq!(rollback::goal(only, None).unwrap().resources.len(), 0);
    assert!(rollback::goal(&states[..1], None).is_err());
}

#[tokio::test]
async fn what_runs_did_that_change_nothing_outside_is_not_undone_without_being_named() {
    let nest = Nest::new();
    nest.settle(&all(egg("app", 1))).await;
    let before = nest.present();
    nest.settle(&all(egg("app", 2))).await;
    let mut states = nest.states().await;
    let mut renamed = states[0].clone();
    renamed.rename(&address("egg.app.vm[1]"), &address("egg.app.vm[7]"));
    renamed.epoch += 1;
    renamed.serial += 1;
    if let Some(written) = &mut renamed.written {
        written.command = "gosling state mv".into();
    }
    states.insert(0, renamed);
    assert_eq!(rollback::goal(&states, None).unwrap().serial, before.serial);
    let plan = nest.plan_back(&before).await.0;
    assert!(plan.changes.iter().any(|change| change.action == Action::Delete));
}
