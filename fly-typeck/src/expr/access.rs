//! Names and paths: what `var.region`, `egg.api.runner.tags`, `each.key` and `x` refer to.

use fly_syntax::Span;
use fly_syntax::tree::{Expr, ExprKind, Ident};
use smol_str::SmolStr;

use super::{Elaborator, Evaluator, Node, Typed, unify};
use crate::globals::{Found, Global};
use crate::problems;
use crate::problems::name_place::NamePlace;
use crate::schema::{BlockSchema, Occurrence};
use crate::types::{Reference, Type};
use crate::value::Value;

/// The words that begin a path; no name of a comprehension may hide one.
pub(crate) const ROOTS: &[&str] = &[
    "var",
    "local",
    "preset",
    "egg",
    "eggsbucket",
    "job",
    "provider",
    "each",
    "eggs",
    "eggsbuckets",
    "jobs",
];

pub(super) fn is_reserved(name: &str) -> bool {
    ROOTS.contains(&name) || matches!(name, "true" | "false" | "for" | "in" | "if")
}

/// A step of a path, from its root on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'e> {
    /// `.name`
    Field(&'e Ident),
    /// `[index]`, and where the whole step ends.
    Index(&'e Expr, Span),
}

impl Step<'_> {
    /// The name that the step takes, where that is written out: `.name` or `["name"]`.
    pub(crate) fn name(&self) -> Option<(SmolStr, Span)> {
        match self {
            Self::Field(ident) => Some((ident.name.clone(), ident.span)),
            Self::Index(index, _) => match &index.kind {
                ExprKind::String(template) => Some((template.literal()?, index.span)),
                _ => None,
            },
        }
    }

    /// Where its name is written, behind a base that ends there.
    pub(crate) fn place(&self, base: Span) -> NamePlace {
        let whole = Span {
            start: base.end,
            ..base.to(self.end())
        };
        match self {
            Self::Field(_) => NamePlace::Field(whole),
            Self::Index(index, _) => text_place(index).unwrap_or(NamePlace::Path(whole)),
        }
    }

    fn end(&self) -> Span {
        match self {
            Self::Field(ident) => ident.span,
            Self::Index(_, span) => *span,
        }
    }
}

/// The root name and the steps of a path; `None` where it starts with something else than a name.
pub(crate) fn path(expr: &Expr) -> Option<(&SmolStr, Span, Vec<Step<'_>>)> {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            ExprKind::Attribute(base, name) => {
                steps.push(Step::Field(name));
                at = base;
            }
            ExprKind::Index(base, index) => {
                steps.push(Step::Index(index, at.span));
                at = base;
            }
            ExprKind::Name(name) => {
                steps.reverse();
                return Some((name, at.span, steps));
            }
            _ => return None,
        }
    }
}

/// The name that `expr` gives where a reference is wanted: `"dc2"`, `egg.api`, `provider.proxmox.dc2`.
pub(crate) fn reference_name(expr: &Expr, reference: Reference) -> Option<SmolStr> {
    match &expr.kind {
        ExprKind::Paren(inner) => return reference_name(inner, reference),
        ExprKind::String(template) => return template.literal(),
        _ => {}
    }
    let (root, _, steps) = path(expr)?;
    let names: Vec<SmolStr> = steps
        .iter()
        .map(|step| Some(step.name()?.0))
        .collect::<Option<_>>()?;
    match (reference, root.as_str(), names.as_slice()) {
        (Reference::Provider, "provider", [ty]) => Some(ty.clone()),
        (Reference::Provider, "provider", [ty, name]) => Some(SmolStr::new(format!("{ty}.{name}"))),
        (Reference::Entity, "egg" | "eggsbucket", [name]) => Some(name.clone()),
        (Reference::Address, "egg" | "eggsbucket" | "job", [name]) => {
            Some(SmolStr::new(format!("{root}.{name}")))
        }
        (Reference::ServiceAccount, "service_accounts" | "mothergoose", [.., name])
        | (Reference::Queue, "message_queues" | "mothergoose", [.., name])
        | (Reference::Role, "mothergoose", [.., name]) => Some(name.clone()),
        (Reference::Role, _, []) => Some(root.clone()),
        (Reference::Role, "api_gateway", [name]) => Some(name.clone()),
        _ => None,
    }
}

