//! How Rust types stand for Fly types: the half of a block's definition that decoding reads.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::BlockSchema;
use crate::checked::CheckedBlock;
use crate::types::Type;
use crate::value::Value;
use fly_domain::{
    Cidr, Cron, Duration, FirewallRule, Fqdn, Image, NestPath, Percent, SecretUri, Size, Target, TextForm,
    Url, Version, VmidRange,
};

/// A Rust type that stands for a Fly type.
pub trait Typed: Sized {
    /// The Fly type.
    fn ty() -> Type;
    /// The Rust value of a checked Fly value; `None` only where checking let something through.
    fn read(value: &Value) -> Option<Self>;
}

/// A field of a block's struct: a [`Typed`], or an `Option` of one where the attribute may be left out.
pub trait Field: Sized {
    /// Whether the attribute may be left out.
    const OPTIONAL: bool;
    /// The Fly type.
    fn ty() -> Type;
    /// The field's value; `value` is what was given, or the default.
    fn read_field(value: Option<&Value>) -> Option<Self>;
}

impl<T: Typed> Field for T {
    const OPTIONAL: bool = false;
    fn ty() -> Type {
        T::ty()
    }
    fn read_field(value: Option<&Value>) -> Option<Self> {
        T::read(value?)
    }
}

impl<T: Typed> Field for Option<T> {
    const OPTIONAL: bool = true;
    fn ty() -> Type {
        T::ty()
    }
    fn read_field(value: Option<&Value>) -> Option<Self> {
        match value {
            Some(value) => T::read(value).map(Some),
            None => Some(None),
        }
    }
}

/// A struct that stands for a block kind.
pub trait Block: Sized {
    /// What the kind may hold.
    fn schema() -> &'static BlockSchema;
    /// The struct of a checked block without problems; `None` only where checking let something through.
    fn decode(block: &CheckedBlock) -> Option<Self>;
}

/// How often a block may stand in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// Once, and it must.
    Required,
    /// At most once.
    Optional,
    /// Any number of times, each with a label of its own.
    Many,
}

/// A field of a block's struct that holds blocks.
pub trait Choice: Sized {
    /// How often the block may stand.
    const OCCURRENCE: Occurrence;
    /// What the block may hold.
    fn schema() -> &'static BlockSchema;
    /// From all the blocks of that name.
    fn decode_all(blocks: &[&CheckedBlock]) -> Option<Self>;
}

impl<B: Block> Choice for B {
    const OCCURRENCE: Occurrence = Occurrence::Required;
    fn schema() -> &'static BlockSchema {
        B::schema()
    }
    fn decode_all(blocks: &[&CheckedBlock]) -> Option<Self> {
        B::decode(blocks.first()?)
    }
}

impl<B: Block> Choice for Option<B> {
    const OCCURRENCE: Occurrence = Occurrence::Optional;
    fn schema() -> &'static BlockSchema {
        B::schema()
    }
    fn decode_all(blocks: &[&CheckedBlock]) -> Option<Self> {
        match blocks.first() {
            Some(block) => B::decode(block).map(Some),
            None => Some(None),
        }
    }
}

impl<B: Block> Choice for Vec<B> {
    const OCCURRENCE: Occurrence = Occurrence::Many;
    fn schema() -> &'static BlockSchema {
        B::schema()
    }
    fn decode_all(blocks: &[&CheckedBlock]) -> Option<Self> {
        blocks.iter().map(|block| B::decode(block)).collect()
    }
}

macro_rules! typed {
    ($($rust:ty => $ty:expr, $pattern:pat => $read:expr;)+) => {$(
        impl Typed for $rust {
            fn ty() -> Type {
                $ty
            }
            fn read(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $read,
                    _ => None,
                }
            }
        }
    )+};
}

typed! {
    bool => Type::Bool, Value::Bool(value) => Some(*value);
    i64 => Type::Int, Value::Int(value) => Some(*value);
    f64 => Type::Float, Value::Float(value) => Some(*value);
    SmolStr => Type::String, Value::String(value) => Some(value.clone());
    Duration => Type::Duration, Value::Duration(value) => Some(*value);
    Size => Type::Size, Value::Size(value) => Some(*value);
    Percent => Type::Percent, Value::Percent(value) => Some(*value);
    SecretUri => Type::Secret, Value::Secret(value) => Some(value.clone());
    Cron => Type::Text(TextForm::Cron), Value::String(text) => Cron::parse(text).ok();
    Url => Type::Text(TextForm::Url), Value::String(text) => Url::parse(text).ok();
    Fqdn => Type::Text(TextForm::Fqdn), Value::String(text) => Fqdn::parse(text).ok();
    Cidr => Type::Text(TextForm::Cidr), Value::String(text) => Cidr::parse(text).ok();
    Image => Type::Text(TextForm::Image), Value::String(text) => Image::parse(text).ok();
    Version => Type::Text(TextForm::Version), Value::String(text) => Version::parse(text).ok();
    NestPath => Type::Text(TextForm::Path), Value::String(text) => NestPath::parse(text).ok();
    Target => Type::Text(TextForm::Target), Value::String(text) => Target::parse(text).ok();
    FirewallRule => Type::Text(TextForm::FirewallRule), Value::String(text) => FirewallRule::parse(text).ok();
    // Its form is looked at by the cross-checks.
    VmidRange => Type::String, Value::String(text) => VmidRange::parse(text).ok();
}

impl<T: Typed> Typed for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }
    fn read(value: &Value) -> Option<Self> {
        value.as_list()?.iter().map(T::read).collect()
    }
}

impl<T: Typed + Ord> Typed for BTreeSet<T> {
    fn ty() -> Type {
        Type::set(T::ty())
    }
    fn read(value: &Value) -> Option<Self> {
        value.as_list()?.iter().map(T::read).collect()
    }
}

impl<T: Typed> Typed for BTreeMap<SmolStr, T> {
    fn ty() -> Type {
        Type::map(T::ty())
    }
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Object(entries) => entries
                .iter()
                .map(|(name, value)| Some((name.clone(), T::read(value)?)))
                .collect(),
            _ => None,
        }
    }
}
