//! Variables: their types, and the values that they get from defaults, `.flyvars` files and outside.

use std::borrow::Cow;
use std::sync::Arc;

use fly_syntax::tree::{Attribute, Block, Expr, ExprKind, ObjectKey, SyntaxTree};
use fly_syntax::{FileId, SourceFile, Span};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bare;
use crate::free::free_value;
use crate::globals::Globals;
use crate::problems;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;
use crate::variables::{Given, Variables};
use fly_domain::TextForm;

/// Finds the type and the value of every variable. Nothing else of the Nest is known yet, and nothing is needed.
pub(crate) fn resolve(
    globals: &mut Globals<'_>,
    sink: &mut Sink,
    flyvars: &[(&SourceFile, &SyntaxTree)],
    variables: &Variables,
) {
    let declared = globals.declared;
    let mut names: Vec<&SmolStr> = declared.variables.keys().collect();
    names.sort_unstable();
    let known: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let mut from_files: Vec<(&Attribute, &SourceFile)> = Vec::new();
    for (source, tree) in flyvars {
        let mut seen: FxHashMap<&SmolStr, Span> = FxHashMap::default();
        for attribute in tree.body.attributes() {
            let name = &attribute.name;
            if let Some(first) = seen.insert(&name.name, name.span) {
                seen.insert(&name.name, first);
                let problem = problems::duplicate_attribute::problem(&name.name, name.span, first);
                sink.push(problem);
                // It may be the value of a secret.
                sink.mask(attribute.value.span);
                continue;
            }
            if known.contains(&name.name.as_str()) || declared.ghosts.contains(&name.name) {
                from_files.push((attribute, source));
            } else {
                // The variable that was meant may be a secret.
                sink.mask(attribute.value.span);
                let problem = problems::unknown_given::problem(name.span, &name.name, &source.path, &known);
                sink.push(problem);
            }
        }
    }
    // What comes from outside has no place; the file that stands for the Nest is as near as can be said.
    let nest_file = globals.files.iter().find(|file| &*file.path == "nest.fly");
    let anywhere = Span::new(nest_file.map_or(FileId(0), |file| file.id), 0..0);
    for given in &variables.given {
        // The environment is shared with other Nests, whose variables it may be for.
        if given.from_environment() {
            continue;
        }
        if !known.contains(&given.name.as_str()) && !declared.ghosts.contains(&given.name) {
            let problem = problems::unknown_given::problem(anywhere, &given.name, &given.origin, &known);
            sink.push(problem);
        }
    }
    globals.closed = Some("a variable's value, which is known before anything else");
    for name in names {
        let Some(block) = declared.variables.get(name) else {
            continue;
        };
        let find = |wanted: &str| {
            block
                .body
                .attributes()
                .find(|attribute| attribute.name.name == wanted)
        };
        let ty = find("type").map(|attribute| type_expression(&attribute.value, sink));
        let default =
            find("default").map(|attribute| typed_value(globals, sink, &attribute.value, ty.as_ref(), name));
        let ty = ty
            .or_else(|| default.as_ref().map(|(ty, _)| ty.clone()))
            .unwrap_or(Type::Unknown);
        let outside = variables.given.iter().rev().find(|given| given.name == *name);
        let file = from_files
            .iter()
            .rev()
            .find(|(attribute, _)| attribute.name.name == *name);
        let value = if let Some(given) = outside {
            given_value(globals, sink, block, &ty, given)
        } else if let Some((attribute, _)) = file {
            typed_value(globals, sink, &attribute.value, Some(&ty), name).1
        } else if let Some((_, value)) = default {
            value
        } else {
            if find("default").is_none() && !block.body.is_broken() {
                sink.push(problems::variable_without_value::problem(block.header, name));
            }
            None
        };
        globals.variables.insert(name.clone(), (ty, value));
    }
    globals.closed = None;
}

/// The type and value of what a file gives a variable, where a percentage may lack its sign.
fn typed_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    expr: &Expr,
    ty: Option<&Type>,
    name: &str,
) -> (Type, Option<Value>) {
    let expr = match ty {
        Some(ty) => bare::with_unit(expr, None, ty, name, sink),
        None => Cow::Borrowed(expr),
    };
    free_value(globals, sink, &expr, ty)
}

