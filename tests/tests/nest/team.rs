//! What a team needs that deploys from several places: who holds the lock, waiting for it, a freeze, and the audit.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gosling::said;
use crate::lab::{Lab, whole};

fn events(lab: &Lab) -> Vec<Value> {
    let text = lab.green(&["audit", "--json", "-n", "100"]);
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn a_freeze_stops_every_change_before_its_first_call_and_may_be_passed_by_with_a_reason() {
    let lab = Lab::one();
    lab.green(&["freeze", "--reason", "release week"]);
    let calls = lab.changes();
    for command in ["apply", "destroy", "rollback"] {
        let output = lab.run(&[command, "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", said(&output));
        let said = said(&output);
        for words in [
            "frozen by ",
            ": release week",
            "gosling freeze --lift",
            "--during-freeze",
        ] {
            assert!(said.contains(words), "{command}: `{words}` is not in:\n{said}");
        }
    }
    assert_eq!(lab.changes(), calls);
    let plan = lab.green(&["plan"]);
    assert!(
        plan.contains("3 to create") && plan.contains("release week"),
        "{plan}"
    );
    lab.green(&["apply", "--yes", "--during-freeze", "the outage"]);
    assert_eq!(lab.kinds(), whole());
    let began = events(&lab)
        .into_iter()
        .find(|line| line["event"] == "began")
        .unwrap();
    assert_eq!(began["during_freeze"], "the outage");
    assert!(lab.green(&["freeze", "--lift"]).contains("the freeze is lifted"));
    assert!(lab.green(&["freeze", "--lift"]).contains("there is no freeze"));
    let output = lab.ended(&["freeze", "--reason", "nothing", "--for", "0s"], 1);
    assert!(said(&output).contains("a freeze of no length would end at once"));
    lab.green(&["freeze", "--reason", "over at once", "--for", "1ms"]);
    std::thread::sleep(Duration::from_millis(1100));
    assert!(lab.green(&["freeze"]).contains("there is no freeze"));
    lab.green(&["destroy", "--yes"]);
    lab.stop();
}

#[test]
fn the_audit_tells_who_did_what_and_a_line_that_was_touched_is_found() {
    let mut lab = Lab::one();
    for (name, value) in [
        ("GITLAB_USER_LOGIN", "grace"),
        ("CI_JOB_URL", "https://gitlab.example.com/j/9"),
    ] {
        lab.environment.insert(name.to_owned(), value.to_owned());
    }
    lab.green(&["apply", "--yes"]);
    lab.fault(r#"{"world":"gitlab","method":"DELETE","path":"/api/v4/runners/*","nth":1,"kind":"status","code":403}"#);
    assert_eq!(lab.run(&["destroy", "--yes"]).status.code(), Some(1));
    lab.green(&["state", "mv", "egg.app.runner", "egg.app.runner[old]"]);
    let lines = events(&lab);
    let told: Vec<(&str, &str, &str)> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or_default();
            (text("command"), text("event"), text("result"))
        })
        .collect();
    let expected = [
        ("gosling apply", "began", ""),
        ("gosling apply", "ended", "done"),
        ("gosling destroy", "began", ""),
        ("gosling destroy", "ended", "failed"),
        ("gosling state mv", "noted", ""),
    ];
    assert_eq!(told, expected);
    assert!(
        lines[0]["by"].as_str().unwrap().starts_with("grace@"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[0]["pipeline"], "https://gitlab.example.com/j/9");
    assert_eq!(lines[0]["planned"]["create"], 3);
    assert_eq!(lines[0]["plan"].as_str().unwrap().len(), 64);
    let verified = lab.green(&["audit", "verify"]);
    assert!(verified.contains("5 lines verified"), "{verified}");
    let head = verified.split("head ").nth(1).unwrap().trim().to_owned();
    lab.green(&["audit", "verify", "--head", &head]);
    let whole = lab.read(".gosling/audit.jsonl");
    let own: Vec<&str> = whole.lines().collect();
    let broken = |lines: &[&str], words: &str, arguments: &[&str]| {
        lab.write(".gosling/audit.jsonl", &(lines.join("\n") + "\n"));
        let output = lab.run(&[&["audit", "verify"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    };
    let edited = own[3].replace("\"result\":\"failed\"", "\"result\":\"done\"");
    broken(
        &[own[0], own[1], own[2], &edited, own[4]],
        "line 4 is not what it was",
        &[],
    );
    broken(&[own[0], own[2], own[3], own[4]], "line 2 is missing", &[]);
    broken(
        &[own[1], own[0], own[2], own[3], own[4]],
        "line 1 is not in its place",
        &[],
    );
    broken(&own[..4], "no line has the digest", &["--head", &head]);
    lab.stop();
}

#[test]
fn who_holds_the_lock_is_shown_and_waited_for_and_a_killed_apply_is_told_of() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 3000}}}"#, 0);
    assert!(lab.green(&["lock"]).contains(" is free"));
    let mut first = lab.spawn(&["apply", "--yes"]);
    let begun = Instant::now();
    while !said(&lab.run(&["lock"])).contains("`gosling apply`") {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the apply takes no lock"
        );
    }
    let output = lab.run(&["apply", "--yes", "--wait=1ms"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("waited"), "{}", said(&output));
    while lab.changes() == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the apply does nothing"
        );
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let said = lab.green(&["apply", "--yes", "--wait"]);
    assert_eq!(lab.kinds(), whole(), "{said}");
    let lines = events(&lab);
    let ended: Vec<&str> = lines.iter().filter_map(|line| line["result"].as_str()).collect();
    assert_eq!(ended[0], "cut_off", "{lines:#?}");
    assert_eq!(lines[1]["run"], lines[0]["run"], "the killed run is named");
    assert_eq!(ended.last(), Some(&"done"));
    lab.stop();
}

