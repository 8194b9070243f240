//! What the names of a Nest stand for, once that is known. Read only while blocks are checked, so that both cores can.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fly_syntax::{SourceFile, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::checked::CheckedBlock;
use crate::declared::Declared;
use crate::files::ReadFile;
use crate::problems::names::Names;
use crate::schema::{BlockSchema, top_level};
use crate::types::{Reference, Type};
use crate::value::Value;

/// Something with a name that holds in the whole Nest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Global {
    Variable(SmolStr),
    Local(SmolStr),
    /// An attribute or a block of an egg, an eggsbucket or a job, by its path from there.
    Entity(Entity, Vec<SmolStr>),
    /// `eggs`, `eggsbuckets`, `jobs`
    List(&'static str),
}

/// An egg, an eggsbucket or a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entity {
    pub(crate) kind: &'static str,
    pub(crate) name: SmolStr,
}

impl fmt::Display for Global {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "var.{name}"),
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Entity(entity, path) => {
                write!(f, "{}.{}", entity.kind, entity.name)?;
                path.iter().try_for_each(|step| write!(f, ".{step}"))
            }
            Self::List(name) => f.write_str(name),
        }
    }
}

/// What is known of a global's value.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Value(Value),
    /// It has a problem, which is reported where it lies, or is not known yet.
    Unknown,
    /// An optional attribute that is not set, in the block declared there.
    NotSet {
        declared: Span,
    },
}

/// What a name refers to.
#[derive(Debug)]
pub(crate) enum Found {
    Value(Global, Type),
    Entity(Global, &'static BlockSchema),
    /// It has a problem already.
    Poisoned,
    /// It exists and may not be used here: the words say where "here" is.
    NotAllowed(&'static str),
    /// No such name; these there are.
    Missing(Arc<Names>),
}

/// One block of a `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) name: Option<SmolStr>,
    pub(crate) key: SmolStr,
    pub(crate) value: Value,
}

/// How a block with `for_each` is repeated.
#[derive(Debug, Clone)]
pub(crate) struct Instances {
    /// The type of `each.value`.
    pub(crate) value_type: Type,
    /// `None` where `for_each` itself has a problem.
    pub(crate) each: Option<Vec<Instance>>,
}

/// The values of a Nest's names.
#[derive(Debug)]
pub(crate) struct Globals<'a> {
    pub(crate) declared: &'a Declared<'a>,
    pub(crate) reader: &'a dyn ReadFile,
    pub(crate) files: &'a [SourceFile],
    pub(crate) variables: FxHashMap<SmolStr, (Type, Option<Value>)>,
    pub(crate) locals: FxHashMap<SmolStr, (Type, Option<Value>)>,
    /// Locals that are made of `eggs`, `eggsbuckets` or `jobs`.
    pub(crate) late: FxHashSet<SmolStr>,
    pub(crate) presets: FxHashMap<SmolStr, Arc<CheckedBlock>>,
    pub(crate) providers: FxHashMap<SmolStr, Arc<CheckedBlock>>,
    /// The attributes of eggs, eggsbuckets and jobs that something refers to.
    pub(crate) entities: FxHashMap<(Entity, Vec<SmolStr>), Held>,
    /// By the place of the block's header.
    pub(crate) instances: FxHashMap<Span, Instances>,
    /// Which block with `for_each` makes this egg, eggsbucket or job, and which of its instances that is.
    pub(crate) made: FxHashMap<Entity, (Span, usize)>,
    /// Whether a block with `for_each` has a problem that leaves its names unknown: any missing one could be its.
    pub(crate) unnamed: bool,
    /// `eggs`, `eggsbuckets` and `jobs`, when everything they list has been checked.
    pub(crate) lists: Option<FxHashMap<&'static str, Value>>,
    /// Whether references of any kind are out of place: the words say where.
    pub(crate) closed: Option<&'static str>,
    /// The names under each root, made when the first reference is unknown: there may be many such references. With
    /// how many entities `for_each` had made by then.
    names: Mutex<FxHashMap<SmolStr, (usize, Arc<Names>)>>,
}

/// The key of [`Globals::names`] for what may be named as text where an egg or an eggsbucket is wanted.
const ENTITIES: &str = "egg or eggsbucket";

