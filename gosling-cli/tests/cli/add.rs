//! `gosling add`

use crate::support::Folder;

fn fresh(provider: &str) -> Folder {
    let folder = Folder::with(&[]);
    assert_eq!(
        folder
            .run(&["init", "--name", "lab", "--provider", provider])
            .code,
        0
    );
    folder
}

/// Adds by options in one Nest and by answers in another, and compares.
fn same(provider: &str, path: &str, told: &[&str], asked: &[&str], answers: &[&str]) -> String {
    let (a, b) = (fresh(provider), fresh(provider));
    let by_options = a.run(told);
    assert_eq!(
        (by_options.code, by_options.out),
        (0, format!("{path}\n")),
        "{}",
        by_options.err
    );
    let by_answers = b.run_with_answers(asked, answers);
    assert_eq!(by_answers.code, 0, "{}", by_answers.err);
    assert_eq!(a.read(path), b.read(path));
    assert_eq!(a.run(&["fmt", "--check"]).code, 0, "{}", a.read(path));
    let checked = a.run(&["validate", "--deny-warnings"]);
    assert_eq!(checked.code, 0, "{}", checked.out);
    a.read(path)
}

#[test]
fn an_egg_from_a_preset() {
    let text = same(
        "proxmox",
        "Eggs/api/config.fly",
        &[
            "add",
            "egg",
            "api",
            "--use",
            "vm",
            "--server",
            "git.example.org",
            "--project-id",
            "42",
            "--tags",
            "a,b",
        ],
        &["add", "egg", "api"],
        &["", "a, b, a", "forty-two?", "42", "not a host", "git.example.org"],
    );
    let expected = "\
egg \"api\" {
  use = preset.vm

  runner {
    tags = [\"a\", \"b\"]
  }

  gitlab {
    server = \"git.example.org\"
    project_id = 42
    events = []
  }
}
";
    assert_eq!(text, expected);
}

#[test]
fn an_egg_with_its_own_machine() {
    let flags = [
        "--type",
        "serverless",
        "--provider",
        "aws",
        "--memory",
        "8GiB",
        "--cpu",
        "4",
        "--group-id",
        "7",
    ];
    let text = same(
        "aws",
        "Eggs/api/config.fly",
        &[&["add", "egg", "api", "--region", "eu-west-1"], flags.as_slice()].concat(),
        &["add", "egg", "api"],
        &[
            "none",
            "aws",
            "serverless",
            "eu-west-1",
            "4",
            "8GiB",
            "20GiB",
            "api",
            "group:7",
            "",
        ],
    );
    assert!(
        text.contains("region = \"eu-west-1\"") && text.contains("group_id = 7"),
        "{text}"
    );
}

#[test]
fn an_egg_for_github() {
    let text = same(
        "yandex",
        "Eggs/api/config.fly",
        &["add", "egg", "api", "--github", "octo/cat"],
        &["add", "egg", "api"],
        &["", "", "octo/cat", ""],
    );
    assert!(
        text.contains("repository = \"octo/cat\"") && text.contains("env://GITHUB_TOKEN"),
        "{text}"
    );
}

#[test]
fn an_eggsbucket() {
    let repositories = "core=gitlab.example.com/12,vendor=git.partner.net/group:5,mirror=github.com/octo/cat";
    let text = same(
        "proxmox",
        "Eggs/libs/config.fly",
        &[
            "add",
            "eggsbucket",
            "libs",
            "--repo",
            repositories,
            "--token",
            "store://libs/token",
        ],
        &["add", "eggsbucket", "libs", "--token", "store://libs/token"],
        &["vm", "libs", "core", repositories],
    );
    assert!(
        text.contains("repo \"vendor\"") && text.contains("group_id = 5"),
        "{text}"
    );
}

#[test]
fn a_job() {
    let text = same(
        "proxmox",
        "Jobs/nightly.fly",
        &[
            "add",
            "job",
            "nightly",
            "--schedule",
            "15 1 * * *",
            "--script",
            "make \"all\"",
            "--timeout",
            "5m",
        ],
        &["add", "job", "nightly"],
        &["every night", "15 1 * * *", "make \"all\"", "", "5m", "", ""],
    );
    assert!(text.contains("script = \"make \\\"all\\\"\""), "{text}");
}

