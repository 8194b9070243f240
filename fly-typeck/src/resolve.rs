//! Finds the values of everything that has a name: variables, locals, presets, providers, and the attributes that
//! others refer to. Each is looked at after what it needs, whatever the order of writing; a loop is a problem.

use std::sync::Arc;

use fly_syntax::Span;
use fly_syntax::tree::{Block, Body, Expr, ExprKind};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::body::{BodyChecker, Each, label_form};
use crate::checked::CheckedBlock;
use crate::declared::{Top, for_each};
use crate::expr::{Binding, Elaborator, Evaluator, Failure, Member, ROOTS, Step, member, path};
use crate::globals::{Entity, Globals, Held, Instance, Instances};
use crate::merge;
use crate::problems;
use crate::problems::name_place::NamePlace;
use crate::schema::{AttributeSchema, BlockSchema, Presence, preset};
use crate::sink::Sink;
use crate::types::{FieldType, ObjectType, Type};
use crate::value::Value;

/// Something whose value may be needed for something else's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Need {
    Local(SmolStr),
    Preset(SmolStr),
    Provider(SmolStr),
    Path(Entity, Vec<SmolStr>),
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Preset(name) => write!(f, "preset.{name}"),
            Self::Provider(name) => write!(f, "provider.{name}"),
            Self::Path(entity, path) => {
                write!(f, "{}.{}", entity.kind, entity.name)?;
                path.iter().try_for_each(|step| write!(f, ".{step}"))
            }
        }
    }
}

/// Something on the way to being resolved: what it needs, how much of that was looked at, and where it was asked for.
struct Frame {
    need: Need,
    needs: Vec<(Need, Span)>,
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done,
}

/// Resolves into [`Globals`].
pub(crate) struct Resolver<'a, 'g> {
    pub(crate) globals: &'g mut Globals<'a>,
    pub(crate) sink: &'g mut Sink,
    states: FxHashMap<Need, State>,
    /// Part of a loop that is reported.
    looped: FxHashSet<Need>,
}

impl<'a, 'g> Resolver<'a, 'g> {
    pub(crate) fn new(globals: &'g mut Globals<'a>, sink: &'g mut Sink) -> Self {
        Self {
            globals,
            sink,
            states: FxHashMap::default(),
            looped: FxHashSet::default(),
        }
    }

    /// Everything but what is made of `eggs`, `eggsbuckets` and `jobs`.
    pub(crate) fn early(&mut self) {
        self.find_late();
        self.expand();
        let declared = self.globals.declared;
        let mut roots: Vec<Need> = Vec::new();
        let locals = sorted(
            declared
                .locals
                .keys()
                .filter(|name| !self.globals.late.contains(*name)),
        );
        roots.extend(locals.into_iter().map(Need::Local));
        roots.extend(sorted(declared.presets.keys()).into_iter().map(Need::Preset));
        roots.extend(sorted(declared.providers.keys()).into_iter().map(Need::Provider));
        for root in roots {
            self.resolve(root);
        }
        // In the order of the files, so that a loop is always found from the same side.
        for top in &declared.tops {
            let mut found = Vec::new();
            self.references(&top.block.body, &mut found);
            for (need, _) in found {
                self.resolve(need);
            }
        }
    }

    /// The locals that are made of `eggs`, `eggsbuckets` and `jobs`, once those are known.
    pub(crate) fn late(&mut self) {
        for name in sorted(self.globals.late.iter()) {
            self.resolve(Need::Local(name));
        }
    }

    /// What an expression from outside the Nest mentions.
    pub(crate) fn mentioned(&mut self, expr: &Expr) {
        let mut needs = Vec::new();
        self.expression_needs(expr, &mut needs);
        for (need, _) in needs {
            self.resolve(need);
        }
    }

    /// Marks the locals that need a list of what the Nest declares, directly or through others.
    fn find_late(&mut self) {
        let declared = self.globals.declared;
        let mut users: FxHashMap<SmolStr, Vec<SmolStr>> = FxHashMap::default();
        let mut queue = Vec::new();
        for (name, attribute) in &declared.locals {
            crate::walk::expr(&attribute.value, &mut |root, steps, _| match root.as_str() {
                "eggs" | "eggsbuckets" | "jobs" => queue.push(name.clone()),
                "local" => {
                    if let Some((used, _)) = steps.first().and_then(Step::name) {
                        users.entry(used).or_default().push(name.clone());
                    }
                }
                _ => {}
            });
        }
        while let Some(name) = queue.pop() {
            if self.globals.late.insert(name.clone()) {
                queue.extend(users.get(&name).into_iter().flatten().cloned());
            }
        }
    }

