//! `check` blocks and `validation`s: rules that a Nest makes for itself.

use fly_syntax::Span;
use fly_syntax::tree::{Block, Expr, ExprKind};
use smol_str::SmolStr;

use crate::checked::CheckedBlock;
use crate::declared::Top;
use crate::entity::plain_block;
use crate::expr::{Elaborator, Evaluator, ForList, Key, Node, Piece, Typed};
use crate::globals::Globals;
use crate::json;
use crate::merge::Completion;
use crate::problems;
use crate::sink::Sink;
use crate::types::Type;
use crate::value::Value;

/// Checks a `check`, `variable` or `locals` block, when all that it may refer to is known.
pub(crate) fn check(globals: &Globals<'_>, sink: &mut Sink, top: Top<'_>) {
    let checked = plain_block(globals, sink, top);
    Completion { sink, presets: &[] }.block(&checked);
    match top.schema().kind {
        "check" => {
            let Some(message) = failed(&checked) else { return };
            let Some((condition, values)) = values(globals, top.block) else {
                return;
            };
            let name = checked.label();
            sink.push(problems::check_failed::problem(
                condition, &name, &message, values,
            ));
        }
        "variable" => {
            let name = checked.label();
            let given = globals
                .variables
                .get(&name)
                .and_then(|(_, value)| value.as_ref())
                .map(|value| {
                    let text = json::short_text(value, 80);
                    if matches!(value, Value::Secret(_)) {
                        "a secret".to_owned()
                    } else {
                        text
                    }
                });
            let blocks = top
                .block
                .body
                .blocks()
                .filter(|block| block.kind.name == "validation");
            for (block, checked) in
                blocks.zip(checked.blocks.iter().filter(|block| block.name == "validation"))
            {
                let Some(message) = failed(checked) else { continue };
                let Some((condition, values)) = values(globals, block) else {
                    continue;
                };
                let given = given.clone().unwrap_or_default();
                let problem =
                    problems::validation_failed::problem(condition, &name, &message, &given, values);
                sink.push(problem);
            }
        }
        _ => {}
    }
}

/// The message of a rule whose condition is false.
fn failed(checked: &CheckedBlock) -> Option<SmolStr> {
    match checked.value("condition") {
        Some(Value::Bool(false)) => Some(
            checked
                .value("message")
                .and_then(Value::as_str)
                .map(SmolStr::new)
                .unwrap_or_default(),
        ),
        _ => None,
    }
}

/// The place of a block's condition, and the value of each part of it that explains why it is false.
fn values(globals: &Globals<'_>, block: &Block) -> Option<(Span, Vec<(Span, String)>)> {
    let condition = block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == "condition")?;
    let mut quiet = Sink::default();
    let mut elaborator = Elaborator {
        globals,
        bindings: Vec::new(),
        facts: false,
        prose: false,
        sink: &mut quiet,
    };
    let typed = elaborator.expr(plain(&condition.value), Some(&Type::Bool));
    let mut explainer = Explainer {
        evaluator: Evaluator::new(globals, Vec::new()),
        values: Vec::new(),
    };
    explainer.explain(&typed);
    let mut values = explainer.values;
    values.sort();
    values.dedup();
    Some((condition.value.span, values))
}

fn plain(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Paren(inner) => plain(inner),
        _ => expr,
    }
}

/// Collects the values of the parts of a condition.
struct Explainer<'a> {
    evaluator: Evaluator<'a>,
    values: Vec<(Span, String)>,
}

impl Explainer<'_> {
    fn explain(&mut self, typed: &Typed) {
        match &typed.node {
            Node::Constant(_) | Node::Poison => {}
            Node::Global(_) | Node::Slot(_) | Node::Field(..) | Node::Index(..) => self.say(typed),
            Node::Not(inner) | Node::Negate(inner) | Node::Convert(_, inner) => self.explain(inner),
            Node::Binary(_, left, right) => {
                self.explain(left);
                self.explain(right);
            }
            Node::Conditional(condition, then, otherwise) => {
                self.explain(condition);
                match self.evaluator.bool(condition) {
                    Ok(true) => self.explain(then),
                    Ok(false) => self.explain(otherwise),
                    Err(_) => {}
                }
            }
            Node::Call(_, arguments) => {
                let before = self.values.len();
                arguments.iter().for_each(|argument| self.explain(argument));
                if self.values.len() == before {
                    self.say(typed);
                }
            }
            Node::ForList(for_list) => self.culprit(for_list),
            Node::ForObject(_) => self.say(typed),
            Node::Template(pieces) => {
                for piece in pieces {
                    if let Piece::Value(value) = piece {
                        self.explain(value);
                    }
                }
            }
            Node::List(items) => items.iter().for_each(|item| self.explain(item)),
            Node::Object(entries) => {
                for (key, value) in entries {
                    if let Key::Computed(key) = key {
                        self.explain(key);
                    }
                    self.explain(value);
                }
            }
        }
    }

    fn say(&mut self, typed: &Typed) {
        if typed.ty.holds_secret() {
            return;
        }
        if let Ok(value) = self.evaluator.value(typed) {
            self.values.push((typed.span, json::short_text(&value, 60)));
        }
    }

    /// The first element for which a list of truths is false, with the values that made it so.
    fn culprit(&mut self, for_list: &ForList) {
        if !matches!(for_list.value.ty, Type::Bool) {
            return;
        }
        let mut found: Option<Vec<Option<Value>>> = None;
        let walked = self.evaluator.walk(&for_list.walk, |evaluator| {
            if evaluator.bool(&for_list.value)? {
                return Ok(true);
            }
            found = Some(evaluator.slots.clone());
            Ok(false)
        });
        let (Ok(()), Some(slots)) = (walked, found) else {
            return;
        };
        let outer = std::mem::replace(&mut self.evaluator.slots, slots);
        let item = self.evaluator.slots.last().cloned().flatten();
        let name = match &item {
            Some(Value::Object(entries)) => entries.get("name").cloned(),
            other => other.clone(),
        };
        if let Some(name) = name {
            let text = format!(
                "false for `{}` = {}",
                for_list.walk.item,
                json::short_text(&name, 60)
            );
            self.values.push((for_list.value.span, text));
        }
        self.explain(&for_list.value);
        self.evaluator.slots = outer;
    }
}
