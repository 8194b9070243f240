//! What a command is asked to look at: paths, the Nests they belong to, values for variables.

use std::collections::{BTreeSet, HashSet};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use fly_syntax::{Problem, Severity, SourceFile};
use fly_typeck::{Given, NestFiles, Variables};

use crate::render::{Part, Report};
use crate::{Failure, Host};
use fly_workspace::CheckedNest;
use fly_workspace::{find_repository, find_root, relative};

/// Values for variables, as options.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VariableArgs {
    /// A value for a variable; wins over files and GOSLING_VAR_<name>
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// A file of values, `name = value` a line; later files win
    #[arg(long = "var-file", value_name = "FILE")]
    var_files: Vec<PathBuf>,
}

impl VariableArgs {
    /// The values, weakest first: the environment, then options.
    pub(crate) fn variables(&self, host: &Host) -> Result<Variables, Failure> {
        let mut given = Vec::new();
        for (name, text) in &host.environment.variables {
            if let Some(variable) = name.strip_prefix(Given::ENVIRONMENT_PREFIX) {
                given.push(Given {
                    name: variable.into(),
                    text: text.clone(),
                    origin: name.clone(),
                });
            }
        }
        for option in &self.vars {
            let (name, text) = option.split_once('=').ok_or_else(|| {
                Failure::wrong_use(format!("--var {option}: no value"))
                    .hint(format!("write --var {option}=VALUE"))
            })?;
            let name = name.trim();
            if name.is_empty() {
                return Err(Failure::wrong_use(format!("--var {option}: no name"))
                    .hint("write --var NAME=VALUE".to_owned()));
            }
            given.push(Given {
                name: name.into(),
                text: text.to_owned(),
                origin: format!("--var {name}"),
            });
        }
        Ok(Variables { given })
    }

    /// The files, absolute; each must be there.
    pub(crate) fn files(&self, host: &Host) -> Result<Vec<PathBuf>, Failure> {
        let files = self.var_files.iter().map(|file| {
            let path = lexical(&host.path(file));
            if path.is_file() {
                Ok(path)
            } else {
                Err(Failure::wrong_use(format!(
                    "--var-file {}: no such file",
                    file.display()
                )))
            }
        });
        files.collect()
    }
}

/// A Nest, and what of it was asked about.
#[derive(Debug)]
pub(crate) struct Target {
    /// The Nest's root, absolute.
    pub(crate) root: PathBuf,
    /// Files and folders relative to the root; empty means all of it.
    pub(crate) only: BTreeSet<String>,
}

impl Target {
    /// The Nests of `paths`, in the order of their first path; without paths the one around the current folder.
    pub(crate) fn find(host: &Host, paths: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        if paths.is_empty() {
            return Ok(vec![Self::around(host)?]);
        }
        let mut targets: Vec<Self> = Vec::new();
        for given in paths {
            let path = lexical(&host.path(given));
            let kind = path
                .symlink_metadata()
                .map_err(|_| Failure::wrong_use(format!("{}: no such file or folder", given.display())))?;
            let start = if kind.is_dir() {
                Some(path.as_path())
            } else {
                path.parent()
            };
            let root = start
                .and_then(find_root)
                .ok_or_else(|| no_nest(&given.display().to_string()))?;
            let only = relative(&root, &path);
            match targets.iter_mut().find(|target| target.root == root) {
                // The whole Nest takes in any part of it.
                Some(target) if target.only.is_empty() => {}
                Some(target) if only.is_empty() => target.only.clear(),
                Some(target) => {
                    target.only.insert(only);
                }
                None => {
                    let only = Some(only).filter(|only| !only.is_empty()).into_iter().collect();
                    targets.push(Self { root, only });
                }
            }
        }
        Ok(targets)
    }

    /// The whole Nest that `-C` names, otherwise the one around the current folder.
    pub(crate) fn around(host: &Host) -> Result<Self, Failure> {
        let start = lexical(&host.nest());
        let named = host.asked.nest.as_ref().map(|nest| nest.display().to_string());
        if let Some(named) = named.as_ref().filter(|_| !start.is_dir()) {
            return Err(Failure::wrong_use(format!("{named}: no such folder")));
        }
        let place = named.as_deref().unwrap_or("the current folder");
        let root = find_root(&start).ok_or_else(|| no_nest(place))?;
        Ok(Self {
            root,
            only: BTreeSet::new(),
        })
    }

    /// What is in no Nest: a text of its own.
    pub(crate) fn nowhere(host: &Host) -> Self {
        Self {
            root: lexical(&host.environment.folder),
            only: BTreeSet::new(),
        }
    }

    /// Whether a file of the Nest was asked about, by its own path or by that of a folder above it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        self.only.is_empty() || self.only.contains(path) || above.any(|folder| self.only.contains(folder))
    }

    /// The files that were asked about and are not among those of the Nest.
    pub(crate) fn not_read(&self, nest: &NestFiles) -> Vec<&str> {
        let read = nest.files.iter().map(|file| &*file.path);
        let refused = nest.refused.iter().map(|refused| refused.path.as_str());
        let known: HashSet<&str> = read.chain(refused).collect();
        let asked = self
            .only
            .iter()
            .map(String::as_str)
            .filter(|path| !known.contains(path));
        asked.filter(|path| self.root.join(path).is_file()).collect()
    }

    /// Whether a problem touches what was asked about, with its place or with another place it names.
    pub(crate) fn touches(&self, problem: &Problem, files: &[SourceFile]) -> bool {
        let covered = |span: fly_syntax::Span| {
            files
                .get(span.file.0 as usize)
                .is_some_and(|file| self.covers(&file.path))
        };
        self.only.is_empty()
            || covered(problem.span)
            || problem.labels.iter().any(|label| covered(label.span))
    }

    /// What `nest` says about what was asked.
    pub(crate) fn report<'a>(&self, host: &Host, nest: &'a CheckedNest) -> Report<'a> {
        let files = &nest.files.files;
        let (problems, others): (Vec<_>, Vec<_>) = nest
            .problems
            .iter()
            .partition(|problem| self.touches(problem, files));
        let errors = others
            .iter()
            .filter(|problem| problem.severity() == Severity::Error);
        Report {
            files,
            problems,
            part: (!self.only.is_empty()).then(|| Part {
                paths: self.only.iter().cloned().collect(),
                errors_elsewhere: errors.count(),
            }),
            masks: &nest.checked.masks,
            from_folder: self.way_from_folder(host),
            from_repository: find_repository(&self.root)
                .map(|repository| ending_in_slash(relative(&repository, &self.root)))
                .unwrap_or_default(),
        }
    }

    /// The way from the current folder to the root, where the root lies below it; empty, or ending in `/`.
    pub(crate) fn way_from_folder(&self, host: &Host) -> String {
        let here = lexical(&host.environment.folder);
        if self.root.starts_with(&here) {
            ending_in_slash(relative(&here, &self.root))
        } else {
            String::new()
        }
    }
}

fn ending_in_slash(path: String) -> String {
    if path.is_empty() { path } else { path + "/" }
}

fn no_nest(place: &str) -> Failure {
    Failure::wrong_use(format!(
        "{place} is not in a Nest: no nest.fly, Eggs, Jobs, UF, MG, RF or Lib here or above"
    ))
    .hint("`gosling init` starts a Nest")
}

/// The path without `.` and `..`, by its words alone: links in it keep their names.
pub(crate) fn lexical(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}
