//! Machines that are not where or how the Nest asks for, and that a plan leaves as they are: it says so. And another
//! cluster behind the same provider.

use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;
use serde_json::Value as Json;

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// What somebody does in Proxmox VE without gosling.
fn by_hand(lab: &Lab, method: Method, path: &str, form: &[(&str, &str)]) {
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let token = format!("PVEAPIToken=root@pam!other={}", lab.environment["PROXMOX_TOKEN"]);
    let mut request =
        Request::new(method, format!("/api2/json{path}")).header("authorization", Secret::new(token));
    if matches!(method, Method::Post | Method::Put) {
        let form = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        request = request.body(Body::Form(form.collect()));
    }
    let client = Client::new(&endpoint).unwrap();
    let answer = lab
        .block_on(client.send(&request, &gosling_engine::fence::Unfenced))
        .unwrap();
    assert!(answer.is_success(), "{answer:?}");
}

const VM: &str = "/nodes/pve1/qemu/5000";

/// Puts lines into the cloud block of the one egg.
fn cloud(lab: &Lab, lines: &str) {
    let file = "Eggs/app/config.fly";
    let text = lab.read(file);
    let line = "template = \"debian-12-cloud\"\n";
    let at = text.find(line).unwrap() + line.len();
    let end = at + text[at..].find("  }").unwrap();
    lab.write(file, &format!("{}{lines}\n{}", &text[..at], &text[end..]));
}