#[test]
fn a_freeze_is_not_lifted_or_replaced_by_accident() {
    let mut lab = Lab::one();
    lab.environment
        .insert("GITLAB_USER_LOGIN".to_owned(), "grace".to_owned());
    lab.green(&["freeze", "--reason", "release week"]);
    for (arguments, words) in [
        (
            &["freeze", "--reason", "over", "--for", "0s"][..],
            "a freeze of no length",
        ),
        (&["freeze", "--reason", ""], "must not be empty"),
        (&["freeze", "--reason", "  "], "must not be empty"),
        (&["apply", "--yes", "--during-freeze", " "], "must not be empty"),
    ] {
        let text = said(&lab.ended(arguments, 1));
        assert!(text.contains(words), "{text}");
        assert!(lab.green(&["freeze"]).contains("release week"));
    }
    lab.environment
        .insert("GITLAB_USER_LOGIN".to_owned(), "ada".to_owned());
    let text = lab.green(&["freeze", "--reason", "maintenance", "--for", "1h"]);
    for words in ["replaces an earlier freeze", "frozen by grace@", "release week"] {
        assert!(text.contains(words), "{text}");
    }
    lab.stop();
}

#[test]
fn another_nest_lifts_no_freeze_and_takes_no_lock() {
    let mut lab = Lab::one();
    let shared = lab.folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    lab.environment
        .insert("GOSLING_STATE".to_owned(), shared.to_str().unwrap().to_owned());
    lab.green(&["apply", "--yes"]);
    lab.green(&["freeze", "--reason", "release week"]);
    let nest = lab.read("nest.fly");
    lab.write("nest.fly", &nest.replace("name = \"one\"", "name = \"two\""));
    for arguments in [
        &["freeze", "--lift"][..],
        &["freeze", "--reason", "mine"],
        &["unlock", "--yes"],
    ] {
        let text = said(&lab.ended(arguments, 1));
        assert!(text.contains("the state is that of the Nest `one`"), "{text}");
    }
    lab.write("nest.fly", &nest);
    assert!(lab.green(&["freeze"]).contains("release week"));
    lab.stop();
}

#[test]
fn a_freeze_says_that_a_run_goes_on() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"clone": 5000}}}"#, 0);
    let mut first = lab.spawn(&["apply", "--yes"]);
    while lab.changes() == 0 {
        assert!(first.try_wait().unwrap().is_none(), "the apply ends");
    }
    let text = lab.green(&["freeze", "--reason", "outage"]);
    assert!(
        text.contains("`gosling apply`") && text.contains("holds the lock"),
        "{text}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
    lab.stop();
}
