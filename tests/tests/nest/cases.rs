//! Cases as files, in tests/cases: Nests with problems beside what is said of them, and Nests without. Adding a case is
//! adding a file and running this test with `BLESS=1`, which writes what is said beside it, to be read and committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gosling_cli::render::Format;
use similar::TextDiff;

use crate::archive;
use crate::pages::kinds;
use crate::workspace::{files_under, root};

fn cases(of: &str) -> Vec<PathBuf> {
    files_under(&root().join("tests/cases").join(of), |path| {
        path.extension().is_some_and(|ending| ending == "fly")
    })
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Compares with a file beside the case, or writes it under `BLESS=1`; what differs.
pub(crate) fn held(case: &Path, ending: &str, is: &str) -> Option<String> {
    let path = case.with_extension(ending);
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, is).unwrap();
        return None;
    }
    let was = read(&path);
    (was != is).then(|| {
        let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        TextDiff::from_lines(&was, is)
            .unified_diff()
            .header(&name, "what is said now")
            .to_string()
    })
}

pub(crate) fn assert_held(faults: &[String]) {
    let all = faults.join("\n");
    let how =
        "where this is better than before, run `BLESS=1 cargo test -p nest-tests cases` and read the diff";
    assert!(faults.is_empty(), "{all}\n{} files differ; {how}", faults.len());
}

#[test]
fn problems_are_said_as_they_were() {
    let cases = cases("problems");
    let mut faults = Vec::new();
    for case in &cases {
        let nest = archive::check(&read(case));
        if nest.problems.is_empty() {
            faults.push(format!("{} has no problem", case.display()));
            continue;
        }
        for (format, ending) in [(Format::Human, "human"), (Format::Json, "json")] {
            faults.extend(held(case, ending, &archive::render(&nest, format)));
        }
    }
    assert_held(&faults);
    assert!(cases.len() >= 150, "{} cases", cases.len());
}

#[test]
fn good_nests_have_no_problem() {
    let cases = cases("good");
    let mut faults = Vec::new();
    for case in &cases {
        let nest = archive::check(&read(case));
        if !nest.problems.is_empty() {
            faults.push(format!(
                "{}:\n{}",
                case.display(),
                archive::render(&nest, Format::Human)
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(cases.len() >= 60, "{} cases", cases.len());
}

#[test]
fn good_nests_evaluate_as_they_did() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for case in cases("good") {
        if !case.with_extension("eval.json").exists() {
            continue;
        }
        seen += 1;
        let values = archive::values(&archive::check(&read(&case)));
        faults.extend(held(&case, "eval.json", &values));
    }
    assert_held(&faults);
    assert!(seen > 0, "no case says what it evaluates to");
}

#[test]
fn every_kind_of_problem_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in cases("problems") {
        let nest = archive::check(&read(&case));
        seen.extend(nest.problems.iter().map(|problem| problem.kind.code));
    }
    let missing: Vec<&str> = kinds()
        .iter()
        .map(|kind| kind.code)
        .filter(|code| !seen.contains(code))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn what_is_said_belongs_to_a_case() {
    let folder = root().join("tests/cases");
    let stray: Vec<PathBuf> = files_under(&folder, |path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let case = name
            .split('.')
            .next()
            .map(|stem| path.with_file_name(format!("{stem}.fly")));
        !case.is_some_and(|case| case.exists())
    });
    assert_eq!(stray, Vec::<PathBuf>::new());
}
