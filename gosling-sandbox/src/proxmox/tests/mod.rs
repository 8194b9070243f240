//! The quirks, one by one, at times that the test decides.

#![allow(clippy::unwrap_used, clippy::panic)]

mod clients;
mod cloud_init;
mod contract;
mod firewall;
mod privileges;
mod values;

use std::time::Duration;

use serde_json::{Value, json};

use super::Proxmox;
use crate::dice::Dice;
use crate::ledger::{Ledger, WorldName};
use crate::world::ProxmoxWorld;
use crate::{Call, Reply, World};

/// A cluster, and a clock that only the test moves.
struct Lab {
    proxmox: Proxmox,
    ledger: Ledger,
    at: Duration,
}

impl Lab {
    fn new(change: impl FnOnce(&mut ProxmoxWorld)) -> Self {
        let mut world = ProxmoxWorld {
            late_tasks_percent: 0,
            ..ProxmoxWorld::default()
        };
        change(&mut world);
        let mut ledger = Ledger::default();
        let proxmox = Proxmox::new(&world, "secret", Dice::new(1), &mut ledger);
        Self {
            proxmox,
            ledger,
            at: Duration::ZERO,
        }
    }

    fn later(&mut self, milliseconds: u64) {
        self.at += Duration::from_millis(milliseconds);
        self.proxmox.pass(self.at, &mut self.ledger);
    }

    fn send(&mut self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Reply {
        let headers = [
            ("authorization", "PVEAPIToken=a@pve!b=secret"),
            ("content-type", content_type),
        ];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = Call {
            method: method.to_owned(),
            path: format!("/api2/json{path}"),
            query: crate::call::pairs(query),
            headers: headers
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.to_vec(),
            at: self.at,
        };
        let n = self.ledger.begin(WorldName::Proxmox, method, &call.path);
        self.proxmox.answer(n, &call, &mut self.ledger)
    }

    fn form(&mut self, method: &str, path: &str, form: &str) -> Reply {
        self.send(method, path, "application/x-www-form-urlencoded", form.as_bytes())
    }

    /// The `data` of a call that has to succeed.
    fn data(&mut self, method: &str, path: &str, form: &str) -> Value {
        let reply = self.form(method, path, form);
        assert_eq!(reply.status, 200, "{method} {path}: {:?}", reply.reason);
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        body["data"].clone()
    }

    /// Status and words of a call that has to fail.
    fn fails(&mut self, method: &str, path: &str, form: &str) -> (u16, String) {
        let reply = self.form(method, path, form);
        assert_ne!(reply.status, 200, "{method} {path}");
        (reply.status, reply.reason.unwrap_or_default())
    }

    /// Begins a task: its UPID.
    fn begin(&mut self, method: &str, path: &str, form: &str) -> String {
        self.data(method, path, form).as_str().unwrap().to_owned()
    }

    /// How a task ended; `running` while it has not.
    fn end(&mut self, upid: &str) -> String {
        let node = upid.split(':').nth(1).unwrap().to_owned();
        let status = self.data("GET", &format!("/nodes/{node}/tasks/{upid}/status"), "");
        let end = if status["status"] == "running" {
            &status["status"]
        } else {
            &status["exitstatus"]
        };
        end.as_str().unwrap().to_owned()
    }

    /// Begins a task and waits for its end.
    fn run(&mut self, method: &str, path: &str, form: &str) -> String {
        let upid = self.begin(method, path, form);
        self.later(5000);
        self.end(&upid)
    }

    fn upload(&mut self, name: &str, data: &[u8]) {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n--b\r\n\
             Content-Disposition: form-data; name=\"filename\"; filename=\"{name}\"\r\n\r\n"
        );
        let body = [head.as_bytes(), data, b"\r\n--b--\r\n"].concat();
        let reply = self.send(
            "POST",
            "/nodes/pve1/storage/local/upload",
            "multipart/form-data; boundary=b",
            &body,
        );
        assert_eq!(reply.status, 200, "{:?}", reply.reason);
        self.later(1000);
    }
}

const SOURCE: &str = "/nodes/pve1/qemu/9000/clone";

