//! What README.md tells a newcomer to type.

use crate::gosling::{gosling, said};
use crate::workspace::{read, root};

/// The commands that a newcomer needs.
const DEMO: &str = "cargo run --release -p gosling-cli --bin gosling -- demo";
const VALIDATE: &str = "cargo run --release -p gosling-cli --bin gosling -- validate examples/proxmox-lab";
const INSTALL: &str = "cargo install --locked --path gosling-cli";
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
    let page = read("README.md");
    assert_eq!(commands(&page)[..4], [DEMO, VALIDATE, INSTALL, TEST]);
    // A blank terminal for minutes looks like a hang.
    assert!(!page.contains(" -q "));
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

#[test]
fn the_hooks_are_those_that_init_writes() {
    let written = read("gosling-cli/src/templates/init/pre-commit-config.yaml");
    assert!(read("README.md").contains(&format!("```yaml\n{written}```\n")));
}

#[test]
fn the_exit_codes_are_what_the_page_says() {
    let page = read("README.md").replace('\n', " ");
    let two = page.split("Wrong arguments are 2 for ").nth(1).unwrap();
    let two = two
        .split(", and 1 for all other commands")
        .next()
        .unwrap()
        .replace(" and ", ", ");
    let two: Vec<&str> = two.split(',').map(|name| name.trim().trim_matches('`')).collect();
    let help = String::from_utf8(gosling(&root(), &["--help"]).stdout).unwrap();
    let names = help
        .lines()
        .take_while(|line| *line != "Options:")
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut looked = 0;
    for name in names {
        let output = gosling(&root(), &[name, "--color=loud"]);
        let expected = if two.contains(&name) { 2 } else { 1 };
        assert_eq!(output.status.code(), Some(expected), "{name}: {}", said(&output));
        looked += 1;
    }
    assert!(looked > 25, "only {looked} commands");
}

/// The variables that the first column of the page's table names.
fn documented() -> Vec<String> {
    let page = read("docs/environment.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1).map(str::to_owned));
    let names = cells.flat_map(|cell| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(|name| name.split('<').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn every_variable_that_is_read_is_on_the_page_and_no_other() {
    // Not read by gosling, but named in what it writes or says; or read only when it is built.
    const OTHERS: [&str; 8] = [
        "GITHUB_TOKEN",
        "GITLAB_LAB_EXAMPLE_COM_8443",
        "GITLAB_TOKEN",
        "GOSLING_COMMIT",
        "GOSLING_SMOKE_TAGS",
        "NPM_TOKEN",
        "PROXMOX_TOKEN",
        "STATE_SECRET_KEY",
    ];
    let literal =
        regex::Regex::new("\"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+_?|HOME|USER|TERM|LANG|COLUMNS|CLICOLOR)\"")
            .unwrap();
    let documented = documented();
    let mut read_by_code = std::collections::BTreeSet::new();
    for file in crate::workspace::rust_files() {
        let path = crate::workspace::shown(&file);
        if ![
            "gosling-cli/src",
            "gosling-deploy/src",
            "gosling-providers/src/state",
        ]
        .iter()
        .any(|folder| path.starts_with(folder))
        {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]").next().unwrap();
        for found in literal.captures_iter(product) {
            let name = &found[1];
            if !name.starts_with("CARGO_") && !OTHERS.contains(&name) {
                read_by_code.insert(name.to_owned());
            }
        }
    }
    assert!(read_by_code.len() > 15, "{read_by_code:?}");
    let missing: Vec<_> = read_by_code
        .iter()
        .filter(|name| !documented.contains(name))
        .collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    let made_up = documented.iter().filter(|name| {
        let made = [
            "GOSLING_ENDPOINT_",
            // Read where the state is reached, by another crate.
            "AWS_",
            "HTTP",
            "ALL_PROXY",
            "NO_PROXY",
            "GOSLING_VAR_",
        ];
        !read_by_code.contains(*name) && !made.iter().any(|start| name.starts_with(start))
    });
    let made_up: Vec<_> = made_up.collect();
    assert!(made_up.is_empty(), "on the page, but not read: {made_up:?}");
}

#[test]
fn every_command_is_in_the_description_of_json() {
    let page = read("docs/json.md");
    let help = String::from_utf8(gosling(&root(), &["--help"]).stdout).unwrap();
    let names = help
        .lines()
        .take_while(|line| *line != "Options:")
        .filter(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next());
    let silent = ["help", "status", "import", "unlock", "secret", "state"];
    let missing: Vec<&str> = names
        .filter(|name| !silent.contains(name) && !page.contains(&format!("`{name}")))
        .filter(|name| !page.contains(&format!("`gosling {name}")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
