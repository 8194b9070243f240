//! The tables of parameters, compared with GitLab's own description of its API, which lies beside the repository
//! where somebody has put it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::parameters::{Parameter, Shape};
use super::routes::{ROUTES, Route};

const FILE: &str = "gitlab-runner-subset.patched.json";

/// Where the description says something else than GitLab's sources, which we follow.
const DIFFERENT: [(&str, &str, &str); 4] = [
    // The lock's id is a parameter of the whole resource.
    ("POST", "/projects/{id}/terraform/state/{name}", "ID"),
    ("DELETE", "/projects/{id}/terraform/state/{name}", "ID"),
    // The state is the body itself, not a file in it.
    ("POST", "/projects/{id}/terraform/state/{name}", "file"),
    // A name is a name, also where a version is deleted.
    (
        "DELETE",
        "/projects/{id}/terraform/state/{name}/versions/{serial}",
        "name",
    ),
];

/// Parsed, or a word to whoever reads the log.
fn description() -> Option<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let given = std::env::var_os("POLAR_GOSLING_CONTRACTS").map(PathBuf::from);
    let near = ["../shared/contracts", "../../shared/contracts"].map(|place| root.join(place));
    let mut files = given.into_iter().chain(near).map(|folder| folder.join(FILE));
    let Some(path) = files.find(|path| path.is_file()) else {
        eprintln!("skipped: no {FILE} next to the repository nor in $POLAR_GOSLING_CONTRACTS");
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// What the description knows of a call's parameters: their schemas and whether they are required.
fn theirs(description: &Value, call: &Value) -> Map<String, Value> {
    let mut all = Map::new();
    for parameter in call["parameters"].as_array().into_iter().flatten() {
        let mut schema = parameter["schema"].clone();
        schema["required"] = json!(parameter["required"] == true);
        all.insert(parameter["name"].as_str().unwrap().to_owned(), schema);
    }
    let contents = call["requestBody"]["content"].as_object().into_iter().flatten();
    for (_, content) in contents {
        let name = content["schema"]["$ref"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap();
        let body = &description["components"]["schemas"][name];
        let required = body["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in body["properties"].as_object().unwrap() {
            let mut schema = schema.clone();
            schema["required"] = json!(required.contains(&json!(name)));
            all.insert(name.clone(), schema);
        }
    }
    all
}

fn differences(ours: &Parameter, theirs: &Value) -> Vec<String> {
    let (kind, items, values): (_, _, &[&str]) = match ours.shape {
        Shape::Text => ("string", None, &[]),
        Shape::Integer => ("integer", None, &[]),
        Shape::Boolean => ("boolean", None, &[]),
        Shape::List => ("array", Some("string"), &[]),
        Shape::Choice(values) => ("string", None, values),
        Shape::Object => ("object", None, &[]),
        Shape::Objects => ("array", Some("object"), &[]),
    };
    let mut wrong = Vec::new();
    if theirs["type"] != kind {
        wrong.push(format!("we say {kind}, they say {}", theirs["type"]));
    }
    if items.is_some_and(|items| theirs["items"]["type"] != items) {
        wrong.push(format!("its items are {}", theirs["items"]["type"]));
    }
    if theirs["required"] != ours.required {
        wrong.push(format!("required is {}", theirs["required"]));
    }
    let words = theirs["enum"].as_array().cloned().unwrap_or_default();
    if words != values {
        wrong.push(format!("we know the values {values:?}, they {words:?}"));
    }
    wrong
}

fn complaints(route: &Route, theirs: &Map<String, Value>, compared: &mut usize) -> Vec<String> {
    let excused = |name: &str| DIFFERENT.contains(&(route.method, route.path, name));
    let ours = || route.parameters.iter().copied().flatten();
    let mut wrong = Vec::new();
    for parameter in ours().filter(|parameter| !excused(parameter.name)) {
        *compared += 1;
        let found = match theirs.get(parameter.name) {
            Some(schema) => differences(parameter, schema),
            None => vec!["is no parameter there".to_owned()],
        };
        let name = format!("{} {} {}", route.method, route.path, parameter.name);
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    let missing = theirs.iter().filter(|(name, schema)| {
        schema["required"] == true
            && !excused(name)
            && !ours().any(|parameter| parameter.name == name.as_str())
    });
    wrong.extend(missing.map(|(name, _)| format!("{} {}: {name} is required", route.method, route.path)));
    wrong
}

#[test]
fn our_tables_are_gitlabs() {
    let Some(description) = description() else {
        return;
    };
    let (mut calls, mut compared, mut wrong) = (0, 0, Vec::new());
    for route in ROUTES {
        let path = &description["paths"][format!("/api/v4{}", route.path)];
        let call = &path[route.method.to_lowercase()];
        // What it does not describe at all (pipelines, group hooks) cannot be compared.
        if call.is_object() {
            calls += 1;
            wrong.extend(complaints(route, &theirs(&description, call), &mut compared));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        calls >= 40 && compared > 190,
        "{calls} calls, {compared} parameters"
    );
}