#[test]
fn two_callers_get_one_number_and_the_second_clone_is_refused_while_the_first_is_under_way() {
    let mut lab = Lab::new(|_| {});
    assert_eq!(lab.data("GET", "/cluster/nextid", ""), json!("100"));
    assert_eq!(lab.data("GET", "/cluster/nextid", ""), json!("100"));
    lab.begin("POST", SOURCE, "newid=100&full=1");
    let words = "unable to create VM 100: config file already exists".to_owned();
    assert_eq!(lab.fails("POST", SOURCE, "newid=100"), (500, words));
    let words = "unable to create VM 100 - VM 100 already exists on node 'pve1'".to_owned();
    assert_eq!(lab.fails("POST", "/nodes/pve2/qemu", "vmid=100"), (500, words));
    let end = lab.run("POST", "/nodes/pve2/qemu/9001/clone", "newid=100");
    assert!(end.ends_with("File exists"), "{end}");
    let config = lab.data("GET", "/nodes/pve1/qemu/100/config", "");
    assert_eq!(
        config["name"], "Copy-of-VM-debian-12-cloud",
        "the first one is not harmed"
    );
}

#[test]
fn a_clone_under_way_is_locked_and_does_not_show_what_it_will_be() {
    let mut lab = Lab::new(|_| {});
    let form = "newid=100&full=1&name=a&description=mark&pool=ci";
    let upid = lab.begin("POST", SOURCE, form);
    let path = "/nodes/pve1/qemu/100/config";
    let seen = |config: &Value| [&config["lock"], &config["description"], &config["name"]].map(Clone::clone);
    let config = lab.data("GET", path, "");
    let temporary = [json!("clone"), json!(" qmclone temporary file"), Value::Null];
    assert_eq!(seen(&config), temporary);
    let locked = "VM is locked (clone)".to_owned();
    assert_eq!(lab.fails("PUT", path, "cores=2"), (500, locked.clone()));
    let tasks = [
        lab.begin("POST", "/nodes/pve1/qemu/100/status/start", ""),
        lab.begin("PUT", "/nodes/pve1/qemu/100/resize", "disk=scsi0&size=20G"),
        lab.begin("DELETE", "/nodes/pve1/qemu/100", ""),
    ];
    lab.later(1000);
    assert_eq!(
        tasks.map(|upid| lab.end(&upid)),
        [locked.clone(), locked.clone(), locked]
    );
    assert_eq!(lab.end(&upid), "OK");
    let config = lab.data("GET", path, "");
    assert_eq!(seen(&config), [Value::Null, json!("mark"), json!("a")]);
    assert_eq!(lab.data("GET", "/pools/ci", "")["members"][0]["vmid"], 100);
}

#[test]
fn a_third_clone_to_the_same_storage_loses_its_machine_where_the_world_says_so() {
    let mut lab = Lab::new(|world| world.clones_at_once = Some(2));
    let clones: Vec<_> = (101..=103)
        .map(|id| lab.begin("POST", SOURCE, &format!("newid={id}&full=1")))
        .collect();
    let elsewhere = lab.begin("POST", "/nodes/pve2/qemu/9001/clone", "newid=104&full=1");
    lab.later(1000);
    let ends: Vec<_> = clones.iter().map(|upid| lab.end(upid)).collect();
    let timeout = "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout";
    assert_eq!(ends, ["OK", "OK", timeout]);
    assert_eq!(
        lab.end(&elsewhere),
        "OK",
        "another node's storage is another storage"
    );
    assert_eq!(lab.fails("GET", "/nodes/pve1/qemu/103/config", "").0, 500);
    let gone = lab
        .ledger
        .objects()
        .iter()
        .find(|object| object.id == "103")
        .unwrap();
    assert_eq!(gone.created, gone.deleted, "who asked for it is who lost it");
    assert_eq!(lab.run("POST", SOURCE, "newid=103&full=1"), "OK");
}

#[test]
fn f8_any_number_of_full_clones_to_one_storage_end_well() {
    let mut lab = Lab::new(|_| {});
    let clones: Vec<_> = (101..=106)
        .map(|id| lab.begin("POST", SOURCE, &format!("newid={id}&full=1")))
        .collect();
    lab.later(1000);
    let ends: Vec<_> = clones.iter().map(|upid| lab.end(upid)).collect();
    assert_eq!(ends, ["OK"; 6]);
}

#[test]
fn a_full_storage_fails_the_task_and_leaves_nothing() {
    let mut lab = Lab::new(|world| world.storages[1].total_gib = 10);
    assert_eq!(lab.run("POST", SOURCE, "newid=101&full=1"), "OK");
    let end = lab.run("POST", SOURCE, "newid=102&full=1");
    assert!(
        end.starts_with("clone failed: ") && end.contains("not enough free space"),
        "{end}"
    );
    let end = lab.run("PUT", "/nodes/pve1/qemu/101/resize", "disk=scsi0&size=20G");
    assert_eq!(end, "not enough free space on storage 'local-lvm'");
    assert_eq!(lab.run("DELETE", "/nodes/pve1/qemu/101?purge=1", ""), "OK");
    assert_eq!(
        lab.run("POST", SOURCE, "newid=102&full=1"),
        "OK",
        "the disks went with the machine"
    );
}

