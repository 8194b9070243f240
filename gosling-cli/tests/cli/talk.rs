//! How gosling speaks: help, wrong use, colour, streams.

use std::process::Stdio;

use crate::support::Folder;

#[test]
fn every_command_has_help_with_examples() {
    let folder = Folder::with(&[]);
    let help = folder.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    let groups = help.out.split("\nOptions:\n").next().unwrap();
    let commands: Vec<&str> = groups
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert!(commands.len() >= 25, "{commands:?}");
    assert!(groups.contains("\nMake it real:\n  plan "), "{groups}");
    let commands = commands.into_iter().map(|command| vec![command]);
    let kinds = ["egg", "eggsbucket", "job"].map(|kind| vec!["add", kind]);
    for mut command in commands.chain(kinds) {
        command.push("--help");
        let help = folder.run(&command);
        let command = command.join(" ");
        assert_eq!(help.code, 0, "{command}");
        assert!(
            help.out.contains("Examples:\n  gosling "),
            "{command}: {}",
            help.out
        );
    }
}

#[test]
fn a_misspelt_command_is_named() {
    let ran = Folder::with(&[]).run(&["validat"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("'validate'"), "{}", ran.err);
}

#[test]
fn where_no_such_command_is_there_all_are_named() {
    let folder = Folder::with(&[]);
    for (args, names) in [
        (&["frobnicate"][..], "\nThere are: init, add, validate, fmt, "),
        (
            &["--color", "never", "add", "frobnicate"],
            "\nThere are: egg, eggsbucket, job",
        ),
    ] {
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
        assert!(ran.err.contains(names), "{}", ran.err);
    }
}

#[test]
fn the_version_is_data() {
    let ran = Folder::with(&[]).run(&["--version"]);
    let expected = format!("gosling {}", env!("CARGO_PKG_VERSION"));
    assert!(ran.out.starts_with(&expected), "{}", ran.out);
    let version = Folder::with(&[]).run(&["version"]);
    assert!(
        version.code == 0 && version.out.starts_with(&expected),
        "{version:?}"
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn wrong_use_is_two_and_speaks_on_stderr() {
    let folder = Folder::with(&[]);
    let uses: [&[&str]; 6] = [
        &["validate", "--nope"],
        &["validate"],
        &["validate", "missing.fly"],
        &["fmt", "missing"],
        &["add"],
        &[],
    ];
    for args in uses {
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_never_under_no_color() {
    let folder = Folder::with(&[]);
    let escape = '\u{1b}';
    assert!(!folder.run(&["--help"]).out.contains(escape));
    assert!(folder.run(&["--color", "always", "--help"]).out.contains(escape));
    let quiet = folder
        .command(&["--color=always", "--help"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!String::from_utf8(quiet.stdout).unwrap().contains(escape));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = Folder::with(&[]);
    let mut child = folder
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn completions_know_the_commands() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("GOSLING_COMPLETE"), "{shell}: {}", ran.out);
        let found = completed(&folder, shell, &["gosling", "vali"]);
        assert!(found.contains("validate"), "{shell}: {found}");
    }
    assert!(completed(&folder, "bash", &["gosling", "validate", "--deny"]).contains("--deny-warnings"));
}

/// What the shell is offered for the last of these words.
fn completed(folder: &Folder, shell: &str, words: &[&str]) -> String {
    let mut command = folder.command(&["--"]);
    command
        .args(words)
        .env("GOSLING_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn completions_know_the_nest() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run(&["init", "lab", "--provider", "proxmox"]).code, 0);
    for (words, offered) in [
        (&["gosling", "-C", "lab", "status", ""][..], "hello"),
        (&["gosling", "-C", "lab", "smoke", "he"], "hello"),
        (
            &["gosling", "-C", "lab", "plan", "--target", "egg.hello.v"],
            "egg.hello.vm[0]",
        ),
        (
            &["gosling", "--nest", "lab", "apply", "--replace", ""],
            "egg.hello.runner",
        ),
        (
            &["gosling", "--nest=lab", "state", "show", ""],
            "egg.hello.runner",
        ),
        (&["gosling", "-C", "lab", "add", "egg", "x", "--use", ""], "vm"),
        (&["gosling", "explain", "FLY10"], "FLY101"),
        (&["gosling", "explain", "egg.runner.ta"], "egg.runner.tags"),
    ] {
        let found = completed(&folder, "bash", words);
        assert!(
            found.lines().any(|word| word.trim_end() == offered),
            "{words:?}: {found}"
        );
    }
    // Outside of a Nest nothing is offered, and nothing fails.
    assert_eq!(
        completed(&folder, "bash", &["gosling", "status", "he"]).trim(),
        ""
    );
}

#[test]
fn the_nest_may_be_named_in_one_way_for_every_command() {
    let folder = Folder::with(&[]);
    assert_eq!(
        folder.run(&["-C", "lab", "init", "--provider", "proxmox"]).code,
        0
    );
    for args in [
        &["-C", "lab", "validate"][..],
        &["validate", "--nest", "lab"],
        &["--nest=lab", "fmt", "--check"],
        &["fix", "-C", "lab"],
        &["eval", "-C", "lab", "length(eggs)"],
        &[
            "-C",
            "lab",
            "add",
            "egg",
            "api",
            "--use",
            "vm",
            "--project-id",
            "2",
        ],
        &["-C", "lab/Eggs/api", "validate"],
        &["-C", "lab", "plan", "--refresh=false"],
        &["-C", "lab", "graph"],
        &["state", "list", "-C", "lab"],
        &["-C", "lab", "secret", "list", "store://"],
        &["-C", "lab", "lock"],
        &["-C", "lab", "audit"],
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    }
    assert!(folder.path("lab/Eggs/api/config.fly").exists());
    let ran = folder.run(&["-C", "nowhere", "validate"]);
    assert!(
        ran.code == 2 && ran.err.contains("nowhere: no such folder"),
        "{ran:?}"
    );
}

#[test]
fn every_command_answers_json_with_one_versioned_document() {
    let folder = Folder::with(&[]);
    let document = |args: &[&str], code: i32| -> serde_json::Value {
        let ran = folder.run(args);
        assert_eq!(ran.code, code, "{args:?}: {ran:?}");
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{args:?}: {error}: {ran:?}"))
    };
    let init = document(&["-C", "lab", "init", "--provider", "proxmox", "--json"], 0);
    assert_eq!(init["files"][0]["written"], true);
    for args in [
        &["validate", "--json"][..],
        &["fmt", "--json"],
        &["fix", "--json"],
        &["graph", "--json"],
        &["explain", "--json"],
        &["explain", "FLY101", "--json"],
        &["explain", "egg", "--json"],
        &["plan", "--json"],
        &["state", "list", "--json"],
        &["state", "history", "--json"],
        &["secret", "list", "store://", "--json"],
        &["lock", "--json"],
        &["freeze", "--json"],
        &["audit", "verify", "--json"],
        &["unlock", "--json"],
        &["version", "--json"],
        &["add", "egg", "api", "--use", "vm", "--project-id", "2", "--json"],
        &["--json", "validate"],
    ] {
        let document = document(&[&["-C", "lab"], args].concat(), 0);
        assert_eq!(document["format"], 1, "{args:?}: {document}");
    }
    // The value itself, and the schema, are what they are.
    assert_eq!(document(&["eval", "1 + 1", "--json"], 0), 2);
    assert!(document(&["schema", "--json"], 0)["$schema"].is_string());
    // Whatever ends a command early is in its document.
    let failed = document(&["-C", "lab", "state", "rm", "egg.none.vm", "--json"], 1);
    assert_eq!(failed["exit"], 1);
    let messages = failed["messages"].to_string();
    assert!(messages.contains("egg.none.vm is not in the state"), "{failed}");
    folder.write("lab/Lib/bad.fly", "locals {\n");
    assert_eq!(
        document(&["-C", "lab", "plan", "--json"], 1)["problems"][0]["code"],
        "FLY101"
    );
    assert_eq!(document(&["-C", "nowhere", "plan", "--json"], 1)["exit"], 1);
}

#[test]
fn messages_are_coloured_where_they_should_be() {
    let folder = Folder::with(&[]);
    let err = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = folder.command(args);
        for name in ["CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TERM"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let red = "\u{1b}[1;31merror:\u{1b}[0m ";
    assert!(err(&[], &["validate"]).starts_with("error: "));
    for forced in [("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "3")] {
        assert!(err(&[forced], &["validate"]).starts_with(red));
        assert!(err(&[forced, ("NO_COLOR", "1")], &["validate"]).starts_with("error: "));
        assert!(err(&[forced], &["--color", "never", "validate"]).starts_with("error: "));
        assert!(err(&[(forced.0, "0")], &["validate"]).starts_with("error: "));
    }
    assert!(err(&[], &["--color", "always", "validate"]).starts_with(red));
}

#[test]
fn standard_input_is_a_hyphen() {
    let folder = Folder::with(&[]);
    let ugly = "locals {\na=1\n}\n";
    assert_eq!(
        folder.run_with_input(&["fmt", "-"], ugly).out,
        "locals {\n  a = 1\n}\n"
    );
    assert_eq!(folder.run_with_input(&["validate", "-"], ugly).code, 0);
    let wrong = folder.run_with_input(&["validate", "-"], "locals {\n");
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("Lib/stdin.fly:1"), "{wrong:?}");
    let sum = folder.run_with_input(&["eval", "-"], "4GiB / 2\n");
    assert!(sum.out.starts_with("2GiB"), "{sum:?}");
    // What needs a Nest says that there is none.
    assert_eq!(folder.run(&["eval"]).code, 2);
}

#[test]
fn what_is_no_command_is_2_and_never_says_that_changes_are_pending() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run(&["paln"]).code, 2);
    assert_eq!(folder.run(&["paln", "--detailed-exitcode"]).code, 1);
    assert_eq!(folder.run(&["plan", "--no-such-option"]).code, 1);
}

#[test]
fn problems_lead_to_their_pages() {
    let folder = Folder::with(&[("Lib/a.fly", "locals {\n")]);
    for args in [&["validate"][..], &["fix"], &["plan"], &["eval"]] {
        let ran = folder.run(args);
        assert!(
            ran.err.contains("help: `gosling explain FLY101`"),
            "{args:?}: {ran:?}"
        );
    }
}

#[test]
fn a_log_level_that_is_none_is_refused() {
    let folder = Folder::with(&[("nest.fly", "")]);
    let output = folder
        .command(&["validate"])
        .env("GOSLING_LOG", "loud")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("off, error, warn, info, debug, trace"), "{err}");
}

#[test]
fn a_long_option_with_one_dash_is_refused_with_the_right_spelling() {
    let folder = Folder::with(&[]);
    for (args, wrong, right) in [
        (&["plan", "-out=x"][..], "`-out`", "`--out=x`"),
        (&["plan", "-out", "x"], "`-out`", "`--out`"),
        (&["plan", "-json"], "`-json`", "`--json`"),
        (&["apply", "-auto-approve"], "`-auto-approve`", "`--auto-approve`"),
        (&["state", "pull", "-out=x"], "`-out`", "`--out=x`"),
        (&["validate", "-color=never"], "`-color`", "`--color=never`"),
    ] {
        let ran = folder.run(args);
        assert!(ran.code == 1 || ran.code == 2, "{args:?}: {ran:?}");
        assert!(
            ran.err.contains(wrong) && ran.err.contains(right),
            "{args:?}: {ran:?}"
        );
        assert!(!folder.path("ut=x").exists());
    }
}

#[test]
fn examples_are_quoted_where_a_shell_would_read_them_otherwise() {
    let folder = Folder::with(&[]);
    for args in [
        &["state", "--help"][..],
        &["import", "--help"],
        &["plan", "--help"],
        &["apply", "--help"],
    ] {
        let help = folder.run(args).out;
        let examples = help.lines().filter(|line| line.starts_with("  gosling "));
        for line in examples {
            let command = line.trim_start().split("   ").next().unwrap();
            let bare: String = command.split('\'').step_by(2).collect();
            assert!(
                !bare.contains(['[', '*', '?', '<']) || bare.contains(" < "),
                "{line}"
            );
        }
    }
}
