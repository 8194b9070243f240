//! `gosling explain` and `gosling schema`

use crate::support::Folder;

#[test]
fn a_code_has_a_page_with_a_wrong_and_a_right_example() {
    let folder = Folder::with(&[]);
    let page = folder.run(&["explain", "FLY101"]);
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    assert!(page.out.starts_with("FLY101: "), "{}", page.out);
    assert!(
        page.out.contains("\nWrong:\n\n    ") && page.out.contains("\nRight:\n\n    "),
        "{}",
        page.out
    );
    assert_eq!(folder.run(&["explain", "fly101"]).out, page.out);
    assert_eq!(folder.run(&["explain", "101"]).out, page.out);
}

#[test]
fn without_a_name_every_code_is_listed() {
    let ran = Folder::with(&[]).run(&["explain"]);
    assert_eq!(ran.code, 0);
    let codes: Vec<&str> = ran
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(codes.len() >= 20 && codes.is_sorted(), "{codes:?}");
    assert!(
        codes
            .iter()
            .all(|code| code.len() == 6 && code.starts_with("FLY")),
        "{codes:?}"
    );
}

#[test]
fn kinds_and_attributes_are_explained() {
    let folder = Folder::with(&[]);
    for name in [
        "egg",
        "egg.runner",
        "egg.runner.tags",
        "uglyfox.pruning.max_age",
        "size",
    ] {
        let ran = folder.run(&["explain", name]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
        assert!(ran.out.len() > 20, "{name}: {}", ran.out);
    }
}

#[test]
fn what_a_word_adds_is_said_in_words() {
    let ran = Folder::with(&[]).run(&["explain", "provider.proxmox"]);
    assert!(
        ran.out
            .starts_with("`provider.proxmox`: what `proxmox` adds to `provider`\n\n"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("```"), "{}", ran.out);
}

#[test]
fn an_unknown_name_is_answered_with_near_ones() {
    let ran = Folder::with(&[]).run(&["explain", "egg.runner.tgas"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("did you mean egg.runner.tags"), "{}", ran.err);
}

#[test]
fn an_attribute_is_explained_by_its_name_alone_and_a_part_of_one_leads_to_it() {
    let folder = Folder::with(&[]);
    for (name, path) in [
        ("concurrent", "egg.runner.concurrent"),
        ("drain_timeout", "egg.rollout.drain_timeout"),
    ] {
        let ran = folder.run(&["explain", name]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{name}");
        assert_eq!(ran.out, folder.run(&["explain", path]).out);
    }
    let both = folder.run(&["explain", "vmid_range"]);
    for path in ["egg.cloud.proxmox.vmid_range", "provider.proxmox.vmid_range"] {
        assert!(both.out.contains(&format!("- `{path}`: ")), "{}", both.out);
    }
    for (name, near) in [
        ("concurent", "did you mean concurrent"),
        ("xyzzy", "lists all codes"),
        ("drain", "drain_timeout"),
        ("vmid", "vmid_range"),
    ] {
        let ran = folder.run(&["explain", name]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.contains(near), "{name}: {}", ran.err);
    }
}

#[test]
fn the_schema_is_there_for_people_and_for_programs() {
    let folder = Folder::with(&[]);
    assert!(folder.run(&["schema"]).out.contains("\n## "));
    let schema = folder.run(&["schema", "--format", "json-schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.out).unwrap();
    assert!(schema["$schema"].is_string(), "{schema}");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["man", "share/man1"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "the manual pages are in share/man1\n", "")
    );
    for (page, words) in [
        ("gosling.1", "CI runners as code"),
        ("gosling-apply.1", "\\-\\-on\\-failure"),
        ("gosling-state-rm.1", "Forget resources"),
    ] {
        let text = folder.read(&format!("share/man1/{page}"));
        assert!(text.contains(words), "{page}: {text}");
    }
}
