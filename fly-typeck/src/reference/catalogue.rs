//! Every block of the language by its path.

use std::sync::LazyLock;

use crate::schema::{BlockSchema, Rest, SchemaOf, TopLevel, top_level};

/// A block at a place where it may stand.
#[derive(Debug)]
pub(super) struct Entry {
    /// `egg.runner`; `egg.cloud.proxmox` for what a provider adds; `mothergoose.storage.bucket` for blocks of any name.
    pub(super) path: String,
    /// What it may hold.
    pub(super) schema: &'static BlockSchema,
    /// What it is for here.
    pub(super) doc: &'static str,
    /// Another word for it.
    pub(super) alias: Option<&'static str>,
    /// How it stands where it stands.
    pub(super) role: Role,
    /// Whether no earlier entry has the same schema. Only then the blocks in it have entries of their own.
    pub(super) first: bool,
}

/// How a block stands where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    /// At top level of a file.
    Top(&'static TopLevel),
    /// In another block.
    Child,
    /// It is what a word adds to the block that it belongs to.
    Variant,
    /// In another block, under any name.
    Any,
}

impl Entry {
    /// The kind at top level that it is part of.
    pub(super) fn root(&self) -> &str {
        self.path.split('.').next().unwrap_or_default()
    }

    /// The last word of the path.
    pub(super) fn word(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// All of them, each block before the blocks in it, in the order of the reference.
pub(super) fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let tops = top_level().iter().rev().map(|top| {
            let schema = (top.schema)();
            entry(schema.kind.to_owned(), top.schema, &schema.doc, Role::Top(top))
        });
        let mut waiting: Vec<Entry> = tops.collect();
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(mut next) = waiting.pop() {
            next.first = !entries
                .iter()
                .any(|entry| std::ptr::eq(entry.schema, next.schema));
            if next.first {
                let mut inside = inside(&next);
                inside.reverse();
                waiting.extend(inside);
            }
            entries.push(next);
        }
        entries
    });
    &ENTRIES
}

/// The entry that describes this schema in full.
pub(super) fn home(schema: &'static BlockSchema) -> Option<&'static Entry> {
    entries()
        .iter()
        .find(|entry| entry.first && std::ptr::eq(entry.schema, schema))
}

fn entry(path: String, schema: SchemaOf, doc: &'static str, role: Role) -> Entry {
    Entry {
        path,
        schema: schema(),
        doc,
        alias: None,
        role,
        first: true,
    }
}

fn inside(parent: &Entry) -> Vec<Entry> {
    let path = |name: &str| format!("{}.{name}", parent.path);
    let schema = parent.schema;
    let mut inside: Vec<Entry> = Vec::new();
    if let Some(variants) = &schema.variants {
        for (word, variant) in variants.of {
            inside.push(entry(path(word), *variant, &variant().doc, Role::Variant));
        }
    }
    for child in &schema.blocks {
        inside.push(Entry {
            alias: child.alias,
            ..entry(path(child.name), child.schema, child.doc(), Role::Child)
        });
    }
    if let Rest::Blocks(any) = schema.rest {
        inside.push(entry(path(any().kind), any, &any().doc, Role::Any));
    }
    inside
}
