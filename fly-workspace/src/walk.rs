//! Walking a folder: what `.gitignore` names and what is hidden is left out, links are judged.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use fly_typeck::{Refusal, Refused};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::reader::{read_bounded, reason};
use crate::root::{FOLDERS, find_repository, is_root};

/// What a walk found, each list in the order of the paths, which are relative to the root with `/` between names.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) folders: Vec<String>,
    pub(crate) refused: Vec<Refused>,
}

/// One thing that was found.
enum Found {
    File(String, Vec<u8>),
    Folder(String),
    Refused(Refused),
    /// A link that stays inside the Nest: its path, and the canonical place it leads to.
    Link(PathBuf, PathBuf),
}

/// A walker over `folder` that honours `.gitignore` as git does, and nothing outside the repository: no setting of
/// the machine may change what a Nest is.
fn walker(folder: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(folder);
    builder
        .ignore(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .parents(find_repository(folder).is_some_and(|repository| repository != folder));
    builder
}

/// The `.fly` and `.flyvars` files at or below a folder, those that git ignores left out. Links are not followed.
#[must_use]
pub fn fly_files(folder: &Path) -> Vec<PathBuf> {
    let entries = walker(folder).build().flatten().filter(|entry| {
        let extension = entry.path().extension();
        let is_fly = extension.is_some_and(|end| end == "fly" || end == "flyvars");
        is_fly && entry.file_type().is_some_and(|kind| kind.is_file())
    });
    entries.map(DirEntry::into_path).collect()
}

/// Reads every `.fly` file at or below `root`, which must be canonical, and judges every link.
pub(crate) fn walk(root: &Path) -> Walked {
    let (sender, receiver) = mpsc::channel();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let above = root.to_owned();
    walker(root)
        .threads(threads)
        .filter_entry(move |entry| !is_other_nest(&above, entry))
        .build_parallel()
        .run(|| {
            let sender = sender.clone();
            Box::new(move |entry| {
                // The receiver lives until the walk is over, so sending cannot fail.
                match entry {
                    Ok(entry) if entry.depth() > 0 => {
                        drop(look(root, &entry).map(|found| sender.send(found)))
                    }
                    Ok(_) => {}
                    Err(error) => drop(sender.send(Found::Refused(unwalkable(root, &error)))),
                }
                WalkState::Continue
            })
        });
    drop(sender);

    let mut walked = Walked::default();
    let mut links = Vec::new();
    for found in receiver {
        match found {
            Found::File(path, bytes) => walked.files.push((path, bytes)),
            Found::Folder(path) => walked.folders.push(path),
            Found::Refused(refused) => walked.refused.push(refused),
            Found::Link(path, target) => links.push((path, target)),
        }
    }
    links.sort();
    for (link, target) in links {
        walked.follow(root, &link, &target);
    }
    walked.files.sort_by(|a, b| a.0.cmp(&b.0));
    walked.folders.sort();
    walked.refused.sort_by(|a, b| a.path.cmp(&b.path));
    walked
}

/// A folder beside the Nest's own that is itself a Nest: its files belong to it, not to this one.
fn is_other_nest(root: &Path, entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return false;
    }
    let top = entry
        .path()
        .strip_prefix(root)
        .ok()
        .and_then(|path| path.components().next());
    let ours = top
        .and_then(|name| name.as_os_str().to_str())
        .is_some_and(|name| FOLDERS.contains(&name));
    !ours && is_root(entry.path())
}

fn look(root: &Path, entry: &DirEntry) -> Option<Found> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        Some(Found::Folder(relative(root, entry.path())))
    } else if kind.is_symlink() {
        Some(judge_link(root, entry.path()))
    } else if is_fly(entry.path()) {
        Some(read(root, entry.path()))
    } else {
        None
    }
}

fn read(root: &Path, path: &Path) -> Found {
    let name = relative(root, path);
    match read_bounded(path) {
        Ok(bytes) => Found::File(name, bytes),
        Err(reason) => Found::Refused(Refused { path: name, reason }),
    }
}

fn judge_link(root: &Path, path: &Path) -> Found {
    let refused = |reason| {
        Found::Refused(Refused {
            path: relative(root, path),
            reason,
        })
    };
    match path.canonicalize() {
        Ok(target) if target.starts_with(root) => Found::Link(path.to_owned(), target),
        Ok(target) => refused(Refusal::LeavesNest(target.to_string_lossy().into_owned())),
        Err(error) => {
            let target = path.read_link().unwrap_or_default();
            // A link that leads nowhere is judged by what it says, so that a refusal does not depend on the machine.
            if target.is_absolute() && !target.starts_with(root) {
                refused(Refusal::LeavesNest(target.to_string_lossy().into_owned()))
            } else {
                refused(Refusal::Unreadable(format!(
                    "the link leads nowhere: {}",
                    reason(&error)
                )))
            }
        }
    }
}

impl Walked {
    /// Reads what a link inside the Nest leads to, under the link's own path. Links below a linked folder are judged
    /// but not followed, so that no arrangement of links makes a walk long or endless.
    fn follow(&mut self, root: &Path, link: &Path, target: &Path) {
        if target.is_file() {
            if is_fly(link) {
                self.add(read(root, link));
            }
            return;
        }
        let here = link
            .parent()
            .and_then(|parent| parent.canonicalize().ok())
            .unwrap_or_default();
        if here.starts_with(target) {
            return;
        }
        let mut folders = VecDeque::from([link.to_owned()]);
        while let Some(folder) = folders.pop_front() {
            self.folders.push(relative(root, &folder));
            let Ok(entries) = folder.read_dir() else { continue };
            for entry in entries.flatten() {
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && !hidden => folders.push_back(entry.path()),
                    Ok(kind) if kind.is_symlink() && !hidden => {
                        let found = judge_link(root, &entry.path());
                        match found {
                            Found::Link(path, target) if target.is_file() && is_fly(&path) => {
                                self.add(read(root, &path));
                            }
                            found => self.add(found),
                        }
                    }
                    Ok(_) if !hidden && is_fly(&entry.path()) => self.add(read(root, &entry.path())),
                    _ => {}
                }
            }
        }
    }

    fn add(&mut self, found: Found) {
        match found {
            Found::File(path, bytes) => self.files.push((path, bytes)),
            Found::Folder(path) => self.folders.push(path),
            Found::Refused(refused) => self.refused.push(refused),
            Found::Link(..) => {}
        }
    }
}

fn is_fly(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "fly")
}

fn unwalkable(root: &Path, error: &ignore::Error) -> Refused {
    let mut path = String::new();
    let mut inner = error;
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path = relative(root, at);
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
            _ => break,
        }
    }
    let words = inner.io_error().map_or_else(|| inner.to_string(), reason);
    Refused {
        path,
        reason: Refusal::Unreadable(words),
    }
}

/// The path below `root`, with `/` between names.
#[must_use]
pub fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let names: Vec<_> = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    names.join("/")
}
