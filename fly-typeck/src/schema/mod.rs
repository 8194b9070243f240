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
pub mod state;
mod text;
mod top_level;
pub mod uglyfox;

use crate::types::Type;
use crate::value::Value;

pub use field::{Block, Choice, Field, Occurrence, Typed};
pub use preset::preset;
pub use text::{
    AddressName, EntityName, PlainOrSecret, Predicate, ProviderName, QueueName, RoleName, Server, ServiceAccountName,
    TypeExpression,
};
pub use top_level::{Place, TopLevel, top_level};

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
    pub schema: fn() -> &'static BlockSchema,
    /// The only provider that has it, in a block that serves several.
    pub only: Option<&'static str>,
}

impl ChildSchema {
    /// What it is for, in Markdown.
    #[must_use]
    pub fn doc(&self) -> &str {
        if self.doc.is_empty() { &(self.schema)().doc } else { &self.doc }
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
    Blocks(fn() -> &'static BlockSchema),
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

/// A block whose further attributes depend on one of its words.
#[derive(Debug)]
pub struct Variants {
    /// Where the word is.
    pub by: Tag,
    /// The words and what each adds.
    pub of: &'static [(&'static str, fn() -> &'static BlockSchema)],
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
    /// The attribute of this name, variants not included.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&AttributeSchema> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The block of this name or alias, variants not included.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&ChildSchema> {
        self.blocks.iter().find(|child| child.name == name || child.alias == Some(name))
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
