//! The condition of a policy rule: a typed predicate over a runner's facts, as an expression or as text.

use std::sync::LazyLock;

use fly_syntax::tree::{Binary, Conditional, Expr, ExprKind, TemplatePart};
use fly_syntax::{SourceFile, Span};
use smol_str::SmolStr;

use crate::expr::{Binding, Elaborator};
use crate::free::free_value;
use crate::globals::Globals;
use crate::literal;
use crate::sink::Sink;
use crate::types::{Type, Words};
use crate::value::Value;
use fly_domain::TextForm;

/// The words of the fact `state`.
pub static STATES: Words = Words {
    what: "runner state",
    words: &[
        ("pending", "its machine is not made yet"),
        ("starting", "its machine boots"),
        ("online", "it is in contact"),
        ("busy", "it runs a job"),
        ("idle", "it is online and runs nothing"),
        ("offline", "it has not been in contact lately"),
        ("failed", "it failed"),
        ("apex", "it is in the active pool"),
        ("nadir", "it is in the dormant pool"),
        ("draining", "it takes no more jobs"),
    ],
};

/// The facts of a runner that a condition may ask for: name, type, meaning.
pub static FACTS: LazyLock<Vec<(&'static str, Type, &'static str)>> = LazyLock::new(|| {
    vec![
        (
            "failed_count",
            Type::Int,
            "jobs in a row that failed for reasons of the runner's",
        ),
        ("age", Type::Duration, "since its machine was made"),
        ("idle_time", Type::Duration, "since its last job ended"),
        ("state", Type::Words(&STATES), "what it does now"),
        ("cpu", Type::Percent, "processor use of its machine"),
        ("memory", Type::Percent, "memory use of its machine"),
        ("jobs_run", Type::Int, "jobs that it ran"),
        (
            "last_contact",
            Type::Duration,
            "since it last spoke to its server",
        ),
        ("version", Type::Text(TextForm::Version), "of its gitlab-runner"),
        ("egg", Type::String, "the egg that it belongs to"),
    ]
});

/// The condition in its canonical text, with `&&`, `||` and `!`; `None` where it has a problem.
pub(crate) fn check(globals: &Globals<'_>, sink: &mut Sink, expr: &Expr) -> Option<Value> {
    let parsed;
    let condition = match &expr.kind {
        ExprKind::String(template) => {
            let source = globals.source(expr.span.file)?;
            let inside = template.parts.iter().map(|part| match part {
                TemplatePart::Literal { span, .. } | TemplatePart::Interpolation { span, .. } => *span,
            });
            let content = inside.reduce(Span::to).unwrap_or_else(|| inner(expr.span));
            parsed = text(source, content, sink)?;
            &parsed
        }
        _ => expr,
    };
    let bindings = FACTS.iter().map(|(name, ty, _)| Binding {
        name: SmolStr::new_static(name),
        ty: ty.clone(),
    });
    let before = sink.problems.len();
    let mut elaborator = Elaborator {
        globals,
        bindings: bindings.collect(),
        facts: true,
        prose: true,
        sink,
    };
    let typed = elaborator.expr(condition, Some(&Type::Bool));
    if typed.is_poison() || sink.problems.len() > before {
        return None;
    }
    let settled = settled(globals, condition);
    Some(Value::string(fly_syntax::print::print_value(&settled)))
}

/// The condition with the values of variables, locals and the like in the place of their names, so that whoever
/// weighs it needs nothing but a runner. Only operators, calls and lists are looked into; the parser bounds how deep
/// they lie.
fn settled(globals: &Globals<'_>, expr: &Expr) -> Expr {
    let inner = |expr: &Expr| settled(globals, expr);
    let kind = match &expr.kind {
        // The printer writes those that are needed.
        ExprKind::Paren(value) => return inner(value),
        ExprKind::Unary(operator, value) => ExprKind::Unary(*operator, Box::new(inner(value))),
        ExprKind::Binary(binary) => ExprKind::Binary(Box::new(Binary {
            left: inner(&binary.left),
            right: inner(&binary.right),
            ..Binary::clone(binary)
        })),
        ExprKind::Conditional(conditional) => ExprKind::Conditional(Box::new(Conditional {
            condition: inner(&conditional.condition),
            then: inner(&conditional.then),
            otherwise: inner(&conditional.otherwise),
        })),
        ExprKind::List(items) => ExprKind::List(items.iter().map(inner).collect()),
        ExprKind::Call(name, arguments) => {
            ExprKind::Call(name.clone(), arguments.iter().map(inner).collect())
        }
        ExprKind::Attribute(..) | ExprKind::Index(..) => {
            let (_, value) = free_value(globals, &mut Sink::default(), expr, None);
            value
                .and_then(|value| literal::written(&value))
                .unwrap_or_else(|| expr.kind.clone())
        }
        other => other.clone(),
    };
    Expr { kind, ..*expr }
}

fn text(source: &SourceFile, content: Span, sink: &mut Sink) -> Option<Expr> {
    let (expr, problems) = fly_syntax::parse_predicate(source, content);
    let readable = problems.is_empty();
    sink.problems.extend(problems);
    readable.then_some(expr)
}

/// Between the quotes of an empty text.
fn inner(span: Span) -> Span {
    Span {
        start: (span.start + 1).min(span.end),
        end: (span.start + 1).min(span.end),
        ..span
    }
}
