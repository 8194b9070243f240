//! What somebody meets who uses gosling for the first time.

use serde_json::Value;

use crate::gosling::said;
use crate::lab::Lab;

/// A Nest as `gosling init` starts it, in the sandbox's default world.
fn fresh() -> Lab {
    let lab = Lab::in_world(
        r#"{ "gitlab": { "projects": [{ "id": 1, "path": "demo/hello" }] } }"#,
        0,
        &[],
    );
    std::fs::create_dir_all(lab.nest()).unwrap();
    lab.green(&["init", "--name", "lab", "--provider", "proxmox", "--yes"]);
    lab
}

#[test]
fn secrets_that_apply_writes_are_not_missing_before_it() {
    let lab = fresh();
    let checked = lab.green(&["secret", "check"]);
    assert!(checked.contains("not written yet; apply writes it"), "{checked}");
    let place = checked.lines().find(|line| line.starts_with("store://")).unwrap();
    let (place, _) = place.split_once(": ").unwrap();
    lab.green(&["secret", "check", place]);
    let list: Value = serde_json::from_slice(&lab.run(&["secret", "check", "--json"]).stdout).unwrap();
    let text = list.to_string();
    assert!(text.contains("\"written_by_apply\":true"), "{text}");
    lab.green(&["apply", "--yes"]);
    // Once it was written, it has to be there.
    std::fs::remove_file(lab.nest().join(".gosling/secrets.age")).unwrap();
    let gone = lab.run(&["secret", "check", place]);
    assert_eq!(gone.status.code(), Some(1), "{}", said(&gone));
    assert!(said(&gone).contains("missing\n  help: "), "{}", said(&gone));
    lab.stop();
}

#[test]
fn a_missing_secret_gets_advice_that_works() {
    let mut lab = fresh();
    for name in ["GITLAB_TOKEN", "PROXMOX_TOKEN"] {
        let value = lab.environment.remove(name).unwrap();
        let planned = said(&lab.run(&["plan"]));
        for command in [
            &["plan"][..],
            &["preflight"],
            &["apply", "--yes"],
            &["secret", "check"],
        ] {
            let output = lab.run(command);
            let words = said(&output);
            assert!(words.contains(name), "{command:?}: {words}");
            assert!(
                !words.contains(&format!("secret set env://{name}")),
                "{command:?}: {words}"
            );
        }
        assert!(planned.contains("apply would refuse this"), "{planned}");
        lab.environment.insert(name.to_owned(), value);
    }
    assert_eq!(lab.there(), []);
    // Nobody is asked for a value that cannot be put there.
    for command in ["set", "rotate"] {
        let refused = lab.give(&["secret", command, "env://GITLAB_TOKEN"], "value");
        assert_eq!(refused.status.code(), Some(1));
        let words = said(&refused);
        assert!(words.contains("export GITLAB_TOKEN=..."), "{words}");
        assert!(!words.contains("Ctrl-D"), "{words}");
    }
    lab.stop();
}

#[test]
fn every_call_is_logged_and_no_secret_is() {
    let lab = fresh();
    let secrets: Vec<String> = ["GITLAB_TOKEN", "PROXMOX_TOKEN"]
        .iter()
        .map(|name| lab.environment[*name].clone())
        .collect();
    let quiet = said(&lab.run(&["plan"]));
    assert!(!quiet.contains("GET "), "{quiet}");
    let mut logged = String::new();
    for (arguments, level) in [
        (&["-vv", "apply", "--yes"][..], ""),
        (&["plan"], "trace"),
        (&["status", "-v"], ""),
        (&["smoke", "hello"], "debug"),
    ] {
        let mut command = lab.command(arguments);
        command.env("GOSLING_LOG", level).env("RUST_LOG", "trace");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let words = said(&output);
        assert!(words.contains(" INFO GET 127.0.0.1:"), "{arguments:?}: {words}");
        logged.push_str(&words);
    }
    for call in [
        "POST 127.0.0.1",
        "/api/v4/user/runners: 201 in ",
        "/api2/json/cluster/resources",
        " ...",
    ] {
        assert!(logged.contains(call), "{call}: {logged}");
    }
    assert!(
        !logged
            .lines()
            .any(|line| line.contains("127.0.0.1") && line.contains('?')),
        "{logged}"
    );
    let secret = ["secret", "check", "--json"];
    let checked: Value = serde_json::from_slice(&lab.run(&secret).stdout).unwrap();
    assert_eq!(checked["secrets"][0]["present"], true);
    for secret in secrets
        .iter()
        .map(String::as_str)
        .chain(["glrt-", "PVEAPIToken", "private-token"])
    {
        assert!(!logged.contains(secret), "{secret}");
    }
    lab.stop();
}

