//! From syntax to typed expressions: every name found, every conversion written out, every type problem reported.

use fly_syntax::Span;
use fly_syntax::tree::{BinaryOperator, Expr, ExprKind, ObjectEntry, ObjectKey, UnaryOperator};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::{Conversion, ForList, ForObject, Key, Node, Typed, Walk, fits, operators, unify, unify_all};
use crate::functions;
use crate::globals::Globals;
use crate::literal;
use crate::problems;
use crate::problems::name_place::NamePlace;
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Reference, Type};
use crate::value::Value;

/// A name that holds inside an expression only: `each`, a comprehension's names, a predicate's facts.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) name: SmolStr,
    pub(crate) ty: Type,
}

/// Turns syntax into typed expressions.
pub(crate) struct Elaborator<'a> {
    pub(crate) globals: &'a Globals<'a>,
    pub(crate) bindings: Vec<Binding>,
    /// Whether the bindings are a predicate's facts, for the words of an unknown name.
    pub(crate) facts: bool,
    /// Whether a text that looks like a secret's URI is just text here.
    pub(crate) prose: bool,
    pub(crate) sink: &'a mut Sink,
}

impl Elaborator<'_> {
    /// The typed form of `expr`, which fits `wanted`; where it does not, that is reported and the result is poison.
    pub(crate) fn expr(&mut self, expr: &Expr, wanted: Option<&Type>) -> Typed {
        let wanted = wanted.filter(|ty| !matches!(ty, Type::Any | Type::Unknown));
        if let Some(Type::Reference(reference)) = wanted
            && let Some(typed) = self.reference(expr, *reference)
        {
            return typed;
        }
        let span = expr.span;
        let typed = match &expr.kind {
            ExprKind::Broken => Typed::poison(span),
            ExprKind::Paren(inner) => {
                return Typed {
                    span,
                    ..self.expr(inner, wanted)
                };
            }
            ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity(_) => {
                let (value, ty) = crate::literal::plain(&expr.kind);
                Typed::constant(value, ty, span)
            }
            ExprKind::String(template) => return self.string(template, span, wanted),
            ExprKind::Heredoc(heredoc) => self.heredoc(heredoc, span),
            ExprKind::List(items) => return self.list(items, span, wanted),
            ExprKind::Object(entries) => return self.object(entries, span, wanted),
            ExprKind::Name(_) | ExprKind::Attribute(..) | ExprKind::Index(..) => self.access(expr),
            ExprKind::Call(name, arguments) => self.call(name, arguments, span),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand, span),
            ExprKind::Binary(binary) => self.binary(binary, span),
            ExprKind::Conditional(conditional) => return self.conditional(conditional, span, wanted),
            ExprKind::ForList(for_list) => self.for_list(for_list, span, wanted),
            ExprKind::ForObject(for_object) => self.for_object(for_object, span, wanted),
        };
        self.coerce(typed, wanted)
    }

    /// `typed` as the wanted type, or a problem.
    pub(super) fn coerce(&mut self, typed: Typed, wanted: Option<&Type>) -> Typed {
        let Some(wanted) = wanted else { return typed };
        if typed.is_poison() {
            return typed;
        }
        match fits(&typed.ty, wanted) {
            Ok(None) => typed,
            Ok(Some(conversion)) => Typed {
                ty: wanted.clone(),
                span: typed.span,
                node: Node::Convert(conversion, Box::new(typed)),
            },
            Err(_) => {
                self.mismatch(&typed, wanted);
                Typed::poison(typed.span)
            }
        }
    }

    fn mismatch(&mut self, typed: &Typed, wanted: &Type) {
        let (at, expected, found) = (typed.span, wanted.to_string(), typed.ty.to_string());
        if matches!(wanted, Type::Secret) {
            if matches!(typed.node, Node::Constant(_) | Node::Template(_)) {
                self.sink.mask(at);
            }
            self.sink.push(problems::plain_secret::problem(at));
        } else if matches!(typed.ty, Type::Secret) {
            self.sink.push(problems::secret_in_plain::problem(at, &expected));
        } else {
            let problem = match self.with_the_wanted_unit(typed, wanted) {
                Some(better) => problems::type_mismatch::problem_with_guess(at, &expected, &found, &better),
                None => {
                    let hint = mismatch_hint(typed, wanted);
                    problems::type_mismatch::problem(at, &expected, &found, hint)
                }
            };
            self.sink.push(problem);
        }
    }

    /// `8MiB` for `8m` where a size is wanted, which reads as a duration: what the written number is with a unit of the
    /// wanted type.
    fn with_the_wanted_unit(&self, typed: &Typed, wanted: &Type) -> Option<String> {
        let (Node::Constant(_), Type::Duration | Type::Size, Type::Duration | Type::Size) =
            (&typed.node, &typed.ty, wanted)
        else {
            return None;
        };
        let written = self.globals.source(typed.span.file)?.slice(typed.span);
        literal::text(written, wanted).err()?.suggestion
    }

    fn list(&mut self, items: &[Expr], span: Span, wanted: Option<&Type>) -> Typed {
        let wanted = wanted.map(|ty| pick(ty, |ty| matches!(ty, Type::List(_) | Type::Set(_))));
        let element = match wanted {
            Some(Type::List(element) | Type::Set(element)) => Some(element.clone()),
            _ => None,
        };
        let items: Vec<Typed> = items
            .iter()
            .map(|item| self.expr(item, element.as_deref()))
            .collect();
        let ty = unify_all(items.iter().map(|item| &item.ty));
        // Elements of a wanted type are converted one by one already.
        let ty = element.map_or(ty, |element| (*element).clone());
        let node = Node::List(items);
        let typed = Typed {
            ty: Type::list(ty),
            span,
            node,
        };
        self.coerce(typed, wanted)
    }

    fn object(&mut self, entries: &[ObjectEntry], span: Span, wanted: Option<&Type>) -> Typed {
        let wanted = wanted.map(|ty| pick(ty, |ty| matches!(ty, Type::Map(_) | Type::Object(_))));
        let mut fields: Vec<FieldType> = Vec::with_capacity(entries.len());
        let mut seen: FxHashMap<SmolStr, Span> = FxHashMap::default();
        let mut computed = false;
        let mut typed_entries = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.object_key(&entry.key);
            let name = match &key {
                Key::Text(name, _) => Some(name.clone()),
                Key::Computed(_) => None,
            };
            let field = match (wanted, &name) {
                (Some(Type::Map(value)), _) => Some((**value).clone()),
                (Some(Type::Object(object)), Some(name)) => {
                    let found = object.fields.iter().find(|field| field.name == *name);
                    if found.is_none() {
                        let names: Vec<&str> =
                            object.fields.iter().map(|field| field.name.as_str()).collect();
                        let at = entry.key.span();
                        self.sink.push(problems::unknown_field::problem(
                            at,
                            NamePlace::Key(at),
                            name,
                            "the object",
                            &names,
                        ));
                    }
                    found.map(|field| field.ty.clone())
                }
                _ => None,
            };
            let value = self.expr(&entry.value, field.as_ref());
            match &name {
                Some(name) => {
                    if let Some(first) = seen.get(name) {
                        self.sink
                            .push(problems::repeated_key::problem(entry.key.span(), *first, name));
                        continue;
                    }
                    seen.insert(name.clone(), entry.key.span());
                    fields.push(FieldType {
                        name: name.clone(),
                        ty: field.unwrap_or_else(|| value.ty.clone()),
                        optional: false,
                    });
                }
                None => computed = true,
            }
            typed_entries.push((key, value));
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let ty = if let Some(Type::Map(value)) = wanted {
            Type::Map(value.clone())
        } else if computed {
            let all = unify_all(typed_entries.iter().map(|(_, value)| &value.ty));
            Type::map(all)
        } else {
            if let Some(Type::Object(object)) = wanted
                && self.object_problem(object, &fields, span)
            {
                return Typed::poison(span);
            }
            Type::Object(std::sync::Arc::new(ObjectType { fields }))
        };
        let typed = Typed {
            ty,
            span,
            node: Node::Object(typed_entries),
        };
        self.coerce(typed, wanted)
    }

    /// Reports fields that are missing; whether there is anything wrong with the fields.
    fn object_problem(&mut self, wanted: &ObjectType, fields: &[FieldType], span: Span) -> bool {
        let has = |name: &SmolStr| fields.iter().any(|field| field.name == *name);
        let missing = wanted
            .fields
            .iter()
            .filter(|field| !field.optional && !has(&field.name));
        let missing: Vec<String> = missing.map(|field| format!("`{}`", field.name)).collect();
        let unknown = fields
            .iter()
            .any(|field| !wanted.fields.iter().any(|other| other.name == field.name));
        if !missing.is_empty() && !unknown {
            let wanted = Type::Object(std::sync::Arc::new(wanted.clone())).to_string();
            let found = format!("an object without {}", missing.join(", "));
            self.sink
                .push(problems::type_mismatch::problem(span, &wanted, &found, None));
        }
        unknown || !missing.is_empty()
    }

    fn object_key(&mut self, key: &ObjectKey) -> Key {
        match key {
            ObjectKey::Name(ident) => Key::Text(ident.name.clone(), ident.span),
            ObjectKey::String(template, span) => match template.literal() {
                Some(text) => Key::Text(text, *span),
                None => {
                    let prose = std::mem::replace(&mut self.prose, true);
                    let key = self.string(template, *span, Some(&Type::String));
                    self.prose = prose;
                    Key::Computed(key)
                }
            },
        }
    }

    fn call(&mut self, name: &fly_syntax::tree::Ident, arguments: &[Expr], span: Span) -> Typed {
        let prose = std::mem::replace(&mut self.prose, true);
        let typed: Vec<Typed> = arguments
            .iter()
            .map(|argument| self.expr(argument, None))
            .collect();
        self.prose = prose;
        let Some(function) = functions::find(&name.name) else {
            let names: Vec<&str> = functions::all().iter().map(|function| function.name).collect();
            self.sink
                .push(problems::unknown_function::problem(name.span, &name.name, &names));
            return Typed::poison(span);
        };
        if !function.arity.allows(typed.len()) {
            let problem =
                problems::argument_count::problem(span, function.name, function.signature, typed.len());
            self.sink.push(problem);
            return Typed::poison(span);
        }
        if typed.iter().any(Typed::is_poison) {
            return Typed::poison(span);
        }
        if !function.carries_secrets
            && let Some(argument) = typed.iter().find(|argument| argument.ty.holds_secret())
        {
            let how = format!("passed to `{}`", function.name);
            self.sink
                .push(problems::secret_used::of(&argument.ty, argument.span, &how));
            for argument in typed.iter().filter(|argument| !is_reference(argument)) {
                self.sink.mask(argument.span);
            }
            return Typed::poison(span);
        }
        let types: Vec<Type> = typed.iter().map(|argument| argument.ty.clone()).collect();
        match (function.check)(&types) {
            Ok(ty) => Typed {
                ty,
                span,
                node: Node::Call(function, typed),
            },
            Err(mismatch) => {
                let position = mismatch.argument.min(typed.len().saturating_sub(1));
                let (at, found) = typed.get(position).map_or((span, String::new()), |argument| {
                    (argument.span, argument.ty.to_string())
                });
                self.sink.push(problems::argument::problem(
                    at,
                    function.name,
                    function.signature,
                    position + 1,
                    &mismatch.expected,
                    &found,
                ));
                Typed::poison(span)
            }
        }
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr, span: Span) -> Typed {
        match operator {
            UnaryOperator::Not => {
                let operand = self.expr(operand, Some(&Type::Bool));
                if operand.is_poison() {
                    return Typed::poison(span);
                }
                Typed {
                    ty: Type::Bool,
                    span,
                    node: Node::Not(Box::new(operand)),
                }
            }
            UnaryOperator::Negate => {
                let operand = self.expr(operand, None);
                match (&operand.node, &operand.ty) {
                    (Node::Poison, _) => Typed::poison(span),
                    (Node::Constant(Value::Int(value)), _) => {
                        Typed::constant(Value::Int(value.wrapping_neg()), Type::Int, span)
                    }
                    (Node::Constant(Value::Float(value)), _) => {
                        Typed::constant(Value::Float(-value), Type::Float, span)
                    }
                    (_, Type::Int | Type::Float | Type::Unknown) => Typed {
                        ty: operand.ty.clone(),
                        span,
                        node: Node::Negate(Box::new(operand)),
                    },
                    (_, ty) => {
                        let problem = if ty.holds_secret() {
                            problems::secret_used::of(ty, operand.span, "negated")
                        } else {
                            let found = ty.to_string();
                            problems::operator::problem(span, "-", (&found, operand.span), None, None)
                        };
                        self.sink.push(problem);
                        Typed::poison(span)
                    }
                }
            }
        }
    }

    fn binary(&mut self, binary: &fly_syntax::tree::Binary, span: Span) -> Typed {
        let operator = binary.operator;
        let (left, right) = match operator {
            BinaryOperator::And | BinaryOperator::Or => (
                self.expr(&binary.left, Some(&Type::Bool)),
                self.expr(&binary.right, Some(&Type::Bool)),
            ),
            // A literal text takes the form of what it is compared with.
            _ if is_text(&binary.left) && !is_text(&binary.right) => {
                let right = self.expr(&binary.right, None);
                (self.compared(&binary.left, &right.ty), right)
            }
            _ if is_text(&binary.right) => {
                let left = self.expr(&binary.left, None);
                let right = self.compared(&binary.right, &left.ty);
                (left, right)
            }
            _ => (self.expr(&binary.left, None), self.expr(&binary.right, None)),
        };
        // A chain of comparisons is the parser's to report.
        let chained = compares(operator) && [&binary.left, &binary.right].into_iter().any(is_comparison);
        if left.is_poison() || right.is_poison() || chained {
            return Typed::poison(span);
        }
        if let Some(secret) = [&left, &right].into_iter().find(|side| side.ty.holds_secret()) {
            let how = match operator {
                BinaryOperator::Equal | BinaryOperator::NotEqual => "compared",
                _ => "used in an operation",
            };
            self.sink
                .push(problems::secret_used::of(&secret.ty, secret.span, how));
            // What a secret is compared with is most likely its value.
            for side in [&left, &right].into_iter().filter(|side| !is_reference(side)) {
                self.sink.mask(side.span);
            }
            return Typed::poison(span);
        }
        match operators::result_type(operator, &left.ty, &right.ty) {
            Some(ty) => Typed {
                ty,
                span,
                node: Node::Binary(operator, Box::new(left), Box::new(right)),
            },
            None => {
                let (found_left, found_right) = (left.ty.to_string(), right.ty.to_string());
                let hint = operator_hint(operator, &left.ty, &right.ty);
                let problem = problems::operator::problem(
                    span,
                    operator.symbol(),
                    (&found_left, left.span),
                    Some((&found_right, right.span)),
                    hint,
                );
                self.sink.push(problem);
                Typed::poison(span)
            }
        }
    }

    /// A literal text beside a value of another type: it is read as that type where texts may be.
    fn compared(&mut self, expr: &Expr, other: &Type) -> Typed {
        let wanted = match other {
            Type::Text(_)
            | Type::Words(_)
            | Type::Duration
            | Type::Size
            | Type::Percent
            | Type::Reference(_) => Some(other),
            _ => None,
        };
        self.expr(expr, wanted)
    }

    fn conditional(
        &mut self,
        conditional: &fly_syntax::tree::Conditional,
        span: Span,
        wanted: Option<&Type>,
    ) -> Typed {
        let condition = self.expr(&conditional.condition, Some(&Type::Bool));
        let then = self.expr(&conditional.then, wanted);
        let otherwise = self.expr(&conditional.otherwise, wanted);
        if condition.is_poison() || then.is_poison() || otherwise.is_poison() {
            return Typed::poison(span);
        }
        let ty = match (&then.ty, &otherwise.ty) {
            (Type::Int, Type::Float) | (Type::Float, Type::Int) => Type::Float,
            (then, otherwise) => unify(then, otherwise),
        };
        // Each branch is converted by itself, so that both have the same form.
        let mut branch = |branch: Typed| self.coerce(branch, Some(&ty));
        let (then, otherwise) = (branch(then), branch(otherwise));
        Typed {
            ty,
            span,
            node: Node::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise)),
        }
    }

    /// Binds a comprehension's names while `inside` runs.
    fn walk<T>(
        &mut self,
        key: Option<&fly_syntax::tree::Ident>,
        item: &fly_syntax::tree::Ident,
        collection: &Expr,
        condition: Option<&Expr>,
        inside: impl FnOnce(&mut Self) -> T,
    ) -> (Option<Walk>, T) {
        let collection = self.expr(collection, None);
        let elements = if collection.is_poison() {
            None
        } else {
            let elements = collection.ty.elements();
            if elements.is_none() {
                let problem = if collection.ty.holds_secret() {
                    problems::secret_used::of(&collection.ty, collection.span, "walked through")
                } else {
                    problems::not_a_collection::problem(collection.span, &collection.ty.to_string())
                };
                self.sink.push(problem);
            }
            elements
        };
        let readable = elements.is_some();
        let (key_type, item_type) = elements.unwrap_or((Type::Unknown, Type::Unknown));
        for name in key.into_iter().chain([item]) {
            if super::access::is_reserved(&name.name) {
                self.sink
                    .push(problems::reserved_name::problem(name.span, &name.name));
            }
        }
        if let Some(key) = key.filter(|key| key.name == item.name) {
            self.sink
                .push(problems::reserved_name::twice(item.span, key.span, &item.name));
        }
        let depth = self.bindings.len();
        self.bindings.push(Binding {
            name: key.map(|key| key.name.clone()).unwrap_or_default(),
            ty: key_type,
        });
        self.bindings.push(Binding {
            name: item.name.clone(),
            ty: item_type,
        });
        let condition = condition.map(|condition| self.expr(condition, Some(&Type::Bool)));
        let result = inside(self);
        self.bindings.truncate(depth);
        let poisoned = !readable || condition.as_ref().is_some_and(Typed::is_poison);
        let walk = Walk {
            collection,
            condition,
            item: item.name.clone(),
        };
        ((!poisoned).then_some(walk), result)
    }

    fn for_list(&mut self, for_list: &fly_syntax::tree::ForList, span: Span, wanted: Option<&Type>) -> Typed {
        let wanted = wanted.map(|ty| pick(ty, |ty| matches!(ty, Type::List(_) | Type::Set(_))));
        let element = match wanted {
            // Only what fits by type; literal texts inside take the wanted form here too.
            Some(Type::List(element) | Type::Set(element)) => Some(element.clone()),
            _ => None,
        };
        let fly_syntax::tree::ForList {
            key,
            item,
            collection,
            value,
            condition,
        } = for_list;
        let (walk, value) = self.walk(key.as_ref(), item, collection, condition.as_ref(), |this| {
            this.expr(value, element.as_deref())
        });
        match walk {
            Some(walk) if !value.is_poison() => Typed {
                ty: Type::list(value.ty.clone()),
                span,
                node: Node::ForList(Box::new(ForList { walk, value })),
            },
            _ => Typed::poison(span),
        }
    }

    fn for_object(
        &mut self,
        for_object: &fly_syntax::tree::ForObject,
        span: Span,
        wanted: Option<&Type>,
    ) -> Typed {
        let wanted = wanted.map(|ty| pick(ty, |ty| matches!(ty, Type::Map(_))));
        let element = match wanted {
            Some(Type::Map(element)) => Some(element.clone()),
            _ => None,
        };
        let fly_syntax::tree::ForObject {
            key,
            item,
            collection,
            new_key,
            new_value,
            condition,
        } = for_object;
        let (walk, (key, value)) = self.walk(key.as_ref(), item, collection, condition.as_ref(), |this| {
            let key = this.expr(new_key, Some(&Type::String));
            (key, this.expr(new_value, element.as_deref()))
        });
        match walk {
            Some(walk) if !value.is_poison() && !key.is_poison() => Typed {
                ty: Type::map(value.ty.clone()),
                span,
                node: Node::ForObject(Box::new(ForObject { walk, key, value })),
            },
            _ => Typed::poison(span),
        }
    }

    /// A reference where one is wanted: a path like `egg.api`, or its name as text. `None` where it is neither, so
    /// that it is looked at as any expression.
    fn reference(&mut self, expr: &Expr, reference: Reference) -> Option<Typed> {
        let name = super::access::reference_name(expr, reference)?;
        if let Some(known) = self.globals.unknown_names(reference, &name) {
            let place = super::access::name_place(expr);
            self.sink.push(problems::unknown_reference::problem(
                expr.span,
                place,
                reference.what(),
                &name,
                &known,
            ));
            return Some(Typed::poison(expr.span));
        }
        Some(Typed::constant(
            Value::String(name),
            Type::Reference(reference),
            expr.span,
        ))
    }

    /// The conversion for a template that makes `wanted` out of text, where there is one.
    pub(super) fn text_conversion(wanted: &Type) -> Option<Conversion> {
        match wanted {
            Type::Text(form) => Some(Conversion::Text(vec![*form])),
            Type::Union(members) => {
                let forms: Option<Vec<_>> = members
                    .iter()
                    .map(|member| match member {
                        Type::Text(form) => Some(*form),
                        _ => None,
                    })
                    .collect();
                forms.map(Conversion::Text)
            }
            _ => None,
        }
    }
}

