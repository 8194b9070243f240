//! Checks what stands in a block against its schema: names, types, values. One layer at a time: what presets add, and
//! what is missing then, is [`merge`](crate::merge)'s.

use fly_syntax::Span;
use fly_syntax::tree::{Attribute, Block, Body, Entry, Expr, ExprKind, Label, ObjectKey};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::bare;
use crate::checked::{CheckedAttribute, CheckedBlock};
use crate::expr::{Binding, Elaborator, Evaluator, Failure};
use crate::globals::Globals;
use crate::instances;
use crate::json;
use crate::predicate;
use crate::problems;
use crate::problems::suggest;
use crate::schema::{AttributeSchema, BlockSchema, ChildSchema, Occurrence, Rest, Tag};
use crate::sink::Sink;
use crate::types::Type;
use crate::value::Value;

/// So many attributes are found quickest by looking at each.
const FEW: usize = 64;

/// What `each` stands for inside a block with `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    /// The type of `each`.
    pub(crate) ty: Type,
    /// Its value; `None` where the `for_each` has no entry or a problem, and only types are checked.
    pub(crate) value: Option<Value>,
}

/// Checks bodies.
pub(crate) struct BodyChecker<'a> {
    pub(crate) globals: &'a Globals<'a>,
    pub(crate) sink: &'a mut Sink,
    pub(crate) each: Option<Each>,
}

