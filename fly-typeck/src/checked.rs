//! Checked blocks: every value typed and evaluated, presets merged in, the place of everything kept.

use std::collections::BTreeMap;

use fly_syntax::Span;
use smol_str::SmolStr;

use crate::schema::{Block, BlockSchema, Occurrence, Presence, Typed};
use crate::value::Value;

/// A block after checking.
#[derive(Debug, Clone)]
pub struct CheckedBlock {
    /// What its kind may hold.
    pub schema: &'static BlockSchema,
    /// The word it was opened with, aliases replaced; its own name for a block of any name.
    pub name: SmolStr,
    /// Its labels, interpolations resolved.
    pub labels: Vec<SmolStr>,
    /// Where its header is written: its own, or that of the preset's block where only that has it.
    pub header: Span,
    /// What it sets, presets and provider defaults included.
    pub attributes: Vec<CheckedAttribute>,
    /// The blocks in it, presets included.
    pub blocks: Vec<CheckedBlock>,
    /// Whether something in it could not be read or has an unknown name, so that nothing may be called missing.
    pub incomplete: bool,
}

/// An attribute after checking.
#[derive(Debug, Clone)]
pub struct CheckedAttribute {
    /// Its name.
    pub name: SmolStr,
    /// Where the name is written.
    pub name_span: Span,
    /// Its value; `None` where that has a problem, which is reported already.
    pub value: Option<Value>,
    /// Where the value is written.
    pub value_span: Span,
}

impl CheckedBlock {
    /// Something that could have set anything in it, at any depth, is not known: what it lacks is not held against it.
    pub(crate) fn leave_open(&mut self) {
        self.incomplete = true;
        self.blocks.iter_mut().for_each(Self::leave_open);
    }

    /// The first label, or an empty text.
    #[must_use]
    pub fn label(&self) -> SmolStr {
        self.labels.first().cloned().unwrap_or_default()
    }

    /// The labels joined by `.`: `api`, `proxmox.dc2`; empty where it has none.
    #[must_use]
    pub fn address(&self) -> SmolStr {
        match self.labels.as_slice() {
            [] | [_] => self.label(),
            labels => SmolStr::new(labels.join(".")),
        }
    }

    /// The attribute of this name, where it is set.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&CheckedAttribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The value of the attribute of this name, where it is set and has no problem.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.attribute(name)?.value.as_ref()
    }

    /// The value of the attribute of this name, or its default in `schema`, which may be a variant.
    #[must_use]
    pub fn value_or_default(&self, name: &str, schema: &'static BlockSchema) -> Option<&Value> {
        match self.attribute(name) {
            Some(attribute) => attribute.value.as_ref(),
            None => match &schema.attribute(name)?.presence {
                Presence::Default { value, .. } => Some(value),
                Presence::Required | Presence::Optional => None,
            },
        }
    }

    /// The first block of this name.
    #[must_use]
    pub fn block(&self, name: &str) -> Option<&CheckedBlock> {
        self.blocks.iter().find(|block| block.name == name)
    }

    /// All blocks of this name.
    #[must_use]
    pub fn blocks_named(&self, name: &str) -> Vec<&CheckedBlock> {
        self.blocks.iter().filter(|block| block.name == name).collect()
    }

    /// The attributes that the schema does not name, decoded.
    #[must_use]
    pub fn decode_rest<T: Typed>(&self) -> Option<BTreeMap<SmolStr, T>> {
        let rest = self
            .attributes
            .iter()
            .filter(|attribute| self.schema.attribute(&attribute.name).is_none());
        rest.map(|attribute| Some((attribute.name.clone(), T::read(attribute.value.as_ref()?)?)))
            .collect()
    }

    /// The blocks that the schema does not name, decoded.
    #[must_use]
    pub fn decode_any<B: Block>(&self) -> Option<Vec<B>> {
        let rest = self
            .blocks
            .iter()
            .filter(|block| self.schema.child(&block.name).is_none());
        rest.map(B::decode).collect()
    }

    /// What the variant `word` adds, where this block chose it.
    #[must_use]
    pub fn decode_variant<B: Block>(&self, schema: &'static BlockSchema, word: &str) -> Option<Option<B>> {
        if self.variant_word(schema).as_deref() == Some(word) {
            B::decode(self).map(Some)
        } else {
            Some(None)
        }
    }

    /// The word that chooses this block's variant: `proxmox` of `provider = provider.proxmox.dc2`.
    #[must_use]
    pub fn variant_word(&self, schema: &'static BlockSchema) -> Option<SmolStr> {
        let text = match schema.variants.as_ref()?.by {
            crate::schema::Tag::Label => self.label(),
            crate::schema::Tag::Attribute(name) => {
                SmolStr::new(self.value_or_default(name, schema)?.as_str()?)
            }
        };
        Some(text.split('.').next().map(SmolStr::new).unwrap_or_default())
    }
}

/// The block as a value: its attributes with their defaults, its blocks as objects, several of one name by their labels.
/// `None` where a part of it has a problem.
#[must_use]
pub fn value(block: &CheckedBlock) -> Option<Value> {
    if block.incomplete {
        return None;
    }
    let mut entries = BTreeMap::new();
    for attribute in &block.attributes {
        entries.insert(attribute.name.clone(), attribute.value.clone()?);
    }
    let variant = block
        .variant_word(block.schema)
        .and_then(|word| block.schema.variant(&word));
    for schema in std::iter::once(block.schema).chain(variant) {
        for attribute in &schema.attributes {
            if let Presence::Default { value, .. } = &attribute.presence {
                entries
                    .entry(SmolStr::new_static(attribute.name))
                    .or_insert_with(|| value.clone());
            }
        }
    }
    for child in &block.blocks {
        let many = block
            .schema
            .child(&child.name)
            .is_some_and(|schema| schema.occurrence == Occurrence::Many);
        let inner = value(child)?;
        if !many {
            entries.insert(child.name.clone(), inner);
            continue;
        }
        let siblings = entries
            .entry(child.name.clone())
            .or_insert_with(|| Value::object([]));
        if let Value::Object(siblings) = siblings {
            std::sync::Arc::make_mut(siblings).insert(child.label(), inner);
        }
    }
    if !block.schema.labels.is_empty() {
        entries.insert(SmolStr::new_static("name"), Value::String(block.label()));
    }
    Some(Value::Object(std::sync::Arc::new(entries)))
}

/// The defaults that hold where an optional block `name` is left out of a block of this schema, as an object; `None`
/// where the block has none, or shuts others out, so that leaving it out says something of its own.
pub(crate) fn defaults(schema: &'static BlockSchema, name: &str) -> Option<Value> {
    let child = schema.child(name)?;
    let chosen = schema.rules.iter().any(|rule| rule.names().contains(&name));
    if child.occurrence != Occurrence::Optional || chosen {
        return None;
    }
    let attributes = (child.schema)().attributes.iter();
    let defaults: Vec<(SmolStr, Value)> = attributes
        .filter_map(|attribute| match &attribute.presence {
            Presence::Default { value, .. } => Some((SmolStr::new_static(attribute.name), value.clone())),
            _ => None,
        })
        .collect();
    (!defaults.is_empty()).then(|| Value::object(defaults))
}
