//! `gosling preflight`, and what apply does with it: nothing is touched where it cannot be done.

use serde_json::Value;

use crate::gosling::said;
use crate::lab::{Lab, whole};

/// What is found, as JSON, with the exit code.
fn found(lab: &Lab, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = lab.run(&[&["preflight", "--json"], arguments].concat());
    let shown = serde_json::from_slice(&output.stdout);
    (
        shown.unwrap_or_else(|_| panic!("{}", said(&output))),
        output.status.code(),
    )
}

/// Every finding that is so, as `service: subject: message`.
fn those(found: &Value, outcome: &str) -> Vec<String> {
    let services = found["services"].as_array().unwrap().iter();
    let all = services.flat_map(|service| {
        let findings = service["findings"].as_array().unwrap().iter();
        let findings = findings.filter(|finding| finding["outcome"] == outcome);
        findings.map(|finding| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!(
                "{}: {}: {}",
                text(&service["service"]),
                text(&finding["subject"]),
                text(&finding["message"])
            )
        })
    });
    all.collect()
}

#[test]
fn what_can_be_done_is_said_to_be() {
    let lab = Lab::one();
    let (shown, code) = found(&lab, &[]);
    assert_eq!(code, Some(0), "{shown:#}");
    assert_eq!(those(&shown, "failed"), Vec::<String>::new());
    assert_eq!(those(&shown, "warning"), Vec::<String>::new());
    let ok = those(&shown, "ok").join("\n");
    for words in [
        "proxmox: version: Proxmox VE 8.4.0",
        "proxmox: privileges: the token has all",
        "proxmox: room: there is room for new machines: 1 on pve1 (1 GiB)",
        "gitlab.example.com: version: GitLab 18.5.0",
        "gitlab.example.com: token: the token at env://GITLAB_TOKEN is good without an end",
        "gitlab.example.com: roles: Maintainer in project 17",
        "secrets: secrets:",
    ] {
        assert!(ok.contains(words), "`{words}` is not in:\n{ok}");
    }
    assert_eq!(lab.changes(), 0);
    let text = lab.green(&["preflight"]);
    assert!(text.contains("\nproxmox\n  ok      "), "{text}");
    assert!(text.contains(" ok, 0 warnings, 0 failed."), "{text}");
    lab.stop();
}

#[test]
fn services_that_are_away_are_a_line_each() {
    let mut lab = Lab::one();
    for name in ["GITLAB", "PROXMOX"] {
        let name = format!("GOSLING_ENDPOINT_{name}");
        lab.environment.insert(name, "https://127.0.0.1:1".to_owned());
    }
    let (shown, code) = found(&lab, &[]);
    assert_eq!(code, Some(1));
    let failed = those(&shown, "failed");
    assert_eq!(failed.len(), 2, "{failed:#?}");
    for line in failed {
        assert!(line.contains("127.0.0.1:1: the connection was refused"), "{line}");
    }
    lab.stop();
}

#[test]
fn apply_stops_before_anything_is_touched() {
    let mut lab = Lab::one();
    let token = lab
        .environment
        .insert("PROXMOX_TOKEN".to_owned(), "wrong".to_owned());
    let output = lab.run(&["apply", "--yes"]);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("error: proxmox: service: "), "{words}");
    assert!(words.contains("--preflight=false"), "{words}");
    assert_eq!(lab.changes(), 0);
    let output = lab.run(&["apply", "--yes", "--preflight=false"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(lab.kinds().get("runner"), Some(&1), "what could be done was done");
    lab.environment.insert("PROXMOX_TOKEN".to_owned(), token.unwrap());
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}
