//! What must hold of the whole: architecture, documentation, examples, cases.

#![allow(clippy::unwrap_used, clippy::panic)]

mod apply;
mod architecture;
mod archive;
mod cases;
mod compiled;
mod disk;
mod docs;
mod examples;
mod gosling;
mod hostile;
mod mistakes;
mod pages;
mod pre_commit;
mod readme;
mod tasks;
mod together;
mod workspace;
