//! Our table of privileges, compared with Proxmox VE's own description of its API. That description's licence keeps it
//! out of this repository: it lies beside it, where somebody has put it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use serde_json::Value;

use super::privileges::{At, Grant, Known, ROUTES, Route, VALUES, least};

fn contract(file: &str) -> Option<Vec<Value>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let given = std::env::var_os("POLAR_GOSLING_CONTRACTS").map(PathBuf::from);
    let near = ["../shared/contracts", "../../shared/contracts"].map(|place| root.join(place));
    let mut files = given.into_iter().chain(near).map(|folder| folder.join(file));
    let Some(path) = files.find(|path| path.is_file()) else {
        eprintln!("skipped: no {file} next to the repository nor in $POLAR_GOSLING_CONTRACTS");
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// The paths of the description that a place of ours stands for.
fn paths(at: At) -> &'static [&'static str] {
    match at {
        At::Machine => &["/vms/{vmid}", "/vms/{newid}", "/pool/{pool}"],
        At::Free | At::Template => &["/vms/{vmid}"],
        At::Disks | At::Files | At::Source => &["/storage/{storage}"],
        At::Bridge | At::TemplateBridges => &[],
        At::Nodes => &["/nodes/{node}"],
        At::Users => &["/access/groups"],
    }
}

/// Whether what we hold at these places is what a `check` asks for.
fn satisfied(check: &Value, held: &[(At, &str)]) -> bool {
    let parts = check.as_array().unwrap();
    match parts[0].as_str().unwrap() {
        "and" => parts[1..].iter().all(|part| satisfied(part, held)),
        "or" => parts[1..].iter().any(|part| satisfied(part, held)),
        "perm" => {
            let path = parts[1].as_str().unwrap();
            let mut wanted = parts[2].as_array().unwrap().iter();
            let has = |privilege: &Value| {
                held.iter()
                    .any(|(at, name)| paths(*at).contains(&path) && *name == privilege)
            };
            match parts.get(3).and_then(Value::as_str) {
                Some("any") => wanted.any(has),
                _ => wanted.all(has),
            }
        }
        // A token is not its user, also where it is that user's own.
        "userid-param" => false,
        // With it on all groups, it is there for everybody.
        "userid-group" => {
            let mut wanted = parts[1].as_array().unwrap().iter();
            wanted.all(|privilege| {
                held.iter()
                    .any(|(at, name)| *at == At::Users && *name == privilege)
            })
        }
        other => panic!("a check of the sort `{other}`"),
    }
}

/// A call that the excerpt of the description lacks: `PVE/API2/Certificates.pm` lets anybody send it.
const NOT_IN_THE_EXCERPT: (&str, &str) = ("GET", "/nodes/{node}/certificates/info");

fn complaints(calls: &[Value], major: u32) -> Vec<String> {
    let mut wrong = Vec::new();
    for Route { method, path, takes } in ROUTES {
        let mut calls = calls.iter();
        let name = format!("{method} {path}");
        let Some(call) = calls.find(|call| call["method"] == *method && call["path"] == *path) else {
            if (*method, *path) != NOT_IN_THE_EXCERPT {
                wrong.push(format!("{name}: no such call"));
            }
            continue;
        };
        let permissions = &call["permissions"];
        let words = permissions["description"].as_str().unwrap_or_default();
        let checked = || takes.iter().filter(|grant| grant.known == Known::Check);
        let held = |grants: &mut dyn Iterator<Item = &Grant>| -> Vec<(At, &str)> {
            grants.map(|grant| (grant.at, least(grant.any, major))).collect()
        };
        for grant in *takes {
            let privilege = least(grant.any, major);
            if grant.known == Known::Words && !words.contains(&format!("'{privilege}'")) {
                wrong.push(format!("{name}: its words do not name {privilege}"));
            }
        }
        let check = &permissions["check"];
        if check.is_null() {
            if permissions["user"] != "all" {
                wrong.push(format!("{name}: it is not for everybody"));
            }
            if let Some(grant) = checked().next() {
                wrong.push(format!("{name}: nothing is checked, and we have {:?}", grant.any));
            }
            continue;
        }
        if method == &"PUT" && path.ends_with("/config") {
            // Any is enough for the call; each value then takes its own.
            let known = check[2].as_array().unwrap();
            for (key, any) in VALUES {
                if !any.iter().all(|name| known.iter().any(|known| known == name)) {
                    wrong.push(format!("{name}: {key} takes none of {any:?}"));
                }
            }
            continue;
        }
        if !satisfied(check, &held(&mut checked())) {
            wrong.push(format!("{name}: what we have is not enough for {check}"));
        }
        for left_out in checked() {
            let mut others = checked().filter(|grant| !std::ptr::eq(*grant, left_out));
            // A free VMID is asked after as a machine is.
            if left_out.at != At::Free
                && !checked().any(|grant| grant.at == At::Free)
                && satisfied(check, &held(&mut others))
            {
                wrong.push(format!("{name}: {:?} is not needed", left_out.any));
            }
        }
    }
    wrong
}

#[test]
fn our_privileges_are_those_of_8_4() {
    if let Some(calls) = contract("pve-runner-subset-8.4.0.json") {
        assert_eq!(complaints(&calls, 8), Vec::<String>::new());
    }
}

#[test]
fn our_privileges_are_those_of_9_1() {
    if let Some(calls) = contract("pve-runner-subset-9.1.3.json") {
        assert_eq!(complaints(&calls, 9), Vec::<String>::new());
    }
}
