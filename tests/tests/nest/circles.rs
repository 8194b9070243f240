//! Circles of modules: files of a crate that import each other, so that none of them can be read alone.
//!
//! Those that are left are listed in `CIRCLES`. A new one fails the test; one that is gone has to leave the list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::workspace::{files_under, root};

/// The circles that are left, by crate. Most are one thing in several files: one simulated cluster, one recursion.
const CIRCLES: &[(&str, &[&[&str]])] = &[
    ("fly-codegen", &[&["gitlab", "the crate"]]),
    ("fly-syntax", &[&["scan", "scan/heredocs", "scan/lines"]]),
    (
        "fly-typeck",
        &[
            &["body", "instances"],
            &["checked", "schema", "schema/build", "schema/field", "types"],
            &[
                "crosscheck",
                "crosscheck/accounts",
                "crosscheck/certificates",
                "crosscheck/cleartext",
                "crosscheck/eggs",
                "crosscheck/mothergoose",
                "crosscheck/moved",
                "crosscheck/names",
                "crosscheck/schedules",
                "crosscheck/uglyfox",
            ],
            &[
                "expr/access",
                "expr/elaborate",
                "expr/evaluate",
                "template",
                "walk",
            ],
        ],
    ),
    (
        "gosling-cli",
        &[
            &[
                "commands",
                "commands/add",
                "commands/complete",
                "commands/completions",
                "commands/demo",
                "commands/init",
                "commands/man",
                "commands/parse",
            ],
            &[
                "commands/state",
                "commands/state/forget",
                "commands/state/rename",
                "commands/state/rotate",
                "commands/state/transfer",
            ],
            &["commands/status", "commands/status/fleet"],
            &[
                "host",
                "render",
                "render/excerpt",
                "render/github",
                "render/gitlab",
                "render/human",
                "render/json",
                "render/sarif",
            ],
            &["render/alike", "render/plan"],
        ],
    ),
    (
        "gosling-deploy",
        &[
            &["adoption", "orphans"],
            &["lock", "state_location"],
            &["planning", "session"],
        ],
    ),
    (
        "gosling-engine",
        &[
            &[
                "apply",
                "apply/saved",
                "fence",
                "fence/lease",
                "journal",
                "order",
                "plan",
                "preflight",
                "provider",
                "recover",
                "refresh",
                "rollout",
                "run",
                "stamp",
                "state",
                "store",
                "store/displaced",
            ],
            &["diff", "diff/narrow"],
            &["store/remote", "store/remote/objects"],
        ],
    ),
    (
        "gosling-providers",
        &[
            &["gitlab", "gitlab/hook", "gitlab/runner"],
            &[
                "proxmox/api",
                "proxmox/booted",
                "proxmox/cluster",
                "proxmox/firewall",
                "proxmox/networks",
                "proxmox/placing",
                "proxmox/power",
                "proxmox/privileges",
                "proxmox/removing",
                "proxmox/shaping",
                "proxmox/sign",
                "proxmox/wanted",
                "proxmox/work",
            ],
            &["secrets", "secrets/env", "secrets/store", "secrets/vault"],
            &["state", "state/gitlab", "state/s3"],
        ],
    ),
    (
        "gosling-sandbox",
        &[
            &["certificates", "server"],
            &[
                "proxmox/changes",
                "proxmox/drives",
                "proxmox/firewall",
                "proxmox/firewall/verify",
                "proxmox/guests",
                "proxmox/nets",
                "proxmox/parameters",
                "proxmox/storage",
                "proxmox/tasks",
            ],
            &[
                "proxmox/formats",
                "proxmox/given",
                "proxmox/properties",
                "proxmox/schema",
            ],
        ],
    ),
];

/// A module by its path from the crate's root, which is empty.
type Module = Vec<String>;

/// What a file says of its module.
#[derive(Default)]
struct Source {
    text: String,
    children: BTreeSet<String>,
    /// Names that it passes on, and the paths that they stand for.
    passed_on: BTreeMap<String, Vec<String>>,
}

/// The modules of a crate, without its tests.
fn modules(folder: &Path) -> BTreeMap<Module, Source> {
    static CHILD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^\s*(?:pub(?:\([a-z]+\))? )?mod (\w+);").unwrap());
    let mut modules = BTreeMap::new();
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    for path in files_under(folder, is_rust) {
        let mut module: Module = path
            .strip_prefix(folder)
            .unwrap()
            .with_extension("")
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        let is_test = module.iter().any(|part| part == "tests" || part == "testing");
        if is_test || module == ["main"] {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]\n").next().unwrap();
        let code: String = product
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .fold(String::new(), |text, line| text + line + "\n");
        let children = CHILD.captures_iter(&code).map(|found| found[1].to_owned());
        modules.insert(
            module,
            Source {
                children: children.collect(),
                text: code,
                ..Source::default()
            },
        );
    }
    modules
}

/// The paths of a `use` tree: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.split_whitespace().collect::<String>();
    let Some(open) = tree.find('{') else {
        return vec![tree];
    };
    let (before, inside) = (&tree[..open], &tree[open + 1..tree.len() - 1]);
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(letter);
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts
        .flat_map(|part| expanded(part))
        .map(|part| format!("{before}{part}"))
        .collect()
}

