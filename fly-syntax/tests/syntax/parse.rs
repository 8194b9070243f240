//! The parser on anything at all: it gives a tree of the whole text, says its problems in order, and ends.

use fly_syntax::source::FileId;
use fly_syntax::{Parsed, PieceKind, SourceFile, parse};
use proptest::prelude::*;

const GOOD: &str = include_str!("../../../examples/proxmox-lab/nest.fly");

/// Parses, and checks what holds of every tree.
fn sound(bytes: Vec<u8>) -> Parsed {
    let source = SourceFile::from_bytes(FileId(0), "Lib/test.fly", bytes);
    let parsed = parse(&source);
    let text = source.text();
    let mut at = 0;
    for piece in parsed.tree.pieces(&source) {
        assert_eq!(piece.span.start, at, "a gap before {piece:?}");
        at = piece.span.end;
        let between = text.get(piece.span.range()).unwrap();
        if piece.kind == PieceKind::Between && !parsed.tree.broken {
            let known = |c: char| c.is_whitespace() || "{}[]()=,.:?\"'$!<>&|+-*/%\u{feff}".contains(c);
            let words = ["for", "in", "if"];
            let rest = between
                .split(known)
                .filter(|word| !word.is_empty() && !words.contains(word));
            assert_eq!(rest.collect::<Vec<_>>(), Vec::<&str>::new(), "{between:?}");
        }
    }
    assert_eq!(at as usize, text.len());
    for problem in &parsed.problems {
        assert!(text.get(problem.span.range()).is_some(), "{problem:?}");
    }
    assert!(parsed.problems.is_sorted_by_key(|problem| problem.span.start));
    assert_eq!(parsed.tree.broken, !parsed.problems.is_empty());
    parsed
}

proptest! {
    #[test]
    fn any_bytes_give_a_tree_of_them_all(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        sound(bytes);
    }

    #[test]
    fn any_signs_give_a_tree_of_them_all(text in "[a-c =\\{\\}\\[\\]()\"'$\\\\\n\r\t<>#/*!?:,.+0-9E-]{0,200}") {
        sound(text.into_bytes());
    }

    #[test]
    fn a_good_file_with_a_slip_gives_a_tree(at in 0..GOOD.len(), length in 0..4usize, put in "[\\{\\}\\[\\]()\"=\n]{0,2}") {
        let mut bytes = GOOD.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        sound(bytes);
    }
}

#[test]
fn a_good_file_has_no_problem() {
    assert_eq!(sound(GOOD.into()).problems, []);
}

#[test]
fn bombs_end() {
    let bombs = [
        "{".repeat(300_000),
        "[".repeat(300_000),
        "x = ".to_owned() + &"(".repeat(300_000),
        "}".repeat(300_000),
        "\"".repeat(300_000),
        "x = ".to_owned() + &"\"${".repeat(10_000),
        format!("x = {}true\n", "!".repeat(100_000)),
        format!("x = {}1\n", "-".repeat(100_000)),
        format!("x = 1{}\n", "+1".repeat(50_000)),
        format!("x = a{}\n", ".a".repeat(50_000)),
        format!("x = {}\n", "a?".repeat(50_000)),
        "a {\n".repeat(20_000),
        "x = <<EOT\n".repeat(10_000),
        "<<<<<<< a\n=======\n>>>>>>> b\n".repeat(5_000),
        format!("((1 // {{\n  e\n// {}\n", "(".repeat(300)),
        format!("x = {}1{}\n", "(".repeat(250), ")".repeat(250)),
        format!("x = {}\n", "1 ? 2 : ".repeat(20_000)),
        format!("x = \"{}\"", "\"${\"".repeat(4000)),
        format!("{}{}", "${".repeat(197), "<<-EOT\n".repeat(800)),
        format!("x = {}", "([{\"${".repeat(60)),
        format!("x = {}", "<<E\n${".repeat(5000)),
        format!("x = {}", "('\"".repeat(20_000)),
        format!("{}{}", "a.bf(".repeat(800), "in in <<-E\n\"${".repeat(300)),
        format!("x = {}1{}\n", "{ \"${".repeat(60), "}\" ? 1 }".repeat(60)),
        format!("x = {}1{}\n", "a[f(".repeat(120), ") 1]".repeat(120)),
        format!("x = {}1{}\n", "(".repeat(120), " 1)".repeat(120)),
        format!("x = {}1{}\n", "[for x in ".repeat(120), "]".repeat(120)),
    ];
    for bomb in bombs {
        let shown: String = bomb.chars().take(20).collect();
        let problems = sound(bomb.into_bytes()).problems;
        assert!(
            !problems.is_empty() || shown.starts_with("x = ((((((("),
            "{shown}"
        );
    }
}

#[test]
fn a_tree_is_as_deep_as_its_brackets_and_operators_may_be_together() {
    let sum = format!(
        "x = {}1{}\n",
        "(".repeat(200),
        format!("{})", "+1".repeat(200)).repeat(200)
    );
    let problems = sound(sum.into_bytes()).problems;
    assert!(problems.iter().all(|problem| problem.kind.code == "FLY113"));
    assert!(!problems.is_empty());
    // Each conditional is a value of its own.
    let many: String = (0..500)
        .map(|index| format!("  x{index} = a ? [b ? 1 : 2, 3] : 4\n"))
        .collect();
    assert_eq!(sound(format!("locals {{\n{many}}}\n").into_bytes()).problems, []);
}

#[test]
fn a_template_and_a_condition_of_any_depth_end() {
    for text in [
        format!("${{{}", "(".repeat(100_000)),
        format!("${{{}1{}}}", "(".repeat(100_000), ")".repeat(100_000)),
        "${".repeat(50_000),
        "$${ } ${".to_owned(),
    ] {
        let source = SourceFile::new(FileId(0), "a.tpl", text);
        assert!(!fly_syntax::parse_template(&source).1.is_empty());
    }
    for text in [
        format!("f({}", "[".repeat(100_000)),
        format!("{}a", "NOT ".repeat(100_000)),
        format!("a{}", " AND a".repeat(100_000)),
        format!("a{}", ".b".repeat(100_000)),
    ] {
        let source = SourceFile::new(FileId(0), "a.fly", text);
        assert!(!fly_syntax::parse_predicate(&source, source.span()).1.is_empty());
    }
}

#[test]
fn the_place_of_a_text_that_is_not_closed_holds_all_of_it() {
    let parsed = sound("a = \"caf\u{e9}\n".into());
    let value = &parsed.tree.body.attributes().next().unwrap().value;
    let fly_syntax::tree::ExprKind::String(template) = &value.kind else {
        panic!("{value:?}");
    };
    let [fly_syntax::tree::TemplatePart::Literal { text, span }] = template.parts.as_slice() else {
        panic!("{template:?}");
    };
    assert_eq!((text.as_str(), span.range()), ("caf\u{e9}", 5..10));
}

#[test]
fn three_broken_blocks_are_three_problems_and_their_neighbours_stand() {
    let text = "a {\n  x = \n}\nb {\n  y = 1\n}\nc {\n  z 2\n}\nd {\n  w = 3\n}\ne {\n  v = [1, 2\n}\n";
    let parsed = sound(text.into());
    assert_eq!(parsed.problems.len(), 3, "{:?}", parsed.problems);
    let kinds: Vec<&str> = parsed
        .tree
        .body
        .blocks()
        .map(|block| block.kind.name.as_str())
        .collect();
    assert_eq!(kinds, ["a", "b", "c", "d", "e"]);
}