/// The member of a union that a literal of this form is meant for, or the type itself.
fn pick(ty: &Type, matches: impl Fn(&Type) -> bool) -> &Type {
    match ty {
        Type::Union(members) => members.iter().find(|member| matches(member)).unwrap_or(ty),
        _ => ty,
    }
}

fn is_comparison(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Binary(binary) if compares(binary.operator))
}

fn compares(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual
    )
}

fn is_text(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::String(template) => template.literal().is_some(),
        ExprKind::Paren(inner) => is_text(inner),
        _ => false,
    }
}

/// Whether the value is only named here, and written elsewhere.
fn is_reference(typed: &Typed) -> bool {
    match &typed.node {
        Node::Global(_) | Node::Slot(_) => true,
        Node::Field(base, _) => is_reference(base),
        Node::Convert(_, inner) => is_reference(inner),
        _ => false,
    }
}

fn mismatch_hint(typed: &Typed, wanted: &Type) -> Option<String> {
    match (&typed.ty, wanted) {
        (Type::String, Type::Duration | Type::Size | Type::Percent | Type::Text(_) | Type::Words(_)) => {
            Some(format!(
                "only a text written right here becomes a {wanted}; give the variable `type = {wanted}`, or write the value in place"
            ))
        }
        (
            Type::Duration | Type::Size | Type::Percent | Type::Int | Type::Float | Type::Bool,
            Type::String,
        ) => Some("put it in quotes, or in a text as `\"${...}\"`".to_owned()),
        (Type::Text(_) | Type::Words(_), Type::String) => Some("make it a text with `\"${...}\"`".to_owned()),
        (found, Type::List(element) | Type::Set(element)) if fits(found, element).is_ok() => {
            Some("a list has brackets: `[...]`".to_owned())
        }
        (Type::List(element), wanted) if fits(element, wanted).is_ok() => {
            Some("take one element with `[0]`".to_owned())
        }
        (Type::Int, Type::Size) => Some("add the unit: `4GiB`, `512MiB`".to_owned()),
        (Type::Int, Type::Duration) => Some("add the unit: `30s`, `10m`, `1h`".to_owned()),
        (Type::Float, Type::Int) => {
            Some("write a whole number, or use `floor(...)` or `ceil(...)`".to_owned())
        }
        _ => None,
    }
}

fn operator_hint(operator: BinaryOperator, left: &Type, right: &Type) -> Option<String> {
    if operator == BinaryOperator::Add && (matches!(left, Type::String) || matches!(right, Type::String)) {
        return Some("put texts together with `\"${a}${b}\"`".to_owned());
    }
    match (left, right) {
        (Type::Size, Type::Int) | (Type::Int, Type::Size) => {
            Some("give the number a unit: `4GiB`".to_owned())
        }
        (Type::Duration, Type::Int) | (Type::Int, Type::Duration) => {
            Some("give the number a unit: `30s`".to_owned())
        }
        _ => None,
    }
}
