//! What may stand at top level of a Nest's files, and where: the one list that layout checks, docs and completion
//! read.

use super::egg::Egg;
use super::eggsbucket::Eggsbucket;
use super::job::Job;
use super::language::{Check, Locals, Variable};
use super::mothergoose::Mothergoose;
use super::moved::Moved;
use super::nest::NestSettings;
use super::provider::Provider;
use super::rift::Rift;
use super::state::State;
use super::uglyfox::Uglyfox;
use super::{Block, SchemaOf, preset};

/// A block kind at top level.
#[derive(Debug)]
pub struct TopLevel {
    /// What the kind may hold.
    pub schema: SchemaOf,
    /// Where it may stand.
    pub place: Place,
    /// Whether a Nest has at most one.
    pub single: bool,
    /// Whether it is part of the evaluated Nest; the others only help to write it.
    pub lasting: bool,
}

/// Where a block kind may stand in a Nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In any file.
    Anywhere,
    /// In `nest.fly`.
    NestFile,
    /// In `Eggs/<name>/config.fly`, one a file.
    Egg,
    /// In `Jobs/<name>.fly`, one a file.
    Job,
    /// In `UF/config.fly`.
    Uglyfox,
    /// In `MG/config.fly`.
    Mothergoose,
    /// In `RF/config.fly`.
    Rift,
}

impl Place {
    /// The path, for people.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Anywhere => "any file",
            Self::NestFile => "nest.fly",
            Self::Egg => "Eggs/<name>/config.fly",
            Self::Job => "Jobs/<name>.fly",
            Self::Uglyfox => "UF/config.fly",
            Self::Mothergoose => "MG/config.fly",
            Self::Rift => "RF/config.fly",
        }
    }
}

/// Every kind that may stand at top level, in the order of the reference.
#[must_use]
pub fn top_level() -> &'static [TopLevel] {
    const fn many(schema: SchemaOf, place: Place) -> TopLevel {
        TopLevel {
            schema,
            place,
            single: false,
            lasting: true,
        }
    }
    const fn one(schema: SchemaOf, place: Place) -> TopLevel {
        TopLevel {
            single: true,
            ..many(schema, place)
        }
    }
    const fn help(schema: SchemaOf) -> TopLevel {
        TopLevel {
            lasting: false,
            ..many(schema, Place::Anywhere)
        }
    }
    static KINDS: [TopLevel; 14] = [
        many(Egg::schema, Place::Egg),
        many(Eggsbucket::schema, Place::Egg),
        help(preset),
        many(Job::schema, Place::Job),
        one(Uglyfox::schema, Place::Uglyfox),
        one(Mothergoose::schema, Place::Mothergoose),
        one(Rift::schema, Place::Rift),
        many(Provider::schema, Place::NestFile),
        one(NestSettings::schema, Place::NestFile),
        one(State::schema, Place::NestFile),
        help(Variable::schema),
        help(Locals::schema),
        help(Check::schema),
        many(Moved::schema, Place::Anywhere),
    ];
    &KINDS
}
