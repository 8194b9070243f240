//! Files that a command writes because a person named them: new ones, and what the same command wrote before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gosling_deploy::{FOLDER, LARGEST, read_named};
use gosling_engine::{State, durable};
use serde_json::Value as Json;

use crate::{Failure, Host};

/// What a command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `plan -o`
    Plan,
    /// `plan --report gitlab=`
    Report,
    /// `state pull -o`
    State,
    /// `sandbox --env-file`
    Variables,
    /// `man`
    Manual,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Plan => "a saved plan",
            Self::Report => "a report of a plan",
            Self::State => "a state",
            Self::Variables => "a file of `export` lines",
            Self::Manual => "a manual page of gosling",
        }
    }

    /// Whether the same command wrote this, or an earlier version of it.
    fn wrote(self, bytes: &[u8]) -> bool {
        let json = || serde_json::from_slice::<Json>(bytes).unwrap_or_default();
        let has = |names: &[&str]| {
            let json = json();
            names.iter().all(|name| json.get(name).is_some())
        };
        match self {
            Self::Plan => has(&["digest"]) && json()["plan"]["changes"].is_array(),
            Self::Report => {
                has(&["create", "update", "delete"]) && json().as_object().is_some_and(|all| all.len() == 3)
            }
            Self::State => State::from_edited(bytes).is_ok(),
            Self::Manual => String::from_utf8_lossy(bytes).contains("\n.TH gosling"),
            Self::Variables => bytes
                .split(|byte| *byte == b'\n')
                .all(|line| line.is_empty() || line.starts_with(b"export ")),
        }
    }
}

/// Refuses a path at which something else is than what this command writes, a Nest's files, and the state's folder. The
/// path as it is opened.
pub(crate) fn may_write(
    host: &Host,
    path: &Path,
    kind: Kind,
    state: Option<PathBuf>,
) -> Result<PathBuf, Failure> {
    let path = host.path(path);
    let refused = |why: &str| {
        Err(
            Failure::wrong_use(format!("{} is not written: {why}", path.display()))
                .hint("name another file; gosling replaces only what the same command wrote before"),
        )
    };
    if path
        .extension()
        .is_some_and(|end| end == "fly" || end == "flyvars")
    {
        return refused("that is the name of a Nest's file");
    }
    let there = as_far_as_it_is(&path);
    let state = state.is_some_and(|state| there.starts_with(as_far_as_it_is(&state)));
    if state || there.components().any(|part| part.as_os_str() == FOLDER) {
        return refused("it is in the folder of the state");
    }
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) => Err(Failure::file("write", &path)(error)),
        Ok(found) if found.is_symlink() => refused("it is a link"),
        Ok(found) if !found.is_file() => refused("it is not a regular file"),
        // `mktemp` makes one.
        Ok(found) if found.len() == 0 => Ok(path),
        Ok(_) if kind.wrote(&read_named(&path, LARGEST)?) => Ok(path),
        Ok(_) => refused(&format!("it is there already, and is not {}", kind.words())),
    }
}

/// The path without links, as far as it is there.
fn as_far_as_it_is(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(folder), Some(name)) => as_far_as_it_is(folder).join(name),
        _ => path.to_owned(),
    }
}

/// Writes a file that only the user can read, unless [`may_write`] refuses it.
pub(crate) fn write(
    host: &Host,
    path: &Path,
    kind: Kind,
    state: Option<PathBuf>,
    bytes: &[u8],
) -> Result<PathBuf, Failure> {
    let path = may_write(host, path, kind, state)?;
    durable::replace(&path, bytes).map_err(Failure::file("write", &path))?;
    Ok(path)
}
