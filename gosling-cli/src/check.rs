//! From a root to everything that is known about its Nest: the compiler's doors in a row.

use std::path::{Path, PathBuf};

use fly_syntax::{Problem, SyntaxTree};
use fly_typeck::{Checked, NestFiles, Variables};
use rayon::prelude::*;

use crate::compiler;
use crate::nest;

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
    check_files(nest::load(root, var_files), variables)
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
    let mut checked = compiler::check(&files, &trees, variables);
    problems.append(&mut checked.problems);
    problems.sort_by_key(|problem| (problem.span.file, problem.span.start));
    CheckedNest {
        files,
        trees,
        checked,
        problems,
    }
}
