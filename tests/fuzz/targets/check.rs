//! Checking a Nest of up to three files never panics, and says nothing of places that no file has.
#![no_main]

use fly_syntax::Span;
use fly_typeck::{NestFiles, Variables, check};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 3] = ["Eggs/api/config.fly", "nest.fly", "Lib/all.fly"];

fuzz_target!(|bytes: &[u8]| {
    // No UTF-8 text holds this byte, so that it can stand between files.
    let texts = bytes.splitn(PATHS.len(), |byte| *byte == 0xff);
    let texts = texts.map(|text| String::from_utf8_lossy(text).into_owned());
    let files = NestFiles::in_memory(PATHS.iter().map(|path| (*path).to_owned()).zip(texts));
    let (trees, mut problems) = files.parse();
    let checked = check(&files, &trees, &Variables::default());
    problems.extend(checked.problems);
    let inside = |span: Span| {
        let file = files.files.get(span.file.0 as usize);
        file.is_some_and(|file| file.text().get(span.range()).is_some())
    };
    for problem in &problems {
        let labels = problem.labels.iter().map(|label| label.span);
        let edits = problem
            .suggestions
            .iter()
            .flat_map(|suggestion| &suggestion.edits);
        let mut spans = labels
            .chain(edits.map(|edit| edit.span))
            .chain([problem.span]);
        assert!(spans.all(inside), "{problem:?}");
    }
});
