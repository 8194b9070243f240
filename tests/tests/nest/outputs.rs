//! Files that a person names for what a command writes: nothing else is replaced by them.

use std::os::unix::fs::symlink;

use crate::gosling::said;
use crate::lab::Lab;

/// Everything below the lab's folder but the state's, with its content.
fn files(lab: &Lab) -> Vec<(String, Vec<u8>)> {
    let all = crate::workspace::files_under(lab.folder.path(), |path| {
        !path.to_string_lossy().contains("/.gosling/")
    });
    let all = all.into_iter().map(|path| {
        (
            path.display().to_string(),
            std::fs::read(&path).unwrap_or_default(),
        )
    });
    all.collect()
}

#[test]
fn only_what_the_same_command_wrote_is_replaced() {
    let lab = Lab::one();
    lab.green(&["apply", "--yes"]);
    lab.write("notes.txt", "precious");
    lab.write("empty", "");
    lab.write("other.json", "{\"create\": 1}");
    for (link, to) in [
        ("../to-fly", lab.nest().join("Eggs/app/config.fly")),
        ("../to-notes", lab.nest().join("notes.txt")),
        ("../nowhere", lab.folder.path().join("made-by-link")),
    ] {
        symlink(to, lab.nest().join(link)).unwrap();
    }
    let written = |command: &[&str], file: &str| {
        let (last, rest) = command.split_last().unwrap();
        let named = format!("{last}{file}");
        let mut arguments = rest.to_vec();
        arguments.push(&named);
        lab.run(&arguments)
    };
    let commands = [
        (&["plan", "--out="][..], "plan"),
        (&["plan", "--report", "gitlab="], "report"),
        (&["state", "pull", "--out="], "state"),
        (&["sandbox", "--env-file="], "exports"),
    ];
    for (command, own) in commands {
        let before = files(&lab);
        for file in [
            "Eggs/app/config.fly",
            "Eggs/app/new.fly",
            "production.flyvars",
            "notes.txt",
            "other.json",
            "../identity.txt",
            "../to-fly",
            "../to-notes",
            "../nowhere",
            "Eggs",
        ] {
            let output = written(command, file);
            assert_eq!(
                output.status.code(),
                Some(1),
                "{command:?} {file}: {}",
                said(&output)
            );
            assert!(
                said(&output).contains("is not written: "),
                "{file}: {}",
                said(&output)
            );
            assert!(files(&lab) == before, "{command:?} {file}");
        }
        for state in [
            ".gosling/state.json",
            ".gosling/state.json.9",
            ".gosling/journal",
            ".gosling/nest.plan",
        ] {
            let present = std::fs::read(lab.nest().join(state)).ok();
            let output = written(command, state);
            assert!(
                said(&output).contains("it is in the folder of the state"),
                "{}",
                said(&output)
            );
            assert_eq!(std::fs::read(lab.nest().join(state)).ok(), present);
        }
        if own == "exports" {
            continue;
        }
        // A new file, an empty one, and again over what it wrote.
        for file in [own, own, "empty"] {
            let output = written(command, file);
            assert_eq!(
                output.status.code(),
                Some(0),
                "{command:?} {file}: {}",
                said(&output)
            );
        }
        lab.write("empty", "");
    }
    // What one command wrote is not the other's.
    for (command, file) in [
        (commands[0].0, "state"),
        (commands[1].0, "plan"),
        (commands[2].0, "report"),
    ] {
        let output = written(command, file);
        assert!(
            said(&output).contains("is there already, and is not"),
            "{}",
            said(&output)
        );
    }
    lab.stop();
}

#[test]
fn the_name_of_the_states_folder_is_kept_for_it() {
    let lab = Lab::one();
    let shared = lab.folder.path().join("shared");
    let mut elsewhere = Lab::one();
    elsewhere
        .environment
        .insert("GOSLING_STATE".to_owned(), shared.to_str().unwrap().to_owned());
    for (lab, path) in [(&lab, ".gosling"), (&elsewhere, shared.to_str().unwrap())] {
        let text = said(&lab.ended(&["plan", "-o", path], 1));
        assert!(text.contains("it is in the folder of the state"), "{text}");
        lab.green(&["apply", "--yes"]);
    }
    elsewhere.stop();
    lab.stop();
}

#[test]
fn manual_pages_replace_nothing_but_manual_pages() {
    let lab = Lab::one();
    for _ in 0..2 {
        lab.green(&["man", "pages"]);
    }
    lab.write("pages/gosling-plan.1", "mine");
    std::fs::remove_file(lab.nest().join("pages/gosling.1")).unwrap();
    let text = said(&lab.ended(&["man", "pages"], 2));
    assert!(text.contains("gosling-plan.1 is not written"), "{text}");
    assert_eq!(lab.read("pages/gosling-plan.1"), "mine");
    assert!(!lab.nest().join("pages/gosling.1").exists());
    lab.stop();
}
