//! The tables of calls and parameters, compared in both directions with Proxmox VE's own description of its API: what
//! the real one takes is taken, what it refuses is refused, and what it answers is there. That description's licence
//! keeps it out of this repository: it lies beside it, where somebody has put it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::Lab;
use crate::proxmox::properties::Keys;
use crate::proxmox::routes::{ROUTES, Route};
use crate::proxmox::schema::{Kind, Parameter, Place, complaints};

/// The calls of one version; `None`, with a word to whoever reads the log, where there is no description.
fn contract(file: &str) -> Option<BTreeMap<(String, String), Value>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let given = std::env::var_os("POLAR_GOSLING_CONTRACTS").map(PathBuf::from);
    let near = ["../shared/contracts", "../../shared/contracts"].map(|place| root.join(place));
    let mut files = given.into_iter().chain(near).map(|folder| folder.join(file));
    let Some(path) = files.find(|path| path.is_file()) else {
        eprintln!("skipped: no {file} next to the repository nor in $POLAR_GOSLING_CONTRACTS");
        return None;
    };
    let calls: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let calls = calls
        .into_iter()
        .map(|call| ((text(&call["method"]), text(&call["path"])), call));
    Some(calls.collect())
}

/// Where the privileges of a call are more than a list, its handler asks for them; a test of its own each shows it.
const BY_HANDLERS: [(&str, &str); 5] = [
    ("POST", "/nodes/{node}/qemu/{vmid}/clone"),
    ("POST", "/nodes/{node}/lxc/{vmid}/clone"),
    ("POST", "/nodes/{node}/storage/{storage}/download-url"),
    ("GET", "/nodes/{node}/query-url-metadata"),
    ("GET", "/access/users/{userid}/token/{tokenid}"),
];

/// Formats that we have as something else than a format of that name.
const AS_SOMETHING_ELSE: [(&str, &str); 2] = [("vmid", "pve-vmid"), ("newid", "pve-vmid")];

/// A call that the excerpt of the description lacks: anybody may send it, without parameters.
const NOT_IN_THE_EXCERPT: (&str, &str) = ("GET", "/nodes/{node}/certificates/info");

struct Comparison {
    major: u32,
    compared: usize,
    wrong: Vec<String>,
}

impl Comparison {
    fn complain(&mut self, name: &str, complaint: impl std::fmt::Display) {
        self.wrong.push(format!("{name}: {complaint}"));
    }

    fn route(&mut self, route: &Route, call: &Value) {
        let name = format!("{} {}", route.method, route.path);
        let ours: Vec<_> = route.parameters.iter().copied().flatten().collect();
        let theirs = call["parameters"]["properties"].as_object();
        let theirs: Map<_, _> = theirs
            .into_iter()
            .flatten()
            .filter(|(name, _)| !route.path.contains(&format!("{{{name}}}")))
            .map(|(name, schema)| (name.clone(), schema.clone()))
            .collect();
        let path: Vec<_> = ours
            .into_iter()
            .filter(|parameter| !route.path.contains(&format!("{{{}}}", parameter.name)))
            .collect();
        self.tables(&name, &path, &theirs);
        self.privileges(&name, route, &call["permissions"]["check"]);
    }

    /// Compares a table with the properties of an object, both ways.
    fn tables(&mut self, name: &str, ours: &[&Parameter], theirs: &Map<String, Value>) {
        let called = |parameter: &Parameter| {
            let family = parameter.family.map_or("", |_| "[n]");
            format!("{}{family}", parameter.name)
        };
        let ours: Vec<_> = ours
            .iter()
            .filter(|parameter| parameter.known_in(self.major))
            .map(|parameter| (called(parameter), *parameter))
            .collect();
        for (parameter, schema) in theirs {
            let name = format!("{name} {parameter}");
            let own: Vec<_> = ours.iter().filter(|(own, _)| own == parameter).collect();
            match own.as_slice() {
                [(_, own)] => self.parameter(&name, own, schema),
                [] => self.complain(&name, "we do not know it"),
                _ => self.complain(&name, "we have it twice"),
            }
        }
        for (parameter, _) in &ours {
            if !theirs.contains_key(parameter) {
                self.complain(&format!("{name} {parameter}"), "they do not know it");
            }
        }
    }

