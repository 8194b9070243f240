//! What is wrong with the Nest, the services or the way to them: said precisely, with a way out, and nothing lost.

use gosling_engine::fence::Unfenced;
use gosling_providers::http::{Body, Client, Endpoint, Method, Request};
use gosling_resource::Secret;

use crate::gosling::{BINARY, said};
use crate::lab::{Lab, whole};

/// The exit code is 1, and what is said holds all of these words.
fn refused(lab: &Lab, arguments: &[&str], words: &[&str]) {
    let output = lab.run(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

/// An apply is refused in these words, and with a help; the state can be read after it.
fn apply_refused(lab: &Lab, words: &[&str]) {
    refused(lab, &["apply", "--yes"], &[words, &["help: "]].concat());
    lab.green(&["state", "list"]);
}

/// Now that it is put right, an apply makes what is wanted, once.
fn put_right(lab: Lab) {
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole(), "{:#?}", lab.there());
    assert_eq!(lab.green(&["state", "list"]).lines().count(), 3);
    lab.green(&["status"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

const EGG: &str = "Eggs/app/config.fly";

/// The egg with one text in it instead of another.
fn edit(lab: &Lab, file: &str, from: &str, to: &str) {
    let text = lab.read(file);
    assert!(text.contains(from), "`{from}` is not in {file}");
    lab.write(file, &text.replace(from, to));
}

#[test]
fn a_wrong_token_of_proxmox() {
    let mut lab = Lab::one();
    let token = lab.environment["PROXMOX_TOKEN"].clone();
    let set = |lab: &mut Lab, token: &str| {
        lab.environment
            .insert("PROXMOX_TOKEN".to_owned(), token.to_owned())
    };
    set(&mut lab, "00000000-0000-4000-8000-000000000000");
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "the token `gosling@pve!ci` is refused",
            "API Tokens",
        ],
    );
    set(&mut lab, &token);
    put_right(lab);
}

#[test]
fn a_token_of_proxmox_that_is_taken_away() {
    let mut lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let right = lab
        .environment
        .insert("PROXMOX_TOKEN".to_owned(), "wrong".to_owned());
    let words = [
        "egg.app.vm[0]",
        "Eggs/app/config.fly:",
        "could not be read",
        "`gosling@pve!ci` is refused",
        "help: ",
    ];
    for arguments in [&["plan"][..], &["refresh"], &["apply", "--yes"]] {
        refused(&lab, arguments, &words);
    }
    assert_eq!(lab.kinds(), whole());
    // What nobody can see is left as it is, with what it needs; the webhook needs neither and is deleted.
    refused(&lab, &["destroy", "--yes"], &words);
    let mut left = whole();
    left.remove("hook");
    assert_eq!(lab.kinds(), left);
    lab.environment.insert("PROXMOX_TOKEN".to_owned(), right.unwrap());
    put_right(lab);
}

#[test]
fn a_wrong_token_of_gitlab() {
    let mut lab = Lab::one();
    let token = lab
        .environment
        .insert("GITLAB_TOKEN".to_owned(), "glpat-wrong".to_owned());
    apply_refused(
        &lab,
        &[
            "egg.app.runner",
            "Eggs/app/config.fly:",
            "GitLab gitlab.example.com does not take the token at env://GITLAB_TOKEN: 401",
            "make a new one",
        ],
    );
    assert_eq!(lab.there(), [], "the machine needs the runner: it is not begun");
    lab.environment.insert("GITLAB_TOKEN".to_owned(), token.unwrap());
    put_right(lab);
}

#[test]
fn an_authority_that_nobody_knows() {
    let mut lab = Lab::one();
    let file = lab.environment.remove("GOSLING_CA_FILE");
    apply_refused(
        &lab,
        &[
            "Eggs/app/config.fly:",
            "127.0.0.1",
            "its certificate is by an unknown authority",
            "`GOSLING_CA_FILE`",
        ],
    );
    assert_eq!(lab.there(), []);
    lab.environment.insert(
        "GOSLING_CA_FILE".to_owned(),
        lab.folder.path().join("none.pem").to_str().unwrap().to_owned(),
    );
    refused(
        &lab,
        &["apply", "--yes"],
        &["GOSLING_CA_FILE: cannot read", "none.pem"],
    );
    lab.environment
        .insert("GOSLING_CA_FILE".to_owned(), file.unwrap());
    put_right(lab);
}

#[test]
fn a_host_that_is_not_there() {
    let mut lab = Lab::one();
    let set = |lab: &mut Lab, name: &str, address: &str| {
        lab.environment
            .insert(format!("GOSLING_ENDPOINT_{name}"), address.to_owned())
            .unwrap()
    };
    let gitlab = set(&mut lab, "GITLAB", "https://nowhere.invalid");
    apply_refused(
        &lab,
        &[
            "egg.app.runner",
            "Eggs/app/config.fly:",
            "nowhere.invalid: no such host in DNS",
            "spelling",
        ],
    );
    set(&mut lab, "GITLAB", &gitlab);
    let proxmox = set(&mut lab, "PROXMOX", "https://127.0.0.1:1");
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "127.0.0.1:1: the connection was refused",
            "port",
        ],
    );
    set(&mut lab, "PROXMOX", &proxmox);
    put_right(lab);
}

