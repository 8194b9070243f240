//! What a plan says, and when it is refused.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::{Bound, DiffError, Plan, PlanError, PlanOptions, State};
use gosling_resource::{Address, Resources, Value};

use crate::nest::{Nest, actions, address, all, egg, machine, token};

async fn nest(resources: &Resources) -> Nest {
    let nest = Nest::new();
    nest.settle(resources).await;
    nest
}

async fn planned(before: Resources, after: Resources, options: PlanOptions) -> Vec<String> {
    let nest = nest(&before).await;
    let plan = nest.plan(&after, &options).await.unwrap();
    actions(&plan)
}

fn targets(targets: &[&str]) -> PlanOptions {
    PlanOptions {
        targets: targets.iter().map(ToString::to_string).collect(),
        ..PlanOptions::default()
    }
}

#[tokio::test]
async fn each_attribute_does_what_its_kind_says() {
    let first = || all(egg("app", 1));
    let with = |tags: &str, image: &str, disk: i64, nodes: &str| {
        let mut vm = machine("app", 0, tags, image, disk);
        vm.properties.insert("nodes".into(), vec![nodes].into());
        all([token("app", "one", "project"), vm])
    };
    for (after, action) in [
        (with("a", "debian", 8, "pve1"), None),
        (with("a", "debian", 8, "pve2"), None),
        (with("b", "debian", 8, "pve1"), Some("update")),
        (with("a", "debian", 16, "pve1"), Some("update")),
        (with("a", "debian", 4, "pve1"), Some("replace")),
        (with("a", "alpine", 8, "pve1"), Some("replace")),
    ] {
        let wanted = action.map(|action| format!("{action} egg.app.vm[0]"));
        assert_eq!(
            planned(first(), after, PlanOptions::default()).await,
            wanted.into_iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn what_the_api_tells_and_nobody_asks_for_is_left_to_it() {
    let mut vm = machine("app", 0, "a", "debian", 8);
    vm.properties.remove("disk");
    let wanted = all([token("app", "one", "project"), vm]);
    let nest = nest(&wanted).await;
    let by_hand = nest.world.inner().objects.get_mut("100").map(|object| {
        object.properties.insert("disk".into(), 99.into());
    });
    assert_eq!(by_hand, Some(()));
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    assert_eq!(actions(&plan), Vec::<String>::new());
    assert_eq!(plan.drift.len(), 1);
}

#[tokio::test]
async fn an_output_is_known_after_apply_only_while_its_resource_is_made_anew() {
    let nest = nest(&all(egg("app", 1))).await;
    let wanted = all([token("app", "one", "group"), machine("app", 0, "a", "debian", 8)]);
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["replace egg.app.runner", "replace egg.app.vm[0]"]
    );
    let [runner, vm] = plan.changes.as_slice() else {
        panic!("{:?}", plan.changes)
    };
    assert_eq!(
        (&runner.because, &vm.because),
        (&vec!["scope".to_owned()], &vec!["token".to_owned()])
    );
    let of = address("egg.app.runner");
    let after = Value::output(of, "id");
    assert_eq!(
        (&vm.attributes[0].before, &vm.attributes[0].after),
        (&Value::from("t1"), &after)
    );
}

#[tokio::test]
async fn wishes_narrow_and_force() {
    let two = || all(egg("app", 2).into_iter().chain(egg("lint", 1)));
    assert_eq!(
        planned(all([]), two(), targets(&["egg.app.vm[1]"])).await,
        ["create egg.app.runner", "create egg.app.vm[1]"]
    );
    // The runner is wanted with the machine; its other machine, which only goes for its own reasons, is not.
    assert_eq!(
        planned(
            two(),
            all([token("app", "two", "project")]),
            targets(&["egg.app.runner"])
        )
        .await,
        ["update egg.app.runner"]
    );
    assert_eq!(
        planned(two(), all(egg("lint", 1)), targets(&["egg.app.runner"])).await,
        [
            "delete egg.app.runner",
            "delete egg.app.vm[0]",
            "delete egg.app.vm[1]"
        ]
    );
    let destroy = PlanOptions {
        destroy: true,
        ..targets(&["egg.app.vm"])
    };
    assert_eq!(
        planned(two(), two(), destroy).await,
        ["delete egg.app.vm[0]", "delete egg.app.vm[1]"]
    );
    let replace = PlanOptions {
        replace: vec!["egg.app.vm[0]".into()],
        ..PlanOptions::default()
    };
    assert_eq!(planned(two(), two(), replace).await, ["replace egg.app.vm[0]"]);
}

#[tokio::test]
async fn who_leaves_a_deleted_target_is_changed_with_it() {
    let mut vm = machine("app", 0, "a", "debian", 8);
    vm.properties.remove("token");
    let mut before = vm.clone();
    before.depends_on.insert(address("egg.a.runner"));
    vm.properties.insert("tags".into(), "b".into());
    assert_eq!(
        planned(
            all([token("a", "one", "project"), before]),
            all([vm]),
            targets(&["egg.a.runner"])
        )
        .await,
        ["delete egg.a.runner", "update egg.app.vm[0]"]
    );
}

#[tokio::test]
async fn a_moved_resource_that_is_no_target_stays_where_it_is() {
    let nest = nest(&all(egg("app", 1).into_iter().chain(egg("lint", 1)))).await;
    let mut wanted = all(egg("web", 1).into_iter().chain([
        token("lint", "two", "project"),
        machine("lint", 0, "a", "debian", 8),
    ]));
    wanted.moved.push(("egg.app".into(), "egg.web".into()));
    let plan = nest.plan(&wanted, &targets(&["egg.lint"])).await.unwrap();
    assert_eq!(actions(&plan), ["update egg.lint.runner"]);
    let (_, applied) = nest.run(&wanted, &targets(&["egg.lint"]), None).await.unwrap();
    assert!(applied.state.resources.contains_key(&address("egg.app.vm[0]")));
    nest.settle(&wanted).await;
}

#[test]
fn what_cannot_be_planned_is_said() {
    let kind = |name: &str| {
        [&crate::world::TOKEN, &crate::world::MACHINE]
            .into_iter()
            .find(|kind| kind.name == name)
    };
    let diff = |wanted: &Resources, options: &PlanOptions| {
        let state = State::default();
        gosling_engine::diff(wanted, &state, |name| kind(name).map(|kind| kind as _), options).unwrap_err()
    };
    let mut strange = token("app", "one", "project");
    strange.kind = "spoon".into();
    let error = diff(&all([strange]), &PlanOptions::default());
    assert_eq!(
        error.to_string(),
        "no provider makes a `spoon`, the kind of egg.app.runner"
    );
    // It is in nobody's way who asks for something else, unless that needs it.
    let mut strange = token("app", "one", "project");
    strange.kind = "spoon".into();
    let wanted = all([
        strange,
        machine("app", 0, "a", "debian", 8),
        token("lint", "one", "project"),
    ]);
    let error = diff(&wanted, &targets(&["egg.app.vm"]));
    assert_eq!(
        error.to_string(),
        "no provider makes a `spoon`, the kind of egg.app.runner"
    );
    let kinds = |name: &str| kind(name).map(|kind| kind as _);
    let state = State::default();
    let changes = gosling_engine::diff(&wanted, &state, kinds, &targets(&["egg.lint"])).unwrap();
    let made: Vec<String> = changes.iter().map(|change| change.address.to_string()).collect();
    assert_eq!(made, ["egg.lint.runner"]);
    let mut strange = token("app", "one", "project");
    strange.properties.insert("colour".into(), "red".into());
    let error = diff(&all([strange]), &PlanOptions::default());
    assert_eq!(
        error.to_string(),
        "a `token` has no `colour`, which egg.app.runner sets"
    );
    let error = diff(&all(egg("app", 1)), &targets(&["egg.ap"]));
    assert_eq!(error, DiffError::NoSuchTarget("egg.ap".into()));
    let mut round = token("app", "one", "project");
    round.depends_on.insert(address("egg.app.vm[0]"));
    let error = diff(
        &all([round, machine("app", 0, "a", "debian", 8)]),
        &PlanOptions::default(),
    );
    assert!(matches!(error, DiffError::Cycle(_)));
}

#[tokio::test]
async fn the_same_twice_gives_the_same_bytes_and_what_is_read_is_what_was_written() {
    let nest = nest(&all(egg("app", 2))).await;
    let wanted = all(egg("web", 3).into_iter().chain([token("app", "two", "group")]));
    let first = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    let second = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    assert_eq!(first.to_bytes(), second.to_bytes());
    assert_eq!(Plan::from_bytes(&first.to_bytes()), Ok(first.clone()));
    let addresses: Vec<&Address> = first.changes.iter().map(|change| &change.address).collect();
    assert!(addresses.is_sorted());
    assert_eq!(first.counts().create, 4);
}

#[tokio::test]
async fn a_plan_is_applied_only_to_what_it_was_made_for() {
    let wanted = all(egg("app", 1));
    let nest = nest(&all([token("app", "one", "project")])).await;
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    let bytes = String::from_utf8(plan.to_bytes()).unwrap();
    assert!(bytes.contains("debian"));
    for edited in [
        bytes.replace("debian", "alpine"),
        bytes.replace("\"destroy\": false", "\"destroy\": true"),
    ] {
        assert_eq!(Plan::from_bytes(edited.as_bytes()), Err(PlanError::Edited));
    }
    let newer = bytes.replace("\"format\": 1", "\"format\": 7");
    assert_eq!(Plan::from_bytes(newer.as_bytes()), Err(PlanError::OtherFormat(7)));
    assert!(matches!(Plan::from_bytes(b"{}"), Err(PlanError::Malformed(_))));

    let (state, _) = gosling_engine::recover::read("lab", &nest.disk.snapshot()).unwrap();
    let accounts = nest.accounts();
    let now = Bound {
        tool: "1.2.3",
        state: &state,
        nest_digest: "nest",
        variables_digest: "variables",
        accounts: &accounts,
        open: &[],
    };
    assert_eq!(plan.check(&now), Ok(()));
    let other = Bound { tool: "1.2.4", ..now };
    assert!(matches!(plan.check(&other), Err(PlanError::OtherTool { .. })));
    let other = Bound {
        nest_digest: "another",
        ..now
    };
    assert_eq!(plan.check(&other), Err(PlanError::OtherNest));
    let other = Bound {
        variables_digest: "others",
        ..now
    };
    assert_eq!(plan.check(&other), Err(PlanError::OtherVariables));
    let mallory = BTreeMap::from([("world".to_owned(), "mallory@world".to_owned())]);
    for accounts in [BTreeMap::new(), mallory] {
        let other = Bound {
            accounts: &accounts,
            ..now
        };
        assert!(matches!(plan.check(&other), Err(PlanError::OtherAccount { .. })));
    }
    let foreign = State {
        lineage: "another".into(),
        ..state.clone()
    };
    let other = Bound {
        state: &foreign,
        ..now
    };
    assert!(matches!(plan.check(&other), Err(PlanError::Foreign { .. })));
    let moved_on = State {
        serial: state.serial + 1,
        ..state.clone()
    };
    let mut edited = state.clone();
    edited.resources.clear();
    for stale in [moved_on, edited] {
        let other = Bound { state: &stale, ..now };
        assert!(matches!(plan.check(&other), Err(PlanError::Stale { .. })));
    }
}

/// Every name of a field in a plan with something in each of its lists.
#[tokio::test]
async fn every_field_of_a_plan_is_in_its_page() {
    let nest = nest(&all(egg("app", 2))).await;
    nest.world
        .inner()
        .objects
        .get_mut("100")
        .unwrap()
        .properties
        .insert("tags".into(), "x".into());
    let mut plan = nest
        .plan(&all([token("app", "one", "group")]), &PlanOptions::default())
        .await
        .unwrap();
    plan.open.push(gosling_engine::OpenIntent {
        op: "a".into(),
        verb: "create".into(),
        address: address("egg.app.runner"),
        heard: None,
    });
    let place = gosling_resource::Origin {
        file: "Eggs/app/config.fly".into(),
        line: 3,
    };
    plan.changes[0].origin = Some(place);
    let mut names = BTreeSet::new();
    let json: serde_json::Value = serde_json::from_slice(&plan.to_bytes()).unwrap();
    let mut next = vec![&json];
    while let Some(value) = next.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    names.insert(name.clone());
                    // Names of providers and attributes are no part of the form, and values have one of their own.
                    let open = ["accounts", "prior", "properties", "given", "before", "after"];
                    if !open.contains(&name.as_str()) {
                        next.push(value);
                    }
                }
            }
            serde_json::Value::Array(values) => next.extend(values),
            _ => {}
        }
    }
    assert!(names.len() >= 35, "{names:?}");
    let page = include_str!("../../../docs/plan-format.md");
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert!(page.contains(&format!("form {}", gosling_engine::plan::FORMAT)));
}

/// Found by random histories: both were moved onto one address, and the first was forgotten without being deleted.
#[tokio::test]
async fn of_two_that_were_renamed_to_one_name_one_is_deleted() {
    let nest = nest(&all([token("app", "d", "s"), token("web", "d", "s")])).await;
    let mut wanted = all([token("lint", "d", "s")]);
    let text = |from: &str| (format!("egg.{from}"), "egg.lint".to_owned());
    wanted.moved = vec![text("app"), text("web")];
    let plan = nest.plan(&wanted, &PlanOptions::default()).await.unwrap();
    assert_eq!(plan.counts().delete, 1, "{:?}", actions(&plan));
    nest.settle(&wanted).await;
}
