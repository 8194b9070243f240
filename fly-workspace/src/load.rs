//! From folders to [`NestFiles`]: the only place that reads a Nest from disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fly_syntax::{FileId, SourceFile};
use fly_typeck::{NestFiles, Refused};
use rayon::prelude::*;

use crate::reader::{ConfinedReader, read_bounded};
use crate::walk::{self, relative};

/// Reads the Nest at `root`: every `.fly` file, then `nest.flyvars`, then `var_files` in their order.
///
/// Never fails: what cannot be read is listed in [`NestFiles::refused`]. Paths are relative to the root; a
/// `var_files` path outside it is kept as it was given.
#[must_use]
pub fn load(root: &Path, var_files: &[PathBuf]) -> NestFiles {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut walked = walk::walk(&root);
    let own = root.join("nest.flyvars");
    let vars = own.exists().then_some(&own).into_iter().chain(var_files);
    for path in vars {
        let name = relative(&root, path);
        match read_bounded(path) {
            Ok(bytes) => walked.files.push((name, bytes)),
            Err(reason) => walked.refused.push(Refused { path: name, reason }),
        }
    }
    let files = walked
        .files
        .into_par_iter()
        .enumerate()
        .map(|(index, (path, bytes))| SourceFile::from_bytes(file_id(index), path, bytes))
        .collect();
    NestFiles {
        files,
        folders: walked.folders,
        refused: walked.refused,
        reader: Arc::new(ConfinedReader::new(root)),
    }
    .with_stand_ins()
}

/// A Nest of one file that lies nowhere, which reads no others.
#[must_use]
pub fn one_file(name: &str, text: &str) -> NestFiles {
    NestFiles::in_memory(vec![(name.to_owned(), text.to_owned())])
}

/// A file's id is its index in [`NestFiles::files`].
fn file_id(index: usize) -> FileId {
    FileId(u32::try_from(index).unwrap_or(u32::MAX))
}
