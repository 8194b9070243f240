//! What `gosling status` finds of what somebody changed by hand.

use gosling_providers::http::Method;
use serde_json::{Value as Json, json};

use crate::gosling::said;
use crate::lab::Lab;
use crate::marks::by_hand;

/// What it says and what it says for programs; it finds something.
fn red(lab: &Lab) -> (String, Json) {
    let words = said(&lab.ended(&["status"], 1));
    let output = lab.ended(&["status", "--json"], 1);
    (words, serde_json::from_slice(&output.stdout).unwrap())
}

/// The problems of one resource.
fn problems<'j>(document: &'j Json, address: &str) -> &'j Json {
    let all = document["resources"].as_array().unwrap();
    let own = all.iter().find(|resource| resource["address"] == address);
    &own.unwrap()["problems"]
}

const NOTES: &str = "/api2/json/nodes/pve1/qemu/5000/config";

#[test]
fn a_machine_whose_notes_lost_the_marker_is_named_and_the_others_can_be_planned() {
    let lab = Lab::one();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let notes = by_hand(&lab, Method::Get, NOTES, json!(null));
    let marker = notes["data"]["description"].as_str().unwrap().trim_end();
    by_hand(&lab, Method::Put, NOTES, json!({ "description": "owner: Ada" }));
    let (words, document) = red(&lab);
    let lost =
        "the notes of pve1/5000 (`one-app-0`) no longer have the marker by which gosling recognises it";
    assert!(
        words.contains(&format!("\n  error: {lost}\n  help: ")) && words.contains(marker),
        "{words}"
    );
    assert_eq!(problems(&document, "egg.app.vm[0]")[0]["message"], lost);
    assert_eq!(problems(&document, "egg.app.vm[1]"), &json!([]));
    let words = said(&lab.ended(&["plan"], 1));
    assert!(
        words.contains("`--target` with other addresses leaves egg.app.vm[0] out until then"),
        "{words}"
    );
    let plan = lab.green(&["plan", "--target", "egg.app.vm[1]"]);
    assert!(plan.contains("No changes"), "{plan}");
    by_hand(&lab, Method::Put, NOTES, json!({ "description": marker }));
    lab.green(&["status"]);
    lab.stop();
}

/// Machines go on for hours with a token that was reset, as far as GitLab says of them.
#[test]
fn a_token_that_somebody_reset_is_a_finding() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.green(&["status"]);
    by_hand(
        &lab,
        Method::Post,
        "/api/v4/runners/1/reset_authentication_token",
        json!({}),
    );
    let (words, document) = red(&lab);
    let wrong = "is not that of runner 1: GitLab does not know it";
    assert!(
        words.contains(wrong) && words.contains("`gosling apply --replace egg.app.runner`"),
        "{words}"
    );
    let message = problems(&document, "egg.app.runner")[0]["message"]
        .as_str()
        .unwrap();
    assert!(message.ends_with(wrong), "{message}");
    lab.green(&["apply", "--yes", "--replace", "egg.app.runner"]);
    lab.green(&["status"]);
    lab.stop();
}

/// What was started is waited for, whoever stopped it.
#[test]
fn a_machine_that_somebody_stopped_is_started_and_waited_for() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let stop = NOTES.replace("/config", "/status/stop");
    by_hand(&lab, Method::Post, &stop, json!({}));
    let stopped = || lab.run(&["status"]).status.code() == Some(1);
    assert!((0..200).any(|_| stopped()), "the machine is off");
    let said = lab.green(&["apply", "--yes"]);
    assert!(said.contains("waiting for 1 machine to contact GitLab"), "{said}");
    assert!(said.contains("egg.app is online after"), "{said}");
    lab.green(&["status"]);
    lab.stop();
}

#[test]
fn a_webhook_that_somebody_deleted_or_changed_is_shown() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let quiet = lab.green(&["status"]);
    assert!(!quiet.contains("hook"), "{quiet}");
    let hooks = by_hand(&lab, Method::Get, "/api/v4/projects/17/hooks", json!(null));
    let path = format!("/api/v4/projects/17/hooks/{}", hooks[0]["id"]);
    let url = "https://elsewhere.example.com/";
    by_hand(&lab, Method::Put, &path, json!({ "url": url }));
    let (words, document) = red(&lab);
    assert!(
        words.contains("egg.app.hook[17]: changed outside gosling: url; "),
        "{words}"
    );
    let hook = |document: &Json| {
        let all = document["resources"].as_array().unwrap();
        all.iter()
            .find(|one| one["kind"] == "gitlab_hook")
            .unwrap()
            .clone()
    };
    assert_eq!(hook(&document)["changed"], json!(["url"]));
    by_hand(&lab, Method::Delete, &path, json!({}));
    let (words, document) = red(&lab);
    assert!(
        words.contains("egg.app.hook[17]: is gone (17/2); `gosling apply` creates it again"),
        "{words}"
    );
    assert_eq!(hook(&document)["state"], "gone");
    lab.green(&["apply", "--yes"]);
    lab.green(&["status"]);
    lab.stop();
}

#[test]
fn a_runner_that_somebody_paused_or_gave_other_tags_is_shown() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let runner = "/api/v4/runners/1";
    for (change, name) in [
        (json!({ "paused": true }), "paused"),
        (json!({ "tag_list": ["other"] }), "tags"),
    ] {
        by_hand(&lab, Method::Put, runner, change);
        let (words, document) = red(&lab);
        let message = format!("changed outside gosling: {name}");
        assert!(
            words.contains(&format!("\n  error: {message}\n  help: `gosling plan` shows it")),
            "{words}"
        );
        assert_eq!(problems(&document, "egg.app.runner")[0]["message"], message);
        lab.green(&["apply", "--yes"]);
        lab.green(&["status"]);
    }
    lab.stop();
}

#[test]
fn a_runner_with_the_marker_of_another_nest_is_shown() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let runner = "/api/v4/runners/1";
    let before = by_hand(&lab, Method::Get, runner, json!(null));
    let note = before["maintenance_note"].as_str().unwrap();
    assert!(note.contains("gosling:one:"), "{note}");
    let other = note.replace("gosling:one:", "gosling:other:");
    by_hand(&lab, Method::Put, runner, json!({ "maintenance_note": other }));
    let (words, document) = red(&lab);
    let message = &problems(&document, "egg.app.runner")[0]["message"];
    assert!(
        words.contains("gosling:other:") && message.as_str().unwrap().contains("runner 1"),
        "{words}"
    );
    by_hand(&lab, Method::Put, runner, json!({ "maintenance_note": note }));
    lab.green(&["status"]);
    lab.stop();
}

#[test]
fn a_damaged_file_of_secrets_is_a_finding() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let file = lab.nest().join(".gosling/secrets.age");
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    let last = whole.len() - 1;
    flipped[last] ^= 1;
    for damaged in [&b""[..], b"garbage", &whole[..whole.len() / 2], &flipped] {
        std::fs::write(&file, damaged).unwrap();
        let (words, document) = red(&lab);
        for part in [
            "secrets.age next to",
            "is damaged or no age file",
            "from a backup",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let help = &problems(&document, "egg.app.runner")[0]["help"];
        assert!(help.as_str().unwrap().contains("--replace"), "{help}");
        let check = said(&lab.ended(&["secret", "check"], 1));
        assert!(check.contains("from a backup"), "{check}");
    }
    // The help works.
    std::fs::remove_file(&file).unwrap();
    lab.green(&["apply", "--yes", "--replace", "egg.app.runner"]);
    lab.green(&["status"]);
    std::fs::write(&file, &whole).unwrap();
    lab.stop();
}
