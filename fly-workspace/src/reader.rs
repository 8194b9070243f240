//! Reading files, bounded in size and confined to the Nest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use fly_typeck::{ReadError, ReadFile, Refusal};

/// The largest file that is read, in bytes: far beyond any real one, far below what would hurt.
pub const LIMIT: u64 = 4 << 20;

/// Reads a regular file of at most [`LIMIT`] bytes.
///
/// # Errors
/// Why it was not read. Its contents are not touched where its size says enough.
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, Refusal> {
    read_up_to(path, LIMIT)
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`read_bounded`].
pub fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: io::Error| Refusal::Unreadable(reason(&error));
    // Opening a pipe would wait for its writer, so its kind is asked first.
    let found = path.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(Refusal::Unreadable("not a regular file".to_owned()));
    }
    let too_large = |bytes| Refusal::TooLarge { bytes, limit };
    if found.len() > limit {
        return Err(too_large(found.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1);
    let file = File::open(path).map_err(unreadable)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= limit => Ok(bytes),
        _ => Err(too_large(found.len())),
    }
}

/// An IO error in words, without Rust's `(os error 13)`.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Why a path was not read, in words.
#[must_use]
pub fn refusal_message(refusal: &Refusal) -> String {
    match refusal {
        Refusal::LeavesNest(place) => format!("the link leads out of the Nest, to {place}"),
        Refusal::TooLarge { bytes, limit } => format!("{bytes} bytes, more than the {limit} that are read"),
        Refusal::Unreadable(reason) => reason.clone(),
    }
}

/// Reads files for `file()` and `templatefile()`: nothing outside the root, whatever links say.
#[derive(Debug)]
pub struct ConfinedReader {
    /// The root, canonical.
    root: PathBuf,
}

impl ConfinedReader {
    /// A reader confined to `root`, which must be canonical.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl ReadFile for ConfinedReader {
    fn read(&self, path: &str) -> Result<Arc<str>, ReadError> {
        let path = Path::new(path);
        let mut depth = 0_usize;
        for part in path.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::CurDir => {}
                Component::ParentDir => depth = depth.checked_sub(1).ok_or(ReadError::OutsideNest)?,
                Component::RootDir | Component::Prefix(_) => return Err(ReadError::OutsideNest),
            }
        }
        let place = self
            .root
            .join(path)
            .canonicalize()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
                _ => ReadError::Unreadable(reason(&error)),
            })?;
        if !place.starts_with(&self.root) {
            return Err(ReadError::OutsideNest);
        }
        let bytes = read_bounded(&place).map_err(|refusal| match refusal {
            Refusal::LeavesNest(_) => ReadError::OutsideNest,
            Refusal::TooLarge { bytes, .. } => ReadError::TooLarge(bytes),
            Refusal::Unreadable(reason) => ReadError::Unreadable(reason),
        })?;
        String::from_utf8(bytes)
            .map(Arc::from)
            .map_err(|_| ReadError::NotText)
    }
}
