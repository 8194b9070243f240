//! What holds of checking whatever the input: it ends with problems whose places exist, and a wrong type is shown
//! where it is written.
#![allow(clippy::unwrap_used, clippy::panic)]

use fly_syntax::{Problem, Span};
use fly_typeck::{NestFiles, Variables, check};
use proptest::prelude::*;
use proptest::sample::Index;

/// A Nest without a problem.
const NEST: [(&str, &str); 5] = [
    ("nest.fly", include_str!("../../examples/proxmox-lab/nest.fly")),
    (
        "Eggs/app/config.fly",
        include_str!("../../examples/proxmox-lab/Eggs/app/config.fly"),
    ),
    (
        "Eggs/site/config.fly",
        include_str!("../../examples/proxmox-lab/Eggs/site/config.fly"),
    ),
    (
        "Jobs/prune-images.fly",
        include_str!("../../examples/proxmox-lab/Jobs/prune-images.fly"),
    ),
    (
        "Lib/presets.fly",
        include_str!("../../examples/proxmox-lab/Lib/presets.fly"),
    ),
];

/// The problems of a Nest; that all their places exist holds of each that is asked.
fn problems(files: &[(&str, &str)]) -> Result<Vec<Problem>, TestCaseError> {
    let owned = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let files = NestFiles::in_memory(owned);
    let (trees, mut problems) = files.parse();
    problems.extend(check(&files, &trees, &Variables::default()).problems);
    let inside = |span: Span| {
        let file = files.files.get(span.file.0 as usize);
        file.is_some_and(|file| file.text().get(span.range()).is_some())
    };
    for problem in &problems {
        let edits = problem
            .suggestions
            .iter()
            .flat_map(|suggestion| &suggestion.edits);
        let labels = problem.labels.iter().map(|label| label.span);
        let mut spans = labels.chain(edits.map(|edit| edit.span)).chain([problem.span]);
        prop_assert!(spans.all(inside), "{problem:?}");
    }
    Ok(problems)
}

#[test]
fn the_nest_has_no_problem() {
    assert_eq!(problems(&NEST).unwrap(), []);
}

