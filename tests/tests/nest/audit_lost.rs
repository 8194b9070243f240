//! What is known, and said, where the audit is missing or damaged.

use crate::gosling::said;
use crate::lab::{Lab, whole};

fn path(lab: &Lab, name: &str) -> std::path::PathBuf {
    lab.nest().join(".gosling").join(name)
}

/// The audit as somebody left it; `None`: it is missing.
fn damaged(audit: &[u8]) -> [Option<Vec<u8>>; 4] {
    let half = audit[..audit.len() / 2].to_vec();
    [None, Some(Vec::new()), Some(b"garbage".to_vec()), Some(half)]
}

fn leave(lab: &Lab, audit: Option<&[u8]>) {
    let file = path(lab, "audit.jsonl");
    match audit {
        None => std::fs::remove_file(file).unwrap(),
        Some(bytes) => std::fs::write(file, bytes).unwrap(),
    }
}

#[test]
fn an_older_state_is_known_by_the_states_that_are_kept() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let old = std::fs::read(path(&lab, "state.json")).unwrap();
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let latest = std::fs::read(path(&lab, "state.json")).unwrap();
    let audit = std::fs::read(path(&lab, "audit.jsonl")).unwrap();
    let before = lab.changes();
    for left in damaged(&audit) {
        std::fs::write(path(&lab, "audit.jsonl"), &audit).unwrap();
        leave(&lab, left.as_deref());
        std::fs::write(path(&lab, "state.json"), &latest).unwrap();
        lab.green(&["plan"]);
        std::fs::write(path(&lab, "state.json"), &old).unwrap();
        for command in [
            &["plan"][..],
            &["apply", "--yes"],
            &["destroy", "--yes"],
            &["status"],
        ] {
            let text = said(&lab.ended(command, 1));
            assert!(
                text.contains("is older than it was") && text.contains("gosling state repair"),
                "{text}"
            );
        }
        let text = said(&lab.ended(&["state", "repair"], 1));
        assert!(text.contains("was saved after it"), "{text}");
    }
    assert_eq!(lab.changes(), before);
    lab.green(&["state", "repair", "--yes"]);
    lab.green(&["plan"]);
    lab.stop();
}

#[test]
fn a_missing_or_damaged_audit_is_said_before_anything_is_changed_and_stops_nothing() {
    let lab = Lab::one();
    assert!(!lab.green(&["plan"]).contains("the audit"));
    assert!(!lab.green(&["apply", "--yes"]).contains("the audit"));
    let audit = std::fs::read(path(&lab, "audit.jsonl")).unwrap();
    for (left, machines) in damaged(&audit).iter().zip(2..) {
        std::fs::write(path(&lab, "audit.jsonl"), &audit).unwrap();
        leave(&lab, left.as_deref());
        let words = match left {
            Some(bytes) if !bytes.is_empty() => "is damaged: line",
            _ => "is missing, and earlier runs wrote one",
        };
        lab.ended(&["audit", "verify"], 1);
        for command in [&["plan"][..], &["status"], &["state", "repair"]] {
            let text = lab.green(command);
            for words in ["warning: the audit next to", words, "gosling audit verify"] {
                assert!(text.contains(words), "{command:?}, {words}: {text}");
            }
        }
        lab.machines(machines);
        let text = lab.green(&["apply", "--yes"]);
        let warned = text.find("warning: the audit next to").unwrap();
        assert!(
            warned < text.find("creat").unwrap_or(usize::MAX) || text.contains(words),
            "{text}"
        );
    }
    // The help works.
    std::fs::remove_file(path(&lab, "audit.jsonl")).unwrap();
    lab.machines(1);
    lab.green(&["apply", "--yes"]);
    lab.green(&["audit", "verify"]);
    assert!(!lab.green(&["plan"]).contains("the audit"));
    assert_eq!(lab.kinds(), whole());
    lab.stop();
}