/// Where a reference writes the name that it ends with: the text without its quotes, or the path behind its root.
pub(super) fn name_place(expr: &Expr) -> NamePlace {
    match &expr.kind {
        ExprKind::Paren(inner) => name_place(inner),
        ExprKind::String(_) => text_place(expr).unwrap_or(NamePlace::Text(expr.span)),
        _ => match path(expr) {
            Some((_, root, steps)) => match steps.as_slice() {
                [] => NamePlace::Text(expr.span),
                [step] => step.place(root),
                _ => NamePlace::Path(Span {
                    start: root.end,
                    ..expr.span
                }),
            },
            None => NamePlace::Text(expr.span),
        },
    }
}

/// Between the quotes of a text.
fn text_place(expr: &Expr) -> Option<NamePlace> {
    let ExprKind::String(template) = &expr.kind else {
        return None;
    };
    match template.parts.as_slice() {
        [fly_syntax::tree::TemplatePart::Literal { span, .. }] => Some(NamePlace::Text(*span)),
        _ => None,
    }
}

impl Elaborator<'_> {
    /// A name, or a path from a name, or a path from any other value.
    pub(super) fn access(&mut self, expr: &Expr) -> Typed {
        let Some((root, root_span, steps)) = path(expr) else {
            return match &expr.kind {
                ExprKind::Attribute(base, name) => {
                    let base = self.expr(base, None);
                    let place = Step::Field(name).place(base.span);
                    self.field(base, &name.name, name.span, place)
                }
                ExprKind::Index(base, index) => {
                    let base = self.expr(base, None);
                    self.index(base, index, expr.span)
                }
                _ => Typed::poison(expr.span),
            };
        };
        let (start, used) = self.root(root, root_span, &steps);
        steps[used.min(steps.len())..]
            .iter()
            .fold(start, |base, step| match step {
                Step::Field(ident) => {
                    let place = step.place(base.span);
                    self.field(base, &ident.name, ident.span, place)
                }
                Step::Index(index, span) => self.index(base, index, *span),
            })
    }

    /// What the first steps of a path refer to, and how many steps that took.
    fn root(&mut self, root: &SmolStr, span: Span, steps: &[Step<'_>]) -> (Typed, usize) {
        if let Some(slot) = self.bindings.iter().rposition(|binding| binding.name == *root) {
            let typed = Typed {
                ty: self.bindings[slot].ty.clone(),
                span,
                node: Node::Slot(slot),
            };
            return (typed, 0);
        }
        let whole = steps.last().map_or(span, |step| span.to(step.end()));
        match root.as_str() {
            "each" => {
                self.sink.push(problems::each_outside::problem(whole));
                (Typed::poison(whole), steps.len())
            }
            "eggs" | "eggsbuckets" | "jobs" => match self.globals.list(root) {
                Some((global, ty)) => {
                    let node = Node::Global(global);
                    (Typed { ty, span, node }, 0)
                }
                None => {
                    let place = "a value that the list itself is made of";
                    self.sink
                        .push(problems::not_allowed_here::problem(span, root, place));
                    (Typed::poison(whole), steps.len())
                }
            },
            "var" | "local" | "egg" | "eggsbucket" | "job" | "preset" | "provider" => {
                let Some((name, name_span)) = steps.first().and_then(Step::name) else {
                    let known = self.globals.names_under(root);
                    let what = self.globals.what(root);
                    let place = NamePlace::Text(span.at_end());
                    self.sink.push(problems::unknown_reference::problem(
                        whole, place, what, "", &known,
                    ));
                    return (Typed::poison(whole), steps.len());
                };
                self.global(root, span, &name, name_span, steps, whole)
            }
            _ => {
                self.unknown_name(root, span, !steps.is_empty());
                (Typed::poison(whole), steps.len())
            }
        }
    }

    fn global(
        &mut self,
        root: &str,
        root_span: Span,
        name: &SmolStr,
        name_span: Span,
        steps: &[Step<'_>],
        whole: Span,
    ) -> (Typed, usize) {
        let at = root_span.to(name_span);
        match self.globals.find(root, name) {
            Found::Value(global, ty) => {
                let node = Node::Global(global);
                (Typed { ty, span: at, node }, 1)
            }
            Found::Entity(global, schema) => self.entity(global, schema, at, steps),
            Found::Poisoned => (Typed::poison(whole), steps.len()),
            Found::NotAllowed(place) => {
                let what = format!("{root}.{name}");
                self.sink
                    .push(problems::not_allowed_here::problem(at, &what, place));
                (Typed::poison(whole), steps.len())
            }
            Found::Missing(known) => {
                let what = self.globals.what(root);
                let place = steps
                    .first()
                    .map_or(NamePlace::Text(name_span), |step| step.place(root_span));
                self.sink.push(problems::unknown_reference::problem(
                    at, place, what, name, &known,
                ));
                (Typed::poison(whole), steps.len())
            }
        }
    }

    /// As many steps as lead through the schema of an egg, a bucket or a job to one of its attributes.
    fn entity(
        &mut self,
        global: Global,
        schema: &'static BlockSchema,
        start: Span,
        steps: &[Step<'_>],
    ) -> (Typed, usize) {
        let Global::Entity(entity, mut inside) = global else {
            return (Typed::poison(start), steps.len());
        };
        let (mut schema, mut at, mut used) = (schema, start, 1);
        while let Some((step, (name, span))) = steps.get(used).and_then(|step| Some((step, step.name()?))) {
            used += 1;
            let place = step.place(at);
            at = at.to(step.end());
            inside.push(name.clone());
            match member(schema, &name) {
                Some(Member::Attribute(ty)) => {
                    let node = Node::Global(Global::Entity(entity, inside));
                    return (self.plain_or_secret(Typed { ty, span: at, node }), used);
                }
                Some(Member::Block(child)) => schema = child,
                None => {
                    let names = member_names(schema);
                    let of = format!("`{}`", schema.kind);
                    self.sink
                        .push(problems::unknown_field::problem(span, place, &name, &of, &names));
                    return (Typed::poison(at), steps.len());
                }
            }
        }
        let typed = Typed {
            ty: Type::Block(schema),
            span: at,
            node: Node::Global(Global::Entity(entity, inside)),
        };
        (typed, used)
    }

    /// `path` says whether something of it is read: only then can `var` or `egg` have been meant.
    fn unknown_name(&mut self, name: &SmolStr, span: Span, path: bool) {
        let bound: Vec<&str> = self
            .bindings
            .iter()
            .map(|binding| binding.name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        if self.facts {
            self.sink
                .push(problems::unknown_fact::problem(span, name, &bound));
            return;
        }
        let qualified = self.globals.qualified(name, span);
        let candidates: Vec<&str> = bound
            .into_iter()
            .chain(ROOTS.iter().copied().filter(|root| path || root.ends_with('s')))
            .chain(qualified.iter().map(String::as_str))
            .collect();
        self.sink
            .push(problems::unknown_name::problem(span, name, &candidates));
    }

    /// `base.name`
    fn field(&mut self, base: Typed, name: &SmolStr, name_span: Span, place: NamePlace) -> Typed {
        let span = base.span.to(name_span);
        if base.is_poison() {
            return Typed::poison(span);
        }
        let ty = match &base.ty {
            Type::Unknown | Type::Any => Some(Type::Unknown),
            Type::Map(value) => Some((**value).clone()),
            Type::Object(object) => {
                let field = object.fields.iter().find(|field| field.name == *name);
                field.map(|field| field.ty.clone())
            }
            Type::Block(schema) => member(schema, name).map(|member| match member {
                Member::Attribute(ty) => ty,
                Member::Block(schema) => Type::Block(schema),
            }),
            Type::Union(members) => common_field(members, name),
            _ => None,
        };
        let Some(ty) = ty else {
            let (of, names) = match &base.ty {
                Type::Object(object) => {
                    let names = object.fields.iter().map(|field| field.name.as_str());
                    ("the object".to_owned(), names.collect())
                }
                Type::Block(schema) => (schema.kind.to_owned(), member_names(schema)),
                other => (format!("a value of type {other}"), Vec::new()),
            };
            self.sink.push(problems::unknown_field::problem(
                name_span, place, name, &of, &names,
            ));
            return Typed::poison(span);
        };
        self.plain_or_secret(Typed {
            ty,
            span,
            node: Node::Field(Box::new(base), name.clone()),
        })
    }

    /// A value that may be a secret or a plain text, as each entry of an `environment` may: which of the two it is, if
    /// that is known already.
    fn plain_or_secret(&self, typed: Typed) -> Typed {
        let Type::Union(members) = &typed.ty else {
            return typed;
        };
        if !members.contains(&Type::Secret) {
            return typed;
        }
        let slots = vec![None; self.bindings.len()];
        let ty = match Evaluator::new(self.globals, slots).value(&typed) {
            Ok(Value::Secret(_)) => Type::Secret,
            Ok(_) => {
                let plain: Vec<Type> = members
                    .iter()
                    .filter(|member| !matches!(member, Type::Secret))
                    .cloned()
                    .collect();
                match <[Type; 1]>::try_from(plain) {
                    Ok([only]) => only,
                    Err(several) => Type::union(several),
                }
            }
            Err(_) => return typed,
        };
        Typed { ty, ..typed }
    }

    /// `base[index]`
    fn index(&mut self, base: Typed, index: &Expr, span: Span) -> Typed {
        let step = Step::Index(index, span);
        let place = step.place(base.span);
        let span = base.span.to(span);
        if base.is_poison() {
            self.expr(index, None);
            return Typed::poison(span);
        }
        let wanted = match &base.ty {
            Type::List(_) => Some(Type::Int),
            Type::Map(_) | Type::Object(_) | Type::Block(_) => Some(Type::String),
            _ => None,
        };
        let prose = std::mem::replace(&mut self.prose, true);
        let index = self.expr(index, wanted.as_ref());
        self.prose = prose;
        if index.is_poison() {
            return Typed::poison(span);
        }
        let ty = match (&base.ty, &index.node) {
            (Type::Unknown | Type::Any, _) => Type::Unknown,
            (Type::List(element) | Type::Map(element), _) => (**element).clone(),
            (Type::Object(_) | Type::Block(_), Node::Constant(Value::String(name))) => {
                let name = name.clone();
                return Typed {
                    span,
                    ..self.field(base, &name, index.span, place)
                };
            }
            (Type::Object(_), _) => base.ty.elements().map_or(Type::Unknown, |(_, value)| value),
            _ => {
                let found = base.ty.to_string();
                let problem = if base.ty.holds_secret() {
                    problems::secret_used::of(&base.ty, base.span, "indexed")
                } else if let Type::Set(_) = base.ty {
                    problems::not_a_collection::set(base.span, &found)
                } else {
                    problems::not_a_collection::problem(base.span, &found)
                };
                self.sink.push(problem);
                return Typed::poison(span);
            }
        };
        self.plain_or_secret(Typed {
            ty,
            span,
            node: Node::Index(Box::new(base), Box::new(index)),
        })
    }
}

/// The type of a field that every member of a union has.
fn common_field(members: &[Type], name: &SmolStr) -> Option<Type> {
    members.iter().try_fold(Type::Unknown, |all, member_type| {
        let ty = match member_type {
            Type::Unknown | Type::Any => Type::Unknown,
            Type::Map(value) => (**value).clone(),
            Type::Object(object) => {
                let field = object.fields.iter().find(|field| field.name == *name)?;
                field.ty.clone()
            }
            Type::Block(schema) => match member(schema, name)? {
                Member::Attribute(ty) => ty,
                Member::Block(schema) => Type::Block(schema),
            },
            _ => return None,
        };
        Some(unify(&all, &ty))
    })
}

/// What a name means inside a block of a schema.
pub(crate) enum Member {
    Attribute(Type),
    Block(&'static BlockSchema),
}

/// The attribute or block of this name, in the schema or any of its variants.
pub(crate) fn member(schema: &'static BlockSchema, name: &str) -> Option<Member> {
    for schema in std::iter::once(schema).chain(schema.all_variants().map(|(_, variant)| variant)) {
        if let Some(attribute) = schema.attribute(name) {
            return Some(Member::Attribute(attribute.ty.clone()));
        }
        if let Some(child) = schema.child(name) {
            return Some(match child.occurrence {
                Occurrence::Many => Member::Attribute(Type::map(Type::Block((child.schema)()))),
                Occurrence::Required | Occurrence::Optional => Member::Block((child.schema)()),
            });
        }
    }
    // What a block is called is asked for like an attribute: `[for e in eggs : e.name]`.
    if name == "name" && !schema.labels.is_empty() {
        return Some(Member::Attribute(Type::String));
    }
    match &schema.rest {
        crate::schema::Rest::None => None,
        crate::schema::Rest::Attributes { ty, .. } => Some(Member::Attribute(ty.clone())),
        crate::schema::Rest::Blocks(child) => Some(Member::Block(child())),
    }
}

/// Every name that [`member`] finds.
pub(crate) fn member_names(schema: &'static BlockSchema) -> Vec<&'static str> {
    let mut names = Vec::new();
    for schema in std::iter::once(schema).chain(schema.all_variants().map(|(_, variant)| variant)) {
        names.extend(schema.attributes.iter().map(|attribute| attribute.name));
        names.extend(schema.blocks.iter().map(|child| child.name));
    }
    if !schema.labels.is_empty() && !names.contains(&"name") {
        names.push("name");
    }
    names
}