/// A value from the command line or the environment: verbatim for a string, else a Fly literal.
fn given_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    block: &Block,
    ty: &Type,
    given: &Given,
) -> Option<Value> {
    let at = block.header;
    if let Type::String | Type::Any | Type::Unknown = ty {
        return Some(Value::string(given.text.as_str()));
    }
    let mut failed = |reason: &str| {
        // A reason may hold a part of what was given, which may be the secret itself.
        let reason = match ty.holds_secret() {
            true => "it is not the address of a secret",
            false => reason,
        };
        let (name, origin, expected) = (&given.name, &given.origin, ty.to_string());
        sink.push(problems::given_value::problem(
            at, name, origin, &expected, reason,
        ));
        None
    };
    // A bare word or url where such a text is wanted: a shell takes quotes away. With quotes it is a Fly literal.
    if !given.text.trim_start().starts_with('"') {
        match crate::literal::text(&given.text, ty) {
            Ok(Some(value)) => return Some(value),
            Err(malformed) => return failed(&malformed.reason),
            Ok(None) => {}
        }
    }
    let source = SourceFile::new(FileId(u32::MAX), given.origin.as_str(), given.text.as_str());
    let (expr, problems) = fly_syntax::parse_expression(&source);
    let mut quiet = Sink::default();
    let value = if problems.is_empty() {
        free_value(globals, &mut quiet, &expr, Some(ty)).1
    } else {
        None
    };
    match (value, problems.first().or(quiet.problems.first())) {
        (Some(value), None) => Some(value),
        (_, Some(problem)) => failed(&problem.message.clone()),
        (None, None) => failed("it has no value"),
    }
}

/// The type that a type expression says: `string`, `list(int)`, `object({ a = int, b = optional(string) })`.
pub(crate) fn type_expression(expr: &Expr, sink: &mut Sink) -> Type {
    match &expr.kind {
        ExprKind::Broken => return Type::Unknown,
        ExprKind::Paren(inner) => return type_expression(inner, sink),
        ExprKind::Name(name) => {
            if let Some(ty) = plain_type(name) {
                return ty;
            }
        }
        ExprKind::Call(name, arguments) => {
            if let ("list" | "set" | "map", [element]) = (name.name.as_str(), arguments.as_slice()) {
                let element = type_expression(element, sink);
                return match name.name.as_str() {
                    "list" => Type::list(element),
                    "set" => Type::set(element),
                    _ => Type::map(element),
                };
            }
            if let (
                "object",
                [
                    Expr {
                        kind: ExprKind::Object(entries),
                        ..
                    },
                ],
            ) = (name.name.as_str(), arguments.as_slice())
            {
                let mut fields: Vec<FieldType> = entries
                    .iter()
                    .filter_map(|entry| {
                        let name = match &entry.key {
                            ObjectKey::Name(name) => name.name.clone(),
                            ObjectKey::String(text, _) => text.literal()?,
                        };
                        let (inner, optional) = match &entry.value.kind {
                            ExprKind::Call(call, inner) if call.name == "optional" && inner.len() == 1 => {
                                (&inner[0], true)
                            }
                            _ => (&entry.value, false),
                        };
                        let ty = type_expression(inner, sink);
                        Some(FieldType { name, ty, optional })
                    })
                    .collect();
                fields.sort_by(|a, b| a.name.cmp(&b.name));
                return Type::Object(Arc::new(ObjectType { fields }));
            }
        }
        _ => {}
    }
    let word = match &expr.kind {
        ExprKind::Name(name) => name.as_str(),
        ExprKind::Call(name, _) => name.name.as_str(),
        _ => "",
    };
    // A misspelt word alone was not meant to be a type that has another one in it.
    let alone = !matches!(expr.kind, ExprKind::Call(..)) && !TYPE_WORDS.contains(&word);
    let words: Vec<&str> = TYPE_WORDS
        .iter()
        .copied()
        .filter(|word| !alone || plain_type(word).is_some())
        .collect();
    sink.push(problems::type_expression::problem(expr.span, word, &words));
    Type::Unknown
}

/// Every word that may stand in a type expression.
pub(crate) const TYPE_WORDS: &[&str] = &[
    "bool",
    "int",
    "float",
    "string",
    "duration",
    "size",
    "percent",
    "cron",
    "url",
    "fqdn",
    "cidr",
    "image",
    "version",
    "path",
    "target",
    "firewall_rule",
    "secret",
    "any",
    "list",
    "set",
    "map",
    "object",
    "optional",
];

fn plain_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "float" => Type::Float,
        "string" => Type::String,
        "duration" => Type::Duration,
        "size" => Type::Size,
        "percent" => Type::Percent,
        "secret" => Type::Secret,
        "any" => Type::Any,
        other => Type::Text(*TextForm::all().iter().find(|form| form.name() == other)?),
    })
}