#[test]
fn a_long_script_is_a_heredoc() {
    let folder = fresh("proxmox");
    let script = "set -e\n\nif true; then\n  echo ${HOME}\nfi\nEOT\n";
    let ran = folder.run(&["add", "job", "j", "--schedule", "@daily", "--script", script]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = folder.read("Jobs/j.fly");
    assert!(
        text.contains("script = <<-EOTT\n") && text.contains("echo $${HOME}\n"),
        "{text}"
    );
    assert_eq!(folder.run(&["fmt", "--check"]).code, 0);
}

#[test]
fn all_missing_options_are_named_at_once() {
    let folder = fresh("proxmox");
    let ran = folder.run(&["add", "job", "nightly"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--schedule, --script"), "{}", ran.err);
    assert!(!folder.path("Jobs/nightly.fly").exists());
}

#[test]
fn nothing_is_overwritten_and_no_name_leaves_the_nest() {
    let folder = fresh("proxmox");
    let before = folder.read("Eggs/hello/config.fly");
    let taken = folder.run(&["add", "egg", "hello", "--project-id", "1"]);
    assert_eq!(taken.code, 2);
    assert!(
        taken.err.contains("Eggs/hello/config.fly is there already"),
        "{}",
        taken.err
    );
    assert_eq!(folder.read("Eggs/hello/config.fly"), before);
    for name in ["../x", "_a", "", "a b", "-a", "ä"] {
        let ran = folder.run(&["add", "egg", "--project-id", "1", "--", name]);
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
    }
}

#[test]
fn what_would_not_validate_is_not_written() {
    let folder = fresh("aws");
    let ran = folder.run(&["add", "egg", "api", "--use", "nope", "--project-id", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.err.contains("nope") && ran.err.contains("was not written"),
        "{}",
        ran.err
    );
    assert!(!folder.path("Eggs/api").exists());
}

#[test]
fn options_beside_a_preset_are_written_or_refused_and_never_dropped() {
    let folder = Folder::with(&[]);
    assert_eq!(
        folder
            .run(&["init", ".", "--yes", "--provider", "proxmox", "--name", "infra"])
            .code,
        0
    );
    let ran = folder.run(&[
        "add",
        "egg",
        "m",
        "--use",
        "vm",
        "--memory",
        "8GiB",
        "--project-id",
        "1",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = folder.read("Eggs/m/config.fly");
    assert!(text.contains("resources {\n    memory = 8GiB\n  }"), "{text}");
    // The server is the Nest's own, written as the Nest writes it.
    assert!(text.contains("server = var.gitlab_server"), "{text}");
    for (option, value) in [("--memory", "8m"), ("--region", "eu"), ("--template", "x")] {
        let ran = folder.run(&[
            "add",
            "egg",
            "n",
            "--use",
            "vm",
            option,
            value,
            "--project-id",
            "1",
        ]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(option), "{ran:?}");
    }
    let ran = folder.run(&[
        "add",
        "egg",
        "n",
        "--provider",
        "proxmox",
        "--region",
        "eu",
        "--project-id",
        "1",
    ]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("--region is for aws"), "{ran:?}");
}

#[test]
fn a_time_zone_that_nobody_knows_is_not_written() {
    let folder = fresh("proxmox");
    let job = [
        "add",
        "job",
        "nightly",
        "--schedule",
        "@daily",
        "--script",
        "make",
    ];
    let ran = folder.run(&[job.as_slice(), &["--timezone", "Mars/X"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.err.contains("Jobs/nightly.fly was not written"),
        "{}",
        ran.err
    );
    assert!(!folder.path("Jobs/nightly.fly").exists());
    let ran = folder.run(&[job.as_slice(), &["--timezone", "Europe/Berlin"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_token_given_by_mistake_is_not_said_back() {
    let folder = fresh("proxmox");
    let token = "glpat-abcdef123456";
    for source in [
        ["egg", "--project-id", "1"],
        ["eggsbucket", "--repo", "a=gitlab.com/1"],
    ] {
        let [what, option, value] = source;
        let ran = folder.run(&["add", what, "t1", "--use", "vm", option, value, "--token", token]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(
            ran.err.contains("--token ***MASKED***: it does not say where"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("abcdef"), "{}", ran.err);
    }
}

#[test]
fn with_yes_nobody_is_asked() {
    let folder = fresh("proxmox");
    let args = ["add", "egg", "api", "--use", "vm", "--project-id", "42", "--yes"];
    let ran = folder.run_with_answers(&args, &[]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "Eggs/api/config.fly\n"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err, "");
}