#[test]
fn a_node_that_is_down() {
    let lab = Lab::one_in(
        r#"{"proxmox": {"nodes": [{"name": "pve1"}, {"name": "pve2", "online": false}, {"name": "pve3"}]}}"#,
        0,
    );
    edit(
        &lab,
        EGG,
        "    pool = \"ci\"\n",
        "    pool = \"ci\"\n    nodes = [\"pve2\"]\n",
    );
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "none of the nodes pve2 is online",
            "online are pve1, pve3",
        ],
    );
    edit(
        &lab,
        EGG,
        "    nodes = [\"pve2\"]\n",
        "    nodes = [\"pve1\", \"pve2\"]\n",
    );
    put_right(lab);
}

#[test]
fn a_storage_that_is_full() {
    let lab = Lab::one_in(
        r#"{"proxmox": {"storages": [
            {"name": "local", "type": "dir", "content": ["iso", "vztmpl", "import"]},
            {"name": "local-lvm", "type": "lvmthin", "content": ["images"], "total_gib": 100, "used_gib": 95},
            {"name": "fast", "type": "lvmthin", "content": ["images"], "total_gib": 100}
        ]}}"#,
        0,
    );
    edit(
        &lab,
        EGG,
        "    pool = \"ci\"\n",
        "    pool = \"ci\"\n    storage = \"local-lvm\"\n",
    );
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "the storage `local-lvm` has no 10 GiB left",
            "another `storage`",
        ],
    );
    edit(&lab, EGG, "storage = \"local-lvm\"", "storage = \"slow\"");
    apply_refused(
        &lab,
        &[
            "the storage `slow` is not there",
            "`storage` can be `fast`, `local-lvm`",
        ],
    );
    edit(&lab, EGG, "storage = \"slow\"", "storage = \"fast\"");
    put_right(lab);
}

#[test]
fn a_template_that_is_not_there() {
    let lab = Lab::one();
    edit(&lab, EGG, "debian-12-cloud", "debian-13-cloud");
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "there is no template `debian-13-cloud`",
            "there are `debian-12-cloud`",
        ],
    );
    edit(&lab, EGG, "debian-13-cloud", "debian-12-cloud");
    put_right(lab);
}

#[test]
fn a_privilege_that_is_missing() {
    let lab = Lab::one();
    let all = [
        "Datastore.Allocate",
        "Datastore.AllocateSpace",
        "Datastore.AllocateTemplate",
        "Datastore.Audit",
        "Pool.Allocate",
        "Pool.Audit",
        "SDN.Use",
        "Sys.Audit",
        "VM.Allocate",
        "VM.Audit",
        "VM.Clone",
        "VM.Config.CDROM",
        "VM.Config.CPU",
        "VM.Config.Cloudinit",
        "VM.Config.Disk",
        "VM.Config.HWType",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.Monitor",
        "VM.PowerMgmt",
    ];
    for missing in ["VM.Clone", "Datastore.AllocateTemplate", "VM.PowerMgmt"] {
        let left = all
            .iter()
            .filter(|name| **name != missing)
            .map(|&name| name.to_owned());
        lab.running.allow(Some(left.collect()));
        let lacks = format!("the token `gosling@pve!ci` has no `{missing}` on `/");
        apply_refused(&lab, &["Eggs/app/config.fly:", &lacks]);
        assert_eq!(lab.there(), [], "it is known before anything is made");
        let help = format!("give `gosling@pve!ci` the privilege `{missing}` on `/");
        let words = [
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "Permission check failed",
            &help,
        ];
        refused(&lab, &["apply", "--yes", "--preflight=false"], &words);
        lab.running.allow(None);
        lab.green(&["destroy", "--yes"]);
        assert_eq!(lab.there(), [], "without {missing}");
    }
    put_right(lab);
}

