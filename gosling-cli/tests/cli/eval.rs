//! `gosling eval` of expressions as people type them.

use crate::support::Folder;

#[test]
fn an_expression_may_begin_with_a_minus() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["eval", "-7 / 2"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "-3\n"), "{ran:?}");
}

#[test]
fn the_expression_is_no_file_of_the_nest() {
    let folder = Folder::with(&[("Lib/a.fly", "locals {\n  a = 1\n}\n")]);
    let ran = folder.run(&["eval", "1 +"]);
    assert!(ran.err.contains("\n1 error in <expression>\n"), "{ran:?}");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["eval", "{ a = 1, a = 2 }"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("FLY315"), "{ran:?}");
}

#[test]
fn what_turns_the_direction_of_writing_is_printed_as_an_escape() {
    let folder = Folder::with(&[(
        "Lib/a.fly",
        "locals {\n  a = \"x\u{202e}y\u{2066}\u{1b}[2J\"\n}\n",
    )]);
    for (args, expected) in [
        (&["eval", "local.a"][..], "\"x\\u{202E}y\\u{2066}\\u{1B}[2J\"\n"),
        (&["eval", "local.a", "--json"], "\"x\\u202ey\\u2066\\u001b[2J\"\n"),
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.out.to_lowercase(), expected.to_lowercase(), "{args:?}");
    }
}

#[test]
fn the_type_of_nothing_is_named_in_words() {
    let folder = Folder::with(&[]);
    for expression in ["keys([])", "[] == {}", "{ a = [] } == 1"] {
        let ran = folder.run(&["eval", expression]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.err.contains("FLY3") && !ran.err.contains("unknown"),
            "{ran:?}"
        );
    }
}
