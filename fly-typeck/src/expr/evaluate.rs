//! From typed expressions to values. Total: every walk is over something finite, and the work is bounded.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fly_syntax::tree::BinaryOperator;
use fly_syntax::{Problem, Span};
use smol_str::SmolStr;

use super::operators::{self, Impossible};
use super::{Conversion, Key, Node, Piece, Typed, Walk};
use crate::checked;
use crate::functions::{CallError, Context};
use crate::globals::{Globals, Held};
use crate::literal;
use crate::problems;
use crate::template::{self, Rendering};
use crate::types::Type;
use crate::value::Value;
use fly_domain::{SecretUri, TextForm};

/// Work that one expression may take, in evaluated parts: hundreds of times what a large Nest needs, and
/// less than a second.
const MOST_STEPS: u32 = 5_000_000;

/// Why an expression has no value.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Its problem is reported where it lies, or it depends on a value that nobody knows.
    Silent,
    /// A problem that only shows with values.
    Problem(Box<Problem>),
    /// An optional attribute that is read is not set; `lookup` and `coalesce` take that for an answer.
    NotSet(Box<Problem>),
}

/// Evaluates typed expressions.
pub(crate) struct Evaluator<'a> {
    pub(crate) globals: &'a Globals<'a>,
    /// The values of the bindings; `None` is a value that nobody knows yet.
    pub(crate) slots: Vec<Option<Value>>,
    /// The templates around it, and the work that was done.
    pub(crate) rendering: Rendering,
}