    fn parameter(&mut self, name: &str, ours: &Parameter, theirs: &Value) {
        self.compared += 1;
        let expected = match (theirs["alias"].as_str(), theirs["keyAlias"].as_str()) {
            (Some("macaddr"), Some("model")) => Some(Place::ModelAndAddress),
            (Some(_), None) => None,
            _ if theirs["default_key"] == 1 => Some(Place::First),
            _ => Some(Place::Named),
        };
        match (expected, ours.place) {
            (None, Place::Alias(key)) if theirs["alias"] == key => return,
            (Some(expected), place) if expected == place => {}
            (_, place) => self.complain(name, format_args!("we say {place:?}, they {theirs}")),
        }
        if theirs["alias"].is_string() {
            return;
        }
        if theirs["type"] != ours.kind.name() {
            self.complain(
                name,
                format_args!("we say {}, they say {}", ours.kind.name(), theirs["type"]),
            );
        }
        if ours.required == (theirs["optional"] == 1) {
            self.complain(name, format_args!("required is {}", !ours.required));
        }
        if theirs["requires"].as_str() != ours.requires {
            self.complain(
                name,
                format_args!("we require {:?}, they {}", ours.requires, theirs["requires"]),
            );
        }
        self.format(name, ours, theirs);
        self.probe(name, ours, theirs);
    }

    fn format(&mut self, name: &str, ours: &Parameter, theirs: &Value) {
        let other = theirs["enum"].is_array() || theirs["pattern"].is_string();
        match (ours.kind, &theirs["format"]) {
            (Kind::Properties(own), Value::Object(keys)) => self.tables(name, &flat(own.keys), keys),
            (Kind::Properties(own), Value::String(format)) => {
                if own.name != format {
                    self.complain(
                        name,
                        format_args!("we have the format {}, they {format}", own.name),
                    );
                }
                if let Some(text) = theirs["typetext"].as_str().filter(|text| text.contains('=')) {
                    let known: BTreeSet<_> = flat(own.keys)
                        .iter()
                        .filter(|key| key.known_in(self.major))
                        .map(|key| key.name.to_owned())
                        .collect();
                    let theirs = keys_of(text);
                    if known != theirs {
                        self.complain(name, format_args!("we know {known:?}, they {theirs:?}"));
                    }
                }
            }
            (Kind::Format(own), Value::String(format)) if own.name == format => {}
            (Kind::Format(own), Value::Null) if own.name.is_empty() => {}
            // What has a list of words needs no format beside it.
            (Kind::OneOf(_) | Kind::Like(_), Value::String(_)) if other => {}
            (_, Value::String(format)) if AS_SOMETHING_ELSE.contains(&(ours.name, format)) => {}
            (Kind::Format(own), format) => {
                self.complain(
                    name,
                    format_args!("we have the format {}, they {format}", own.name),
                );
            }
            (Kind::OneOf(_) | Kind::Like(_) | Kind::Properties(_), Value::Null) if !other => {
                self.complain(name, "they take any text");
            }
            (_, Value::Null) => {}
            (_, format) => self.complain(name, format_args!("they have the format {format}")),
        }
    }

