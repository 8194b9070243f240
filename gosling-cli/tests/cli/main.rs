//! `gosling` as people and CI run it: the built binary in folders of its own.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod add;
mod eval;
mod fmt;
mod learn;
mod loading;
mod start;
mod support;
mod talk;
mod terminal;
mod validate;
