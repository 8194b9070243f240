//! What becomes of the parts of an egg.

use gosling_resource::{Address, Value};

use crate::support::{
    cloud_config, config_toml, egg, facts, filled, get, named_egg, nest, shown, template, written,
};

const UGLYFOX: &str = r#"-- UF/config.fly --
uglyfox {
  pruning {
    failed_threshold = 3
    max_age = 24h
  }
  runners_condition "all" {
    eggs_entities = ["app"]
    apex {
      min_count = COUNT
      max_count = 9
    }
    nadir {
      max_count = 1
      idle_timeout = 10m
    }
  }
}
"#;

fn uglyfox(count: usize) -> String {
    UGLYFOX.replace("COUNT", &count.to_string())
}

#[test]
fn there_are_as_many_machines_as_are_always_up() {
    for count in [0, 1, 3] {
        let resources = nest(&(egg("", "") + &uglyfox(count))).resources();
        let machines = resources
            .iter()
            .filter(|resource| resource.kind == "proxmox_vm")
            .count();
        assert_eq!(machines, count);
        assert!(resources.get(&Address::new("egg", "app", "runner")).is_some());
    }
    assert_eq!(
        nest(&egg("", "")).resources().len(),
        2,
        "a runner and one machine"
    );
}

#[test]
fn addresses_are_handed_out_in_order() {
    let cloud = r#"address = ["10.0.8.10/24", "fd00::11/64"]
        gateway = "10.0.8.1"
        dns = ["10.0.0.53"]"#;
    let resources = nest(&(egg(cloud, "") + &uglyfox(2))).resources();
    let network = shown(template(get(&resources, "egg.app.vm[0]"), "network_config"));
    let network: serde_norway::Value = serde_norway::from_str(&network).unwrap();
    let card = &network["ethernets"]["ens18"];
    assert_eq!(card["addresses"][0].as_str(), Some("10.0.8.10/24"));
    assert_eq!(card["routes"][0]["to"].as_str(), Some("0.0.0.0/0"));
    assert_eq!(card["routes"][0]["via"].as_str(), Some("10.0.8.1"));
    assert_eq!(card["nameservers"]["addresses"][0].as_str(), Some("10.0.0.53"));
}

#[test]
fn without_a_word_about_the_network_it_is_left_to_cloud_init() {
    let resources = nest(&egg("", "")).resources();
    assert_eq!(
        get(&resources, "egg.app.vm[0]").properties["network_config"],
        Value::Null
    );
    let resources = nest(&egg("dns = [\"10.0.0.53\"]", "")).resources();
    let network = shown(template(get(&resources, "egg.app.vm[0]"), "network_config"));
    let network: serde_norway::Value = serde_norway::from_str(&network).unwrap();
    assert_eq!(network["ethernets"]["ens18"]["dhcp4"].as_bool(), Some(true));
}

#[test]
fn sizes_are_mebibytes_and_seconds() {
    let resources = nest(&egg("", "")).resources();
    let machine = &get(&resources, "egg.app.vm[0]").properties;
    assert_eq!(
        (&machine["memory"], &machine["disk"]),
        (&Value::Int(3815), &Value::Int(20480))
    );
    assert_eq!(
        get(&resources, "egg.app.runner").properties["maximum_timeout"],
        Value::Int(3600)
    );
}

#[test]
fn a_nest_without_a_name_has_its_folders() {
    let resources = nest(&egg("", "")).resources();
    let machine = &get(&resources, "egg.app.vm[0]").properties;
    assert_eq!(machine["name"], Value::from("some-folder-app-0"));
    assert_eq!(machine["tags"].texts(), ["app", "gosling", "some-folder"]);
    let runner = &get(&resources, "egg.app.runner").properties;
    assert_eq!(runner["description"], Value::from("Some Folder/app"));
    let facts = fly_codegen::Facts {
        folder: None,
        ..facts()
    };
    let compiled = nest(&egg("", ""));
    let resources = fly_codegen::lower(&compiled.source(), &facts).unwrap();
    assert_eq!(
        get(&resources, "egg.app.vm[0]").properties["name"],
        Value::from("nest-app-0")
    );
}

