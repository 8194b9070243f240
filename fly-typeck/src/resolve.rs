//! Finds the values of everything that has a name: variables, locals, presets, providers, and the attributes that
//! others refer to. Each is looked at after what it needs, whatever the order of writing; a loop is a problem.

use std::sync::Arc;

use fly_syntax::Span;
use fly_syntax::tree::{Block, Body, Expr, ExprKind};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::body::{BodyChecker, Each};
use crate::checked::CheckedBlock;
use crate::declared::{Top, for_each};
use crate::entity::{add_presets, entity_block, preset_uses};
use crate::expr::{Member, Step, member};
use crate::free::free_value;
use crate::globals::{Entity, Globals, Held};
use crate::instances::{each, instances};
use crate::problems;
use crate::schema::{AttributeSchema, BlockSchema, Presence, preset};
use crate::sink::Sink;
use crate::types::Type;
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

/// Where an element of a list is written; the list where its elements are computed.
fn element(list: &Expr, index: usize) -> Span {
    match &list.kind {
        ExprKind::Paren(inner) => element(inner, index),
        ExprKind::List(items) => items.get(index).map_or(list.span, |item| item.span),
        _ => list.span,
    }
}

fn sorted<'n>(names: impl Iterator<Item = &'n SmolStr>) -> Vec<SmolStr> {
    let mut names: Vec<SmolStr> = names.cloned().collect();
    names.sort_unstable();
    names
}
