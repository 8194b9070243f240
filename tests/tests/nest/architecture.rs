//! The import table of ARCHITECTURE.md, held over what Cargo says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::workspace::root;

/// What a crate may lean on.
struct Allowed {
    name: &'static str,
    /// Crates of ours. Tests may stand on the sandbox too: it is made to be tested against.
    ours: &'static [&'static str],
    /// Crates of others that must not be among its direct dependencies.
    never: &'static [&'static str],
}

/// What brings a network, a runtime or a terminal with it.
const OUTSIDE: [&str; 10] = [
    "tokio",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "ureq",
    "clap",
    "miette",
    "crossterm",
    "termcolor",
];

const TABLE: [Allowed; 12] = [
    Allowed {
        name: "fly-codegen",
        ours: &["fly-domain", "fly-syntax", "fly-typeck", "gosling-resource"],
        never: &["pest", "pest_derive", "ignore", "walkdir", "chrono", "time"],
    },
    Allowed {
        name: "fly-domain",
        ours: &[],
        never: &["pest", "pest_derive", "ignore", "walkdir", "chrono", "time"],
    },
    Allowed {
        name: "fly-syntax",
        ours: &[],
        never: &["ignore", "walkdir"],
    },
    Allowed {
        name: "fly-typeck",
        ours: &["fly-domain", "fly-syntax"],
        never: &["pest", "pest_derive", "ignore", "walkdir", "chrono", "time"],
    },
    Allowed {
        name: "fly-workspace",
        ours: &["fly-syntax", "fly-typeck"],
        never: &["pest", "pest_derive"],
    },
    Allowed {
        name: "gosling-cli",
        ours: &[
            "fly-domain",
            "fly-syntax",
            "fly-typeck",
            "fly-workspace",
            "gosling-resource",
            "fly-codegen",
            "gosling-engine",
            "gosling-providers",
            "gosling-deploy",
            "gosling-sandbox",
        ],
        never: &["pest", "pest_derive"],
    },
    Allowed {
        name: "gosling-deploy",
        ours: &[
            "fly-domain",
            "fly-syntax",
            "fly-typeck",
            "fly-workspace",
            "gosling-resource",
            "fly-codegen",
            "gosling-engine",
            "gosling-providers",
        ],
        never: &[
            "clap",
            "miette",
            "crossterm",
            "terminal_size",
            "pest",
            "pest_derive",
        ],
    },
    Allowed {
        name: "gosling-engine",
        ours: &["gosling-resource"],
        never: &["reqwest", "hyper", "clap", "miette"],
    },
    Allowed {
        name: "gosling-providers",
        ours: &["gosling-resource", "gosling-engine"],
        never: &["clap", "miette"],
    },
    Allowed {
        name: "gosling-resource",
        ours: &["fly-domain"],
        never: &["pest"],
    },
    // It judges the engine and the providers: it may not know them.
    Allowed {
        name: "gosling-sandbox",
        ours: &[],
        never: &["reqwest", "clap", "miette"],
    },
    // The tests stand on top of everything, and nothing stands on them.
    Allowed {
        name: "nest-tests",
        ours: &[
            "fly-syntax",
            "fly-typeck",
            "fly-workspace",
            "gosling-resource",
            "fly-codegen",
            "gosling-engine",
            "gosling-providers",
            "gosling-deploy",
            "gosling-sandbox",
            "gosling-cli",
        ],
        never: &[],
    },
];

/// The names of each crate's direct dependencies, development and build ones included, by the crate's name. The
/// sandbox as a development dependency is left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--format-version=1", "--no-deps", "--offline"];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            (
                name(package),
                package["dependencies"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|value| value["kind"] != "dev" || value["name"] != "gosling-sandbox")
                    .map(name)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn the_table_names_every_crate() {
    let crates: Vec<String> = dependencies().into_keys().collect();
    let table: Vec<&str> = TABLE.iter().map(|allowed| allowed.name).collect();
    assert_eq!(
        crates, table,
        "a new crate gets a line in this table and in ARCHITECTURE.md"
    );
}

#[test]
fn arrows_go_right_only() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    let mut wrong = Vec::new();
    for allowed in TABLE {
        for dependency in &dependencies[allowed.name] {
            let name = dependency.as_str();
            if ours.contains(name) && !allowed.ours.contains(&name) {
                wrong.push(format!("{} must not import {name}", allowed.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_crate_touches_what_it_must_not() {
    let dependencies = dependencies();
    let mut wrong = Vec::new();
    for allowed in TABLE {
        let pure = allowed.name.starts_with("fly-");
        for dependency in &dependencies[allowed.name] {
            let name = dependency.as_str();
            if allowed.never.contains(&name) || (pure && OUTSIDE.contains(&name)) {
                wrong.push(format!("{} must not use {name}", allowed.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_pure_crates_ban_io_with_clippy() {
    for name in [
        "fly-codegen",
        "fly-domain",
        "fly-syntax",
        "fly-typeck",
        "gosling-resource",
    ] {
        let text = crate::workspace::read(&format!("{name}/clippy.toml"));
        for banned in [
            "std::fs::read",
            "std::env::var",
            "std::time::SystemTime::now",
            "std::process::Command::new",
        ] {
            assert!(text.contains(banned), "{name}/clippy.toml does not ban {banned}");
        }
    }
}

#[test]
fn architecture_md_shows_the_same_table() {
    let page = crate::workspace::read("ARCHITECTURE.md");
    for allowed in TABLE {
        let ours = if allowed.ours.is_empty() {
            "nothing".to_owned()
        } else {
            allowed.ours.join(", ")
        };
        let row = format!("| {} | {ours} |", allowed.name);
        assert!(
            page.contains(&row),
            "ARCHITECTURE.md has no row that starts with {row:?}"
        );
    }
}

/// The names in backquotes of a part of ARCHITECTURE.md.
fn quoted_in(heading: &str) -> Vec<String> {
    let page = crate::workspace::read("ARCHITECTURE.md");
    let part = page.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let quoted = part.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn each_invariant_names_tests_that_exist() {
    let sources: String = crate::workspace::rust_files()
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let is_test = |name: &&String| name.matches('_').count() >= 3 && !name.contains(['/', '.', '(']);
    let named = quoted_in("## Invariants");
    let tests: Vec<&String> = named.iter().filter(is_test).collect();
    assert!(tests.len() >= 14, "{tests:?}");
    for test in tests {
        assert!(
            sources.contains(&format!("fn {test}(")),
            "there is no test {test}"
        );
    }
}

#[test]
fn what_the_page_says_to_copy_is_there() {
    let crates = [
        "",
        "fly-typeck/src/",
        "gosling-cli/src/",
        "gosling-providers/src/",
        "gosling-sandbox/src/",
    ];
    let named = quoted_in("## Where to add something");
    let paths: Vec<&String> = named
        .iter()
        .filter(|name| name.contains('/') && !name.contains(' '))
        .collect();
    assert!(paths.len() >= 15, "{paths:?}");
    for path in paths {
        let found = crates.iter().any(|start| root().join(start).join(path).exists());
        assert!(found, "there is no {path}");
    }
}

#[test]
fn architecture_md_is_short() {
    let page = crate::workspace::read("ARCHITECTURE.md");
    assert!(page.lines().count() <= 300, "{} lines", page.lines().count());
}
