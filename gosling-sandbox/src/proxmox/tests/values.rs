//! What values are refused, and how the others are kept.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::Value;

use super::{Lab, SOURCE};

#[test]
fn values_are_checked_as_strictly_as_the_real_ones() {
    let mut lab = Lab::new(|_| {});
    let mut complaint = |form: &str, name: &str| {
        let reply = lab.form("PUT", "/nodes/pve1/qemu/9000/config", form);
        assert_eq!(reply.status, 400, "{form}");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["message"], "Parameter verification failed.\n");
        body["errors"][name].as_str().unwrap().to_owned()
    };
    let unknown = "property is not defined in schema and the schema does not allow additional properties";
    assert_eq!(complaint("net32=virtio", "net32"), unknown);
    assert_eq!(
        complaint("onboot=true", "onboot"),
        "type check ('boolean') failed - got 'true'"
    );
    assert_eq!(
        complaint("cores=two", "cores"),
        "type check ('integer') failed - got 'two'"
    );
    assert_eq!(
        complaint("cores=0", "cores"),
        "value must have a minimum value of 1"
    );
    assert_eq!(
        complaint("name=a_b", "name"),
        "invalid format - value 'a_b' does not look like a valid DNS name\n"
    );
    assert_eq!(
        complaint("bios=uefi", "bios"),
        "value 'uefi' does not have a value in the enumeration 'seabios, ovmf'"
    );
    assert!(
        complaint("net0=virtio,bridg=vmbr0", "net0")
            .contains("invalid key in comma-separated list property: bridg")
    );
    assert!(
        complaint("net0=virtio,tag=9999", "net0")
            .contains("net0.tag: value must have a maximum value of 4094")
    );
    assert!(complaint("sshkeys=ssh-ed25519 AAAA", "sshkeys").contains("invalid urlencoded string"));
    let long = format!("description={}", "x".repeat(8193));
    assert_eq!(
        complaint(&long, "description"),
        "value may only be 8192 characters long"
    );
}

#[test]
fn f10_values_that_are_no_values_are_refused() {
    let mut lab = Lab::new(|_| {});
    for wrong in [
        "net0=foo,bridge=vmbr0",
        "net0=virtio=NOTAMAC",
        "net1=bridge=vmbr0",
        "net0=virtio,tag=9999",
        "net0=virtio,virtio=BC:24:11:00:00:01",
        "net0=virtio,bridge=",
        "ipconfig0=foo=bar",
        "ipconfig0=ip=10.0.0.2",
        "ipconfig0=gw=10.0.0.1",
        "boot=garbage",
        "boot=order=disk0",
        "agent=maybe",
        "cpu=i7",
        "cpu=host,flags=fast",
        "nameserver=not_an_address",
        "hotplug=everything",
        "machine=pentium",
        "vga=good",
        "scsi1=local-lvm:1,cache=fast",
        "scsi1=local-lvm:1,discard=yes",
        "scsi1=cache=none",
        "virtio1=local-lvm:1,ssd=1",
        "memory=1",
        "efidisk0=local-lvm:1,efitype=8m",
        "startup=first",
        "smbios1=uuid=1",
        "rng0=/dev/zero",
        "watchdog=dog",
        "usb0=mouse",
        "tags=a/b",
        "affinity=a",
        "audio0=device=loud",
        "numa0=cpus=a",
        "hookscript=here",
        "delete=0",
    ] {
        let reply = lab.form("PUT", "/nodes/pve1/qemu/9000/config", &wrong.replace('+', "%2B"));
        assert_eq!(reply.status, 400, "{wrong}");
    }
    let refused = |reply: crate::Reply, name: &str| -> String {
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        body["errors"][name].as_str().unwrap().to_owned()
    };
    let reply = lab.form("PUT", "/nodes/pve1/qemu/9000/config", "delete=nosuchoption");
    assert_eq!(refused(reply, "delete"), "unknown option 'nosuchoption'");
    let reply = lab.form("PUT", "/nodes/pve1/qemu/9000/config", "force=1");
    assert_eq!(
        refused(reply, "delete"),
        "missing property - 'force' requires this property"
    );
    let reply = lab.form("PUT", "/nodes/pve1/qemu/9000/resize", "disk=foo&size=8G");
    assert_eq!(reply.status, 400);
    let words = "balloon value too large (must be smaller than assigned memory)".to_owned();
    let balloon = lab.fails("PUT", "/nodes/pve1/qemu/9000/config", "balloon=4096");
    assert_eq!(balloon, (500, words));
    let snapshot = (500, "snapshot 'before' does not exist".to_owned());
    assert_eq!(lab.fails("POST", SOURCE, "newid=101&snapname=before"), snapshot);
    assert_eq!(
        lab.fails("GET", "/nodes/pve1/qemu/9000/config?snapshot=before", ""),
        snapshot
    );
    let template = "ostemplate=local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst&vmid=101";
    let bind = (
        403,
        "mount point type bind is only allowed for root@pam".to_owned(),
    );
    let mount = format!("{template}&mp0=/mnt,mp=/data");
    assert_eq!(lab.fails("POST", "/nodes/pve1/lxc", &mount), bind);
    for wrong in [
        "net0=name=eth0,ip=10.0.0.2",
        "nameserver=dns.lan",
        "password=abc",
        "mp0=local-lvm:1",
        "unique=1",
    ] {
        let reply = lab.form("POST", "/nodes/pve1/lxc", &format!("{template}&{wrong}"));
        assert_eq!(reply.status, 400, "{wrong}");
    }
}

