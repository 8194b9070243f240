//! Slips of the pen by the thousand: one letter deleted, inserted or swapped with its neighbour in a word of a valid
//! Nest. Each is found, nearly each is answered with the right word, and `gosling fix` puts it right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use fly_syntax::{FileId, Problem, SourceFile, Span};
use fly_typeck::checked::{CheckedAttribute, CheckedBlock};
use fly_typeck::types::Type;
use fly_typeck::{NestFiles, Variables};
use fly_workspace::fix;
use fly_workspace::{CheckedNest, check_files};
use rayon::prelude::*;
use regex::Regex;

use crate::examples::{NESTS, load};

/// What a word is to the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Attribute,
    BlockKind,
    EnumWord,
    Reference,
}

/// A word of a valid Nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    role: Role,
    file: u32,
    start: u32,
    end: u32,
}

/// `var.region`, `egg.app.runner.image`: a reference, wherever it is written.
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(var|local|preset|egg|each)(\.[a-z_][a-z0-9_-]*)+").unwrap());

fn words(nest: &CheckedNest) -> BTreeSet<Word> {
    let mut words = BTreeSet::new();
    for block in &nest.checked.blocks {
        of_block(nest, block, true, &mut words);
    }
    for (file, tree) in nest.files.files.iter().zip(&nest.trees) {
        for found in REFERENCE.find_iter(file.text()) {
            let commented = tree
                .comments
                .iter()
                .any(|comment| comment.span.range().contains(&found.start()));
            if commented {
                continue;
            }
            let mut start = found.start();
            for part in found.as_str().split('.') {
                words.insert(word(Role::Reference, file.id, start, part));
                start += part.len() + 1;
            }
        }
    }
    words
}

fn word(role: Role, file: FileId, start: usize, text: &str) -> Word {
    Word {
        role,
        file: file.0,
        start: u32::try_from(start).unwrap(),
        end: u32::try_from(start + text.len()).unwrap(),
    }
}

fn of_block(nest: &CheckedNest, block: &CheckedBlock, fixed: bool, words: &mut BTreeSet<Word>) {
    let file = &nest.files.files[block.header.file.0 as usize];
    let header = file.slice(block.header);
    let kind = header.split([' ', '{']).next().unwrap();
    if fixed {
        words.insert(word(Role::BlockKind, file.id, block.header.start as usize, kind));
    }
    let variants = block.schema.all_variants().map(|(_, schema)| schema);
    let schemas: Vec<_> = std::iter::once(block.schema).chain(variants).collect();
    for attribute in &block.attributes {
        let known = schemas
            .iter()
            .find_map(|schema| schema.attribute(&attribute.name));
        if let Some(known) = known {
            words.insert(spanned(Role::Attribute, attribute.name_span));
            of_value(nest, attribute, &known.ty, words);
        }
    }
    for child in &block.blocks {
        // The blocks of `message_queues` have any name one likes.
        let fixed = schemas.iter().any(|schema| schema.child(&child.name).is_some());
        of_block(nest, child, fixed, words);
    }
}

fn spanned(role: Role, span: Span) -> Word {
    Word {
        role,
        file: span.file.0,
        start: span.start,
        end: span.end,
    }
}

/// The words of an enum, or names of providers and eggs, that stand between quotes in a value.
fn of_value(nest: &CheckedNest, attribute: &CheckedAttribute, ty: &Type, words: &mut BTreeSet<Word>) {
    let role = match innermost(ty) {
        Type::Words(_) => Role::EnumWord,
        Type::Reference(_) => Role::Reference,
        _ => return,
    };
    let span = attribute.value_span;
    let file = &nest.files.files[span.file.0 as usize];
    let mut start = span.start as usize;
    for (index, part) in file.slice(span).split('"').enumerate() {
        if index % 2 == 1 {
            words.insert(word(role, file.id, start, part));
        }
        start += part.len() + 1;
    }
}

fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::List(element) | Type::Set(element) => innermost(element),
        other => other,
    }
}

/// A word with one letter too few, too many or changed in its place.
fn slips(word: &str) -> BTreeSet<String> {
    const LETTERS: &[u8] = b"etaoinshrdlucmfwypvbgkjqxz";
    let letters: Vec<char> = word.chars().collect();
    let mut slips = BTreeSet::new();
    for at in 0..letters.len() {
        let mut fewer = letters.clone();
        fewer.remove(at);
        slips.insert(fewer);
        let mut swapped = letters.clone();
        if at > 0 {
            swapped.swap(at - 1, at);
            slips.insert(swapped);
        }
    }
    for at in 0..=letters.len() {
        // Another letter at each place of each word, the same in every run.
        let letter = LETTERS[(at * 7 + letters.len() * 3 + word.len()) % LETTERS.len()];
        let mut more = letters.clone();
        more.insert(at, char::from(letter));
        slips.insert(more);
    }
    let slips = slips.into_iter().map(String::from_iter);
    slips.filter(|slip| slip != word && !slip.is_empty()).collect()
}

/// Every which slip the ordinary run tries; `just mistakes` tries all of them.
fn stride() -> usize {
    match std::env::var_os("POLAR_GOSLING_MISTAKES") {
        Some(_) => 1,
        None => 7,
    }
}