#[test]
fn a_firewall_is_told_as_it_is_written() {
    let cloud = "firewall {\n policy_in = \"reject\"\n allow = [\"10.0.0.0/8 tcp/22\"]\n }";
    let resources = nest(&egg(cloud, "")).resources();
    let Value::Map(firewall) = &get(&resources, "egg.app.vm[0]").properties["firewall"] else {
        panic!()
    };
    assert_eq!(firewall["policy_in"], Value::from("reject"));
    assert_eq!(firewall["allow"].texts(), ["10.0.0.0/8 tcp/22"]);
    let resources = nest(&egg("", "")).resources();
    assert_eq!(
        get(&resources, "egg.app.vm[0]").properties["firewall"],
        Value::Null
    );
}

#[test]
fn a_protected_egg_is_a_runner_of_its_own() {
    let deploy = named_egg("deploy", "vlan = 40", "").replace("tags =", "protected = true\n    tags =");
    let resources = nest(&(egg("", "") + &deploy)).resources();
    let access = |address: &str| get(&resources, address).properties["access_level"].clone();
    assert_eq!(access("egg.deploy.runner"), Value::from("ref_protected"));
    assert_eq!(access("egg.app.runner"), Value::from("not_protected"));
    assert_eq!(
        get(&resources, "egg.deploy.vm[0]").properties["vlan"],
        Value::Int(40)
    );
    let place = |address: &str| get(&resources, address).properties["token_secret"].clone();
    assert_ne!(place("egg.deploy.runner"), place("egg.app.runner"));
}

/// The address at which the machine's gitlab-runner listens.
fn listens(metrics: &str, cloud: &str, machine: &str) -> Option<String> {
    let egg = egg(cloud, "").replace("tags =", &format!("{metrics}\n    tags ="));
    let resources = nest(&(egg + &uglyfox(2))).resources();
    let user_data = filled(template(get(&resources, machine), "user_data"), |_| "t".into());
    let config = config_toml(&user_data);
    config
        .get("listen_address")
        .map(|address| address.as_str().unwrap().to_owned())
}