impl BodyChecker<'_> {
    /// The block as it stands, against `schema`; `name` is the schema's word for it.
    pub(crate) fn block(&mut self, block: &Block, schema: &'static BlockSchema, name: &str) -> CheckedBlock {
        let labels = self.labels(block, schema);
        let mut checked = CheckedBlock {
            schema,
            name: SmolStr::new(name),
            labels,
            header: block.header,
            attributes: Vec::with_capacity(block.body.entries.len()),
            blocks: Vec::new(),
            incomplete: block.body.is_broken(),
        };
        self.body(&block.body, &mut checked);
        let unclosed = self.is_unclosed(block);
        checked.incomplete |= unclosed;
        let may_use = || schema.uses_presets && block.body.entries.iter().any(may_be_use);
        if unclosed || checked.incomplete && may_use() {
            checked.leave_open();
        }
        checked
    }

    /// Whether nothing closes the block, which is reported already.
    fn is_unclosed(&self, block: &Block) -> bool {
        let source = self.globals.source(block.header.file);
        source.is_some_and(|source| source.slice(block.close) != "}")
    }

    fn labels(&mut self, block: &Block, schema: &'static BlockSchema) -> Vec<SmolStr> {
        let wanted = schema.labels;
        let needed = wanted.iter().filter(|label| !label.starts_with('[')).count();
        if block.labels.len() < needed {
            let label = wanted.get(block.labels.len()).copied().unwrap_or("name");
            self.sink.push(problems::label_missing::problem(
                block.kind.span,
                &block.kind.name,
                label,
            ));
        }
        if let Some(extra) = block.labels.get(wanted.len()) {
            self.sink
                .push(problems::label_unexpected::problem(extra.span, &block.kind.name));
        }
        block.labels.iter().map(|label| self.label(label)).collect()
    }

    /// The text of a label; empty where it has a problem.
    pub(crate) fn label(&mut self, label: &Label) -> SmolStr {
        if let Some(text) = label.text.literal() {
            return text;
        }
        if self.each.is_none() {
            self.sink
                .push(problems::label_template::problem(label.span, false));
            return SmolStr::default();
        }
        let expr = Expr {
            kind: ExprKind::String(label.text.clone()),
            span: label.span,
        };
        match self.prose(&expr) {
            Some(Value::String(text)) => {
                if let Err(reason) = label_form(&text) {
                    self.sink
                        .push(problems::label::problem(label.span, &text, reason));
                }
                text
            }
            _ => SmolStr::default(),
        }
    }

    /// The value of a text that is never a secret.
    fn prose(&mut self, expr: &Expr) -> Option<Value> {
        let (bindings, slots) = self.bindings();
        let mut elaborator = Elaborator {
            globals: self.globals,
            bindings,
            facts: false,
            prose: true,
            sink: self.sink,
        };
        let typed = elaborator.expr(expr, Some(&Type::String));
        self.finish(&typed, slots)
    }

    fn bindings(&self) -> (Vec<Binding>, Vec<Option<Value>>) {
        match &self.each {
            None => (Vec::new(), Vec::new()),
            Some(each) => {
                let binding = Binding {
                    name: SmolStr::new_static("each"),
                    ty: each.ty.clone(),
                };
                (vec![binding], vec![each.value.clone()])
            }
        }
    }

    fn finish(&mut self, typed: &crate::expr::Typed, slots: Vec<Option<Value>>) -> Option<Value> {
        if typed.is_poison() {
            return None;
        }
        match Evaluator::new(self.globals, slots).value(typed) {
            Ok(value) => Some(value),
            Err(Failure::Silent) => None,
            Err(Failure::Problem(problem) | Failure::NotSet(problem)) => {
                self.sink.push(*problem);
                None
            }
        }
    }

    /// The value of `expr` as `wanted`; `None` where it has a problem.
    pub(crate) fn value(&mut self, expr: &Expr, wanted: &Type) -> Option<Value> {
        let (bindings, slots) = self.bindings();
        let mut elaborator = Elaborator {
            globals: self.globals,
            bindings,
            facts: false,
            prose: false,
            sink: self.sink,
        };
        let typed = elaborator.expr(expr, Some(wanted));
        self.finish(&typed, slots)
    }

    fn body(&mut self, body: &Body, checked: &mut CheckedBlock) {
        let schema = checked.schema;
        let variant = self.variant(body, checked);
        let scope = Scope { schema, variant };
        let mut given = Given::of(body);
        for entry in &body.entries {
            match entry {
                Entry::Attribute(attribute) => self.attribute(attribute, &scope, &mut given, checked),
                Entry::Block(block) => self.child(block, &scope, checked),
                Entry::Broken(broken) => {
                    if let Some(name) = &broken.name {
                        checked.attributes.push(CheckedAttribute {
                            name: name.name.clone(),
                            name_span: name.span,
                            value: None,
                            value_span: broken.span,
                        });
                    }
                }
            }
        }
    }

    /// The variant that the body itself chooses, where it does so plainly.
    fn variant(&self, body: &Body, checked: &CheckedBlock) -> Option<&'static BlockSchema> {
        let word = match checked.schema.variants.as_ref()?.by {
            Tag::Label => checked.label(),
            Tag::Attribute(name) => {
                let attribute = body.attributes().find(|attribute| attribute.name.name == name)?;
                crate::expr::plain_word(&attribute.value)?
            }
        };
        checked.schema.variant(word.split('.').next().unwrap_or_default())
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        scope: &Scope,
        given: &mut Given,
        checked: &mut CheckedBlock,
    ) {
        let name = &attribute.name;
        if let Some(first) = given.first(checked, &name.name) {
            let problem = problems::duplicate_attribute::problem(&name.name, name.span, first.name_span);
            self.sink.push(problem);
            return;
        }
        let language = match name.name.as_str() {
            "use" => Some(checked.schema.uses_presets),
            "for_each" => Some(checked.schema.repeats),
            _ => None,
        };
        match language {
            // Read where presets are merged and blocks repeated.
            Some(true) => return,
            Some(false) => {
                let problem = problems::not_repeatable::problem(name.span, &name.name, checked.schema.kind);
                self.sink.push(problem);
                return;
            }
            None => {}
        }
        let value = if let Some(found) = scope.attribute(&name.name) {
            self.attribute_value(&attribute.value, found)
        } else if let Rest::Attributes { ty, .. } = &checked.schema.rest {
            self.value(&attribute.value, ty)
        } else {
            if scope.child(&name.name).is_some() {
                let gap = Span {
                    start: name.span.end,
                    end: attribute.value.span.start,
                    ..name.span
                };
                let gap = self.is_like_a_body(&attribute.value).then_some(gap);
                self.sink
                    .push(problems::wanted_block::problem(name.span, gap, &name.name));
            } else {
                let names = scope.names();
                let problem = problems::unknown_attribute::problem(
                    name.span,
                    &name.name,
                    checked.schema.kind,
                    &names,
                    |name| scope.child(name).is_none(),
                );
                self.sink.push(problem);
            }
            checked.incomplete = true;
            return;
        };
        checked.attributes.push(CheckedAttribute {
            name: name.name.clone(),
            name_span: name.span,
            value,
            value_span: attribute.value.span,
        });
    }

    /// Whether an object is written as the body of a block is: names as keys, one entry a line and no commas.
    fn is_like_a_body(&self, value: &Expr) -> bool {
        let ExprKind::Object(entries) = &value.kind else {
            return false;
        };
        let Some(source) = self.globals.source(value.span.file) else {
            return false;
        };
        let named = entries
            .iter()
            .all(|entry| matches!(entry.key, ObjectKey::Name(_)));
        let between = |start: u32, end: u32| {
            source.slice(Span {
                start,
                end,
                ..value.span
            })
        };
        let mut ends = entries.iter().map(|entry| entry.value.span.end);
        let starts = entries.iter().skip(1).map(|entry| entry.key.span().start);
        let apart = ends.by_ref().zip(starts).all(|(end, start)| {
            let gap = between(end, start);
            gap.contains('\n') && !gap.contains(',')
        });
        let last = entries
            .last()
            .map_or("", |last| between(last.value.span.end, value.span.end));
        named && apart && !last.contains(',')
    }

    /// The value of an attribute, its range included.
    pub(crate) fn attribute_value(&mut self, expr: &Expr, schema: &AttributeSchema) -> Option<Value> {
        let value = match &schema.ty {
            Type::TypeExpression | Type::Any => return None,
            Type::Predicate => return predicate::check(self.globals, self.sink, expr),
            _ if schema.prose => self.prose(expr)?,
            ty => {
                let expr = bare::with_unit(expr, schema.bare, ty, schema.name, self.sink);
                self.value(&expr, ty)?
            }
        };
        self.range(&value, schema, expr.span).then_some(value)
    }

    fn range(&mut self, value: &Value, schema: &AttributeSchema, span: Span) -> bool {
        let Some(range) = &schema.range else { return true };
        let inside = |bound: &Option<Value>, wrong| match bound {
            Some(bound) => crate::expr::compare(value, bound) != Some(wrong),
            None => true,
        };
        let fits =
            inside(&range.min, std::cmp::Ordering::Less) && inside(&range.max, std::cmp::Ordering::Greater);
        if !fits {
            let text = json::text(value);
            let problem = problems::out_of_range::problem(span, &text, range.min_text, range.max_text);
            self.sink.push(problem);
        }
        fits
    }

    /// A block inside another that `for_each` makes several of.
    fn repeated(&mut self, block: &Block, for_each: &Expr, child: &ChildSchema, checked: &mut CheckedBlock) {
        let instances = instances::instances(self.globals, self.sink, for_each, block);
        let entries = match instances.each.as_deref() {
            Some(entries) if !entries.is_empty() => entries.iter().map(Some).collect(),
            // Nothing is made, but what is written is checked all the same.
            _ => vec![None],
        };
        for entry in entries {
            let mut inside = BodyChecker {
                globals: self.globals,
                sink: self.sink,
                each: Some(instances::each(&instances, entry)),
            };
            let next = inside.block(block, (child.schema)(), child.name);
            if entry.is_none() {
                // It may be what the block around it needs.
                checked.incomplete = true;
            } else if let Some(first) = clash(&checked.blocks, &next, child) {
                let problem = problems::duplicate_block::problem(&block.kind.name, block.header, first);
                self.sink.push(problem);
            } else {
                checked.blocks.push(next);
            }
        }
    }

    fn child(&mut self, block: &Block, scope: &Scope, checked: &mut CheckedBlock) {
        let name = &block.kind.name;
        if let Some(child) = scope.child(name) {
            let for_each = block
                .body
                .attributes()
                .find(|attribute| attribute.name.name == "for_each");
            if let Some(for_each) = for_each.filter(|_| (child.schema)().repeats) {
                self.repeated(block, &for_each.value, child, checked);
                return;
            }
            let next = self.block(block, (child.schema)(), child.name);
            if let Some(first) = clash(&checked.blocks, &next, child) {
                let problem = problems::duplicate_block::problem(name, block.header, first);
                self.sink.push(problem);
                return;
            }
            checked.blocks.push(next);
        } else if let Rest::Blocks(schema) = &checked.schema.rest {
            let mut next = self.block(block, schema(), name);
            next.labels = vec![name.clone()];
            match checked.blocks.iter().find(|other| other.name == *name) {
                Some(first) => {
                    self.sink.push(problems::duplicate_block::problem(
                        name,
                        block.header,
                        first.header,
                    ));
                }
                None => checked.blocks.push(next),
            }
        } else {
            if scope.attribute(name).is_some() {
                let problem = problems::wanted_attribute::problem(block.kind.span, name, block.span());
                self.sink.push(problem);
            } else {
                let names = scope.names();
                let problem = problems::unknown_block::problem(
                    block.kind.span,
                    name,
                    checked.schema.kind,
                    &names,
                    |name| {
                        scope
                            .child(name)
                            .is_some_and(|child| (child.schema)().takes_labels(block.labels.len()))
                    },
                );
                self.sink.push(problem);
            }
            checked.incomplete = true;
        }
    }
}

