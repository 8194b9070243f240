//! What a plan looks like, word for word: for people and as JSON.

use crate::lab::Lab;

/// Without what differs from run to run: the sandbox's address, and the digest over all.
fn settled(lab: &Lab, text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match line.strip_prefix("  \"digest\": \"") {
            Some(_) => "  \"digest\": \"...\",",
            None => line,
        });
    let lines: Vec<&str> = lines.collect();
    lines.join("\n").replace(&lab.running.url(), "https://sandbox")
}

fn shown(lab: &Lab, arguments: &[&str]) -> String {
    let output = lab.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", crate::gosling::said(&output));
    settled(lab, &String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_first_plan() {
    let lab = Lab::one();
    insta::assert_snapshot!("first", shown(&lab, &["plan"]));
    insta::assert_snapshot!("first-json", shown(&lab, &["plan", "--json"]));
    lab.stop();
}

#[test]
fn a_plan_of_changes() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let egg = lab.read("Eggs/app/config.fly");
    let egg = egg
        .replace("cpu = 1", "cpu = 2")
        .replace("\"docker\"", "\"docker\", \"big\"");
    let egg = egg.replace("hooks\"", "other\"");
    lab.write("Eggs/app/config.fly", &egg);
    insta::assert_snapshot!("changes", shown(&lab, &["plan"]));
    lab.stop();
}
