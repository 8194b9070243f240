//! Machines on Proxmox VE: their life, and what is said when one cannot be made.

use std::collections::BTreeMap;

use gosling_engine::fence::Unfenced;
use gosling_engine::{CallError, Known, Observed, Operation, Provider, Verb};
use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_providers::proxmox::{Proxmox, ProxmoxSettings};
use gosling_resource::{Escape, Part, Properties, Template, Value};
use gosling_sandbox::{NodeWorld, ProxmoxWorld, Speed, TemplateWorld, WorldFile};
use serde_json::json;

use crate::world::{World, fault, secret, uri};

/// A cluster in a hurry.
pub(crate) fn quick() -> ProxmoxWorld {
    ProxmoxWorld {
        auth_delay_ms: 20,
        speed: Speed {
            clone: 60,
            start: 20,
            boot: 20,
            stop: 20,
            other: 10,
        },
        ..ProxmoxWorld::default()
    }
}

pub(crate) async fn world(proxmox: ProxmoxWorld) -> World {
    World::of(WorldFile {
        proxmox,
        ..WorldFile::default()
    })
    .await
}

pub(crate) fn provider(world: &World) -> Proxmox {
    provider_at(world.endpoint(), "env://PROXMOX_TOKEN")
}

fn provider_at(endpoint: Endpoint, token: &str) -> Proxmox {
    Proxmox::new(ProxmoxSettings {
        name: "proxmox".to_owned(),
        endpoint,
        token_id: "gosling@pve!ci".to_owned(),
        token: uri(token),
    })
    .unwrap()
}

pub(crate) fn properties() -> Properties {
    let firewall = BTreeMap::from([
        ("policy_in".into(), Value::from("DROP")),
        ("allow".into(), vec!["10.0.0.0/8 tcp/22", "192.168.0.0/16"].into()),
    ]);
    let user_data = Template {
        parts: vec![
            Part::Text("#cloud-config\nhostname: app\npassword: \"".into()),
            Part::Secret {
                uri: uri("env://GITLAB_TOKEN"),
                escapes: vec![Escape::Yaml],
            },
            Part::Text("\"\n".into()),
        ],
    };
    let properties = [
        ("name", Value::from("app-0")),
        ("nodes", Vec::<Value>::new().into()),
        ("vmid_range", "5000-5999".into()),
        ("template", "debian-12-cloud".into()),
        ("storage", "local-lvm".into()),
        ("iso_storage", "local".into()),
        ("bridge", "vmbr0".into()),
        ("vlan", 8.into()),
        ("pool", "ci".into()),
        ("cpu_type", "host".into()),
        ("cpu", 2.into()),
        ("memory", 4096.into()),
        ("disk", (20 * 1024).into()),
        ("tags", vec!["Gosling", "app"].into()),
        ("firewall", Value::Map(firewall)),
        ("started", true.into()),
        ("user_data", user_data.into()),
        ("network_config", Template::text("version: 2\n").into()),
        ("runner", 7.into()),
    ];
    properties.map(|(name, value)| (name.into(), value)).into()
}

/// The making of a machine at a reserved place.
pub(crate) fn making(op: &str, reserved: &str, properties: Properties) -> Operation {
    Operation {
        op: op.to_owned(),
        verb: Verb::Create,
        address: "egg.app.vm[0]".parse().unwrap(),
        kind: "proxmox_vm".into(),
        provider: "proxmox".into(),
        marker: format!("gosling:lab:egg.app.vm[0]:{op}"),
        id: None,
        reserved: Some(reserved.to_owned()),
        properties,
        given: Properties::new(),
        prior: Properties::new(),
        rollout: None,
        place: None,
        again: false,
        tasks: Vec::new(),
    }
}

/// The change of a machine that `made` made.
pub(crate) fn changing(made: &Operation, verb: Verb, id: &str, properties: Properties) -> Operation {
    Operation {
        op: "changechangechan".to_owned(),
        verb,
        id: Some(id.to_owned()),
        reserved: None,
        properties,
        prior: made.properties.clone(),
        ..made.clone()
    }
}

pub(crate) fn deleting(made: &Operation, id: &str) -> Operation {
    changing(made, Verb::Delete, id, made.properties.clone())
}

