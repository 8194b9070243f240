//! From a root to everything that is known about its Nest: the compiler's doors in a row.

use std::path::{Path, PathBuf};

use fly_syntax::{Problem, Span, SyntaxTree};
use fly_typeck::{Checked, Names, NestFiles, Variables, exposed, withhold};
use rayon::prelude::*;

use crate::load::load;

/// A Nest that was read, parsed and checked.
#[derive(Debug)]
pub struct CheckedNest {
    /// What was read.
    pub files: NestFiles,
    /// One tree a file, in the order of the files.
    pub trees: Vec<SyntaxTree>,
    /// What the checker says. Its own problems and those of parsing are in `problems`.
    pub checked: Checked,
    /// All problems, files in order and places in order within them.
    pub problems: Vec<Problem>,
}

/// Reads and checks the Nest at `root`.
#[must_use]
pub fn check_root(root: &Path, var_files: &[PathBuf], variables: &Variables) -> CheckedNest {
    check_files(load(root, var_files), variables)
}

/// Parses and checks files that were read, on all cores.
#[must_use]
pub fn check_files(files: NestFiles, variables: &Variables) -> CheckedNest {
    let parsed: Vec<_> = files.files.par_iter().map(fly_syntax::parse).collect();
    let mut problems = Vec::new();
    let mut trees = Vec::with_capacity(parsed.len());
    for parsed in parsed {
        problems.extend(parsed.problems);
        trees.push(parsed.tree);
    }
    let mut checked = fly_typeck::check(&files, &trees, variables);
    problems.append(&mut checked.problems);
    if !problems.is_empty() {
        let names = Names::declared_in(&trees);
        let pairs = files.files.par_iter().zip(&trees);
        let exposed: Vec<Span> = pairs
            .flat_map_iter(|(file, tree)| exposed(file, tree, &names))
            .collect();
        withhold(&mut problems, &files.files, &exposed);
        checked.masks.extend(exposed);
    }
    problems.iter_mut().for_each(bound);
    problems.sort_by_key(|problem| (problem.span.file, problem.span.start));
    CheckedNest {
        files,
        trees,
        checked,
        problems,
    }
}

/// Characters of a message that are kept: a name may be as long as its file.
const LONGEST: usize = 2000;
/// Other places of one problem that are kept.
const MOST_PLACES: usize = 100;

/// Keeps what is said of one problem to what a person can read.
fn bound(problem: &mut Problem) {
    problem.labels.truncate(MOST_PLACES);
    let texts = std::iter::once(&mut problem.message)
        .chain(Some(&mut problem.note))
        .chain(&mut problem.help)
        .chain(problem.labels.iter_mut().map(|label| &mut label.message));
    for text in texts.filter(|text| text.len() > LONGEST) {
        let end = text.floor_char_boundary(LONGEST);
        text.truncate(end);
        text.push('…');
    }
}
