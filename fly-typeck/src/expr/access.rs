//! Names and paths: what `var.region`, `egg.api.runner.tags`, `each.key` and `x` refer to.

use fly_syntax::Span;
use fly_syntax::tree::{Expr, ExprKind, Ident};
use smol_str::SmolStr;

use super::{Elaborator, Node, Typed};
use crate::globals::{Found, Global};
use crate::problems;
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
    ROOTS.contains(&name)
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

/// The place of the name that a reference ends with, quotes left out.
pub(super) fn last_name(expr: &Expr) -> Span {
    match &expr.kind {
        ExprKind::Paren(inner) => last_name(inner),
        ExprKind::String(template) => match template.parts.as_slice() {
            [fly_syntax::tree::TemplatePart::Literal { span, .. }] => *span,
            _ => expr.span,
        },
        ExprKind::Attribute(_, name) => name.span,
        ExprKind::Index(_, index) => last_name(index),
        _ => expr.span,
    }
}

impl Elaborator<'_> {
    /// A name, or a path from a name, or a path from any other value.
    pub(super) fn access(&mut self, expr: &Expr) -> Typed {
        let Some((root, root_span, steps)) = path(expr) else {
            return match &expr.kind {
                ExprKind::Attribute(base, name) => {
                    let base = self.expr(base, None);
                    self.field(base, &name.name, name.span)
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
                Step::Field(ident) => self.field(base, &ident.name, ident.span),
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
                    let name_span = steps.first().map_or(span.at_end(), |step| step.end());
                    self.sink.push(problems::unknown_reference::problem(
                        whole, name_span, what, "", &known,
                    ));
                    return (Typed::poison(whole), steps.len());
                };
                self.global(root, span, &name, name_span, steps, whole)
            }
            _ => {
                self.unknown_name(root, span);
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
                self.sink.push(problems::unknown_reference::problem(
                    at, name_span, what, name, &known,
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
        while let Some((name, span)) = steps.get(used).and_then(Step::name) {
            used += 1;
            at = at.to(span);
            inside.push(name.clone());
            match member(schema, &name) {
                Some(Member::Attribute(ty)) => {
                    let node = Node::Global(Global::Entity(entity, inside));
                    return (Typed { ty, span: at, node }, used);
                }
                Some(Member::Block(child)) => schema = child,
                None => {
                    let names = member_names(schema);
                    let of = format!("`{}`", schema.kind);
                    self.sink
                        .push(problems::unknown_field::problem(span, &name, &of, &names));
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

    fn unknown_name(&mut self, name: &SmolStr, span: Span) {
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
        let qualified = self.globals.qualified(name);
        let candidates: Vec<&str> = bound
            .into_iter()
            .chain(ROOTS.iter().copied())
            .chain(qualified.iter().map(String::as_str))
            .collect();
        self.sink
            .push(problems::unknown_name::problem(span, name, &candidates));
    }

    /// `base.name`
    fn field(&mut self, base: Typed, name: &SmolStr, name_span: Span) -> Typed {
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
            self.sink
                .push(problems::unknown_field::problem(name_span, name, &of, &names));
            return Typed::poison(span);
        };
        Typed {
            ty,
            span,
            node: Node::Field(Box::new(base), name.clone()),
        }
    }

    /// `base[index]`
    fn index(&mut self, base: Typed, index: &Expr, span: Span) -> Typed {
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
                let name_span = index.span;
                return Typed {
                    span,
                    ..self.field(base, &name, name_span)
                };
            }
            (Type::Object(_), _) => base.ty.elements().map_or(Type::Unknown, |(_, value)| value),
            _ => {
                let found = base.ty.to_string();
                let problem = if base.ty.holds_secret() {
                    problems::secret_used::problem(base.span, "indexed")
                } else {
                    problems::not_a_collection::problem(base.span, &found)
                };
                self.sink.push(problem);
                return Typed::poison(span);
            }
        };
        Typed {
            ty,
            span,
            node: Node::Index(Box::new(base), Box::new(index)),
        }
    }
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
