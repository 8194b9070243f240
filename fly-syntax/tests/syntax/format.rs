//! The formatter: what it makes of each construct, and what it must never do.

use fly_syntax::source::FileId;
use fly_syntax::{Parsed, Refused, SourceFile, format, print, same_meaning};
use proptest::prelude::*;

use crate::{parsed, trees};

fn formatted(text: &str) -> String {
    let (file, parsed) = parsed(text);
    assert_eq!(parsed.problems, [], "{text}");
    format(&file, &parsed.tree).unwrap()
}

/// Source, and its canonical form.
const CASES: &[(&str, &str)] = &[
    // Files.
    ("", ""),
    (" \n\t\n", ""),
    ("\u{feff}a = 1", "a = 1\n"),
    ("\n\n\na = 1\n\n\n", "a = 1\n"),
    ("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"),
    ("# only\n\n\n# comments", "# only\n\n# comments\n"),
    ("a = 1\n# last", "a = 1\n# last\n"),
    // Attributes.
    ("a=1", "a = 1\n"),
    ("long   = 1\nb\t= 2", "long = 1\nb = 2\n"),
    ("a = 1 b = 2", "a = 1\nb = 2\n"),
    ("a = 1\n\n\n\nb = 2", "a = 1\n\nb = 2\n"),
    ("  a = 1  \n\tb = 2\t", "a = 1\nb = 2\n"),
    // Blocks.
    ("x{}", "x {}\n"),
    ("x  \"y\"\t{\n\n}", "x \"y\" {}\n"),
    ("x {a=1}", "x { a = 1 }\n"),
    ("x { a = 1 b = 2 }", "x {\n  a = 1\n  b = 2\n}\n"),
    ("x {\na = 1 }", "x {\n  a = 1\n}\n"),
    ("x {\n\n\na = 1\n\n\nb = 2\n\n}", "x {\n  a = 1\n\n  b = 2\n}\n"),
    ("x { y { a = 1 } }", "x { y { a = 1 } }\n"),
    (
        "x { y { a = 1 b = 2 } }",
        "x {\n  y {\n    a = 1\n    b = 2\n  }\n}\n",
    ),
    (
        "x {\n\ty \"z\" {\n\t\ta = 1\n\t}\n}",
        "x {\n  y \"z\" {\n    a = 1\n  }\n}\n",
    ),
    (
        "provider \"a\"    \"b\" { c = 1 }\n\n\nx {}",
        "provider \"a\" \"b\" { c = 1 }\n\nx {}\n",
    ),
    ("x { a = [\n1\n] }", "x {\n  a = [\n    1,\n  ]\n}\n"),
    // Comments around entries.
    (
        "#  kept as it is\n//too\n/// doc\na = 1",
        "#  kept as it is\n//too\n/// doc\na = 1\n",
    ),
    ("a = 1    # why   \nb = 2 // how", "a = 1 # why\nb = 2 // how\n"),
    ("x { # why\na = 1\n}", "x { # why\n  a = 1\n}\n"),
    (
        "x {\n\n# why\n\n\na = 1\n\n# end\n\n}",
        "x {\n  # why\n\n  a = 1\n\n  # end\n}\n",
    ),
    ("x {\n# empty\n}", "x {\n  # empty\n}\n"),
    ("x { /* empty */ }", "x { /* empty */\n}\n"),
    (
        "x { /* one */ a = 1 /* two */ }",
        "x {\n  /* one */ a = 1 /* two */\n}\n",
    ),
    ("a = 1 /* one */ b = 2", "a = 1\n/* one */ b = 2\n"),
    (
        "/* one  \r\n   two */\na = /* three */ 1",
        "/* one\n   two */\na = /* three */ 1\n",
    ),
    ("x /* why */ \"y\" { a = 1 }", "x /* why */ \"y\" { a = 1 }\n"),
    ("x {} # end", "x {} # end\n"),
    // Lists and calls.
    ("a = [ 1,2 , 3, ]", "a = [1, 2, 3]\n"),
    ("a = [\n]", "a = []\n"),
    ("a = [\n1,2\n]", "a = [\n  1,\n  2,\n]\n"),
    ("a = [1,\n2]", "a = [1, 2]\n"),
    (
        "a = [\n1, # one\n\n\n2 # two\n]",
        "a = [\n  1, # one\n\n  2, # two\n]\n",
    ),
    ("a = [1 # one\n, 2]", "a = [\n  1, # one\n  2,\n]\n"),
    (
        "a = [1, /* two */ 2 /* end */]",
        "a = [1, /* two */ 2 /* end */]\n",
    ),
    ("a = [1 /* one */, 2]", "a = [1 /* one */, 2]\n"),
    ("a = [\n# none\n]", "a = [\n  # none\n]\n"),
    ("a = [ /* none */ ]", "a = [/* none */]\n"),
    (
        "a = [{\nb = 1\n}, {\nb = 2\n}]",
        "a = [{\n  b = 1\n}, {\n  b = 2\n}]\n",
    ),
    ("a = f( 1,2 )", "a = f(1, 2)\n"),
    ("a = f(\n1,\n2\n)", "a = f(\n  1,\n  2\n)\n"),
    ("a = f( # why\n x)", "a = f( # why\n  x\n)\n"),
    ("a = f(g( ), [\n1\n])", "a = f(g(), [\n  1,\n])\n"),
    // Objects.
    ("a = {}", "a = {}\n"),
    ("a = {b=1,\"c\"=2}", "a = { b = 1, \"c\" = 2 }\n"),
    ("a = { b = 1\nc = 2 }", "a = { b = 1, c = 2 }\n"),
    ("a = {\nb = 1, c = 2,\n}", "a = {\n  b = 1\n  c = 2\n}\n"),
    ("a = { b = 1 # one\nc = 2 }", "a = {\n  b = 1 # one\n  c = 2\n}\n"),
    ("a = { b = # one\n1 }", "a = {\n  b = # one\n    1\n}\n"),
    (
        "a = {\nb = { c = 1 }\n\n\nd = [\n2\n]\n}",
        "a = {\n  b = { c = 1 }\n\n  d = [\n    2,\n  ]\n}\n",
    ),
    // Operators.
    ("a = 1+2*-b", "a = 1 + 2 * -b\n"),
    ("a = !b&&c||d", "a = !b && c || d\n"),
    ("a = b?c:d ? e : f", "a = b ? c : d ? e : f\n"),
    ("a = ( b )", "a = (b)\n"),
    ("a = b[ 0 ].c[\n\"d\"\n]", "a = b[0].c[\"d\"]\n"),
    ("a = (b && # c\nd)", "a = (\n  b && # c\n  d\n)\n"),
    ("a = (\nb &&\nc\n)", "a = (\n  b &&\n  c\n)\n"),
    ("a = (b\n&& c)", "a = (\n  b\n  && c\n)\n"),
    ("a = [b +\nc]", "a = [\n  b +\n    c,\n]\n"),
    ("a = 7   % 2", "a = 7 % 2\n"),
    (
        "a = 1_000\nb = 1h30m\nc = 80%\nd = 4GiB",
        "a = 1_000\nb = 1h30m\nc = 80%\nd = 4GiB\n",
    ),
    // Comprehensions.
    (
        "a = [ for x in xs:x.y if x.z ]",
        "a = [for x in xs : x.y if x.z]\n",
    ),
    ("a = {for k,v in m:k=>v}", "a = { for k, v in m : k => v }\n"),
    (
        "a = [\nfor x in xs :\nx\nif x\n]",
        "a = [\n  for x in xs :\n  x\n  if x\n]\n",
    ),
    // Texts.
    ("a = \"x  ${ b }  \\t,\"", "a = \"x  ${ b }  \\t,\"\n"),
    (
        "a = <<EOT\n  x \t\n\n\n  y,\n  EOT\nb=1",
        "a = <<EOT\n  x \t\n\n\n  y,\n  EOT\nb = 1\n",
    ),
    (
        "a = <<-EOT\r\n  x\r\n  EOT\r\nb = 1",
        "a = <<-EOT\n  x\n  EOT\nb = 1\n",
    ),
    ("a = <<EOT\r\nx\r\r\nEOT", "a = <<EOT\r\nx\r\r\nEOT\n"),
    ("a = f(<<EOT\nx\nEOT\n)", "a = f(\n  <<EOT\nx\nEOT\n)\n"),
    (
        "a = [<<EOT\nx\nEOT\n, 2]",
        "a = [\n  <<EOT\nx\nEOT\n  ,\n  2,\n]\n",
    ),
    (
        "a = {b = <<EOT\nx\nEOT\nc = 1}",
        "a = {\n  b = <<EOT\nx\nEOT\n  c = 1\n}\n",
    ),
];

