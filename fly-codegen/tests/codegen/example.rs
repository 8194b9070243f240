//! `examples/proxmox-lab`, as it is lowered.

use fly_codegen::Question;
use gosling_resource::{Resource, Value};

use crate::support::{cloud_config, example, filled, get, shown, template, written};

#[test]
fn its_resources() {
    let resources = example().resources();
    let shown: Vec<Resource> = resources
        .iter()
        .cloned()
        .map(|mut resource| {
            if let Some(user_data) = resource.properties.get_mut("user_data") {
                assert!(matches!(user_data, Value::Template(_)));
                *user_data = "(in a snapshot of its own)".into();
            }
            resource
        })
        .collect();
    insta::assert_snapshot!("resources", serde_json::to_string_pretty(&shown).unwrap());
}

#[test]
fn its_addresses() {
    let resources = example().resources();
    let addresses: Vec<String> = resources
        .iter()
        .map(|resource| resource.address.to_string())
        .collect();
    assert_eq!(
        addresses,
        [
            "egg.app.hook[17]",
            "egg.app.runner",
            "egg.app.vm[0]",
            "egg.lint.hook[17]",
            "egg.lint.hook[41]",
            "egg.lint.hook[42]",
            "egg.lint.runner",
            "egg.lint.vm[0]",
            "egg.site-docs.hook[41]",
            "egg.site-docs.runner",
            "egg.site-docs.vm[0]",
            "egg.site-shop.hook[42]",
            "egg.site-shop.runner",
            "egg.site-shop.vm[0]",
        ]
    );
}

#[test]
fn its_user_data() {
    let resources = example().resources();
    let user_data = template(get(&resources, "egg.app.vm[0]"), "user_data");
    insta::assert_snapshot!("user-data", shown(user_data));
    let config = cloud_config(&filled(user_data, |uri| format!("the value of {uri}")));
    insta::assert_snapshot!("config.toml", written(&config, "/etc/gitlab-runner/config.toml"));
}

#[test]
fn the_group_is_asked_for_once() {
    let example = example();
    let questions = fly_codegen::questions(&example.source());
    let [
        Question::GroupProjects {
            server,
            group_id,
            api_token,
            origin,
            blocks,
        },
    ] = questions.as_slice()
    else {
        panic!("{questions:?}")
    };
    assert_eq!((server.as_str(), *group_id), ("gitlab.lab.example.com", 5));
    assert_eq!(api_token.as_str(), "env://GITLAB_TOKEN");
    assert_eq!(blocks.as_slice(), ["egg.lint"]);
    assert_eq!(
        origin.as_ref().map(|origin| origin.file.as_str()),
        Some("Eggs/lint/config.fly")
    );
}

#[test]
fn the_same_nest_gives_the_same_resources() {
    assert_eq!(example().resources(), example().resources());
}
