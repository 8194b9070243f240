//! Literals: the value of a constant where a type is wanted. Conversions of literal texts live here and nowhere else.

use fly_syntax::tree::{Expr, ExprKind, Quantity, Template, TemplatePart};
use fly_syntax::{FileId, Span};
use smol_str::SmolStr;

use crate::types::Type;
use crate::value::Value;
use fly_domain::{Cron, Duration, Malformed, Percent, Scheme, SecretUri, Size};

/// The value and type of a literal that is not a text.
pub(crate) fn plain(kind: &ExprKind) -> (Value, Type) {
    match kind {
        ExprKind::Bool(value) => (Value::Bool(*value), Type::Bool),
        ExprKind::Int(value) => (Value::Int(*value), Type::Int),
        ExprKind::Float(value) => (Value::Float(*value), Type::Float),
        ExprKind::Quantity(Quantity::Duration(ms)) => {
            (Value::Duration(Duration::from_millis(*ms)), Type::Duration)
        }
        ExprKind::Quantity(Quantity::Size(bytes)) => (Value::Size(Size::from_bytes(*bytes)), Type::Size),
        ExprKind::Quantity(Quantity::Percent(value)) => {
            (Value::Percent(Percent::from_f64(*value)), Type::Percent)
        }
        // Only literals are asked for; anything else fits everywhere and says nothing.
        _ => (Value::Bool(false), Type::Unknown),
    }
}

/// The literal that says a value, the other way round from [`plain`] and [`text`]; `None` for an object.
pub(crate) fn written(value: &Value) -> Option<ExprKind> {
    let nowhere = Span::new(FileId(u32::MAX), 0..0);
    let text = |text: SmolStr| {
        let span = nowhere;
        ExprKind::String(Template {
            parts: vec![TemplatePart::Literal { text, span }],
        })
    };
    Some(match value {
        Value::Bool(value) => ExprKind::Bool(*value),
        Value::Int(value) => ExprKind::Int(*value),
        Value::Float(value) => ExprKind::Float(*value),
        Value::Duration(value) => ExprKind::Quantity(Quantity::Duration(value.as_millis())),
        Value::Size(value) => ExprKind::Quantity(Quantity::Size(value.as_bytes())),
        Value::Percent(value) => ExprKind::Quantity(Quantity::Percent(value.as_f64())),
        Value::String(value) => text(value.clone()),
        Value::Secret(uri) => text(uri.to_string().into()),
        Value::List(values) => {
            let item = |value: &Value| {
                let (kind, span) = (written(value)?, nowhere);
                Some(Expr { kind, span })
            };
            ExprKind::List(values.iter().map(item).collect::<Option<_>>()?)
        }
        Value::Object(_) => return None,
    })
}

/// A text as a value of type `wanted`: `None` where no text can be one, an error where this text is not.
pub(crate) fn text(text: &str, wanted: &Type) -> Result<Option<Value>, Malformed> {
    Ok(Some(match wanted {
        Type::String | Type::Any | Type::Unknown => Value::string(text),
        Type::Text(form) => {
            form.check(text)?;
            Value::string(text)
        }
        Type::Words(words) if words.contains(text) => Value::string(text),
        Type::Duration => Value::Duration(Duration::parse(text)?),
        Type::Size => Value::Size(Size::parse(text)?),
        Type::Percent => Value::Percent(Percent::parse(text)?),
        Type::Secret if matches!(SecretUri::scheme_of(text), Scheme::Known(_)) => {
            Value::Secret(SecretUri::parse(text)?)
        }
        Type::Union(members) => return union(text, members),
        _ => return Ok(None),
    }))
}

/// The first member that takes the text; where none does, the reason of the one that is nearest.
fn union(candidate: &str, members: &[Type]) -> Result<Option<Value>, Malformed> {
    let mut reason = None;
    for member in members {
        match text(candidate, member) {
            Ok(Some(value)) => return Ok(Some(value)),
            Ok(None) => {}
            Err(malformed) => {
                let url = matches!(member, Type::Text(fly_domain::TextForm::Url));
                if reason.is_none() || (url && candidate.contains("://")) {
                    reason = Some(malformed);
                }
            }
        }
    }
    reason.map_or(Ok(None), Err)
}

/// The member of a union that takes this text, or the type itself.
pub(crate) fn member<'t>(candidate: &str, wanted: &'t Type) -> &'t Type {
    match wanted {
        Type::Union(members) => members
            .iter()
            .find(|member| matches!(text(candidate, member), Ok(Some(_))))
            .unwrap_or(wanted),
        Type::Any | Type::Unknown => &Type::String,
        _ => wanted,
    }
}

/// The text without its quotes, where it is a literal of that type then.
pub(crate) fn unquoted<'t>(text: &'t str, wanted: &Type) -> Option<&'t str> {
    let fits = match wanted {
        Type::Bool => text == "true" || text == "false",
        Type::Int => !text.starts_with('+') && text.parse::<i64>().is_ok(),
        Type::Float => {
            text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.parse::<f64>().is_ok()
        }
        _ => false,
    };
    fits.then_some(text)
}

/// The order of a set's elements: numbers by size, texts by character.
pub(crate) fn sort_set(values: &mut [Value]) {
    values.sort_by(|a, b| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Size(a), Value::Size(b)) => a.cmp(b),
        (a, b) => crate::json::text(a).cmp(&crate::json::text(b)),
    });
}

/// Whether a cron text is one that never fires; a text that is no cron is another problem.
pub(crate) fn never_fires(text: &str) -> bool {
    Cron::parse(text).is_ok_and(|cron| cron.never_fires())
}
