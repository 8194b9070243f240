//! What a Nest declares: every top-level block and name, found before anything is looked at closely.

use fly_syntax::tree::{Attribute, Block, Entry, SyntaxTree};
use fly_syntax::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::problems;
use crate::schema::{BlockSchema, TopLevel, top_level};
use crate::sink::Sink;
use crate::types::Reference;

/// The roles of a `mothergoose` block, aliases included.
const ROLES: &[&str] = &[
    "fastapi_app",
    "app",
    "celery_workers",
    "workers",
    "uglyfox_workers",
    "uglyfox",
];

/// A top-level block of a known kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Top<'a> {
    pub(crate) block: &'a Block,
    pub(crate) kind: &'static TopLevel,
    pub(crate) file: FileId,
}

impl Top<'_> {
    pub(crate) fn schema(&self) -> &'static BlockSchema {
        (self.kind.schema)()
    }

    /// Whether it makes one block for each entry of something.
    pub(crate) fn repeats(&self) -> bool {
        for_each(self.block).is_some()
    }
}

/// The value of a block's `for_each`.
pub(crate) fn for_each(block: &Block) -> Option<&Attribute> {
    block
        .body
        .attributes()
        .find(|attribute| attribute.name.name == "for_each")
}

/// Every name of a Nest and where it is declared.
#[derive(Debug, Default)]
pub(crate) struct Declared<'a> {
    /// Every top-level block of a known kind, files in the order of their paths.
    pub(crate) tops: Vec<Top<'a>>,
    pub(crate) variables: FxHashMap<SmolStr, &'a Block>,
    pub(crate) locals: FxHashMap<SmolStr, &'a Attribute>,
    pub(crate) presets: FxHashMap<SmolStr, &'a Block>,
    pub(crate) checks: FxHashMap<SmolStr, &'a Block>,
    /// Eggs, eggsbuckets and jobs by kind and name, those with `for_each` left out.
    pub(crate) entities: FxHashMap<(&'static str, SmolStr), Top<'a>>,
    /// The names of those that are defined twice.
    pub(crate) twice: FxHashSet<SmolStr>,
    /// Providers by type, and by type and name with a dot between.
    pub(crate) providers: FxHashMap<SmolStr, Top<'a>>,
    /// Names that something unreadable would have declared: nothing is said about references to them.
    pub(crate) ghosts: FxHashSet<SmolStr>,
    /// Folders and files whose egg, eggsbucket or job is called otherwise, which is reported: the names that it ought to
    /// have, or that those of a `for_each` ought to start with.
    pub(crate) mislabelled: FxHashSet<SmolStr>,
    /// Whether a block of an unknown kind, or something unreadable, stands at the top of a file.
    pub(crate) kind_unknown: bool,
}