fn plan_json(lab: &Lab) -> Json {
    let output = lab.run(&["plan", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// F14, G13.
#[test]
fn a_machine_that_is_elsewhere_than_the_nest_asks_for_is_shown_with_the_command_that_moves_it() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    cloud(
        &lab,
        "    nodes = [\"pve2\", \"pve3\"]\n    vmid_range = \"6000-6999\"\n    pool = \"other\"\n    iso_storage = \"nfs\"",
    );
    let plan = lab.green(&["plan"]);
    for words in [
        "egg.app.vm[0] is on pve1, which is not among `nodes` (pve2, pve3)",
        "egg.app.vm[0] has the VMID 5000, which is outside of `vmid_range` (6000-6999)",
        "egg.app.vm[0] is in the pool ci, and not in other",
        "# Eggs/app/config.fly:",
        "`gosling apply --replace 'egg.app.vm[0]'`",
    ] {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    assert!(!plan.contains("everything matches the Nest"), "{plan}");
    // Its image is gone, so that the storage for images matters to it no more.
    assert!(!plan.contains("nfs"), "{plan}");
    let json = plan_json(&lab);
    let remarks = json["plan"]["remarks"].as_array().unwrap();
    let attributes: Vec<_> = remarks
        .iter()
        .map(|remark| remark["attribute"].as_str().unwrap())
        .collect();
    assert_eq!(attributes, ["nodes", "vmid_range", "pool"]);
    assert!(
        remarks
            .iter()
            .all(|remark| remark["address"] == "egg.app.vm[0]" && remark["replace"] == true)
    );

    cloud(
        &lab,
        "    nodes = [\"pve2\", \"pve3\"]\n    vmid_range = \"6000-6999\"\n    pool = \"ci\"",
    );
    lab.green(&["apply", "--yes", "--replace", "egg.app.vm[0]"]);
    assert!(lab.green(&["state", "list"]).contains("/6000"));
    assert!(lab.green(&["plan"]).contains("everything matches the Nest"));
    lab.stop();
}

/// F14: of many machines, some and their number.
#[test]
fn of_many_machines_that_are_elsewhere_some_are_named() {
    let lab = Lab::one();
    lab.machines(6);
    lab.green(&["apply", "--yes"]);
    cloud(&lab, "    vmid_range = \"6000-6999\"");
    let plan = lab.green(&["plan"]);
    assert_eq!(plan.matches("outside of `vmid_range`").count(), 3, "{plan}");
    assert!(
        plan.contains("and 3 more of egg.app: `gosling plan --json` lists them"),
        "{plan}"
    );
    assert!(
        plan.contains("is in the pool ci, and the Nest names none"),
        "{plan}"
    );
    let remarks = plan_json(&lab)["plan"]["remarks"].as_array().unwrap().len();
    assert_eq!(remarks, 12);
    lab.stop();
}

/// F14: a node that the cluster does not have.
#[test]
fn a_node_that_does_not_exist_is_said_by_preflight_also_where_no_machine_is_created() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    cloud(&lab, "    nodes = [\"pve1\", \"pve9\"]\n    pool = \"ci\"");
    assert!(lab.green(&["plan"]).contains("everything matches the Nest"));
    let preflight = lab.green(&["preflight"]);
    assert!(
        preflight.contains("`nodes` names pve9, and the cluster has no such node"),
        "{preflight}"
    );
    assert!(
        preflight.contains("its nodes are pve1, pve2, pve3"),
        "{preflight}"
    );
    lab.stop();
}

/// G14: what the Nest has no word for and can be put back without a restart.
#[test]
fn a_machine_that_does_not_start_with_its_node_any_more_is_put_right_in_place() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(
        &lab,
        Method::Put,
        &format!("{VM}/config"),
        &[("onboot", "0"), ("agent", "0")],
    );
    // The agent's channel goes with the next start.
    by_hand(&lab, Method::Post, &format!("{VM}/status/reboot"), &[]);
    let plan = until(&lab, |plan| plan.contains("agent: true -> false"));
    for words in ["onboot: true -> false", "is changed in place  ", "1 to change,"] {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    let since = lab.calls();
    lab.green(&["apply", "--yes"]);
    let restarts = lab.running.ledger().calls()[since..]
        .iter()
        .filter(|call| call.changes && call.path.contains("/status/"))
        .count();
    assert_eq!(restarts, 0);
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("0 to change") || plan.contains("No changes"),
        "{plan}"
    );
    assert!(!plan.contains("-> false"), "{plan}");
    lab.stop();
}

/// Plans until one says so; Proxmox VE has tasks that take their time.
fn until(lab: &Lab, says: impl Fn(&str) -> bool) -> String {
    for _ in 0..200 {
        let plan = lab.green(&["plan"]);
        if says(&plan) {
            return plan;
        }
    }
    panic!("it was never said")
}

/// G14: a protected machine.
#[test]
fn protection_is_shown_and_left_and_a_plan_to_delete_says_that_it_is_refused() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(&lab, Method::Put, &format!("{VM}/config"), &[("protection", "1")]);
    let words = "egg.app.vm[0] is protected in Proxmox VE";
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains(&format!("{words}, so it cannot be deleted or replaced")),
        "{plan}"
    );
    assert!(!plan.contains("everything matches the Nest"), "{plan}");
    for plan in [
        &["plan", "--destroy"][..],
        &["plan", "--replace", "egg.app.vm[0]"],
    ] {
        let plan = lab.green(plan);
        assert!(
            plan.contains(&format!("{words}, so apply would refuse to delete it")),
            "{plan}"
        );
        assert!(
            plan.contains("turn the machine's protection off in Proxmox VE"),
            "{plan}"
        );
    }
    // An ordinary apply changes something else, and leaves it.
    by_hand(&lab, Method::Put, &format!("{VM}/config"), &[("tags", "x")]);
    lab.green(&["apply", "--yes"]);
    assert!(lab.green(&["plan"]).contains(words));
    lab.stop();
}

/// G14: a disk that somebody grew.
#[test]
fn a_disk_that_was_grown_by_hand_stays_and_is_no_reason_to_replace() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(
        &lab,
        Method::Put,
        &format!("{VM}/resize"),
        &[("disk", "scsi0"), ("size", "20G")],
    );
    let plan = until(&lab, |plan| plan.contains("has a disk of 20 GiB"));
    assert!(
        plan.contains("egg.app.vm[0] has a disk of 20 GiB, and the Nest asks for 10 GiB"),
        "{plan}"
    );
    assert!(plan.contains("`disk = 20GiB`"), "{plan}");
    assert!(
        plan.contains("No changes: what stands above stays as it is"),
        "{plan}"
    );
    let file = "Eggs/app/config.fly";
    lab.write(file, &lab.read(file).replace("disk = 10GiB", "disk = 20GiB"));
    lab.green(&["apply", "--yes"]);
    assert!(lab.green(&["plan"]).contains("everything matches the Nest"));
    // A disk that the Nest itself asks to be smaller is another matter.
    lab.write(file, &lab.read(file).replace("disk = 20GiB", "disk = 15GiB"));
    assert!(lab.green(&["plan"]).contains("1 to replace"));
    lab.stop();
}

