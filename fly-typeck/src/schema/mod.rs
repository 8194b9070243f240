//! What each block kind may hold: one definition gives checking, decoding, hover text, the reference page,
//! JSON Schema and completion.
//!
//! A kind is written once, with [`block!`](crate::block) and [`words!`](crate::words), in a file named after it. The macro makes
//! the Rust struct that the rest of the product works with, and the [`BlockSchema`] that everything else reads.

pub mod build;
pub mod cloud;
pub mod egg;
pub mod eggsbucket;
mod field;
pub mod job;
pub mod language;
mod macros;
pub mod mothergoose;
pub mod moved;
pub mod nest;
pub mod preset;
pub mod provider;
pub mod rift;
pub mod rollout;
pub mod state;
mod text;
mod top_level;
pub mod uglyfox;

use crate::types::Type;
use crate::value::Value;

pub use field::{Block, Choice, Field, Occurrence, Typed};
pub use preset::preset;
pub use text::{
    AddressName, EntityName, PlainOrSecret, Predicate, ProviderName, QueueName, RoleName, Server,
    ServiceAccountName, TypeExpression,
};
pub use top_level::{Place, TopLevel, top_level};

/// Gives a kind's schema, which is made when it is first asked for.
pub type SchemaOf = fn() -> &'static BlockSchema;

/// Everything there is to know about a block kind.
#[derive(Debug)]
pub struct BlockSchema {
    /// The word that opens the block, or for a block of any name what it stands for.
    pub kind: &'static str,
    /// What the block is for, in Markdown.
    pub doc: String,
    /// What its labels mean, in order; a name in `[]` may be left out.
    pub labels: &'static [&'static str],
    /// Its attributes, in the order of the reference.
    pub attributes: Vec<AttributeSchema>,
    /// Its blocks, in the order of the reference.
    pub blocks: Vec<ChildSchema>,
    /// Attributes or blocks of any name.
    pub rest: Rest,
    /// What must hold between its attributes.
    pub rules: &'static [Rule],
    /// Further attributes and blocks that depend on an attribute or a label.
    pub variants: Option<Variants>,
    /// Whether `use = preset.x` may stand in it.
    pub uses_presets: bool,
    /// Whether `for_each = {...}` may stand in it.
    pub repeats: bool,
}

/// An attribute of a block.
#[derive(Debug, Clone)]
pub struct AttributeSchema {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in Markdown.
    pub doc: String,
    /// Its type.
    pub ty: Type,
    /// Whether it must be given, and what holds where it is not.
    pub presence: Presence,
    /// Values allowed beyond the type.
    pub range: Option<Range>,
    /// The unit that a bare integer is taken to have, with a lint that offers to write it.
    pub bare: Option<&'static str>,
    /// Whether it is text for people, in which nothing is ever a secret: a message, a description.
    pub prose: bool,
    /// The only provider that has it, in a block that serves several.
    pub only: Option<&'static str>,
}

/// Whether an attribute must be given.
#[derive(Debug, Clone)]
pub enum Presence {
    /// It must.
    Required,
    /// It may be left out.
    Optional,
    /// It has this value where it is left out.
    Default {
        /// As it would be written in Fly.
        text: &'static str,
        /// What that is.
        value: Value,
    },
}

/// The smallest and the largest allowed value, both included, written as in Fly.
#[derive(Debug, Clone)]
pub struct Range {
    /// The smallest as it is written; empty where there is none.
    pub min_text: &'static str,
    /// The largest as it is written; empty where there is none.
    pub max_text: &'static str,
    /// The smallest.
    pub min: Option<Value>,
    /// The largest.
    pub max: Option<Value>,
}

/// A block inside a block.
#[derive(Debug, Clone)]
pub struct ChildSchema {
    /// The word that opens it.
    pub name: &'static str,
    /// What it is for here, in Markdown; empty where its kind's own words say it: see [`ChildSchema::doc`].
    pub doc: String,
    /// Another word for it, kept for existing Nests or for short.
    pub alias: Option<&'static str>,
    /// Whether it must be given, and how often it may be.
    pub occurrence: Occurrence,
    /// What it holds.
    pub schema: SchemaOf,
    /// The only provider that has it, in a block that serves several.
    pub only: Option<&'static str>,
}

impl ChildSchema {
    /// What it is for, in Markdown.
    #[must_use]
    pub fn doc(&self) -> &str {
        if self.doc.is_empty() {
            &(self.schema)().doc
        } else {
            &self.doc
        }
    }
}

/// Attributes or blocks of any name.
#[derive(Debug)]
pub enum Rest {
    /// None: an unknown name is a problem.
    None,
    /// Attributes of one type under any names, as in `environment`.
    Attributes {
        /// What such an attribute is, in Markdown.
        doc: String,
        /// Their type.
        ty: Type,
    },
    /// Blocks of one kind under any names, as in `message_queues`.
    Blocks(SchemaOf),
}

/// What must hold between the attributes and blocks of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Exactly one of these is given.
    ExactlyOne(&'static [&'static str]),
    /// One of these is given, or more.
    AtLeastOne(&'static [&'static str]),
    /// At most one of these is given.
    AtMostOne(&'static [&'static str]),
}

impl Rule {
    /// The attributes and blocks that it is about.
    #[must_use]
    pub fn names(&self) -> &'static [&'static str] {
        match self {
            Self::ExactlyOne(names) | Self::AtLeastOne(names) | Self::AtMostOne(names) => names,
        }
    }
}

/// A block whose further attributes depend on one of its words.
#[derive(Debug)]
pub struct Variants {
    /// Where the word is.
    pub by: Tag,
    /// The words and what each adds.
    pub of: &'static [(&'static str, SchemaOf)],
}