#[test]
fn metrics_are_for_the_machine_itself_unless_the_network_is_asked_for() {
    let addresses = r#"address = ["10.0.8.10/24", "fd00::11/64"]"#;
    let network = r#"metrics = "network""#;
    for (metrics, cloud, machine, expected) in [
        ("", addresses, "egg.app.vm[0]", Some("127.0.0.1:9252")),
        ("", "", "egg.app.vm[0]", Some("127.0.0.1:9252")),
        (network, addresses, "egg.app.vm[0]", Some("10.0.8.10:9252")),
        (network, addresses, "egg.app.vm[1]", Some("[fd00::11]:9252")),
        (network, "", "egg.app.vm[0]", Some(":9252")),
        (r#"metrics = "off""#, addresses, "egg.app.vm[0]", None),
    ] {
        assert_eq!(
            listens(metrics, cloud, machine).as_deref(),
            expected,
            "{metrics} {cloud}"
        );
    }
}

/// A unit or a part of one, as the sections and settings that it has.
fn settings(unit: &str) -> Vec<(&str, &str)> {
    unit.lines().filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn a_shutdown_of_the_machine_waits_for_the_jobs_of_its_runner() {
    for executor in ["docker", "shell"] {
        let egg = egg("", "").replace("tags =", &format!("executor = \"{executor}\"\n    tags ="));
        let resources = nest(&egg).resources();
        let machine = get(&resources, "egg.app.vm[0]");
        let config = cloud_config(&filled(template(machine, "user_data"), |_| "t".into()));
        let unit = written(
            &config,
            "/etc/systemd/system/gitlab-runner.service.d/gosling.conf",
        );
        for setting in [
            // The job's own processes are left to gitlab-runner.
            ("KillMode", "mixed"),
            ("KillSignal", "SIGQUIT"),
            ("TimeoutStopSec", "infinity"),
        ] {
            assert!(settings(&unit).contains(&setting), "{setting:?}\n{unit}");
        }
        for target in ["poweroff", "reboot"] {
            let unit = written(
                &config,
                &format!("/etc/systemd/system/{target}.target.d/gosling.conf"),
            );
            assert_eq!(settings(&unit), [("JobTimeoutSec", "infinity")]);
        }
        let files = serde_norway::to_string(&config["write_files"]).unwrap();
        assert_eq!(files.contains("session-.scope.d"), executor == "shell");
    }
}

#[test]
fn a_first_boot_that_fails_is_tried_again_until_it_has_succeeded() {
    let resources = nest(&egg("", "")).resources();
    let machine = get(&resources, "egg.app.vm[0]");
    let config = cloud_config(&filled(template(machine, "user_data"), |_| "t".into()));
    let unit = written(&config, "/etc/systemd/system/gosling-first-boot.service");
    let settings = settings(&unit);
    for setting in [
        ("ConditionPathExists", "!/var/lib/gosling/ready"),
        ("ExecStart", "/bin/sh /usr/local/lib/gosling/first-boot"),
        ("Restart", "on-failure"),
        ("StartLimitIntervalSec", "0"),
        ("WantedBy", "multi-user.target"),
    ] {
        assert!(settings.contains(&setting), "{setting:?}\n{unit}");
    }
    let commands = serde_norway::to_string(&config["runcmd"]).unwrap();
    assert!(
        !commands.contains("/usr/local/lib"),
        "only its unit runs it: {commands}"
    );
    assert!(commands.contains("gosling-first-boot.service"), "{commands}");
}

#[test]
fn a_template_in_which_a_runner_was_started_leaves_no_trace_in_its_clones() {
    let resources = nest(&egg("", "")).resources();
    let machine = get(&resources, "egg.app.vm[0]");
    let config = cloud_config(&filled(template(machine, "user_data"), |_| "t".into()));
    let command: Vec<_> = config["bootcmd"][0].as_sequence().unwrap().iter().collect();
    let words: Vec<_> = command.iter().filter_map(|word| word.as_str()).collect();
    assert_eq!(
        words,
        [
            "cloud-init-per",
            "instance",
            "gosling",
            "rm",
            "-f",
            "/var/lib/gosling/ready",
            "/etc/gitlab-runner/.runner_system_id"
        ]
    );
}

#[test]
fn a_disk_that_grew_reaches_the_file_system_at_once_and_at_each_boot() {
    let resources = nest(&egg("", "")).resources();
    let machine = get(&resources, "egg.app.vm[0]");
    let config = cloud_config(&filled(template(machine, "user_data"), |_| "t".into()));
    let script = written(&config, "/usr/local/lib/gosling/grow");
    for command in ["growpart", "resize2fs", "xfs_growfs", "btrfs filesystem resize"] {
        assert!(script.contains(command), "{script}");
    }
    let unit = written(&config, "/etc/systemd/system/gosling-grow.service");
    assert!(
        settings(&unit).contains(&("WantedBy", "multi-user.target")),
        "{unit}"
    );
    let rule = written(&config, "/etc/udev/rules.d/90-gosling-grow.rules");
    assert!(
        rule.contains(r#"ENV{RESIZE}=="1""#) && rule.contains("start gosling-grow.service"),
        "{rule}"
    );
}

#[test]
fn jobs_in_the_machines_shell_need_no_docker() {
    let shell = egg("", "").replace("tags =", "executor = \"shell\"\n    tags =");
    let resources = nest(&shell).resources();
    let user_data = filled(template(get(&resources, "egg.app.vm[0]"), "user_data"), |_| {
        "t".into()
    });
    let config = config_toml(&user_data);
    let runner = &config["runners"][0];
    assert_eq!(runner["executor"].as_str(), Some("shell"));
    assert_eq!(runner.get("docker"), None);
    let script = written(&cloud_config(&user_data), "/usr/local/lib/gosling/first-boot");
    assert!(!script.contains("docker"), "{script}");
    assert!(script.contains("useradd"), "{script}");
}

#[test]
fn a_version_is_kept_to() {
    let versioned = egg("", "").replace("tags =", "version = \"17.5.1\"\n    tags =");
    let resources = nest(&versioned).resources();
    let user_data = filled(template(get(&resources, "egg.app.vm[0]"), "user_data"), |_| {
        "t".into()
    });
    let config = cloud_config(&user_data);
    let pin = written(&config, "/etc/apt/preferences.d/gosling-gitlab-runner");
    assert!(pin.contains("Pin: version /^17\\.5\\.1([^0-9]|$)/\n"), "{pin}");
    let script = written(&config, "/usr/local/lib/gosling/first-boot");
    assert!(script.contains("\nversion='17.5.1'\n"), "{script}");
}

#[test]
fn a_servers_own_authority_goes_into_the_machine() {
    let provider = r#"provider "gitlab" {
  server = "https://gitlab.lab"
  token = "store://gitlab/token"
  ca_file = "ca.pem"
}
-- ca.pem --
-----BEGIN CERTIFICATE-----
AAAA
-----END CERTIFICATE-----
"#;
    let compiled = nest(&(provider.to_owned() + &egg("", "")));
    let resources = compiled.resources();
    let user_data = filled(template(get(&resources, "egg.app.vm[0]"), "user_data"), |_| {
        "t".into()
    });
    let path = config_toml(&user_data)["runners"][0]["tls-ca-file"]
        .as_str()
        .unwrap()
        .to_owned();
    let pem = written(&cloud_config(&user_data), &path);
    assert_eq!(
        pem,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    );
    let token = &get(&resources, "egg.app.runner").properties["api_token"];
    assert_eq!(token.as_secret().unwrap().as_str(), "store://gitlab/token");
}

#[test]
fn a_rift_in_a_bucket_is_the_jobs_cache() {
    let rift = r#"-- RF/config.fly --
rift {
  endpoint = "https://rift.lab"
  storage {
    name = "cache"
    endpoint = "http://minio.lab:9000/"
    access_key = "AKIA"
    secret_key = "store://rift/key"
  }
}
"#;
    let resources = nest(&(egg("", "") + rift)).resources();
    let user_data = filled(
        template(get(&resources, "egg.app.vm[0]"), "user_data"),
        str::to_owned,
    );
    let config = config_toml(&user_data);
    let cache = &config["runners"][0]["cache"];
    assert_eq!(
        (cache["Type"].as_str(), cache["Path"].as_str()),
        (Some("s3"), Some("some-folder"))
    );
    let s3 = &cache["s3"];
    assert_eq!(s3["ServerAddress"].as_str(), Some("minio.lab:9000"));
    assert_eq!(s3["Insecure"].as_bool(), Some(true));
    assert_eq!(s3["SecretKey"].as_str(), Some("store://rift/key"));
}

const BUCKET: &str = r#"-- Eggs/web/config.fly --
eggsbucket "web" {
  type = "vm"
  cloud {
    provider = "proxmox"
    template = "debian-12"
  }
  resources {
    cpu = 2
    memory = 4GiB
    disk = 20GiB
  }
  runner {
    tags = ["web"]
  }
  repositories {
    repo "docs" {
      gitlab {
        server = "gitlab.lab"
        project_id = 41
        webhook_url = "https://goose.lab/in?x=1#y"
      }
    }
    repo "shop" {
      gitlab {
        server = "https://other.lab:8443/"
        project_id = 41
        webhook_url = "https://goose.lab/in"
        webhook_secret = "store://shop/hook"
        token_secret = "store://shop/token"
      }
    }
  }
}
"#;

#[test]
fn a_bucket_has_a_runner_for_each_repository_and_machines_for_all() {
    let resources = nest(BUCKET).resources();
    let addresses: Vec<String> = resources
        .iter()
        .map(|resource| resource.address.to_string())
        .collect();
    assert_eq!(
        addresses,
        [
            "eggsbucket.web.hook[docs:41]",
            "eggsbucket.web.hook[shop:41]",
            "eggsbucket.web.runner[docs]",
            "eggsbucket.web.runner[shop]",
            "eggsbucket.web.vm[0]",
        ]
    );
    for address in &addresses {
        assert_eq!(address.parse::<Address>().unwrap().to_string(), *address);
    }
    let machine = get(&resources, "eggsbucket.web.vm[0]");
    let runners = ["eggsbucket.web.runner[docs]", "eggsbucket.web.runner[shop]"];
    let needed: Vec<String> = machine.needs().iter().map(ToString::to_string).collect();
    assert_eq!(needed, runners);
    let config = config_toml(&filled(template(machine, "user_data"), str::to_owned));
    let tokens: Vec<&str> = config["runners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|runner| runner["token"].as_str().unwrap())
        .collect();
    assert_eq!(
        tokens,
        [
            "store://gitlab/gitlab.lab/web/docs/runner-token",
            "store://shop/token"
        ]
    );
}

#[test]
fn a_webhook_can_be_found_again() {
    let resources = nest(BUCKET).resources();
    let docs = &get(&resources, "eggsbucket.web.hook[docs:41]").properties;
    assert_eq!(docs["url"], Value::from("https://goose.lab/in?x=1&egg=web#y"));
    assert_eq!(docs["generate_secret"], Value::Bool(true));
    assert_eq!(
        docs["secret"].as_secret().unwrap().as_str(),
        "store://gitlab/gitlab.lab/web/docs/webhook-secret"
    );
    let shop = &get(&resources, "eggsbucket.web.hook[shop:41]").properties;
    assert_eq!(shop["url"], Value::from("https://goose.lab/in?egg=web"));
    assert_eq!(shop["generate_secret"], Value::Bool(false));
}

#[test]
fn without_an_address_there_is_no_webhook_and_no_question() {
    let grouped = egg("", "").replace("project_id = 17", "group_id = 5");
    let compiled = nest(&grouped);
    assert_eq!(fly_codegen::questions(&compiled.source()), []);
    assert_eq!(compiled.resources().len(), 2);
}

#[test]
fn where_nothing_is_to_be_reported_there_is_no_webhook_and_no_question() {
    let reported = egg("", "").replace(
        "project_id = 17",
        "group_id = 5\n    webhook_url = \"https://goose.lab/in\"\n    events = [\"job\"]",
    );
    let silent = reported.replace("[\"job\"]", "[]");
    let asked = |archive: &str| fly_codegen::questions(&nest(archive).source()).len();
    assert_eq!((asked(&reported), asked(&silent)), (1, 0));
    let resources = nest(&silent).resources();
    assert!(resources.iter().all(|resource| resource.kind != "gitlab_hook"));
}

#[test]
fn a_name_that_has_moved_is_told() {
    let moved = "-- Lib/moved.fly --\nmoved {\n  from = egg.old\n  to = egg.app\n}\n";
    let resources = nest(&(egg("", "") + moved)).resources();
    assert_eq!(resources.moved, [("egg.old".to_owned(), "egg.app".to_owned())]);
}

#[test]
fn every_property_knows_where_it_was_written() {
    let resources = nest(&egg("vlan = 7", "")).resources();
    let machine = get(&resources, "egg.app.vm[0]");
    let line = |name: &str| machine.origins[name].to_string();
    assert_eq!(line("vlan"), "Eggs/app/config.fly:6");
    assert_eq!(line("memory"), "Eggs/app/config.fly:10");
    assert_eq!(
        machine.origin.as_ref().unwrap().to_string(),
        "Eggs/app/config.fly:1"
    );
    let runner = get(&resources, "egg.app.runner");
    assert_eq!(runner.origins["project_id"].to_string(), "Eggs/app/config.fly:18");
}