/// G14: what waits for a restart.
#[test]
fn pending_changes_are_shown_and_restart_nothing() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(
        &lab,
        Method::Put,
        &format!("{VM}/config"),
        &[("memory", "6144"), ("cores", "4")],
    );
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("has changes pending until its next restart: cores = 4, memory = 6144"),
        "{plan}"
    );
    let since = lab.calls();
    lab.green(&["apply", "--yes"]);
    let changed = lab.running.ledger().calls()[since..]
        .iter()
        .filter(|call| call.changes && call.path.contains("/qemu/"))
        .count();
    assert_eq!(changed, 0);
    lab.stop();
}

/// G14: the CPU type where the Nest names none.
#[test]
fn another_cpu_type_is_shown_where_the_nest_names_none() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    by_hand(&lab, Method::Put, &format!("{VM}/config"), &[("cpu", "host")]);
    by_hand(&lab, Method::Post, &format!("{VM}/status/reboot"), &[]);
    let plan = until(&lab, |plan| plan.contains("has the CPU type host"));
    assert!(plan.contains("and was given Proxmox VE's default"), "{plan}");
    assert!(plan.contains("`cpu_type` in the cloud block sets one"), "{plan}");
    lab.stop();
}

/// Leads the Nest of one lab to the cluster of another.
fn lead(lab: &mut Lab, to: &Lab) {
    for name in ["GOSLING_ENDPOINT_PROXMOX", "PROXMOX_TOKEN"] {
        let value = to.environment[name].clone();
        lab.environment.insert(name.to_owned(), value);
    }
    let both = format!("{}{}", lab.running.ca_pem(), to.running.ca_pem());
    std::fs::write(&lab.environment["GOSLING_CA_FILE"], both).unwrap();
}

/// G10.
#[test]
fn machines_are_not_created_twice_where_another_cluster_answers() {
    let mut lab = Lab::one();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let own = lab.environment.clone();
    let other = Lab::one_in(r#"{ "proxmox": { "cluster": "other" } }"#, 0);
    lead(&mut lab, &other);
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["refresh"],
    ] {
        let output = lab.run(command);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(
            said.contains("2 machines are not there, and it is another cluster than the one that the machines were created in"),
            "{said}"
        );
        assert!(said.contains("--accept-cluster proxmox"), "{said}");
    }
    assert_eq!(other.kinds().get("vm"), None);
    let wrong = lab.run(&["plan", "--accept-cluster", "lab"]);
    assert!(said(&wrong).contains("it has `proxmox`"), "{}", said(&wrong));
    // The old one is still where it was.
    lab.environment = own.clone();
    assert!(lab.green(&["plan"]).contains("everything matches the Nest"));

    lead(&mut lab, &other);
    // The machines of this cluster are online in a GitLab of its own, which nobody waits for here.
    let file = "Eggs/app/config.fly";
    let text = lab.read(file);
    let brief = "  health_check {\n    online_within = 1s\n  }\n\n  runner {";
    lab.write(file, &text.replace("  runner {", brief));
    let output = lab.run(&["apply", "--yes", "--accept-cluster", "proxmox"]);
    assert!(
        said(&output).contains("was not online within 1s"),
        "{}",
        said(&output)
    );
    assert_eq!(other.kinds()["vm"], 2);
    // From now on it is the right one, and machines that are deleted there are gone.
    by_hand(&other, Method::Post, "/nodes/pve1/qemu/5000/status/stop", &[]);
    let plan = until(&lab, |plan| plan.contains("started: true -> false"));
    assert!(plan.contains("0 to create"), "{plan}");
    by_hand(&other, Method::Delete, "/nodes/pve1/qemu/5000", &[]);
    let plan = lab.green(&["plan"]);
    assert!(plan.contains("is gone") && plan.contains("1 to create"), "{plan}");
    lab.stop();
    other.stop();
}

