//! Certificates of authorities: the files that `ca_file` names must be there.

use super::placed_text;
use crate::checked::CheckedBlock;
use crate::files::ReadError;
use crate::globals::Globals;
use crate::problems;
use crate::sink::Sink;

pub(super) fn check(globals: &Globals<'_>, block: &CheckedBlock, sink: &mut Sink) {
    if let Some((path, at)) = placed_text(block, "ca_file") {
        match globals.reader().read(path) {
            Err(ReadError::Missing) => sink.push(problems::file_missing::problem(at, path)),
            Err(ReadError::OutsideNest) => sink.push(problems::path_outside::problem(at, path)),
            Err(ReadError::NotText) => sink.push(problems::not_text::problem(at, path)),
            // What the system says of it is not the Nest's fault, and is said where the file is used.
            Err(ReadError::TooLarge(_) | ReadError::Unreadable(_)) | Ok(_) => {}
        }
    }
    block.blocks.iter().for_each(|inner| check(globals, inner, sink));
}
