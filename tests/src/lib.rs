//! Tests over the whole workspace live in this crate.
