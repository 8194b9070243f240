//! Who may do what.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::{Lab, SOURCE};

#[test]
fn a_missing_privilege_is_named() {
    let mut lab = Lab::new(|world| world.privileges = Some(vec!["VM.Audit".to_owned()]));
    let words = "Permission check failed (/vms/9000, VM.Clone)".to_owned();
    assert_eq!(lab.fails("POST", SOURCE, "newid=101"), (403, words));
    assert_eq!(
        lab.data("GET", "/nodes/pve1/qemu/9000/config", "")["name"],
        "debian-12-cloud"
    );
    assert_eq!(
        lab.data("GET", "/access/permissions?path=/vms", ""),
        json!({"/vms": {"VM.Audit": 1}})
    );
}

#[test]
fn each_value_takes_a_privilege_of_its_own() {
    let every = [
        "VM.Clone",
        "VM.Allocate",
        "SDN.Use",
        "VM.Config.CPU",
        "VM.Config.Memory",
        "Datastore.AllocateSpace",
    ];
    let without = |lacking: &str| {
        let left = every.iter().filter(|name| **name != lacking);
        let left = left.map(|name| (*name).to_owned()).collect();
        Lab::new(|world| world.privileges = Some(left))
    };
    let words = |place: &str, lacking: &str| (403, format!("Permission check failed ({place}, {lacking})"));
    let clone = "newid=101&full=1&pool=ci";
    for (place, lacking) in [
        ("/vms/9000", "VM.Clone"),
        ("/pool/ci", "VM.Allocate"),
        ("/storage/local-lvm", "Datastore.AllocateSpace"),
        ("/sdn/zones/localnetwork/vmbr0", "SDN.Use"),
    ] {
        assert_eq!(
            without(lacking).fails("POST", SOURCE, clone),
            words(place, lacking)
        );
    }
    let mut lab = without("nothing");
    assert_eq!(lab.form("POST", SOURCE, clone).status, 200);
    lab.later(1000);
    let config = "/nodes/pve1/qemu/101/config";
    assert_eq!(lab.form("PUT", config, "cores=2&memory=2048").status, 200);
    let mut lacks = |form: &str, lacking: &str| {
        assert_eq!(
            lab.fails("PUT", config, form),
            words("/vms/101", lacking),
            "{form}"
        );
    };
    lacks("cores=4&name=a", "VM.Config.Options");
    lacks("net0=virtio,bridge=vmbr0", "VM.Config.Network");
    lacks("ide2=none,media=cdrom", "VM.Config.CDROM");
    lacks("delete=scsi0", "VM.Config.Disk");
    lacks("ciuser=root", "VM.Config.Cloudinit|VM.Config.Network");
    let mut lab = Lab::new(|_| {});
    let root = (500, "only root can set 'args' config".to_owned());
    assert_eq!(lab.fails("PUT", "/nodes/pve1/qemu/9000/config", "args=-s"), root);
}

#[test]
fn the_agent_takes_another_privilege_in_version_9() {
    let privileges = || Some(vec!["VM.Monitor".to_owned()]);
    let ping = "/nodes/pve1/qemu/9000/agent/ping";
    let mut lab = Lab::new(|world| world.privileges = privileges());
    assert_eq!(
        lab.fails("POST", ping, ""),
        (500, "VM 9000 is not running".to_owned())
    );
    let mut lab = Lab::new(|world| {
        world.privileges = privileges();
        world.version = "9.1.3".to_owned();
    });
    let words =
        "Permission check failed (/vms/9000, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)".to_owned();
    assert_eq!(lab.fails("POST", ping, ""), (403, words));
}

/// A cluster whose token has these privileges by paths.
fn with(acl: &[(&str, &[&str])]) -> Lab {
    let acl = acl.iter().map(|(path, privileges)| {
        let privileges = privileges.iter().map(|&privilege| privilege.to_owned());
        ((*path).to_owned(), privileges.collect())
    });
    let acl = acl.collect();
    Lab::new(|world| {
        world.acl = Some(acl);
        world.volumes.push("local:iso/a.iso".to_owned());
        world.volumes.push("local:import/a.qcow2".to_owned());
    })
}

#[test]
fn f2_a_new_machine_has_the_privileges_of_the_pool_that_it_is_to_be_in() {
    let on_pool: &[&str] = &[
        "VM.Allocate",
        "VM.Config.CPU",
        "VM.Config.Disk",
        "VM.Config.HWType",
        "VM.Config.Memory",
        "VM.Config.Options",
    ];
    let mut lab = with(&[
        ("/pool/ci", on_pool),
        ("/storage", &["Datastore.AllocateSpace", "Datastore.Audit"]),
    ]);
    let create = "/nodes/pve1/qemu";
    let form =
        "vmid=5002&name=a&memory=2048&scsi0=local-lvm:0,import-from=local:import/a.qcow2&serial0=socket";
    let words = "Permission check failed (/vms/5002, VM.Allocate)".to_owned();
    assert_eq!(lab.fails("POST", create, form), (403, words));
    assert_eq!(lab.run("POST", create, &format!("{form}&pool=ci")), "OK");
    let words = "Permission check failed (/vms/5003, VM.Config.Network)".to_owned();
    let form = "vmid=5003&pool=ci&net0=virtio";
    assert_eq!(lab.fails("POST", create, form), (403, words));
}

