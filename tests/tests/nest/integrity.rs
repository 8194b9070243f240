//! Damaged, lost and foreign bytes where the state is: refused with words, and a way on.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use gosling_engine::journal;

use crate::gosling::said;
use crate::lab::{Lab, whole};
use crate::sealed_state::{act_as, nest, person};

/// It refuses with these words and sends nothing that changes anything.
fn refused(lab: &Lab, arguments: &[&str], words: &[&str]) {
    let changes = lab.changes();
    let output = lab.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    for words in words {
        assert!(
            said(&output).contains(words),
            "{arguments:?}, {words}: {}",
            said(&output)
        );
    }
    assert_eq!(lab.changes(), changes, "{arguments:?}");
}

fn file(lab: &Lab, name: &str) -> PathBuf {
    lab.nest().join(".gosling").join(name)
}

/// A lab whose first run lost an answer: an operation is open in the journal.
fn with_an_open_operation() -> Lab {
    let lab = Lab::one();
    lab.fault(
        r#"{"world":"gitlab","method":"POST","path":"/api/v4/user/runners","nth":1,"kind":"lose_after"}"#,
    );
    let output = lab.run(&["apply", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    lab
}

#[test]
fn a_damaged_journal_stops_every_run_and_a_repair_loses_nothing_that_can_be_read() {
    let lab = with_an_open_operation();
    let journal = file(&lab, "journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    // In the record that only says what was heard of the operation.
    let last = bytes.len() - 3;
    bytes[last] ^= 0x11;
    std::fs::write(&journal, &bytes).unwrap();
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["status"],
    ] {
        refused(
            &lab,
            command,
            &["record 2 of the journal is damaged", "gosling state repair"],
        );
    }
    assert_eq!(std::fs::read(&journal).unwrap(), bytes, "it is left as it is");
    refused(&lab, &["state", "repair"], &["1 places of the journal", "--yes"]);
    let said = lab.green(&["state", "repair", "--yes"]);
    assert!(said.contains("1 operation of earlier runs to recover"), "{said}");
    assert_eq!(std::fs::read(file(&lab, "journal.damaged")).unwrap(), bytes);
    assert!(
        said.contains(file(&lab, "journal.damaged").to_str().unwrap()),
        "{said}"
    );
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    assert!(lab.green(&["state", "repair"]).contains("nothing is damaged"));
    lab.green(&["audit", "verify"]);
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_damaged_journal_is_kept_next_to_it_and_replaces_no_earlier_one() {
    let lab = with_an_open_operation();
    let whole = std::fs::read(file(&lab, "journal")).unwrap();
    let last = whole.len() - 1;
    let mut damaged = Vec::new();
    for (at, name) in [
        (last, "journal.damaged"),
        (last - 1, "journal.damaged.2"),
        (last - 2, "journal.damaged.3"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        std::fs::write(file(&lab, "journal"), &bytes).unwrap();
        let nest = lab.nest();
        let nest = nest.to_str().unwrap();
        lab.green(&["-C", "/", "state", "repair", "--yes", "--nest", nest]);
        let kept = file(&lab, name);
        let mode = std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777;
        assert_eq!((std::fs::read(&kept).unwrap(), mode), (bytes.clone(), 0o600));
        damaged.push((kept, bytes));
    }
    let mut bytes = whole;
    bytes[last] ^= 0x11;
    std::fs::write(file(&lab, "journal"), &bytes).unwrap();
    let earlier = damaged[0].0.to_str().unwrap();
    refused(
        &lab,
        &["state", "repair", "--yes", "--keep", earlier],
        &["is there already"],
    );
    symlink(
        lab.folder.path().join("elsewhere"),
        lab.folder.path().join("link"),
    )
    .unwrap();
    refused(
        &lab,
        &["state", "repair", "--yes", "--keep", "../link"],
        &["is there already"],
    );
    for (kept, bytes) in damaged {
        assert_eq!(std::fs::read(kept).unwrap(), bytes);
    }
    lab.stop();
}

#[test]
fn a_journal_to_which_a_copy_was_added_is_refused_and_repaired() {
    // Of each copy, how many records its end lacks.
    for (copies, open) in [
        (&[0, 0][..], true),
        (&[0, 1], true),
        (&[1, 0], true),
        (&[0, 0, 0], false),
    ] {
        let lab = match open {
            true => with_an_open_operation(),
            false => killed_at_its_end(),
        };
        let journal = std::fs::read(file(&lab, "journal")).unwrap();
        let (records, _) = journal::records(&journal).unwrap();
        let parts = copies
            .iter()
            .map(|lacks| journal::frames_of(&records[..records.len() - lacks]).unwrap());
        let parts: Vec<Vec<u8>> = parts.collect();
        std::fs::write(file(&lab, "journal"), parts.concat()).unwrap();
        for command in [
            &["plan"][..],
            &["apply", "--yes"],
            &["destroy", "--yes"],
            &["status"],
        ] {
            refused(
                &lab,
                command,
                &["a copy of the journal was added to it", "gosling state repair"],
            );
        }
        let said = lab.green(&["state", "repair", "--yes"]);
        assert!(
            said.contains("records of the journal repeat earlier ones"),
            "{said}"
        );
        assert_eq!(
            std::fs::read(file(&lab, "journal.damaged")).unwrap(),
            parts.concat()
        );
        lab.green(&["apply", "--yes"]);
        assert_eq!(lab.kinds(), whole(), "{copies:?}");
        lab.green(&["destroy", "--yes"]);
        assert_eq!(lab.there(), []);
        lab.stop();
    }
}

/// A lab whose first run was killed when much was done.
fn killed_at_its_end() -> Lab {
    let lab = Lab::one_in("{}", 50);
    let mut child = lab.spawn(&["apply", "--yes"]);
    while lab.there().len() < 3 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    lab
}

#[test]
fn a_lost_journal_is_known_by_the_audit() {
    let lab = Lab::one_in("{}", 100);
    let mut child = lab.spawn(&["apply", "--yes"]);
    while lab.there().is_empty() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let journal = std::fs::read(file(&lab, "journal")).unwrap();
    for lost in [true, false] {
        match lost {
            true => std::fs::remove_file(file(&lab, "journal")).unwrap(),
            false => std::fs::write(file(&lab, "journal"), "").unwrap(),
        }
        for command in [&["plan"][..], &["apply", "--yes"]] {
            refused(
                &lab,
                command,
                &["is lost", "`gosling apply` of", "gosling state repair"],
            );
        }
    }
    // A backup of it is the best way out.
    std::fs::write(file(&lab, "journal"), journal).unwrap();
    lab.green(&["apply", "--yes"]);
    assert_eq!(lab.kinds(), whole());
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn a_state_that_is_missing_old_or_damaged_is_no_fresh_start() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    let listed = lab.green(&["state", "list"]);
    lab.green(&["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"]);
    lab.green(&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"]);
    let state = file(&lab, "state.json");
    let latest = std::fs::read(&state).unwrap();
    let first = std::fs::read(file(&lab, "state.json.2")).unwrap();
    let commands = [
        &["plan"][..],
        &["apply", "--yes"],
        &["status"],
        &["state", "rm", "egg.app.runner"],
    ];

    std::fs::remove_file(&state).unwrap();
    for command in commands {
        refused(
            &lab,
            command,
            &[
                "is missing",
                "earlier states of it are kept",
                "gosling state repair",
            ],
        );
    }
    assert!(lab.green(&["state", "history"]).contains("serial"));
    let said = lab.green(&["state", "repair", "--yes"]);
    assert!(said.contains("the state is missing"), "{said}");
    // The one that was kept last is that of before the second move.
    assert!(lab.green(&["state", "list"]).contains("egg.app.hook[18]"));
    lab.green(&["state", "mv", "egg.app.hook[18]", "egg.app.hook[17]"]);
    assert_eq!(lab.green(&["state", "list"]), listed);

    let mut damaged = std::fs::read(&state).unwrap();
    let at = damaged.len() / 2;
    damaged[at] ^= 1;
    std::fs::write(&state, &damaged).unwrap();
    for command in commands {
        refused(&lab, command, &["gosling state repair"]);
    }
    // By hand, the state of another time is in its place.
    std::fs::write(&state, &latest).unwrap();
    lab.green(&["plan"]);
    std::fs::remove_file(file(&lab, "audit.jsonl")).unwrap();
    lab.green(&["apply", "--yes"]);
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    std::fs::write(&state, &first).unwrap();
    for command in commands {
        refused(&lab, command, &["is older than it was", "gosling state repair"]);
    }
    lab.stop();
}

#[test]
fn two_nests_in_one_place_are_told_apart() {
    let mut lab = Lab::one();
    let shared = lab.folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    lab.environment
        .insert("GOSLING_STATE".to_owned(), shared.to_str().unwrap().to_owned());
    lab.green(&["apply", "--yes"]);
    assert!(shared.join("state.json").exists() && !lab.nest().join(".gosling").exists());
    let nest = lab.read("nest.fly");
    lab.write("nest.fly", &nest.replace("name = \"one\"", "name = \"two\""));
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["state", "list"],
    ] {
        refused(
            &lab,
            command,
            &["of the Nest `one`", "this is the Nest `two`", "name = \"one\""],
        );
    }
    lab.write("nest.fly", &nest);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.stop();
}

#[test]
fn a_link_in_a_merge_request_leads_nowhere() {
    let lab = Lab::one();
    let victim = lab.folder.path().join("victim");
    std::fs::create_dir(&victim).unwrap();
    symlink(&victim, lab.nest().join(".gosling")).unwrap();
    for command in [
        &["plan"][..],
        &["apply", "--yes"],
        &["secret", "list", "store://"],
    ] {
        refused(&lab, command, &["it is a link", "GOSLING_STATE"]);
    }
    assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);
    lab.stop();
}

#[test]
fn a_move_that_failed_early_keeps_the_new_place_from_beginning_anew() {
    let lab = Lab::one();
    let nest = lab.read("nest.fly");
    let at_gitlab = format!("{nest}\nstate {{\n  backend = \"gitlab\"\n  project_id = 17\n}}\n");
    lab.write("nest.fly", &at_gitlab);
    lab.write("../old.fly", &at_gitlab);
    lab.green(&["apply", "--yes"]);
    lab.write("nest.fly", &nest);
    lab.fault(
        r#"{"world":"gitlab","method":"POST","path":"/api/v4/projects/17/terraform/state/*","nth":1,"kind":"status","code":403}"#,
    );
    refused(&lab, &["state", "migrate", "--from", "../old.fly"], &["403"]);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        refused(&lab, command, &["has not ended", "gosling state migrate"]);
    }
    lab.green(&["state", "migrate", "--from", "../old.fly"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    let again = lab.green(&["state", "migrate", "--from", "../old.fly"]);
    assert!(again.contains("nothing is left to do"), "{again}");
    lab.green(&["destroy", "--yes"]);
    assert_eq!(lab.there(), []);
    lab.stop();
}

#[test]
fn an_epoch_that_is_lost_lower_or_damaged_stops_every_run() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.machines(2);
    lab.green(&["apply", "--yes"]);
    let epoch = file(&lab, "epoch");
    let latest = std::fs::read_to_string(&epoch).unwrap();
    assert_eq!(latest, "2\n");
    let commands = [
        &["plan"][..],
        &["apply", "--yes"],
        &["destroy", "--yes"],
        &["status"],
        &["state", "mv", "egg.app.hook[17]", "egg.app.hook[18]"],
        &["state", "repair"],
        &["state", "abandon", "egg.app.runner"],
        &["unlock"],
    ];
    std::fs::remove_file(&epoch).unwrap();
    for command in commands {
        refused(&lab, command, &["epoch is missing", "the number 2"]);
        assert!(!epoch.exists(), "{command:?}");
    }
    for lower in ["1\n", "0"] {
        std::fs::write(&epoch, lower).unwrap();
        for command in commands {
            refused(&lab, command, &["epoch says", "epoch 2", "the number 2"]);
            assert_eq!(std::fs::read_to_string(&epoch).unwrap(), lower, "{command:?}");
        }
    }
    for damaged in ["", "two", "2 2", "-1"] {
        std::fs::write(&epoch, damaged).unwrap();
        for command in commands {
            refused(&lab, command, &["is no number", "epoch"]);
        }
    }
    // The help works, and a higher one is as good.
    for higher in ["2\n", "40\n"] {
        std::fs::write(&epoch, higher).unwrap();
        assert!(lab.green(&["apply", "--yes"]).contains("No changes"));
    }
    assert_eq!(std::fs::read_to_string(&epoch).unwrap(), "41\n");
    lab.green(&["destroy", "--yes"]);
    lab.stop();
}

#[test]
fn an_epoch_is_known_by_an_encrypted_state_by_the_journal_and_by_the_audit() {
    let mut sealed = Lab::one();
    let ada = person(&sealed, "ada");
    nest(&sealed, &[&ada], "  backend = \"local\"\n  encrypted = true\n");
    act_as(&mut sealed, &ada);
    sealed.green(&["apply", "--yes"]);
    std::fs::remove_file(file(&sealed, "audit.jsonl")).unwrap();
    std::fs::write(file(&sealed, "epoch"), "0\n").unwrap();
    for command in [&["plan"][..], &["apply", "--yes"], &["state", "repair"]] {
        refused(&sealed, command, &["epoch says 0", "the number 1"]);
    }
    sealed.stop();

    let open = with_an_open_operation();
    let audit = std::fs::read(file(&open, "audit.jsonl")).unwrap();
    for by_audit in [false, true] {
        match by_audit {
            false => std::fs::remove_file(file(&open, "audit.jsonl")).unwrap(),
            true => {
                std::fs::write(file(&open, "audit.jsonl"), &audit).unwrap();
                std::fs::write(file(&open, "journal"), "").unwrap();
            }
        }
        std::fs::write(file(&open, "epoch"), "0\n").unwrap();
        refused(&open, &["unlock"], &["epoch says 0", "the number 1"]);
    }
    open.stop();
}

#[test]
fn what_is_there_before_the_first_run_needs_no_epoch() {
    let lab = Lab::one();
    lab.green(&["freeze", "--reason", "move"]);
    lab.green(&["freeze", "--lift"]);
    assert!(file(&lab, "audit.jsonl").exists() && !file(&lab, "epoch").exists());
    lab.green(&["plan"]);
    lab.green(&["apply", "--yes"]);
    lab.green(&["destroy", "--yes"]);
    lab.stop();
}

#[test]
fn a_state_that_comes_back_brings_its_epoch() {
    let lab = Lab::one();
    let nest = lab.read("nest.fly");
    let at_gitlab = format!("{nest}\nstate {{\n  backend = \"gitlab\"\n  project_id = 17\n}}\n");
    lab.write("nest.fly", &at_gitlab);
    lab.write("../old.fly", &at_gitlab);
    for _ in 0..4 {
        lab.green(&["unlock"]);
    }
    lab.green(&["apply", "--yes"]);
    lab.write("nest.fly", &nest);
    lab.green(&["state", "migrate", "--from", "../old.fly"]);
    assert!(lab.green(&["plan"]).contains("No changes"));
    lab.green(&["destroy", "--yes"]);
    lab.stop();
}