/// Where the word that chooses a variant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// In this attribute; a reference's first word counts.
    Attribute(&'static str),
    /// In the block's first label.
    Label,
}

impl BlockSchema {
    /// Whether a block of this kind may have so many labels.
    #[must_use]
    pub fn takes_labels(&self, count: usize) -> bool {
        let required = self.labels.iter().filter(|label| !label.starts_with('['));
        (required.count()..=self.labels.len()).contains(&count)
    }

    /// The attribute of this name, variants not included.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&AttributeSchema> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The block of this name or alias, variants not included.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&ChildSchema> {
        self.blocks
            .iter()
            .find(|child| child.name == name || child.alias == Some(name))
    }

    /// The variant that `word` chooses.
    #[must_use]
    pub fn variant(&self, word: &str) -> Option<&'static BlockSchema> {
        let variants = self.variants.as_ref()?;
        let (_, schema) = variants.of.iter().find(|(name, _)| *name == word)?;
        Some(schema())
    }

    /// Every variant with its word.
    pub fn all_variants(&self) -> impl Iterator<Item = (&'static str, &'static BlockSchema)> {
        let variants = self.variants.as_ref().map_or(&[][..], |variants| variants.of);
        variants.iter().map(|(word, schema)| (*word, schema()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every schema that can be reached from a top-level kind, variants included, each once.
    fn all_schemas() -> Vec<&'static BlockSchema> {
        let mut waiting: Vec<&'static BlockSchema> = top_level().iter().map(|top| (top.schema)()).collect();
        let mut all: Vec<&'static BlockSchema> = Vec::new();
        while let Some(schema) = waiting.pop() {
            if all.iter().any(|seen| std::ptr::eq(*seen, schema)) {
                continue;
            }
            all.push(schema);
            waiting.extend(schema.blocks.iter().map(|child| (child.schema)()));
            waiting.extend(schema.all_variants().map(|(_, variant)| variant));
            if let Rest::Blocks(any) = schema.rest {
                waiting.push(any());
            }
        }
        all
    }

    /// Making a schema checks its literals, so that reaching all of them checks all literals.
    #[test]
    fn everything_says_what_it_is_for() {
        let schemas = all_schemas();
        assert!(schemas.len() > 60, "only {} schemas were reached", schemas.len());
        let mut attributes = 0;
        for schema in schemas {
            assert!(schema.doc.ends_with('.'), "{}: {:?}", schema.kind, schema.doc);
            for attribute in &schema.attributes {
                attributes += 1;
                let doc = &attribute.doc;
                assert!(doc.ends_with('.'), "{}.{}: {doc:?}", schema.kind, attribute.name);
                if let Type::Words(words) = attribute.ty {
                    assert!(
                        words.documented().all(|(_, doc)| doc.ends_with('.')),
                        "{}",
                        words.what
                    );
                }
                if let (Some(range), Presence::Default { value, text }) =
                    (&attribute.range, &attribute.presence)
                {
                    let bounds = [&range.min, &range.max];
                    let typed = bounds
                        .into_iter()
                        .flatten()
                        .all(|bound| same_variant(bound, value));
                    assert!(typed, "{}.{} = {text}", schema.kind, attribute.name);
                }
            }
            for child in &schema.blocks {
                assert!(child.doc().ends_with('.'), "{}.{}", schema.kind, child.name);
            }
            if let Rest::Attributes { doc, .. } = &schema.rest {
                assert!(doc.ends_with('.'), "{}: {doc:?}", schema.kind);
            }
        }
        assert!(attributes > 250, "only {attributes} attributes were reached");
    }

    fn same_variant(a: &Value, b: &Value) -> bool {
        std::mem::discriminant(a) == std::mem::discriminant(b)
    }

    #[test]
    fn no_name_stands_twice_in_a_block() {
        for schema in all_schemas() {
            let attributes = schema.attributes.iter().map(|attribute| attribute.name);
            let blocks = schema
                .blocks
                .iter()
                .flat_map(|child| std::iter::once(child.name).chain(child.alias));
            let mut names: Vec<&str> = attributes.chain(blocks).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{}", schema.kind);
        }
    }

    #[test]
    fn rules_name_what_there_is() {
        for schema in all_schemas() {
            for Rule::ExactlyOne(names) | Rule::AtLeastOne(names) | Rule::AtMostOne(names) in schema.rules {
                assert!(names.len() > 1, "{}", schema.kind);
                for name in *names {
                    // A variant's rule may be about the block that it belongs to.
                    let known = |schema: &BlockSchema| {
                        schema.attribute(name).is_some() || schema.child(name).is_some()
                    };
                    let anywhere = all_schemas()
                        .into_iter()
                        .filter(|other| other.kind == schema.kind)
                        .any(known);
                    assert!(anywhere, "{}.{name}", schema.kind);
                }
            }
        }
    }

    #[test]
    fn a_preset_is_an_egg_without_anything_required() {
        let (egg, preset) = (<egg::Egg as Block>::schema(), preset());
        assert_eq!(preset.attributes.len(), egg.attributes.len());
        assert_eq!(preset.blocks.len(), egg.blocks.len());
        assert!(
            preset
                .attributes
                .iter()
                .all(|attribute| matches!(attribute.presence, Presence::Optional))
        );
        assert!(
            preset
                .blocks
                .iter()
                .all(|child| child.occurrence == Occurrence::Optional)
        );
        assert!(preset.rules.is_empty());
    }

    #[test]
    fn a_provider_block_takes_its_clouds_defaults() {
        let provider = <provider::Provider as Block>::schema().variant("proxmox");
        let provider = provider.map(|schema| {
            (
                schema.attribute("vlan").is_some(),
                schema.child("firewall").is_some(),
            )
        });
        assert_eq!(provider, Some((true, true)));
    }
}
