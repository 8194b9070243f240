//! What must hold of the whole: architecture, documentation, examples, cases.

#![allow(clippy::unwrap_used, clippy::panic)]

mod apply;
mod architecture;
mod archive;
mod boot;
mod by_hand;
mod canary;
mod cases;
mod compiled;
mod disk;
mod docs;
mod examples;
mod gosling;
mod hostile;
mod interrupted;
mod json;
mod lab;
mod many;
mod mistakes;
mod pages;
mod planned;
mod pre_commit;
mod preflight;
mod readme;
mod refused;
mod rollback;
mod runbooks;
mod sealed_state;
mod shared_state;
mod state;
mod state_in_s3;
mod tasks;
mod together;
mod torture;
mod workspace;
