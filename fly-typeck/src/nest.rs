//! A Nest without problems, in the types that the rest of the product works with.

use crate::checked::CheckedBlock;
use crate::schema::Block;
use crate::schema::egg::Egg;
use crate::schema::eggsbucket::Eggsbucket;
use crate::schema::job::Job;
use crate::schema::mothergoose::Mothergoose;
use crate::schema::moved::Moved;
use crate::schema::nest::NestSettings;
use crate::schema::provider::Provider;
use crate::schema::rift::Rift;
use crate::schema::state::State;
use crate::schema::uglyfox::Uglyfox;

/// A whole Nest: every value typed and evaluated, presets merged in. Names of the language (`variable`, `locals`,
/// `preset`) have done their work and are gone; `check` blocks hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Nest {
    /// `nest`
    pub settings: Option<NestSettings>,
    /// In the order of their files; a `for_each` has made one for each entry.
    pub eggs: Vec<Egg>,
    /// In the order of their files; a `for_each` has made one for each entry.
    pub eggsbuckets: Vec<Eggsbucket>,
    /// In the order of their files.
    pub jobs: Vec<Job>,
    /// `UF/config.fly`
    pub uglyfox: Option<Uglyfox>,
    /// `MG/config.fly`
    pub mothergoose: Option<Mothergoose>,
    /// `RF/config.fly`
    pub rift: Option<Rift>,
    /// In the order they are written.
    pub providers: Vec<Provider>,
    /// `state`
    pub state: Option<State>,
    /// In the order they are written.
    pub moved: Vec<Moved>,
}

impl Nest {
    /// The Nest of its checked top-level blocks; `None` only where checking let something through.
    #[must_use]
    pub fn from_blocks(blocks: &[CheckedBlock]) -> Option<Self> {
        Some(Self {
            settings: single(blocks)?,
            eggs: all(blocks)?,
            eggsbuckets: all(blocks)?,
            jobs: all(blocks)?,
            uglyfox: single(blocks)?,
            mothergoose: single(blocks)?,
            rift: single(blocks)?,
            providers: all(blocks)?,
            state: single(blocks)?,
            moved: all(blocks)?,
        })
    }
}

fn of_kind<B: Block>(blocks: &[CheckedBlock]) -> impl Iterator<Item = &CheckedBlock> {
    blocks.iter().filter(|block| block.name == B::schema().kind)
}

fn all<B: Block>(blocks: &[CheckedBlock]) -> Option<Vec<B>> {
    of_kind::<B>(blocks).map(B::decode).collect()
}

fn single<B: Block>(blocks: &[CheckedBlock]) -> Option<Option<B>> {
    of_kind::<B>(blocks)
        .next()
        .map(B::decode)
        .map_or(Some(None), |block| block.map(Some))
}
