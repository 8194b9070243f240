//! Files that survive kill -9 and power cuts: what is written is there whole, or what was there before is.

mod system;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use system::{FileLock, System};

/// Why a file or a folder is not used though it is there. An [`io::Error`] carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsafe {
    /// What it leads to may be anybody's.
    #[error("it is a link")]
    Link,
    /// A device or a pipe, say.
    #[error("it is not a regular file")]
    Special,
    /// Others can change it.
    #[error("others may write to it (mode {0:o})")]
    Writable(u32),
}

impl Unsafe {
    /// Why that is, where an error says so.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// What a person can do about it.
    #[must_use]
    pub fn way_out(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Link => format!(
                "remove the link {path}; the variable GOSLING_STATE names a folder for the state that is outside of the Nest"
            ),
            Self::Special => format!("remove {path}"),
            Self::Writable(_) => {
                format!("check that nobody changed it, then `chmod go-w {path}`")
            }
        }
    }
}

impl From<Unsafe> for io::Error {
    fn from(reason: Unsafe) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, reason)
    }
}

/// What durable writes ask of a file system. [`System`] is the real one. Tests have one that loses what was not synced:
/// `turmoil`'s can be cut only where a task awaits, and nothing here does between a write and its sync.
pub trait Files: fmt::Debug + Send + Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// What the system says, and [`Unsafe`].
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names of what is in a folder.
    ///
    /// # Errors
    /// What the system says.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Looks whether a folder is one, and nobody else may change what is in it.
    ///
    /// # Errors
    /// What the system says, and [`Unsafe`].
    fn examine(&self, folder: &Path) -> io::Result<()>;

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
    /// What the system says, and [`Unsafe`].
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

    /// Whether somebody holds the lock of this file, which is there. Needs no right to write.
    ///
    /// # Errors
    /// What the system says.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        Ok(self.lock(path)?.is_none())
    }
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
        self.prepare(path, bytes)?.put(self)
    }

    /// Makes a new file, readable by nobody else, durably. What is at the path already stays.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] where something is there.
    pub fn create_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.create(path)?;
        file.append(bytes)?;
        file.sync()?;
        self.sync_folder(folder_of(path))
    }

    /// The first half of [`replace`](Self::replace), and all of it that needs room: the bytes are in the temporary.
    ///
    /// # Errors
    /// What the system says; the temporary is gone then.
    pub fn prepare(&self, path: &Path, bytes: &[u8]) -> io::Result<Prepared> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder_of(path).join(format!(".{name}.{}.new", std::process::id()));
        // A crashed process of the same number may have left one behind; whoever replaces holds the lock.
        match self.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.create(&temporary).and_then(|mut file| {
            file.append(bytes)?;
            file.sync()
        });
        let prepared = Prepared {
            temporary,
            path: path.to_owned(),
        };
        match written {
            Ok(()) => Ok(prepared),
            Err(error) => {
                prepared.discard(self);
                Err(error)
            }
        }
    }

    /// Removes the temporaries that processes left of a file when they were killed. The caller holds the lock under
    /// which alone that file is replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_leftovers(&self, path: &Path) -> io::Result<()> {
        let folder = folder_of(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for found in self.names(folder)? {
            let of = found
                .strip_suffix(".new")
                .and_then(|found| found.strip_prefix('.'));
            // `.NAME.PID.new`, and of kept states `.NAME.NUMBER.PID.new`.
            if of.is_some_and(|of| of.strip_prefix(&*name).is_some_and(|rest| rest.starts_with('.'))) {
                self.remove(&folder.join(found))?;
            }
        }
        Ok(())
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

/// A file that is written, and has only its name to get.
#[must_use]
pub struct Prepared {
    temporary: PathBuf,
    path: PathBuf,
}

impl Prepared {
    /// Gives it its name and syncs the folder.
    ///
    /// # Errors
    /// What the system says; the file is then as it was.
    pub fn put(self, files: &dyn Files) -> io::Result<()> {
        if let Err(error) = files.rename(&self.temporary, &self.path) {
            self.discard(files);
            return Err(error);
        }
        files.sync_folder(folder_of(&self.path))
    }

    /// Removes the temporary.
    pub fn discard(self, files: &dyn Files) {
        // What went wrong before is what to tell; a temporary that stays is removed by the next lock.
        let _ = files.remove(&self.temporary);
    }
}

/// Replaces a file on the real file system: whole and durably, or not at all.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    <dyn Files>::replace(&System, path, bytes)
}

/// Makes a new file on the real file system, readable by nobody else, durably.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] where something is there, which stays.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    <dyn Files>::create_whole(&System, path, bytes)
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