/// One place of a text is changed.
#[derive(Debug, Clone)]
enum Slip {
    /// So many letters become this.
    Letters(Index, usize, String),
    /// A word becomes another one of the text.
    Word(Index, Index),
    /// A line is gone, or stands there twice.
    Line(Index, usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let place = any::<Index>;
    prop_oneof![
        (place(), 0..4usize, "[a-z0-9\\{\\}\\[\\]()\"=.,$!?:\n-]{0,3}")
            .prop_map(|(at, length, put)| Slip::Letters(at, length, put)),
        (place(), place()).prop_map(|(at, other)| Slip::Word(at, other)),
        (place(), prop_oneof![Just(0), Just(2)]).prop_map(|(at, times)| Slip::Line(at, times)),
    ]
}

impl Slip {
    fn make(&self, text: &str) -> String {
        let letters: Vec<(usize, char)> = text.char_indices().collect();
        match self {
            Self::Letters(at, length, put) => {
                let at = at.index(letters.len() + 1);
                let kept = letters.iter().skip(at + length).map(|(_, letter)| letter);
                let before = letters.iter().take(at).map(|(_, letter)| *letter);
                before.chain(put.chars()).chain(kept.copied()).collect()
            }
            Self::Word(at, other) => {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let words: Vec<&str> = text
                    .split(|c| !is_word(c))
                    .filter(|word| !word.is_empty())
                    .collect();
                if words.is_empty() {
                    return text.to_owned();
                }
                let (word, other) = (words[at.index(words.len())], words[other.index(words.len())]);
                let start = word.as_ptr() as usize - text.as_ptr() as usize;
                format!("{}{other}{}", &text[..start], &text[start + word.len()..])
            }
            Self::Line(at, times) => {
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                let at = at.index(lines.len().max(1));
                let lines = lines.iter().enumerate();
                lines
                    .map(|(index, line)| line.repeat(if index == at { *times } else { 1 }))
                    .collect()
            }
        }
    }
}

/// What wants an `int` at `@`, in a file without another problem.
const PLACES: [&str; 8] = [
    "variable \"v\" {\n  type = int\n  default = @\n}\n",
    "variable \"v\" {\n  type = list(int)\n  default = [1, @, 3]\n}\n",
    "variable \"v\" {\n  type = map(int)\n  default = { a = 1, b = @ }\n}\n",
    "variable \"v\" {\n  type = object({ a = list(object({ b = int })) })\n  default = { a = [{ b = @ }] }\n}\n",
    "locals {\n  v = range(@, 3)\n}\n",
    "locals {\n  v = [10, 20, 30][@]\n}\n",
    "locals {\n  v = cidrhost(\"10.0.0.0/24\", @)\n}\n",
    "preset \"p\" {\n  resources {\n    cpu = @\n  }\n}\n",
];

/// Expressions of every type but `int`, some of them wrong in themselves.
fn wrong() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "\"text\"",
        "\"é\\t\\u{1F986}\"",
        "[1]",
        "{ a = 1 }",
        "10m",
        "4GiB",
        "1.5",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let one = move || inner.clone();
        let around = |before: &'static str, after: &'static str| {
            one().prop_map(move |inner| format!("{before}{inner}{after}"))
        };
        prop_oneof![
            around("(", ")"),
            around("[", "]"),
            around("{ a = ", " }"),
            around("({ a = ", " }).a"),
            around("[", "][0]"),
            around("upper(", ")"),
            around("jsonencode(", ")"),
            around("(abs(", ") == 1)"),
            around("!(", ")"),
            around("-(", ")"),
            around("\"text ${", "}\""),
            around("[for x in [", "] : x]"),
            (one(), one()).prop_map(|(then, otherwise)| format!("(true ? {then} : {otherwise})")),
            (one(), one()).prop_map(|(left, right)| format!("({left} == {right})")),
            (one(), one()).prop_map(|(left, right)| format!("[{left}, /* é */ {right}]")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_text_is_checked(
        path in prop::sample::select(NEST.map(|(path, _)| path).to_vec()),
        text in "\\PC{0,80}|[a-z \\{\\}\\[\\]()\"'$\\\\\n<>#/*!?:,.=0-9-]{0,120}",
    ) {
        problems(&[(path, &text)])?;
    }

    #[test]
    fn a_good_nest_with_slips_is_checked(
        file in 0..NEST.len(),
        slips in prop::collection::vec(slip(), 1..6),
    ) {
        let mut nest = NEST;
        let text = slips.iter().fold(nest[file].1.to_owned(), |text, slip| slip.make(&text));
        nest[file].1 = &text;
        problems(&nest)?;
    }

    #[test]
    fn a_wrong_type_is_shown_where_it_is_written(
        place in prop::sample::select(PLACES.to_vec()),
        wrong in wrong(),
    ) {
        let start = place.find('@').unwrap();
        let text = place.replace('@', &wrong);
        let found = problems(&[("Lib/test.fly", &text)])?;
        prop_assert!(!found.is_empty(), "nothing is said of\n{}", text);
        for problem in found {
            let range = problem.span.range();
            prop_assert!(
                problem.kind.code.starts_with("FLY3") && start <= range.start && range.end <= start + wrong.len(),
                "{} at {:?} of {:?}: {}\n{}",
                problem.kind.code, range, start..start + wrong.len(), problem.message, text
            );
        }
    }
}

#[test]
fn the_places_of_wrong_types_want_an_int() {
    for place in PLACES {
        let text = place.replace('@', "2");
        assert_eq!(problems(&[("Lib/test.fly", &text)]).unwrap(), [], "{place}");
    }
}