#[test]
fn a_misspelt_target_is_answered_with_the_one_that_is_meant() {
    let lab = fresh();
    let refused = said(&lab.run(&["plan", "--target", "egg.helo"]));
    assert!(refused.contains("help: did you mean `egg.hello`?"), "{refused}");
    lab.stop();
}

#[test]
fn a_plan_writes_sizes_and_times_as_fly_does() {
    let lab = fresh();
    let planned = lab.green(&["plan"]);
    assert!(planned.contains("4GiB") && planned.contains("20GiB"), "{planned}");
    assert!(!planned.contains("4096"), "{planned}");
    lab.stop();
}

#[test]
fn destroy_speaks_of_what_is_left_and_takes_no_replace() {
    let lab = fresh();
    let nothing = lab.green(&["destroy", "--yes"]);
    assert!(
        nothing.contains("No changes: nothing that this Nest created is left."),
        "{nothing}"
    );
    for arguments in [
        &["destroy", "--replace", "egg.hello.runner"][..],
        &["plan", "--destroy", "--replace", "egg.hello.runner"],
    ] {
        let refused = lab.run(arguments);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains("--replace"), "{}", said(&refused));
    }
    lab.green(&["apply", "--yes"]);
    // What needs a target goes with it, as the help says.
    let planned = lab.green(&["plan", "--destroy", "--target", "egg.hello.runner"]);
    assert!(planned.contains("2 to delete"), "{planned}");
    let help = said(&lab.run(&["destroy", "--help"]));
    assert!(help.contains("Delete only this and what needs it"), "{help}");
    lab.stop();
}

#[test]
fn a_nest_that_init_starts_runs_in_the_sandbox_as_it_is() {
    let lab = Lab::in_world("{}", 0, &[]);
    let home = lab.folder.path().join("home");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::create_dir_all(lab.nest()).unwrap();
    // Whether the sandbox or the Nest comes first.
    for sandbox_first in [true, false] {
        let name = if sandbox_first { "first" } else { "second" };
        let home = home.join(name);
        std::fs::create_dir_all(&home).unwrap();
        let nest = lab.nest().join(name);
        let shell = |script: &str| {
            let mut command = lab.command(&[]);
            let gosling = command.get_program().to_owned();
            command = std::process::Command::new("bash");
            command
                .args(["-euc", script])
                .current_dir(lab.nest())
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", &home)
                .env("GOSLING", gosling)
                .env("NEST", &nest);
            command.output().unwrap()
        };
        let sandbox = r#"
            "$GOSLING" sandbox --env-file "$HOME/sandbox.env" >/dev/null 2>"$HOME/sandbox.log" &
            sandbox=$!
            trap 'kill $sandbox' EXIT
            until [ -s "$HOME/sandbox.env" ]; do kill -0 $sandbox; sleep 0.05; done
            . "$HOME/sandbox.env"
        "#;
        let init = r#""$GOSLING" init "$NEST" --provider proxmox --yes
        "#;
        let script = match sandbox_first {
            true => [
                sandbox,
                init,
                r#"cd "$NEST"; "$GOSLING" apply --yes; "$GOSLING" smoke hello"#,
            ]
            .concat(),
            false => [init, sandbox, r#"cd "$NEST"; "$GOSLING" preflight"#].concat(),
        };
        let output = shell(&script);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
    }
    lab.stop();
}