#[test]
fn a_clone_to_another_node_needs_a_shared_storage() {
    let mut lab = Lab::new(|_| {});
    let words = "can't clone VM to node 'pve2' (VM uses local storage)".to_owned();
    assert_eq!(lab.fails("POST", SOURCE, "newid=101&target=pve2"), (500, words));
    let mut lab = Lab::new(|world| world.storages[1].shared = true);
    assert_eq!(lab.run("POST", SOURCE, "newid=101&full=1&target=pve2"), "OK");
    assert_eq!(
        lab.data("GET", "/nodes/pve2/qemu/101/status/current", "")["status"],
        "stopped"
    );
}

#[test]
fn a_new_task_may_not_be_visible_yet() {
    let mut lab = Lab::new(|world| world.late_tasks_percent = 100);
    let upid = lab.begin("POST", SOURCE, "newid=101");
    let path = format!("/nodes/pve1/tasks/{upid}/status");
    assert_eq!(lab.fails("GET", &path, "").0, 400);
    assert_eq!(lab.data("GET", &path, "")["upid"], json!(upid));
}

#[test]
fn a_task_waits_for_its_guest_and_not_for_ever() {
    let mut lab = Lab::new(|world| world.speed.start = 30_000);
    lab.run("POST", SOURCE, "newid=101");
    let start = lab.begin("POST", "/nodes/pve1/qemu/101/status/start", "");
    let stop = lab.begin("POST", "/nodes/pve1/qemu/101/status/stop", "");
    let words = "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout".to_owned();
    assert_eq!(
        lab.fails("PUT", "/nodes/pve1/qemu/101/config", "cores=2"),
        (500, words.clone())
    );
    lab.later(10_000);
    assert_eq!((lab.end(&stop), lab.end(&start)), (words, "running".to_owned()));
    lab.later(12_000);
    let reply = lab.form("PUT", "/nodes/pve1/qemu/101/config", "cores=2");
    assert_eq!(
        (reply.status, reply.delay),
        (200, Duration::from_secs(8)),
        "it waited for the start's end"
    );
}

#[test]
fn a_machine_that_boots_reads_the_user_data_in_its_drive() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101");
    let image = super::iso::tests::cidata(b"#cloud-config\n");
    lab.upload("seed.iso", &image);
    lab.data(
        "PUT",
        "/nodes/pve1/qemu/101/config",
        "ide2=local:iso/seed.iso,media=cdrom",
    );
    lab.begin("POST", "/nodes/pve1/qemu/101/status/start", "");
    lab.later(200);
    assert_eq!(lab.proxmox.boots(), []);
    lab.later(300);
    let boot = crate::Boot {
        machine: "qemu/101".to_owned(),
        user_data: Some(b"#cloud-config\n".to_vec()),
        instance: None,
    };
    assert_eq!(lab.proxmox.boots(), std::slice::from_ref(&boot));
    assert_eq!(lab.proxmox.boots(), []);

    lab.data("PUT", "/nodes/pve1/qemu/101/config", "delete=ide2");
    let end = lab.run(
        "DELETE",
        "/nodes/pve1/storage/local/content/local:iso%2Fseed.iso",
        "",
    );
    assert_eq!(end, "OK");
    lab.run("POST", "/nodes/pve1/qemu/101/status/stop", "");
    let halts: Vec<_> = lab
        .proxmox
        .halts()
        .into_iter()
        .map(|(machine, _)| machine)
        .collect();
    assert_eq!(halts, ["qemu/101"]);
    lab.run("POST", "/nodes/pve1/qemu/101/status/start", "");
    assert_eq!(
        lab.proxmox.boots(),
        [boot],
        "its disk is as the first boot left it"
    );
}

#[test]
fn a_machine_does_not_start_with_an_image_that_is_gone_or_on_a_bridge_that_is_not_there() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101");
    lab.upload("seed.iso", b"anything");
    lab.data(
        "PUT",
        "/nodes/pve1/qemu/101/config",
        "ide2=local:iso/seed.iso,media=cdrom",
    );
    lab.run("DELETE", "/nodes/pve1/storage/local/content/iso/seed.iso", "");
    let end = lab.run("POST", "/nodes/pve1/qemu/101/status/start", "");
    assert_eq!(end, "volume 'local:iso/seed.iso' does not exist");
    lab.data(
        "PUT",
        "/nodes/pve1/qemu/101/config",
        "ide2=none,media=cdrom&net0=virtio,bridge=vmbr7",
    );
    let end = lab.run("POST", "/nodes/pve1/qemu/101/status/start", "");
    assert_eq!(end, "net0: bridge 'vmbr7' does not exist");
}

