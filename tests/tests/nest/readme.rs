//! What README.md tells a newcomer to type.

use crate::gosling::{gosling, said};
use crate::workspace::{read, root};

/// The commands that a newcomer needs.
const DEMO: &str = "cargo run --release -q -p gosling-cli --bin gosling -- demo";
const VALIDATE: &str = "cargo run --release -q -p gosling-cli --bin gosling -- validate examples/proxmox-lab";
const TEST: &str = "cargo test --workspace";

/// The lines of the page's shell examples, without their comments.
fn commands(page: &str) -> Vec<String> {
    let blocks = page
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter(|line| !line.is_empty());
    lines
        .map(|line| line.split("  #").next().unwrap_or(line).trim_end().to_owned())
        .collect()
}

#[test]
fn the_commands_stand_first() {
    assert_eq!(commands(&read("README.md"))[..3], [DEMO, TEST, VALIDATE]);
}

#[test]
fn ci_runs_the_same_tests() {
    let script = read(".ci/run");
    assert!(script.lines().any(|line| line.starts_with(TEST)), "{script}");
}

/// Runs gosling as a line of the page says, in the workspace's root.
fn run(line: &str) -> std::process::Output {
    let (_, arguments) = line.split_once(" -- ").unwrap();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    gosling(&root(), &arguments)
}

#[test]
fn the_demo_shows_all_of_it_and_leaves_nothing() {
    let output = run(DEMO);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let words = said(&output);
    for step in [
        "gosling init",
        "gosling plan",
        "gosling apply",
        "gosling status",
        "Changed outside gosling since the last run",
        "gosling destroy",
    ] {
        assert!(words.contains(step), "{step}: {words}");
    }
    assert!(words.contains("Left behind: 0 objects."), "{words}");
}

#[test]
fn the_example_is_checked() {
    let output = run(VALIDATE);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn the_tour_names_commands_that_exist() {
    let mut looked = 0;
    for command in commands(&read("README.md")) {
        let Some(rest) = command.strip_prefix("gosling ") else {
            continue;
        };
        let name = rest.split(' ').next().unwrap();
        let output = gosling(&root(), &[name, "--help"]);
        assert_eq!(output.status.code(), Some(0), "gosling {name}: {}", said(&output));
        looked += 1;
    }
    assert!(looked >= 8, "only {looked} commands");
}
