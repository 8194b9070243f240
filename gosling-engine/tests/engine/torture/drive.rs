//! A disk on which nothing is safe before it is synced: neither what is in a file nor that the file has its name.
//!
//! Its operations are points at which the process can die; at a power cut each write since the last sync may be there,
//! be there by half, or be gone, and each change of a folder since its last sync may be there or not, all
//! independently of each other. POSIX promises no more than this.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gosling_engine::durable::{Files, Lock, OpenFile};

use crate::life::Life;

/// What a power cut leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing.
    Nothing,
    /// All of it.
    All,
    /// Whatever these dice say.
    Some(u64),
}

#[derive(Debug, Clone)]
enum Write {
    Append(Vec<u8>),
    Cut(usize),
}

/// The contents of a file: what is safe, and what was done to it since.
#[derive(Debug, Clone, Default)]
struct Contents {
    safe: Vec<u8>,
    pending: Vec<Write>,
}

impl Contents {
    fn now(&self) -> Vec<u8> {
        let mut bytes = self.safe.clone();
        for write in &self.pending {
            match write {
                Write::Append(more) => bytes.extend_from_slice(more),
                Write::Cut(length) => bytes.truncate(*length),
            }
        }
        bytes
    }
}

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

#[derive(Debug, Clone)]
enum Naming {
    Give(PathBuf, Node),
    /// The file itself gets the new name, whatever became of the one that it had.
    Rename(PathBuf, PathBuf, Node),
    Take(PathBuf),
}

type Names = BTreeMap<PathBuf, Node>;

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Give(path, node) => {
                names.insert(path.clone(), *node);
            }
            Self::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
            Self::Take(path) => {
                names.remove(path);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    files: Vec<Contents>,
    names: Names,
    safe_names: Names,
    pending: Vec<(PathBuf, Naming)>,
    locks: BTreeSet<PathBuf>,
}

impl Inner {
    fn naming(&mut self, naming: Naming) {
        let path = match &naming {
            Naming::Give(path, _) | Naming::Take(path) | Naming::Rename(path, ..) => path,
        };
        let folder = path.parent().unwrap().to_owned();
        naming.apply(&mut self.names);
        self.pending.push((folder, naming));
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The disk, and the process that uses it.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    inner: Arc<Mutex<Inner>>,
    life: Arc<Life>,
}

/// The folder that is there from the beginning.
pub(crate) const HOME: &str = "/home";

impl Drive {
    pub(crate) fn new(life: &Arc<Life>) -> Self {
        let names = Names::from([("/".into(), Node::Folder), (HOME.into(), Node::Folder)]);
        let inner = Inner {
            names: names.clone(),
            safe_names: names,
            ..Inner::default()
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            life: Arc::clone(life),
        }
    }

    /// A point, before each operation.
    fn point(&self) -> io::Result<()> {
        match self.life.goes_on() {
            true => Ok(()),
            false => Err(io::Error::other("the process is dead")),
        }
    }

    /// What would be in a file if the power went now and nothing that was not synced survived.
    pub(crate) fn safe(&self, path: &Path) -> Vec<u8> {
        let inner = self.inner.lock().unwrap();
        match inner.safe_names.get(path) {
            Some(Node::File(file)) => inner.files[*file].safe.clone(),
            _ => Vec::new(),
        }
    }

    /// The power goes, and comes back.
    pub(crate) fn cut(&self, cut: Cut) {
        let mut inner = self.inner.lock().unwrap();
        let mut dice = match cut {
            Cut::Some(seed) => seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15),
            Cut::Nothing | Cut::All => 0,
        };
        // Which of three things happens to something that was not synced: 0 lost, 1 torn, 2 there.
        let mut fate = || match cut {
            Cut::Nothing => 0,
            Cut::All => 2,
            Cut::Some(_) => {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                dice % 3
            }
        };
        for file in &mut inner.files {
            let mut bytes = std::mem::take(&mut file.safe);
            for write in file.pending.drain(..) {
                match (write, fate()) {
                    (_, 0) => {}
                    (Write::Append(more), 1) => bytes.extend_from_slice(&more[..more.len() / 2]),
                    (Write::Append(more), _) => bytes.extend(more),
                    (Write::Cut(length), _) => bytes.truncate(length),
                }
            }
            file.safe = bytes;
        }
        let pending = std::mem::take(&mut inner.pending);
        for (_, naming) in pending {
            if fate() > 0 {
                naming.apply(&mut inner.safe_names);
            }
        }
        // What is in a folder that is gone is gone.
        let all = inner.safe_names.clone();
        inner.safe_names.retain(|path, _| {
            let mut above = path.ancestors().skip(1);
            above.all(|folder| all.get(folder) == Some(&Node::Folder))
        });
        inner.names = inner.safe_names.clone();
        inner.locks.clear();
    }
}