#[test]
fn a_machine_is_made_of_an_uploaded_image() {
    let mut lab = Lab::new(|world| world.volumes.push("local:import/debian.qcow2".to_owned()));
    let form =
        "vmid=101&name=a&scsi0=local-lvm:0,import-from=local:import/debian.qcow2&net0=virtio,bridge=vmbr0";
    assert_eq!(lab.run("POST", "/nodes/pve1/qemu", form), "OK");
    let config = lab.data("GET", "/nodes/pve1/qemu/101/config", "");
    assert_eq!(config["scsi0"], "local-lvm:vm-101-disk-0,size=1G");
    let end = lab.run(
        "POST",
        "/nodes/pve1/qemu",
        "vmid=102&scsi0=local-lvm:0,import-from=local:import/no.qcow2",
    );
    assert_eq!(
        end,
        "unable to create VM 102 - volume 'local:import/no.qcow2' does not exist"
    );
    assert_eq!(lab.fails("GET", "/nodes/pve1/qemu/102/config", "").0, 500);
}

#[test]
fn a_node_that_is_off_cannot_be_reached() {
    let mut lab = Lab::new(|world| world.nodes[1].online = false);
    assert_eq!(
        lab.fails("GET", "/nodes/pve2/status", ""),
        (595, "No route to host".to_owned())
    );
    let nodes = lab.data("GET", "/nodes", "");
    assert_eq!(
        (&nodes[0]["status"], &nodes[1]["status"]),
        (&json!("online"), &json!("offline"))
    );
}

#[test]
fn a_node_that_refuses_is_online_and_answers_nothing() {
    let mut lab = Lab::new(|world| world.nodes[1].refuses = Some(596));
    assert_eq!(
        lab.fails("GET", "/nodes/pve2/qemu", ""),
        (596, "Broken pipe".to_owned())
    );
    assert_eq!(lab.data("GET", "/nodes", "")[1]["status"], "online");
    lab.data("GET", "/nodes/pve1/qemu", "");
}

#[test]
fn a_cluster_has_one_authority_and_another_cluster_another() {
    let authority = |lab: &mut Lab, node: &str| {
        let all = lab.data("GET", &format!("/nodes/{node}/certificates/info"), "");
        assert_eq!(all[0]["filename"], "pve-root-ca.pem");
        assert_ne!(all[0]["fingerprint"], all[1]["fingerprint"]);
        all[0]["fingerprint"].clone()
    };
    let mut lab = Lab::new(|_| {});
    let mut other = Lab::new(|world| world.cluster = "other".to_owned());
    let one = authority(&mut lab, "pve1");
    assert_eq!(one, authority(&mut lab, "pve2"));
    assert_ne!(one, authority(&mut other, "pve1"));
}

#[test]
fn a_change_of_what_somebody_else_changed_is_refused() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101");
    let config = "/nodes/pve1/qemu/101/config";
    let digest = lab.data("GET", config, "")["digest"].as_str().unwrap().to_owned();
    lab.data("PUT", config, &format!("cores=2&digest={digest}"));
    let (status, words) = lab.fails("PUT", config, &format!("cores=3&digest={digest}"));
    assert!(
        status == 500 && words.starts_with("detected modified configuration"),
        "{words}"
    );
}

#[test]
fn an_upload_is_what_its_checksum_says() {
    let mut lab = Lab::new(|_| {});
    let body = |sum: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n\
             --b\r\nContent-Disposition: form-data; name=\"checksum\"\r\n\r\n{sum}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"checksum-algorithm\"\r\n\r\nsha256\r\n\
             --b\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"a.iso\"\r\n\r\nabc\r\n--b--\r\n"
        )
    };
    let mut end = |sum: &str| {
        let path = "/nodes/pve1/storage/local/upload";
        let reply = lab.send(
            "POST",
            path,
            "multipart/form-data; boundary=b",
            body(sum).as_bytes(),
        );
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        lab.later(1000);
        lab.end(answer["data"].as_str().unwrap())
    };
    assert!(end(&"0".repeat(64)).starts_with("checksum mismatch"));
    assert_eq!(
        end("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        "OK"
    );
    let volumes = lab
        .ledger
        .objects()
        .iter()
        .filter(|object| object.id == "pve1/local:iso/a.iso");
    assert_eq!(volumes.count(), 1);
}

