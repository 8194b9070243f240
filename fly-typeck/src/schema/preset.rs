//! `preset`: part of an egg under a name.

use std::sync::LazyLock;

use super::egg::Egg;
use super::{Block, BlockSchema, build};

/// What a preset may hold: all that an egg may, and none of it required, at any depth. Presets are merged into what
/// uses them while it is checked, so a preset has no struct of its own.
#[must_use]
pub fn preset() -> &'static BlockSchema {
    static SCHEMA: LazyLock<BlockSchema> = LazyLock::new(|| {
        let mut schema = build::block(
            "preset",
            "What several eggs have in common, written once. An egg or eggsbucket takes it over with \
             `use = preset.small`, or several with `use = [preset.a, preset.b]`, and whatever it says itself wins: \
             attributes override, blocks of one kind and label merge attribute by attribute, lists replace. A preset \
             may hold any part of an egg, none of which is required, and may itself use presets.",
        );
        schema.labels = &["name"];
        schema.uses_presets = true;
        schema.add_defaults(Egg::schema());
        schema
    });
    &SCHEMA
}