#[test]
fn each_construct_has_its_form() {
    for (source, expected) in CASES {
        let text = formatted(source);
        assert_eq!(text, *expected, "of {source:?}");
        assert_eq!(formatted(&text), text, "a second time, of {source:?}");
        holds(source).unwrap();
    }
}

#[test]
fn a_block_that_is_too_long_for_its_line_is_broken() {
    let fits = format!("x {{ a = \"{}\" }}\n", "é".repeat(87));
    assert_eq!(fits.trim_end().chars().count(), 100 - 1);
    assert_eq!(formatted(&fits), fits);
    let word = "é".repeat(89);
    let long = format!("x {{ a = \"{word}\" }}\n");
    assert_eq!(formatted(&long), format!("x {{\n  a = \"{word}\"\n}}\n"));
}

#[test]
fn a_file_with_problems_is_refused() {
    let (file, parsed) = parsed("x {\n");
    assert_eq!(format(&file, &parsed.tree), Err(Refused::Broken));
}

#[test]
fn a_tree_of_another_file_is_refused() {
    let (_, parsed) = parsed("a = 1\n");
    let other = SourceFile::new(FileId(0), "Lib/test.fly", "b = 1 # and more\n");
    assert_eq!(format(&other, &parsed.tree), Err(Refused::Unfaithful));
}