/// A path as segments from the crate's root, where it is one of this crate.
fn absolute(path: &str, module: &Module, source: &Source) -> Option<Vec<String>> {
    // `x as y` is `x`: blanks were taken out.
    let mut segments = path.split("::").map(str::to_owned).peekable();
    let mut base = match segments.peek().map(String::as_str) {
        Some("crate") => {
            segments.next();
            Vec::new()
        }
        Some("self") => {
            segments.next();
            module.clone()
        }
        Some("super") => module.clone(),
        Some(first) if source.children.contains(first) => module.clone(),
        _ => return None,
    };
    while segments.peek().is_some_and(|segment| segment == "super") {
        segments.next();
        base.pop();
    }
    base.extend(segments);
    Some(base)
}

/// The module that a path from the root leads to, through names that modules pass on.
fn resolved(path: &[String], modules: &BTreeMap<Module, Source>) -> Option<Module> {
    let mut at: Module = Vec::new();
    let mut rest = path.to_vec();
    // A name may be passed on a few times, never endlessly.
    for _ in 0..16 {
        let Some(next) = rest.first().cloned() else {
            break;
        };
        let below: Module = at.iter().cloned().chain([next.clone()]).collect();
        if modules.contains_key(&below) {
            at = below;
            rest.remove(0);
        } else if let Some(path) = modules.get(&at)?.passed_on.get(&next) {
            let mut whole = path.clone();
            whole.extend(rest.drain(1..));
            at = Vec::new();
            rest = whole;
        } else {
            break;
        }
    }
    Some(at)
}

/// Which modules each module of a crate needs.
fn needs(folder: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    static USE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?ms)^\s*(pub(?:\([a-z]+\))? )?use ([^;]+);").unwrap());
    static INLINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[a-z]\w*(?:::\w+)+").unwrap());
    let mut modules = modules(folder);
    let names: Vec<Module> = modules.keys().cloned().collect();
    for name in &names {
        let source = &modules[name];
        let mut passed_on = BTreeMap::new();
        for found in USE
            .captures_iter(&source.text)
            .filter(|found| found.get(1).is_some())
        {
            for path in expanded(&found[2]) {
                let last = path.rsplit("::").next().unwrap_or_default().to_owned();
                if let Some(path) = absolute(&path, name, source) {
                    passed_on.insert(last, path);
                }
            }
        }
        modules.get_mut(name).unwrap().passed_on = passed_on;
    }
    let mut needs = BTreeMap::new();
    for (name, source) in &modules {
        let mut paths = Vec::new();
        for found in USE
            .captures_iter(&source.text)
            .filter(|found| found.get(1).is_none())
        {
            paths.extend(expanded(&found[2]));
        }
        let without_uses = USE.replace_all(&source.text, "");
        paths.extend(
            INLINE
                .find_iter(&without_uses)
                .map(|found| found.as_str().to_owned()),
        );
        let own = paths
            .iter()
            .filter_map(|path| absolute(path, name, source))
            .filter_map(|path| resolved(&path, &modules))
            .filter(|module| module != name);
        needs.insert(name.clone(), own.collect::<BTreeSet<Module>>());
    }
    needs
}

/// The circles: modules that reach each other.
fn circles(needs: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<String>> {
    let reach = |from: &Module| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(module) = todo.pop() {
            for next in needs.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    todo.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        needs.keys().map(|module| (module, reach(module))).collect();
    let shown = |module: &Module| match module.is_empty() {
        true => "the crate".to_owned(),
        false => module.join("/"),
    };
    let of = |module: &&Module| {
        let own = &reached[*module];
        let others = own.iter().filter(|other| reached[**other].contains(module));
        others.map(|other| shown(other)).collect::<BTreeSet<String>>()
    };
    let all = needs.keys().collect::<Vec<_>>();
    all.iter().map(of).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn modules_import_each_other_only_where_the_list_says_so() {
    let mut found: BTreeMap<String, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let source = folder.join("src");
        if (name.starts_with("fly-") || name.starts_with("gosling-")) && source.is_dir() {
            let circles = circles(&needs(&source));
            if !circles.is_empty() {
                found.insert(name, circles);
            }
        }
    }
    let listed: BTreeMap<String, BTreeSet<BTreeSet<String>>> = CIRCLES
        .iter()
        .map(|(name, circles)| {
            let circles = circles
                .iter()
                .map(|circle| circle.iter().map(|module| (*module).to_owned()).collect());
            ((*name).to_owned(), circles.collect())
        })
        .collect();
    assert_eq!(found, listed, "{found:#?}");
}

#[test]
fn a_circle_is_found_through_names_that_are_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("lib.rs", "mod one;\nmod two;\npub use one::{One, helper};\n"),
        ("one.rs", "use crate::two::Two;\npub struct One(Two);\n"),
        ("two.rs", "pub struct Two;\nfn f() { crate::helper(); }\n"),
    ] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let circle = BTreeSet::from(["one".to_owned(), "two".to_owned()]);
    assert_eq!(circles(&needs(folder.path())), BTreeSet::from([circle]));
}