#[test]
fn other_peoples_machines_in_the_range_stay_as_they_are() {
    let lab = Lab::one_in(
        r#"{"proxmox": {"machines": [
            {"vmid": 5000, "name": "mail", "node": "pve1"}, {"vmid": 5001, "name": "wiki", "node": "pve2"}
        ]}}"#,
        0,
    );
    edit(
        &lab,
        EGG,
        "    pool = \"ci\"\n",
        "    pool = \"ci\"\n    vmid_range = \"5000-5001\"\n",
    );
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "every VMID from 5000 to 5001 is taken",
            "larger `vmid_range`",
        ],
    );
    edit(&lab, EGG, "5000-5001", "5000-5002");
    lab.green(&["apply", "--yes"]);
    let there = lab.there();
    let machine = there.iter().find(|object| object.kind == "vm").unwrap();
    assert!(machine.id.ends_with("5002"), "{machine:?}");
    put_right(lab);
}

#[test]
fn a_gitlab_without_room_for_one_more_runner() {
    let lab = Lab::one();
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let client = Client::new(&endpoint).unwrap();
    let token = lab.environment["GITLAB_TOKEN"].clone();
    let send = |method, path: String, body| {
        let request = Request::new(method, path)
            .header("private-token", Secret::new(token.clone()))
            .body(body);
        let answer = lab.block_on(client.send(&request, &Unfenced)).unwrap();
        assert!(answer.is_success(), "{answer:?}");
        answer
    };
    let mut last = 0;
    for _ in 0..50 {
        let body = serde_json::json!({"runner_type": "project_type", "project_id": 17, "tag_list": ["old"]});
        let made = send(Method::Post, "/api/v4/user/runners".to_owned(), Body::Json(body));
        last = made.json().unwrap()["id"].as_i64().unwrap();
    }
    apply_refused(
        &lab,
        &[
            "egg.app.runner",
            "Eggs/app/config.fly:",
            "has no room for making a runner for project 17",
            "GitLab Free takes 50",
        ],
    );
    assert_eq!(lab.kinds().get("runner"), Some(&50));
    send(Method::Delete, format!("/api/v4/runners/{last}"), Body::None);
    lab.green(&["apply", "--yes"]);
    let kinds = lab.kinds();
    assert_eq!((kinds["runner"], kinds["vm"], kinds["hook"]), (50, 1, 1));
    lab.green(&["status"]);
    lab.stop();
}

#[test]
fn a_project_that_is_not_there() {
    let lab = Lab::one();
    edit(&lab, EGG, "project_id = 17", "project_id = 999");
    apply_refused(
        &lab,
        &[
            "egg.app.runner",
            "Eggs/app/config.fly:",
            "project 999: not there, or the token at env://GITLAB_TOKEN",
            "check the number",
        ],
    );
    assert_eq!(lab.there(), []);
    edit(&lab, EGG, "project_id = 999", "project_id = 17");
    put_right(lab);
}

#[test]
fn a_group_that_is_not_there() {
    let lab = Lab::one();
    edit(&lab, EGG, "project_id = 17", "group_id = 999");
    for arguments in [&["plan"][..], &["apply", "--yes"]] {
        refused(
            &lab,
            arguments,
            &[
                "Eggs/app/config.fly:",
                "group 999: not there, or the token at env://GITLAB_TOKEN",
                "help: check the number",
            ],
        );
    }
    assert_eq!(lab.changes(), 0);
    edit(&lab, EGG, "group_id = 999", "project_id = 17");
    put_right(lab);
}

#[test]
fn a_place_that_no_token_can_be_written_to() {
    let lab = Lab::one();
    edit(
        &lab,
        "nest.fly",
        "  name = \"one\"\n",
        "  name = \"one\"\n  default_secrets = \"env\"\n",
    );
    apply_refused(
        &lab,
        &[
            "Eggs/app/config.fly:",
            "egg.app needs a place for its runner's token",
            "environment variables can only be read",
            "default_secrets to \"store\"",
        ],
    );
    assert_eq!(lab.changes(), 0, "it is known before anything is made");
    edit(&lab, "nest.fly", "  default_secrets = \"env\"\n", "");
    put_right(lab);
}

