//! Whatever becomes of a call, the next attempt ends with one machine and one image, or with none.

use gosling_engine::{CallError, Known, Operation, Provider};
use gosling_resource::Properties;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::proxmox::{deleting, left, making, properties, provider, quick, world};
use crate::world::fault;

/// Each call of a creation that changes something.
const CALLS: [(&str, &str); 8] = [
    ("POST", "*/storage/local/upload"),
    ("POST", "*/qemu/9000/clone"),
    ("PUT", "*/qemu/5000/config"),
    ("PUT", "*/qemu/5000/resize"),
    ("POST", "*/qemu/5000/firewall/rules"),
    ("PUT", "*/qemu/5000/firewall/options"),
    ("POST", "*/qemu/5000/status/start"),
    ("GET", "*/tasks/*/status"),
];

/// What becomes of it.
fn kinds() -> Vec<Value> {
    vec![
        json!({"kind": "lose_before"}),
        json!({"kind": "lose_after"}),
        json!({"kind": "truncate"}),
        json!({"kind": "bad_json"}),
        json!({"kind": "status", "code": 500, "reason": "some error"}),
        json!({"kind": "status_after", "code": 500, "reason": "some error"}),
        json!({"kind": "status_after", "code": 596, "reason": "Broken pipe"}),
        json!({"kind": "status", "code": 403, "reason": "Permission check failed (/vms/5000, VM.Config.Disk)"}),
    ]
}

/// Each call with each fault.
fn faults(calls: &[(&str, &str)]) -> Vec<Value> {
    let mut faults = Vec::new();
    for (method, path) in calls {
        for mut fault in kinds() {
            fault["method"] = (*method).into();
            fault["path"] = (*path).into();
            faults.push(fault);
        }
    }
    faults
}

/// Tries each in a world of its own, all at once.
async fn each<F: Future<Output = ()> + Send + 'static>(faults: Vec<Value>, one: fn(Value) -> F) {
    let mut all = JoinSet::new();
    for fault in faults {
        all.spawn(one(fault));
    }
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_lost_a_call_is_ended_by_the_next() {
    each(faults(&CALLS), create_twice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_one_from_an_image_that_is_fetched() {
    let calls = [
        ("POST", "*/storage/local/download-url"),
        ("POST", "*/nodes/pve1/qemu"),
        ("DELETE", "*/storage/local/content/*"),
    ];
    each(faults(&calls), |json| {
        let mut properties = properties();
        properties.remove("template");
        let image = "https://cloud.example.com/debian-12.qcow2";
        properties.insert("image".into(), image.into());
        twice(json, properties)
    })
    .await;
}

async fn create_twice(json: Value) {
    twice(json, properties()).await;
}

async fn twice(json: Value, properties: Properties) {
    let world = world(quick()).await;
    world.sandbox.inject(fault(&json));
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties);
    let first = provider.create(&world.cx(), &made).await;
    if let Err(CallError::Failed { .. }) = first {
        let left = left(&world);
        assert_eq!(
            left,
            Vec::<String>::new(),
            "{json}: a definite failure leaves nothing"
        );
    }
    let again = Operation {
        again: true,
        tasks: world.told.1.lock().unwrap().clone(),
        ..made.clone()
    };
    let observed = provider.create(&world.cx(), &again).await;
    assert_eq!(observed.unwrap().id, "pve1/5000", "{json}");
    let mut there = left(&world);
    for line in &mut there {
        line.truncate(line.find('#').unwrap_or(line.len()));
    }
    there.sort_unstable();
    let expected = [
        "firewall_rule qemu/5000",
        "firewall_rule qemu/5000",
        "vm 5000",
        "volume pve1/local:iso/gosling-lab-5000-aaaaaaaaaaaaaaaa.iso",
    ];
    assert_eq!(there, expected, "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_lost_a_call_is_ended_by_the_next() {
    let calls = [
        ("POST", "*/qemu/5000/status/stop"),
        ("DELETE", "*/storage/local/content/*"),
        ("DELETE", "*/qemu/5000"),
    ];
    each(faults(&calls), delete_twice).await;
}

async fn delete_twice(json: Value) {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    provider.create(&world.cx(), &made).await.unwrap();
    world.sandbox.inject(fault(&json));
    let mut delete = deleting(&made, "pve1/5000");
    if let Err(error) = provider.delete(&world.cx(), &delete).await {
        let failed = matches!(error, CallError::Failed { .. });
        let there = world.alive("vm").contains(&"5000".to_owned());
        assert!(there || !failed, "{json}: {error}");
    }
    delete.again = true;
    provider.delete(&world.cx(), &delete).await.unwrap();
    assert_eq!(left(&world), Vec::<String>::new(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_ends_what_is_left_of_a_machine_that_is_gone() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    world.sandbox.inject(fault(
        &json!({"method": "POST", "path": "*/clone", "kind": "lose_before"}),
    ));
    let error = provider.create(&world.cx(), &made).await.unwrap_err();
    assert!(matches!(error, CallError::Unknown { .. }), "{error}");
    assert_eq!(left(&world).len(), 1);
    provider
        .delete(&world.cx(), &deleting(&made, "pve1/5000"))
        .await
        .unwrap();
    assert_eq!(left(&world), Vec::<String>::new());
}

/// `{"data":null}` with status 200 says nothing: taken for a fact, it would mean that there is no such machine, or that
/// it does not run.
#[tokio::test]
async fn an_answer_without_data_is_no_fact() {
    let world = world(quick()).await;
    let properties = properties();
    let made = making("aaaa", "pve1/5000", properties.clone());
    let observed = provider(&world).create(&world.cx(), &made).await.unwrap();
    for path in ["*/qemu/5000/status/current", "*/qemu/5000/pending"] {
        let empty = json!({"method": "GET", "path": path, "nth": "every", "kind": "status", "code": 200});
        world.sandbox.inject(fault(&empty));
        let known = Known {
            kind: "proxmox_vm",
            id: &observed.id,
            marker: &made.marker,
            properties: &properties,
            outputs: &Properties::new(),
        };
        let read = provider(&world).read(&world.cx(), &known).await;
        assert!(read.is_err(), "{path}: {read:?}");
        world.sandbox.end_faults();
    }
}