#[test]
fn deep_brackets_with_comments_take_no_more_than_their_length() {
    let deep = format!("a = {}1{}\n", "[ # in\n".repeat(200), " # out\n]".repeat(200));
    let text = formatted(&deep);
    assert_eq!(text.lines().count(), 401);
    assert_eq!(formatted(&text), text);
}

/// All that formatting promises, for a text without problems.
fn holds(source: &str) -> Result<(), TestCaseError> {
    let (file, before) = parsed(source);
    prop_assert_eq!(&before.problems, &[], "{}", source);
    let text = format(&file, &before.tree);
    prop_assert!(text.is_ok(), "{}", source);
    let text = text.unwrap();
    let (new_file, after) = parsed(&text);
    prop_assert_eq!(&after.problems, &[], "{}\n--- became\n{}", source, text);
    prop_assert!(
        same_meaning(&before.tree.body, &after.tree.body),
        "{}\n--- became\n{}",
        source,
        text
    );
    prop_assert_eq!(
        comments(&file, &before),
        comments(&new_file, &after),
        "{}\n--- became\n{}",
        source,
        text
    );
    prop_assert_eq!(
        substance(&file, &before),
        substance(&new_file, &after),
        "{}\n--- became\n{}",
        source,
        text
    );
    let again = format(&new_file, &after.tree);
    prop_assert_eq!(again.as_ref(), Ok(&text), "{}\n--- became\n{}", source, text);
    prop_assert!(
        text.is_empty() || (text.ends_with('\n') && !text.ends_with("\n\n")),
        "{:?}",
        text
    );
    Ok(())
}

fn comments(file: &SourceFile, parsed: &Parsed) -> Vec<String> {
    let texts = parsed
        .tree
        .comments
        .iter()
        .map(|comment| file.slice(comment.span));
    texts
        .map(|text| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
        .collect()
}

/// What stands outside comments, without white space and commas.
fn substance(file: &SourceFile, parsed: &Parsed) -> String {
    let mut rest = file.text().to_owned();
    for comment in parsed.tree.comments.iter().rev() {
        rest.replace_range(comment.span.range(), "");
    }
    rest.retain(|c| c != ',' && c != '\u{feff}' && !c.is_whitespace());
    rest
}

/// What people leave in a file: comments, breaks, odd white space, commas.
const NOISE: &[&str] = &[
    "\n",
    "\n\n\n",
    "\r\n",
    " ",
    "\t",
    "\u{feff}",
    ",",
    "# hash\n",
    "#\n\n",
    "// slashes \t\n",
    "/// doc\r\n",
    "/* block */",
    "/* two  \r\n lines */",
    "\n# own line\n",
    "\n/* own line */\n",
    "(",
    ")",
    "<<EOT\n x\nEOT\n",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(prop::sample::Index, &'static str),
    Delete(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        6 => (place(), prop::sample::select(NOISE)).prop_map(|(place, noise)| Change::Insert(place, noise)),
        1 => place().prop_map(Change::Delete),
    ]
}

/// `text` with those of the changes that leave it without problems.
fn changed(mut text: String, changes: &[Change]) -> String {
    for change in changes {
        let mut candidate = text.clone();
        // Most places inside a word take no change: look on for the next border.
        let border = |text: &str, at: usize| {
            let marks = text.char_indices().skip_while(|(place, _)| *place < at);
            marks
                .map(|(place, _)| place)
                .find(|place| !text[*place..].starts_with(char::is_alphanumeric))
        };
        match change {
            Change::Insert(place, noise) => {
                let at = border(&text, place.index(text.len() + 1)).unwrap_or(text.len());
                candidate.insert_str(at, noise);
            }
            Change::Delete(place) => {
                if let Some(at) = border(&text, place.index(text.len() + 1)) {
                    candidate.remove(at);
                }
            }
        }
        if parsed(&candidate).1.problems.is_empty() {
            text = candidate;
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn noise_changes_neither_meaning_nor_comments(
        text in trees::bodies().prop_map(|body| print(&body)),
        changes in prop::collection::vec(change(), 0..24),
    ) {
        let text = format!("# first\n{text}");
        holds(&changed(text, &changes))?;
    }

    #[test]
    fn every_construct_stands_noise(
        case in prop::sample::select(CASES),
        changes in prop::collection::vec(change(), 1..16),
    ) {
        holds(&changed(case.0.to_owned(), &changes))?;
    }
}
