//! What the [`block!`](crate::block) macro calls to make a schema's parts.

use super::{
    AttributeSchema, BlockSchema, ChildSchema, Choice, Field, Occurrence, Presence, Range, Rest, Typed,
};
use crate::types::Type;
use crate::value::Value;
use fly_domain::{Duration, Percent, Size};

/// A block kind with nothing in it yet.
#[must_use]
pub fn block(kind: &'static str, doc: &str) -> BlockSchema {
    BlockSchema {
        kind,
        doc: prose(doc),
        labels: &[],
        attributes: Vec::new(),
        blocks: Vec::new(),
        rest: Rest::None,
        rules: &[],
        variants: None,
        uses_presets: false,
        repeats: false,
    }
}

/// An attribute whose name, words and default are these; `default` is a Fly literal.
#[must_use]
pub fn attribute<F: Field>(name: &'static str, doc: &str, default: Option<&'static str>) -> AttributeSchema {
    let ty = F::ty();
    let presence = match default.and_then(|text| Some((text, literal(text, &ty)?))) {
        Some((text, value)) => Presence::Default { text, value },
        None if F::OPTIONAL => Presence::Optional,
        None => Presence::Required,
    };
    AttributeSchema {
        name,
        doc: prose(doc),
        ty,
        presence,
        range: None,
        bare: None,
        prose: false,
        only: None,
    }
}

/// A child block; without words of its own it takes those of its kind.
#[must_use]
pub fn child<C: Choice>(name: &'static str, doc: &str) -> ChildSchema {
    ChildSchema {
        name,
        doc: prose(doc),
        alias: None,
        occurrence: C::OCCURRENCE,
        schema: C::schema,
        only: None,
    }
}

/// Attributes of any name.
#[must_use]
pub fn any_attribute<T: Typed>(doc: &str) -> Rest {
    Rest::Attributes {
        doc: prose(doc),
        ty: T::ty(),
    }
}

impl AttributeSchema {
    /// Allows only values from `min` to `max`, written as in Fly; an empty text is no bound.
    pub fn set_range(&mut self, min: &'static str, max: &'static str) {
        self.range = Some(Range {
            min_text: min,
            max_text: max,
            min: literal(min, &self.ty),
            max: literal(max, &self.ty),
        });
    }
}

impl BlockSchema {
    /// Takes over all that `base` may hold.
    pub fn extend(&mut self, base: &BlockSchema) {
        self.attributes.extend(base.attributes.iter().cloned());
        self.blocks.extend(base.blocks.iter().cloned());
        self.rules = base.rules;
    }

    /// Takes over what `other` may hold and this does not, none of it required or with a default here: it is
    /// written here once for many.
    pub fn add_defaults(&mut self, other: &BlockSchema) {
        for attribute in &other.attributes {
            if self.attribute(attribute.name).is_none() {
                self.attributes.push(AttributeSchema {
                    presence: Presence::Optional,
                    ..attribute.clone()
                });
            }
        }
        for child in &other.blocks {
            if self.child(child.name).is_none() {
                let occurrence = match child.occurrence {
                    Occurrence::Required | Occurrence::Optional => Occurrence::Optional,
                    Occurrence::Many => Occurrence::Many,
                };
                self.blocks.push(ChildSchema {
                    occurrence,
                    ..child.clone()
                });
            }
        }
    }
}

/// A doc comment's text without the space that each of its lines starts with.
pub(crate) fn prose(doc: &str) -> String {
    let lines: Vec<&str> = doc
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The value of a literal in a schema; `None` where the text is empty. A text that is not one of the type is a mistake
/// in the schema, which the test that walks all schemas runs into.
fn literal(text: &str, ty: &Type) -> Option<Value> {
    let value = constant(text, ty);
    debug_assert!(
        text.is_empty() || value.is_some(),
        "`{text}` is not a literal of type {ty}"
    );
    value
}

/// The value of a Fly literal. Schemas are made at every start of the program, so this reads the few plain forms that
/// they use and asks no parser.
fn constant(text: &str, ty: &Type) -> Option<Value> {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match ty {
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Int => text.parse().ok().map(Value::Int),
        Type::Float => text.parse().ok().map(Value::Float),
        Type::Duration => Duration::parse(text).ok().map(Value::Duration),
        Type::Size => Size::parse(text).ok().map(Value::Size),
        Type::Percent => Percent::parse(text).ok().map(Value::Percent),
        Type::String => quoted.map(Value::string),
        Type::Text(form) => quoted.filter(|text| form.check(text).is_ok()).map(Value::string),
        Type::Words(words) => quoted.filter(|text| words.contains(text)).map(Value::string),
        Type::TypeExpression => (!text.is_empty()).then(|| Value::string(text)),
        Type::List(element) | Type::Set(element) => {
            let inside = text.strip_prefix('[')?.strip_suffix(']')?.trim();
            let items = inside.split(',').map(str::trim).filter(|item| !item.is_empty());
            items
                .map(|item| constant(item, element))
                .collect::<Option<Vec<_>>>()
                .map(Value::list)
        }
        Type::Union(members) => members.iter().find_map(|member| constant(text, member)),
        _ => None,
    }
}
