//! What preflight finds at a cluster: each thing that can be wrong, by itself.

use std::collections::{BTreeMap, BTreeSet};

use gosling_engine::preflight::Outcome;
use gosling_engine::{Action, Change, Finding, Provider, calendar};
use gosling_providers::proxmox::PROXMOX_VM;
use gosling_resource::{Properties, Value};
use gosling_sandbox::{NodeWorld, ProxmoxWorld, TemplateWorld};

use crate::proxmox::{properties, provider, quick, world};

/// The making of a machine.
pub(crate) fn making(properties: Properties) -> Change {
    Change {
        address: "egg.app.vm[0]".parse().unwrap(),
        kind: PROXMOX_VM.name.into(),
        provider: "proxmox".into(),
        action: Action::Create,
        moved_from: None,
        renamed: false,
        because: Vec::new(),
        attributes: Vec::new(),
        id: None,
        marker: None,
        prior: Properties::new(),
        properties,
        given: Properties::new(),
        needs: BTreeSet::new(),
        rollout: None,
        reconnects: false,
        origin: None,
        left_out: None,
        set_aside: None,
        left_outside: None,
    }
}

fn with(attributes: &[(&str, Value)]) -> Properties {
    let mut all = properties();
    for (name, value) in attributes {
        all.insert((*name).into(), value.clone());
    }
    all
}

/// What is found where this is to be made in that world, and the rights that it is said to take.
async fn look(proxmox: ProxmoxWorld, properties: &[Properties]) -> (Vec<Finding>, String) {
    let world = world(proxmox).await;
    let changes: Vec<Change> = properties.iter().cloned().map(making).collect();
    let changes: Vec<&Change> = changes.iter().collect();
    let provider = provider(&world);
    let findings = provider.preflight(&world.cx(), &changes).await;
    let rights = provider.rights(&world.cx(), &changes).await;
    assert_eq!(world.changes(), 0, "preflight changes nothing");
    (findings, rights)
}

/// Every finding that is not as it has to be, as `outcome subject: words (help)`.
pub(crate) fn wrong(findings: &[Finding]) -> Vec<String> {
    let wrong = findings.iter().filter(|finding| finding.outcome != Outcome::Ok);
    wrong
        .map(|finding| {
            let help = finding.way_out.as_deref().unwrap_or_default();
            format!(
                "{:?} {}: {} ({help})",
                finding.outcome, finding.subject, finding.words
            )
        })
        .collect()
}

pub(crate) fn ok(findings: &[Finding]) -> String {
    let ok = findings.iter().filter(|finding| finding.outcome == Outcome::Ok);
    let lines: Vec<_> = ok
        .map(|finding| format!("{}: {}", finding.subject, finding.words))
        .collect();
    lines.join("\n")
}

fn node(name: &str, memory_gib: u64, online: bool) -> NodeWorld {
    NodeWorld {
        name: name.to_owned(),
        memory_gib,
        cpus: 4,
        online,
        refuses: None,
    }
}

/// Days from now, in seconds since 1970.
fn in_days(days: i64) -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    u64::try_from(i64::try_from(now.as_secs()).unwrap() + days * 86_400).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let (findings, _) = look(quick(), &[properties()]).await;
    assert_eq!(wrong(&findings), Vec::<String>::new());
    let ok = ok(&findings);
    for words in [
        "service: https://127.0.0.1:",
        "version: Proxmox VE 8.4.0",
        "token: the token `gosling@pve!ci` is good without an end",
        "privileges: the token has all",
        "room: there is room for new machines: 1 on pve1 (4 GiB)",
    ] {
        assert!(ok.contains(words), "`{words}` is not in:\n{ok}");
    }
}

/// One thing that is wrong: what the world is then like, what is to be made, what is said, and that alone.
type Case = (&'static str, fn(&mut ProxmoxWorld), Vec<Properties>, &'static str);

