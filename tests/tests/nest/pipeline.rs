//! The pipeline that `gosling init` writes, its scripts run as a runner would run them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_norway::Value;

use crate::gosling::{BINARY, said};
use crate::lab::{Lab, copy};

/// What a job may do with the folder of the state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its machine does not have it.
    Absent,
    /// It is mounted read-only, as the guide says.
    Read,
    /// It may be written.
    Write,
}

/// A project with the Nest, and a machine with the folder of its state.
struct Project {
    lab: Lab,
    state: PathBuf,
    jobs: Value,
}

impl Project {
    fn new() -> Self {
        let world =
            r#"{ "gitlab": { "projects": [{ "id": 1, "path": "demo/hello", "ci_tags": ["docker"] }] } }"#;
        let lab = Lab::in_world(world, 0, &[]);
        std::fs::create_dir_all(lab.nest()).unwrap();
        lab.green(&["init", "--name", "lab", "--provider", "proxmox", "--yes"]);
        let state = lab.folder.path().join("state");
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o700)).unwrap();
        let jobs = serde_norway::from_str(&lab.read(".gitlab-ci.yml")).unwrap();
        Self { lab, state, jobs }
    }

    /// The lines of a job, with those of the job that it extends.
    fn script(&self, job: &str) -> String {
        let job = &self.jobs[job];
        let above = job["extends"].as_str().map(|above| &self.jobs[above]);
        let lines = |section: &str| -> Vec<String> {
            let own = job[section].as_sequence();
            let inherited = || above.and_then(|above| above[section].as_sequence());
            let lines = own.or_else(inherited).cloned().unwrap_or_default();
            lines
                .iter()
                .map(|line| line.as_str().unwrap().to_owned())
                .collect()
        };
        let lines = [lines("before_script"), lines("script")].concat();
        assert!(!lines.is_empty());
        lines.join("\n")
    }

    /// Runs a job in a checkout of its own, with these artifacts of an earlier job. Returns the checkout.
    fn run(&self, job: &str, state: State, artifacts: &[PathBuf]) -> (Output, tempfile::TempDir) {
        let checkout = tempfile::tempdir().unwrap();
        copy(&self.lab.nest(), checkout.path());
        let _ = std::fs::remove_dir_all(checkout.path().join(".gosling"));
        for artifact in artifacts {
            std::fs::copy(artifact, checkout.path().join(artifact.file_name().unwrap())).unwrap();
        }
        let script = self.script(job);
        let folder = &self.state;
        let mut command = match state {
            State::Read if may_mount() => {
                let mount = format!(
                    "mount --bind '{0}' '{0}' && mount -o remount,ro,bind '{0}' && exec bash -euo pipefail -c \"$1\"",
                    folder.display()
                );
                let mut command = Command::new("unshare");
                command.args(["--mount", "bash", "-c", &mount, "bash", &script]);
                command
            }
            _ => {
                let mut command = Command::new("bash");
                command.args(["-euo", "pipefail", "-c", &script]);
                command
            }
        };
        let tools = BINARY.parent().unwrap().to_path_buf();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path))).unwrap();
        command
            .current_dir(checkout.path())
            .env_clear()
            .envs(&self.lab.environment)
            .env("PATH", path);
        if state != State::Absent {
            command.env("GOSLING_STATE", folder);
        }
        let mode = |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
        if state == State::Read {
            mode(0o500);
        }
        let output = command.output().unwrap();
        mode(0o700);
        (output, checkout)
    }

    fn green(&self, job: &str, state: State, artifacts: &[PathBuf]) -> (String, tempfile::TempDir) {
        let (output, checkout) = self.run(job, state, artifacts);
        assert_eq!(output.status.code(), Some(0), "{job}: {}", said(&output));
        (said(&output), checkout)
    }
}

/// Whether this process may mount folders for a child. Where it may not, it is no administrator, and the folder's mode
/// keeps it from writing.
fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

fn made(checkout: &Path, file: &str) -> PathBuf {
    let path = checkout.join(file);
    assert!(path.exists(), "{file}");
    path
}

#[test]
fn it_is_green_from_an_empty_state_with_the_mounts_of_the_guide() {
    let project = Project::new();
    project.green("validate", State::Absent, &[]);
    let (words, checkout) = project.green("look", State::Read, &[]);
    assert!(words.contains("Plan: 2 to create"), "{words}");
    assert!(!words.contains("apply would refuse"), "{words}");
    made(checkout.path(), "plan-report.json");

    let (words, checkout) = project.green("plan", State::Read, &[]);
    assert!(words.contains("can only be read from here"), "{words}");
    assert!(words.contains(" 0 failed."), "{words}");
    let plan = made(checkout.path(), "nest.plan");
    let (words, _checkout) = project.green("apply", State::Write, std::slice::from_ref(&plan));
    assert!(words.contains("Done: 2 created"), "{words}");
    assert!(words.contains("egg.hello.runner: online"), "{words}");
    // What GitLab shows in the repository after a job: nothing that belongs to the state.
    let ignored = project.lab.read(".gitignore");
    assert!(ignored.lines().any(|line| line == "/.gosling"), "{ignored}");

    // The next pipeline finds nothing to do, and the first one's plan is no longer good.
    let (words, checkout) = project.green("plan", State::Read, &[]);
    assert!(words.contains("No changes"), "{words}");
    let (again, _checkout) = project.run("apply", State::Write, &[plan]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    let plan = made(checkout.path(), "nest.plan");
    project.green("apply", State::Write, &[plan]);
    project.lab.stop();
}

#[test]
fn an_apply_where_the_state_can_only_be_read_changes_nothing() {
    let project = Project::new();
    let (_, checkout) = project.green("plan", State::Read, &[]);
    let plan = made(checkout.path(), "nest.plan");
    let (output, _checkout) = project.run("apply", State::Read, &[plan]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(project.lab.there(), []);
    project.lab.stop();
}