/// Who trusts the state, or recovers an operation, looks which cluster answers all the same.
#[test]
fn nothing_is_sent_to_another_cluster_without_a_look_at_it() {
    let mut lab = Lab::one();
    let own = lab.environment.clone();
    let other = Lab::one_in(r#"{ "proxmox": { "cluster": "other" } }"#, 0);
    lab.fault(r#"{"world":"proxmox","method":"POST","path":"*/clone","kind":"lose_after"}"#);
    lab.ended(&["apply", "--yes"], 1);
    lead(&mut lab, &other);
    let changes = other.changes();
    let words = said(&lab.ended(&["apply", "--yes", "--refresh=false"], 1));
    assert!(
        words.contains("it is another cluster than the one that the create was begun in")
            && words.contains("--accept-cluster proxmox"),
        "{words}"
    );
    assert_eq!(other.changes(), changes, "{words}");
    lab.environment = own.clone();
    let words = lab.green(&["apply", "--yes"]);
    assert!(words.contains("recovered 1 operation"), "{words}");

    lead(&mut lab, &other);
    lab.machines(2);
    for command in [
        &["apply", "--yes", "--refresh=false"][..],
        &["destroy", "--yes", "--refresh=false"],
    ] {
        let words = said(&lab.ended(&[command, &["--preflight=false"]].concat(), 1));
        assert!(
            words.contains("it is another cluster than the one that the machine was created in"),
            "{words}"
        );
        assert_eq!(other.changes(), changes, "{words}");
    }
    lab.environment = own;
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["state", "list"]).contains("egg.app.vm[0]"));
    lab.green(&["apply", "--yes"]);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
    other.stop();
}

/// G10: a state of before clusters were told apart works as it did.
#[test]
fn a_state_without_a_cluster_believes_one_machine_and_asks_about_all() {
    let lab = Lab::one();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let pulled = lab.run(&["state", "pull"]);
    let mut state: Json = serde_json::from_slice(&pulled.stdout).unwrap();
    for held in state["resources"].as_object_mut().unwrap().values_mut() {
        held["outputs"].as_object_mut().unwrap().remove("cluster");
    }
    state.as_object_mut().unwrap().remove("digest");
    state["serial"] = (state["serial"].as_u64().unwrap() + 1).into();
    lab.write("old.json", &state.to_string());
    lab.green(&["state", "push", "old.json"]);
    std::fs::remove_file(lab.nest().join("old.json")).unwrap();
    assert!(lab.green(&["plan"]).contains("everything matches the Nest"));
    let ids: Vec<String> = lab
        .there()
        .into_iter()
        .filter(|object| object.kind == "vm")
        .map(|object| object.id)
        .collect();
    let delete = |vmid: &str| {
        let list = lab.green(&["state", "list"]);
        let place = list
            .split_whitespace()
            .find(|word| word.ends_with(&format!("/{vmid}")))
            .unwrap();
        let (node, _) = place.split_once('/').unwrap();
        let path = format!("/nodes/{node}/qemu/{vmid}");
        by_hand(&lab, Method::Post, &format!("{path}/status/stop"), &[]);
        while lab
            .running
            .ledger()
            .objects()
            .iter()
            .any(|object| object.kind == "vm" && object.id == vmid && object.deleted.is_none())
        {
            let endpoint = Endpoint {
                ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
                ..Endpoint::new(lab.running.url())
            };
            let token = format!("PVEAPIToken=root@pam!other={}", lab.environment["PROXMOX_TOKEN"]);
            let request = Request::new(Method::Delete, format!("/api2/json{path}"))
                .header("authorization", Secret::new(token));
            let client = Client::new(&endpoint).unwrap();
            // It is refused until the machine is off.
            let _ = lab.block_on(client.send(&request, &gosling_engine::fence::Unfenced));
        }
    };
    delete(&ids[0]);
    let plan = lab.green(&["plan"]);
    assert!(plan.contains("is gone") && plan.contains("1 to create"), "{plan}");
    delete(&ids[1]);
    let output = lab.run(&["plan"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("nothing says that it is the cluster that the machines were created in"),
        "{}",
        said(&output)
    );
    lab.green(&["apply", "--yes", "--accept-cluster", "proxmox"]);
    let mut all = whole();
    all.insert("vm".to_owned(), 2);
    assert_eq!(lab.kinds(), all);
    lab.stop();
}
