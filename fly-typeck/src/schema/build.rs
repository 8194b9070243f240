//! What the [`block!`](crate::block) macro calls to make a schema's parts.

use fly_syntax::{FileId, SourceFile};

use super::{AttributeSchema, ChildSchema, Choice, Field, Presence, Range, Rest, Typed};
use crate::literal;
use crate::types::Type;
use crate::value::Value;

/// An attribute from its parts as the macro has them.
#[must_use]
pub fn attribute<F: Field>(
    name: &'static str,
    doc: &'static str,
    default: Option<&'static str>,
    range: Option<(&'static str, &'static str)>,
    bare: Option<&'static str>,
) -> AttributeSchema {
    let ty = F::ty();
    let presence = match default {
        Some(text) => match constant(text, &ty) {
            Some(value) => Presence::Default { text, value },
            None => Presence::Optional,
        },
        None if F::OPTIONAL => Presence::Optional,
        None => Presence::Required,
    };
    let range = range.map(|(min, max)| Range {
        min_text: min,
        max_text: max,
        min: constant(min, &ty),
        max: constant(max, &ty),
    });
    AttributeSchema {
        name,
        doc,
        ty,
        presence,
        range,
        bare,
    }
}

/// A child block from its parts as the macro has them.
#[must_use]
pub fn child<C: Choice>(name: &'static str, alias: Option<&'static str>) -> ChildSchema {
    ChildSchema {
        name,
        alias,
        occurrence: C::OCCURRENCE,
        schema: C::schema,
    }
}

/// Attributes of any name.
#[must_use]
pub fn any_attribute<T: Typed>(doc: &'static str) -> Rest {
    Rest::Attributes { doc, ty: T::ty() }
}

/// The value of a Fly literal; `None` where the text is empty. A test over all schemas holds that
/// every other text is a literal of its type.
fn constant(text: &str, ty: &Type) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let source = SourceFile::new(FileId(u32::MAX), "schema", text);
    let (expr, _) = fly_syntax::parse_expression(&source);
    literal::constant(&expr, ty)
}