type Result<T> = std::result::Result<T, Failure>;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(globals: &'a Globals<'a>, slots: Vec<Option<Value>>) -> Self {
        Self::inside(globals, slots, Rendering::default())
    }

    /// One for the inside of a template, whose work counts with what was done before.
    pub(crate) fn inside(globals: &'a Globals<'a>, slots: Vec<Option<Value>>, rendering: Rendering) -> Self {
        Self {
            globals,
            slots,
            rendering,
        }
    }

    /// The value of `typed`.
    pub(crate) fn value(&mut self, typed: &Typed) -> Result<Value> {
        self.spend(1, typed.span)?;
        match &typed.node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Poison => Err(Failure::Silent),
            Node::Slot(slot) => self.slots.get(*slot).cloned().flatten().ok_or(Failure::Silent),
            Node::Global(global) => match self.globals.value(global) {
                Held::Value(value) => Ok(value),
                Held::Unknown => Err(Failure::Silent),
                Held::NotSet { declared } => {
                    let path = global.to_string();
                    Err(Failure::NotSet(Box::new(problems::not_set::problem(
                        typed.span, &path, declared,
                    ))))
                }
            },
            Node::Field(base, name) => {
                let value = self.value(base)?;
                self.entry(&value, base, name, typed.span)
            }
            Node::Index(base, index) => {
                let value = self.value(base)?;
                match self.value(index)? {
                    Value::Int(at) => element(&value, at, index.span),
                    Value::String(key) => self.entry(&value, base, &key, index.span),
                    _ => Err(Failure::Silent),
                }
            }
            Node::Call(function, arguments) => self.call(function, arguments, typed.span),
            Node::Not(inner) => Ok(Value::Bool(!self.bool(inner)?)),
            Node::Negate(inner) => match self.value(inner)? {
                Value::Int(value) => value
                    .checked_neg()
                    .map(Value::Int)
                    .ok_or_else(|| cannot(typed.span, "the number is too large")),
                Value::Float(value) => Ok(Value::Float(-value)),
                _ => Err(Failure::Silent),
            },
            Node::Binary(operator, left, right) => self.binary(*operator, left, right, typed.span),
            Node::Conditional(condition, then, otherwise) => {
                if self.bool(condition)? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Node::ForList(for_list) => {
                let mut values = Vec::new();
                self.walk(&for_list.walk, |this| {
                    values.push(this.value(&for_list.value)?);
                    Ok(true)
                })?;
                Ok(Value::list(values))
            }
            Node::ForObject(for_object) => {
                let mut entries = BTreeMap::new();
                self.walk(&for_object.walk, |this| {
                    let Value::String(key) = this.value(&for_object.key)? else {
                        return Err(Failure::Silent);
                    };
                    let value = this.value(&for_object.value)?;
                    if entries.insert(key.clone(), value).is_some() {
                        let problem = problems::repeated_key::problem(
                            for_object.key.span,
                            for_object.walk.collection.span,
                            &key,
                        );
                        return Err(Failure::Problem(Box::new(problem)));
                    }
                    Ok(true)
                })?;
                Ok(Value::Object(std::sync::Arc::new(entries)))
            }
            Node::Template(pieces) => self.template(pieces, typed.span).map(Value::String),
            Node::List(items) => items
                .iter()
                .map(|item| self.value(item))
                .collect::<Result<Vec<_>>>()
                .map(Value::list),
            Node::Object(entries) => self.object(entries),
            Node::Convert(conversion, inner) => {
                let value = self.value(inner)?;
                self.convert(conversion, value, inner)
            }
        }
    }

    fn spend(&mut self, steps: u32, span: Span) -> Result<()> {
        self.rendering.steps = self.rendering.steps.saturating_add(steps);
        if self.rendering.steps > MOST_STEPS {
            return Err(cannot(span, "this takes too many steps; walk over less"));
        }
        Ok(())
    }

    pub(crate) fn bool(&mut self, typed: &Typed) -> Result<bool> {
        match self.value(typed)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Failure::Silent),
        }
    }

    fn entry(&self, value: &Value, base: &Typed, name: &SmolStr, span: Span) -> Result<Value> {
        let Value::Object(entries) = value else {
            return Err(Failure::Silent);
        };
        if let Some(value) = entries.get(name) {
            return Ok(value.clone());
        }
        if let Type::Block(schema) = &base.ty
            && let Some(defaults) = checked::defaults(schema, name)
        {
            return Ok(defaults);
        }
        let optional = match &base.ty {
            Type::Object(object) => object
                .fields
                .iter()
                .any(|field| field.optional && field.name == *name),
            Type::Block(_) => true,
            _ => false,
        };
        Err(match optional {
            true => Failure::NotSet(Box::new(self.not_set(base, name, span))),
            false => {
                let keys: Vec<&str> = entries.keys().map(SmolStr::as_str).collect();
                Failure::Problem(Box::new(problems::missing_key::problem(span, name, &keys)))
            }
        })
    }

    /// Something that may be left out is read, and was left out.
    fn not_set(&self, base: &Typed, name: &SmolStr, span: Span) -> Problem {
        let source = self.globals.source(span.file);
        let written = source.map_or("", |source| source.slice(base.span.to(span)));
        let mut element = base;
        while let Node::Field(inner, _) | Node::Index(inner, _) = &element.node {
            element = inner;
        }
        let value = match &element.node {
            Node::Slot(slot) => self.slots.get(*slot).and_then(Option::as_ref),
            _ => None,
        };
        if let (Some(Value::Object(entries)), Type::Block(schema)) = (value, &element.ty)
            && let Some(Value::String(label)) = entries.get("name")
        {
            let of = format!("{} `{label}`", schema.kind);
            let declared = self.globals.declared_at(schema.kind, label);
            return problems::not_set::of_element(span, written, name, &of, declared);
        }
        problems::not_set::problem(span, written, base.span)
    }

    fn call(
        &mut self,
        function: &'static crate::functions::Function,
        arguments: &[Typed],
        span: Span,
    ) -> Result<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match self.value(argument) {
                Ok(value) => values.push(value),
                // What is not set is exactly what `coalesce` passes over.
                Err(Failure::NotSet(_)) if function.name == "coalesce" => {}
                Err(failure) => return Err(failure),
            }
        }
        let cost = values.iter().map(weight).sum();
        self.spend(cost, span)?;
        let rendering = RefCell::new(std::mem::take(&mut self.rendering));
        let render = |path: &str, names: &BTreeMap<SmolStr, Value>| {
            template::render(self.globals, path, names, &mut rendering.borrow_mut())
        };
        let context = Context {
            files: self.globals.reader(),
            render: &render,
        };
        let result = (function.call)(&values, &context);
        self.rendering = rendering.into_inner();
        let value = result.map_err(|error| {
            let at = error
                .argument()
                .and_then(|at| arguments.get(at))
                .map_or(span, |argument| argument.span);
            Failure::Problem(Box::new(call_problem(&error, at, function.name)))
        })?;
        self.spend(weight(&value), span)?;
        Ok(value)
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Typed, right: &Typed, span: Span) -> Result<Value> {
        match operator {
            BinaryOperator::And => return Ok(Value::Bool(self.bool(left)? && self.bool(right)?)),
            BinaryOperator::Or => return Ok(Value::Bool(self.bool(left)? || self.bool(right)?)),
            _ => {}
        }
        let (left, right) = (self.value(left)?, self.value(right)?);
        self.spend(weight(&left).saturating_add(weight(&right)), span)?;
        operators::apply(operator, &left, &right).map_err(|why| match why {
            Impossible::ByZero => cannot(span, "division by zero"),
            Impossible::OutOfRange => cannot(span, "the result is too large, or below zero"),
            Impossible::Types => Failure::Silent,
        })
    }

    /// Runs `each` for every element that the walk takes, until it answers `false`.
    pub(crate) fn walk(
        &mut self,
        walk: &Walk,
        mut each: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let collection = self.value(&walk.collection)?;
        let pairs: Vec<(Value, Value)> = match &collection {
            Value::List(values) => {
                let positions = (0..).map(Value::Int);
                positions.zip(values.iter().cloned()).collect()
            }
            Value::Object(entries) => entries
                .iter()
                .map(|(key, value)| (Value::String(key.clone()), value.clone()))
                .collect(),
            _ => return Err(Failure::Silent),
        };
        let depth = self.slots.len();
        for (key, item) in pairs {
            self.spend(1, walk.collection.span)?;
            self.slots.push(Some(key));
            self.slots.push(Some(item));
            let outcome = match &walk.condition {
                Some(condition) => self.bool(condition),
                None => Ok(true),
            };
            let outcome = outcome.and_then(|taken| if taken { each(self) } else { Ok(true) });
            self.slots.truncate(depth);
            if !outcome? {
                break;
            }
        }
        Ok(())
    }

    fn template(&mut self, pieces: &[Piece], span: Span) -> Result<SmolStr> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Value(typed) => match self.value(typed)? {
                    Value::String(part) => text.push_str(&part),
                    value => text.push_str(&crate::json::text(&value)),
                },
            }
            if text.len() > 1 << 20 {
                return Err(cannot(span, "the text is longer than 1 MiB"));
            }
        }
        self.spend(u32::try_from(text.len() / 64).unwrap_or(u32::MAX), span)?;
        Ok(SmolStr::new(text))
    }

    fn object(&mut self, entries: &[(Key, Typed)]) -> Result<Value> {
        let mut object = BTreeMap::new();
        for (key, value) in entries {
            let (key, span) = match key {
                Key::Text(text, span) => (text.clone(), *span),
                Key::Computed(typed) => match self.value(typed)? {
                    Value::String(text) => (text, typed.span),
                    _ => return Err(Failure::Silent),
                },
            };
            let value = self.value(value)?;
            if object.insert(key.clone(), value).is_some() {
                let first = entries.first().map_or(span, |(key, value)| match key {
                    Key::Text(_, span) => *span,
                    Key::Computed(_) => value.span,
                });
                return Err(Failure::Problem(Box::new(problems::repeated_key::problem(
                    span, first, &key,
                ))));
            }
        }
        Ok(Value::Object(std::sync::Arc::new(object)))
    }

    fn convert(&mut self, conversion: &Conversion, value: Value, inner: &Typed) -> Result<Value> {
        match (conversion, value) {
            (Conversion::IntToFloat, Value::Int(value)) => Ok(Value::Float(value as f64)),
            (Conversion::Each(conversion), Value::List(values)) => {
                let values = values
                    .iter()
                    .map(|value| self.convert(conversion, value.clone(), inner));
                values.collect::<Result<Vec<_>>>().map(Value::list)
            }
            (Conversion::Each(conversion), Value::Object(entries)) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.convert(conversion, value.clone(), inner)?)));
                entries.collect::<Result<Vec<_>>>().map(Value::object)
            }
            (Conversion::ListToSet, Value::List(values)) => {
                let mut sorted: Vec<Value> = values.to_vec();
                literal::sort_set(&mut sorted);
                if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(repeat(&values, inner));
                }
                Ok(Value::list(sorted))
            }
            (Conversion::Text(forms), Value::String(text)) => {
                let mut reason = None;
                for form in forms {
                    match form.check(&text) {
                        Ok(()) => return Ok(Value::String(text)),
                        Err(malformed) => {
                            reason.get_or_insert((*form, malformed));
                        }
                    }
                }
                let Some((form, malformed)) = reason else {
                    return Ok(Value::String(text));
                };
                let names: Vec<&str> = forms.iter().copied().map(TextForm::name).collect();
                let name = if names.len() > 1 {
                    names.join("|")
                } else {
                    form.name().to_owned()
                };
                Err(Failure::Problem(Box::new(problems::malformed::problem(
                    inner.span, &name, &text, &malformed,
                ))))
            }
            (Conversion::Secret, Value::String(text)) => {
                SecretUri::parse(&text).map(Value::Secret).map_err(|malformed| {
                    Failure::Problem(Box::new(problems::malformed_secret::problem(
                        inner.span, &malformed,
                    )))
                })
            }
            (Conversion::Name(reference), Value::String(name)) => {
                match self.globals.unknown_names(*reference, &name) {
                    None => Ok(Value::String(name)),
                    Some(known) => Err(Failure::Problem(Box::new(problems::unknown_reference::computed(
                        inner.span,
                        reference.what(),
                        &name,
                        &known,
                    )))),
                }
            }
            (_, value) => Ok(value),
        }
    }
}

