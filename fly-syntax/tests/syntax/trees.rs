//! Random trees, as a parser could have given them.

use fly_syntax::Span;
use fly_syntax::source::FileId;
use fly_syntax::tree::*;
use proptest::prelude::*;

const NOWHERE: Span = Span {
    file: FileId(0),
    start: 0,
    end: 0,
};

pub(crate) fn bodies() -> impl Strategy<Value = Body> {
    let attributes = prop::collection::vec(attribute(), 0..4);
    attributes.prop_map(body).prop_recursive(4, 24, 3, |inner| {
        let blocks = prop::collection::vec(block(inner), 0..3);
        (prop::collection::vec(attribute(), 0..3), blocks).prop_map(|(mut entries, blocks)| {
            entries.extend(blocks);
            body(entries)
        })
    })
}

fn body(entries: Vec<Entry>) -> Body {
    Body { entries }
}

fn attribute() -> impl Strategy<Value = Entry> {
    (ident(), exprs(true)).prop_map(|(name, value)| Entry::Attribute(Attribute { name, value }))
}

fn block(inner: impl Strategy<Value = Body>) -> impl Strategy<Value = Entry> {
    let labels = prop::collection::vec("[a-z0-9][a-z0-9-]{0,6}", 0..3);
    (ident(), labels, inner).prop_map(|(kind, labels, body)| {
        let labels = labels.into_iter().map(|label| fly_syntax::tree::Label {
            text: literal(&label),
            span: NOWHERE,
        });
        Entry::Block(Block {
            kind,
            labels: labels.collect(),
            body,
            header: NOWHERE,
            open: NOWHERE,
            close: NOWHERE,
        })
    })
}

fn ident() -> impl Strategy<Value = Ident> {
    "[a-zA-Z_][a-z0-9_]{0,7}"
        .prop_filter("a word of the language", |name| {
            !["for", "in", "if", "true", "false"].contains(&name.as_str())
        })
        .prop_map(|name| Ident {
            name: name.into(),
            span: NOWHERE,
        })
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: NOWHERE }
}

fn literal(text: &str) -> Template {
    let part = TemplatePart::Literal {
        text: text.into(),
        span: NOWHERE,
    };
    Template {
        parts: if text.is_empty() { Vec::new() } else { vec![part] },
    }
}

/// Numbers, words and texts without interpolation.
fn plain() -> impl Strategy<Value = ExprKind> {
    prop_oneof![
        any::<bool>().prop_map(ExprKind::Bool),
        (0..i64::MAX).prop_map(ExprKind::Int),
        (0u32..2_000_000).prop_map(|n| ExprKind::Float(f64::from(n) / 64.0)),
        (0u64..10_000_000_000).prop_map(|n| ExprKind::Quantity(Quantity::Duration(n))),
        (0u64..20, 0u32..50).prop_map(|(n, shift)| ExprKind::Quantity(Quantity::Size(n << shift))),
        (0u64..20, 0u32..5).prop_map(|(n, power)| ExprKind::Quantity(Quantity::Size(n * 1000u64.pow(power)))),
        (0u32..=200).prop_map(|n| ExprKind::Quantity(Quantity::Percent(f64::from(n) / 2.0))),
        ident().prop_map(|ident| ExprKind::Name(ident.name)),
        "[a-z ${}\"\\\\\n\té#/,]{0,12}".prop_map(|text| ExprKind::String(literal(&text))),
    ]
}

/// Values of any kind; a heredoc cannot stand inside a string.
fn exprs(heredocs: bool) -> BoxedStrategy<Expr> {
    let leaf = if heredocs {
        prop_oneof![8 => plain(), 1 => heredoc(), 2 => interpolated()].boxed()
    } else {
        plain().boxed()
    };
    leaf.prop_map(expr)
        .prop_recursive(4, 20, 4, |inner| composed(inner).prop_map(expr))
        .boxed()
}

