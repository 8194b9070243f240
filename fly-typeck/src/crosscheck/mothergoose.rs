//! The orchestration server's infrastructure.

use super::Blocks;
use crate::sink::Sink;

pub(super) fn check(nest: &Blocks<'_>, sink: &mut Sink) {
    let _ = (nest, sink);
}