/// Each word of the Nest with each of its slips. What is written often is tried in two places.
fn tries(nest: &CheckedNest) -> Vec<(Word, String, String)> {
    let mut seen: BTreeMap<(Role, String), usize> = BTreeMap::new();
    let mut tries = Vec::new();
    for word in words(nest) {
        let text = nest.files.files[word.file as usize].text();
        let right = text[word.start as usize..word.end as usize].to_owned();
        let times = seen.entry((word.role, right.clone())).or_default();
        *times += 1;
        if *times <= 2 {
            tries.extend(slips(&right).into_iter().map(|slip| (word, right.clone(), slip)));
        }
    }
    tries.into_iter().step_by(stride()).collect()
}

/// What became of one slip.
struct Outcome {
    role: Role,
    /// `memory → memry at Eggs/app/config.fly:12: what was said`.
    shown: String,
    rejected: bool,
    named: bool,
    fixed: bool,
    /// One mistake, one problem.
    alone: bool,
}

fn with_slip(files: &NestFiles, word: Word, slip: &str) -> NestFiles {
    let mut files = files.clone();
    let file = &mut files.files[word.file as usize];
    let text = file.text();
    let text = format!(
        "{}{slip}{}",
        &text[..word.start as usize],
        &text[word.end as usize..]
    );
    *file = SourceFile::new(file.id, file.path.clone(), text);
    files
}

/// Whether a problem says the word: as something to write, or between backquotes.
fn names(problem: &Problem, right: &str) -> bool {
    let edits = problem
        .suggestions
        .iter()
        .flat_map(|suggestion| &suggestion.edits);
    let said = problem.help.iter().chain([&problem.message]);
    let quoted = format!("`{right}`");
    edits
        .map(|edit| edit.text.trim_matches('"'))
        .any(|text| text == right || text.ends_with(&format!(".{right}")))
        || said.into_iter().any(|text| text.contains(&quoted))
}

fn try_slip(files: &NestFiles, word: Word, right: &str, slip: &str) -> Outcome {
    let variables = Variables::default();
    let wrong = with_slip(files, word, slip);
    let file = &wrong.files[word.file as usize];
    let place = format!("{}:{}", file.path, file.position(word.start).line);
    let nest = check_files(wrong, &variables);
    let messages: Vec<&str> = nest
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let shown = format!("{:?} {right} -> {slip} at {place}: {messages:?}", word.role);
    let rejected = nest
        .problems
        .iter()
        .any(|problem| problem.severity() == fly_syntax::Severity::Error);
    let named = nest.problems.iter().any(|problem| names(problem, right));
    let alone = nest.problems.len() == 1;
    let fixed = fix(nest, &variables, |_, _| true).nest;
    Outcome {
        role: word.role,
        shown,
        rejected,
        named,
        fixed: fixed.problems.is_empty(),
        alone,
    }
}

#[test]
fn every_slip_is_rejected_named_and_fixed() {
    let mut counts: BTreeMap<Role, [usize; 5]> = BTreeMap::new();
    let mut accepted = Vec::new();
    let mut unnamed = Vec::new();
    let mut unfixed = Vec::new();
    let mut cascades = Vec::new();
    for name in NESTS {
        let nest = check_files(load(name), &Variables::default());
        assert!(nest.problems.is_empty(), "{name}");
        let outcomes: Vec<Outcome> = tries(&nest)
            .par_iter()
            .map(|(word, right, slip)| try_slip(&nest.files, *word, right, slip))
            .collect();
        for outcome in outcomes {
            let count = counts.entry(outcome.role).or_default();
            count[0] += 1;
            count[1] += usize::from(outcome.rejected);
            count[2] += usize::from(outcome.named);
            count[3] += usize::from(outcome.fixed);
            count[4] += usize::from(outcome.alone);
            if !outcome.rejected {
                accepted.push(outcome.shown);
            } else if !outcome.named {
                unnamed.push(outcome.shown);
            } else if !outcome.fixed {
                unfixed.push(outcome.shown);
            } else if !outcome.alone {
                cascades.push(outcome.shown);
            }
        }
    }
    for (role, [tried, rejected, named, fixed, alone]) in &counts {
        println!(
            "{role:?}: {tried} slips, {rejected} rejected, {named} named, {fixed} fixed, {alone} with one problem"
        );
    }
    for (what, list) in [
        ("accepted", &accepted),
        ("not named", &unnamed),
        ("not fixed", &unfixed),
        ("more than one problem", &cascades),
    ] {
        for shown in list {
            println!("{what}: {shown}");
        }
    }
    assert_eq!(accepted, Vec::<String>::new());
    for (role, [tried, _, named, fixed, alone]) in counts {
        assert!(tried >= 80, "{role:?}: {tried} slips are too few to say anything");
        assert!(named * 100 >= tried * 95, "{role:?}: {named} of {tried} named");
        assert!(fixed * 100 >= tried * 95, "{role:?}: {fixed} of {tried} fixed");
        assert!(
            alone * 100 >= tried * 99,
            "{role:?}: {alone} of {tried} gave one problem"
        );
    }
}
