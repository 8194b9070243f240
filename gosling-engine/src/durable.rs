//! Files that survive kill -9 and power cuts: what is written is there whole, or what was there before is.

mod system;

use std::fmt;
use std::io;
use std::path::Path;

pub use system::{FileLock, System};

/// What durable writes ask of a file system. [`System`] is the real one. Tests have one that loses what was not synced:
/// `turmoil`'s can be cut only where a task awaits, and nothing here does between a write and its sync.
pub trait Files: fmt::Debug + Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether there is a file or a folder.
    fn is_there(&self, path: &Path) -> bool;

    /// Makes one folder, readable by nobody else.
    ///
    /// # Errors
    /// What the system says.
    fn make_one_folder(&self, path: &Path) -> io::Result<()>;

    /// Whether files can be made in a folder, as far as that is known without making one.
    ///
    /// # Errors
    /// Why not.
    fn may_write_into(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file that was not there, readable by nobody else.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Opens a file that is there.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Gives a file another name, and takes away what had that name.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on disk.
    ///
    /// # Errors
    /// What the system says; they may be there or not.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Takes a lock that ends with its process, however that ends; `None` where another process holds it. The file is
    /// made where it is missing.
    ///
    /// # Errors
    /// What the system says.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A file that is written to, at its end.
pub trait OpenFile {
    /// Adds bytes.
    ///
    /// # Errors
    /// What the system says; some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Cuts it after so many bytes.
    ///
    /// # Errors
    /// What the system says.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Waits until all that was written is on disk.
    ///
    /// # Errors
    /// What the system says; it may be there or not.
    fn sync(&mut self) -> io::Result<()>;
}

/// A lock that is held until this is dropped.
pub trait Lock: Send + Sync {
    /// Writes who holds the lock into its file, for those who wait. It is no record that anything rests on.
    ///
    /// # Errors
    /// What the system says.
    fn say(&self, holder: &[u8]) -> io::Result<()>;
}

impl dyn Files {
    /// Replaces a file: an exclusive 0600 temporary beside it, written and synced, renamed over it, the folder synced.
    ///
    /// # Errors
    /// What the system says; the file is then as it was.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = folder_of(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.join(format!(".{name}.{}.new", std::process::id()));
        // A crashed process of the same number may have left one behind; whoever replaces holds the lock.
        match self.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.create(&temporary).and_then(|mut file| {
            file.append(bytes)?;
            file.sync()
        });
        if let Err(error) = written.and_then(|()| self.rename(&temporary, path)) {
            // The first error is the one to tell; a temporary that stays is removed next time.
            let _ = self.remove(&temporary);
            return Err(error);
        }
        self.sync_folder(folder)
    }

    /// Adds bytes to the end of a file, which is made where it is missing, and syncs them.
    ///
    /// # Errors
    /// What the system says; some of the bytes may be there then, so whoever reads must know where a record ends.
    pub fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let (mut file, is_new) = match self.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (self.create(path)?, true),
            opened => (opened?, false),
        };
        file.append(bytes)?;
        file.sync()?;
        if is_new {
            self.sync_folder(folder_of(path))?;
        }
        Ok(())
    }

    /// Cuts a file after so many bytes, and syncs it. Where there is none, there is nothing to cut.
    ///
    /// # Errors
    /// What the system says.
    pub fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        match self.open(path) {
            Ok(mut file) => {
                file.cut(length)?;
                file.sync()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Syncs a file that an earlier process may have written and not synced before it was killed: what is read from it
    /// may go away with the power until then.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle(&self, path: &Path) -> io::Result<()> {
        match self.open(path) {
            Ok(mut file) => file.sync(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a folder and those above it, readable by nobody else, and syncs those they are in.
    ///
    /// # Errors
    /// What the system says.
    pub fn make_folder(&self, path: &Path) -> io::Result<()> {
        let above = folder_of(path);
        if !self.is_there(path) {
            self.make_folder(above)?;
            match self.make_one_folder(path) {
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made?,
            }
        }
        // Also where it was there: whoever made it may have been killed before this.
        match self.sync_folder(above) {
            // Whoever made a folder in this one could read it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }
}

/// Replaces a file on the real file system: whole and durably, or not at all.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    <dyn Files>::replace(&System, path, bytes)
}

/// Makes a folder and those above it on the real file system, readable by nobody else, durably.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    <dyn Files>::make_folder(&System, path)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in ["one", "three"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_is_held_by_one_and_ends_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = FileLock::take(&path).unwrap();
        assert!(lock.is_some());
        assert!(FileLock::take(&path).unwrap().is_none());
        drop(lock);
        assert!(FileLock::take(&path).unwrap().is_some());
    }

    #[test]
    fn what_is_appended_can_be_cut_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let files: &dyn Files = &System;
        files.append(&path, b"abc").unwrap();
        files.append(&path, b"def").unwrap();
        files.truncate(&path, 4).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abcd");
    }
}
