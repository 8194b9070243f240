//! Work that is left is written in docs/tasks.md and pointed to from the code, never left as a loose remark.

use std::collections::BTreeSet;
use std::fs;

use crate::workspace::{read, root, rust_files, shown};

/// The longest a pointer may be: it names the task, docs/tasks.md tells it.
const LONGEST: usize = 42;

/// The numbers of docs/tasks.md, from its lines `12. **Title.** ...`.
fn known() -> BTreeSet<u32> {
    let numbers: Vec<u32> = read("docs/tasks.md")
        .lines()
        .filter_map(|line| line.split_once(". **")?.0.parse().ok())
        .collect();
    let unique: BTreeSet<u32> = numbers.iter().copied().collect();
    assert_eq!(
        unique.len(),
        numbers.len(),
        "docs/tasks.md uses a number twice: {numbers:?}"
    );
    assert!(!unique.is_empty(), "docs/tasks.md has no numbered task");
    unique
}

/// Why a comment is not a good pointer; `None` where it is one, or none at all.
fn fault(comment: &str, known: &BTreeSet<u32>) -> Option<String> {
    let rest = comment.strip_prefix("// Task ")?;
    let Some((number, text)) = rest.split_once(": ") else {
        return Some("is not written as `// Task N: text`".to_owned());
    };
    match number.parse::<u32>() {
        Err(_) => Some(format!("`{number}` is not a number")),
        Ok(number) if !known.contains(&number) => Some(format!("docs/tasks.md has no task {number}")),
        Ok(_) if text.trim().is_empty() => Some("says nothing".to_owned()),
        Ok(_) if comment.chars().count() > LONGEST => Some(format!("is longer than {LONGEST} characters")),
        Ok(_) => None,
    }
}

#[test]
fn pointers_to_tasks_are_short_and_lead_somewhere() {
    let known = known();
    let mut wrong = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let Some(at) = line.find("// Task ") else { continue };
            if let Some(fault) = fault(line[at..].trim_end(), &known) {
                wrong.push(format!("{}:{number} {fault}", shown(&path)));
            }
        }
    }
    // This file shows faulty ones on purpose.
    wrong.retain(|line| !line.starts_with("tests/tests/nest/tasks.rs"));
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn faulty_pointers_are_found() {
    let known = BTreeSet::from([7]);
    assert_eq!(fault("// Task 7: read both files at once", &known), None);
    assert_eq!(fault("// a remark", &known), None);
    assert_eq!(
        fault("// Task 8: x", &known).as_deref(),
        Some("docs/tasks.md has no task 8")
    );
    assert_eq!(
        fault("// Task seven: x", &known).as_deref(),
        Some("`seven` is not a number")
    );
    assert_eq!(
        fault("// Task 7", &known).as_deref(),
        Some("is not written as `// Task N: text`")
    );
    assert_eq!(
        fault("// Task 7: a long story that belongs elsewhere", &known).as_deref(),
        Some("is longer than 42 characters")
    );
}

#[test]
fn no_loose_ends_in_the_code() {
    // Put together here, so that this file does not hold them.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut found = Vec::new();
    let mut looked = 0;
    for path in rust_files() {
        looked += 1;
        let text = fs::read_to_string(&path).unwrap();
        for (line, number) in text.lines().zip(1..) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number} {}", shown(&path), line.trim()));
            }
        }
    }
    assert!(looked > 10, "only {looked} Rust files under {}", root().display());
    assert_eq!(
        found,
        Vec::<String>::new(),
        "say it in docs/tasks.md and point to it with `// Task N: ...`"
    );
}