    /// Finds what each `for_each` makes, so that references to it are known.
    fn expand(&mut self) {
        let declared = self.globals.declared;
        for top in declared
            .tops
            .iter()
            .filter(|top| (top.kind.schema)().repeats && top.repeats())
        {
            let Some(attribute) = for_each(top.block) else {
                continue;
            };
            let mut needs = Vec::new();
            self.expression_needs(&attribute.value, &mut needs);
            for (need, _) in needs {
                self.resolve(need);
            }
            let instances = instances(self.globals, self.sink, &attribute.value, top.block);
            let kind = (top.kind.schema)().kind;
            let each = instances.each.as_ref();
            self.globals.unnamed |=
                each.is_none_or(|each| each.iter().any(|instance| instance.name.is_none()));
            for (index, instance) in instances.each.iter().flatten().enumerate() {
                let Some(name) = instance.name.clone() else {
                    continue;
                };
                let entity = Entity { kind, name };
                let taken = declared
                    .entities
                    .get(&(kind, entity.name.clone()))
                    .map(|top| top.block.header);
                let taken = taken.or_else(|| self.globals.made.get(&entity).map(|(header, _)| *header));
                if let Some(first) = taken {
                    let name = &entity.name;
                    let own = self
                        .globals
                        .made
                        .get(&entity)
                        .filter(|_| first == top.block.header);
                    let problem = match own {
                        Some((_, earlier)) => {
                            let at = |index| element(&attribute.value, index);
                            problems::defined_twice::element(kind, name, at(index), at(*earlier))
                        }
                        None => problems::defined_twice::problem(kind, name, top.block.header, first),
                    };
                    self.sink.push(problem);
                } else {
                    self.globals.made.insert(entity, (top.block.header, index));
                }
            }
            self.globals.instances.insert(top.block.header, instances);
        }
    }

    fn resolve(&mut self, root: Need) {
        if self.states.contains_key(&root) || self.is_known(&root) {
            return;
        }
        let mut stack = vec![self.open(root)];
        while let Some(frame) = stack.last_mut() {
            let Some((need, _)) = frame.needs.get(frame.next).cloned() else {
                if let Some(frame) = stack.pop() {
                    self.finish(&frame.need);
                    self.states.insert(frame.need, State::Done);
                }
                continue;
            };
            frame.next += 1;
            match self.states.get(&need) {
                Some(State::Done) => {}
                None if self.is_known(&need) => {}
                Some(State::Open) => self.report_loop(&stack, &need),
                None => {
                    let frame = self.open(need);
                    stack.push(frame);
                }
            }
        }
    }

    /// Whether an earlier resolver found its value.
    fn is_known(&self, need: &Need) -> bool {
        match need {
            Need::Local(name) => self.globals.locals.contains_key(name),
            Need::Preset(name) => self.globals.presets.contains_key(name),
            Need::Provider(name) => self.globals.providers.contains_key(name),
            Need::Path(entity, path) => self
                .globals
                .entities
                .contains_key(&(entity.clone(), path.clone())),
        }
    }

    fn open(&mut self, need: Need) -> Frame {
        self.states.insert(need.clone(), State::Open);
        let mut needs = Vec::new();
        let declared = self.globals.declared;
        match &need {
            Need::Local(name) => {
                if let Some(attribute) = declared.locals.get(name) {
                    self.expression_needs(&attribute.value, &mut needs);
                }
            }
            Need::Preset(name) => {
                if let Some(block) = declared.presets.get(name) {
                    self.references(&block.body, &mut needs);
                    needs.extend(
                        preset_uses(&block.body)
                            .into_iter()
                            .map(|used| (Need::Preset(used.0), used.1)),
                    );
                }
            }
            Need::Provider(name) => {
                if let Some(top) = declared.providers.get(name) {
                    self.references(&top.block.body, &mut needs);
                }
            }
            Need::Path(entity, path) => {
                if let Some(source) = self.source(entity) {
                    match inside(&source.top.block.body, path) {
                        Some(Inside::Attribute(attribute)) => {
                            self.expression_needs(&attribute.value, &mut needs)
                        }
                        Some(Inside::Block(body)) => self.references(body, &mut needs),
                        None => {}
                    }
                    let uses = preset_uses(&source.top.block.body);
                    needs.extend(uses.into_iter().map(|used| (Need::Preset(used.0), used.1)));
                }
            }
        }
        Frame { need, needs, next: 0 }
    }

