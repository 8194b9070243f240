//! The whole of checking: from the trees of a Nest to its problems and, where there are none, its typed form.

use fly_syntax::{Problem, Severity, SourceFile, Span, SyntaxTree};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::checked::{self, CheckedBlock};
use crate::declared::{Declared, Top};
use crate::entity::{entity_block, preset_uses};
use crate::files::NestFiles;
use crate::globals::Globals;
use crate::instances;
use crate::merge::Completion;
use crate::nest::Nest;
use crate::resolve::Resolver;
use crate::sink::Sink;
use crate::value::Value;
use crate::variables::Variables;
use crate::{crosscheck, exposed, given, layout, problems, rules};

/// What checking a Nest gives.
#[derive(Debug)]
pub struct Checked {
    /// In the order of the files' paths and of the places in them.
    pub problems: Vec<Problem>,
    /// Places whose text may be a secret in plain sight: no output may show it.
    pub masks: Vec<Span>,
    /// Every top-level block as it was checked, for `gosling eval`.
    pub blocks: Vec<CheckedBlock>,
    /// Whether nothing is wrong, so that the Nest has a typed form.
    sound: bool,
}

impl Checked {
    /// The typed Nest, made anew at each call since many callers only want the problems; `None` where anything is
    /// wrong with it.
    #[must_use]
    pub fn nest(&self) -> Option<Nest> {
        if self.sound {
            Nest::from_blocks(&self.blocks)
        } else {
            None
        }
    }
}

/// Checks a Nest. `trees` are those of `files.files`, in the same order; their own problems are not repeated.
#[must_use]
pub fn check(files: &NestFiles, trees: &[SyntaxTree], variables: &Variables) -> Checked {
    with_globals(files, trees, variables, |globals, found| {
        let Found { mut sink, blocks } = found;
        let broken = trees.iter().any(|tree| tree.broken);
        tokens(files, trees, &mut sink);
        name_users(globals, &mut sink.problems);
        sort(files, &mut sink.problems);
        let wrong = broken
            || sink
                .problems
                .iter()
                .any(|problem| problem.severity() == Severity::Error);
        Checked {
            sound: !wrong,
            problems: sink.problems,
            masks: sink.masks,
            blocks,
        }
    })
}

/// A token in any text is a token in the repository, whatever the text is for.
fn tokens(files: &NestFiles, trees: &[SyntaxTree], sink: &mut Sink) {
    let files: Vec<_> = files.files.iter().zip(trees).collect();
    let found: Vec<Span> = files
        .par_iter()
        .with_min_len(64)
        .flat_map_iter(|(source, tree)| exposed::tokens(source, tree))
        .collect();
    for token in found {
        // What has a problem already has the one that fits its place.
        let has_problem = |problem: &Problem| problem.span.contains(token) || token.contains(problem.span);
        if !sink.problems.iter().any(has_problem) {
            let text = files
                .get(token.file.0 as usize)
                .map(|(source, _)| source.slice(token));
            sink.push(match text.is_some_and(|text| text.contains("AGE-SECRET-KEY-")) {
                true => problems::plain_secret::identity(token),
                false => problems::plain_secret::problem(token),
            });
        }
    }
}

/// What is found while a Nest is checked.
pub(crate) struct Found {
    pub(crate) sink: Sink,
    pub(crate) blocks: Vec<CheckedBlock>,
}

