//! `templatefile`: a file of the Nest whose `${...}` are filled in.

use std::collections::BTreeMap;

use fly_syntax::{FileId, SourceFile};
use smol_str::SmolStr;

use crate::expr::{Binding, Elaborator, Evaluator, Failure, Node, Typed};
use crate::functions::CallError;
use crate::globals::Globals;
use crate::json;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;

/// The text of the file at `path`, its interpolations evaluated with `names` and nothing else.
pub(crate) fn render(
    globals: &Globals<'_>,
    path: &str,
    names: &BTreeMap<SmolStr, Value>,
) -> Result<String, CallError> {
    let text = globals
        .reader()
        .read(path)
        .map_err(|error| CallError::from_read(path, error))?;
    let source = SourceFile::new(FileId(u32::MAX), path, text);
    let (template, problems) = fly_syntax::parse_template(&source);
    let first = |problems: &[fly_syntax::Problem]| {
        problems.first().map(|problem| {
            let at = source.position(problem.span.start);
            CallError::failed(format!("{path}:{}:{}: {}", at.line, at.column, problem.message))
        })
    };
    if let Some(error) = first(&problems) {
        return Err(error);
    }
    let mut sink = Sink::default();
    let mut elaborator = Elaborator {
        globals,
        bindings: names
            .iter()
            .map(|(name, value)| Binding {
                name: name.clone(),
                ty: type_of(value),
            })
            .collect(),
        facts: false,
        prose: true,
        sink: &mut sink,
    };
    let (pieces, _) = elaborator.pieces(&template);
    if let Some(error) = first(&sink.problems) {
        return Err(error);
    }
    let typed = Typed {
        ty: Type::String,
        span: source.span(),
        node: Node::Template(pieces),
    };
    let slots = names.values().cloned().map(Some).collect();
    match Evaluator::new(globals, slots).value(&typed) {
        Ok(Value::String(text)) => Ok(text.to_string()),
        Ok(value) => Ok(json::text(&value)),
        Err(Failure::Problem(problem) | Failure::NotSet(problem)) => Err(first(&[*problem])
            .unwrap_or_else(|| CallError::failed(format!("{path}: it cannot be filled in")))),
        Err(Failure::Silent) => Err(CallError::failed(format!("{path}: it cannot be filled in"))),
    }
}

/// The type of a value that is there already.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::String(_) => Type::String,
        Value::Duration(_) => Type::Duration,
        Value::Size(_) => Type::Size,
        Value::Percent(_) => Type::Percent,
        Value::Secret(_) => Type::Secret,
        Value::List(values) => {
            let element = values.iter().fold(Type::Unknown, |all, value| {
                crate::expr::unify(&all, &type_of(value))
            });
            Type::list(element)
        }
        Value::Object(entries) => {
            let fields = entries.iter().map(|(name, value)| FieldType {
                name: name.clone(),
                ty: type_of(value),
                optional: false,
            });
            Type::Object(std::sync::Arc::new(ObjectType {
                fields: fields.collect(),
            }))
        }
    }
}