/// Whether an entry that means nothing was perhaps meant to be `use = preset.x`.
fn may_be_use(entry: &Entry) -> bool {
    let near = |name: &str| name != "use" && !suggest::nearest(name, &["use"]).names.is_empty();
    match entry {
        Entry::Attribute(attribute) => near(&attribute.name.name),
        Entry::Block(_) => false,
        Entry::Broken(broken) => broken
            .name
            .as_ref()
            .is_none_or(|name| name.name == "use" || near(&name.name)),
    }
}

/// What a body may hold: the schema's own names, and those of the variant that it chose, or of any.
struct Scope {
    schema: &'static BlockSchema,
    variant: Option<&'static BlockSchema>,
}

impl Scope {
    /// The chosen variant goes first; the others last, so that a word of another provider is named as such.
    fn schemas(&self) -> impl Iterator<Item = &'static BlockSchema> {
        let others = self.schema.all_variants().map(|(_, schema)| schema);
        std::iter::once(self.schema).chain(self.variant).chain(others)
    }

    fn attribute(&self, name: &str) -> Option<&'static AttributeSchema> {
        self.schemas().find_map(|schema| schema.attribute(name))
    }

    fn child(&self, name: &str) -> Option<&'static ChildSchema> {
        self.schemas().find_map(|schema| schema.child(name))
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let chosen = std::iter::once(self.schema).chain(self.variant);
        let all: Vec<&'static BlockSchema> = match self.variant {
            Some(_) => chosen.collect(),
            None => self.schemas().collect(),
        };
        for schema in all {
            names.extend(schema.attributes.iter().map(|attribute| attribute.name));
            names.extend(
                schema
                    .blocks
                    .iter()
                    .flat_map(|child| std::iter::once(child.name).chain(child.alias)),
            );
            if schema.uses_presets {
                names.push("use");
            }
            if schema.repeats {
                names.push("for_each");
            }
        }
        names
    }
}