/// The first element that stands in the list twice.
fn repeat(values: &[Value], inner: &Typed) -> Failure {
    let items: &[Typed] = match &inner.node {
        Node::List(items) if items.len() == values.len() => items,
        _ => &[],
    };
    for (later, value) in values.iter().enumerate() {
        if let Some(first) = values[..later].iter().position(|other| other == value) {
            let at = |index: usize| items.get(index).map_or(inner.span, |item| item.span);
            let text = crate::json::short_text(value, 60);
            return Failure::Problem(Box::new(problems::set_repeat::problem(
                at(later),
                at(first),
                &text,
            )));
        }
    }
    Failure::Silent
}

fn element(value: &Value, at: i64, span: Span) -> Result<Value> {
    let Some(values) = value.as_list() else {
        return Err(Failure::Silent);
    };
    usize::try_from(at)
        .ok()
        .and_then(|at| values.get(at))
        .cloned()
        .ok_or_else(|| {
            let last = match values.len() {
                0 => "the list is empty".to_owned(),
                1 => "the list has one element, number 0".to_owned(),
                length => format!("the list has {length} elements, numbers 0 to {}", length - 1),
            };
            cannot(span, &format!("there is no element {at}: {last}"))
        })
}

fn cannot(span: Span, reason: &str) -> Failure {
    Failure::Problem(Box::new(problems::cannot_evaluate::problem(span, reason)))
}

