//! The drive with cloud-init's data that Proxmox VE itself writes.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::{Lab, SOURCE};

const CONFIG: &str = "/nodes/pve1/qemu/9000/config";

/// A cluster whose first template has such a drive.
fn lab() -> Lab {
    Lab::new(|world| world.templates[0].cloud_init = Some("ide2".to_owned()))
}

/// The volumes of a machine.
fn volumes(lab: &mut Lab, vmid: u32) -> Vec<Value> {
    let path = format!("/nodes/pve1/storage/local-lvm/content?vmid={vmid}");
    let volumes = lab.data("GET", &path, "");
    let volumes = volumes.as_array().unwrap().iter();
    volumes.map(|volume| volume["volid"].clone()).collect()
}

#[test]
fn f3_a_drive_for_cloud_init_has_a_name_of_its_own_and_goes_with_its_entry() {
    let mut lab = Lab::new(|_| {});
    lab.data("PUT", CONFIG, "ide2=local-lvm:cloudinit");
    assert_eq!(
        lab.data("GET", CONFIG, "")["ide2"],
        "local-lvm:vm-9000-cloudinit,media=cdrom"
    );
    let words = "ide0 - cloud-init drive is already attached at 'ide2'".to_owned();
    assert_eq!(lab.fails("PUT", CONFIG, "ide0=local-lvm:cloudinit"), (500, words));
    // The same once more takes the old one's place.
    lab.data("PUT", CONFIG, "ide2=local-lvm:cloudinit");
    assert_eq!(
        volumes(&mut lab, 9000),
        ["local-lvm:vm-9000-disk-0", "local-lvm:vm-9000-cloudinit"]
    );
    // What is refused leaves no volume behind.
    let refused = lab.fails("PUT", CONFIG, "scsi1=local-lvm:1&balloon=4096");
    assert!(refused.1.starts_with("balloon value too large"), "{}", refused.1);
    let refused = lab.fails("PUT", CONFIG, "scsi1=local-lvm:1&scsi2=nowhere:1");
    assert_eq!(refused.1, "storage 'nowhere' does not exist");
    assert_eq!(volumes(&mut lab, 9000).len(), 2);
    lab.data("PUT", CONFIG, "delete=cdrom");
    assert_eq!(volumes(&mut lab, 9000), ["local-lvm:vm-9000-disk-0"]);
    assert_eq!(lab.data("GET", CONFIG, "")["unused0"], Value::Null);
}

#[test]
fn f3_a_clone_gets_a_drive_for_cloud_init_of_its_own() {
    for full in [0, 1] {
        let mut lab = lab();
        assert_eq!(lab.run("POST", SOURCE, &format!("newid=101&full={full}")), "OK");
        let clone = lab.data("GET", "/nodes/pve1/qemu/101/config", "");
        assert_eq!(clone["ide2"], "local-lvm:vm-101-cloudinit,media=cdrom,size=4M");
        lab.run("DELETE", "/nodes/pve1/qemu/101", "");
        assert_eq!(volumes(&mut lab, 101), Vec::<Value>::new());
        let template = lab.data("GET", CONFIG, "");
        assert_eq!(
            template["ide2"],
            "local-lvm:vm-9000-cloudinit,media=cdrom,size=4M"
        );
        assert_eq!(volumes(&mut lab, 9000).len(), 2);
    }
}

#[test]
fn a_machine_reads_the_first_of_two_drives_with_user_data() {
    let mut lab = lab();
    lab.run("POST", SOURCE, "newid=101&full=1");
    lab.upload(
        "seed.iso",
        &crate::proxmox::iso::tests::cidata(b"#cloud-config\nfrom: us\n"),
    );
    let config = "/nodes/pve1/qemu/101/config";
    let user_data = |lab: &mut Lab, drives: &str| {
        lab.data("PUT", config, drives);
        lab.run("POST", "/nodes/pve1/qemu/101/status/start", "");
        let boot = lab.proxmox.boots().pop().unwrap();
        lab.run("POST", "/nodes/pve1/qemu/101/status/stop", "");
        String::from_utf8(boot.user_data.unwrap()).unwrap()
    };
    let own = user_data(&mut lab, "ide3=local:iso/seed.iso,media=cdrom");
    assert!(own.contains("hostname: Copy-of-VM-debian-12-cloud"), "{own}");
    let ours = user_data(&mut lab, "delete=ide2");
    assert!(ours.contains("from: us"), "{ours}");
}

#[test]
fn f13_cloud_inits_values_are_shown_as_they_were_written_and_a_password_never() {
    let mut lab = lab();
    lab.run("POST", SOURCE, "newid=101&full=1&name=a");
    let config = "/nodes/pve1/qemu/101/config";
    lab.data("PUT", config, "ciuser=root&cipassword=s3cret&ipconfig0=ip=dhcp");
    for path in [config.to_owned(), "/nodes/pve1/qemu/101/pending".to_owned()] {
        let shown = lab.data("GET", &path, "").to_string();
        assert!(
            !shown.contains("s3cret") && shown.contains("**********"),
            "{shown}"
        );
    }
    let path = "/nodes/pve1/qemu/101/cloudinit";
    let entry = |lab: &mut Lab, key: &str| {
        let entries = lab.data("GET", path, "");
        let mut entries = entries.as_array().unwrap().clone().into_iter();
        entries.find(|entry| entry["key"] == key).unwrap()
    };
    assert_eq!(
        entry(&mut lab, "ciuser"),
        json!({"key": "ciuser", "pending": "root"})
    );
    lab.data("PUT", path, "");
    assert_eq!(
        entry(&mut lab, "ciuser"),
        json!({"key": "ciuser", "value": "root"})
    );
    assert_eq!(
        entry(&mut lab, "cipassword"),
        json!({"key": "cipassword", "value": "**********"})
    );
    lab.data("PUT", config, "delete=ciuser");
    assert_eq!(
        entry(&mut lab, "ciuser"),
        json!({"key": "ciuser", "value": "root", "delete": 1})
    );
}