impl<'a> Globals<'a> {
    pub(crate) fn new(declared: &'a Declared<'a>, reader: &'a dyn ReadFile, files: &'a [SourceFile]) -> Self {
        Self {
            declared,
            reader,
            files,
            variables: FxHashMap::default(),
            locals: FxHashMap::default(),
            late: FxHashSet::default(),
            presets: FxHashMap::default(),
            providers: FxHashMap::default(),
            entities: FxHashMap::default(),
            instances: FxHashMap::default(),
            made: FxHashMap::default(),
            unnamed: false,
            lists: None,
            closed: None,
            names: Mutex::default(),
        }
    }

    pub(crate) fn reader(&self) -> &dyn ReadFile {
        self.reader
    }

    /// What `root.name` refers to.
    pub(crate) fn find(&self, root: &str, name: &SmolStr) -> Found {
        let missing = || {
            if self.may_be_hidden(root, name) {
                Found::Poisoned
            } else {
                Found::Missing(self.names_under(root))
            }
        };
        if let Some(place) = self.closed {
            return Found::NotAllowed(place);
        }
        match root {
            "var" => match self.variables.get(name) {
                Some((ty, _)) => Found::Value(Global::Variable(name.clone()), ty.clone()),
                None if self.declared.variables.contains_key(name) => Found::Poisoned,
                None => missing(),
            },
            "local" if self.lists.is_none() && self.late.contains(name) => {
                Found::NotAllowed("a value that the list it is made of needs")
            }
            "local" => match self.locals.get(name) {
                Some((ty, _)) => Found::Value(Global::Local(name.clone()), ty.clone()),
                None if self.declared.locals.contains_key(name) => Found::Poisoned,
                None => missing(),
            },
            "preset" if self.declared.presets.contains_key(name) => {
                Found::NotAllowed("an expression: presets go in `use`")
            }
            "provider" if self.declared.providers.contains_key(name) => {
                Found::NotAllowed("an expression: a provider is named in `cloud.provider`")
            }
            "preset" | "provider" => missing(),
            kind => match self.entity(kind, name) {
                Some((entity, schema)) => Found::Entity(Global::Entity(entity, Vec::new()), schema),
                None => missing(),
            },
        }
    }

    /// The egg, eggsbucket or job of this name, by itself or by a `for_each`.
    pub(crate) fn entity(&self, kind: &str, name: &SmolStr) -> Option<(Entity, &'static BlockSchema)> {
        let schema = top_level()
            .iter()
            .map(|top| (top.schema)())
            .find(|schema| schema.kind == kind)?;
        let entity = Entity {
            kind: schema.kind,
            name: name.clone(),
        };
        let known = self.declared.entities.contains_key(&(schema.kind, name.clone()))
            || self.made.contains_key(&entity);
        known.then_some((entity, schema))
    }

    /// The header of the block that declares an egg, an eggsbucket or a job.
    pub(crate) fn declared_at(&self, kind: &str, name: &SmolStr) -> Option<Span> {
        let (entity, _) = self.entity(kind, name)?;
        let written = self.declared.entities.get(&(entity.kind, entity.name.clone()));
        written
            .map(|top| top.block.header)
            .or_else(|| self.made.get(&entity).map(|(header, _)| *header))
    }

    /// The list of this name and its type; `None` while what it lists is still being checked.
    pub(crate) fn list(&self, name: &str) -> Option<(Global, Type)> {
        self.lists.as_ref()?;
        let (name, kind) = match name {
            "eggs" => ("eggs", "egg"),
            "eggsbuckets" => ("eggsbuckets", "eggsbucket"),
            _ => ("jobs", "job"),
        };
        let schema = top_level()
            .iter()
            .map(|top| (top.schema)())
            .find(|schema| schema.kind == kind)?;
        Some((Global::List(name), Type::list(Type::Block(schema))))
    }

    /// The value of a global that [`Self::find`] found.
    pub(crate) fn value(&self, global: &Global) -> Held {
        let held = |value: Option<&Value>| value.map_or(Held::Unknown, |value| Held::Value(value.clone()));
        match global {
            Global::Variable(name) => held(self.variables.get(name).and_then(|(_, value)| value.as_ref())),
            Global::Local(name) => held(self.locals.get(name).and_then(|(_, value)| value.as_ref())),
            Global::List(name) => held(self.lists.as_ref().and_then(|lists| lists.get(name))),
            Global::Entity(entity, path) => self
                .entities
                .get(&(entity.clone(), path.clone()))
                .cloned()
                .unwrap_or(Held::Unknown),
        }
    }