fn call_problem(error: &CallError, at: Span, function: &str) -> Problem {
    match error {
        CallError::OutsideNest { path, .. } => problems::path_outside::problem(at, path),
        CallError::Missing { path, .. } => problems::file_missing::problem(at, path),
        CallError::Circle { steps } => problems::cycle::of_templates(at, steps),
        CallError::NotText { path } => problems::not_text::problem(at, path),
        other => problems::call_failed::problem(at, function, &other.to_string()),
    }
}

/// What a value costs to look at: its elements, up to a bound that already counts as too much.
fn weight(value: &Value) -> u32 {
    fn count(value: &Value, left: &mut u32) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        match value {
            Value::List(values) => values.iter().for_each(|value| count(value, left)),
            Value::Object(entries) => entries.values().for_each(|value| count(value, left)),
            Value::String(text) => {
                *left = left.saturating_sub(u32::try_from(text.len() / 64).unwrap_or(u32::MAX))
            }
            _ => {}
        }
    }
    match value {
        Value::List(_) | Value::Object(_) => {
            let mut left = MOST_STEPS;
            count(value, &mut left);
            MOST_STEPS - left
        }
        Value::String(text) => u32::try_from(text.len() / 64).unwrap_or(u32::MAX),
        _ => 1,
    }
}
