//! FLY906: a character that nobody sees.

use fly_syntax::{Kind, Problem, Severity, Span};

/// A character that nobody sees.
pub(crate) static KIND: Kind = Kind {
    code: "FLY906",
    title: "a character that nobody sees",
    severity: Severity::Warning,
    explanation: r#"A zero-width space, a control character or a sign that turns the direction of text does not show in an editor. It comes
with pasted text, or somebody put it there so that a reviewer reads something else than gosling does. Where it is meant,
write it as an escape: `\u{200b}`.
"#,
    wrong: "locals {\n  name = \"a\u{200b}pi\"\n}\n",
    right: "locals {\n  name = \"a\\u{200b}pi\"\n}\n",
};

/// `name` is how the character is called.
pub(crate) fn problem(at: Span, character: char, name: &str) -> Problem {
    let code = u32::from(character);
    Problem::new(&KIND, at, format!("a {name} (U+{code:04X}) stands here"))
        .note("invisible")
        .help(format!("delete it, or write it as `\\u{{{code:x}}}` where it is meant"))
        .maybe("delete it", at, "")
}
