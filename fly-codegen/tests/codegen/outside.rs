//! Judges that know nothing of us: cloud-init itself, a shell, and the keys of gitlab-runner's own configuration.
//! Where one is not at hand its test says so.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

use crate::support::{
    Compiled, cloud_config, config_toml, egg, example, filled, nest, root, template, written,
};

/// Nests that between them have everything that a template can have.
fn nests() -> Vec<Compiled> {
    let full = egg(
        "address = [\"10.0.8.10/24\"]\n gateway = \"10.0.8.1\"",
        "environment {\n A = \"$(id) {{x}} \\\" '\"\n B = \"store://app/b\"\n }",
    )
    .replace(
        "tags =",
        "version = \"17.5.1\"\n    privileged = true\n    tags =",
    );
    let outside = r#"provider "gitlab" {
  server = "gitlab.lab"
  token = "env://T"
  ca_file = "ca.pem"
}
-- ca.pem --
-----BEGIN CERTIFICATE-----
-- RF/config.fly --
rift {
  endpoint = "https://rift.lab"
  storage {
    name = "cache"
    region = "eu"
  }
}
"#;
    let shell = egg("", "").replace("tags =", "executor = \"shell\"\n    tags =");
    vec![example(), nest(&(outside.to_owned() + &full)), nest(&shell)]
}

/// Every user-data of these Nests.
fn all_user_data() -> Vec<String> {
    let mut all = Vec::new();
    for compiled in nests() {
        let resources = compiled.resources();
        let machines = resources.iter().filter(|resource| resource.kind == "proxmox_vm");
        all.extend(
            machines.map(|machine| filled(template(machine, "user_data"), |uri| format!("\"{uri}'\n"))),
        );
    }
    assert!(all.len() >= 6, "{} machines", all.len());
    all
}

/// Whether a program is there, with a word to whoever reads the log where it is not.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("skipped: there is no {program} here");
    }
    there
}

#[test]
fn cloud_init_takes_every_user_data() {
    if !has("cloud-init") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("user-data");
    for user_data in all_user_data() {
        std::fs::write(&file, &user_data).unwrap();
        let output = Command::new("cloud-init")
            .args(["schema", "-c"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains("Valid"),
            "{said}\n{user_data}"
        );
    }
    std::fs::write(&file, "#cloud-config\nruncmd: 1\n").unwrap();
    let output = Command::new("cloud-init")
        .args(["schema", "-c"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success(), "it judges at all");
}

#[test]
fn a_shell_takes_every_script() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first-boot");
    for user_data in all_user_data() {
        for name in ["first-boot", "grow"] {
            let script = written(
                &cloud_config(&user_data),
                &format!("/usr/local/lib/gosling/{name}"),
            );
            std::fs::write(&file, &script).unwrap();
            let output = Command::new("sh").arg("-n").arg(&file).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{said}\n{script}");
        }
    }
}

/// The description of gitlab-runner's configuration; its licence keeps it beside the repository.
fn schema() -> Option<Json> {
    const FILE: &str = "gitlab-runner-config.schema.json";
    let given = std::env::var_os("POLAR_GOSLING_CONTRACTS").map(PathBuf::from);
    let near = ["../shared/contracts", "../../shared/contracts"].map(|place| root().join(place));
    let mut places = given.into_iter().chain(near).map(|folder| folder.join(FILE));
    let Some(path) = places.find(|path| path.is_file()) else {
        eprintln!("skipped: no {FILE} beside the repository nor in $POLAR_GOSLING_CONTRACTS");
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// What a value has that its description has not: of JSON Schema as much as that file uses.
fn complaints(schema: &Json, value: &toml::Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open = vec![(String::new(), schema, value)];
    while let Some((path, schema, value)) = open.pop() {
        let (kind, parts): (&str, Vec<(String, &toml::Value)>) = match value {
            toml::Value::Table(table) => (
                "object",
                table.iter().map(|(key, value)| (key.clone(), value)).collect(),
            ),
            toml::Value::Array(values) => (
                "array",
                values.iter().map(|value| ("items".to_owned(), value)).collect(),
            ),
            toml::Value::String(_) => ("string", Vec::new()),
            toml::Value::Integer(_) => ("integer", Vec::new()),
            toml::Value::Boolean(_) => ("boolean", Vec::new()),
            toml::Value::Float(_) | toml::Value::Datetime(_) => ("another type", Vec::new()),
        };
        let allowed = match &schema["type"] {
            Json::Null => true,
            Json::Array(kinds) => kinds.iter().any(|allowed| allowed == kind),
            allowed => allowed == kind,
        };
        if !allowed {
            wrong.push(format!("{path} is {kind}"));
        }
        if let (Some(words), toml::Value::String(text)) = (schema["enum"].as_array(), value)
            && !words.iter().any(|word| word == text)
        {
            wrong.push(format!("{path} is {text}"));
        }
        for (key, part) in parts {
            let described = if kind == "array" {
                &schema["items"]
            } else {
                &schema["properties"][&key]
            };
            let path = format!("{path}/{key}");
            match (described, &schema["additionalProperties"]) {
                (Json::Null, Json::Bool(false)) => wrong.push(format!("{path} is not known")),
                (Json::Null, other) => open.push((path, other, part)),
                (described, _) => open.push((path, described, part)),
            }
        }
    }
    wrong
}

#[test]
fn gitlab_runner_knows_every_key() {
    let Some(schema) = schema() else { return };
    for user_data in all_user_data() {
        let config = toml::Value::Table(config_toml(&user_data));
        assert_eq!(complaints(&schema, &config), Vec::<String>::new());
    }
    let bad: toml::Table = toml::from_str("concurrent = \"1\"\n[[runners]]\ntokn = \"x\"\n").unwrap();
    let mut found = complaints(&schema, &toml::Value::Table(bad));
    found.sort();
    assert_eq!(
        found,
        ["/concurrent is string", "/runners/items/tokn is not known"]
    );
}
