//! Syntax trees in, a typed Nest and its problems out. No IO: files come from whoever calls.

pub mod checked;
pub mod domain;
pub mod files;
pub mod functions;
pub mod json;
pub mod nest;
#[allow(dead_code)]
pub mod problems;
pub mod reference;
pub mod schema;
pub mod types;
pub mod value;
pub mod variables;

pub use files::{NestFiles, ReadError, ReadFile, Refusal, Refused};
pub use variables::{Given, Variables};