    /// What the expression needs, each with the place that mentions it.
    fn expression_needs(&self, expr: &Expr, needs: &mut Vec<(Need, Span)>) {
        crate::walk::expr(expr, &mut |root, steps, span| {
            needs.extend(self.need(root, steps).map(|need| (need, span)))
        });
    }

    fn references(&self, body: &Body, needs: &mut Vec<(Need, Span)>) {
        crate::walk::body(body, &mut |root, steps, span| {
            needs.extend(self.need(root, steps).map(|need| (need, span)))
        });
    }

    fn need(&self, root: &str, steps: &[Step<'_>]) -> Option<Need> {
        let (name, _) = steps.first()?.name()?;
        match root {
            // What is made of `eggs` is resolved once those are known.
            "local" if self.globals.lists.is_none() && self.globals.late.contains(&name) => None,
            "local" if self.globals.declared.locals.contains_key(&name) => Some(Need::Local(name)),
            "egg" | "eggsbucket" | "job" => {
                let (entity, mut schema) = self.globals.entity(root, &name)?;
                let mut path = Vec::new();
                for step in &steps[1..] {
                    let Some((name, _)) = step.name() else { break };
                    let found = member(schema, &name);
                    path.push(name);
                    match found {
                        Some(Member::Block(child)) => schema = child,
                        Some(Member::Attribute(_)) => break,
                        None => return None,
                    }
                }
                Some(Need::Path(entity, path))
            }
            _ => None,
        }
    }

    fn report_loop(&mut self, stack: &[Frame], back_to: &Need) {
        let start = stack.iter().position(|frame| frame.need == *back_to).unwrap_or(0);
        let members = &stack[start..];
        if members.iter().any(|frame| self.looped.contains(&frame.need)) {
            self.looped.extend(members.iter().map(|frame| frame.need.clone()));
            return;
        }
        self.looped.extend(members.iter().map(|frame| frame.need.clone()));
        let mut steps: Vec<(Span, String, String)> = members
            .iter()
            .filter_map(|frame| {
                let (need, span) = frame.needs.get(frame.next.checked_sub(1)?)?;
                Some((*span, frame.need.to_string(), need.to_string()))
            })
            .collect();
        let first = steps
            .iter()
            .enumerate()
            .min_by_key(|(_, (span, ..))| *span)
            .map_or(0, |(index, _)| index);
        steps.rotate_left(first);
        self.sink.push(problems::cycle::problem(&steps));
    }

    /// Everything that `need` needs is there: find its own value.
    fn finish(&mut self, need: &Need) {
        let looped = self.looped.contains(need);
        let declared = self.globals.declared;
        match need {
            Need::Local(name) => {
                let Some(attribute) = declared.locals.get(name) else {
                    return;
                };
                let found = if looped {
                    (Type::Unknown, None)
                } else {
                    free_value(self.globals, self.sink, &attribute.value, None)
                };
                self.globals.locals.insert(name.clone(), found);
            }
            Need::Preset(name) => {
                let Some(block) = declared.presets.get(name) else {
                    return;
                };
                let mut checked = self.whole(block, preset(), None);
                if looped {
                    checked.incomplete = true;
                } else {
                    self.add_presets(&mut checked, block);
                }
                self.globals.presets.insert(name.clone(), Arc::new(checked));
            }
            Need::Provider(name) => {
                let Some(top) = declared.providers.get(name) else {
                    return;
                };
                let checked = self.whole(top.block, top.schema(), None);
                self.globals.providers.insert(name.clone(), Arc::new(checked));
            }
            Need::Path(entity, path) => {
                let held = if looped {
                    Held::Unknown
                } else {
                    self.path(entity, path)
                };
                self.globals.entities.insert((entity.clone(), path.clone()), held);
            }
        }
    }

    fn whole(&mut self, block: &Block, schema: &'static BlockSchema, each: Option<Each>) -> CheckedBlock {
        let mut checker = BodyChecker {
            globals: self.globals,
            sink: self.sink,
            each,
        };
        checker.block(block, schema, schema.kind)
    }

    fn add_presets(&mut self, checked: &mut CheckedBlock, block: &Block) {
        add_presets(self.globals, self.sink, checked, block);
    }

    fn source(&self, entity: &Entity) -> Option<Source<'a>> {
        let declared = self.globals.declared;
        if let Some(top) = declared.entities.get(&(entity.kind, entity.name.clone())) {
            return Some(Source {
                top: *top,
                each: None,
            });
        }
        let (header, index) = self.globals.made.get(entity)?;
        let top = declared.tops.iter().find(|top| top.block.header == *header)?;
        let instances = self.globals.instances.get(header)?;
        let instance = instances.each.as_ref()?.get(*index)?;
        Some(Source {
            top: *top,
            each: Some(each(instances, Some(instance))),
        })
    }