fn cases() -> Vec<Case> {
    let one = || vec![properties()];
    let from = |image: &str| with(&[("template", Value::Null), ("image", image.into())]);
    vec![
        (
            "an old version",
            |world| world.version = "7.4.1".to_owned(),
            one(),
            "Failed version: Proxmox VE 7.4.1: gosling was made for 8.4 to 9 (upgrade the cluster)",
        ),
        (
            "a version that nobody has tried",
            |world| world.version = "8.2.0".to_owned(),
            one(),
            "Warning version: Proxmox VE 8.2.0",
        ),
        (
            "an ended token",
            |world| world.token_expire = in_days(-1),
            one(),
            "the token `gosling@pve!ci` has ended: token 'ci' access expired (give it a later end",
        ),
        (
            "a token that ends soon",
            |world| world.token_expire = in_days(5),
            one(),
            "Warning expiry: the token `gosling@pve!ci` ends on ",
        ),
        (
            "no privilege at all",
            |world| world.privileges = Some(Vec::new()),
            one(),
            "Failed privileges: the token `gosling@pve!ci` has no privilege at all (`gosling preflight --role`",
        ),
        (
            "no such template",
            |_| {},
            vec![with(&[("template", "debian-11".into())])],
            "Failed egg.app.vm[0]: there is no template `debian-11` (there are `debian-12-cloud`)",
        ),
        (
            "a machine that is no template",
            |world| {
                let mut machine = world.templates[0].clone();
                (machine.vmid, machine.name) = (100, "mine".to_owned());
                world.machines.push(machine);
            },
            vec![with(&[("template", "mine".into())])],
            "Failed egg.app.vm[0]: `mine` (pve1/100) is a machine, and no template (once it is shut down, `qm template 100`",
        ),
        (
            "a template on another node only",
            |world| world.templates.truncate(1),
            vec![with(&[("nodes", vec!["pve2"].into())])],
            "Failed egg.app.vm[0]: the template `debian-12-cloud` is on pve1 only",
        ),
        (
            "a disk smaller than the template's",
            |_| {},
            vec![with(&[("disk", 2048.into())])],
            "Failed egg.app.vm[0]: a disk of 2 GiB is too small for the template, which has 4 GiB",
        ),
        (
            "no such storage",
            |_| {},
            vec![with(&[("storage", "ceph".into())])],
            "Failed egg.app.vm[0]: the storage `ceph` is not there for content `images` on pve1, pve2, pve3 (`storage` can be `local-lvm`)",
        ),
        (
            "a storage for something else",
            |_| {},
            vec![with(&[("storage", "local".into())])],
            "Failed egg.app.vm[0]: the storage `local` is not there for content `images`",
        ),
        (
            "a storage for files that holds none",
            |_| {},
            vec![with(&[("iso_storage", "local-lvm".into())])],
            "Failed egg.app.vm[0]: the storage `local-lvm` is not there for content `iso` on pve1, pve2, pve3 (`iso_storage` can be `local`)",
        ),
        (
            "a storage that is not mounted",
            |world| world.storages[1].active = false,
            one(),
            "Failed egg.app.vm[0]: the storage `local-lvm` is not active on pve1, pve2, pve3 (`pvesm status`",
        ),
        (
            "a full storage",
            |world| (world.storages[1].total_gib, world.storages[1].used_gib) = (100, 90),
            one(),
            "Failed egg.app.vm[0]: the storage `local-lvm` has no 20 GiB left for a disk",
        ),
        (
            "a full storage for files",
            |world| (world.storages[0].total_gib, world.storages[0].used_gib) = (100, 100),
            one(),
            "Warning egg.app.vm[0]: the storage `local` on pve1 has only 0 GiB left for files",
        ),
        (
            "no room for an image to fetch",
            |world| (world.storages[0].total_gib, world.storages[0].used_gib) = (100, 98),
            vec![from("https://images.example.com/debian.qcow2")],
            "left for files (free some room there (4 GiB are enough)",
        ),
        (
            "too little memory",
            |world| world.nodes.iter_mut().for_each(|node| node.memory_gib = 6),
            one(),
            "Failed egg.app.vm[0]: no node has 4 GiB of memory free: pve1 2 GiB, pve2 2 GiB, pve3 2 GiB",
        ),
        (
            "too little memory for the last of them",
            |world| world.nodes.iter_mut().for_each(|node| node.memory_gib = 8),
            vec![properties(); 4],
            "Failed egg.app.vm[0]: no node has 4 GiB of memory free: pve1 0 GiB, pve2 0 GiB, pve3 0 GiB",
        ),
        (
            "too few VMIDs",
            |_| {},
            vec![with(&[("vmid_range", "5000-5001".into())]); 4],
            "Failed egg.app.vm[0] and 1 more: every VMID from 5000 to 5001 is taken (give the cloud block a larger `vmid_range`",
        ),
        (
            "VMIDs that somebody else has",
            |world| {
                let mut machine = world.templates[0].clone();
                (machine.vmid, machine.name) = (5000, "theirs".to_owned());
                world.machines.push(machine);
            },
            vec![with(&[("vmid_range", "5000-5000".into())])],
            "Failed egg.app.vm[0]: every VMID from 5000 to 5000 is taken",
        ),
        (
            "a node that is off",
            |world| world.nodes[1] = node("pve2", 64, false),
            vec![with(&[("nodes", vec!["pve2"].into())])],
            "Failed egg.app.vm[0]: none of the nodes pve2 is online (online are pve1, pve3)",
        ),
        (
            "no such bridge",
            |_| {},
            vec![with(&[("bridge", "vmbr7".into())])],
            "Failed egg.app.vm[0]: there is no bridge or vnet `vmbr7` on pve1 (`bridge` can be `vmbr0`)",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_is_said_and_nothing_else() {
    let mut otherwise_said = Vec::new();
    for (name, otherwise, made, words) in cases() {
        let mut proxmox = quick();
        otherwise(&mut proxmox);
        let (findings, _) = look(proxmox, &made).await;
        let wrong = wrong(&findings);
        if wrong.len() != 1 || !wrong[0].contains(words) {
            otherwise_said.push(format!("{name}: {wrong:#?}"));
        }
    }
    assert!(otherwise_said.is_empty(), "{}", otherwise_said.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_token_is_told_to_who_may_know_it() {
    let with_end = |end: u64| ProxmoxWorld {
        token_expire: end,
        ..quick()
    };
    let (findings, _) = look(with_end(in_days(100)), &[]).await;
    let date = calendar::date(i64::try_from(in_days(100) / 86_400).unwrap());
    let words = format!("token: the token `gosling@pve!ci` is good until {date}");
    assert!(ok(&findings).contains(&words), "{findings:#?}");
    // A token is not its user: of itself it is told nothing, and that is as it has to be.
    let (findings, rights) = look(
        ProxmoxWorld {
            privileges: Some(vec!["VM.Audit".to_owned()]),
            ..with_end(in_days(5))
        },
        &[],
    )
    .await;
    assert_eq!(wrong(&findings), Vec::<String>::new());
    assert!(
        ok(&findings).contains("the expiry of the token `gosling@pve!ci` is unknown"),
        "{findings:#?}"
    );
    assert!(!rights.contains("User.Modify"), "{rights}");
}

type Acl = BTreeMap<String, Vec<String>>;

/// All that a machine takes, but for what is plugged in somewhere.
fn acl(networks: &[(&str, &str)]) -> Acl {
    let all = ["VM.", "Datastore.", "Sys.", "Pool."];
    let held = |prefix: &str| match prefix {
        "VM." => {
            "VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Disk VM.Config.HWType \
                  VM.Config.Memory VM.Config.Network VM.Config.Options VM.Monitor VM.PowerMgmt"
        }
        "Datastore." => {
            "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit"
        }
        "Sys." => "Sys.Audit Sys.AccessNetwork",
        _ => "Pool.Audit",
    };
    let held = all.iter().flat_map(|prefix| held(prefix).split_whitespace());
    let mut acl = Acl::from([("/".to_owned(), held.map(str::to_owned).collect())]);
    for (path, privilege) in networks {
        acl.insert((*path).to_owned(), vec![(*privilege).to_owned()]);
    }
    acl
}

/// A cluster with a vnet, and a token that may plug in there.
fn networked(networks: &[(&str, &str)]) -> ProxmoxWorld {
    ProxmoxWorld {
        vnets: BTreeMap::from([("runners".to_owned(), "lab".to_owned())]),
        bridges: vec!["vmbr0".to_owned(), "lan".to_owned()],
        volumes: vec!["local:import/debian.qcow2".to_owned()],
        acl: Some(acl(networks)),
        ..quick()
    }
}

/// What the token may where, what is made, where a right is missing for it, and what is said to be needed.
type Plugged<'a> = (
    &'a [(&'a str, &'a str)],
    Properties,
    Option<&'a str>,
    &'a [&'a str],
);

const TEMPLATES: (&str, &str) = ("/sdn/zones/localnetwork/vmbr0", "SDN.Use");

#[tokio::test(flavor = "multi_thread")]
async fn a_card_takes_a_right_where_it_is_plugged_in() {
    let vnet = || with(&[("bridge", "runners".into()), ("vlan", Value::Null)]);
    let vlan = |bridge: &str| with(&[("bridge", bridge.into()), ("vlan", 8.into())]);
    let of_image = || {
        with(&[
            ("template", Value::Null),
            ("image", "local:import/debian.qcow2".into()),
            ("vlan", 8.into()),
        ])
    };
    let lacks =
        |place: &str| format!("Failed privileges: the token `gosling@pve!ci` has no `SDN.Use` on `{place}`");
    let unknown = "/sdn/zones/<zone>/runners";
    let cases: [Plugged; 10] = [
        (
            &[TEMPLATES, ("/sdn/zones/lab/runners", "SDN.Use")],
            vnet(),
            None,
            &["/sdn/zones/lab/runners"],
        ),
        // The whole zone: which vnets are in it, nobody tells.
        (
            &[TEMPLATES, ("/sdn/zones/lab", "SDN.Use")],
            vnet(),
            None,
            &["# pveum acl modify /sdn/zones/<zone>/runners"],
        ),
        (&[("/sdn", "SDN.Use")], vnet(), None, &[unknown]),
        (
            &[TEMPLATES, ("/sdn/zones/lab/runners", "SDN.Audit")],
            vnet(),
            Some("/sdn/zones/lab/runners"),
            &["/sdn/zones/lab/runners"],
        ),
        (
            &[TEMPLATES],
            vnet(),
            Some(unknown),
            &["Write the vnet's zone", unknown],
        ),
        // The template is on the bridge itself, and a clone begins as it is.
        (
            &[("/sdn/zones/lab/runners", "SDN.Use")],
            vnet(),
            Some("/sdn/zones/localnetwork/vmbr0"),
            &["/sdn/zones/localnetwork/vmbr0"],
        ),
        (
            &[("/sdn/zones/localnetwork/vmbr0/8", "SDN.Use")],
            vlan("vmbr0"),
            Some("/sdn/zones/localnetwork/vmbr0"),
            &["/sdn/zones/localnetwork/vmbr0"],
        ),
        (
            &[TEMPLATES, ("/sdn/zones/localnetwork/lan/8", "SDN.Use")],
            vlan("lan"),
            None,
            &["/sdn/zones/localnetwork/lan/8"],
        ),
        (
            &[("/sdn/zones/localnetwork/vmbr0/8", "SDN.Use")],
            of_image(),
            None,
            &["/sdn/zones/localnetwork/vmbr0/8 "],
        ),
        (
            &[("/sdn/zones/localnetwork/vmbr0/9", "SDN.Use")],
            of_image(),
            Some("/sdn/zones/localnetwork/vmbr0/8"),
            &["/sdn/zones/localnetwork/vmbr0/8 "],
        ),
    ];
    for (held, made, missing, told) in cases {
        let (findings, rights) = look(networked(held), std::slice::from_ref(&made)).await;
        let wrong = wrong(&findings);
        match missing {
            None => assert_eq!(wrong, Vec::<String>::new(), "{held:?}"),
            Some(place) => assert!(
                wrong.len() == 1 && wrong[0].starts_with(&lacks(place)),
                "{held:?}, {place}: {wrong:#?}"
            ),
        }
        for words in told {
            assert!(rights.contains(words), "{held:?}, {words}: {rights}");
        }
        if missing.is_none() && !rights.contains('<') {
            made_with_it(networked(held), made).await;
        }
    }
}

/// What is found to be enough is enough.
async fn made_with_it(proxmox: ProxmoxWorld, properties: Properties) {
    let world = world(proxmox).await;
    let making = crate::proxmox::making("aaaaaaaaaaaaaaaa", "pve1/5000", properties);
    provider(&world).create(&world.cx(), &making).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_on_a_node_that_is_off_cannot_be_changed() {
    let mut change = making(properties());
    change.action = Action::Delete;
    change.id = Some("pve2/5000".to_owned());
    change.prior = change.properties.clone();
    let mut proxmox = quick();
    proxmox.nodes[1] = node("pve2", 64, false);
    proxmox.machines.push(TemplateWorld {
        vmid: 5000,
        name: "app-0".to_owned(),
        node: "pve2".to_owned(),
        ..proxmox.templates[0].clone()
    });
    let world = world(proxmox).await;
    let findings = provider(&world).preflight(&world.cx(), &[&change]).await;
    let wrong = wrong(&findings);
    assert_eq!(
        wrong,
        [
            "Failed egg.app.vm[0]: its node pve2 is not online (without `--refresh=false`, what needs pve2 is skipped and the rest continues; `--replace egg.app.vm[0]` makes the machine on another node, and deletes this one when pve2 is back)"
        ]
    );
}
