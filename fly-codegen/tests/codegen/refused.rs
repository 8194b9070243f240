//! What cannot be lowered is said, with its place and a way out.

use crate::support::{egg, named_egg, nest};

/// Each error as a person reads it.
fn said(archive: &str) -> Vec<String> {
    let errors = nest(archive).lower().unwrap_err();
    let shown = errors.iter().map(|error| {
        let origin = error.origin().map(ToString::to_string).unwrap_or_default();
        format!("{origin}: {error} ({})", error.help().unwrap_or("no help"))
    });
    shown.collect()
}

fn uglyfox(count: i64, names: &str) -> String {
    format!(
        "-- UF/config.fly --\nuglyfox {{\n pruning {{\n failed_threshold = 3\n max_age = 24h\n }}\n \
         runners_condition \"all\" {{\n eggs_entities = [{names}]\n apex {{\n min_count = {count}\n \
         max_count = 1_000\n }}\n }}\n}}\n"
    )
}

#[test]
fn clouds_and_servers_that_come_later() {
    let aws = egg("", "")
        .replace("provider = \"proxmox\"", "provider = \"aws\"")
        .replace("template = 9000", "region = \"eu-central-1\"");
    let github = named_egg("lib", "", "")
        .replace("gitlab {", "github {")
        .replace("server = \"gitlab.lab\"", "repository = \"a/b\"")
        .replace("project_id = 17", "token = \"env://GITHUB_TOKEN\"");
    assert_eq!(
        said(&(aws + &github)),
        [
            "Eggs/app/config.fly:4: egg.app is on AWS, which this release does not support yet (this release makes \
             machines on Proxmox VE; AWS and Yandex Cloud come in a later one)",
            "Eggs/lib/config.fly:16: egg.lib works for github.com, and this release does not support GitHub yet \
             (this release makes runners on GitLab; GitHub comes in a later one)",
        ]
    );
}

#[test]
fn a_container() {
    let container = egg("", "").replace("type = \"vm\"", "type = \"container\"");
    assert_eq!(
        said(&container),
        [
            "Eggs/app/config.fly:2: egg.app is a container, and a container cannot be given its runner's configuration \
             through Proxmox VE's API alone (no cloud-init, no file upload into it) (use type = \"vm\")"
        ]
    );
}

#[test]
fn machines_that_have_no_room() {
    assert_eq!(
        said(&egg("nodes = []", "")),
        [
            "Eggs/app/config.fly:6: egg.app names no node that its machines may be on (name the nodes, or leave `nodes` \
             out: then all that are online are used)"
        ]
    );
    assert_eq!(
        said(&(egg("address = [\"10.0.0.1/24\"]", "") + &uglyfox(2, "\"app\""))),
        [
            "Eggs/app/config.fly:6: egg.app has 2 machines and 1 addresses to hand out (add addresses, lower min_count \
             in its runners_condition, or use address = \"dhcp\")"
        ]
    );
}

#[test]
fn a_range_is_shared_by_all_who_name_it() {
    let range = "vmid_range = \"5000-5002\"";
    let two = egg(range, "") + &named_egg("other", range, "") + &uglyfox(2, "\"app\", \"other\"");
    assert_eq!(
        said(&two),
        [
            "Eggs/other/config.fly:6: the range 5000-5002 of proxmox has 3 numbers, and up to egg.other there are 4 \
             machines to be numbered in it (widen vmid_range, or give some eggs a range of their own)"
        ]
    );
}

#[test]
fn what_two_machines_cannot_share() {
    let address = "address = [\"10.0.0.1/24\"]";
    assert_eq!(
        said(&(egg(address, "") + &named_egg("other", address, ""))),
        [
            "Eggs/other/config.fly:6: the address 10.0.0.1 would belong to egg.app.vm[0] and to egg.other.vm[0] (give \
             each egg addresses of its own)"
        ]
    );
    let long = "x".repeat(70);
    let (one, two) = (format!("{long}1"), format!("{long}2"));
    let errors = said(&(named_egg(&one, "", "") + &named_egg(&two, "", "")));
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].contains("would both be called `some-folder-xxx"),
        "{errors:?}"
    );
}

#[test]
fn secrets_that_would_have_nowhere_to_go() {
    let env = "nest {\n  default_secrets = \"env\"\n}\n".to_owned();
    let errors = said(&(env.clone() + &egg("", "")));
    assert_eq!(errors.len(), 1, "once for the record and the machine: {errors:?}");
    assert!(
        errors[0].starts_with(
            "Eggs/app/config.fly:16: egg.app needs a place for its runner's token, and environment variables"
        ),
        "{errors:?}"
    );
    let given = egg("", "").replace(
        "project_id = 17",
        "project_id = 17\n token_secret = \"store://a/b\"",
    );
    assert!(nest(&(env + &given)).lower().is_ok());
}

#[test]
fn a_timeout_that_gitlab_does_not_take() {
    let short = egg("", "").replace("tags =", "maximum_timeout = 599s\n    tags =");
    assert_eq!(
        said(&short),
        [
            "Eggs/app/config.fly:14: egg.app has a maximum_timeout of 599 s, and GitLab takes no runner with less than \
             600 s (use maximum_timeout = 10m or more; a job's own `timeout` may be shorter)"
        ]
    );
}

#[test]
fn a_group_that_nobody_asked_about() {
    let hook = "group_id = 6\n    webhook_url = \"https://goose.lab/in\"";
    assert_eq!(
        said(&egg("", "").replace("project_id = 17", hook)),
        [
            "Eggs/app/config.fly:18: egg.app reports the jobs of group 6 on gitlab.lab, whose projects are not known \
             (plan again where GitLab can be reached)"
        ]
    );
}

#[test]
fn a_character_that_stands_for_secrets() {
    let environment = "environment {\n    A = \"x\\u{F0000}0\\u{F0001}\"\n  }";
    let errors = said(&egg("", environment));
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].starts_with("Eggs/app/config.fly:20: egg.app has a text with a private-use"),
        "{errors:?}"
    );
}
