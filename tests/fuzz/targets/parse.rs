//! Any bytes give a tree of the whole text, and problems that lie inside it.
#![no_main]

use fly_syntax::{FileId, SourceFile, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = SourceFile::from_bytes(FileId(0), "Lib/fuzz.fly", bytes.to_vec());
    let parsed = parse(&source);
    let mut at = 0;
    for piece in parsed.tree.pieces(&source) {
        assert_eq!(piece.span.start, at, "a gap before {piece:?}");
        at = piece.span.end;
    }
    assert_eq!(at as usize, source.text().len());
    for problem in &parsed.problems {
        assert!(source.text().get(problem.span.range()).is_some(), "{problem:?}");
    }
    assert_eq!(parsed.tree.broken, !parsed.problems.is_empty());
});
