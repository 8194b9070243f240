//! Writing files so that nobody ever sees half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the text of a file in one step: a crash leaves the old text or the new one. Permissions are kept; where
/// the path is a link, what it leads to is replaced and the link stays.
///
/// # Errors
/// Where the folder cannot be written; the file is as it was then.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(path.metadata()?.permissions())?;
        file.sync_data()?;
        fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // The reason is already on its way to the user; a leftover file must not hide it.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes a new file and the folders above it; `false` where something is at the path already, which stays.
///
/// # Errors
/// Where the file cannot be made.
pub(crate) fn create(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
