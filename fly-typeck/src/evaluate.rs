//! `gosling eval`: the whole Nest as a value, or one expression in its light.

use fly_syntax::tree::{Expr, ExprKind};
use fly_syntax::{Problem, SyntaxTree};
use smol_str::SmolStr;

use crate::check::with_globals;
use crate::checked::{self, CheckedBlock};
use crate::files::NestFiles;
use crate::resolve::{Resolver, free_value};
use crate::sink::Sink;
use crate::types::Type;
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
/// `length(eggs)`, and the blocks that a Nest has once by their kind: `uglyfox`. Its file is not one of the Nest's.
#[must_use]
pub fn evaluate(files: &NestFiles, trees: &[SyntaxTree], variables: &Variables, expr: &Expr) -> Evaluated {
    with_globals(files, trees, variables, |globals, found| {
        if let ExprKind::Name(kind) = &expr.kind
            && let Some(block) = found
                .blocks
                .iter()
                .find(|block| block.name == *kind && block.labels.is_empty())
        {
            return Evaluated {
                value: checked::value(block),
                ty: Type::Block(block.schema),
                problems: Vec::new(),
            };
        }
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
        let (ty, value) = free_value(globals, &mut sink, expr, None);
        Evaluated {
            value,
            ty,
            problems: sink.problems,
        }
    })
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
    let mut kinds: std::collections::BTreeMap<SmolStr, Value> = std::collections::BTreeMap::new();
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
            std::sync::Arc::make_mut(named).insert(name, value);
        }
    }
    Value::Object(std::sync::Arc::new(kinds))
}