    /// The value at a path of an egg, an eggsbucket or a job. Its own problems are reported where the whole of it
    /// is checked.
    fn path(&mut self, entity: &Entity, path: &[SmolStr]) -> Held {
        let Some(source) = self.source(entity) else {
            return Held::Unknown;
        };
        let mut quiet = Sink::default();
        if let Some(Inside::Attribute(attribute)) = inside(&source.top.block.body, path)
            && let Some(schema) = attribute_at(source.top.schema(), path)
        {
            let mut checker = BodyChecker {
                globals: self.globals,
                sink: &mut quiet,
                each: source.each,
            };
            return checker
                .attribute_value(&attribute.value, schema)
                .map_or(Held::Unknown, Held::Value);
        }
        let checked = entity_block(self.globals, &mut quiet, source.top, source.each);
        held_at(&checked, path)
    }
}

struct Source<'a> {
    top: Top<'a>,
    each: Option<Each>,
}

/// The value at `path` inside a checked block.
fn held_at(block: &CheckedBlock, path: &[SmolStr]) -> Held {
    match path {
        [] => crate::checked::value(block).map_or(Held::Unknown, Held::Value),
        [name, rest @ ..] => {
            if let Some(attribute) = block.attribute(name) {
                return attribute.value.clone().map_or(Held::Unknown, Held::Value);
            }
            if name == "name" && !block.schema.labels.is_empty() {
                return Held::Value(Value::String(block.label()));
            }
            if let Some(child) = block.block(name) {
                return held_at(child, rest);
            }
            let variant = block
                .variant_word(block.schema)
                .and_then(|word| block.schema.variant(&word));
            for schema in std::iter::once(block.schema).chain(variant) {
                if let Some(Presence::Default { value, .. }) =
                    schema.attribute(name).map(|attribute| &attribute.presence)
                {
                    return Held::Value(value.clone());
                }
            }
            if block.incomplete {
                return Held::Unknown;
            }
            match left_out(block.schema, path) {
                Some(value) => Held::Value(value),
                None => Held::NotSet {
                    declared: block.header,
                },
            }
        }
    }
}

/// The value at a path into an optional block that is left out: its defaults hold.
fn left_out(schema: &'static BlockSchema, path: &[SmolStr]) -> Option<Value> {
    let [name, rest @ ..] = path else { return None };
    let defaults = crate::checked::defaults(schema, name)?;
    match (rest, &defaults) {
        ([], _) => Some(defaults),
        ([attribute], Value::Object(entries)) => entries.get(attribute).cloned(),
        _ => None,
    }
}

/// An attribute or a block at a path of a body.
enum Inside<'a> {
    Attribute(&'a fly_syntax::tree::Attribute),
    Block(&'a Body),
}

fn inside<'a>(body: &'a Body, path: &[SmolStr]) -> Option<Inside<'a>> {
    let [name, rest @ ..] = path else {
        return Some(Inside::Block(body));
    };
    if let Some(attribute) = body.attributes().find(|attribute| attribute.name.name == *name) {
        return Some(Inside::Attribute(attribute));
    }
    let block = body.blocks().find(|block| block.kind.name == *name)?;
    inside(&block.body, rest)
}