/// Checks a Nest and hands over the values of its names with what was found.
pub(crate) fn with_globals<T>(
    files: &NestFiles,
    trees: &[SyntaxTree],
    variables: &Variables,
    use_them: impl FnOnce(&mut Globals<'_>, Found) -> T,
) -> T {
    let mut sink = Sink::default();
    let (nest_files, flyvars): (Vec<_>, Vec<_>) = files
        .files
        .iter()
        .zip(trees)
        .partition(|(source, _)| source.path.ends_with(".fly"));
    let paths: Vec<&str> = nest_files.iter().map(|(source, _)| &*source.path).collect();
    let nest_trees: Vec<&SyntaxTree> = nest_files.iter().map(|(_, tree)| *tree).collect();
    layout::refused(files, &mut sink);
    let mut declared = Declared::collect(&nest_trees, &paths, &mut sink);
    files
        .refused
        .iter()
        .for_each(|refused| declared.haunt(&refused.path));
    declared.mislabelled = layout::check(files, &declared, &nest_files, &mut sink);

    let mut globals = Globals::new(&declared, &*files.reader, &files.files);
    given::resolve(&mut globals, &mut sink, &flyvars, variables);
    Resolver::new(&mut globals, &mut sink).early();

    // What only declares names has been looked at, or is once the rest is known.
    let (rules, blocks): (Vec<Top<'_>>, Vec<Top<'_>>) = declared
        .tops
        .iter()
        .partition(|top| matches!(top.schema().kind, "locals" | "variable" | "check"));
    let (listed, others): (Vec<Top<'_>>, Vec<Top<'_>>) = blocks
        .into_iter()
        .filter(|top| !matches!(top.schema().kind, "preset" | "provider"))
        .partition(|top| matches!(top.schema().kind, "egg" | "eggsbucket" | "job"));
    let mut checked = top_level_blocks(&globals, &mut sink, &listed);
    globals.lists = Some(lists(trees, &checked));
    Resolver::new(&mut globals, &mut sink).late();
    // No part of the lists, so these may be made of them: every egg's name for UglyFox.
    checked.extend(top_level_blocks(&globals, &mut sink, &others));
    checked.sort_by_key(|block| block.header);
    complete(&globals, &checked, &mut sink);

    for top in &rules {
        rules::check(&globals, &mut sink, *top);
    }
    let mut providers: Vec<CheckedBlock> = globals
        .providers
        .values()
        .map(|provider| CheckedBlock::clone(provider))
        .collect();
    providers.sort_by_key(|provider| provider.header);
    checked.extend(providers);
    crosscheck::check(&globals, &checked, &mut sink);
    once(&mut sink.problems);
    use_them(
        &mut globals,
        Found {
            sink,
            blocks: checked,
        },
    )
}

/// Checks blocks, on all cores; in their order.
fn top_level_blocks(globals: &Globals<'_>, sink: &mut Sink, blocks: &[Top<'_>]) -> Vec<CheckedBlock> {
    let (checked, found): (Vec<Vec<CheckedBlock>>, Vec<Sink>) = blocks
        .par_iter()
        .with_min_len(16)
        .map(|top| {
            let mut sink = Sink::default();
            (top_blocks(globals, &mut sink, *top), sink)
        })
        .unzip();
    found.into_iter().for_each(|found| sink.append(found));
    checked.into_iter().flatten().collect()
}

/// The block or, with `for_each`, the blocks that a top-level block makes.
fn top_blocks(globals: &Globals<'_>, sink: &mut Sink, top: Top<'_>) -> Vec<CheckedBlock> {
    let Some(instances) = globals.instances.get(&top.block.header) else {
        return vec![entity_block(globals, sink, top, None)];
    };
    match instances.each.as_deref() {
        Some(each) if !each.is_empty() => {
            let blocks = each.iter().map(|instance| {
                entity_block(
                    globals,
                    sink,
                    top,
                    Some(instances::each(instances, Some(instance))),
                )
            });
            blocks.collect()
        }
        // Nothing is made, but what is written is checked all the same.
        _ => {
            entity_block(globals, sink, top, Some(instances::each(instances, None)));
            Vec::new()
        }
    }
}

