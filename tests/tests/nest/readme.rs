//! What README.md tells a newcomer to type.

use crate::gosling::{gosling, said};
use crate::workspace::{read, root};

/// The two commands that a newcomer needs.
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
fn the_two_commands_stand_first() {
    assert_eq!(commands(&read("README.md"))[..2], [VALIDATE, TEST]);
}

#[test]
fn ci_runs_the_same_tests() {
    let script = read(".ci/run");
    assert!(script.lines().any(|line| line.starts_with(TEST)), "{script}");
}

#[test]
fn the_first_command_succeeds() {
    let (_, arguments) = VALIDATE.split_once(" -- ").unwrap();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = gosling(&root(), &arguments);
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
