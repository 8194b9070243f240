//! `templatefile`: a file of the Nest whose `${...}` are filled in.

use std::collections::BTreeMap;

use fly_syntax::tree::{Template, TemplatePart};
use fly_syntax::{FileId, Problem, SourceFile, Span};
use smol_str::SmolStr;

use crate::expr::{Binding, Elaborator, Evaluator, Failure, Node, ROOTS, Typed};
use crate::functions::CallError;
use crate::globals::Globals;
use crate::json;
use crate::problems;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;

/// So many templates may be filled in for each other. Real ones need two.
const MOST_NESTED: usize = 16;

/// What is known of the templates around a call of `templatefile`, and the work done so far.
#[derive(Debug, Default)]
pub(crate) struct Rendering {
    /// The templates that are being filled in, the outermost first.
    pub(crate) open: Vec<SmolStr>,
    /// Steps of evaluation that were taken, over all templates together.
    pub(crate) steps: u32,
}

/// The text of the file at `path`, its interpolations evaluated with `names` and nothing else.
pub(crate) fn render(
    globals: &Globals<'_>,
    path: &str,
    names: &BTreeMap<SmolStr, Value>,
    rendering: &mut Rendering,
) -> Result<String, CallError> {
    if rendering.open.iter().any(|open| open == path) {
        return Err(CallError::Circle {
            steps: path.to_owned(),
        });
    }
    if rendering.open.len() >= MOST_NESTED {
        return Err(CallError::failed(format!(
            "more than {MOST_NESTED} templates are filled in for each other"
        )));
    }
    let text = globals
        .reader()
        .read(path)
        .map_err(|error| CallError::from_read(path, error))?;
    // Reading a template is work too, which a `for` may ask for again and again.
    let work = u32::try_from(text.len() / 8).unwrap_or(u32::MAX);
    rendering.steps = rendering.steps.saturating_add(work);
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
    if let Some((root, at)) = outside(&template, names) {
        let at = source.position(at.start);
        return Err(CallError::failed(format!(
            "{path}:{}:{}: a template sees only the entries of its map, and `{root}` is none of them",
            at.line, at.column
        )));
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
    rendering.open.push(SmolStr::new(path));
    let mut evaluator = Evaluator::inside(globals, slots, std::mem::take(rendering));
    let value = evaluator.value(&typed);
    *rendering = evaluator.rendering;
    rendering.open.pop();
    match value {
        Ok(Value::String(text)) => Ok(text.to_string()),
        Ok(value) => Ok(json::text(&value)),
        Err(Failure::Problem(problem) | Failure::NotSet(problem)) => Err(circle(&source, &problem)
            .or_else(|| first(&[*problem]))
            .unwrap_or_else(|| CallError::failed(format!("{path}: it cannot be filled in")))),
        Err(Failure::Silent) => Err(CallError::failed(format!("{path}: it cannot be filled in"))),
    }
}

/// The circle of templates that a problem inside of this one is about, with the step from here.
fn circle(source: &SourceFile, problem: &Problem) -> Option<CallError> {
    let steps = problems::cycle::template_steps(problem)?;
    let at = source.position(problem.span.start);
    let path = &source.path;
    Some(CallError::Circle {
        steps: format!("{path}:{}:{} -> {steps}", at.line, at.column),
    })
}

/// The first word of the Nest's names that a template mentions and its map does not have.
fn outside<'t>(template: &'t Template, names: &BTreeMap<SmolStr, Value>) -> Option<(&'t SmolStr, Span)> {
    let mut first: Option<(&SmolStr, Span)> = None;
    for part in &template.parts {
        if let TemplatePart::Interpolation { expr, .. } = part {
            crate::walk::expr(expr, &mut |root, _, at| {
                if first.is_none() && ROOTS.contains(&root.as_str()) && !names.contains_key(root) {
                    first = Some((root, at));
                }
            });
        }
    }
    first
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
            let elements: Vec<Type> = values.iter().map(type_of).collect();
            Type::list(crate::expr::unify_all(&elements))
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