async fn reserve(world: &World, properties: &Properties) -> Result<String, CallError> {
    let reserved = provider(world)
        .reserve(&world.cx(), "proxmox_vm", properties, &[])
        .await;
    reserved.map(Option::unwrap)
}

pub(crate) async fn read(
    world: &World,
    made: &Operation,
    id: &str,
    properties: &Properties,
) -> Option<Observed> {
    let known = Known {
        kind: "proxmox_vm",
        id,
        marker: &made.marker,
        properties,
        outputs: &Properties::new(),
    };
    provider(world)
        .read(&world.cx(), &known)
        .await
        .unwrap()
        .decided()
        .unwrap()
}

/// The properties that the API tells.
fn told(properties: &Properties) -> Properties {
    let kinds = Proxmox::new(ProxmoxSettings {
        name: String::new(),
        endpoint: Endpoint::new("https://localhost"),
        token_id: String::new(),
        token: uri("env://X"),
    });
    let kind = kinds.unwrap().kinds()[0];
    let observed = |name: &str| kind.attribute(name).unwrap().observed;
    let told = properties.iter().filter(|(name, _)| observed(name));
    told.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What was made since the sandbox began, and is still there.
pub(crate) fn left(world: &World) -> Vec<String> {
    let ledger = world.sandbox.ledger();
    let left = ledger.objects().iter();
    let left = left.filter(|object| object.created.is_some() && object.deleted.is_none());
    left.map(|object| format!("{} {}", object.kind, object.id))
        .collect()
}

/// A call of somebody else's.
pub(crate) async fn somebody(
    world: &World,
    method: Method,
    path: &str,
    form: &[(&str, &str)],
) -> serde_json::Value {
    let header = format!("PVEAPIToken=root@pam!other={}", world.env("PROXMOX_TOKEN"));
    let form = form
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut request =
        Request::new(method, format!("/api2/json{path}")).header("authorization", secret(&header));
    if matches!(method, Method::Post | Method::Put) {
        request.body = Body::Form(form.collect());
    }
    let answer = Client::new(&world.endpoint())
        .unwrap()
        .send(&request, &Unfenced)
        .await
        .unwrap();
    assert!(answer.is_success(), "{answer:?}");
    answer.json().unwrap()["data"].take()
}

pub(crate) fn failure(error: &CallError) -> (&str, &str) {
    match error {
        CallError::Failed { message, help } => (message, help.as_deref().unwrap_or_default()),
        CallError::Unknown { .. } => panic!("unknown: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_made_read_changed_and_deleted() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let id = reserve(&world, &properties()).await.unwrap();
    assert_eq!(id, "pve1/5000");
    let made = making("aaaaaaaaaaaaaaaa", &id, properties());
    let observed = provider.create(&world.cx(), &made).await.unwrap();
    assert_eq!(observed.id, id);
    assert_eq!(observed.properties, told(&properties()));
    assert_eq!(observed.outputs["vmid"], Value::from(5000));
    assert_eq!(
        world.alive("volume").last().map(String::as_str),
        Some("pve1/local:iso/gosling-lab-5000-aaaaaaaaaaaaaaaa.iso")
    );
    let tasks = world.told.1.lock().unwrap().clone();
    let kinds: Vec<_> = tasks.iter().map(|task| task.split(':').nth(5).unwrap()).collect();
    assert_eq!(kinds, ["imgcopy", "qmclone", "resize", "qmstart"]);
    let config = somebody(&world, Method::Get, "/nodes/pve1/qemu/5000/config", &[]).await;
    assert_eq!(config["description"], made.marker);
    let net = config["net0"].as_str().unwrap();
    assert!(net.ends_with(",bridge=vmbr0,firewall=1,tag=8"), "{net}");

    // In which cluster it is is noted when it is made, and not asked again.
    let mut seen = observed;
    assert!(seen.outputs.remove("cluster").is_some());
    assert_eq!(read(&world, &made, &id, &properties()).await, Some(seen));
    let other = Operation {
        marker: "gosling:lab:egg.app.vm[0]:bbbbbbbbbbbbbbbb".to_owned(),
        ..made.clone()
    };
    assert_eq!(read(&world, &other, &id, &properties()).await, None);

    let mut wanted = properties();
    for (name, value) in [
        ("name", Value::from("app-1")),
        ("memory", 8192.into()),
        ("cpu", 4.into()),
        ("disk", (30 * 1024).into()),
        ("vlan", Value::Null),
        ("tags", vec!["app"].into()),
        ("firewall", Value::Null),
    ] {
        wanted.insert(name.into(), value);
    }
    let update = changing(&made, Verb::Update, &id, wanted.clone());
    let observed = provider.update(&world.cx(), &update).await.unwrap();
    let mut expected = told(&wanted);
    expected.remove("firewall");
    assert_eq!(observed.properties, expected);
    let changes = world.changes();
    provider.update(&world.cx(), &update).await.unwrap();
    assert_eq!(world.changes(), changes, "the second update has nothing to do");

    let mut delete = deleting(&made, &id);
    // The image is found in the drive, whatever the Nest says by now.
    let elsewhere = "local-lvm".into();
    delete.properties.insert("iso_storage".into(), elsewhere);
    provider.delete(&world.cx(), &delete).await.unwrap();
    assert_eq!(left(&world), Vec::<String>::new());
    assert_eq!(read(&world, &made, &id, &properties()).await, None);
    provider.delete(&world.cx(), &deleting(&made, &id)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_in_the_drive_makes_a_runner() {
    let world = world(quick()).await;
    let body = json!({"runner_type": "project_type", "project_id": 17, "tag_list": ["lab"]});
    let request = Request::new(Method::Post, "/api/v4/user/runners")
        .header("private-token", secret(world.env("GITLAB_TOKEN")))
        .body(Body::Json(body));
    let client = Client::new(&world.endpoint()).unwrap();
    let runner = client.send(&request, &Unfenced).await.unwrap().json().unwrap();
    let user_data = format!(
        "#cloud-config\nwrite_files:\n  - path: /etc/gitlab-runner/config.toml\n    permissions: '0600'\n    \
         content: |\n      concurrent = 1\n      [[runners]]\n        name = \"lab\"\n        \
         url = \"https://gitlab.lab.example.com\"\n        token = \"{}\"\n        executor = \"docker\"\n        \
         [runners.docker]\n          image = \"alpine:3\"\nruncmd:\n  - systemctl enable --now gitlab-runner\n",
        runner["token"].as_str().unwrap()
    );
    let mut wanted = properties();
    wanted.insert("user_data".into(), Template::text(user_data).into());
    let made = making("aaaaaaaaaaaaaaaa", "pve2/5001", wanted);
    let provider = provider(&world);
    provider.create(&world.cx(), &made).await.unwrap();
    let mut state = provider
        .machine(&world.cx(), "pve2/5001", "")
        .await
        .unwrap()
        .unwrap();
    while !state.agent {
        assert!(state.running);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        state = provider
            .machine(&world.cx(), "pve2/5001", "")
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(world.sandbox.silent(), []);
    let path = format!("/api/v4/runners/{}", runner["id"]);
    let request = Request::get(path).header("private-token", secret(world.env("GITLAB_TOKEN")));
    let seen = client.send(&request, &Unfenced).await.unwrap().json().unwrap();
    assert_eq!(seen["status"], "online");
    assert_eq!(
        provider.machine(&world.cx(), "pve2/5002", "").await.unwrap(),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_by_hand_is_seen_and_put_right() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    provider.create(&world.cx(), &made).await.unwrap();
    let machine = "/nodes/pve1/qemu/5000";
    somebody(
        &world,
        Method::Put,
        &format!("{machine}/config"),
        &[("memory", "2048"), ("tags", "x")],
    )
    .await;
    let rule = [("type", "in"), ("action", "ACCEPT"), ("enable", "1")];
    somebody(&world, Method::Post, &format!("{machine}/firewall/rules"), &rule).await;
    somebody(&world, Method::Post, &format!("{machine}/status/stop"), &[]).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let seen = read(&world, &made, "pve1/5000", &properties())
        .await
        .unwrap()
        .properties;
    assert_eq!(seen["memory"], Value::from(2048));
    assert_eq!(seen["tags"], Value::from(vec!["x"]));
    assert_eq!(seen["started"], Value::from(false));
    assert_ne!(seen["firewall"], properties()["firewall"]);
    let update = changing(&made, Verb::Update, "pve1/5000", properties());
    let observed = provider.update(&world.cx(), &update).await.unwrap();
    assert_eq!(observed.properties, told(&properties()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_not_touched() {
    let world = world(ProxmoxWorld {
        machines: vec![TemplateWorld {
            vmid: 5000,
            name: "theirs".to_owned(),
            node: "pve1".to_owned(),
            disk_gib: 4,
            storage: "local-lvm".to_owned(),
            agent: true,
            cloud_init: None,
        }],
        ..quick()
    })
    .await;
    let provider = provider(&world);
    assert_eq!(
        reserve(&world, &properties()).await.unwrap().split('/').nth(1),
        Some("5001")
    );
    for again in [false, true] {
        let made = Operation {
            again,
            ..making("aaaaaaaaaaaaaaaa", "pve1/5000", properties())
        };
        let error = provider.create(&world.cx(), &made).await.unwrap_err();
        assert_eq!(
            failure(&error).0,
            "the VMID 5000 is taken by `theirs` (pve1/5000), not made by gosling"
        );
        let error = provider
            .delete(&world.cx(), &deleting(&made, "pve1/5000"))
            .await
            .unwrap_err();
        assert!(failure(&error).0.contains("no longer have the marker"), "{error}");
        let update = changing(&made, Verb::Update, "pve1/5000", properties());
        let error = provider.update(&world.cx(), &update).await.unwrap_err();
        assert!(failure(&error).0.contains("another machine has its number"));
    }
    assert_eq!(world.changes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_taken_meanwhile_leaves_nothing_behind() {
    let world = world(quick()).await;
    let clone = [("newid", "5000"), ("name", "theirs"), ("full", "1")];
    // On another node: our first look at the reserved place finds nothing.
    somebody(&world, Method::Post, "/nodes/pve2/qemu/9001/clone", &clone).await;
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    let error = provider(&world).create(&world.cx(), &made).await.unwrap_err();
    assert!(
        failure(&error)
            .0
            .starts_with("the VMID 5000 is taken by `theirs` (pve2/5000)")
    );
    assert_eq!(left(&world), ["vm 5000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_said() {
    let world = world(quick()).await;
    let provider = provider_at(world.endpoint(), "env://GITLAB_TOKEN");
    let error = provider
        .reserve(&world.cx(), "proxmox_vm", &properties(), &[])
        .await
        .unwrap_err();
    let (message, help) = failure(&error);
    let host = world.sandbox.url().replace("https://", "");
    assert_eq!(
        message,
        format!("{host}: the token `gosling@pve!ci` is refused: invalid token value!")
    );
    assert!(help.contains("API Tokens"));
    assert!(!format!("{error:?}").contains(world.env("GITLAB_TOKEN")));
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    failure(&provider.create(&world.cx(), &made).await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_privilege_is_named_and_nothing_is_left() {
    let most = [
        "Datastore.Allocate",
        "Datastore.AllocateSpace",
        "Datastore.AllocateTemplate",
        "Datastore.Audit",
        "SDN.Use",
        "Sys.Audit",
        "VM.Allocate",
        "VM.Audit",
        "VM.Clone",
        "VM.Config.Options",
        "VM.PowerMgmt",
    ];
    let world = world(ProxmoxWorld {
        privileges: Some(most.map(str::to_owned).to_vec()),
        ..quick()
    })
    .await;
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    let error = provider(&world).create(&world.cx(), &made).await.unwrap_err();
    let (message, help) = failure(&error);
    assert!(message.contains("VM.Config.CPU"), "{message}");
    assert!(
        help.starts_with("give `gosling@pve!ci` the privilege `VM.Config.CPU` on `/vms/5000`"),
        "{help}"
    );
    assert_eq!(left(&world), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_place_for_is_said() {
    let node = |name: &str, online| NodeWorld {
        name: name.to_owned(),
        memory_gib: 8,
        cpus: 4,
        online,
        refuses: None,
    };
    let mut small = quick();
    small.nodes = vec![node("pve1", true), node("pve2", false)];
    small.templates.truncate(1);
    small.storages[1].total_gib = 30;
    let world = world(small).await;
    let with = |name: &str, value: Value| {
        let mut properties = properties();
        properties.insert(name.into(), value);
        properties
    };
    let cases = [
        (
            with("template", "debian-13".into()),
            "there is no template `debian-13`",
            "there are `debian-12-cloud`",
        ),
        (
            with("template", 9009.into()),
            "there is no template `9009`",
            "there are `debian-12-cloud`",
        ),
        (
            with("nodes", vec!["pve2"].into()),
            "none of the nodes pve2 is online",
            "online are pve1",
        ),
        (
            with("memory", (16 * 1024).into()),
            "no node has 16 GiB of memory free: pve1 4 GiB",
            "`memory`",
        ),
        (
            with("disk", (27 * 1024).into()),
            "the storage `local-lvm` has no 27 GiB left for a disk: 26 GiB on pve1",
            "`storage`",
        ),
        (
            with("disk", 2048.into()),
            "a disk of 2 GiB is too small for the template, which has 4 GiB",
            "a `disk` of 4 GiB or more",
        ),
        (
            with("storage", "ceph".into()),
            "the storage `ceph` is not there for content `images` on pve1",
            "`storage` can be `local-lvm`",
        ),
        (
            with("iso_storage", "local-lvm".into()),
            "the storage `local-lvm` is not there for content `iso` on pve1",
            "`iso_storage` can be `local`",
        ),
        (
            with("vmid_range", "9000-9000".into()),
            "every VMID from 9000 to 9000 is taken",
            "`vmid_range`",
        ),
    ];
    for (properties, said, way_out) in cases {
        let error = reserve(&world, &properties).await.unwrap_err();
        let (message, help) = failure(&error);
        assert_eq!(message, said);
        assert!(help.contains(way_out), "{message}: {help}");
    }
    assert_eq!(reserve(&world, &properties()).await.unwrap(), "pve1/5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_is_taken_back() {
    let world = world(quick()).await;
    let mut wanted = properties();
    wanted.insert("bridge".into(), "vmbr9".into());
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", wanted);
    let error = provider(&world).create(&world.cx(), &made).await.unwrap_err();
    assert!(
        failure(&error).0.contains("bridge 'vmbr9' does not exist"),
        "{error}"
    );
    assert_eq!(left(&world), Vec::<String>::new());
    let mut wanted = properties();
    wanted.insert("pool".into(), "nobody".into());
    let made = making("bbbbbbbbbbbbbbbb", "pve1/5000", wanted);
    let error = provider(&world).create(&world.cx(), &made).await.unwrap_err();
    assert!(
        failure(&error).0.contains("pool 'nobody' does not exist"),
        "{error}"
    );
    assert_eq!(left(&world), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_made_at_once_share_nothing() {
    let world = world(quick()).await;
    let provider = provider(&world);
    let mut taken = Vec::new();
    for _ in 0..64 {
        let mut wanted = properties();
        wanted.insert("memory".into(), 1024.into());
        let id = provider
            .reserve(&world.cx(), "proxmox_vm", &wanted, &taken)
            .await
            .unwrap();
        taken.push(id.unwrap());
    }
    let on = |node: &str| taken.iter().filter(|id| id.starts_with(node)).count();
    assert_eq!((on("pve1/"), on("pve2/"), on("pve3/")), (22, 21, 21));
    let operations: Vec<Operation> = taken
        .iter()
        .enumerate()
        .map(|(n, id)| making(&format!("aaaaaaaaaaaaaa{n:02}"), id, properties()))
        .collect();
    let cx = world.cx();
    let made = futures(operations.iter().map(|operation| provider.create(&cx, operation))).await;
    for (made, id) in made.into_iter().zip(&taken) {
        assert_eq!(made.unwrap().id, *id);
    }
    assert_eq!(world.alive("vm").len(), 3 + 64);
    let deletions: Vec<_> = operations
        .iter()
        .zip(&taken)
        .map(|(made, id)| deleting(made, id))
        .collect();
    for deleted in futures(deletions.iter().map(|operation| provider.delete(&cx, operation))).await {
        deleted.unwrap();
    }
    assert_eq!(left(&world), Vec::<String>::new());
}

/// Waits for all, which go on at once.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut done = true;
        for (one, output) in &mut all {
            if output.is_none() {
                match one.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => done = false,
                }
            }
        }
        if done {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    all.into_iter().map(|(_, output)| output.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_on_a_shared_storage_goes_to_every_node() {
    let mut shared = quick();
    shared.storages[1].shared = true;
    shared.templates.truncate(1);
    let world = world(shared).await;
    let mut wanted = properties();
    wanted.insert("nodes".into(), vec!["pve3"].into());
    let id = reserve(&world, &wanted).await.unwrap();
    assert_eq!(id, "pve3/5000");
    let made = making("aaaaaaaaaaaaaaaa", &id, wanted);
    let observed = provider(&world).create(&world.cx(), &made).await.unwrap();
    assert_eq!(observed.id, "pve3/5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_made_of_an_image() {
    let world = world(ProxmoxWorld {
        volumes: vec!["local:import/debian-12.qcow2".to_owned()],
        ..quick()
    })
    .await;
    let images = [
        "local:import/debian-12.qcow2",
        "https://cloud.example.com/debian-12.img",
    ];
    for image in images {
        let mut wanted = properties();
        wanted.remove("template");
        wanted.insert("image".into(), image.into());
        let id = reserve(&world, &wanted).await.unwrap();
        let made = making("aaaaaaaaaaaaaaaa", &id, wanted.clone());
        let observed = provider(&world).create(&world.cx(), &made).await.unwrap();
        assert_eq!(observed.properties, told(&wanted));
        let files: Vec<_> = left(&world)
            .into_iter()
            .filter(|line| line.starts_with("volume"))
            .collect();
        assert_eq!(
            files,
            ["volume pve1/local:iso/gosling-lab-5000-aaaaaaaaaaaaaaaa.iso"],
            "the image is not kept"
        );
        provider(&world)
            .delete(&world.cx(), &deleting(&made, &id))
            .await
            .unwrap();
        assert_eq!(left(&world), Vec::<String>::new());
    }
    let fetched = world.sandbox.ledger();
    assert!(
        fetched
            .calls()
            .iter()
            .any(|call| call.path.ends_with("/download-url"))
    );
}

/// F19: images of today do not start on Proxmox VE's default, kvm64.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_an_image_has_a_cpu_of_today_and_a_disk_with_discard_iothread_and_ssd() {
    let world = world(quick()).await;
    for (asked, cpu) in [(Value::Null, "x86-64-v2-AES"), ("host".into(), "host")] {
        let mut wanted = properties();
        wanted.remove("template");
        wanted.insert("image".into(), "https://cloud.example.com/debian-12.img".into());
        wanted.insert("cpu_type".into(), asked);
        let id = reserve(&world, &wanted).await.unwrap();
        let made = making("aaaaaaaaaaaaaaaa", &id, wanted);
        provider(&world).create(&world.cx(), &made).await.unwrap();
        let config = somebody(
            &world,
            Method::Get,
            &format!("/nodes/{}/config", id.replace('/', "/qemu/")),
            &[],
        )
        .await;
        assert_eq!(config["cpu"], cpu);
        let disk = config["scsi0"].as_str().unwrap();
        for part in ["discard=on", "iothread=1", "ssd=1"] {
            assert!(disk.split(',').any(|is| is == part), "{disk}");
        }
        assert_eq!(config["scsihw"], "virtio-scsi-single", "an IO thread of its own");
        provider(&world)
            .delete(&world.cx(), &deleting(&made, &id))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_meets_a_lock_is_tried_again() {
    let world = world(quick()).await;
    world.sandbox.inject(fault(&json!({
        "method": "POST", "path": "*/clone", "kind": "status", "code": 500,
        "reason": "can't lock file '/var/lock/qemu-server/lock-9000.conf' - got timeout"
    })));
    let made = making("aaaaaaaaaaaaaaaa", "pve1/5000", properties());
    provider(&world).create(&world.cx(), &made).await.unwrap();
    assert_eq!(world.alive("vm").len(), 3 + 1);
}
