//! A literal where a secret belongs is hidden, however it is spelt and whatever else is wrong around it.
#![allow(clippy::unwrap_used)]

use fly_syntax::{Problem, Span, SyntaxTree};
use fly_typeck::{Names, NestFiles, Variables, check, exposed, withhold};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

/// What must not be said. It has no word that a message of ours has.
const SECRET: &str = "hunter2X9";

const NAMES: [&str; 8] = [
    "token",
    "tokne",
    "\"token\"",
    "api_token",
    "export GITLAB_TOKEN",
    "webhook_secret",
    "password",
    "token token",
];
const SIGNS: [&str; 18] = [
    " = ",
    "=",
    ": ",
    " := ",
    " => ",
    " == ",
    " ",
    " -> ",
    " = = ",
    " =- ",
    " =\n    ",
    " =\n\n    ",
    " = # why\n    ",
    " = \\\n    ",
    "\n    = ",
    "\n    ",
    ":\n    ",
    " /* why */\n    ",
];
const VALUES: [(&str, &str); 38] = [
    ("\"", "\""),
    ("'", "'"),
    ("", ""),
    ("glpat-", "-x"),
    ("\"", ""),
    ("", "\""),
    ("\"a b ", " c\""),
    ("<<EOT\n", "\nEOT"),
    ("<<'EOT'\n", "\nEOT"),
    ("<<~EOT\n", "\nEOT"),
    ("<<EOT # x\n", "\nEOT"),
    ("<<EOT\n", ""),
    ("<<EOT\n${", "\nEOT"),
    ("[\"", "\"]"),
    ("[\"", "\""),
    ("[", ", 1)"),
    ("(\"", "\")"),
    ("(\"", ""),
    ("abc(\"", "\")"),
    ("upper(\"", "\")"),
    ("upper(", ")"),
    ("\"${", "}\""),
    ("\"x-${var.", "\""),
    ("{ a = \"", "\" }"),
    ("{ a: \"", "\" }"),
    ("{ a \"", "\" }"),
    ("true ? \"", "\" : \"b\""),
    ("\"env://glpat-", "\""),
    ("\"store://glpat-", "/x\""),
    ("\u{201c}", "\u{201d}"),
    ("\"a\n", "\""),
    ("\"a\n", ""),
    ("\"a\n    b\n\n    ", "\nc"),
    ("'a\n", "'"),
    ("\"a ${\n", "}\""),
    ("\"${upper(\n    \"", "\")} b\""),
    ("(\n    \"", "\"\n  )"),
    ("[\n    ", "\n  ]"),
];
const TAILS: [&str; 14] = [
    "",
    ",",
    ";",
    " 1",
    " + 1",
    " +",
    " # why",
    " \"",
    " }",
    " )",
    " ?",
    " ? 1",
    "\n    + 1",
    "\u{a0}",
];
/// The text before and behind the line, and the file that it is in.
const PLACES: [(&str, &str, &str); 7] = [
    (
        "provider \"gitlab\" {\n  server = \"gitlab.example.com\"\n  ",
        "\n}\n",
        "nest.fly",
    ),
    ("preset \"a\" {\n  gitlab {\n    ", "\n  }\n}\n", "Lib/a.fly"),
    (
        "preset \"a\" {\n  gitlab {\n    server = 1\n    ",
        "\n",
        "Lib/a.fly",
    ),
    ("preset \"a\" {\n  use = [\n    ", "\n}\n", "Lib/a.fly"),
    ("locals {\n  a = {\n    ", "\n  }\n}\n", "Lib/a.fly"),
    ("", "\n", "nest.flyvars"),
    (
        "variable \"token\" {\n  type = secret\n}\nlocals {\n  ",
        "\n}\n",
        "Lib/a.fly",
    ),
];

/// The problems of a Nest of one file as they are said, and what is hidden of it.
fn said(path: &str, text: &str) -> (Vec<Problem>, Vec<Span>) {
    let files = NestFiles::in_memory([(path.to_owned(), text.to_owned())]);
    let mut problems = Vec::new();
    let trees: Vec<SyntaxTree> = files
        .files
        .iter()
        .map(|file| {
            let parsed = fly_syntax::parse(file);
            problems.extend(parsed.problems);
            parsed.tree
        })
        .collect();
    let checked = check(&files, &trees, &Variables::default());
    problems.extend(checked.problems);
    let names = Names::declared_in(&trees);
    let hidden: Vec<Span> = files
        .files
        .iter()
        .zip(&trees)
        .flat_map(|(file, tree)| exposed(file, tree, &names))
        .collect();
    withhold(&mut problems, &files.files, &hidden);
    let masks = checked.masks.into_iter().chain(hidden).collect();
    (problems, masks)
}

fn repeats(problem: &Problem) -> bool {
    format!(
        "{} {} {:?} {:?} {:?}",
        problem.message, problem.note, problem.help, problem.labels, problem.suggestions
    )
    .contains(SECRET)
}

/// What is said of a file that shows the secret.
fn leak(path: &str, text: &str) -> Option<String> {
    let (problems, masks) = said(path, text);
    let said: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    let hidden = |at: usize| {
        masks
            .iter()
            .any(|mask| mask.range().start <= at && at + SECRET.len() <= mask.range().end)
    };
    let shown = !problems.is_empty() && text.match_indices(SECRET).any(|(at, _)| !hidden(at));
    (shown || problems.iter().any(repeats)).then(|| format!("{path}\n{text}\n{said:#?}\n{masks:?}"))
}

fn assert_hidden(path: &str, text: &str) {
    let leak = leak(path, text);
    assert!(leak.is_none(), "{}", leak.unwrap_or_default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]
    #[test]
    fn a_secret_in_any_spelling_is_hidden(
        name in select(&NAMES[..]),
        sign in select(&SIGNS[..]),
        value in select(&VALUES[..]),
        tail in select(&TAILS[..]),
        place in select(&PLACES[..]),
    ) {
        let (before, behind, path) = place;
        let (open, close) = value;
        let text = format!("{before}{name}{sign}{open}{SECRET}{close}{tail}{behind}");
        assert_hidden(path, &text);
    }
}

#[test]
fn a_secret_on_the_line_below_its_name_is_hidden() {
    for value in [
        "\"hunter2X9\"",
        "'hunter2X9'",
        "[\"hunter2X9\"]",
        "<<EOT\nhunter2X9\nEOT",
        "hunter2X9",
    ] {
        let (before, behind, path) = PLACES[0];
        assert_hidden(path, &format!("{before}token =\n    {value}{behind}"));
    }
}

/// Every spelling that has the secret on another line than its name, or over several lines, in one place after another.
#[test]
fn a_secret_over_several_lines_is_hidden() {
    let over_lines = SIGNS.iter().flat_map(|sign| {
        let values = VALUES.iter().map(move |value| (*sign, *value));
        values.filter(|(sign, (open, _))| sign.contains('\n') || open.contains('\n'))
    });
    let mut places = PLACES.iter().cycle();
    let mut looked = 0;
    let mut leaks = Vec::new();
    for (sign, (open, close)) in over_lines {
        for name in ["token", "\"tokne\""] {
            let (before, behind, path) = places.next().unwrap();
            let text = format!("{before}{name}{sign}{open}{SECRET}{close}{behind}");
            leaks.extend(leak(path, &text));
            looked += 1;
        }
    }
    assert!(looked > 500, "{looked}");
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}