#[test]
fn a_secret_that_is_not_there() {
    let mut lab = Lab::one();
    edit(
        &lab,
        EGG,
        "  runner {",
        "  environment {\n    NPM_TOKEN = \"store://npm/token\"\n  }\n\n  runner {",
    );
    apply_refused(
        &lab,
        &[
            "egg.app.vm[0]",
            "Eggs/app/config.fly:",
            "there is no secret at store://npm/token",
            "gosling secret set store://npm/token",
        ],
    );
    assert_eq!(lab.changes(), 0, "it is known before anything is made");
    lab.give(&["secret", "set", "store://npm/token"], "npm-value");
    let token = lab.environment.remove("GITLAB_TOKEN");
    apply_refused(&lab, &["there is no secret at env://GITLAB_TOKEN"]);
    assert_eq!(lab.there(), []);
    lab.environment.insert("GITLAB_TOKEN".to_owned(), token.unwrap());
    put_right(lab);
}

/// As somebody who may read the state and not write next to it: the superuser may do everything.
#[test]
fn a_state_that_may_only_be_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let is_root = std::fs::metadata(lab.nest()).unwrap().uid() == 0;
    // The program may lie where nobody else can reach it.
    let program = lab.folder.path().join("gosling");
    std::fs::copy(&*BINARY, &program).unwrap();
    if is_root {
        let chown = std::process::Command::new("chown")
            .args(["-R", &NOBODY.to_string()])
            .arg(lab.folder.path())
            .status();
        assert!(chown.unwrap().success());
    }
    let state = lab.nest().join(".gosling");
    let mode = |mode: u32| std::fs::set_permissions(&state, std::fs::Permissions::from_mode(mode)).unwrap();
    for file in std::fs::read_dir(&state).unwrap() {
        std::fs::set_permissions(file.unwrap().path(), std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    mode(0o500);
    let ends = |arguments: &[&str], code: i32, words: &[&str]| {
        let of_lab = lab.command(arguments);
        let mut command = std::process::Command::new(&program);
        command
            .args(of_lab.get_args())
            .current_dir(of_lab.get_current_dir().unwrap())
            .env_clear();
        for (name, value) in of_lab.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        if is_root {
            command.uid(NOBODY);
        }
        let output = command.output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        for words in words {
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    };
    let help = "help: the state, its lock and its journal are in this folder: the user that runs gosling must be able to read and write there";
    ends(&["lock"], 0, &["is free"]);
    ends(&["plan"], 0, &["No changes"]);
    ends(
        &["apply", "--yes"],
        1,
        &["cannot lock ", "/.gosling/lock: ", help],
    );
    ends(&["unlock"], 1, &["cannot lock ", help]);
    ends(
        &["freeze", "--reason", "a release"],
        1,
        &["the audit could not be written", help],
    );
    mode(0o700);
    lab.stop();
}

#[test]
fn an_identity_that_is_not_there_or_anybodys() {
    use std::os::unix::fs::PermissionsExt;
    let mut lab = Lab::one();
    let file = lab.environment.remove("GOSLING_AGE_IDENTITY").unwrap();
    apply_refused(&lab, &["egg.app.", "store://"]);
    assert_eq!(lab.changes(), 0);
    lab.environment
        .insert("GOSLING_AGE_IDENTITY".to_owned(), file.clone());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    refused(
        &lab,
        &["apply", "--yes"],
        &["can be read by others", "help: chmod 600"],
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    put_right(lab);
}

#[test]
fn a_runner_that_does_not_come_online_says_why() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"boot": 600000}}}"#, 0);
    edit(
        &lab,
        EGG,
        "  runner {",
        "  health_check {\n    online_within = 2s\n  }\n\n  runner {",
    );
    refused(
        &lab,
        &["apply", "--yes"],
        &["egg.app.vm[0]", "was not online within 2", "help: "],
    );
    let mut all = whole();
    all.insert("volume".to_owned(), 1);
    assert_eq!(lab.kinds(), all, "what was made stays, to be looked at");
    // Nothing is left to change, and the next apply waits for it all the same.
    refused(
        &lab,
        &["apply", "--yes"],
        &["No changes", "was not online within 2"],
    );
    lab.stop();
}

/// The egg, whose machines have two seconds to come online.
fn hurried(lab: &Lab) {
    let health = "  health_check {\n    online_within = 2s\n  }\n\n  runner {";
    edit(lab, EGG, "  runner {", health);
}

