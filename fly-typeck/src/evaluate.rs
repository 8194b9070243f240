//! `gosling eval`: the whole Nest as a value, or one expression in its light.

use std::collections::BTreeMap;
use std::sync::Arc;

use fly_syntax::tree::Expr;
use fly_syntax::{Problem, SyntaxTree};
use smol_str::SmolStr;

use crate::check::with_globals;
use crate::checked::{self, CheckedBlock};
use crate::expr::Binding;
use crate::files::NestFiles;
use crate::free::bound_value;
use crate::globals::Globals;
use crate::resolve::Resolver;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;
use crate::variables::Variables;

/// The value of an expression.
#[derive(Debug)]
pub struct Evaluated {
    /// `None` where the expression or what it needs has a problem.
    pub value: Option<Value>,
    /// Its static type.
    pub ty: Type,
    /// The expression's own problems.
    pub problems: Vec<Problem>,
}

/// The value of `expr`, which may refer to everything that the Nest declares: `egg.api.resources`, `var.region`,
/// `length(eggs)`, and every other top-level block by its address: `uglyfox.pruning`, `provider.proxmox`, `preset.vm`.
/// Its file is not one of the Nest's.
#[must_use]
pub fn evaluate(files: &NestFiles, trees: &[SyntaxTree], variables: &Variables, expr: &Expr) -> Evaluated {
    with_globals(files, trees, variables, |globals, found| {
        let mut sink = Sink::default();
        Resolver::new(globals, &mut sink).mentioned(expr);
        let mentions_list = |name: &str| {
            let mut mentions = false;
            crate::walk::expr(expr, &mut |root, _, _| mentions |= root == name);
            mentions
        };
        for (list, kind) in [("eggs", "egg"), ("eggsbuckets", "eggsbucket"), ("jobs", "job")] {
            if mentions_list(list)
                && let Some(lists) = &mut globals.lists
            {
                lists.insert(list, of_kind(&found.blocks, kind));
            }
        }
        let (bindings, slots) = addresses(globals, &found.blocks);
        let (ty, value) = bound_value(globals, &mut sink, expr, None, bindings, slots);
        Evaluated {
            value,
            ty,
            problems: sink.problems,
        }
    })
}

/// The blocks that no expression of the Nest itself may name, each with its type and its value: those that a Nest has
/// once by their kind, providers and presets by their names.
fn addresses(globals: &Globals<'_>, blocks: &[CheckedBlock]) -> (Vec<Binding>, Vec<Option<Value>>) {
    let mut bindings = Vec::new();
    let mut slots = Vec::new();
    let mut bind = |name: SmolStr, ty: Type, value: Option<Value>| {
        bindings.push(Binding { name, ty });
        slots.push(value);
    };
    for block in blocks.iter().filter(|block| block.labels.is_empty()) {
        if block.schema.labels.is_empty() {
            bind(
                block.name.clone(),
                Type::Block(block.schema),
                checked::value(block),
            );
        }
    }
    let mut presets = Named::default();
    for (name, preset) in &globals.presets {
        presets.add(std::slice::from_ref(name), preset);
    }
    let mut providers = Named::default();
    for provider in globals.providers.values() {
        providers.add(&provider.labels, provider);
    }
    for (root, named) in [("preset", presets), ("provider", providers)] {
        if !named.0.is_empty() {
            let (ty, value) = named.into_object();
            bind(SmolStr::new_static(root), ty, Some(value));
        }
    }
    (bindings, slots)
}

/// Blocks by their first label, and by their second where they have one.
#[derive(Default)]
struct Named(BTreeMap<SmolStr, SameLabel>);

/// The block that has just this label, and those that have a second one.
#[derive(Default)]
struct SameLabel {
    plain: Option<(Type, Value)>,
    named: BTreeMap<SmolStr, (Type, Value)>,
}

impl Named {
    /// A block with a problem has no value and is left out.
    fn add(&mut self, labels: &[SmolStr], block: &CheckedBlock) {
        let (Some(value), Some(first)) = (checked::value(block), labels.first()) else {
            return;
        };
        let entry = self.0.entry(first.clone()).or_default();
        let typed = (Type::Block(block.schema), value);
        match labels.get(1) {
            Some(second) => {
                entry.named.insert(second.clone(), typed);
            }
            None => entry.plain = Some(typed),
        }
    }

    fn into_object(self) -> (Type, Value) {
        object(self.0.into_iter().map(|(name, SameLabel { plain, named })| {
            let typed = match plain {
                Some(plain) if named.is_empty() => plain,
                None => object(named),
                // `proxmox` beside `proxmox.dc2`: what it sets and who else there is stand side by side.
                Some((_, value)) => {
                    let mut entries = match value {
                        Value::Object(entries) => BTreeMap::clone(&entries),
                        _ => BTreeMap::new(),
                    };
                    entries.extend(named.into_iter().map(|(name, (_, value))| (name, value)));
                    (Type::Any, Value::object(entries))
                }
            };
            (name, typed)
        }))
    }
}

