//! `gosling init`

use crate::support::Folder;

#[test]
fn a_fresh_nest_is_whole_formatted_and_without_a_warning() {
    for provider in ["proxmox", "aws", "yandex"] {
        let folder = Folder::with(&[]);
        let ran = folder.run(&["init", "lab", "--provider", provider, "--name", "My \"Lab\" ${x}"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let server = (provider != "proxmox").then_some("MG/config.fly");
        let always = [
            "nest.fly",
            "Lib/presets.fly",
            "Eggs/hello/config.fly",
            "Jobs/prune-images.fly",
            "UF/config.fly",
            "README.md",
            ".gitignore",
            ".pre-commit-config.yaml",
            ".gitlab-ci.yml",
        ];
        for path in always.into_iter().chain(server) {
            assert!(
                ran.out.contains(&format!("wrote lab/{path}\n")),
                "{path}: {}",
                ran.out
            );
            assert!(!folder.read(&format!("lab/{path}")).contains("{{"), "{path}");
        }
        let checked = folder.run(&["validate", "lab", "--deny-warnings"]);
        let files = 5 + usize::from(server.is_some());
        assert_eq!(
            (checked.code, checked.out),
            (0, format!("no problems in {files} files\n")),
            "{provider}"
        );
        // Nothing of what is not there is spoken of.
        assert_eq!(folder.path("lab/MG").exists(), server.is_some(), "{provider}");
        let told = folder.read("lab/README.md").contains("MG/config.fly");
        assert_eq!(told, server.is_some(), "{provider}");
        let formatted = folder.run(&["fmt", "lab", "--check"]);
        assert_eq!((formatted.code, formatted.out.as_str()), (0, ""), "{provider}");
    }
}

#[test]
fn a_fresh_nest_on_proxmox_plans_with_proxmox_and_gitlab_alone() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run(&["init", "lab", "--provider", "proxmox"]).code, 0);
    let ran = folder.run(&["plan", "--nest", "lab", "--refresh=false"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for made in [
        "egg.hello.runner (gitlab_runner)",
        "egg.hello.vm[0] (proxmox_vm)",
        "Plan: 2 to create",
    ] {
        assert!(ran.out.contains(made), "`{made}` is not in:\n{}", ran.out);
    }
    for strange in ["hook", "goose", "yandex", "aws"] {
        assert!(!ran.out.contains(strange), "`{strange}` is in:\n{}", ran.out);
        assert!(
            !folder.read("lab/nest.fly").contains(strange),
            "`{strange}` is in nest.fly"
        );
    }
    assert!(!ran.err.contains("example.com"), "{}", ran.err);
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::with(&[("UF/config.fly", "mine"), ("README.md", "mine")]);
    let ran = folder.run(&["init", "--yes"]);
    assert!(ran.out.contains("kept  UF/config.fly"), "{}", ran.out);
    assert!(ran.out.contains("wrote nest.fly\n"), "{}", ran.out);
    assert_eq!(
        (
            folder.read("UF/config.fly").as_str(),
            folder.read("README.md").as_str()
        ),
        ("mine", "mine")
    );
}

#[test]
fn what_does_not_fit_to_what_is_there_is_said() {
    let other = "provider \"aws\" {\n  region = \"eu-central-1\"\n}\n";
    let folder = Folder::with(&[
        ("nest.fly", "nest {\n  name = 4GiB\n}\n"),
        ("lab/nest.fly", other),
    ]);
    for (dir, validate) in [(".", "`gosling validate`"), ("lab", "`gosling validate lab`")] {
        let before = folder.read(&format!("{dir}/nest.fly"));
        let ran = folder.run(&["init", dir, "--provider", "proxmox"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.err.contains(" error") && ran.err.contains(validate),
            "{}",
            ran.err
        );
        assert_eq!(folder.read(&format!("{dir}/nest.fly")), before);
        assert_eq!(folder.run(&["validate", dir]).code, 1);
    }
}

#[test]
fn what_fits_is_kept_in_peace() {
    let folder = Folder::with(&[("README.md", "mine")]);
    assert_eq!(folder.run(&["init", "--yes"]).code, 0);
    let again = folder.run(&["init", "--yes"]);
    assert_eq!(
        (again.code, again.out.matches("kept  ").count()),
        (0, 9),
        "{again:?}"
    );
}

#[test]
fn asked_and_told_make_the_same_nest() {
    let (asked, told) = (Folder::with(&[]), Folder::with(&[]));
    assert_eq!(
        asked.run_with_answers(&["init", "lab"], &["infra", "aws"]).code,
        0
    );
    assert_eq!(
        told.run(&["init", "lab", "--name", "infra", "--provider", "aws"])
            .code,
        0
    );
    for path in ["nest.fly", "Lib/presets.fly", "MG/config.fly", "README.md"] {
        let path = format!("lab/{path}");
        assert_eq!(asked.read(&path), told.read(&path), "{path}");
    }
}

#[test]
fn the_provider_is_not_guessed() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["init"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--provider"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(folder.root()).unwrap().count(), 0);
}
