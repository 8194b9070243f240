//! The simulation's parameter tables, compared with Proxmox VE's own description of its API. That description's
//! licence keeps it out of this repository: it lies beside it, where somebody has put it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gosling_sandbox::{Described, described};
use serde_json::Value;

/// Where the descriptions are; `None`, with a word to whoever reads the log, where there are none.
fn contract(file: &str) -> Option<Vec<Value>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let given = std::env::var_os("POLAR_GOSLING_CONTRACTS").map(PathBuf::from);
    let near = ["../shared/contracts", "../../shared/contracts"].map(|place| root.join(place));
    let found = given
        .into_iter()
        .chain(near)
        .map(|folder| folder.join(file))
        .find(|path| path.is_file());
    let Some(path) = found else {
        eprintln!("skipped: no {file} beside the repository nor in $POLAR_GOSLING_CONTRACTS");
        return None;
    };
    let calls: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(calls)
}

/// What is wrong with our tables, by the description of one major version.
fn complaints(calls: &[Value], major: u32) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let calls: BTreeMap<(String, String), &Value> = calls
        .iter()
        .map(|call| ((text(&call["method"]), text(&call["path"])), call))
        .collect();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for ours in described().iter().filter(|ours| ours.since <= major) {
        let name = format!("{} {} {}", ours.method, ours.path, ours.parameter);
        let Some(call) = calls.get(&(ours.method.to_owned(), ours.path.to_owned())) else {
            wrong.push(format!("{name}: no such call"));
            continue;
        };
        let properties = &call["parameters"]["properties"];
        if ours.parameter.is_empty() {
            wrong.extend(missing(properties, ours));
            wrong.extend(
                privileges(&call["permissions"]["check"], ours).map(|what| format!("{name}: {what}")),
            );
        } else if properties[&ours.parameter].is_object() {
            compared += 1;
            wrong.extend(
                differences(&properties[&ours.parameter], ours)
                    .into_iter()
                    .map(|what| format!("{name}: {what}")),
            );
        } else {
            wrong.push(format!("{name}: no such parameter"));
        }
    }
    assert!(compared > 300, "only {compared} parameters were compared");
    wrong
}

/// What the description requires of a call and our table does not.
fn missing(properties: &Value, ours: &Described) -> Vec<String> {
    let all = described();
    let known = |name: &str| {
        ours.path.contains(&format!("{{{name}}}"))
            || all.iter().any(|other| {
                (other.method, other.path) == (ours.method, ours.path)
                    && other.parameter == name
                    && other.required
            })
    };
    let properties = properties.as_object().into_iter().flatten();
    let required = properties.filter(|(_, property)| property["optional"].as_u64() != Some(1));
    let lacking = required.filter(|(name, _)| !known(name));
    lacking
        .map(|(name, _)| format!("{} {}: {name} is required", ours.method, ours.path))
        .collect()
}

/// How our privileges of a call differ from a description that names some of which one or all are needed. What is
/// more complicated there is not compared.
fn privileges(check: &Value, ours: &Described) -> Option<String> {
    if ours.privileges.is_empty() || check[0] != "perm" {
        return None;
    }
    let theirs = check[2].as_array()?;
    let strange = theirs
        .iter()
        .find(|name| !ours.privileges.iter().any(|own| *own == **name));
    let lacking = theirs.is_empty() || strange.is_some();
    lacking.then(|| format!("{:?} is not {theirs:?}", ours.privileges))
}

fn differences(theirs: &Value, ours: &Described) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |same: bool, what: String| {
        if !same {
            wrong.push(what);
        }
    };
    check(
        theirs["type"] == ours.kind,
        format!("we say {}, they say {}", ours.kind, theirs["type"]),
    );
    let required = theirs["optional"].as_u64() != Some(1);
    check(required == ours.required, format!("required is {required}"));
    if let Some((least, most)) = ours.bounds {
        // What has no bound there may have none here. One bound is a text there.
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
        check(
            number(&theirs["minimum"]).is_none_or(|bound| bound == least),
            format!("minimum {}", theirs["minimum"]),
        );
        check(
            number(&theirs["maximum"]).is_none_or(|bound| bound == most),
            format!("maximum {}", theirs["maximum"]),
        );
        let unbound = number(&theirs["maximum"]).is_none();
        check(!unbound || most > 1e18, format!("{most} is a bound of our own"));
    }
    let words = theirs["enum"].as_array().cloned().unwrap_or_default();
    let strange = ours
        .values
        .iter()
        .find(|word| !words.iter().any(|other| other == **word));
    check(strange.is_none(), format!("{strange:?} is no value there"));
    let strange = ours.keys.iter().find(|key| !theirs["format"][**key].is_object());
    check(strange.is_none(), format!("{strange:?} is no key there"));
    wrong
}

#[test]
fn our_tables_are_those_of_8_4() {
    if let Some(calls) = contract("pve-runner-subset-8.4.0.json") {
        assert_eq!(complaints(&calls, 8), Vec::<String>::new());
    }
}

#[test]
fn our_tables_are_those_of_9_1() {
    if let Some(calls) = contract("pve-runner-subset-9.1.3.json") {
        assert_eq!(complaints(&calls, 9), Vec::<String>::new());
    }
}
