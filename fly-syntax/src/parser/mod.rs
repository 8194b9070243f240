//! From text to tree: the grammar's pairs become [`tree`](crate::tree) nodes, what is broken becomes problems.

mod entries;
mod expressions;
mod predicate;
mod texts;

use std::collections::HashSet;

use pest::Parser as _;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::Parsed;
use crate::diagnostic::Problem;
use crate::problems;
use crate::scan::{self, Form, MOST_NESTING, Repaired, Scan};
use crate::source::{SourceFile, Span};
use crate::tree::{Body, Expr, ExprKind, Ident, SyntaxTree, Template};

/// The grammar's own parser; its rules stay in this module.
#[derive(Parser)]
#[grammar = "../../grammar/fly.pest"]
struct Grammar;

type Node<'i> = Pair<'i, Rule>;

/// Nesting from which on the work is done on a thread with room for it: debug builds have large frames.
const DEEP: usize = 24;
/// Enough for [`MOST_NESTING`] levels in a debug build.
const DEEP_STACK: usize = 256 << 20;

/// Parses a file. Never fails: what cannot be read is in the tree as such, and reported.
#[must_use]
pub fn parse(source: &SourceFile) -> Parsed {
    with_room(source, Form::Code, |builder, text| builder.file(text))
}

/// Parses a text that is one expression: a value from the command line, an argument of `gosling eval`.
#[must_use]
pub fn parse_expression(source: &SourceFile) -> (Expr, Vec<Problem>) {
    with_room(source, Form::Code, |mut builder, text| {
        let expr = match Grammar::parse(Rule::only_expression, text) {
            Ok(mut pairs) => builder.first_expression(pairs.next()),
            Err(error) => {
                builder.explain(&error, 0);
                None
            }
        };
        let broken = Expr {
            kind: ExprKind::Broken,
            span: source.span(),
        };
        let problems = builder.finished();
        (expr.unwrap_or(broken), problems)
    })
}

/// Parses a text with `${...}` in it, as `templatefile` reads files.
#[must_use]
pub fn parse_template(source: &SourceFile) -> (Template, Vec<Problem>) {
    with_room(source, Form::Template, |mut builder, text| {
        let template = match Grammar::parse(Rule::only_template, text) {
            Ok(mut pairs) => pairs.next().map(|pair| builder.template(pair.into_inner())),
            Err(error) => {
                builder.explain(&error, 0);
                None
            }
        };
        (template.unwrap_or_default(), builder.finished())
    })
}

/// Parses what stands inside a text literal as a predicate: `failed_count >= 3 AND age > 1h`. Places are the file's.
#[must_use]
pub fn parse_predicate(source: &SourceFile, content: Span) -> (Expr, Vec<Problem>) {
    let repaired = Repaired::new("", Vec::new());
    let mut builder = Builder::new(source, &repaired);
    builder.offset = content.start as usize;
    builder.single_quotes = true;
    let text = source.slice(content);
    let depth = text
        .bytes()
        .filter(|byte| matches!(byte, b'(' | b'[' | b'{' | b'?'))
        .count();
    let broken = Expr {
        kind: ExprKind::Broken,
        span: content,
    };
    if depth > MOST_NESTING / 8 {
        let problem = problems::too_deep::problem(content, "parentheses", MOST_NESTING / 8);
        return (broken, vec![problem]);
    }
    let expr = match Grammar::parse(Rule::predicate, text) {
        Ok(mut pairs) => pairs.next().and_then(|pair| builder.predicate(pair)),
        Err(error) => {
            builder.explain(&error, 0);
            None
        }
    };
    (expr.unwrap_or(broken), builder.finished())
}

/// Scans, then builds on a thread with a large stack where the text nests deeply.
fn with_room<T: Send>(
    source: &SourceFile,
    form: Form,
    build: impl FnOnce(Builder<'_>, &str) -> T + Send,
) -> T {
    let Scan {
        comments,
        problems,
        repairs,
        depth,
    } = scan::scan(source, form);
    let repaired = Repaired::new(if repairs.is_empty() { "" } else { source.text() }, repairs);
    let text = if repaired.text.is_empty() {
        source.text()
    } else {
        &repaired.text
    };
    let work = || {
        let mut builder = Builder::new(source, &repaired);
        builder.problems = problems;
        builder.comments = comments;
        if let Some(at) = source.first_invalid_byte() {
            let byte = source.bytes().get(at).copied().unwrap_or(0);
            builder.problems.push(problems::not_text::problem(
                Span::new(source.id, at..at + 1),
                byte,
            ));
        }
        build(builder, text)
    };
    if depth < DEEP {
        return work();
    }
    std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new()
            .stack_size(DEEP_STACK)
            .spawn_scoped(scope, work);
        match spawned.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // No thread to be had: the machine is out of memory, and so is this process soon.
            Err(error) => std::panic::resume_unwind(Box::new(error)),
        }
    })
}

/// Makes the tree.
struct Builder<'s> {
    source: &'s SourceFile,
    repaired: &'s Repaired,
    /// Where the parsed text starts in the file.
    offset: usize,
    problems: Vec<Problem>,
    /// How many blocks stand around the current place.
    blocks: usize,
    /// How many operators, prefixes and steps of paths stand around the current place: each is a level of the tree.
    chained: usize,
    comments: Vec<crate::tree::Comment>,
    /// Whether texts may stand in single quotes, as they do in a condition that is itself a text.
    single_quotes: bool,
}