/// Typed values under their names as one.
fn object(entries: impl IntoIterator<Item = (SmolStr, (Type, Value))>) -> (Type, Value) {
    let (fields, values): (Vec<FieldType>, Vec<(SmolStr, Value)>) = entries
        .into_iter()
        .map(|(name, (ty, value))| {
            let field = FieldType {
                name: name.clone(),
                ty,
                optional: false,
            };
            (field, (name, value))
        })
        .unzip();
    (
        Type::Object(Arc::new(ObjectType { fields })),
        Value::object(values),
    )
}

fn of_kind(blocks: &[CheckedBlock], kind: &str) -> Value {
    Value::list(
        blocks
            .iter()
            .filter(|block| block.name == kind)
            .filter_map(checked::value),
    )
}

/// The whole Nest as one value: blocks by their kind, and by their label where they have one. Blocks with problems are
/// left out.
#[must_use]
pub fn nest_value(blocks: &[CheckedBlock]) -> Value {
    let mut kinds: BTreeMap<SmolStr, Value> = BTreeMap::new();
    for block in blocks {
        let Some(value) = checked::value(block) else {
            continue;
        };
        if block.labels.is_empty() {
            kinds.insert(block.name.clone(), value);
            continue;
        }
        let of_kind = kinds
            .entry(block.name.clone())
            .or_insert_with(|| Value::object([]));
        if let Value::Object(named) = of_kind {
            let name = SmolStr::new(block.labels.join("."));
            Arc::make_mut(named).insert(name, value);
        }
    }
    Value::Object(Arc::new(kinds))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fly_syntax::{FileId, SourceFile};

    use super::*;
    use crate::variables::Given;

    const NEST: &str = r#"
        nest {
          name = "lab"
        }
        provider "vault" {
          address = "https://vault.example.com"
          token = "env://TOKEN"
        }
        provider "vault" "other" {
          address = "https://other.example.com"
          token = "env://OTHER"
        }
        preset "small" {
          resources {
            cpu = 2
          }
        }
        variable "size" {
          default = 3
        }
    "#;

    /// What an expression comes to in the light of [`NEST`], as JSON, or the codes of its problems.
    fn value(expression: &str, variables: &Variables) -> Result<String, Vec<&'static str>> {
        let files = NestFiles::in_memory([("nest.fly".to_owned(), NEST.to_owned())]);
        let trees: Vec<SyntaxTree> = files
            .files
            .iter()
            .map(|file| fly_syntax::parse(file).tree)
            .collect();
        let source = SourceFile::new(FileId(u32::MAX), "expression", expression);
        let (expr, _) = fly_syntax::parse_expression(&source);
        let found = evaluate(&files, &trees, variables, &expr);
        let codes = || found.problems.iter().map(|problem| problem.kind.code).collect();
        found
            .value
            .as_ref()
            .map(|value| crate::json::json(value).to_string())
            .ok_or_else(codes)
    }

    #[test]
    fn every_block_has_an_address() {
        for (address, wanted) in [
            ("nest.name", r#""lab""#),
            ("provider.vault.token", r#""env://TOKEN""#),
            ("provider.vault.other.token", r#""env://OTHER""#),
            ("preset.small.resources.cpu", "2"),
            ("length(preset)", "1"),
        ] {
            assert_eq!(
                value(address, &Variables::default()).as_deref(),
                Ok(wanted),
                "{address}"
            );
        }
        assert_eq!(value("nest.nme", &Variables::default()), Err(vec!["FLY210"]));
        assert_eq!(
            value("uglyfox.pruning", &Variables::default()),
            Err(vec!["FLY205"])
        );
    }

    #[test]
    fn the_environment_may_be_another_nests() {
        let given = |name: &str, text: &str, origin: &str| Given {
            name: name.into(),
            text: text.to_owned(),
            origin: origin.to_owned(),
        };
        let variables = Variables {
            given: vec![
                given("size", "4", "GOSLING_VAR_size"),
                given("nope", "1", "GOSLING_VAR_nope"),
            ],
        };
        assert_eq!(value("var.size", &variables).as_deref(), Ok("4"));
        let files = NestFiles::in_memory([("nest.fly".to_owned(), NEST.to_owned())]);
        let trees: Vec<SyntaxTree> = files
            .files
            .iter()
            .map(|file| fly_syntax::parse(file).tree)
            .collect();
        let codes = |variables: &Variables| -> Vec<(&'static str, FileId)> {
            let problems = crate::check(&files, &trees, variables).problems;
            problems
                .iter()
                .map(|problem| (problem.kind.code, problem.span.file))
                .collect()
        };
        assert_eq!(codes(&variables), []);
        let option = Variables {
            given: vec![given("nope", "1", "--var nope")],
        };
        assert_eq!(codes(&option), [("FLY212", files.files[0].id)]);
    }
}