#[test]
fn a_machine_without_a_way_to_gitlab_is_told_from_one_whose_token_is_refused() {
    let lab = Lab::one_in(r#"{"gitlab": {"machines_reach": false}}"#, 0);
    hurried(&lab);
    let words = "gitlab.example.com cannot be reached from the machine";
    refused(
        &lab,
        &["apply", "--yes"],
        &["egg.app.vm[0]", words, "help: look at its way there"],
    );
    lab.stop();

    let lab = Lab::one();
    hurried(&lab);
    lab.green(&["apply", "--yes"]);
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let client = Client::new(&endpoint).unwrap();
    let runner = lab
        .there()
        .into_iter()
        .find(|object| object.kind == "runner")
        .unwrap();
    let path = format!("/api/v4/runners/{}/reset_authentication_token", runner.id);
    let token = Secret::new(lab.environment["GITLAB_TOKEN"].clone());
    let reset = Request::new(Method::Post, path).header("private-token", token);
    assert!(lab.block_on(client.send(&reset, &Unfenced)).unwrap().is_success());
    let words = "gitlab.example.com refuses the token of the runner in the machine";
    refused(
        &lab,
        // The checks before it find that, too.
        &[
            "apply",
            "--yes",
            "--preflight=false",
            "--replace",
            "egg.app.vm[0]",
        ],
        &[words, "was the runner deleted or its token reset by hand?"],
    );
    lab.stop();
}

#[test]
fn a_first_boot_that_stops_is_told_by_what_it_wrote_last() {
    let script = crate::workspace::read("fly-codegen/src/templates/first-boot.sh.hbs");
    let cases = [
        (
            "gitlab: does not have a certificate that this machine trusts",
            [
                "does not trust the certificate of gitlab.example.com",
                "help: name the authority that signed it: `ca_file`",
            ],
        ),
        (
            "installing Docker",
            [
                "the first boot of the machine",
                "has come no further than: installing Docker",
            ],
        ),
        (
            "gitlab: answers with an error",
            [
                "gitlab.example.com, asked from the machine",
                "answers with an error",
            ],
        ),
    ];
    for (last, words) in cases {
        assert!(
            script.contains(&format!("say \"{last}\"")),
            "the script says no `{last}`"
        );
        let lab = Lab::one_in(&format!(r#"{{"gitlab": {{"machines_stop_at": "{last}"}}}}"#), 0);
        hurried(&lab);
        refused(
            &lab,
            &["apply", "--yes"],
            &[&["egg.app.vm[0]", "help: "][..], &words].concat(),
        );
        lab.stop();
    }
}

#[test]
fn a_machine_that_somebody_stopped_meanwhile_is_said_not_to_run() {
    let lab = Lab::one_in(r#"{"proxmox": {"speed": {"boot": 600000}}}"#, 0);
    let health = "  health_check {\n    online_within = 30s\n  }\n\n  runner {";
    edit(&lab, EGG, "  runner {", health);
    let heard = lab.folder.path().join("heard");
    let mut command = lab.command(&["apply", "--yes"]);
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(&heard).unwrap())
        .spawn()
        .unwrap();
    let text = || std::fs::read_to_string(&heard).unwrap();
    while !text().contains("to contact GitLab") {
        assert!(child.try_wait().unwrap().is_none(), "{}", text());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let machine = lab
        .there()
        .into_iter()
        .find(|object| object.kind == "vm")
        .unwrap();
    let endpoint = Endpoint {
        ca_pem: Some(lab.running.ca_pem().as_bytes().to_vec()),
        ..Endpoint::new(lab.running.url())
    };
    let client = Client::new(&endpoint).unwrap();
    let token = format!("PVEAPIToken=gosling@pve!ci={}", lab.environment["PROXMOX_TOKEN"]);
    let stopped = ["pve1", "pve2", "pve3"].into_iter().any(|node| {
        let path = format!("/api2/json/nodes/{node}/qemu/{}/status/stop", machine.id);
        let stop = Request::new(Method::Post, path).header("authorization", Secret::new(token.clone()));
        lab.block_on(client.send(&stop, &Unfenced)).unwrap().is_success()
    });
    assert!(stopped, "{machine:?}");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{}", text());
    assert!(text().contains("is not running"), "{}", text());
    assert!(text().contains("help: look at its task log"), "{}", text());
    lab.stop();
}
