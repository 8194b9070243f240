//! `for_each`: the instances of a block, and what `each` is in each of them.

use std::sync::Arc;

use fly_syntax::tree::{Block, Expr, ExprKind};
use smol_str::SmolStr;

use crate::body::{BodyChecker, Each, label_form};
use crate::expr::{ROOTS, Step};
use crate::free::free_value;
use crate::globals::{Globals, Instance, Instances};
use crate::problems;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;

/// What `for_each = expr` makes of a block.
pub(crate) fn instances(globals: &Globals<'_>, sink: &mut Sink, expr: &Expr, block: &Block) -> Instances {
    let (ty, value) = free_value(globals, sink, expr, None);
    let Some((_, value_type)) = ty.elements() else {
        sink.push(problems::not_a_collection::problem(expr.span, &ty.to_string()));
        return Instances {
            value_type: Type::Unknown,
            each: None,
        };
    };
    let entries: Option<Vec<(SmolStr, Value)>> = value.map(|value| match &value {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        Value::List(values) => values
            .iter()
            .map(|value| {
                (
                    value
                        .as_str()
                        .map_or_else(|| SmolStr::new(crate::json::text(value)), SmolStr::new),
                    value.clone(),
                )
            })
            .collect(),
        _ => Vec::new(),
    });
    let label = block.labels.first();
    let uses_key = label.is_some_and(|label| {
        let mut uses = false;
        let expr = Expr {
            kind: ExprKind::String(label.text.clone()),
            span: label.span,
        };
        crate::walk::expr(&expr, &mut |root, steps, _| {
            let step = steps.first().and_then(Step::name);
            // What is no word of the language is a problem of its own, and may be a slip for `each.key`.
            uses |= match root.as_str() {
                "each" => step.is_none_or(|(name, _)| name != "value"),
                root => !ROOTS.contains(&root),
            };
        });
        uses
    });
    if let Some(label) = label
        && !uses_key
    {
        sink.push(problems::label_template::problem(label.span, true));
        return Instances {
            value_type,
            each: None,
        };
    }
    let mut instances = Instances {
        value_type,
        each: None,
    };
    let made = entries.map(|entries| {
        let named = entries.into_iter().map(|(key, value)| {
            let mut instance = Instance {
                name: None,
                key,
                value,
            };
            let mut quiet = Sink::default();
            let mut checker = BodyChecker {
                globals,
                sink: &mut quiet,
                each: Some(each(&instances, Some(&instance))),
            };
            let name = label
                .map(|label| checker.label(label))
                .filter(|name| label_form(name).is_ok());
            instance.name = name;
            instance
        });
        named.collect::<Vec<_>>()
    });
    instances.each = made;
    instances
}

/// What `each` is for an instance, or for the type check of a `for_each` without one.
pub(crate) fn each(instances: &Instances, instance: Option<&Instance>) -> Each {
    let field = |name, ty| FieldType {
        name: SmolStr::new_static(name),
        ty,
        optional: false,
    };
    let fields = vec![
        field("key", Type::String),
        field("value", instances.value_type.clone()),
    ];
    Each {
        ty: Type::Object(Arc::new(ObjectType { fields })),
        value: instance.map(|instance| {
            Value::object([
                (SmolStr::new_static("key"), Value::String(instance.key.clone())),
                (SmolStr::new_static("value"), instance.value.clone()),
            ])
        }),
    }
}
