//! Formatting a text without problems keeps its meaning, and formatting it again changes nothing.
#![no_main]

use fly_syntax::{FileId, Parsed, SourceFile, format, parse, same_meaning};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (source, before) = parsed(text);
    if !before.problems.is_empty() {
        return;
    }
    let once = format(&source, &before.tree).expect("a text without problems is formatted");
    let (source, after) = parsed(&once);
    assert_eq!(after.problems, [], "{text}\n--- became\n{once}");
    assert!(
        same_meaning(&before.tree.body, &after.tree.body),
        "{text}\n--- became\n{once}"
    );
    assert_eq!(format(&source, &after.tree).as_ref(), Ok(&once));
});

fn parsed(text: &str) -> (SourceFile, Parsed) {
    let source = SourceFile::new(FileId(0), "Lib/fuzz.fly", text);
    let parsed = parse(&source);
    (source, parsed)
}
