//! Static types.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;

use crate::schema::BlockSchema;
use fly_domain::TextForm;

/// The static type of an expression or an attribute.
#[derive(Debug, Clone)]
pub enum Type {
    /// `bool`
    Bool,
    /// `int`, 64 bits
    Int,
    /// `float`, 64 bits
    Float,
    /// `string`
    String,
    /// `duration`
    Duration,
    /// `size`
    Size,
    /// `percent`
    Percent,
    /// Text of a checked form: `cron url fqdn cidr image version path target`
    Text(TextForm),
    /// One word of a fixed list.
    Words(&'static Words),
    /// `secret`
    Secret,
    /// `list(T)`
    List(Arc<Type>),
    /// `set(T)`
    Set(Arc<Type>),
    /// `map(T)`
    Map(Arc<Type>),
    /// `object({...})`
    Object(Arc<ObjectType>),
    /// A checked block, seen as a value: `egg.api.runner`
    Block(&'static BlockSchema),
    /// The name of something declared elsewhere.
    Reference(Reference),
    /// Any one of these.
    Union(Arc<[Type]>),
    /// A value of any type: a `local`, a `default`.
    Any,
    /// A type, written as `string` or `list(object({ name = string }))`: the `type` of a variable.
    TypeExpression,
    /// A condition over the facts of a runner: the `condition` of a rule; its value is the canonical text.
    Predicate,
    /// Of something whose problem is reported already, or the element of an empty list; fits everywhere.
    Unknown,
}

/// `object({...})`
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectType {
    /// In the order of their names.
    pub fields: Vec<FieldType>,
}

/// One entry of an object's type.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldType {
    /// Its key.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out: `optional(T)`.
    pub optional: bool,
}

/// The words of an enum.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// What the words are, in the singular: "machine type".
    pub what: &'static str,
    /// Each word and what it means.
    pub words: &'static [(&'static str, &'static str)],
}

impl Words {
    /// Whether `word` is one of them.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.names().any(|name| name == word)
    }

    /// Each word with what it means, in Markdown.
    pub fn documented(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.words
            .iter()
            .map(|(word, doc)| (*word, crate::schema::build::prose(doc)))
    }

    /// The words alone.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().map(|(word, _)| *word)
    }
}

/// What a reference may name. It is written as text (`"dc2"`) or as a path (`egg.api`), and its value is the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A provider: `"proxmox"` or `provider.proxmox.dc2`; its value is `proxmox` or `proxmox.dc2`.
    Provider,
    /// An egg or an eggsbucket of the Nest: `"api"`, `egg.api`; its value is `api`.
    Entity,
    /// An address that need not exist any more: `egg.old`; its value is `egg.old`.
    Address,
    /// One of mothergoose's `service_accounts`.
    ServiceAccount,
    /// One of mothergoose's `message_queues`.
    Queue,
    /// One of mothergoose's roles: `fastapi_app`, `celery_workers`, `uglyfox_workers`, `auth_function`.
    Role,
}

impl Reference {
    /// What is named, in the words of a message.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Entity => "egg or eggsbucket",
            Self::Address => "address",
            Self::ServiceAccount => "service account",
            Self::Queue => "message queue",
            Self::Role => "role",
        }
    }
}

impl Type {
    /// `list(element)`
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Arc::new(element))
    }

    /// `set(element)`
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Arc::new(element))
    }

    /// `map(element)`
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Arc::new(element))
    }

    /// Any one of `types`.
    #[must_use]
    pub fn union(types: impl IntoIterator<Item = Type>) -> Self {
        Self::Union(types.into_iter().collect())
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool, Self::Bool)
            | (Self::Int, Self::Int)
            | (Self::Float, Self::Float)
            | (Self::String, Self::String)
            | (Self::Duration, Self::Duration)
            | (Self::Size, Self::Size)
            | (Self::Percent, Self::Percent)
            | (Self::Secret, Self::Secret)
            | (Self::Any, Self::Any)
            | (Self::TypeExpression, Self::TypeExpression)
            | (Self::Predicate, Self::Predicate)
            | (Self::Unknown, Self::Unknown) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Words(a), Self::Words(b)) => std::ptr::eq(*a, *b),
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) | (Self::Map(a), Self::Map(b)) => {
                a == b
            }
            (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Block(a), Self::Block(b)) => std::ptr::eq(*a, *b),
            (Self::Reference(a), Self::Reference(b)) => a == b,
            (Self::Union(a), Self::Union(b)) => a == b,
            _ => false,
        }
    }
}

/// More fields of an object than this are counted, not named: a type is said in messages, and must fit into them.
const FIELDS: usize = 8;

/// Objects inside so many others are not spelled out.
const DEPTH: usize = 2;

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Type {
    /// `depth` is the number of objects this stands in.
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let around = |f: &mut fmt::Formatter<'_>, name: &str, element: &Self| {
            if *element == Self::Unknown {
                // Of an empty one.
                return f.write_str(name);
            }
            write!(f, "{name}(")?;
            element.write(f, depth)?;
            f.write_str(")")
        };
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::String => f.write_str("string"),
            Self::Duration => f.write_str("duration"),
            Self::Size => f.write_str("size"),
            Self::Percent => f.write_str("percent"),
            Self::Text(form) => f.write_str(form.name()),
            Self::Words(words) => {
                for (index, word) in words.names().enumerate() {
                    if index > 0 {
                        f.write_str("|")?;
                    }
                    f.write_str(word)?;
                }
                Ok(())
            }
            Self::Secret => f.write_str("secret"),
            Self::List(element) => around(f, "list", element),
            Self::Set(element) => around(f, "set", element),
            Self::Map(element) => around(f, "map", element),
            Self::Object(_) if depth >= DEPTH => f.write_str("object({ ... })"),
            Self::Object(object) => {
                f.write_str("object({")?;
                for (index, field) in object.fields.iter().take(FIELDS).enumerate() {
                    let comma = if index > 0 { ", " } else { " " };
                    let FieldType { name, ty, optional } = field;
                    write!(f, "{comma}{name} = ")?;
                    if *optional {
                        f.write_str("optional(")?;
                    }
                    ty.write(f, depth + 1)?;
                    if *optional {
                        f.write_str(")")?;
                    }
                }
                if object.fields.len() > FIELDS {
                    write!(f, ", and {} more", object.fields.len() - FIELDS)?;
                }
                f.write_str(" })")
            }
            Self::Block(schema) => write!(f, "{} block", schema.kind),
            Self::Reference(reference) => {
                let what = reference.what();
                let article = if what.starts_with(['a', 'e']) { "an" } else { "a" };
                write!(f, "name of {article} {what}")
            }
            Self::Union(types) => {
                for (index, ty) in types.iter().enumerate() {
                    if index > 0 {
                        f.write_str("|")?;
                    }
                    ty.write(f, depth)?;
                }
                Ok(())
            }
            Self::Any => f.write_str("any"),
            Self::TypeExpression => f.write_str("type"),
            Self::Predicate => f.write_str("condition"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
