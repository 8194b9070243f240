//! What a path such as `egg.runner.concurrent` names.

use super::catalogue::{Entry, entries};
use crate::schema::{AttributeSchema, BlockSchema, Rest, language};
use crate::types::Type;

/// What a path names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    /// A block, and what it is for there.
    Block(&'static BlockSchema, &'static str),
    /// An attribute.
    Attribute(&'static AttributeSchema),
    /// An attribute whose name is free: its words and its type.
    Named(&'static str, &'static Type),
    /// `use` or `for_each`: its words.
    Language(&'static str),
}

/// What `path` names, and its path from top level. A path may start at any block: `runner.concurrent` is found in
/// the first block of the reference that has it.
pub(super) fn find(path: &str) -> Option<(String, Found)> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    starts(first).find_map(|entry| {
        let Some(rest) = rest else {
            return Some((entry.path.clone(), Found::Block(entry.schema, entry.doc)));
        };
        let found = inside(entry.schema, rest)?;
        Some((format!("{}.{rest}", entry.path), found))
    })
}

/// The blocks that are called `word`, those at top level first.
fn starts(word: &str) -> impl Iterator<Item = &'static Entry> {
    let named = move |entry: &&Entry| entry.word() == word || entry.alias == Some(word);
    let top = entries().iter().filter(move |entry| entry.path == word);
    let anywhere = entries().iter().filter(named);
    top.chain(anywhere)
}

/// What a path names, seen from inside a block.
fn inside(schema: &'static BlockSchema, path: &str) -> Option<Found> {
    let mut schemas = vec![schema];
    let mut words = path.split('.').peekable();
    while let Some(word) = words.next() {
        let last = words.peek().is_none();
        if last && let Some(found) = schemas.iter().find_map(|schema| leaf(schema, word)) {
            return Some(found);
        }
        let next: Vec<(&'static BlockSchema, &'static str)> =
            schemas.iter().flat_map(|schema| blocks(schema, word)).collect();
        if last {
            return next.first().map(|(schema, doc)| Found::Block(schema, doc));
        }
        schemas = next.into_iter().map(|(schema, _)| schema).collect();
    }
    None
}

fn leaf(schema: &'static BlockSchema, word: &str) -> Option<Found> {
    let variants = schema.all_variants().map(|(_, variant)| variant);
    let attribute = std::iter::once(schema)
        .chain(variants)
        .find_map(|schema| schema.attribute(word));
    match (attribute, word) {
        (Some(attribute), _) => Some(Found::Attribute(attribute)),
        (None, "use") if schema.uses_presets => Some(Found::Language(language::USE)),
        (None, "for_each") if schema.repeats => Some(Found::Language(language::FOR_EACH)),
        (None, _) => match &schema.rest {
            Rest::Attributes { doc, ty } => Some(Found::Named(doc, ty)),
            Rest::None | Rest::Blocks(_) => None,
        },
    }
}

/// The blocks that `word` may mean inside `schema`: a child, what a variant adds, a child of a variant, or a block of
/// any name.
fn blocks(schema: &'static BlockSchema, word: &str) -> Vec<(&'static BlockSchema, &'static str)> {
    let variants = schema.all_variants().map(|(_, variant)| variant);
    let children = std::iter::once(schema)
        .chain(variants)
        .filter_map(|schema| schema.child(word));
    let mut found: Vec<(&'static BlockSchema, &'static str)> =
        children.map(|child| ((child.schema)(), child.doc())).collect();
    found.extend(
        schema
            .variant(word)
            .map(|variant| (variant, variant.doc.as_str())),
    );
    if let (true, Rest::Blocks(any)) = (found.is_empty(), &schema.rest) {
        found.push((any(), &any().doc));
    }
    found
}