/// The schema of the attribute at a path; `None` where a variant or a name of any kind is on the way.
fn attribute_at(schema: &'static BlockSchema, path: &[SmolStr]) -> Option<&'static AttributeSchema> {
    match path {
        [] => None,
        [name] => schema.attribute(name),
        [name, rest @ ..] => attribute_at((schema.child(name)?.schema)(), rest),
    }
}

/// The value and type of an expression outside of any block: a local, a default, `gosling eval`.
pub(crate) fn free_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    expr: &Expr,
    wanted: Option<&Type>,
) -> (Type, Option<Value>) {
    bound_value(globals, sink, expr, wanted, Vec::new(), Vec::new())
}

/// The same, with names that hold in this expression only and their values.
pub(crate) fn bound_value(
    globals: &Globals<'_>,
    sink: &mut Sink,
    expr: &Expr,
    wanted: Option<&Type>,
    bindings: Vec<Binding>,
    slots: Vec<Option<Value>>,
) -> (Type, Option<Value>) {
    let mut elaborator = Elaborator {
        globals,
        bindings,
        facts: false,
        prose: false,
        sink,
    };
    let typed = elaborator.expr(expr, wanted);
    if typed.is_poison() {
        return (Type::Unknown, None);
    }
    match Evaluator::new(globals, slots).value(&typed) {
        Ok(value) => (typed.ty, Some(value)),
        Err(Failure::Silent) => (typed.ty, None),
        Err(Failure::Problem(problem) | Failure::NotSet(problem)) => {
            sink.push(*problem);
            (typed.ty, None)
        }
    }
}

/// Where an element of a list is written; the list where its elements are computed.
fn element(list: &Expr, index: usize) -> Span {
    match &list.kind {
        ExprKind::Paren(inner) => element(inner, index),
        ExprKind::List(items) => items.get(index).map_or(list.span, |item| item.span),
        _ => list.span,
    }
}

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

/// The presets that a body names in `use`, with the place of each.
pub(crate) fn preset_uses(body: &Body) -> Vec<(SmolStr, Span)> {
    let Some(attribute) = body.attributes().find(|attribute| attribute.name.name == "use") else {
        return Vec::new();
    };
    let items = match &attribute.value.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![&attribute.value],
    };
    items
        .into_iter()
        .filter_map(preset_name)
        .map(|preset| (preset.name, preset.whole))
        .collect()
}

/// `preset.name`
struct PresetName {
    name: SmolStr,
    /// Where the name stands.
    at: Span,
    place: NamePlace,
    whole: Span,
}

fn preset_name(expr: &Expr) -> Option<PresetName> {
    let (root, root_span, steps) = path(expr)?;
    let [step] = steps.as_slice() else { return None };
    let (name, at) = step.name().filter(|_| root == "preset")?;
    Some(PresetName {
        name,
        at,
        place: step.place(root_span),
        whole: expr.span,
    })
}

/// Merges the presets that `block` uses into what it says itself; later presets win over earlier ones.
pub(crate) fn add_presets(globals: &Globals<'_>, sink: &mut Sink, checked: &mut CheckedBlock, block: &Block) {
    let Some(attribute) = block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == "use")
    else {
        return;
    };
    let items: Vec<&Expr> = match &attribute.value.kind {
        ExprKind::List(items) => items.iter().collect(),
        ExprKind::Broken => {
            checked.leave_open();
            return;
        }
        _ => vec![&attribute.value],
    };
    for item in items.into_iter().rev() {
        match preset_name(item) {
            Some(PresetName { name, at, place, .. }) => match globals.presets.get(&name) {
                Some(preset) => merge::overlay(checked, preset),
                None => {
                    checked.leave_open();
                    let known = globals.declared.presets.contains_key(&name);
                    if !known && !globals.declared.ghosts.contains(&name) {
                        let names = globals.names_under("preset");
                        sink.push(problems::unknown_preset::problem(at, place, &name, &names));
                    }
                }
            },
            None => {
                checked.leave_open();
                if let Some(problem) = unknown_root(globals, item) {
                    sink.push(problem);
                    continue;
                }
                not_a_preset(globals, sink, item);
            }
        }
    }
}