#[test]
fn f2b_a_clones_number_is_as_good_as_its_pool() {
    let rest: [(&str, &[&str]); 3] = [
        ("/vms/9000", &["VM.Clone"]),
        ("/storage", &["Datastore.AllocateSpace"]),
        ("/sdn", &["SDN.Use"]),
    ];
    let clone = "newid=101&pool=ci&full=1";
    for place in ["/vms/101", "/pool/ci"] {
        let mut lab = with(&[&rest[..], &[(place, &["VM.Allocate"])]].concat());
        assert_eq!(lab.form("POST", SOURCE, clone).status, 200, "{place}");
    }
    let words = "Permission check failed (/pool/ci, VM.Allocate)".to_owned();
    assert_eq!(with(&rest).fails("POST", SOURCE, clone), (403, words));
}

#[test]
fn f11_what_lets_a_node_fetch_from_an_address_takes_a_privilege_of_its_own() {
    let storage: (&str, &[&str]) = ("/storage/local", &["Datastore.AllocateTemplate"]);
    let url = "url=https://images.test/a.qcow2";
    let download = "/nodes/pve1/storage/local/download-url";
    let form = format!("content=import&filename=b.qcow2&{url}");
    let query = format!("/nodes/pve1/query-url-metadata?{url}");
    let words = "Permission check failed (/nodes/pve1, Sys.AccessNetwork)".to_owned();
    for too_little in [&[][..], &["Sys.Modify"], &["Sys.Audit"]] {
        let mut lab = with(&[storage, ("/", too_little)]);
        assert_eq!(lab.fails("POST", download, &form), (403, words.clone()));
        assert_eq!(lab.fails("GET", &query, ""), (403, words.clone()));
    }
    let enough: [(&str, &[&str]); 2] = [
        ("/nodes/pve1", &["Sys.AccessNetwork"]),
        ("/", &["Sys.Audit", "Sys.Modify"]),
    ];
    for enough in enough {
        let mut lab = with(&[storage, enough]);
        assert_eq!(lab.form("POST", download, &form).status, 200);
        let found = lab.data("GET", &query, "");
        assert_eq!(found["filename"], "a.qcow2");
    }
}

#[test]
fn f11_an_image_in_a_drive_takes_access_to_its_storage() {
    let machine: (&str, &[&str]) = ("/vms/9000", &["VM.Config.CDROM"]);
    let (config, form) = ("/nodes/pve1/qemu/9000/config", "ide2=local:iso/a.iso,media=cdrom");
    let words =
        "Permission check failed (/storage/local, Datastore.AllocateSpace|Datastore.Audit)".to_owned();
    assert_eq!(with(&[machine]).fails("PUT", config, form), (403, words.clone()));
    assert_eq!(
        with(&[machine, ("/storage", &["Datastore.Audit"])])
            .form("PUT", config, form)
            .status,
        200
    );
    let volume = "/nodes/pve1/storage/local/content/iso/a.iso";
    assert_eq!(with(&[machine]).fails("GET", volume, ""), (403, words));
}

#[test]
fn f11_lists_show_what_the_token_may_see() {
    let lists = [
        ("/nodes/pve1/qemu", "vmid"),
        ("/storage", "storage"),
        ("/nodes/pve1/storage", "storage"),
        ("/pools", "poolid"),
    ];
    let seen = |lab: &mut Lab| -> Vec<Vec<Value>> {
        let lists = lists.iter().map(|(path, key)| {
            let list = lab.data("GET", path, "");
            let items = list.as_array().unwrap().iter();
            items.map(|item| item[key].clone()).collect()
        });
        lists.collect()
    };
    assert!(seen(&mut with(&[])).iter().all(Vec::is_empty));
    let mut lab = with(&[
        ("/vms/9000", &["VM.Audit"]),
        ("/storage/local", &["Datastore.AllocateSpace"]),
        ("/pool/ci", &["Pool.Audit"]),
    ]);
    let one = |value: Value| vec![value];
    assert_eq!(
        seen(&mut lab),
        [
            one(json!(9000)),
            one(json!("local")),
            one(json!("local")),
            one(json!("ci"))
        ]
    );
    let resources = lab.data("GET", "/cluster/resources", "");
    let ids: Vec<_> = resources
        .as_array()
        .unwrap()
        .iter()
        .map(|shown| shown["id"].clone())
        .collect();
    assert_eq!(ids, [json!("qemu/9000"), json!("/pool/ci")]);
    let words = "Permission check failed (/pool/lab, Pool.Audit)".to_owned();
    assert_eq!(lab.fails("GET", "/pools?poolid=lab", ""), (403, words));
}

#[test]
fn f11_a_container_that_is_privileged_takes_more_in_version_9() {
    let acl: std::collections::BTreeMap<_, _> = [
        ("/vms", vec!["VM.Allocate", "VM.Config.Options"]),
        ("/storage", vec!["Datastore.AllocateSpace", "Datastore.Audit"]),
    ]
    .into_iter()
    .map(|(path, privileges)| {
        (
            path.to_owned(),
            privileges.into_iter().map(str::to_owned).collect(),
        )
    })
    .collect();
    let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
    let form = format!("vmid=101&ostemplate={template}&storage=local-lvm&unprivileged=");
    let mut lab = Lab::new(|world| {
        world.acl = Some(acl);
        world.version = "9.1.3".to_owned();
    });
    let words = "Permission check failed (/, Sys.Modify)".to_owned();
    assert_eq!(
        lab.fails("POST", "/nodes/pve1/lxc", &format!("{form}0")),
        (403, words)
    );
    assert_eq!(
        lab.form("POST", "/nodes/pve1/lxc", &format!("{form}1")).status,
        200
    );
}