#[test]
fn f1_what_bpgs_provider_and_others_send_is_taken() {
    let mut lab = Lab::new(|world| world.version = "9.1.3".to_owned());
    let form = "vmid=101&keyboard=en-us&virtio0=local-lvm:8,iothread=1,discard=on&tpmstate0=local-lvm:1,version=v2.0\
                &efidisk0=local-lvm:1,efitype=4m,pre-enrolled-keys=0&audio0=device=ich9-intel-hda&numa0=cpus=0,memory=512\
                &usb0=host=spice&net0=e1000e,bridge=vmbr0&spice_enhancements=foldersharing=1&cdrom=none\
                &sata0=local-lvm:1,ssd=1,iops_rd_max=9,bps_rd_length=2&startdate=now";
    assert_eq!(lab.run("POST", "/nodes/pve1/qemu", form), "OK");
    let config = lab.data("GET", "/nodes/pve1/qemu/101/config", "");
    assert_eq!(config["keyboard"], "en-us");
    assert_eq!(config["ide2"], "none");
    let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
    let form = format!(
        "vmid=102&ostemplate={template}&net0=name=eth0,bridge=vmbr0,host-managed=1&rootfs=local-lvm:4&\
         mp0=local-lvm:1,mp=/data,keepattrs=1&timezone=Europe/Berlin&nameserver=10.0.0.1"
    );
    assert_eq!(lab.run("POST", "/nodes/pve1/lxc", &form), "OK");
    let file = "/nodes/pve1/qemu/101/agent/file-read?file=/a&count=4&offset=0&decode=1";
    assert_eq!(lab.fails("GET", file, "").0, 500, "its parameters are fine");
}

#[test]
fn a_variable_of_the_path_may_be_given_again_with_the_same_value() {
    let mut lab = Lab::new(|_| {});
    let path = "/nodes/pve1/storage/local/download-url";
    let form = "content=import&filename=a.qcow2&url=https://images.test/a.qcow2&storage=local&node=";
    assert_eq!(lab.form("POST", path, &format!("{form}pve2")).status, 400);
    assert_eq!(lab.run("POST", path, &format!("{form}pve1")), "OK");
}

#[test]
fn f12_f14_tags_and_cards_are_kept_in_their_own_spelling() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101&full=1");
    let config = "/nodes/pve1/qemu/101/config";
    let form = "tags=;Tag1;other, tag1;&net0=bridge=vmbr0,model=virtio,tag=8,macaddr=BC:24:11:00:00:07";
    lab.data("PUT", config, form);
    let shown = lab.data("GET", config, "");
    assert_eq!(shown["tags"], "other;tag1");
    assert_eq!(shown["net0"], "virtio=BC:24:11:00:00:07,bridge=vmbr0,tag=8");
    lab.data("PUT", config, "net0=e1000,bridge=vmbr0");
    let shown = lab.data("GET", config, "");
    assert_eq!(shown["net0"], "e1000=BC:24:11:00:00:07,bridge=vmbr0");
    let form = "vmid=102&net0=virtio=BC:24:11:00:00:08,bridge=vmbr0";
    lab.run("POST", "/nodes/pve1/qemu", form);
    let shown = lab.data("GET", "/nodes/pve1/qemu/102/config", "");
    assert_eq!(shown["net0"], "virtio=BC:24:11:00:00:08,bridge=vmbr0");
}

#[test]
fn f15_a_disk_that_nobody_uses_goes_with_its_entry() {
    let mut lab = Lab::new(|_| {});
    lab.run("POST", SOURCE, "newid=101&full=1");
    let config = "/nodes/pve1/qemu/101/config";
    let disks = |lab: &mut Lab| {
        let path = "/nodes/pve1/storage/local-lvm/content?vmid=101";
        lab.data("GET", path, "").as_array().unwrap().len()
    };
    lab.data("PUT", config, "scsi1=local-lvm:1&scsi2=local-lvm:1");
    lab.data("PUT", config, "delete=scsi1");
    assert_eq!(disks(&mut lab), 3);
    assert_eq!(lab.data("GET", config, "")["unused0"], "local-lvm:vm-101-disk-1");
    lab.data("PUT", config, "delete=unused0");
    assert_eq!(disks(&mut lab), 2);
    lab.data("PUT", config, "delete=scsi2&force=1");
    assert_eq!(disks(&mut lab), 1);
}
