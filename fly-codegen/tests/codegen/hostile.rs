//! No value changes the structure of a file, whatever is in it.

use gosling_resource::Value;
use proptest::prelude::*;

use crate::support::{Compiled, cloud_config, config_toml, egg, filled, get, nest, template, written};

/// A text as a literal of Fly.
fn literal(text: &str) -> String {
    let letters = text
        .chars()
        .map(|letter| format!("\\u{{{:X}}}", u32::from(letter)));
    format!("\"{}\"", letters.collect::<String>())
}

fn hostile(tag: &str, value: &str) -> Compiled {
    let environment = format!(
        "environment {{\n A = {}\n Z = \"store://app/z\"\n }}",
        literal(value)
    );
    let tags = format!("tags = [{}]\n    version = \"17.5\"", literal(tag));
    nest(&egg("", &environment).replace("tags = [\"linux\", \"app\"]", &tags))
}

/// Everything that is the same whatever the values are.
fn structure(user_data: &str) -> (Vec<String>, Vec<String>, String, String) {
    let config = cloud_config(user_data);
    let keys = config.as_mapping().unwrap().keys();
    let keys = keys.map(|key| key.as_str().unwrap().to_owned()).collect();
    let files = config["write_files"].as_sequence().unwrap();
    let files = files
        .iter()
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect();
    let commands = serde_norway::to_string(&config["runcmd"]).unwrap();
    (
        keys,
        files,
        commands,
        written(&config, "/usr/local/lib/gosling/first-boot"),
    )
}

fn holds(tag: &str, value: &str, secret: &str) {
    let harmless = hostile("a", "b").resources();
    let expected = structure(&filled(
        template(get(&harmless, "egg.app.vm[0]"), "user_data"),
        |_| "t".into(),
    ));
    let resources = hostile(tag, value).resources();
    let machine = get(&resources, "egg.app.vm[0]");
    let user_data = filled(template(machine, "user_data"), |_| secret.to_owned());
    assert_eq!(structure(&user_data), expected);
    let config = config_toml(&user_data);
    assert_eq!(
        config.keys().collect::<Vec<_>>(),
        ["check_interval", "concurrent", "listen_address", "runners"]
    );
    let [runner] = config["runners"].as_array().unwrap().as_slice() else {
        panic!("{config:?}")
    };
    let keys: Vec<&String> = runner.as_table().unwrap().keys().collect();
    let wanted = [
        "docker",
        "environment",
        "executor",
        "limit",
        "name",
        "request_concurrency",
        "token",
        "url",
    ];
    assert_eq!(keys, wanted);
    assert_eq!(runner["token"].as_str(), Some(secret));
    let environment: Vec<&str> = runner["environment"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable.as_str().unwrap())
        .collect();
    assert_eq!(environment, [format!("A={value}"), format!("Z={secret}")]);
    assert_eq!(
        get(&resources, "egg.app.runner").properties["tags"],
        Value::from(vec![tag])
    );
}

#[test]
fn the_usual_suspects() {
    for text in [
        "\"",
        "'",
        "\\",
        "a\nb = 1",
        "\n[[runners]]\nurl = \"http://evil\"",
        "\n- path: /etc/shadow\n  content: x",
        "$(reboot)",
        "`reboot`",
        "${HOME}",
        "{{toml name}}",
        "{{{this}}}",
        "{{#each runners}}",
        "#",
        ": ",
        "- ",
        "\u{7f}\u{85}\u{2028}\u{feff}\u{fffe}\u{ffff}\u{0}\r\t ",
        "'''",
        "\"\"\"",
        "\u{1F986}",
    ] {
        holds(text, text, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything(tag in "\\PC{1,20}", value in any::<String>(), secret in any::<String>()) {
        let free = |text: &str| !text.contains(['\u{f0000}', '\u{f0001}']);
        prop_assume!(free(&tag) && free(&value));
        holds(&tag, &value, &secret);
    }
}

#[test]
fn an_image_is_written_as_it_is() {
    let image = egg("", "").replace("tags =", "image = \"registry.lab:5000/a/b:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n    tags =");
    let resources = nest(&image).resources();
    let config = config_toml(&filled(
        template(get(&resources, "egg.app.vm[0]"), "user_data"),
        |_| "t".into(),
    ));
    let docker = &config["runners"][0]["docker"];
    assert!(
        docker["image"]
            .as_str()
            .unwrap()
            .starts_with("registry.lab:5000/a/b:1@sha256:aaaa")
    );
    assert_eq!(docker["volumes"].as_array().unwrap().len(), 1);
}