impl<'a> Declared<'a> {
    /// Collects from the trees of a Nest, which stand in the order of their paths; reports unknown kinds and names
    /// that are defined twice.
    pub(crate) fn collect(trees: &[&'a SyntaxTree], paths: &[&str], sink: &mut Sink) -> Self {
        let mut declared = Self::default();
        for (tree, path) in trees.iter().zip(paths) {
            for entry in &tree.body.entries {
                match entry {
                    Entry::Block(block) => declared.block(block, tree.span.file, path, sink),
                    Entry::Attribute(attribute) => {
                        let name = &attribute.name;
                        sink.push(problems::top_level_attribute::problem(name.span, &name.name));
                        declared.haunt(path);
                    }
                    Entry::Broken(_) => declared.haunt(path),
                }
            }
        }
        declared
    }

    /// Something in this file could not be read: it may be what the file is for.
    pub(crate) fn haunt(&mut self, path: &str) {
        self.kind_unknown = true;
        let mut parts = path.split('/');
        if let (Some("Eggs"), Some(name)) = (parts.next(), parts.next()) {
            self.ghosts.insert(SmolStr::new(name));
        }
        let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".fly"));
        self.ghosts.extend(stem.map(SmolStr::new));
    }

    fn block(&mut self, block: &'a Block, file: FileId, path: &str, sink: &mut Sink) {
        let kind_name = &block.kind.name;
        let Some(kind) = top_level().iter().find(|top| (top.schema)().kind == *kind_name) else {
            let names: Vec<&str> = top_level().iter().map(|top| (top.schema)().kind).collect();
            sink.push(problems::unknown_kind::problem(
                block.kind.span,
                kind_name,
                &names,
            ));
            self.haunt(path);
            self.ghosts
                .extend(block.labels.iter().filter_map(|label| label.text.literal()));
            self.ghosts.extend(
                block
                    .body
                    .attributes()
                    .map(|attribute| attribute.name.name.clone()),
            );
            return;
        };
        let top = Top { block, kind, file };
        self.tops.push(top);
        let label = block.labels.first().and_then(|label| label.text.literal());
        match (kind_name.as_str(), label) {
            ("locals", _) => {
                for attribute in block.body.attributes() {
                    let name = &attribute.name.name;
                    if let Some(first) = self.locals.get(name) {
                        let (later, first) = (attribute.name.span, first.name.span);
                        // Twice in one block is a repeated attribute, which the block's check reports.
                        if !block.span().contains(first) {
                            sink.push(problems::defined_twice::problem("local", name, later, first));
                        }
                    } else {
                        self.locals.insert(name.clone(), attribute);
                    }
                }
            }
            ("variable", Some(name)) => {
                once(
                    &mut self.variables,
                    name,
                    block,
                    |block| block.header,
                    "variable",
                    sink,
                );
            }
            ("preset", Some(name)) => {
                once(
                    &mut self.presets,
                    name,
                    block,
                    |block| block.header,
                    "preset",
                    sink,
                );
            }
            ("check", Some(name)) => once(&mut self.checks, name, block, |block| block.header, "check", sink),
            ("egg" | "eggsbucket" | "job", Some(name)) if !top.repeats() => {
                let key = (kind_name_of(kind), name.clone());
                // Eggs and buckets share their names: both stand in `Eggs/<name>/`.
                let twin = match key.0 {
                    "egg" => self.entities.get(&("eggsbucket", name.clone())),
                    "eggsbucket" => self.entities.get(&("egg", name.clone())),
                    _ => None,
                };
                if let Some(first) = twin.or_else(|| self.entities.get(&key)) {
                    let (later, first) = (block.header, first.block.header);
                    sink.push(problems::defined_twice::problem(key.0, &name, later, first));
                    self.twice.insert(name);
                } else {
                    self.entities.insert(key, top);
                }
            }
            ("provider", Some(ty)) => {
                let name = block.labels.get(1).and_then(|label| label.text.literal());
                let key = name.map_or(ty.clone(), |name| SmolStr::new(format!("{ty}.{name}")));
                once(
                    &mut self.providers,
                    key,
                    top,
                    |top| top.block.header,
                    "provider",
                    sink,
                );
            }
            // Nobody can name it, so nobody would look at it.
            (kind, None) if block.labels.is_empty() && matches!(kind, "preset" | "provider") => {
                let label = top.schema().labels.first().copied().unwrap_or("name");
                sink.push(problems::label_missing::problem(block.kind.span, kind, label));
            }
            _ => {}
        }
    }

    /// What the Nest's `mothergoose` block calls its service accounts, queues or roles.
    pub(crate) fn infrastructure_names(&self, reference: Reference) -> Vec<SmolStr> {
        let tops = self.tops.iter().filter(|top| top.schema().kind == "mothergoose");
        let mut names = Vec::new();
        for block in tops.flat_map(|top| top.block.body.blocks()) {
            let inside = block.body.blocks().map(|block| block.kind.name.clone());
            match (reference, block.kind.name.as_str()) {
                (Reference::ServiceAccount, "service_accounts") | (Reference::Queue, "message_queues") => {
                    names.extend(inside);
                }
                (Reference::Role, "api_gateway") => {
                    names.extend(inside.filter(|name| name == "auth_function"))
                }
                (Reference::Role, kind) if ROLES.contains(&kind) => names.push(block.kind.name.clone()),
                _ => {}
            }
        }
        names
    }

    /// Whether a part of the `mothergoose` block, or all of it, is not understood: it may declare any name of the
    /// infrastructure.
    pub(crate) fn infrastructure_hidden(&self) -> bool {
        let mut tops = self.tops.iter().filter(|top| top.schema().kind == "mothergoose");
        let hidden = |top: &Top<'_>, entry: &Entry| match entry {
            Entry::Broken(_) => true,
            Entry::Block(block) => top.schema().child(&block.kind.name).is_none(),
            Entry::Attribute(_) => false,
        };
        self.kind_unknown || tops.any(|top| top.block.body.entries.iter().any(|entry| hidden(top, entry)))
    }

    /// Every name that can follow `root.`, in order.
    pub(crate) fn names_under(&self, root: &str) -> Vec<SmolStr> {
        let mut names: Vec<SmolStr> = match root {
            "var" => self.variables.keys().cloned().collect(),
            "local" => self.locals.keys().cloned().collect(),
            "preset" => self.presets.keys().cloned().collect(),
            "provider" => self.providers.keys().cloned().collect(),
            kind => self
                .entities
                .keys()
                .filter(|(other, _)| *other == kind)
                .map(|(_, name)| name.clone())
                .collect(),
        };
        names.sort_unstable();
        names
    }
}

/// The kind's word with the lifetime of the schema.
fn kind_name_of(kind: &'static TopLevel) -> &'static str {
    (kind.schema)().kind
}

fn once<T: Copy>(
    names: &mut FxHashMap<SmolStr, T>,
    name: SmolStr,
    declared: T,
    header: impl Fn(T) -> Span,
    what: &str,
    sink: &mut Sink,
) {
    match names.get(&name) {
        Some(first) => {
            sink.push(problems::defined_twice::problem(
                what,
                &name,
                header(declared),
                header(*first),
            ));
        }
        None => {
            names.insert(name, declared);
        }
    }
}
