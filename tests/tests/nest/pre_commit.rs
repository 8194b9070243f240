//! The hooks, tried with the real pre-commit.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::gosling::{BINARY, said};
use crate::workspace::{files_under, root};

/// Whether pre-commit can be asked. Where `REQUIRE_PRE_COMMIT` is set, as in CI, it has to be there.
fn there_is_pre_commit() -> bool {
    let there = Command::new("pre-commit")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(
        there || std::env::var_os("REQUIRE_PRE_COMMIT").is_none(),
        "pre-commit is not installed"
    );
    if !there {
        eprintln!("skipped: pre-commit is not installed (pip install pre-commit)");
    }
    there
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let output = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", said(&output));
}

/// Commits all of a folder, which becomes a repository where it is none yet.
fn commit(folder: &Path) {
    git(folder, &["init", "--quiet"]);
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--no-verify", "--message", "test"]);
}

/// A repository with our hooks and nothing else, and one with a Nest.
struct Repositories {
    hooks: tempfile::TempDir,
    nest: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Repositories {
    fn new() -> Self {
        let [hooks, nest, cache] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let name = ".pre-commit-hooks.yaml";
        fs::copy(root().join(name), hooks.path().join(name)).unwrap();
        commit(hooks.path());
        let example = root().join("examples/hello-nest");
        for file in files_under(&example, |_| true) {
            let to = nest.path().join(file.strip_prefix(&example).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(&file, to).unwrap();
        }
        commit(nest.path());
        Self { hooks, nest, cache }
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let path = self.nest.path().join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
        commit(self.nest.path());
    }

    fn run(&self, hook: &str) -> Output {
        let folder = BINARY.parent().unwrap().to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new("pre-commit");
        command
            .arg("try-repo")
            .arg(self.hooks.path())
            .args([hook, "--all-files", "--verbose"]);
        command
            .current_dir(self.nest.path())
            .env("PATH", path)
            .env("PRE_COMMIT_HOME", self.cache.path());
        command.output().unwrap()
    }
}

#[test]
fn a_good_commit_passes_both_hooks() {
    if !there_is_pre_commit() {
        return;
    }
    let repositories = Repositories::new();
    for hook in ["gosling-validate", "gosling-fmt"] {
        let output = repositories.run(hook);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("Passed"), "{said}");
    }
}

#[test]
fn a_bad_commit_is_stopped_with_its_reason() {
    if !there_is_pre_commit() {
        return;
    }
    let repositories = Repositories::new();
    repositories.edit("Eggs/hello/config.fly", "memory = 4GiB", "memroy = 4GiB");
    let output = repositories.run("gosling-validate");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FLY401") && said.contains("Eggs/hello/config.fly"),
        "{said}"
    );
}

#[test]
fn an_unformatted_commit_is_formatted() {
    if !there_is_pre_commit() {
        return;
    }
    let repositories = Repositories::new();
    repositories.edit("nest.fly", "name = \"hello\"", "name   =   \"hello\"");
    let output = repositories.run("gosling-fmt");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = fs::read_to_string(repositories.nest.path().join("nest.fly")).unwrap();
    assert!(text.contains("name = \"hello\""), "{text}");
}
