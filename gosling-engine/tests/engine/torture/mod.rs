//! Everything that can go wrong, at every point at which it can: counted, and printed as tables with `--nocapture`.
//! The ordinary tests try some of it; `just torture`, which sets `POLAR_GOSLING_TORTURE`, tries all.

pub(crate) mod drive;
pub(crate) mod matrix;
mod mutants;
mod opens;
mod power;
mod race;
pub(crate) mod setting;
pub(crate) mod table;
