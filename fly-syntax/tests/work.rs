//! Reading takes work in proportion to the text, whatever the text is. The work is counted by pest, which gives up at a
//! limit; this is a test binary of its own because the limit holds for the whole process.
#![allow(clippy::unwrap_used)]

use std::num::NonZeroUsize;

use fly_syntax::tree::Entry;
use fly_syntax::{FileId, SourceFile, parse};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Bytes of the longest text.
const LONGEST: usize = 6000;
/// Rules that may be tried for a byte. What is written by people takes some 60; brackets that are each one broken take
/// the most, since what is left in each is skipped once more.
const TRIES: usize = 4000;

const PARTS: [&str; 48] = [
    "a",
    "b ",
    "=",
    "= ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "\"",
    "${",
    "}",
    "'",
    "<<E\n",
    "<<-E\n",
    "E\n",
    "\nE\n",
    "/*",
    "*/",
    "//",
    "#",
    ",",
    ";",
    ":",
    " ? ",
    " : ",
    "+",
    "-",
    "!",
    "1 1",
    "for ",
    "[for x in ",
    "{for a,b in ",
    "=>",
    "\\",
    "$${",
    "a = ",
    "a \"b\" {\n",
    "<<<<<<< a\n",
    "=======\n",
    ".b",
    "f(",
    "\"${",
    "}\"",
];

/// Reads a text within the limit: what is given up has nothing but one broken entry.
fn is_read(text: &str) -> bool {
    let source = SourceFile::new(FileId(0), "Lib/test.fly", text);
    let parsed = parse(&source);
    let whole = |entry: &Entry| matches!(entry, Entry::Broken(broken) if broken.span == source.span());
    parsed.tree.body.entries.iter().all(|entry| !whole(entry))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]
    #[test]
    fn nonsense_is_read_in_proportion_to_its_length(
        units in proptest::collection::vec(
            (proptest::collection::vec(0..PARTS.len(), 1..4), prop_oneof![Just(1usize), 2..20usize, 20..600usize]),
            1..5,
        )
    ) {
        pest::set_call_limit(NonZeroUsize::new(LONGEST * TRIES));
        let mut text = String::from("a = 1\n");
        for (unit, times) in units {
            let unit: String = unit.into_iter().map(|part| PARTS[part]).collect();
            text.push_str(&unit.repeat(times));
        }
        text.truncate(LONGEST);
        prop_assert!(is_read(&text));
    }
}
