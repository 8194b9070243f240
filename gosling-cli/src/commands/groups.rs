//! The commands of `gosling help`, in groups.

use std::fmt::Write;

use clap::Command;

/// The commands by what they are for, in the order in which somebody meets them.
pub(super) const GROUPS: [(&str, &[&str]); 6] = [
    ("Start", &["demo", "init", "add", "sandbox"]),
    (
        "Write a Nest",
        &[
            "validate", "fmt", "fix", "explain", "eval", "render", "schema", "graph",
        ],
    ),
    (
        "Make it real",
        &["plan", "preflight", "apply", "destroy", "rollback", "refresh"],
    ),
    ("Watch it", &["status", "smoke", "show"]),
    (
        "Look after the state",
        &[
            "state", "import", "orphans", "secret", "lock", "unlock", "freeze", "audit",
        ],
    ),
    ("About gosling", &["completions", "man", "version", "help"]),
];

/// The heading of the commands that no group names.
const OTHERS: &str = "Other commands";

/// The root command with its subcommands shown in groups.
pub(super) fn grouped(command: Command) -> Command {
    let styles = command.get_styles().clone();
    let (header, literal) = (*styles.get_header(), *styles.get_literal());
    let about = |name: &str| match command.find_subcommand(name) {
        Some(known) => known.get_about().map(|about| about.to_string()),
        None => (name == "help").then(|| "Print the help of a command".to_owned()),
    };
    let named: Vec<&str> = GROUPS
        .iter()
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let others: Vec<&str> = command
        .get_subcommands()
        .filter(|known| !known.is_hide_set())
        .map(Command::get_name)
        .filter(|name| !named.contains(name))
        .collect();
    let groups = GROUPS.iter().map(|(title, names)| (*title, names.to_vec()));
    let mut text = String::new();
    for (title, names) in groups
        .chain([(OTHERS, others)])
        .filter(|(_, names)| !names.is_empty())
    {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{header}{title}:{header:#}");
        for name in names {
            if let Some(about) = about(name) {
                let _ = writeln!(text, "  {literal}{name:<12}{literal:#} {about}");
            }
        }
        text.push('\n');
    }
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn each_command_stands_in_one_group() {
        let root = super::super::Cli::command();
        let mut known: Vec<&str> = root
            .get_subcommands()
            .map(Command::get_name)
            .chain(["help"])
            .collect();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        known.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, known);
    }
}
