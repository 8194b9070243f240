//! Every message of the engine and of the providers stands on a page that says what to do.

use regex::Regex;

use crate::workspace::{files_under, read, root, shown};

/// The files in a folder of the repository whose names end so.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let passes = |path: &std::path::Path| path.extension().is_some_and(|own| own == ending);
    let found = files_under(&root().join(folder), passes);
    found.iter().map(|path| shown(path)).collect()
}

/// The messages in a source file, as it writes them: `the plan has form {0}`.
fn messages(text: &str) -> Vec<String> {
    let source = text.split("#[cfg(test)]").next().unwrap_or_default();
    let shapes = [
        r#"#\[error\(\s*"((?:[^"\\]|\\.)*)""#,
        r#"(?:Trouble|CallError)::(?:refused|died|unknown|failed)\(\s*(?:format!\(\s*)?"((?:[^"\\]|\\.)*)""#,
    ];
    let found = shapes.iter().flat_map(|shape| {
        let shape = Regex::new(shape).unwrap();
        let found = shape.captures_iter(source).map(|found| found[1].to_owned());
        found.collect::<Vec<_>>()
    });
    found.collect()
}

/// The pieces of a message that are the same each time, as far as one can look for them.
fn fixed(message: &str) -> Vec<String> {
    let joined = Regex::new(r"\\\n\s*")
        .unwrap()
        .replace_all(message, "")
        .into_owned();
    let changing = Regex::new(r"`?\{[^}]*\}`?|[:;(]").unwrap();
    let pieces = changing
        .split(&joined)
        .map(|piece| piece.trim_matches([' ', ',', ')', '.']));
    pieces
        .filter(|piece| piece.len() >= 8)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_message_has_a_page() {
    let pages = ["docs/runbooks.md", "docs/secrets.md"]
        .map(str::to_owned)
        .into_iter();
    let guides = files("docs/guides", "md");
    let pages: Vec<String> = pages.chain(guides).map(|path| read(&path)).collect();
    let pages = pages.join("\n");
    let mut missing = Vec::new();
    let mut looked = 0;
    for folder in ["gosling-engine/src", "gosling-providers/src"] {
        for path in files(folder, "rs") {
            for message in messages(&read(&path)) {
                let fixed = fixed(&message);
                looked += usize::from(!fixed.is_empty());
                if !fixed.is_empty() && !fixed.iter().any(|piece| pages.contains(piece)) {
                    missing.push(format!("{path}: {message}"));
                }
            }
        }
    }
    assert!(looked > 80, "only {looked} messages were found");
    missing.sort();
    missing.dedup();
    assert!(
        missing.is_empty(),
        "no page says what to do about:\n{}",
        missing.join("\n")
    );
}