/// What is missing, shut out or another provider's, in every block to which nothing will be added any more.
fn complete(globals: &Globals<'_>, blocks: &[CheckedBlock], sink: &mut Sink) {
    let mut presets: Vec<(SmolStr, &CheckedBlock)> = globals
        .presets
        .iter()
        .map(|(name, preset)| (name.clone(), &**preset))
        .collect();
    presets.sort_by(|a, b| a.0.cmp(&b.0));
    let found: Vec<Sink> = blocks
        .par_iter()
        .with_min_len(64)
        .map(|block| {
            let mut sink = Sink::default();
            Completion {
                sink: &mut sink,
                presets: &presets,
            }
            .block(block);
            sink
        })
        .filter(|sink| !sink.problems.is_empty())
        .collect();
    found.into_iter().for_each(|found| sink.append(found));
    let mut providers: Vec<_> = globals.providers.values().collect();
    providers.sort_by_key(|provider| provider.header);
    let mut completion = Completion {
        sink,
        presets: &presets,
    };
    for provider in providers {
        completion.block(provider);
    }
    for (_, preset) in &presets {
        completion.part(preset);
    }
}

/// `eggs`, `eggsbuckets` and `jobs`; those that nothing mentions are left empty, since a large Nest's are large.
fn lists(trees: &[SyntaxTree], blocks: &[CheckedBlock]) -> FxHashMap<&'static str, Value> {
    let mentioned: FxHashSet<SmolStr> = trees
        .par_iter()
        .map(|tree| {
            let mut roots = FxHashSet::default();
            crate::walk::body(&tree.body, &mut |root, _, _| {
                if matches!(root.as_str(), "eggs" | "eggsbuckets" | "jobs") {
                    roots.insert(root.clone());
                }
            });
            roots
        })
        .reduce(FxHashSet::default, |mut all, some| {
            all.extend(some);
            all
        });
    let mut lists = FxHashMap::default();
    for (list, kind) in [("eggs", "egg"), ("eggsbuckets", "eggsbucket"), ("jobs", "job")] {
        let values = if mentioned.contains(list) {
            blocks
                .iter()
                .filter(|block| block.name == kind)
                .filter_map(checked::value)
                .collect()
        } else {
            Vec::new()
        };
        lists.insert(list, Value::list(values));
    }
    lists
}

/// A preset is looked at once however many use it, a `for_each` once for each entry: each problem is said once.
fn once(problems: &mut Vec<Problem>) {
    let mut seen = FxHashSet::default();
    problems.retain(|problem| seen.insert((problem.kind.code, problem.span, problem.message.clone())));
}

fn sort(files: &NestFiles, problems: &mut [Problem]) {
    let path = |span: Span| {
        files
            .files
            .get(span.file.0 as usize)
            .map(|source: &SourceFile| source.path.clone())
    };
    problems.sort_by_cached_key(|problem| {
        (
            path(problem.span),
            problem.span.start,
            problem.span.end,
            problem.kind.code,
        )
    });
}

/// Users of a preset that are named under a problem inside it, before "and so many more".
const NAMED_USERS: usize = 3;

/// Says at each problem that lies in a preset who uses that preset.
fn name_users(globals: &Globals<'_>, problems: &mut [Problem]) {
    if problems.is_empty() || globals.declared.presets.is_empty() {
        return;
    }
    let mut users: FxHashMap<SmolStr, Vec<Span>> = FxHashMap::default();
    for top in &globals.declared.tops {
        for (name, span) in preset_uses(&top.block.body) {
            users.entry(name).or_default().push(span);
        }
    }
    let presets: Vec<(&SmolStr, Span)> = globals
        .declared
        .presets
        .iter()
        .map(|(name, block)| (name, block.span()))
        .collect();
    for problem in problems.iter_mut() {
        let preset = presets.iter().find(|(_, span)| span.contains(problem.span));
        let Some(uses) = preset.and_then(|(name, _)| users.get(*name)) else {
            continue;
        };
        let named =
            |span: &Span| problem.span == *span || problem.labels.iter().any(|label| label.span == *span);
        if uses.iter().any(named) {
            continue;
        }
        for (index, span) in uses.iter().enumerate().take(NAMED_USERS) {
            let more = uses.len() - NAMED_USERS.min(uses.len());
            let message = match more {
                more if more > 0 && index + 1 == NAMED_USERS => {
                    format!("used here, and in {more} more places")
                }
                _ => "used here".to_owned(),
            };
            problem.labels.push(fly_syntax::Label { span: *span, message });
        }
    }
}
