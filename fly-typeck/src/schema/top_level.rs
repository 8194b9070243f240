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
    const fn kind(schema: SchemaOf, place: Place, single: bool) -> TopLevel {
        TopLevel {
            schema,
            place,
            single,
        }
    }
    static KINDS: [TopLevel; 14] = [
        kind(Egg::schema, Place::Egg, false),
        kind(Eggsbucket::schema, Place::Egg, false),
        kind(preset, Place::Anywhere, false),
        kind(Job::schema, Place::Job, false),
        kind(Uglyfox::schema, Place::Uglyfox, true),
        kind(Mothergoose::schema, Place::Mothergoose, true),
        kind(Rift::schema, Place::Rift, true),
        kind(Provider::schema, Place::NestFile, false),
        kind(NestSettings::schema, Place::NestFile, true),
        kind(State::schema, Place::NestFile, true),
        kind(Variable::schema, Place::Anywhere, false),
        kind(Locals::schema, Place::Anywhere, false),
        kind(Check::schema, Place::Anywhere, false),
        kind(Moved::schema, Place::Anywhere, false),
    ];
    &KINDS
}
