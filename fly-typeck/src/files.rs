//! What the checker is given: the Nest's files, read by whoever calls, and a reader confined to the Nest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use fly_syntax::{FileId, SourceFile, Span, SyntaxTree};

/// The files of a Nest, in the order of their paths; a file's id is its index.
#[derive(Debug, Clone)]
pub struct NestFiles {
    /// Every `.fly` file that was read, then the `.flyvars` files.
    pub files: Vec<SourceFile>,
    /// Every folder seen, relative to the root, `/` between names, the root left out: `Eggs/api`.
    pub folders: Vec<String>,
    /// What could not be read, and why.
    pub refused: Vec<Refused>,
    /// Reads further files for `file()` and `templatefile()`.
    pub reader: Arc<dyn ReadFile>,
}

/// A path of the Nest that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Relative to the root.
    pub path: String,
    /// Why.
    pub reason: Refusal,
}

/// Why a path was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A symbolic link that leads out of the Nest, to this place.
    LeavesNest(String),
    /// Larger than is read.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// The operating system said no, in these words.
    Unreadable(String),
}

/// Reads a file of the Nest by its path relative to the root.
pub trait ReadFile: fmt::Debug + Send + Sync {
    /// The text of the file.
    ///
    /// # Errors
    /// Why it was not read; nothing outside the root is ever read.
    fn read(&self, path: &str) -> Result<Arc<str>, ReadError>;
}

/// Why `file()` got no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The path, or a link on it, leads out of the Nest.
    OutsideNest,
    /// There is no such file.
    Missing,
    /// Larger than is read, in bytes.
    TooLarge(u64),
    /// Not UTF-8 text.
    NotText,
    /// The operating system said no, in these words.
    Unreadable(String),
}

/// A Nest that lives in memory: for tests, examples and generators.
#[derive(Debug, Default)]
pub struct MemoryFiles(pub BTreeMap<String, Arc<str>>);

impl ReadFile for MemoryFiles {
    fn read(&self, path: &str) -> Result<Arc<str>, ReadError> {
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(ReadError::OutsideNest);
        }
        self.0.get(path).cloned().ok_or(ReadError::Missing)
    }
}

impl NestFiles {
    /// A Nest in memory, of paths and texts. Its folders are those of the files' paths.
    #[must_use]
    pub fn in_memory(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let all: BTreeMap<String, Arc<str>> = files
            .into_iter()
            .map(|(path, text)| (path, Arc::from(text)))
            .collect();
        let mut folders = BTreeSet::new();
        for path in all.keys() {
            for (at, _) in path.match_indices('/') {
                folders.insert(path[..at].to_owned());
            }
        }
        let fly = all.iter().filter(|(path, _)| path.ends_with(".fly"));
        let vars = all.iter().filter(|(path, _)| path.as_str() == "nest.flyvars");
        let files = fly
            .chain(vars)
            .zip(0..)
            .map(|((path, text), id)| SourceFile::new(FileId(id), path.as_str(), text.clone()));
        Self {
            files: files.collect(),
            folders: folders.into_iter().collect(),
            refused: Vec::new(),
            reader: Arc::new(MemoryFiles(all)),
        }
        .with_stand_ins()
    }

    /// Splits a text into files at its lines `-- path --`, as examples and test cases are written.
    /// A text without such a line is one file, `Lib/example.fly`.
    #[must_use]
    pub fn from_archive(archive: &str) -> Self {
        let mut files: Vec<(String, String)> = Vec::new();
        for line in archive.split_inclusive('\n') {
            let path = line
                .trim_end()
                .strip_prefix("-- ")
                .and_then(|rest| rest.strip_suffix(" --"));
            match (path, files.last_mut()) {
                (Some(path), _) => files.push((path.to_owned(), String::new())),
                (None, Some((_, text))) => text.push_str(line),
                (None, None) => files.push(("Lib/example.fly".to_owned(), line.to_owned())),
            }
        }
        Self::in_memory(files)
    }

    /// Gives what was not read a place that problems can point to: an empty file for each refused path, and for
    /// each folder of `Eggs` without its file one named like the folder.
    #[must_use]
    pub fn with_stand_ins(mut self) -> Self {
        let known: BTreeSet<&str> = self.files.iter().map(|source| &*source.path).collect();
        let refused: BTreeSet<&str> = self.refused.iter().map(|refused| refused.path.as_str()).collect();
        let lacks_file = |folder: &&str| {
            let path = format!("{folder}/config.fly");
            !known.contains(path.as_str()) && !refused.contains(path.as_str())
        };
        let eggs = self.folders.iter().map(String::as_str).filter(|folder| {
            folder
                .strip_prefix("Eggs/")
                .is_some_and(|name| !name.contains('/'))
        });
        let missing: Vec<String> = refused
            .iter()
            .copied()
            .filter(|path| !known.contains(path))
            .chain(eggs.filter(lacks_file))
            .map(str::to_owned)
            .collect();
        for path in missing {
            let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
            self.files.push(SourceFile::new(id, path, ""));
        }
        self
    }

    /// An empty span at the start of the file of this path, or of the first file where none has it.
    pub(crate) fn place(&self, path: &str) -> Span {
        let found = self.files.iter().find(|source| &*source.path == path);
        Span::new(found.map_or(FileId(0), |source| source.id), 0..0)
    }

    /// The tree of each file, in the same order, with all syntax problems.
    #[must_use]
    pub fn parse(&self) -> (Vec<SyntaxTree>, Vec<fly_syntax::Problem>) {
        use rayon::prelude::*;
        let parsed: Vec<_> = self.files.par_iter().map(fly_syntax::parse).collect();
        let mut problems = Vec::new();
        let trees = parsed.into_iter().map(|parsed| {
            problems.extend(parsed.problems);
            parsed.tree
        });
        (trees.collect(), problems)
    }
}