impl Files for Drive {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inner = self.inner.lock().unwrap();
        let file = inner.file(path)?;
        Ok(inner.files[file].now())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inner = self.inner.lock().unwrap();
        let within = inner.names.keys().filter(|path| path.parent() == Some(folder));
        let names = within.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(names.collect())
    }

    fn examine(&self, folder: &Path) -> io::Result<()> {
        match self.is_there(folder) {
            true => Ok(()),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_there(&self, path: &Path) -> bool {
        self.inner.lock().unwrap().names.contains_key(path)
    }

    fn make_one_folder(&self, path: &Path) -> io::Result<()> {
        self.point()?;
        let mut inner = self.inner.lock().unwrap();
        inner.naming(Naming::Give(path.to_owned(), Node::Folder));
        Ok(())
    }

    fn may_write_into(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        self.point()?;
        let mut inner = self.inner.lock().unwrap();
        if inner.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = inner.files.len();
        inner.files.push(Contents::default());
        inner.naming(Naming::Give(path.to_owned(), Node::File(file)));
        Ok(Box::new(Open {
            drive: self.clone(),
            file,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let file = self.inner.lock().unwrap().file(path)?;
        Ok(Box::new(Open {
            drive: self.clone(),
            file,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.point()?;
        let mut inner = self.inner.lock().unwrap();
        let node = Node::File(inner.file(from)?);
        inner.naming(Naming::Rename(from.to_owned(), to.to_owned(), node));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let file = self.inner.lock().unwrap().file(path);
        file?;
        self.point()?;
        self.inner.lock().unwrap().naming(Naming::Take(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.point()?;
        let mut inner = self.inner.lock().unwrap();
        let pending = std::mem::take(&mut inner.pending);
        let (synced, rest) = pending.into_iter().partition(|(of, _)| of == folder);
        inner.pending = rest;
        let synced: Vec<(PathBuf, Naming)> = synced;
        for (_, naming) in synced {
            naming.apply(&mut inner.safe_names);
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        if !self.is_there(path) {
            let _made = self.create(path)?;
        }
        let taken = self.inner.lock().unwrap().locks.insert(path.to_owned());
        Ok(taken.then(|| {
            Box::new(Held {
                drive: self.clone(),
                path: path.to_owned(),
            }) as Box<dyn Lock>
        }))
    }
}

struct Open {
    drive: Drive,
    file: usize,
}

impl Open {
    fn write(&self, write: Write) -> io::Result<()> {
        self.drive.point()?;
        let mut inner = self.drive.inner.lock().unwrap();
        inner.files[self.file].pending.push(write);
        Ok(())
    }
}

impl OpenFile for Open {
    /// Two points: half of it may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (half, rest) = bytes.split_at(bytes.len() / 2);
        self.write(Write::Append(half.to_vec()))?;
        self.write(Write::Append(rest.to_vec()))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.write(Write::Cut(usize::try_from(length).unwrap()))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.drive.point()?;
        let mut inner = self.drive.inner.lock().unwrap();
        let file = &mut inner.files[self.file];
        file.safe = file.now();
        file.pending.clear();
        Ok(())
    }
}

/// A lock that ends with its process.
struct Held {
    drive: Drive,
    path: PathBuf,
}

impl Lock for Held {
    fn say(&self, holder: &[u8]) -> io::Result<()> {
        let mut file = self.drive.open(&self.path)?;
        file.cut(0)?;
        file.append(holder)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.drive.inner.lock().unwrap().locks.remove(&self.path);
    }
}
