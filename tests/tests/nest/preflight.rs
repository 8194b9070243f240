//! `gosling preflight`, and what apply does with it: nothing is touched where it cannot be done.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gosling::said;
use crate::lab::{Lab, ONE, whole};
use crate::workspace::read;

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
            let help = finding["help"].as_str().unwrap_or_default();
            format!(
                "{}: {}: {} {help}",
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

/// What the printed commands give, by paths.
fn acl(commands: &str) -> BTreeMap<String, Vec<String>> {
    let mut roles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut acl = BTreeMap::new();
    for line in commands.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["pveum", "role", "add", role, "--privs", ..] => {
                let privileges = line.split('"').nth(1).unwrap().split(' ');
                let known = roles.insert(role, privileges.map(str::to_owned).collect());
                assert_eq!(known, None, "{role} is added twice");
            }
            [
                "pveum",
                "acl",
                "modify",
                path,
                "--users",
                "gosling@pve",
                "--roles",
                role,
            ] => {
                let known = acl.insert((*path).to_owned(), roles[role].clone());
                assert_eq!(known, None, "{path} is given twice");
            }
            _ => {}
        }
    }
    acl
}

#[test]
fn the_printed_role_is_enough_and_each_privilege_in_it_is_missed() {
    for (version, agent) in [("8.4.0", "VM.Monitor"), ("9.1.3", "VM.GuestAgent.Audit")] {
        let lab = Lab::proxmox_lab_in(&format!(r#"{{"proxmox": {{"version": "{version}"}}}}"#));
        let commands = lab.green(&["preflight", "--role"]);
        let acl = acl(&commands);
        assert!(
            commands.contains("pveum user token add gosling@pve ci --privsep 0"),
            "{commands}"
        );
        assert!(commands.contains(agent), "{commands}");
        let places: Vec<_> = acl.keys().map(String::as_str).collect();
        let expected = [
            "/nodes",
            "/pool/ci",
            "/sdn/zones/localnetwork/vmbr0",
            "/storage/local",
            "/storage/local-lvm",
            "/vms",
            "/vms/9000",
            "/vms/9001",
            "/vms/9002",
        ];
        assert_eq!(places, expected, "{commands}");
        let mut tried = 0;
        for (path, held) in &acl {
            for missing in held {
                let mut less = acl.clone();
                // One of several templates that is not seen is one less to choose from.
                let template = |path: &str| path.starts_with("/vms/9");
                for (other, held) in &mut less {
                    let hidden = missing == "VM.Audit" && template(path) && template(other);
                    if other == path || hidden {
                        held.retain(|name| name != missing);
                    }
                }
                lab.running.allow_at(less);
                let (shown, _) = found(&lab, &[]);
                let wrong = [those(&shown, "failed"), those(&shown, "warning")].concat();
                let names = |line: &String| line.contains(&format!("`{missing}`"));
                assert!(
                    !wrong.is_empty() && wrong.iter().all(names),
                    "{missing} at {path}: {wrong:#?}"
                );
                let others = acl.values().flatten().filter(|name| *name != missing);
                for other in others {
                    let said = wrong.iter().any(|line| line.contains(&format!("`{other}`")));
                    assert!(
                        !said,
                        "{other} is not missing, but {missing} at {path}: {wrong:#?}"
                    );
                }
                tried += 1;
            }
        }
        assert!(tried > 20, "{tried}");
        lab.running.allow_at(acl);
        let (shown, _) = found(&lab, &[]);
        assert_eq!(those(&shown, "failed"), Vec::<String>::new());
        assert_eq!(those(&shown, "warning"), Vec::<String>::new());
        lab.green(&["plan"]);
        lab.green(&["apply", "--yes"]);
        lab.green(&["status"]);
        lab.green(&["destroy", "--yes"]);
        assert_eq!(lab.there(), []);
        lab.stop();
    }
}

/// A new machine is in no pool yet: what it takes is asked of the pool that it is to be in.
#[test]
fn f2_the_printed_role_is_enough_for_a_machine_made_of_an_image() {
    let world = r#"{"proxmox": {"volumes": ["local:import/debian-12.qcow2"]}}"#;
    let text = ONE.replace(
        r#"template = "debian-12-cloud""#,
        r#"image = "local:import/debian-12.qcow2""#,
    );
    let egg = text.find("egg \"app\"").unwrap();
    let files = [("nest.fly", &text[..egg]), ("Eggs/app/config.fly", &text[egg..])];
    let lab = Lab::in_world(world, 0, &files);
    lab.running.allow_at(acl(&lab.green(&["preflight", "--role"])));
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

/// The blocks of the guide that are marked as being of this sort.
fn blocks(sort: &str) -> Vec<String> {
    let guide = read("docs/guides/preflight.md");
    let blocks = guide.split("\n```").skip(1).step_by(2);
    let blocks = blocks.filter_map(|block| block.strip_prefix(sort)?.strip_prefix('\n').map(str::to_owned));
    blocks.collect()
}

#[test]
fn the_guide_shows_what_is_said() {
    let world = r#"{"gitlab": {"admin": false, "token": {"scopes": ["api"], "expires_at": "9999-12-31", "role": 40}}}"#;
    let lab = Lab::one_in(world, 0);
    let mut less = acl(&lab.green(&["preflight", "--role"]));
    less.get_mut("/vms/9000")
        .unwrap()
        .retain(|name| name != "VM.Clone");
    lab.running.allow_at(less);

    // In the guide, the services have names and the token ends in the near future.
    let text = lab.run(&["preflight"]);
    let text = String::from_utf8(text.stdout).unwrap();
    let at = format!("{} is reached", lab.running.url());
    let text = text
        .replacen(&at, "https://gitlab.example.com is reached", 1)
        .replacen(&at, "https://pve.example.com:8006 is reached", 1)
        .replace("9999-12-31", "2027-03-31");
    let shown = blocks("text").into_iter().next().unwrap();
    assert_eq!(shown, format!("$ gosling preflight\n{}", text.trim_end()));

    // The same as JSON, of which the guide shows what is wrong.
    let (whole, code) = found(&lab, &[]);
    assert_eq!(code, Some(1));
    let mut wrong = whole.clone();
    for service in wrong["services"].as_array_mut().unwrap() {
        let findings = service["findings"].as_array_mut().unwrap();
        findings.retain(|finding| finding["outcome"] != "ok");
    }
    let services = wrong["services"].as_array_mut().unwrap();
    services.retain(|service| service["findings"] != Value::Array(Vec::new()));
    assert_eq!(blocks("json"), [format!("{wrong:#}")]);

    // What apply says then, of the services alone that its plan changes.
    let output = lab.run(&["apply", "--yes", "--json"]);
    let applied: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&String> = applied.as_object().unwrap().keys().collect();
    assert_eq!(names, ["done", "format", "planned", "preflight"]);
    // The document around it says its format.
    let mut inner = whole.clone();
    inner.as_object_mut().unwrap().remove("format");
    assert_eq!(applied["preflight"], inner);
    assert_eq!(lab.changes(), 0);
    lab.stop();
}

#[test]
fn a_runner_newer_than_its_server_is_told_of() {
    let says = |version: &str, outcome: &str, words: &str| {
        let egg = ONE.replace(
            "tags = [\"docker\"]",
            &format!("tags = [\"docker\"]\n    version = \"{version}\""),
        );
        let at = egg.find("egg \"app\"").unwrap();
        let lab = Lab::new(&[("nest.fly", &egg[..at]), ("Eggs/app/config.fly", &egg[at..])]);
        let (shown, code) = found(&lab, &[]);
        let lines = those(&shown, outcome);
        let is = lines.iter().filter(|line| line.contains(words)).count();
        assert_eq!((is, code), (1, Some(0)), "{version}: {shown:#}");
        lab.stop();
    };
    says(
        "18.6.0",
        "warning",
        "gitlab.example.com: runner: egg.app asks for GitLab Runner",
    );
    says(
        "18.5.9",
        "ok",
        "gitlab.example.com: runner: egg.app asks for GitLab Runner",
    );
}

#[test]
fn the_role_is_printed_without_a_cluster_too() {
    let mut lab = Lab::one();
    lab.environment.remove("PROXMOX_TOKEN");
    lab.environment.remove("GITLAB_TOKEN");
    let commands = lab.green(&["preflight", "--role"]);
    for words in [
        "# On Proxmox VE 9, instead of the line above:",
        "VM.Monitor",
        "VM.GuestAgent.Audit",
        "pveum acl modify /vms/<debian-12-cloud> --users gosling@pve --roles GoslingTemplate",
        "# - scopes: `api`",
        "# - the role Maintainer in project 17",
    ] {
        assert!(commands.contains(words), "`{words}` is not in:\n{commands}");
    }
    assert_eq!(lab.calls(), 0);
    lab.stop();
}

#[test]
fn a_token_of_gitlab_is_looked_at() {
    let says = |token: &str, outcome: &str, words: &str| {
        let world = format!(r#"{{"gitlab": {{"admin": false, "token": {token}}}}}"#);
        let lab = Lab::one_in(&world, 0);
        let (shown, code) = found(&lab, &[]);
        let lines = those(&shown, outcome);
        assert!(
            lines.iter().any(|line| line.contains(words)),
            "{words}: {shown:#}"
        );
        assert_eq!(code, Some(i32::from(outcome == "failed")));
        assert_eq!(lab.changes(), 0);
        lab.stop();
    };
    says(
        r#"{"scopes": ["create_runner", "read_api"]}"#,
        "failed",
        "lacks the scope `api`",
    );
    says(r#"{"expires_at": "2020-01-31"}"#, "failed", "ended on 2020-01-31");
    says(
        r#"{"role": 30}"#,
        "failed",
        "has the role Developer in project 17",
    );
    says(
        r#"{"expires_at": "9999-12-31"}"#,
        "ok",
        "is good until 9999-12-31",
    );
}

#[test]
fn a_job_says_what_it_does_not_reach() {
    let mut lab = Lab::one();
    let address = lab.running.url().strip_prefix("https://").unwrap().to_owned();
    let inside = |lab: &Lab, arguments: &[&str]| {
        // Where no Nest is.
        let mut command = lab.command(&[&["preflight", "--inside", "--json"], arguments].concat());
        let output = command.current_dir(lab.folder.path()).output().unwrap();
        let shown = serde_json::from_slice(&output.stdout);
        let shown: Value = shown.unwrap_or_else(|_| panic!("{}", said(&output)));
        (shown, output.status.code().unwrap())
    };
    let version = format!("https://{address}/api/v4/version");
    lab.environment
        .insert("POLAR_GOSLING_REACH".to_owned(), format!("{address}, {version}"));
    let (shown, code) = inside(&lab, &[]);
    assert_eq!(code, 0);
    let warnings = those(&shown, "warning");
    assert!(
        warnings[0].contains("answers 401: it asks for credentials"),
        "{shown:#}"
    );
    assert_eq!(those(&shown, "failed"), Vec::<String>::new());
    assert!(
        those(&shown, "ok")
            .iter()
            .any(|line| line.contains("tls: 127.0.0.1 shows")),
        "{shown:#}"
    );

    let (_, code) = inside(&lab, &["--warn-exit-code", "3"]);
    assert_eq!(code, 3);
    lab.environment.remove("POLAR_GOSLING_REACH");
    let (shown, code) = inside(
        &lab,
        &["--warn-exit-code", "3", &format!("{version} GITLAB_TOKEN")],
    );
    assert_eq!((code, those(&shown, "warning").len()), (0, 0), "{shown:#}");

    let right = lab
        .environment
        .insert("GITLAB_TOKEN".to_owned(), "glpat-of-somebody".to_owned());
    for (target, words) in [
        (
            "nowhere.invalid:443".to_owned(),
            "name: no name server knows nowhere.invalid",
        ),
        (
            "127.0.0.1:1".to_owned(),
            "route: 127.0.0.1:1 refuses the connection",
        ),
        (
            format!("{version} GITLAB_TOKEN"),
            "does not take the credentials in GITLAB_TOKEN: 401",
        ),
        (
            format!("{version} NO_TOKEN"),
            "the environment variable NO_TOKEN is not set",
        ),
    ] {
        let (shown, code) = inside(&lab, &[&target]);
        let failed = those(&shown, "failed");
        assert_eq!((code, failed.len()), (1, 1), "{shown:#}");
        assert!(failed[0].contains(words), "{failed:#?}");
        assert!(!shown.to_string().contains("glpat-of-somebody"));
        let (_, code) = inside(&lab, &["--warn-exit-code", "3", &target]);
        assert_eq!(code, 3);
    }
    lab.environment.insert("GITLAB_TOKEN".to_owned(), right.unwrap());
    lab.environment.remove("GOSLING_CA_FILE");
    let (shown, _) = inside(&lab, &[&version]);
    let failed = those(&shown, "failed");
    assert!(
        failed[0].contains("its certificate is by an unknown authority"),
        "{failed:#?}"
    );
    let output = lab.run(&["preflight", "--inside", "--warn-exit-code", "3"]);
    assert_eq!(output.status.code(), Some(1), "nothing to reach is no warning");
    // By the rule that `gosling validate` goes by, and with nothing of what may be a secret.
    let wrong = "https://npm.internal/ glpat-of-somebody";
    let output = lab.run(&["preflight", "--inside", "--warn-exit-code", "3", wrong]);
    assert_eq!(output.status.code(), Some(1), "wrong use is no warning");
    let words = said(&output);
    assert!(
        words.contains("`https://npm.internal/ ...` is not a target"),
        "{words}"
    );
    assert!(!words.contains("glpat-of-somebody"), "{words}");
    lab.stop();
}
