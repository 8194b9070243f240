//! Pages, help texts and messages have none of the words that docs/style.md rules out.

use regex::Regex;

use crate::gosling::gosling;
use crate::workspace::{files_under, read, root, shown};

/// Text with a ruled-out word that is right where it stands: a page or file, and the words around.
const ALLOWED: [(&str, &str); 2] = [
    // Of a lock.
    ("", "held by"),
    ("ARCHITECTURE.md", "kinds, &PlanOptions)"),
];

/// The first column of the table in docs/style.md.
fn ruled_out() -> Vec<String> {
    let page = read("docs/style.md");
    let table = page.split("| we do not write | we write |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('|').nth(1).unwrap_or_default().split(','))
        .map(|word| word.trim().to_owned())
        .collect()
}

fn pattern() -> Regex {
    let words: Vec<String> = ruled_out().iter().map(|word| word.replace(' ', r"\s+")).collect();
    assert!(words.len() > 20, "{words:?}");
    Regex::new(&format!(r"(?i)\b(?:{})\b", words.join("|"))).unwrap()
}

/// Each place of a text with such a word, as `where: the words around`.
fn faults(place: &str, text: &str, words: &Regex) -> Vec<String> {
    let found = words.find_iter(text).filter_map(|found| {
        let start = text.floor_char_boundary(found.start().saturating_sub(40));
        let end = text.ceil_char_boundary((found.end() + 40).min(text.len()));
        let around = text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
        let allowed = ALLOWED
            .iter()
            .any(|(path, words)| place.contains(path) && around.contains(words));
        (!allowed).then(|| format!("{place}: {around}"))
    });
    found.collect()
}

/// The texts in quotes of a source file, without its tests and comments.
fn texts(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let source = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '");
    let quoted = Regex::new(r##"(?s)r#"(.*?)"#|"((?:[^"\\]|\\.)*)""##).unwrap();
    let found = quoted.captures_iter(&source);
    found
        .filter_map(|found| found.get(1).or(found.get(2)))
        .map(|text| text.as_str().to_owned())
        .filter(|text| text.contains(' '))
        .collect()
}

#[test]
fn the_texts_of_a_source_file_are_found() {
    let source = "let a = \"it is told\";\n// it \"is told\" here\nlet b = r#\"a \"b\" c\"#;\n#[cfg(test)]\nmod tests { \"x y\" }";
    assert_eq!(texts(source), ["it is told", "a \"b\" c"]);
    let words = pattern();
    assert_eq!(faults("a.rs", "it is told so", &words), ["a.rs: it is told so"]);
    assert_eq!(
        faults("a.rs", "the lock is held by ada", &words),
        Vec::<String>::new()
    );
}

#[test]
fn pages_have_plain_words() {
    let words = pattern();
    let markdown = |path: &std::path::Path| {
        path.extension().is_some_and(|end| end == "md") && !path.ends_with("docs/style.md")
    };
    let pages = files_under(&root(), markdown);
    assert!(pages.len() > 20, "{pages:?}");
    let faults: Vec<String> = pages
        .iter()
        .flat_map(|path| faults(&shown(path), &std::fs::read_to_string(path).unwrap(), &words))
        .collect();
    assert!(faults.is_empty(), "see docs/style.md:\n{}", faults.join("\n"));
}

#[test]
fn messages_have_plain_words() {
    let words = pattern();
    let mut looked = 0;
    let mut all = Vec::new();
    for part in [
        "gosling-cli",
        "gosling-deploy",
        "gosling-engine",
        "gosling-providers",
        "gosling-resource",
        "gosling-sandbox",
        "fly-codegen",
        "fly-domain",
        "fly-syntax",
        "fly-typeck",
        "fly-workspace",
    ] {
        let sources = files_under(&root().join(part).join("src"), |path| {
            path.extension().is_some_and(|end| end == "rs") && !shown(path).contains("tests")
        });
        for path in sources {
            for text in texts(&std::fs::read_to_string(&path).unwrap()) {
                looked += 1;
                all.extend(faults(&shown(&path), &text, &words));
            }
        }
    }
    assert!(looked > 1500, "only {looked} texts were found");
    assert!(all.is_empty(), "see docs/style.md:\n{}", all.join("\n"));
}

/// The commands in a help text.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().take_while(|line| *line != "Options:");
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help" && word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_has_plain_words() {
    let words = pattern();
    let help = |args: &[&str]| {
        let args = [args, &["--help"]].concat();
        String::from_utf8(gosling(&root(), &args).stdout).unwrap()
    };
    let mut looked = 0;
    let mut all = Vec::new();
    for command in commands(&help(&[])) {
        let text = help(&[&command]);
        let inner = match text.contains("\nCommands:") {
            true => commands(&text),
            false => Vec::new(),
        };
        all.extend(faults(&command, &text, &words));
        looked += 1;
        for inner in inner {
            let text = help(&[&command, &inner]);
            all.extend(faults(&format!("{command} {inner}"), &text, &words));
            looked += 1;
        }
    }
    assert!(looked > 40, "only {looked} commands were found");
    assert!(all.is_empty(), "see docs/style.md:\n{}", all.join("\n"));
}