    /// What `root.` is followed by, in order.
    pub(crate) fn names_under(&self, root: &str) -> Arc<Names> {
        self.names(root, || self.written_and_made(root))
    }

    /// The names that are kept under `root`, or those that `make` makes.
    fn names(&self, root: &str, make: impl FnOnce() -> Vec<SmolStr>) -> Arc<Names> {
        let mut kept = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(root) {
            Some((made, names)) if *made == self.made.len() => Arc::clone(names),
            _ => {
                let names = Arc::new(Names::new(make()));
                kept.insert(SmolStr::new(root), (self.made.len(), Arc::clone(&names)));
                names
            }
        }
    }

    fn written_and_made(&self, root: &str) -> Vec<SmolStr> {
        let mut names = self.declared.names_under(root);
        names.extend(
            self.made
                .keys()
                .filter(|entity| entity.kind == root)
                .map(|entity| entity.name.clone()),
        );
        names.sort_unstable();
        names
    }

    /// What a name under `root` is called.
    pub(crate) fn what(&self, root: &str) -> &'static str {
        match root {
            "var" => "variable",
            "local" => "local",
            "preset" => "preset",
            "provider" => "provider",
            "eggsbucket" => "eggsbucket",
            "job" => "job",
            _ => "egg",
        }
    }

    /// Whether something that is reported already may be what declares this name.
    pub(crate) fn may_be_hidden(&self, kind: &str, name: &SmolStr) -> bool {
        let entity = matches!(kind, "egg" | "eggsbucket" | "job");
        let under = |folder: &SmolStr| {
            let rest = name.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        };
        self.declared.ghosts.contains(name)
            || entity && (self.unnamed || self.declared.mislabelled.iter().any(under))
    }

    /// The names that there are instead, where nothing is called `name` that such a reference may name.
    pub(crate) fn unknown_names(&self, reference: Reference, name: &SmolStr) -> Option<Arc<Names>> {
        let kind = match reference {
            Reference::Entity => "egg",
            _ => "",
        };
        if self.may_be_hidden(kind, name) {
            return None;
        }
        match reference {
            Reference::Address => None,
            Reference::Entity => {
                let known = ["egg", "eggsbucket"]
                    .iter()
                    .any(|kind| self.entity(kind, name).is_some());
                (!known).then(|| {
                    self.names(ENTITIES, || {
                        let mut names = self.written_and_made("egg");
                        names.extend(self.written_and_made("eggsbucket"));
                        names
                    })
                })
            }
            Reference::Provider => {
                let known =
                    self.declared.providers.contains_key(name) || matches!(name.as_str(), "aws" | "yandex");
                (!known).then(|| {
                    let mut names = self.written_and_made("provider");
                    for plain in ["aws", "yandex"] {
                        if !names.iter().any(|name| name == plain) {
                            names.push(SmolStr::new_static(plain));
                        }
                    }
                    Arc::new(Names::new(names))
                })
            }
            Reference::ServiceAccount | Reference::Queue | Reference::Role
                if self.declared.infrastructure_hidden() =>
            {
                None
            }
            Reference::ServiceAccount | Reference::Queue | Reference::Role => {
                let names = self.declared.infrastructure_names(reference);
                (!names.contains(name)).then(|| Arc::new(Names::new(names)))
            }
        }
    }

    /// The text of a file, for what is parsed again with the places kept.
    pub(crate) fn source(&self, file: fly_syntax::FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// `var.name`, `local.name` and so on, for a bare name that is one of those.
    pub(crate) fn qualified(&self, name: &SmolStr, at: Span) -> Vec<String> {
        let mut paths = Vec::new();
        if self.declared.variables.contains_key(name) {
            paths.push(format!("var.{name}"));
        }
        // A local is never made of itself.
        let local = self.declared.locals.get(name);
        if local.is_some_and(|local| !local.value.span.contains(at)) {
            paths.push(format!("local.{name}"));
        }
        paths
    }
}
