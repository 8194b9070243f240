//! The Nests of examples/, and the generated one.

use std::fs;
use std::path::PathBuf;

use fly_typeck::NestFiles;
use nest_tests::bench_nest;

use crate::compiled::problems;
use crate::gosling::{gosling, said};
use crate::workspace::{files_under, root};

pub(crate) const NESTS: [&str; 4] = ["hello-nest", "proxmox-lab", "two-clouds/aws", "two-clouds/yandex"];

pub(crate) fn folder(nest: &str) -> PathBuf {
    root().join("examples").join(nest)
}

/// The Nest of a folder, as it would be in memory.
pub(crate) fn load(nest: &str) -> NestFiles {
    let folder = folder(nest);
    let files = files_under(&folder, |_| true).into_iter().map(|path| {
        let name = path
            .strip_prefix(&folder)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        (name, fs::read_to_string(path).unwrap())
    });
    NestFiles::in_memory(files)
}

#[test]
fn every_example_is_known_here() {
    let all = files_under(&root().join("examples"), |path| path.ends_with("nest.fly"));
    let wanted: Vec<PathBuf> = NESTS.iter().map(|nest| folder(nest).join("nest.fly")).collect();
    assert_eq!(all, wanted);
}

#[test]
fn no_example_has_a_problem_or_a_lint() {
    for nest in NESTS {
        assert_eq!(problems(&load(nest)), Vec::<String>::new(), "{nest}");
    }
}

#[test]
fn gosling_validates_every_example() {
    for nest in NESTS {
        let output = gosling(
            &root(),
            &["validate", "--deny-warnings", &format!("examples/{nest}")],
        );
        assert_eq!(output.status.code(), Some(0), "{nest}: {}", said(&output));
    }
}

#[test]
fn a_generated_nest_has_no_problem() {
    for eggs in [1, 2, 250] {
        let files = NestFiles::in_memory(bench_nest::files(eggs));
        assert_eq!(files.files.len(), eggs + 3);
        assert_eq!(problems(&files), Vec::<String>::new(), "{eggs} eggs");
    }
}

/// Files whose text is not what the formatter makes of it, or that have syntax problems.
fn unformatted(files: &NestFiles) -> Vec<String> {
    let mut found = Vec::new();
    for file in &files.files {
        let parsed = fly_syntax::parse(file);
        found.extend(
            parsed
                .problems
                .iter()
                .map(|problem| format!("{}: {}", file.path, problem.message)),
        );
        if fly_syntax::format(file, &parsed.tree).ok().as_deref() != Some(file.text()) {
            found.push(format!("{} is not formatted", file.path));
        }
    }
    found
}

#[test]
fn every_example_is_formatted() {
    for nest in NESTS {
        assert_eq!(unformatted(&load(nest)), Vec::<String>::new(), "{nest}");
    }
}

#[test]
fn a_generated_nest_is_formatted() {
    let files = NestFiles::in_memory(bench_nest::files(20));
    assert_eq!(files.files.len(), 23);
    assert_eq!(unformatted(&files), Vec::<String>::new());
}