/// The attributes that a body gives, by their names where there are many: a search for each would take a time in the
/// square of their number.
struct Given {
    places: Option<FxHashMap<SmolStr, usize>>,
    /// How many of the checked ones are in it.
    known: usize,
}

impl Given {
    fn of(body: &Body) -> Self {
        Self {
            places: (body.entries.len() > FEW).then(FxHashMap::default),
            known: 0,
        }
    }

    /// The first of this name so far.
    fn first<'c>(&mut self, checked: &'c CheckedBlock, name: &SmolStr) -> Option<&'c CheckedAttribute> {
        let Some(places) = &mut self.places else {
            return checked.attribute(name);
        };
        for (place, attribute) in checked.attributes.iter().enumerate().skip(self.known) {
            places.entry(attribute.name.clone()).or_insert(place);
        }
        self.known = checked.attributes.len();
        checked.attributes.get(*places.get(name)?)
    }
}

/// The block that `next` repeats, where it may stand only once.
fn clash(blocks: &[CheckedBlock], next: &CheckedBlock, child: &ChildSchema) -> Option<Span> {
    let labelled = !(child.schema)().labels.is_empty();
    let same = |other: &&CheckedBlock| match child.occurrence {
        Occurrence::Required | Occurrence::Optional => other.name == next.name,
        Occurrence::Many => labelled && other.name == next.name && other.labels == next.labels,
    };
    blocks.iter().find(same).map(|first| first.header)
}

/// Why a label is not one.
pub(crate) fn label_form(text: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match text.as_bytes() {
        [] => Err("it is empty"),
        [b'-', ..] => Err("it starts with `-`"),
        [b'_', ..] => Err("it starts with `_`"),
        bytes if !bytes.iter().copied().all(allowed) => {
            Err("only letters, digits, `-` and `_` may stand in it")
        }
        _ => Ok(()),
    }
}
