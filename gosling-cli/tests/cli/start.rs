//! `gosling init`

use crate::support::Folder;

#[test]
fn a_fresh_nest_is_whole_formatted_and_without_a_warning() {
    for provider in ["proxmox", "aws", "yandex"] {
        let folder = Folder::with(&[]);
        let ran = folder.run(&["init", "lab", "--provider", provider, "--name", "My \"Lab\" ${x}"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        for path in [
            "nest.fly",
            "Lib/presets.fly",
            "Eggs/hello/config.fly",
            "Jobs/prune-images.fly",
            "UF/config.fly",
            "MG/config.fly",
            "README.md",
            ".gitignore",
            ".pre-commit-config.yaml",
            ".gitlab-ci.yml",
        ] {
            assert!(
                ran.out.contains(&format!("wrote lab/{path}\n")),
                "{path}: {}",
                ran.out
            );
            assert!(!folder.read(&format!("lab/{path}")).contains("{{"), "{path}");
        }
        let checked = folder.run(&["validate", "lab", "--deny-warnings"]);
        assert_eq!(
            (checked.code, checked.out.as_str()),
            (0, "no problems in 6 files\n"),
            "{provider}: {checked:?}"
        );
        let formatted = folder.run(&["fmt", "lab", "--check"]);
        assert_eq!((formatted.code, formatted.out.as_str()), (0, ""), "{provider}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::with(&[("UF/config.fly", "mine"), ("README.md", "mine")]);
    let ran = folder.run(&["init", "--yes"]);
    assert_eq!(ran.code, 0);
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