fn interpolated() -> impl Strategy<Value = ExprKind> {
    let pieces = prop::collection::vec(("[a-z$ {\"]{1,4}", exprs(false)), 1..3);
    (pieces, any::<bool>()).prop_map(|(pieces, starts)| {
        let mut parts: Vec<TemplatePart> = pieces
            .into_iter()
            .flat_map(|(text, expr)| {
                [
                    TemplatePart::Literal {
                        text: text.into(),
                        span: NOWHERE,
                    },
                    TemplatePart::Interpolation { expr, span: NOWHERE },
                ]
            })
            .collect();
        if starts {
            parts.remove(0);
        }
        ExprKind::String(Template { parts })
    })
}

fn heredoc() -> impl Strategy<Value = ExprKind> {
    let line = "[a-z $${\"#\\\\]{0,10}";
    (prop::collection::vec(line, 0..4), any::<bool>()).prop_map(|(lines, stripped)| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        ExprKind::Heredoc(Heredoc {
            terminator: "EOT".into(),
            stripped,
            text: literal(&text),
        })
    })
}

fn composed(inner: BoxedStrategy<Expr>) -> impl Strategy<Value = ExprKind> {
    let one = move || inner.clone().prop_map(Box::new);
    let some = {
        let one = one.clone();
        move || prop::collection::vec(one().prop_map(|expr| *expr), 0..4)
    };
    let maybe = {
        let one = one.clone();
        move || prop::option::of(one().prop_map(|expr| *expr))
    };
    prop_oneof![
        some().prop_map(ExprKind::List),
        (some(), prop::collection::vec(key(), 4)).prop_map(|(values, keys)| {
            let entries = keys.into_iter().zip(values);
            ExprKind::Object(entries.map(|(key, value)| ObjectEntry { key, value }).collect())
        }),
        (ident(), some()).prop_map(|(name, arguments)| ExprKind::Call(name, arguments)),
        (one(), ident()).prop_map(|(base, name)| ExprKind::Attribute(base, name)),
        (one(), one()).prop_map(|(base, index)| ExprKind::Index(base, index)),
        one().prop_map(ExprKind::Paren),
        (any::<bool>(), one()).prop_map(|(not, operand)| {
            let operator = if not {
                UnaryOperator::Not
            } else {
                UnaryOperator::Negate
            };
            ExprKind::Unary(operator, operand)
        }),
        (operator(), one(), one()).prop_map(|(operator, left, right)| {
            ExprKind::Binary(Box::new(Binary {
                operator,
                operator_span: NOWHERE,
                left: *left,
                right: *right,
            }))
        }),
        (one(), one(), one()).prop_map(|(condition, then, otherwise)| {
            ExprKind::Conditional(Box::new(Conditional {
                condition: *condition,
                then: *then,
                otherwise: *otherwise,
            }))
        }),
        (prop::option::of(ident()), ident(), one(), one(), maybe()).prop_map(
            |(key, item, collection, value, condition)| {
                let (collection, value) = (*collection, *value);
                ExprKind::ForList(Box::new(ForList {
                    key,
                    item,
                    collection,
                    value,
                    condition,
                }))
            }
        ),
        (prop::option::of(ident()), ident(), one(), one(), one(), maybe()).prop_map(
            |(key, item, collection, new_key, new_value, condition)| {
                let (collection, new_key, new_value) = (*collection, *new_key, *new_value);
                ExprKind::ForObject(Box::new(ForObject {
                    key,
                    item,
                    collection,
                    new_key,
                    new_value,
                    condition,
                }))
            }
        ),
    ]
}

fn key() -> impl Strategy<Value = ObjectKey> {
    prop_oneof![
        ident().prop_map(ObjectKey::Name),
        "[a-z. -]{0,6}".prop_map(|text| ObjectKey::String(literal(&text), NOWHERE)),
    ]
}

fn operator() -> impl Strategy<Value = BinaryOperator> {
    use BinaryOperator as B;
    prop::sample::select(vec![
        B::Or,
        B::And,
        B::Equal,
        B::NotEqual,
        B::Less,
        B::LessOrEqual,
        B::Greater,
        B::GreaterOrEqual,
        B::Add,
        B::Subtract,
        B::Multiply,
        B::Divide,
        B::Modulo,
    ])
}
