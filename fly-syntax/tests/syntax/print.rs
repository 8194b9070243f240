//! Printing trees, and what comes back from the parser.

use fly_syntax::{format, print, same_meaning};
use proptest::prelude::*;

use crate::{parsed, trees};

/// The text of a file read and printed again.
fn printed(text: &str) -> String {
    let (_, parsed) = parsed(text);
    assert_eq!(parsed.problems, [], "{text}");
    print(&parsed.tree.body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_printed_parses_to_the_same_tree(body in trees::bodies()) {
        let text = print(&body);
        let (file, parsed) = parsed(&text);
        prop_assert_eq!(&parsed.problems, &[], "{}", text);
        prop_assert!(same_meaning(&body, &parsed.tree.body), "{}", text);
        prop_assert_eq!(format(&file, &parsed.tree), Ok(text), "printed text is formatted");
    }
}

#[test]
fn quantities_are_exact() {
    let text = "a = 90m\nb = 86400s\nc = 1500ms\nd = 0s\ne = 4096MiB\nf = 20000MB\ng = 1500B\nh = 12.5%\n";
    let expected = "a = 1h30m\nb = 1d\nc = 1s500ms\nd = 0s\ne = 4GiB\nf = 20GB\ng = 1500B\nh = 12.5%\n";
    assert_eq!(printed(text), expected);
}

#[test]
fn strings_are_escaped() {
    for text in [
        "a = \"line\\ntab\\tquote\\\"backslash\\\\\"\n",
        "a = \"$${not} ${var.x} \\u{1B}\"\n",
        "a = \"\\u{24}${var.x}\"\n",
        "a = <<EOT\n  $${x} ${var.y}\n\nEOT\n",
    ] {
        assert_eq!(printed(text), text);
    }
}

#[test]
fn a_terminator_that_stands_in_the_text_is_replaced() {
    let text = "a = <<-END\n  EOT\n  END_\n  END\n";
    assert_eq!(printed(text), "a = <<END__\nEOT\nEND_\nEND__\n");
}

#[test]
fn lines_that_grow_too_long_are_broken_from_outside_in() {
    let word = "x".repeat(45);
    let text = format!("a = f([\"{word}\", \"{word}\"], {{ b = \"{word}\" }})\n");
    let expected = format!("a = f(\n  [\"{word}\", \"{word}\"],\n  {{ b = \"{word}\" }}\n)\n");
    assert_eq!(printed(&text), expected);
}

#[test]
fn meaning_tells_trees_apart() {
    let base = "a = 1\nb \"x\" { c = [1, { d = \"e${f}\" }] }\n";
    let same = "a=(1)\nb   \"x\" {\n c = [ 1, { d = \"e${ f }\" }, ]\n}\n";
    let (_, base) = parsed(base);
    let (_, same) = parsed(same);
    assert!(same_meaning(&base.tree.body, &same.tree.body));
    for other in [
        "a = 2\nb \"x\" { c = [1, { d = \"e${f}\" }] }\n",
        "a = 1\nb \"y\" { c = [1, { d = \"e${f}\" }] }\n",
        "a = 1\nb \"x\" { c = [1, { d = \"e${g}\" }] }\n",
        "a = 1\nb \"x\" { c = [1, { \"d\" = \"e${f}\" }] }\n",
        "a = 1\nb \"x\" { c = [1] }\n",
        "a = 1\n",
    ] {
        let (_, other) = parsed(other);
        assert!(!same_meaning(&base.tree.body, &other.tree.body));
    }
}

#[test]
fn chains_as_long_as_the_language_allows_come_back() {
    let sum = vec!["1"; 250].join(" + ");
    let path = format!("a{}", ".b".repeat(250));
    let text = format!("a = {sum}\nb = {path}\n");
    assert_eq!(printed(&text), text);
}