    /// Tries values on our table for which their description says what becomes of them.
    fn probe(&mut self, name: &str, ours: &Parameter, theirs: &Value) {
        let mut takes = |value: &str, expected: bool| {
            let plain = Parameter {
                required: false,
                family: None,
                requires: None,
                ..*ours
            };
            let values = BTreeMap::from([(ours.name.to_owned(), value.to_owned())]);
            let complaint = complaints(&values, std::iter::once(&plain), self.major);
            if complaint.is_empty() != expected {
                let verdict = if expected { "they take" } else { "they refuse" };
                self.wrong
                    .push(format!("{name}: {verdict} {value:?}: {complaint:?}"));
            }
        };
        for word in theirs["enum"].as_array().into_iter().flatten() {
            takes(word.as_str().unwrap(), true);
        }
        if theirs["enum"].is_array() || theirs["pattern"].is_string() {
            takes("\u{7f}", false);
        }
        if let Kind::OneOf(words) = ours.kind {
            let known = theirs["enum"].as_array().cloned().unwrap_or_default();
            let strange = words.iter().find(|word| !known.contains(&json!(word)));
            assert_eq!(strange, None, "{name}");
        }
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        let (least, most) = (number(&theirs["minimum"]), number(&theirs["maximum"]));
        if matches!(ours.kind, Kind::Integer(..) | Kind::Number(..)) {
            takes(&least.unwrap_or(-1_000_000).to_string(), true);
            takes(&most.unwrap_or(1_000_000_000_000).to_string(), true);
            if let Some(least) = least {
                takes(&(least - 1).to_string(), false);
            }
            if let Some(most) = most {
                takes(&(most + 1).to_string(), false);
            }
        }
        let lengths = (theirs["minLength"].as_u64(), theirs["maxLength"].as_u64());
        let own = |length: usize| u64::try_from(length).unwrap();
        let ours = (
            Some(own(ours.lengths.0)).filter(|length| *length > 0),
            Some(own(ours.lengths.1)).filter(|length| *length < u64::MAX),
        );
        if ours != lengths {
            self.complain(name, format_args!("lengths are {ours:?}, theirs {lengths:?}"));
        }
    }

    /// Which privileges a call takes, and where.
    fn privileges(&mut self, name: &str, route: &Route, check: &Value) {
        if BY_HANDLERS.contains(&(route.method, route.path)) {
            assert!(check[0] != "perm", "{name}: {check}");
            return;
        }
        let version = |privilege: &&str| match *privilege {
            "VM.Monitor" => self.major == 8,
            privilege => self.major >= 9 || !privilege.starts_with("VM.GuestAgent."),
        };
        let ours: BTreeSet<_> = route.privileges.iter().copied().filter(version).collect();
        let theirs = check[2].as_array().cloned().unwrap_or_default();
        let theirs: BTreeSet<_> = theirs.iter().filter_map(Value::as_str).collect();
        if ours != theirs || (!check.is_null() && check[0] != "perm") {
            self.complain(name, format_args!("we ask for {ours:?}, they for {check}"));
        }
        if theirs.len() > 1 && check[3] != "any" {
            self.complain(name, "they ask for all of these privileges");
        }
        let place = match route.path {
            path if path.contains("{vmid}") => "/vms/{vmid}",
            path if path.contains("{storage}") => "/storage/{storage}",
            path if path.starts_with("/pools") => "/pool/{poolid}",
            path if path.contains("{node}") => "/nodes/{node}",
            _ => "/",
        };
        if !theirs.is_empty() && check[1] != place {
            self.complain(name, format_args!("we ask for it on {place}, they for {check}"));
        }
    }
}

fn flat(keys: Keys) -> Vec<&'static Parameter> {
    keys.iter().copied().flatten().collect()
}

