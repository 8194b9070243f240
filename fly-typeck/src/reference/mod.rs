//! What people and editors read about the language, made from the schemas that checking uses: the reference page,
//! JSON Schema, hover text, completion. Nothing here says anything of its own about a block kind.

mod catalogue;
mod find;
mod hover;
mod json_schema;
mod markdown;
mod words;

pub use hover::{Candidate, candidates, hover, names};
pub use json_schema::json_schema;
pub use markdown::markdown;
