//! `gosling fix` never makes a Nest worse: in every case, in the examples, and in thousands of broken copies of both.

use std::collections::BTreeMap;
use std::fs;

use fly_syntax::SourceFile;
use fly_typeck::{NestFiles, Variables};
use fly_workspace::{Appearing, Fixed, Refused, fix};
use fly_workspace::{CheckedNest, check_files};
use rayon::prelude::*;

use crate::archive;
use crate::cases::{assert_held, held};
use crate::examples::{NESTS, load};
use crate::workspace::{files_under, root, shown};

/// The problems of a Nest, each with how often it is there.
fn problems(nest: &CheckedNest) -> BTreeMap<(String, &'static str, String), usize> {
    let mut problems = BTreeMap::new();
    for problem in &nest.problems {
        let path = nest.files.files[problem.span.file.0 as usize].path.to_string();
        let problem = (path, problem.kind.code, problem.message.clone());
        *problems.entry(problem).or_default() += 1;
    }
    problems
}

fn fixed(files: &NestFiles) -> Fixed {
    let variables = Variables::default();
    fix(check_files(files.clone(), &variables), &variables, |_, _| true)
}

/// What is wrong with how a Nest is fixed; nothing where it is fixed well. `known` are the messages of problems that it
/// had before it was broken.
fn fault(files: &NestFiles, known: &[String]) -> Option<String> {
    let before = problems(&check_files(files.clone(), &Variables::default()));
    let first = fixed(files);
    let after = problems(&first.nest);
    for (problem, count) in &after {
        if before.get(problem).is_none_or(|known| count > known) {
            return Some(format!("{problem:?} was not there before"));
        }
    }
    // A problem elsewhere, or one of the Nest that was broken, was hidden by the one that would be fixed. Another one
    // about the new text itself is the suggestion's.
    // Whether a name closes a circle of values is known only once it is there.
    let own = |problem: &Appearing| {
        problem.in_new_text
            && !known.contains(&problem.message)
            && !problem.message.starts_with("values need each other in a circle")
    };
    let wrong = |refused: &&Refused| refused.appearing.iter().any(own);
    if let Some(refused) = first.refused.iter().find(wrong) {
        return Some(format!("a certain suggestion writes what is wrong: {refused:?}"));
    }
    let second = fixed(&first.nest.files);
    (!second.done.is_empty()).then(|| format!("a second run goes on: {:?}", second.done))
}

/// The Nests of all cases and examples, with their names.
fn nests() -> Vec<(String, NestFiles)> {
    let cases = files_under(&root().join("tests/cases"), |path| {
        path.extension().is_some_and(|ending| ending == "fly")
    });
    let cases = cases.into_iter().map(|path| {
        let nest = archive::check(&fs::read_to_string(&path).unwrap());
        // What is broken and how goes by the name: it must not depend on where the repository is.
        (shown(&path), nest.files)
    });
    let examples = NESTS.iter().map(|name| ((*name).to_owned(), load(name)));
    cases.chain(examples).collect()
}

#[test]
fn fixing_a_case_gives_what_is_beside_it() {
    let mut faults = Vec::new();
    let cases = files_under(&root().join("tests/cases/fix"), |path| {
        path.extension().is_some_and(|ending| ending == "fly")
    });
    for case in &cases {
        let nest = archive::check(&fs::read_to_string(case).unwrap());
        let fixed = fixed(&nest.files).nest;
        let text: String = fixed
            .files
            .files
            .iter()
            .map(|file| format!("-- {} --\n{}", file.path, file.text()))
            .collect();
        faults.extend(held(case, "fixed", &text));
    }
    assert_held(&faults);
    assert!(cases.len() >= 4, "{} cases", cases.len());
}

#[test]
fn no_case_is_fixed_for_the_worse() {
    let faults: Vec<String> = nests()
        .par_iter()
        .filter_map(|(name, files)| Some(format!("{name}: {}", fault(files, &[])?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// How a text is broken at a place.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Delete,
    Double,
    Swap,
    Insert(char),
    DeleteLine,
}

impl Damage {
    const ALL: [Self; 12] = [
        Self::Delete,
        Self::Double,
        Self::Swap,
        Self::Insert('\''),
        Self::Insert('"'),
        Self::Insert('-'),
        Self::Insert('='),
        Self::Insert(','),
        Self::Insert('{'),
        Self::Insert('}'),
        Self::Insert('\n'),
        Self::DeleteLine,
    ];

    fn of(self, text: &str, at: usize) -> Option<String> {
        let (before, rest) = (text.get(..at)?, text.get(at..)?);
        let letter = rest.chars().next()?;
        let after = &rest[letter.len_utf8()..];
        Some(match self {
            Self::Delete => format!("{before}{after}"),
            Self::Double => format!("{before}{letter}{rest}"),
            Self::Swap => {
                let next = after.chars().next()?;
                format!("{before}{next}{letter}{}", &after[next.len_utf8()..])
            }
            Self::Insert(what) => format!("{before}{what}{rest}"),
            Self::DeleteLine => {
                let start = before.rfind('\n').map_or(0, |at| at + 1);
                let end = rest.find('\n').map_or(text.len(), |end| at + end + 1);
                format!("{}{}", &text[..start], &text[end..])
            }
        })
    }
}

/// How far apart the places are that the ordinary run breaks; `just mistakes` breaks each.
fn stride() -> usize {
    match std::env::var_os("POLAR_GOSLING_MISTAKES") {
        Some(_) => 1,
        None => 211,
    }
}

#[test]
fn no_broken_copy_is_fixed_for_the_worse() {
    let mut broken = Vec::new();
    for (name, files) in nests() {
        let known: Vec<String> = problems(&check_files(files.clone(), &Variables::default()))
            .into_keys()
            .map(|(_, _, message)| message)
            .collect();
        for file in &files.files {
            // Each file is broken somewhere else, and each time in another way.
            let start = name.len() % stride();
            for at in (start..file.text().len()).step_by(stride()) {
                let damage = Damage::ALL[(at + name.len()) % Damage::ALL.len()];
                if let Some(text) = damage.of(file.text(), at) {
                    let mut files = files.clone();
                    files.files[file.id.0 as usize] = SourceFile::new(file.id, file.path.clone(), text);
                    broken.push((
                        format!("{name}: {} {damage:?} at {at}", file.path),
                        files,
                        known.clone(),
                    ));
                }
            }
        }
    }
    assert!(broken.len() > 500, "{} copies", broken.len());
    let faults: Vec<String> = broken
        .par_iter()
        .filter_map(|(name, files, known)| Some(format!("{name}: {}", fault(files, known)?)))
        .collect();
    println!("{} broken copies", broken.len());
    assert!(
        faults.is_empty(),
        "{}\n{} of {}",
        faults.join("\n"),
        faults.len(),
        broken.len()
    );
}