#[test]
fn f16_a_refusal_has_a_body_and_an_index_lists_what_is_under_it() {
    let mut lab = Lab::new(|world| world.nodes[1].online = false);
    let message = |reply: &Reply| -> Value {
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        body["message"].clone()
    };
    let reply = lab.form("GET", "/nodes/pve2/status", "");
    assert_eq!(
        (reply.status, message(&reply)),
        (595, json!("No route to host\n"))
    );
    let reply = lab.form("GET", "/nothing", "");
    let words = "Method 'GET /nothing' not implemented\n";
    assert_eq!((reply.status, message(&reply)), (501, json!(words)));
    let reply = lab.send("PUT", "/nodes/pve1/qemu/9000/config", "text/plain", b"cores=2");
    assert_eq!(reply.status, 506);
    let names = |listed: &Value| -> Vec<String> {
        let children = listed.as_array().unwrap().iter();
        children
            .map(|child| child["subdir"].as_str().unwrap().to_owned())
            .collect()
    };
    let listed = lab.data("GET", "/nodes/pve1/qemu/9000/status", "");
    assert_eq!(names(&listed), ["current", "reboot", "shutdown", "start", "stop"]);
    assert!(names(&lab.data("GET", "/", "")).contains(&"nodes".to_owned()));
    assert_eq!(lab.fails("GET", "/nodes/pve1/nothing", "").0, 501);
}

#[test]
fn a_reboot_takes_in_what_waited_for_a_stop() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101&full=1");
    let reboot = "/nodes/pve1/qemu/101/status/reboot";
    assert_eq!(
        lab.fails("POST", reboot, ""),
        (500, "VM 101 not running".to_owned())
    );
    lab.run("POST", "/nodes/pve1/qemu/101/status/start", "");
    lab.data("PUT", "/nodes/pve1/qemu/101/config", "cores=3&memory=4096");
    lab.data("PUT", "/nodes/pve1/qemu/101/config", "revert=memory");
    let config = |lab: &mut Lab| lab.data("GET", "/nodes/pve1/qemu/101/config?current=1", "");
    assert_eq!(config(&mut lab)["cores"], 1);
    assert_eq!(lab.run("POST", reboot, ""), "OK");
    let now = config(&mut lab);
    assert_eq!((&now["cores"], &now["memory"]), (&json!(3), &json!("1024")));
    let status = lab.data("GET", "/nodes/pve1/qemu/101/status/current", "");
    assert_eq!(status["status"], "running");
}

#[test]
fn pools_are_made_filled_and_taken_away_when_they_are_empty() {
    let mut lab = Lab::new(|_| {});
    lab.data("POST", "/pools", "poolid=lab&comment=mine");
    let words = "create pool failed: pool 'lab' already exists".to_owned();
    assert_eq!(lab.fails("POST", "/pools", "poolid=lab"), (500, words));
    lab.data("PUT", "/pools/lab", "vms=9000&storage=local");
    let pool = lab.data("GET", "/pools/lab", "");
    assert_eq!(
        (&pool["comment"], &pool["members"][0]["vmid"]),
        (&json!("mine"), &json!(9000))
    );
    let taken = "update pools failed: VM 9000 is already a pool member".to_owned();
    assert_eq!(lab.fails("PUT", "/pools/ci", "vms=9000"), (500, taken));
    assert_eq!(lab.fails("DELETE", "/pools/lab", "").0, 500);
    lab.data("PUT", "/pools", "poolid=lab&vms=9000&storage=local&delete=1");
    lab.data("DELETE", "/pools?poolid=lab", "");
    assert_eq!(
        lab.fails("GET", "/pools/lab", ""),
        (500, "pool 'lab' does not exist".to_owned())
    );
}

#[test]
fn a_refused_token_waits() {
    let mut lab = Lab::new(|_| {});
    let call = Call {
        method: "GET".to_owned(),
        path: "/api2/json/version".to_owned(),
        query: Vec::new(),
        headers: vec![("authorization".to_owned(), "PVEAPIToken=a@pve!b=wrong".to_owned())],
        body: Vec::new(),
        at: Duration::ZERO,
    };
    let reply = lab.proxmox.answer(1, &call, &mut lab.ledger);
    let seen = (
        reply.status,
        reply.reason.as_deref(),
        reply.body.len(),
        reply.delay,
    );
    assert_eq!(
        seen,
        (401, Some("invalid token value!"), 0, Duration::from_secs(3))
    );
}
