//! What is said of a place where a secret may stand in plain: never a word of the secret.

use fly_domain::token_in;
use fly_syntax::{Problem, SourceFile, Span};
use rustc_hash::FxHashSet;

use crate::exposed::apart;
use crate::problems;

/// What stands for a part that may be a secret.
pub const MASK: &str = "***MASKED***";

/// A hidden text of at least so many bytes is looked for in the words of problems that lie elsewhere. A shorter one is
/// as good as any other word.
const LEAST: usize = 6;

/// Takes every word of a hidden place out of the problems. A problem that lies in such a place and would repeat what
/// stands there becomes the one that a plain text stands where a secret belongs; of any other, words and suggestions
/// that repeat it are left out. `hidden` is in order, as [`exposed`](crate::exposed) gives it.
pub fn withhold(problems: &mut Vec<Problem>, files: &[SourceFile], hidden: &[Span]) {
    problems.iter_mut().for_each(mask_tokens);
    if hidden.is_empty() {
        return;
    }
    let shown = |span: Span| {
        let source = files.get(span.file.0 as usize);
        source.map_or("", |source| source.slice(span))
    };
    let whole: FxHashSet<&str> = hidden
        .iter()
        .map(|span| shown(*span).trim_matches(is_quote).trim())
        .filter(|text| text.len() >= LEAST)
        .collect();
    let mut replaced = FxHashSet::default();
    problems.retain_mut(|problem| {
        let here: Vec<Span> = touched(problem, hidden).collect();
        let words: FxHashSet<String> = here
            .iter()
            .flat_map(|span| words(shown(*span)))
            .map(str::to_lowercase)
            .collect();
        let secret = &|quoted: &str| {
            whole.contains(quoted.trim_matches(is_quote).trim())
                || self::words(quoted).any(|word| words.contains(&word.to_lowercase()))
        };
        // A back quote in the text would end what is quoted too early: then every part counts.
        let all = here.iter().any(|span| shown(*span).contains('`'));
        if !repeats(problem, all, secret) {
            return true;
        }
        let at = here.iter().find(|span| span.contains(problem.span));
        if let Some(at) = at {
            *problem = problems::plain_secret::problem(*at);
            return replaced.insert(*at);
        }
        redact(problem, all, secret);
        true
    });
    // In the place of a secret, all that is wrong is one problem.
    let plain = |problem: &Problem| std::ptr::eq(problem.kind, &problems::plain_secret::KIND);
    let secrets: Vec<Span> = apart(
        problems
            .iter()
            .filter(|problem| plain(problem))
            .map(|problem| problem.span)
            .collect(),
    );
    let inside = |problem: &Problem| {
        let at = problem.span;
        let before = secrets.partition_point(|secret| (secret.file, secret.start) <= (at.file, at.start));
        before
            .checked_sub(1)
            .is_some_and(|before| secrets[before].contains(at))
    };
    problems.retain(|problem| plain(problem) || !inside(problem));
}

/// Masks what looks like a token in the words of a problem: they may repeat a value that stands elsewhere.
fn mask_tokens(problem: &mut Problem) {
    let labels = problem.labels.iter_mut().map(|label| &mut label.message);
    let texts = [&mut problem.message, &mut problem.note]
        .into_iter()
        .chain(&mut problem.help)
        .chain(labels);
    for text in texts {
        if let Some(masked) = without_tokens(text) {
            *text = masked;
        }
    }
}

/// A text with a mask for each part that looks like a token; `None` where it has none.
#[must_use]
pub fn without_tokens(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(token) = token_in(rest) {
        masked.push_str(rest.get(..token.start).unwrap_or_default());
        masked.push_str(MASK);
        rest = rest.get(token.end..).unwrap_or_default();
    }
    (rest.len() < text.len()).then(|| masked + rest)
}

/// The hidden places that a problem is about.
fn touched<'h>(problem: &'h Problem, hidden: &'h [Span]) -> impl Iterator<Item = Span> + 'h {
    let edits = problem.suggestions.iter().flat_map(|way| &way.edits);
    let places = std::iter::once(problem.span)
        .chain(problem.labels.iter().map(|label| label.span))
        .chain(edits.map(|edit| edit.span));
    places.flat_map(|place| {
        let first = hidden.partition_point(|span| (span.file, span.end) < (place.file, place.start));
        hidden[first..]
            .iter()
            .take_while(move |span| span.file == place.file && span.start <= place.end)
            .copied()
    })
}

/// Kinds whose words never come from the file.
fn is_safe(problem: &Problem) -> bool {
    [
        &problems::plain_secret::KIND,
        &problems::malformed_secret::KIND,
        &problems::unknown_scheme::KIND,
    ]
    .into_iter()
    .any(|kind| std::ptr::eq(problem.kind, kind))
}

fn repeats(problem: &Problem, all: bool, secret: impl Fn(&str) -> bool + Copy) -> bool {
    if is_safe(problem) {
        return false;
    }
    let labels = problem.labels.iter().map(|label| &label.message);
    let ways = problem.suggestions.iter().map(|way| &way.message);
    let mut words = std::iter::once(&problem.message)
        .chain(Some(&problem.note))
        .chain(&problem.help)
        .chain(labels)
        .chain(ways);
    words.any(|text| quoted_parts(text, all).any(secret))
        || problem.suggestions.iter().any(|way| {
            let mut edits = way.edits.iter();
            edits.any(|edit| secret(&edit.text))
        })
}

/// Masks each quoted part that repeats a secret, and leaves out suggestions that would.
fn redact(problem: &mut Problem, all: bool, secret: impl Fn(&str) -> bool + Copy) {
    let texts = std::iter::once(&mut problem.message)
        .chain(Some(&mut problem.note))
        .chain(&mut problem.help)
        .chain(problem.labels.iter_mut().map(|label| &mut label.message));
    for text in texts {
        let masked: Vec<&str> = text
            .split('`')
            .enumerate()
            .map(|(index, part)| {
                if (all || index % 2 == 1) && secret(part) {
                    MASK
                } else {
                    part
                }
            })
            .collect();
        *text = masked.join("`");
    }
    problem.suggestions.retain(|way| {
        let told = quoted_parts(&way.message, all).any(secret);
        !told && !way.edits.iter().any(|edit| secret(&edit.text))
    });
}

/// The parts of a message that stand between back quotes, as what comes from the file is written; or all parts.
fn quoted_parts(text: &str, all: bool) -> impl Iterator<Item = &str> {
    let (skip, step) = if all { (0, 1) } else { (1, 2) };
    text.split('`').skip(skip).step_by(step)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 1)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}
