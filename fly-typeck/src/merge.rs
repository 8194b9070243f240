//! What presets and providers add to a block, and what is missing when all is there.

use fly_syntax::Span;
use smol_str::SmolStr;

use crate::checked::CheckedBlock;
use crate::problems;
use crate::problems::missing::Missing;
use crate::schema::{BlockSchema, Occurrence, Presence, Rule, Tag};
use crate::sink::Sink;

/// Adds to `own` what `base` sets and `own` does not: attributes one by one, blocks of one kind and label merged.
pub(crate) fn overlay(own: &mut CheckedBlock, base: &CheckedBlock) {
    if base.incomplete {
        own.leave_open();
    }
    for attribute in &base.attributes {
        if own.attribute(&attribute.name).is_none() {
            own.attributes.push(attribute.clone());
        }
    }
    for block in &base.blocks {
        let same = |other: &&mut CheckedBlock| other.name == block.name && other.labels == block.labels;
        match own.blocks.iter_mut().find(same) {
            Some(own) => overlay(own, block),
            None => {
                let mut block = block.clone();
                // Something unknown here may be meant to add to it.
                if own.incomplete {
                    block.leave_open();
                }
                own.blocks.push(block);
            }
        }
    }
}

/// Looks at a block to which nothing will be added any more: what is missing, what shuts out something else, what
/// belongs to another variant.
pub(crate) struct Completion<'a> {
    pub(crate) sink: &'a mut Sink,
    /// Each preset of the Nest and what it sets, to say where something missing could come from.
    pub(crate) presets: &'a [(SmolStr, &'a CheckedBlock)],
}

impl Completion<'_> {
    pub(crate) fn block(&mut self, block: &CheckedBlock) {
        self.look(block, true);
    }

    /// The same for a preset, to which the blocks that use it add what is missing.
    pub(crate) fn part(&mut self, preset: &CheckedBlock) {
        self.look(preset, false);
    }

    fn look(&mut self, block: &CheckedBlock, whole: bool) {
        let schema = block.schema;
        let word = block.variant_word(schema);
        let variant = word.as_deref().and_then(|word| schema.variant(word));
        if let Some(variant) = variant {
            self.variant(block, variant, word.as_deref().unwrap_or_default());
        }
        if whole && !block.incomplete {
            self.missing(block, variant);
        }
        for schema in std::iter::once(schema).chain(variant) {
            for rule in schema.rules {
                self.exclusive(block, rule);
            }
        }
        for child in &block.blocks {
            self.look(child, whole);
        }
    }

    /// Whatever belongs to another variant than the chosen one.
    fn variant(&mut self, block: &CheckedBlock, chosen: &'static BlockSchema, word: &str) {
        let schema = block.schema;
        let chosen_at = schema.variants.as_ref().and_then(|variants| match variants.by {
            Tag::Attribute(name) => block.attribute(name).map(|attribute| attribute.value_span),
            Tag::Label => Some(block.header),
        });
        let names = block
            .attributes
            .iter()
            .map(|attribute| (&attribute.name, attribute.name_span))
            .chain(block.blocks.iter().map(|child| (&child.name, child.header)));
        for (name, span) in names {
            let belongs =
                |schema: &BlockSchema| schema.attribute(name).is_some() || schema.child(name).is_some();
            if belongs(schema) || belongs(chosen) {
                continue;
            }
            if let Some((other, _)) = schema.all_variants().find(|(_, variant)| belongs(variant)) {
                let problem =
                    problems::wrong_variant::problem(span, name, schema.kind, other, word, chosen_at);
                self.sink.push(problem);
            }
        }
    }

    /// One problem with all that is missing.
    fn missing(&mut self, block: &CheckedBlock, variant: Option<&'static BlockSchema>) {
        let schemas: Vec<&'static BlockSchema> = std::iter::once(block.schema).chain(variant).collect();
        let has = |name: &str| present(block, name);
        let mut missing = Vec::new();
        for schema in &schemas {
            for attribute in &schema.attributes {
                if matches!(attribute.presence, Presence::Required) && !has(attribute.name) {
                    missing.push(Missing::attribute(attribute));
                }
            }
            for child in &schema.blocks {
                if child.occurrence == Occurrence::Required && !has(child.name) {
                    missing.push(Missing::block(child.name));
                }
            }
            for rule in schema.rules {
                if let Rule::ExactlyOne(names) | Rule::AtLeastOne(names) = rule
                    && !names.iter().any(|name| has(name))
                {
                    missing.push(Missing::one_of(names));
                }
            }
        }
        if missing.is_empty() {
            return;
        }
        let presets: Vec<&str> = self
            .presets
            .iter()
            .filter(|(_, preset)| {
                let part = corresponding(preset, block);
                part.is_some_and(|part| {
                    missing
                        .iter()
                        .any(|missing| missing.names().any(|name| present(part, name)))
                })
            })
            .map(|(name, _)| name.as_str())
            .collect();
        let what = match block.labels.as_slice() {
            [] => format!("`{}`", block.name),
            labels if block.schema.labels.is_empty() => format!("`{}`", labels[0]),
            labels => format!("{} `{}`", block.name, labels.join(" ")),
        };
        self.sink.push(problems::missing::problem(
            block.header,
            &what,
            &missing,
            &presets,
        ));
    }

    fn exclusive(&mut self, block: &CheckedBlock, rule: &Rule) {
        let (Rule::ExactlyOne(names) | Rule::AtMostOne(names)) = rule else {
            return;
        };
        let mut given: Vec<(&str, Span)> = names
            .iter()
            .filter_map(|name| Some((*name, place(block, name)?)))
            .collect();
        given.sort_by_key(|(_, span)| *span);
        if let [(first, first_at), rest @ ..] = given.as_slice() {
            for (name, at) in rest {
                self.sink
                    .push(problems::exclusive::problem(*at, name, first, *first_at));
            }
        }
    }
}

fn present(block: &CheckedBlock, name: &str) -> bool {
    block.attribute(name).is_some() || block.block(name).is_some()
}

fn place(block: &CheckedBlock, name: &str) -> Option<Span> {
    let attribute = block.attribute(name).map(|attribute| attribute.name_span);
    attribute.or_else(|| block.block(name).map(|block| block.header))
}

/// The part of a preset that would be merged into a block of this kind.
fn corresponding<'p>(preset: &'p CheckedBlock, block: &CheckedBlock) -> Option<&'p CheckedBlock> {
    if block.schema.uses_presets {
        Some(preset)
    } else {
        preset.block(&block.name)
    }
}
