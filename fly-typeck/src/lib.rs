//! Syntax trees in, a typed Nest and its problems out. No IO: files come from whoever calls.

pub mod checked;
pub mod files;
pub mod functions;
pub mod json;
pub mod nest;
pub mod problems;
pub mod reference;
pub mod schema;
pub mod types;
pub mod value;
pub mod variables;

mod bare;
mod body;
mod check;
mod crosscheck;
mod declared;
mod entity;
mod evaluate;
mod exposed;
mod expr;
mod free;
mod given;
mod globals;
mod instances;
mod layout;
mod literal;
mod merge;
mod predicate;
mod resolve;
mod rules;
mod sink;
mod template;
mod walk;
mod withhold;

pub use check::{Checked, check};
pub use evaluate::{Evaluated, evaluate, nest_value};
pub use exposed::{Names, exposed};
pub use files::{NestFiles, ReadError, ReadFile, Refusal, Refused};
pub use predicate::{FACTS, STATES};
pub use value::Value;
pub use variables::{Given, Variables};
pub use withhold::{MASK, withhold, without_tokens};