/// The keys in `[[order=]\d+] [,up=\d+]`.
fn keys_of(text: &str) -> BTreeSet<String> {
    let parts = text.split('=').collect::<Vec<_>>();
    let before = &parts[..parts.len() - 1];
    let name = |part: &&str| {
        let at = part.rfind(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
        part[at.map_or(0, |at| at + 1)..].to_owned()
    };
    before.iter().map(name).collect()
}

fn compare(file: &str, major: u32) {
    let Some(calls) = contract(file) else {
        return;
    };
    let mut comparison = Comparison {
        major,
        compared: 0,
        wrong: Vec::new(),
    };
    for route in ROUTES {
        match calls.get(&(route.method.to_owned(), route.path.to_owned())) {
            Some(call) => comparison.route(route, call),
            None if (route.method, route.path) == NOT_IN_THE_EXCERPT => {}
            None => comparison.complain(&format!("{} {}", route.method, route.path), "no such call"),
        }
    }
    assert_eq!(comparison.wrong, Vec::<String>::new());
    assert!(
        comparison.compared > 1400,
        "{} were compared",
        comparison.compared
    );
}

#[test]
fn f1_what_8_4_takes_is_taken_and_what_it_refuses_is_refused() {
    compare("pve-runner-subset-8.4.0.json", 8);
}

#[test]
fn f1_what_9_1_takes_is_taken_and_what_it_refuses_is_refused() {
    compare("pve-runner-subset-9.1.3.json", 9);
}

/// Values that the real one's wire has with another type than its description.
const OTHER_TYPES: [&str; 3] = ["pos", "pending", "value"];

/// What of an answer is not as described.
fn differences(name: &str, schema: &Value, answer: &Value) -> Vec<String> {
    let is = match schema["type"].as_str() {
        Some("object") => answer.is_object(),
        Some("array") => answer.is_array(),
        Some("string") => answer.is_string(),
        Some("integer") => answer.is_i64() || answer.is_u64(),
        Some("number") => answer.is_number(),
        Some("boolean") => answer.is_boolean() || *answer == 0 || *answer == 1,
        Some("null") => answer.is_null(),
        _ => true,
    };
    if !is {
        return vec![format!("{name} is {answer}, not {}", schema["type"])];
    }
    let mut wrong = Vec::new();
    for item in answer.as_array().into_iter().flatten() {
        wrong.extend(differences(&format!("{name}[]"), &schema["items"], item));
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let name = format!("{name}.{key}");
        match &answer[key] {
            Value::Null if property["optional"] == 1 => {}
            Value::Null => wrong.push(format!("{name} is not there")),
            _ if OTHER_TYPES.contains(&key.as_str()) => {}
            value => wrong.extend(differences(&name, property, value)),
        }
    }
    wrong
}

fn answers(file: &str, version: &str) {
    let Some(calls) = contract(file) else {
        return;
    };
    let mut lab = Lab::new(|world| version.clone_into(&mut world.version));
    let upid = lab.begin("POST", super::SOURCE, "newid=101&full=1");
    lab.later(5000);
    let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
    let container = format!(
        "vmid=102&ostemplate={template}&storage=local-lvm&net0=name=eth0,bridge=vmbr0,ip=dhcp&start=1"
    );
    assert_eq!(lab.run("POST", "/nodes/pve1/lxc", &container), "OK");
    assert_eq!(lab.run("POST", "/nodes/pve1/qemu/101/status/start", ""), "OK");
    lab.proxmox.wrote("qemu/101", "a log".to_owned());
    for guest in ["qemu/101", "lxc/102"] {
        lab.data(
            "POST",
            &format!("/nodes/pve1/{guest}/firewall/rules"),
            "type=in&action=ACCEPT&enable=1&proto=tcp&dport=22&source=10.0.0.0/8",
        );
    }
    let mut compared = 0;
    let mut wrong = Vec::new();
    let described =
        |route: &&Route| route.method == "GET" && (route.method, route.path) != NOT_IN_THE_EXCERPT;
    for route in ROUTES.iter().filter(described) {
        let vmid = if route.path.contains("/lxc/") {
            "102"
        } else {
            "101"
        };
        let mut path = route.path.replace("{node}", "pve1").replace("{vmid}", vmid);
        for (variable, value) in [
            ("storage", "local"),
            ("volume", template),
            ("upid", &upid),
            ("poolid", "ci"),
            ("userid", "a@pve"),
            ("tokenid", "b"),
            ("roleid", "PVEAuditor"),
            ("pos", "0"),
        ] {
            path = path.replace(&format!("{{{variable}}}"), value);
        }
        path += match route.path.rsplit('/').next().unwrap() {
            "file-read" => "?file=/var/lib/gosling/first-boot.log",
            "query-url-metadata" => "?url=https://images.test/a.qcow2",
            _ => "",
        };
        let call = &calls[&(route.method.to_owned(), route.path.to_owned())];
        let mut answer = lab.data(route.method, &path, "");
        // A number that the real one sends as text, too.
        if route.path == "/cluster/nextid" {
            answer = json!(answer.as_str().unwrap().parse::<u32>().unwrap());
        }
        compared += 1;
        wrong.extend(differences(route.path, &call["returns"], &answer));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(compared > 30, "{compared}");
}

#[test]
fn f5_f9_f17_what_8_4_answers_is_in_our_answers() {
    answers("pve-runner-subset-8.4.0.json", "8.4.0");
}

#[test]
fn f5_f9_f17_what_9_1_answers_is_in_our_answers() {
    answers("pve-runner-subset-9.1.3.json", "9.1.3");
}