/// Reports something in `use` that is no preset's name.
fn not_a_preset(globals: &Globals<'_>, sink: &mut Sink, item: &Expr) {
    let (found, hint) = if names_presets(item) {
        match path(item) {
            Some(_) => (
                "a part of a preset".to_owned(),
                "name the whole preset: `use = preset.small`",
            ),
            None => (
                "an expression over presets".to_owned(),
                "presets are named directly, and cannot be chosen by a condition: put what differs into the block \
                 itself, as `cpu = var.big ? 8 : 2`",
            ),
        }
    } else {
        let (ty, _) = free_value(globals, sink, item, None);
        if matches!(ty, Type::Unknown) {
            // Its own problem is reported.
            return;
        }
        (
            ty.to_string(),
            "name a preset: `use = preset.small`, or several: `use = [preset.a, preset.b]`",
        )
    };
    sink.push(problems::type_mismatch::problem(
        item.span,
        "preset",
        &found,
        Some(hint.to_owned()),
    ));
}

/// Whether an expression other than a name mentions presets: `var.big ? preset.a : preset.b`.
fn names_presets(item: &Expr) -> bool {
    let mut found = false;
    crate::walk::expr(item, &mut |root, _, _| found |= root == "preset");
    found
}

/// What is wrong with a `use` whose first word is a slip or lacks `preset.`: `use = prest.small`, `use = small`.
fn unknown_root(globals: &Globals<'_>, item: &Expr) -> Option<fly_syntax::Problem> {
    let (root, root_span, steps) = path(item)?;
    let names = globals.names_under("preset");
    let full: Vec<String> = names.all().iter().map(|name| format!("preset.{name}")).collect();
    let known = ROOTS.contains(&root.as_str());
    (!known && steps.len() <= 1).then(|| {
        let mut roots = vec!["preset"];
        if steps.is_empty() {
            roots.extend(full.iter().map(String::as_str));
        }
        problems::unknown_name::problem(root_span, root, &roots)
    })
}

/// An egg, an eggsbucket, a job or any other top-level block with all that presets and providers add.
pub(crate) fn entity_block(
    globals: &Globals<'_>,
    sink: &mut Sink,
    top: Top<'_>,
    each: Option<Each>,
) -> CheckedBlock {
    let schema = top.schema();
    let mut checker = BodyChecker { globals, sink, each };
    let mut checked = checker.block(top.block, schema, schema.kind);
    if schema.uses_presets {
        add_presets(globals, sink, &mut checked, top.block);
    }
    add_provider_defaults(globals, &mut checked);
    checked
}

/// What the provider that a `cloud` block names sets for all of its machines.
fn add_provider_defaults(globals: &Globals<'_>, checked: &mut CheckedBlock) {
    let defaults = |cloud: &CheckedBlock| -> Option<CheckedBlock> {
        let name = cloud.value("provider")?.as_str()?.to_owned();
        let provider = globals.providers.get(name.as_str())?;
        let variant = cloud.schema.variant(name.split('.').next()?);
        let belongs = |attribute: &str| {
            cloud.schema.attribute(attribute).is_some()
                || variant.is_some_and(|schema| schema.attribute(attribute).is_some())
        };
        let blocks = |block: &str| variant.is_some_and(|schema| schema.child(block).is_some());
        let mut defaults = CheckedBlock::clone(provider);
        defaults
            .attributes
            .retain(|attribute| attribute.name != "provider" && belongs(&attribute.name));
        defaults.blocks.retain(|block| blocks(&block.name));
        defaults.incomplete = false;
        Some(defaults)
    };
    let clouds = |block: &&mut CheckedBlock| block.name == "cloud";
    let mut holders = vec![checked];
    while let Some(block) = holders.pop() {
        for cloud in block.blocks.iter_mut().filter(clouds) {
            if let Some(defaults) = defaults(cloud) {
                merge::overlay(cloud, &defaults);
            }
        }
        holders.extend(block.blocks.iter_mut().filter(|block| block.name == "runner"));
    }
}

fn sorted<'n>(names: impl Iterator<Item = &'n SmolStr>) -> Vec<SmolStr> {
    let mut names: Vec<SmolStr> = names.cloned().collect();
    names.sort_unstable();
    names
}