impl<'s> Builder<'s> {
    fn new(source: &'s SourceFile, repaired: &'s Repaired) -> Self {
        Self {
            source,
            repaired,
            offset: 0,
            problems: Vec::new(),
            blocks: 0,
            chained: 0,
            comments: Vec::new(),
            single_quotes: false,
        }
    }

    fn file(mut self, text: &str) -> Parsed {
        let body = match Grammar::parse(Rule::file, text) {
            Ok(mut pairs) => pairs.next().map(|pair| self.body(pair.into_inner())),
            Err(error) => {
                self.explain(&error, 0);
                None
            }
        };
        let comments = std::mem::take(&mut self.comments);
        let span = self.source.span();
        let problems = self.finished();
        let tree = SyntaxTree {
            body: body.unwrap_or_else(|| Body {
                entries: vec![crate::tree::Entry::Broken(crate::tree::Broken {
                    span,
                    name: None,
                })],
            }),
            comments,
            span,
            broken: !problems.is_empty(),
        };
        Parsed { tree, problems }
    }

    /// The problems in order; beside one that something is nested too deeply, or that the file is no text, what else is
    /// wrong at that place goes unsaid.
    fn finished(mut self) -> Vec<Problem> {
        // A place is found in the balanced copy too, which may be longer than the file.
        let text = self.source.text();
        let inside = |at: u32| {
            let mut at = (at as usize).min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        self.doubt_stray_closers();
        for problem in &mut self.problems {
            let (start, end) = (inside(problem.span.start), inside(problem.span.end));
            problem.span = Span::new(problem.span.file, start..end.max(start));
        }
        self.problems
            .sort_by_key(|problem| (problem.span.start, problem.span.end));
        let line = |span: Span| self.source.line(span.start);
        let is = |problem: &Problem, kind| std::ptr::eq(problem.kind, kind);
        let deep: HashSet<u32> = self
            .problems
            .iter()
            .filter(|problem| is(problem, &problems::too_deep::KIND))
            .map(|problem| line(problem.span))
            .collect();
        if !deep.is_empty() {
            self.problems.retain(|problem| {
                is(problem, &problems::too_deep::KIND) || !deep.contains(&line(problem.span))
            });
        }
        let no_text = self
            .problems
            .iter()
            .find(|problem| is(problem, &problems::not_text::KIND));
        if let Some(no_text) = no_text.map(|problem| line(problem.span)) {
            // The bad byte is a `?` to the grammar.
            self.problems
                .retain(|problem| is(problem, &problems::not_text::KIND) || line(problem.span) < no_text);
        }
        self.problems
    }

    /// A bracket that closes nothing goes with its line, and without a question only where nothing else is wrong: it
    /// may be the right one, and what it closes be lost by another mistake.
    fn doubt_stray_closers(&mut self) {
        let stray = |problem: &Problem| std::ptr::eq(problem.kind, &problems::stray_closer::KIND);
        let alone = self.problems.iter().all(stray);
        let text = self.source.text();
        for problem in self.problems.iter_mut().filter(|problem| stray(problem)) {
            for suggestion in &mut problem.suggestions {
                suggestion.certain &= alone;
                for edit in &mut suggestion.edits {
                    edit.span = problems::stray_closer::with_its_line(edit.span, text);
                }
            }
        }
    }

    fn span(&self, node: &Node<'_>) -> Span {
        let span = node.as_span();
        self.place(span.start(), span.end())
    }

    fn place(&self, start: usize, end: usize) -> Span {
        let (start, end) = (start + self.offset, end + self.offset);
        Span::new(
            self.source.id,
            self.repaired.original(start)..self.repaired.original(end),
        )
    }

    fn ident(&self, node: &Node<'_>) -> Ident {
        Ident {
            name: node.as_str().into(),
            span: self.span(node),
        }
    }

    /// What the grammar's furthest failure means to a person. `start` is where the parsed piece starts in the text.
    fn explain(&mut self, error: &pest::error::Error<Rule>, start: usize) {
        let at = start
            + match error.location {
                pest::error::InputLocation::Pos(at) => at,
                pest::error::InputLocation::Span((at, _)) => at,
            };
        let place = self.place(at, at);
        let rest = self.source.text().get(place.start as usize..).unwrap_or_default();
        self.unexpected(place.start as usize, rest);
    }

    /// Reports the word at the start of `rest`, which stands at `at` in the file, as out of place.
    fn unexpected(&mut self, at: usize, rest: &str) {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let rest = &rest[blanks..];
        let at = at + blanks;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match rest.chars().next() {
            None | Some('\n') => 0,
            Some(first) if word(first) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            Some(first) => first.len_utf8(),
        };
        let found = &rest[..length];
        let span = Span::new(self.source.id, at..at + length);
        let before = self.source.text().as_bytes().get(..at);
        let wanted = match found {
            "" => "a value is missing: the line ends too early",
            "\u{201c}" | "\u{201d}" | "\u{201e}" | "\u{2018}" | "\u{2019}" => {
                "this is a typographic quote; texts stand in plain ones: `\"`"
            }
            ";" => "lines end without a sign: delete the `;`",
            "*" if before.is_some_and(|before| before.ends_with(b"[")) => {
                "there is no `[*]`: the field of each element is `[for x in list : x.name]`"
            }
            "," => "nothing stands between entries of a body, and a value before each comma of a list",
            "=" => "a comparison is `==`; an attribute has one `=`, behind its name",
            "&" => "\"and\" is `&&`",
            "|" => "\"or\" is `||`",
            "$" => "an interpolation, `${...}`, stands inside a text: `\"${...}\"`",
            _ => "a value, a name or an operator could stand here",
        };
        self.problems
            .push(problems::unexpected::problem(span, found, wanted));
    }
}
